//! The content of files: where it comes from, its checksums, and what of it is shown.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use md5::{Digest as _, Md5};
use rplay_module::{Cx, Diff, DiffSide, unknown};
use sha1::Sha1;

/// Where the content of a file comes from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    Bytes(Vec<u8>),
    File(PathBuf),
}

/// The checksums that results name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) sha1: String,
    pub(crate) md5: String,
}

impl Source {
    pub(crate) fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(bytes.as_slice()),
            Self::File(path) => Box::new(File::open(path)?),
        })
    }

    pub(crate) fn copy_to(&self, mut file: impl Write) -> io::Result<()> {
        io::copy(&mut self.reader()?, &mut file).map(drop)
    }

    /// Returns the checksums; in place of that of a text that is not known yet stands its marker.
    pub(crate) fn sums(&self) -> io::Result<Sums> {
        if let Self::Bytes(bytes) = self
            && let Some(cause) = std::str::from_utf8(bytes).ok().and_then(unknown::cause)
        {
            let marker = unknown::marker(cause, "content");
            return Ok(Sums { sha1: marker.clone(), md5: marker });
        }
        let (mut sha1, mut md5) = (Sha1::new(), Md5::new());
        read_through(self.reader()?, |chunk| {
            sha1.update(chunk);
            md5.update(chunk);
        })?;
        Ok(Sums { sha1: hex(&sha1.finalize()), md5: hex(&md5.finalize()) })
    }
}

/// Returns the SHA-1 of a file.
pub(crate) fn sha1(path: &Path) -> io::Result<String> {
    digest::<Sha1>(path)
}

/// Returns the checksum of a file by any algorithm.
pub(crate) fn digest<D: sha1::Digest>(path: &Path) -> io::Result<String> {
    let mut digest = D::new();
    read_through(File::open(path)?, |chunk| digest.update(chunk))?;
    Ok(hex(&digest.finalize()))
}

fn read_through(mut reader: impl Read, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        each(buffer.get(..read).unwrap_or_default());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A content as `--diff` shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Shown {
    #[default]
    Absent,
    Text(String),
    Binary,
    /// Longer than this many bytes.
    Larger(u64),
}

impl Shown {
    /// Reads what can be shown. A null byte says that it is binary: in a file that is there among the first 8192, as
    /// Ansible peeks at it, in a source anywhere.
    pub(crate) fn of(source: &Source, longest: u64, peek: Option<usize>) -> Self {
        let Ok(mut bytes) = read_up_to(source, longest) else { return Self::Text(String::new()) };
        if peek.is_none() && bytes.len() as u64 > longest {
            return Self::Larger(longest);
        }
        let peeked = bytes.get(..peek.unwrap_or(bytes.len())).unwrap_or(&bytes);
        if peeked.contains(&0) {
            return Self::Binary;
        }
        if bytes.len() as u64 > longest {
            return Self::Larger(longest);
        }
        Self::Text(match String::from_utf8(std::mem::take(&mut bytes)) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }
}

fn read_up_to(source: &Source, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.reader()?.take(longest.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The longest text that `--diff` shows.
pub(crate) fn longest_diff(cx: &Cx) -> u64 {
    const ANSIBLES: u64 = 104_448;
    let set = cx.env("ANSIBLE_MAX_DIFF_SIZE").and_then(|text| text.trim().parse().ok()).unwrap_or(ANSIBLES);
    // Zero is no limit.
    if set == 0 { u64::MAX } else { set }
}

/// Returns the difference of two contents, or the notice that stands in its place.
pub(crate) fn difference(before: &Shown, after: &Shown, dest: &str, source: &str) -> Diff {
    let notice = |shown: &Shown, side: &str| match shown {
        Shown::Binary => format!("diff skipped: {side} file appears to be binary\n"),
        Shown::Larger(longest) => format!("diff skipped: {side} file size is greater than {longest}\n"),
        Shown::Absent | Shown::Text(_) => String::new(),
    };
    let notices = notice(before, "destination") + &notice(after, "source");
    if !notices.is_empty() {
        let absent = DiffSide::Absent;
        return Diff {
            before: absent.clone(),
            after: absent,
            before_header: None,
            after_header: None,
            prepared: Some(notices),
        };
    }
    let (old, before_header) = match before {
        Shown::Text(text) => (text.clone(), Some(dest.to_owned())),
        _ => (String::new(), None),
    };
    let new = if let Shown::Text(text) = after { text.clone() } else { String::new() };
    Diff {
        before: DiffSide::Text(old),
        after: DiffSide::Text(new),
        before_header,
        after_header: Some(source.to_owned()),
        prepared: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Source {
        Source::Bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn sums_are_those_of_the_usual_tools() {
        let sums = bytes("one\n").sums().unwrap();
        assert_eq!(sums.sha1, "c7059bb19433cc3cabaa6236c83d56668a843dd2");
        assert_eq!(sums.md5, "5bbf5a52328e7439ae6e719dfe712200");
    }

    #[test]
    fn an_unknown_text_has_an_unknown_sum() {
        let text = format!("url={}", unknown::marker(unknown::Cause::Created, "elb app: dns_name"));
        assert!(unknown::is_unknown(&bytes(&text).sums().unwrap().sha1));
    }

    #[test]
    fn what_is_binary_or_too_long_is_not_shown() {
        assert_eq!(Shown::of(&bytes("ab"), 2, None), Shown::Text("ab".to_owned()));
        assert_eq!(Shown::of(&bytes("abc"), 2, None), Shown::Larger(2));
        assert_eq!(Shown::of(&bytes("a\0c"), 9, None), Shown::Binary);
        assert_eq!(Shown::of(&bytes("a\0c"), 2, Some(8192)), Shown::Binary);
        assert_eq!(Shown::of(&bytes("a\0c"), 9, Some(1)), Shown::Text("a\0c".to_owned()));
    }

    #[test]
    fn notices_stand_in_place_of_the_difference() {
        let shown = difference(&Shown::Binary, &Shown::Larger(5), "/d", "/s");
        assert_eq!(
            shown.prepared.as_deref(),
            Some(
                "diff skipped: destination file appears to be binary\ndiff skipped: source file size is greater than 5\n"
            )
        );
        let new = difference(&Shown::Absent, &Shown::Text("x".to_owned()), "/d", "/s");
        assert_eq!((new.before, new.before_header), (DiffSide::Text(String::new()), None));
    }
}
