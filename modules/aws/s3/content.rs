//! What an object consists of, and what kind of thing it is.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use rplay_module::{ControllerFile, Failure, Result};
use sha2::Sha256;

/// The largest object that one call can send.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// What S3 takes an object for of which nothing is said.
pub(crate) const UNKNOWN_TYPE: &str = "binary/octet-stream";

/// Where an object's bytes come from.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    File(PathBuf),
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

/// The marks by which two contents are told apart without sending either.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) size: u64,
    /// The `ETag` of an object that was sent in one call, and not encrypted with a key of KMS.
    pub(crate) md5: String,
    /// In base64, as S3 has it.
    pub(crate) sha256: String,
}

impl Marks {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self {
            size: bytes.len() as u64,
            md5: hex(&Md5::digest(bytes)),
            sha256: STANDARD.encode(Sha256::digest(bytes)),
        }
    }
}

/// Returns the `ETag` that an object has when it was sent in parts of this size: the MD5 of the parts' MD5s, and how many.
pub(crate) fn etag_in_parts(bytes: &[u8], part: usize) -> String {
    let parts = bytes.chunks(part.max(1));
    let count = parts.len();
    let joined: Vec<u8> = parts.flat_map(|part| Md5::digest(part).to_vec()).collect();
    format!("{}-{count}", hex(&Md5::digest(&joined)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns the media type that a file's name tells, as Python's `mimetypes` knows the usual ones. What is packed once
/// more (`gz`) has none by itself.
pub(crate) fn media_type(name: &str) -> &'static str {
    let ending = |name: &str| {
        Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase()
    };
    let stem = |name: &str| Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let last = ending(name);
    let last =
        if matches!(last.as_str(), "gz" | "z" | "bz2" | "xz" | "br") { ending(&stem(name)) } else { last };
    match last.as_str() {
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "csv" => "text/csv",
        "js" | "mjs" => "text/javascript",
        "txt" => "text/plain",
        "xml" => "text/xml",
        "md" => "text/markdown",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "tar" | "tgz" | "taz" => "application/x-tar",
        "sh" => "application/x-sh",
        "py" => "text/x-python",
        "png" => "image/png",
        "jpg" | "jpeg" | "jpe" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "bmp" => "image/bmp",
        "tif" | "tiff" => "image/tiff",
        "ico" => "image/vnd.microsoft.icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        "mp3" => "audio/mpeg",
        "wav" => "audio/x-wav",
        _ => UNKNOWN_TYPE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_etag_of_parts_is_the_one_that_s3_makes() {
        // Two parts, `aaaa` and `bb`: md5(md5(aaaa) + md5(bb)).
        let whole = etag_in_parts(b"aaaabb", 4);
        let by_hand = [Md5::digest(b"aaaa").to_vec(), Md5::digest(b"bb").to_vec()].concat();
        assert_eq!(whole, format!("{}-2", hex(&Md5::digest(&by_hand))));
        assert_eq!(Marks::of(b"").md5, "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn a_type_is_told_from_the_name() {
        for (name, expected) in [
            ("a/index.HTML", "text/html"),
            ("x.tar.gz", "application/x-tar"),
            ("x.gz", UNKNOWN_TYPE),
            ("style.css.gz", "text/css"),
            ("README", UNKNOWN_TYPE),
        ] {
            assert_eq!(media_type(name), expected, "{name}");
        }
    }
}
