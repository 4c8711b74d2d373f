//! The few ways of writing characters that need no tables: UTF-8, UTF-16, Latin-1 and ASCII.

use rplay_module::{Failure, Result};

/// A way of writing characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    Latin1,
    /// With a mark at the beginning, in the order that the mark says.
    Utf16,
    Utf16Le,
    Utf16Be,
}

impl Charset {
    /// Finds it by any of the names that Python knows it by.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let plain: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        Ok(match plain.as_str() {
            "utf8" | "ascii" | "usascii" | "u8" => Self::Utf8,
            "latin1" | "iso88591" | "l1" | "cp819" | "8859" => Self::Latin1,
            "utf16" | "u16" => Self::Utf16,
            "utf16le" => Self::Utf16Le,
            "utf16be" => Self::Utf16Be,
            _ => return Err(Failure::new(format!("unknown encoding: {name}"))),
        })
    }

    /// Reads a text; what cannot be read is an error in Python's manner.
    pub(crate) fn text(self, bytes: &[u8]) -> std::result::Result<String, String> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes)
                .map(str::to_owned)
                .map_err(|error| format!("invalid start byte in position {}", error.valid_up_to())),
            Self::Latin1 => Ok(bytes.iter().map(|&byte| char::from(byte)).collect()),
            Self::Utf16 => match bytes {
                [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
                marked => wide(marked.strip_prefix(&[0xff, 0xfe]).unwrap_or(marked), u16::from_le_bytes),
            },
            Self::Utf16Le => wide(bytes, u16::from_le_bytes),
            Self::Utf16Be => wide(bytes, u16::from_be_bytes),
        }
    }

    pub(crate) fn bytes(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Latin1 => text.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect(),
            Self::Utf16 => {
                [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
            }
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> std::result::Result<String, String> {
    let pairs = bytes.chunks(2).map(|pair| <[u8; 2]>::try_from(pair).map(unit));
    let units: Vec<u16> =
        pairs.collect::<std::result::Result<_, _>>().map_err(|_| "truncated data".to_owned())?;
    String::from_utf16(&units).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_go_there_and_back() {
        for name in ["utf-8", "UTF_16", "utf-16-be", "utf-16-le"] {
            let charset = Charset::named(name).unwrap();
            assert_eq!(charset.text(&charset.bytes("aä😀\n")).unwrap(), "aä😀\n", "{name}");
        }
        let latin = Charset::named("iso-8859-1").unwrap();
        assert_eq!(latin.text(&latin.bytes("aä")).unwrap(), "aä");
        assert!(Charset::named("klingon").is_err());
        assert!(Charset::Utf8.text(b"\xff").is_err());
    }
}
