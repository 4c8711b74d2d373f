//! What an object consists of, and what kind of thing it is.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use rplay_module::{ControllerFile, Failure, Result};

/// The largest object that one call can send.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// Where an object's bytes come from.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    File(std::path::PathBuf),
}

impl Content {
    /// Returns the content that the parameters name.
    pub(crate) fn of(
        src: Option<&ControllerFile>,
        text: Option<&str>,
        encoded: Option<&str>,
    ) -> Result<Option<Self>> {
        if let Some(text) = text {
            return Ok(Some(Self::Bytes(text.as_bytes().to_vec())));
        }
        if let Some(encoded) = encoded {
            let bytes = STANDARD
                .decode(encoded.split_whitespace().collect::<String>())
                .map_err(|error| Failure::new(format!("could not decode content_base64: {error}")))?;
            return Ok(Some(Self::Bytes(bytes)));
        }
        Ok(src.map(|src| match &src.content {
            Some(content) => Self::Bytes(content.clone()),
            None => Self::File(src.path.clone()),
        }))
    }

    /// Returns the MD5 of the content in hex, which is the `ETag` of an object sent in one call.
    pub(crate) async fn etag(&self) -> Result<String> {
        let bytes = match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::File(path) => read(path).await?,
        };
        Ok(Md5::digest(&bytes).iter().fold(String::new(), |mut etag, byte| {
            write!(etag, "{byte:02x}").expect("a string takes any text");
            etag
        }))
    }

    pub(crate) async fn bytes(&self) -> Result<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::File(path) => read(path).await,
        }
    }
}

async fn read(path: &Path) -> Result<Vec<u8>> {
    let fail = |error: std::io::Error| Failure::new(format!("could not read {}: {error}", path.display()));
    let size = tokio::fs::metadata(path).await.map_err(fail)?.len();
    if size > LARGEST {
        return Err(Failure::new(format!(
            "could not send {}: it has {size} bytes, and one call takes at most 5 GiB",
            path.display()
        )));
    }
    tokio::fs::read(path).await.map_err(fail)
}

/// Returns the media type that a file's name tells, as Python's `mimetypes` knows the usual ones.
pub(crate) fn media_type(name: &str) -> &'static str {
    let ending =
        Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
    match ending.as_str() {
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "csv" => "text/csv",
        "js" | "mjs" => "text/javascript",
        "txt" | "text" | "log" | "conf" => "text/plain",
        "xml" => "text/xml",
        "md" => "text/markdown",
        "json" | "map" => "application/json",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        "tar" => "application/x-tar",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "webp" => "image/webp",
        "ico" => "image/vnd.microsoft.icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "mp4" => "video/mp4",
        "mp3" => "audio/mpeg",
        _ => "binary/octet-stream",
    }
}
