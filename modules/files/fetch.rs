use std::path::PathBuf;

use md5::Md5;
use rplay_module::{Action, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::json;

use crate::seen::system_words;
use crate::{content, paths};

/// Brings a file of the host to this side, into a folder for each host.
#[derive(Params)]
pub(crate) struct FetchParams {
    /// The file.
    src: String,
    /// The folder that has a folder for each host; with `flat` the file itself.
    dest: PathBuf,
    /// Whether the file goes where `dest` says: a path that ends with a slash is a folder it goes into.
    #[param(default = false)]
    flat: bool,
    /// Whether a file that is not there is a failure.
    #[param(default = true)]
    fail_on_missing: bool,
    /// Whether the file that was brought is compared with the one that is there.
    #[param(default = true)]
    validate_checksum: bool,
    /// The host's name, which the engine gives.
    #[param(name = "_inventory_hostname", default = "localhost")]
    host: String,
}

impl FetchParams {
    fn dest(&self, cx: &Cx, src: &str) -> Result<String> {
        let dest = paths::expand(cx, &self.dest);
        let here = |path: &str| paths::real(cx, path).to_string_lossy().into_owned();
        if !self.flat {
            return Ok(paths::normal(&format!("{}/{}/{src}", here(&dest), self.host)));
        }
        if dest.ends_with('/') {
            let dest = paths::join(&dest, paths::name_of(src));
            if paths::real(cx, &dest).is_dir() {
                return Err(Failure::new(format!(
                    "calculated dest '{dest}' is an existing directory, use another path that does not point to an existing \
                     directory"
                )));
            }
            return Ok(paths::normal(&here(&dest)));
        }
        if paths::real(cx, &dest).is_dir() {
            return Err(Failure::new(
                "dest is an existing directory, use a trailing slash if you want to fetch src into that directory",
            )
            .refused());
        }
        Ok(paths::normal(&here(&dest)))
    }

    /// Tells that there is nothing to bring; `None` where there is.
    fn missing(&self, cx: &Cx, src: &str) -> Result<Option<Deed>> {
        let path = paths::real(cx, src);
        if path.is_dir() {
            let message = "remote file is a directory, fetch cannot work on directories";
            return if self.fail_on_missing {
                Err(Failure::new(message).by_action())
            } else {
                let message = format!("{message}, not transferring, ignored");
                Ok(Some(Deed::new(false, json!({ "msg": message }))))
            };
        }
        if path.exists() {
            return Ok(None);
        }
        let message = "the remote file does not exist, not transferring, ignored";
        if self.fail_on_missing {
            let failure = Failure::new(format!("File not found: {src}"));
            let because = format!("[Errno 2] No such file or directory: {}", crate::python::literal(src));
            return Err(Failure { message: message.to_owned(), ..failure.because(because) });
        }
        Ok(Some(Deed::new(false, json!({ "msg": message, "file": src }))))
    }
}

pub(crate) struct Fetch;

impl Action for Fetch {
    type Params = FetchParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, _cx: &Cx, _p: &FetchParams) -> Result<Deed> {
        let message = "check mode not (yet) supported for this module";
        Ok(Deed { skipped: true, ..Deed::new(false, json!({ "msg": message })) })
    }

    async fn perform(&self, cx: &Cx, p: &FetchParams) -> Result<Deed> {
        let src = paths::expand(cx, p.src.as_ref());
        if let Some(deed) = p.missing(cx, &src)? {
            return Ok(deed);
        }
        let fail = |error: std::io::Error| {
            Failure::new(format!("Failed to fetch the file. {}", system_words(&error)))
        };
        let from = paths::real(cx, &src);
        let there = content::sha1(&from).map_err(fail)?;
        let dest = p.dest(cx, &src)?;
        let to = paths::real(cx, &dest);
        if content::sha1(&to).is_ok_and(|own| own == there) {
            let md5 = content::digest::<Md5>(&to).map_err(fail)?;
            let told = json!({ "md5sum": md5, "file": src, "dest": dest, "checksum": there });
            return Ok(Deed::new(false, told));
        }
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(fail)?;
        }
        std::fs::copy(&from, &to).map_err(fail)?;
        let own = content::sha1(&to).map_err(fail)?;
        let md5 = content::digest::<Md5>(&to).map_err(fail)?;
        if p.validate_checksum && own != there {
            return Err(Failure::new("checksum mismatch")
                .field("file", src)
                .field("dest", dest)
                .field("md5sum", md5)
                .field("remote_md5sum", serde_json::Value::Null)
                .field("checksum", own)
                .field("remote_checksum", there));
        }
        let told = json!({
            "md5sum": md5, "dest": dest, "remote_md5sum": null, "checksum": own, "remote_checksum": there,
        });
        Ok(Deed::new(true, told))
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::{Mode, Outcome};
    use serde_json::{Value, json};

    use crate::tests::Bench;

    async fn run(bench: &Bench, args: Value) -> Outcome {
        bench.run("fetch", &args, Mode::Apply).await
    }

    #[tokio::test]
    async fn a_file_is_brought_into_a_folder_of_its_host() {
        let bench = Bench::new();
        bench.write("a/f", "one\n");
        let src = bench.path("a/f").display().to_string();
        let args = json!({ "src": src, "dest": "got", "_inventory_hostname": "web" });
        let fetched = run(&bench, args.clone()).await;
        assert!(fetched.changed, "{:?}", fetched.failure);
        assert_eq!(bench.read(&format!("got/web{src}")), "one\n");
        assert_eq!(fetched.result["checksum"], "c7059bb19433cc3cabaa6236c83d56668a843dd2");
        let kept = run(&bench, args).await;
        assert_eq!((kept.changed, &kept.result["file"]), (false, &json!(src)));
    }

    #[tokio::test]
    async fn a_file_is_brought_where_it_shall_be() {
        let bench = Bench::new();
        bench.write("a/f", "one\n");
        assert!(run(&bench, json!({ "src": "a/f", "dest": "x/", "flat": true })).await.changed);
        assert!(run(&bench, json!({ "src": "a/f", "dest": "y", "flat": true })).await.changed);
        assert_eq!((bench.read("x/f"), bench.read("y")), ("one\n".to_owned(), "one\n".to_owned()));
        let failed = run(&bench, json!({ "src": "a/f", "dest": "x", "flat": true })).await.failure.unwrap();
        assert!(failed.message.starts_with("dest is an existing directory"));
    }

    #[tokio::test]
    async fn what_is_not_there_is_a_failure_unless_told_otherwise() {
        let bench = Bench::new();
        for (src, message) in [
            ("none", "the remote file does not exist, not transferring, ignored"),
            (".", "remote file is a directory, fetch cannot work on directories"),
        ] {
            let failed = run(&bench, json!({ "src": src, "dest": "x" })).await.failure.unwrap();
            assert_eq!(failed.message, message);
            let ignored = run(&bench, json!({ "src": src, "dest": "x", "fail_on_missing": false })).await;
            assert!(ignored.failure.is_none() && !ignored.changed);
        }
    }
}
