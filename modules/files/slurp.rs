use std::io::ErrorKind;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rplay_module::{Action, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::json;

use crate::paths;
use crate::seen::errno_words;

/// Reads a file of the host, in base64.
#[derive(Params)]
pub(crate) struct SlurpParams {
    /// The file.
    #[param(alias = "path")]
    src: PathBuf,
}

pub(crate) struct Slurp;

impl Action for Slurp {
    type Params = SlurpParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &SlurpParams) -> Result<Deed> {
        let source = paths::expand(cx, &p.src);
        let bytes = std::fs::read(paths::real(cx, &source)).map_err(|error| {
            Failure::new(match error.kind() {
                ErrorKind::NotFound => format!("File not found: {source}"),
                ErrorKind::PermissionDenied => format!("File is not readable: {source}"),
                ErrorKind::IsADirectory => format!("Source is a directory and must be a file: {source}"),
                _ => format!("Unable to slurp file: {source}"),
            })
            .because(errno_words(&error, source.as_ref()).replacen(": b", ": ", 1))
        })?;
        Ok(Deed::new(
            false,
            json!({ "content": STANDARD.encode(bytes), "source": source, "encoding": "base64" }),
        ))
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::Mode;
    use serde_json::{Value, json};

    use crate::tests::Bench;

    #[tokio::test]
    async fn a_file_is_read_whatever_is_in_it() {
        let bench = Bench::new();
        std::fs::write(bench.path("f"), b"a\xff\n").unwrap();
        let read = bench.run("slurp", &json!({ "src": "f" }), Mode::Check).await;
        assert_eq!(
            Value::Object(read.result),
            json!({ "content": "Yf8K", "source": "f", "encoding": "base64" })
        );
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_named() {
        let bench = Bench::new();
        for (path, message) in
            [("f", "File not found: f"), (".", "Source is a directory and must be a file: .")]
        {
            let failed = bench.run("slurp", &json!({ "path": path }), Mode::Apply).await;
            assert_eq!(failed.failure.unwrap().message, message);
        }
    }
}
