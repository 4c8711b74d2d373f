use std::path::PathBuf;

use rplay_module::{Action, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::{Map, Value, json};

use crate::paths;

/// Tells what has become of an asynchronous task.
#[derive(Params)]
pub(crate) struct AsyncStatusParams {
    /// The task's name, as it was returned when it began.
    #[param(required)]
    jid: String,
    /// `status` tells, `cleanup` removes the file with the result.
    #[param(default = "status", choices("status", "cleanup"))]
    mode: String,
    /// The folder with the results; the interpreter says it.
    #[param(name = "_async_dir", default = "~/.ansible_async")]
    folder: PathBuf,
}

pub(crate) struct AsyncStatus;

impl Action for AsyncStatus {
    type Params = AsyncStatusParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &AsyncStatusParams) -> Result<Deed> {
        let folder = paths::expand(cx, &p.folder);
        let file = format!("{folder}/{}", p.jid);
        let mut result = Map::from_iter([
            ("started".to_owned(), json!(false)),
            ("finished".to_owned(), json!(false)),
            ("stdout".to_owned(), json!("")),
            ("stdout_lines".to_owned(), json!([])),
            ("stderr".to_owned(), json!("")),
            ("stderr_lines".to_owned(), json!([])),
            ("ansible_job_id".to_owned(), json!(p.jid)),
        ]);
        if p.mode == "cleanup" {
            result.insert("erased".to_owned(), json!(file));
        } else {
            result.insert("results_file".to_owned(), json!(file));
            result.insert("started".to_owned(), json!(true));
        }
        if !std::path::Path::new(&file).exists() {
            result.insert("started".to_owned(), json!(true));
            result.insert("finished".to_owned(), json!(true));
            let mut failure = Failure::new("could not find job");
            failure.result = result;
            return Err(failure);
        }
        if p.mode == "cleanup" {
            std::fs::remove_file(&file)
                .map_err(|error| Failure::new(format!("could not remove {file}: {error}")))?;
            return Ok(Deed::new(false, Value::Object(result)));
        }
        Ok(told(result, &std::fs::read(&file).unwrap_or_default()))
    }
}

/// Adds what the file says; one that cannot be read is being written.
fn told(mut result: Map<String, Value>, file: &[u8]) -> Deed {
    let Ok(Value::Object(data)) = serde_json::from_slice(file) else {
        return Deed::new(false, Value::Object(result));
    };
    let over = !data.contains_key("started");
    let flag = |name: &str| data.get(name).and_then(Value::as_bool).unwrap_or(false);
    let (changed, failed, skipped) = (flag("changed"), flag("failed"), flag("skipped"));
    let message = data.get("msg").and_then(Value::as_str).unwrap_or_default().to_owned();
    result.extend(data);
    if over {
        result.insert("finished".to_owned(), json!(true));
    }
    let mut deed = Deed::new(changed, Value::Object(result));
    deed.skipped = skipped;
    deed.failure = failed.then(|| Failure::new(message));
    deed
}

#[cfg(test)]
mod tests {
    use rplay_module::Mode;
    use serde_json::json;

    use crate::tests::Bench;

    #[tokio::test]
    async fn a_task_goes_from_started_to_finished_to_removed() {
        let (bench, folder) = (Bench::new(), tempfile::tempdir().unwrap());
        let file = folder.path().join("j1.2");
        let status = json!({ "jid": "j1.2", "_async_dir": folder.path() });
        let missing = bench.run("async_status", &status, Mode::Apply).await.failure.unwrap();
        assert_eq!(missing.message, "could not find job");
        std::fs::write(&file, "").unwrap();
        let begun = bench.run("async_status", &status, Mode::Apply).await;
        assert_eq!((&begun.result["started"], &begun.result["finished"]), (&json!(true), &json!(false)));
        std::fs::write(&file, r#"{"changed": true, "rc": 0, "stdout": "x"}"#).unwrap();
        let done = bench.run("async_status", &status, Mode::Check).await;
        assert!(
            done.changed && done.result["finished"] == json!(true) && done.result["stdout"] == json!("x")
        );
        std::fs::write(&file, r#"{"failed": true, "msg": "no"}"#).unwrap();
        let failed = bench.run("async_status", &status, Mode::Apply).await;
        assert_eq!(failed.failure.unwrap().message, "no");
        let cleanup = json!({ "jid": "j1.2", "mode": "cleanup", "_async_dir": folder.path() });
        let gone = bench.run("async_status", &cleanup, Mode::Apply).await;
        assert_eq!(gone.result["erased"], json!(file));
        assert!(!file.exists());
    }
}
