use std::path::{Component, Path, PathBuf};

use indexmap::IndexMap;
use rplay_module::Mode;
use rplay_template::Value;
use serde_json::json;

use crate::hex::hex;
use crate::run::{Ended, Runner, Spot, Stop, TaskRun};

/// Brings a file of the host's to the controller. One of this very machine and user is the module's business.
#[derive(rplay_module::Params)]
pub(super) struct Params {
    /// The file on the host.
    src: Option<String>,
    /// The folder here; under it the host's name and the file's path.
    dest: Option<String>,
    /// Whether `dest` is the file's own place.
    #[param(default = false)]
    flat: bool,
    /// Whether a file that is not there is a failure.
    #[param(default = true)]
    fail_on_missing: bool,
    /// Whether the checksum of what arrived is compared.
    #[param(default = true)]
    validate_checksum: bool,
}

/// Source of the results: `ansible/plugins/action/fetch.py`.
pub(super) async fn run(
    runner: &Runner,
    task: &TaskRun<'_>,
    spot: &Spot<'_>,
    args: &IndexMap<String, Value>,
) -> Result<Ended, Stop> {
    let params: Params = match super::params("fetch", args) {
        Ok(params) => params,
        Err(ended) => return Ok(*ended),
    };
    if runner.task_mode(task, spot.scope) != Mode::Apply {
        let mut ended = Ended::default();
        ended.set("changed", false);
        ended.set("skipped", true);
        ended.set("msg", "check mode not (yet) supported for this module");
        return Ok(ended);
    }
    let fetch = Fetch { runner, task, spot, params: &params };
    tokio::select! {
        ended = fetch.run() => Ok(ended.unwrap_or_else(|ended| *ended)),
        () = runner.interrupt.requested() => Err(Stop::Interrupted),
    }
}

struct Fetch<'a> {
    runner: &'a Runner,
    task: &'a TaskRun<'a>,
    spot: &'a Spot<'a>,
    params: &'a Params,
}

/// What the host has to say of a file.
enum Read {
    Content(Vec<u8>),
    Missing,
    Folder,
    Refused(String),
}

impl Fetch<'_> {
    async fn run(&self) -> Result<Ended, Box<Ended>> {
        let (Some(src), Some(dest)) = (&self.params.src, &self.params.dest) else {
            return Ok(self.failed("src and dest are required"));
        };
        let content = match self.read(src).await? {
            Read::Content(content) => content,
            other => return Ok(self.without(src, &other)),
        };
        let place = match self.place(src, dest) {
            Ok(place) => place,
            Err(message) => return Ok(self.failed(&message)),
        };
        let sum = sha1(&content);
        let here = std::fs::read(&place).ok().map(|here| sha1(&here));
        let mut ended = Ended::default();
        ended.set("failed", false);
        ended.set("dest", place.display().to_string());
        ended.set("checksum", sum.clone());
        ended.set("md5sum", md5(&content));
        if here.as_ref() == Some(&sum) {
            ended.set("changed", false);
            ended.set("file", src.as_str());
            return Ok(ended);
        }
        if let Err(error) = write(&place, &content) {
            return Ok(self.failed(&format!("Failed to fetch the file: {error}")));
        }
        let arrived = std::fs::read(&place).map(|arrived| sha1(&arrived)).unwrap_or_default();
        if self.params.validate_checksum && arrived != sum {
            ended.set("failed", true);
            ended.set("msg", "checksum mismatch");
            ended.set("file", src.as_str());
            ended.set("checksum", arrived);
        } else {
            ended.set("changed", true);
        }
        ended.set("remote_checksum", sum);
        ended.set("remote_md5sum", json!(null));
        Ok(ended)
    }

    fn failed(&self, message: &str) -> Ended {
        let mut ended = Ended::failed(message);
        ended.causes.push(rplay_event::Fault::new("").at(&self.task.item.task.span));
        ended
    }

    async fn read(&self, src: &str) -> Result<Read, Box<Ended>> {
        let spot = self.spot;
        let place = self.runner.somewhere(self.task, &spot.host.name, spot.scope, spot.delegate)?;
        match self.runner.connections.read(&self.runner.children, &place, src).await {
            Ok(content) => Ok(Read::Content(content)),
            Err(failure) => match failure.result.get("errno").and_then(serde_json::Value::as_i64) {
                Some(errno) => Ok(told(i32::try_from(errno).ok(), &failure.message)),
                None => Err(Box::new(Runner::unconnected(self.task, &failure))),
            },
        }
    }

    fn without(&self, src: &str, read: &Read) -> Ended {
        let message = match read {
            Read::Folder => "remote file is a directory, fetch cannot work on directories".to_owned(),
            Read::Missing => "the remote file does not exist, not transferring, ignored".to_owned(),
            Read::Refused(why) => format!("file is not readable: {src}: {why}"),
            Read::Content(_) => String::new(),
        };
        if self.params.fail_on_missing {
            let mut ended = self.failed(&message);
            if matches!(read, Read::Missing) {
                let said = format!("File not found: {src}: [Errno 2] No such file or directory: '{src}'");
                let told = rplay_event::Fault::new(format!("Task failed: Module failed: {said}"));
                ended.causes = vec![told.at(&self.task.item.task.span)];
            }
            return ended;
        }
        let mut ended = Ended::default();
        ended.set("changed", false);
        ended.set("failed", false);
        ended.set("file", src);
        ended.set(
            "msg",
            match read {
                Read::Folder => format!("{message}, not transferring, ignored"),
                _ => message,
            },
        );
        ended
    }

    /// Returns where the file goes.
    fn place(&self, src: &str, dest: &str) -> Result<PathBuf, String> {
        let base = self.runner.task_folder(self.task);
        let home = self.runner.settings.home.as_deref();
        let absolute = |path: &str| match (path.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => base.join(path),
        };
        let name = src.rsplit('/').next().unwrap_or(src);
        if self.params.flat {
            let folder = absolute(dest);
            if dest.ends_with('/') {
                let place = folder.join(name);
                return if place.is_dir() {
                    Err(format!(
                        "calculated dest '{}' is an existing directory, use another path that does not point to an existing \
                         directory",
                        place.display()
                    ))
                } else {
                    Ok(normal(&place))
                };
            }
            if folder.is_dir() {
                return Err(
                    "dest is an existing directory, use a trailing slash if you want to fetch src into that \
                            directory"
                        .to_owned(),
                );
            }
            return Ok(normal(&folder));
        }
        let root = normal(&absolute(dest));
        let joined = format!("{}/{}/{src}", root.display(), self.spot.host.name);
        let place = normal(Path::new(&joined));
        if place.starts_with(&root) {
            Ok(place)
        } else {
            Err(format!(
                "Detected directory traversal, expected to be contained in '{}' but got '{}'",
                root.display(),
                place.display()
            ))
        }
    }
}

fn told(errno: Option<i32>, message: &str) -> Read {
    match errno {
        Some(libc::ENOENT | libc::ENOTDIR) => Read::Missing,
        Some(libc::EISDIR) => Read::Folder,
        _ => Read::Refused(message.to_owned()),
    }
}

fn write(place: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(place, content)
}

/// Takes `.` and `..` out of a path, as Python's `os.path.normpath` does.
fn normal(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

fn sha1(bytes: &[u8]) -> String {
    use sha1::Digest as _;
    hex(&sha1::Sha1::digest(bytes))
}

fn md5(bytes: &[u8]) -> String {
    use md5::Digest as _;
    hex(&md5::Md5::digest(bytes))
}
