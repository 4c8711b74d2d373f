//! Ways of writing characters: those without tables here, the rest by `encoding_rs`.

use encoding_rs::Encoding;
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
    /// One with a table.
    Tabled(&'static Encoding),
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
            _ => return tabled(&plain).ok_or_else(|| Failure::new(format!("unknown encoding: {name}"))),
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
            Self::Tabled(encoding) => encoding
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(std::borrow::Cow::into_owned)
                .ok_or_else(|| "illegal multibyte sequence".to_owned()),
        }
    }

    /// Writes a text.
    ///
    /// # Errors
    /// When there is no way to write one of its characters.
    pub(crate) fn bytes(self, text: &str) -> Result<Vec<u8>> {
        let unwritable = || Failure::new("there is a character that cannot be written in this encoding");
        Ok(match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Latin1 => {
                let bytes = text.chars().map(u8::try_from);
                bytes.collect::<std::result::Result<_, _>>().map_err(|_| unwritable())?
            }
            Self::Tabled(encoding) => match encoding.encode(text) {
                (bytes, _, false) => bytes.into_owned(),
                (_, _, true) => return Err(unwritable()),
            },
            Self::Utf16 => {
                [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
            }
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        })
    }
}

/// Finds an encoding by the name that Python knows it by, without its dashes.
fn tabled(plain: &str) -> Option<Charset> {
    let label = match plain {
        "gbk" | "cp936" | "936" | "ms936" | "gb2312" | "euccn" | "chinese" => "gbk".to_owned(),
        "gb18030" | "gb180302000" => "gb18030".to_owned(),
        "big5" | "big5hkscs" | "cp950" | "950" | "ms950" => "big5".to_owned(),
        "shiftjis" | "sjis" | "cp932" | "932" | "ms932" | "windows31j" => "shift_jis".to_owned(),
        "eucjp" | "ujis" => "euc-jp".to_owned(),
        "iso2022jp" => "iso-2022-jp".to_owned(),
        "euckr" | "cp949" | "949" | "uhc" | "korean" => "euc-kr".to_owned(),
        "koi8r" => "koi8-r".to_owned(),
        "koi8u" => "koi8-u".to_owned(),
        "cp866" | "866" | "ibm866" => "ibm866".to_owned(),
        "macroman" | "macintosh" => "macintosh".to_owned(),
        "latin2" | "l2" => "iso-8859-2".to_owned(),
        "latin9" | "l9" => "iso-8859-15".to_owned(),
        other => {
            let windows = ["cp", "windows"].iter().find_map(|prefix| other.strip_prefix(prefix));
            let number = windows.filter(|number| number.starts_with("125"));
            number.map_or_else(
                || other.strip_prefix("iso8859").map(|part| format!("iso-8859-{part}")),
                |number| Some(format!("windows-{number}")),
            )?
        }
    };
    Encoding::for_label_no_replacement(label.as_bytes()).map(Charset::Tabled)
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
        for (name, text) in [
            ("utf-8", "aä😀\n"),
            ("UTF_16", "aä😀\n"),
            ("utf-16-be", "aä😀\n"),
            ("utf-16-le", "aä😀\n"),
            ("iso-8859-1", "aä"),
            ("gbk", "世界"),
            ("Shift_JIS", "世界"),
            ("cp1251", "мир"),
            ("iso8859_15", "1€"),
        ] {
            let charset = Charset::named(name).unwrap();
            assert_eq!(charset.text(&charset.bytes(text).unwrap()).unwrap(), text, "{name}");
        }
        assert_eq!(Charset::named("gbk").unwrap().bytes("世").unwrap(), b"\xca\xc0");
        assert!(Charset::named("cp1251").unwrap().bytes("世").is_err());
        assert!(Charset::named("klingon").is_err());
        assert!(Charset::Utf8.text(b"\xff").is_err());
    }
}
