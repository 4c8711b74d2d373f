use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rplay_module::{Action, Choice, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::json;

use crate::seen::{self, system_words};
use crate::{paths, python};

/// Makes a file or folder with a name that nothing else has.
#[derive(Params)]
pub(crate) struct TempfileParams {
    /// What to make.
    #[param(default = "file")]
    state: State,
    /// The folder to make it in; omitted it is the system's for such things.
    path: Option<PathBuf>,
    /// How its name begins.
    #[param(default = "ansible.")]
    prefix: String,
    /// How its name ends.
    #[param(default = "")]
    suffix: String,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    File,
    Directory,
}

pub(crate) struct Tempfile;

impl Action for Tempfile {
    type Params = TempfileParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Skip;

    async fn perform(&self, cx: &Cx, p: &TempfileParams) -> Result<Deed> {
        for (name, part) in [("prefix", &p.prefix), ("suffix", &p.suffix)] {
            if part.contains('/') {
                let message =
                    format!("{name} must be a valid file name component, got {}", python::literal(part));
                return Err(Failure::new(message));
            }
        }
        let folder = p.path.as_deref().map_or_else(|| default_folder(cx), |path| paths::expand(cx, path));
        // A hundred names that are all taken are no accident.
        for _ in 0..100 {
            let shown = paths::join(&folder, &format!("{}{}{}", p.prefix, chance(cx), p.suffix));
            match make(&paths::real(cx, &shown), p.state) {
                Ok(()) => {
                    let info = seen::info(cx, &shown).await;
                    let mut deed = Deed::new(true, json!({ "path": shown }));
                    deed.result.extend(info);
                    return Ok(deed);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    let number = error.raw_os_error().unwrap_or_default();
                    return Err(Failure::new(format!(
                        "[Errno {number}] {}: {}",
                        system_words(&error),
                        python::literal(&shown)
                    )));
                }
            }
        }
        Err(Failure::new("[Errno 17] No usable temporary file name found"))
    }
}

fn make(path: &Path, state: State) -> io::Result<()> {
    match state {
        State::File => File::options().write(true).create_new(true).mode(0o600).open(path).map(drop),
        State::Directory => DirBuilder::new().mode(0o700).create(path),
    }
}

/// The first of Python's places that is a folder.
fn default_folder(cx: &Cx) -> String {
    let named = ["TMPDIR", "TEMP", "TMP"].into_iter().filter_map(|name| cx.env(name));
    let known = ["/tmp", "/var/tmp", "/usr/tmp"].map(str::to_owned);
    let found = named.chain(known).find(|folder| !folder.is_empty() && paths::real(cx, folder).is_dir());
    found.unwrap_or_else(|| "/tmp".to_owned())
}

/// Eight letters by chance, as Python's `tempfile` makes them.
pub(crate) fn chance(cx: &Cx) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789_";
    let mut bytes = [0; 8];
    cx.world().random(&mut bytes);
    bytes
        .iter()
        .filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()))
        .map(|&byte| char::from(byte))
        .collect()
}

#[cfg(test)]
mod tests {
    use rplay_module::Mode;
    use serde_json::json;

    use crate::tests::Bench;

    #[tokio::test]
    async fn a_file_or_folder_is_made_for_its_owner_alone() {
        let bench = Bench::new();
        for (state, bits) in [("file", 0o600), ("directory", 0o700)] {
            let args = json!({ "state": state, "path": bench.path(""), "prefix": "x", "suffix": "-y" });
            let made = bench.run("tempfile", &args, Mode::Apply).await;
            let path = made.result["path"].as_str().unwrap();
            let name = path.rsplit('/').next().unwrap();
            assert!(
                made.changed && name.starts_with('x') && name.ends_with("-y") && name.len() == 11,
                "{path}"
            );
            assert_eq!((bench.mode(name), made.result["state"].as_str()), (bits, Some(state)));
            std::fs::rename(path, bench.path(&format!("moved-{state}"))).unwrap();
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_named() {
        let bench = Bench::new();
        let args = json!({ "path": "nowhere" });
        let failed = bench.run("tempfile", &args, Mode::Apply).await.failure.unwrap();
        assert!(
            failed.message.starts_with("[Errno 2] No such file or directory: 'nowhere/ansible."),
            "{failed}"
        );
        let failed = bench.run("tempfile", &json!({ "prefix": "a/b" }), Mode::Apply).await.failure.unwrap();
        assert_eq!(failed.message, "prefix must be a valid file name component, got 'a/b'");
    }

    #[tokio::test]
    async fn check_mode_leaves_it_out() {
        assert!(Bench::new().run("tempfile", &json!({}), Mode::Check).await.skipped);
    }
}
