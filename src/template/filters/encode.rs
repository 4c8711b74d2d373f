use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE};

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::value::Repr;
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("b64encode", "string encoding= urlsafe=", b64encode),
    builtin("b64decode", "string encoding= urlsafe=", b64decode),
];

pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads base64 as Python does: characters that are none of it are passed over.
pub(crate) fn decode_base64(text: &str, urlsafe: bool) -> Result<Vec<u8>, TemplateError> {
    let (alphabet, extra) =
        if urlsafe { (&alphabet::URL_SAFE, ['-', '_']) } else { (&alphabet::STANDARD, ['+', '/']) };
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true);
    let clean: String =
        text.chars().filter(|c| c.is_ascii_alphanumeric() || extra.contains(c) || *c == '=').collect();
    let padded_end = clean.find('=').map_or(clean.len(), |at| at.div_ceil(4) * 4);
    let clean = clean.get(..padded_end.min(clean.len())).unwrap_or(&clean);
    GeneralPurpose::new(alphabet, config).decode(clean).map_err(|_| {
        TemplateError::runtime(if clean.trim_end_matches('=').len() % 4 == 1 {
            format!(
                "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
                clean.len()
            )
        } else {
            "Incorrect padding".to_owned()
        })
    })
}

/// Turns a text into bytes of an encoding by Python's name.
pub fn encoded(text: &str, encoding: &str) -> Result<Vec<u8>, TemplateError> {
    let bytes = |decode: fn(u8) -> char| -> Result<Vec<u8>, TemplateError> {
        let byte = |c: char| (0..=u8::MAX).find(|byte| decode(*byte) == c);
        let lacking = |c: char| {
            TemplateError::runtime(format!(
                "'{encoding}' codec can't encode character {}",
                Value::from(c.to_string()).repr()
            ))
        };
        text.chars().map(|c| byte(c).ok_or_else(|| lacking(c))).collect()
    };
    match encoding_name(encoding).as_str() {
        "utf-8" | "utf8" | "ascii" | "us-ascii" => Ok(text.as_bytes().to_vec()),
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "l1" => bytes(char::from),
        "iso8859-15" | "iso-8859-15" | "latin-9" | "latin9" | "l9" => bytes(latin9),
        "windows-1252" | "cp1252" | "1252" => bytes(windows1252),
        "utf-16-le" | "utf-16le" => Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        "utf-16-be" | "utf-16be" => Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        "utf-16" => {
            Ok(std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect())
        }
        _ => fail(format!("unknown encoding: {encoding}")),
    }
}

/// Reads bytes of an encoding by Python's name.
pub(crate) fn decoded(bytes: &[u8], encoding: &str) -> Result<String, TemplateError> {
    let wide = |from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> =
            bytes.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(from).collect();
        String::from_utf16(&units).map_err(|_| TemplateError::runtime("'utf-16' codec can't decode bytes"))
    };
    match encoding_name(encoding).as_str() {
        "utf-8" | "utf8" | "ascii" | "us-ascii" => Ok(String::from_utf8_lossy(bytes).into_owned()),
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "l1" => {
            Ok(bytes.iter().copied().map(char::from).collect())
        }
        "windows-1252" | "cp1252" | "1252" => Ok(bytes.iter().copied().map(windows1252).collect()),
        "iso8859-15" | "iso-8859-15" | "latin-9" | "latin9" | "l9" => {
            Ok(bytes.iter().copied().map(latin9).collect())
        }
        "utf-16-le" | "utf-16le" => wide(u16::from_le_bytes),
        "utf-16-be" | "utf-16be" => wide(u16::from_be_bytes),
        "utf-16" => wide(u16::from_le_bytes).map(|text| text.trim_start_matches('\u{feff}').to_owned()),
        _ => fail(format!("unknown encoding: {encoding}")),
    }
}

fn encoding_name(given: &str) -> String {
    given.to_ascii_lowercase().replace(['_', ' '], "-")
}

/// Latin-1 with letters and signs where that has control characters.
fn windows1252(byte: u8) -> char {
    const SIGNS: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let sign = byte.checked_sub(0x80).and_then(|at| SIGNS.get(usize::from(at)));
    sign.copied().unwrap_or_else(|| char::from(byte))
}

/// Latin-1 with the euro and what French and Finnish lacked.
fn latin9(byte: u8) -> char {
    match byte {
        0xa4 => '€',
        0xa6 => 'Š',
        0xa8 => 'š',
        0xb4 => 'Ž',
        0xb8 => 'ž',
        0xbc => 'Œ',
        0xbd => 'œ',
        0xbe => 'Ÿ',
        other => char::from(other),
    }
}

fn b64encode(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let bytes = match &given.value(0).0 {
        Repr::Bytes(bytes) => bytes.to_vec(),
        _ => encoded(&given.text(0), &given.text_or(1, "utf-8"))?,
    };
    Ok(if given.flag(2, false) { URL_SAFE.encode(bytes) } else { encode_base64(&bytes) }.into())
}

fn b64decode(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let bytes = decode_base64(&given.text(0), given.flag(2, false))?;
    decoded(&bytes, &given.text_or(1, "utf-8")).map(Value::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn base64_goes_both_ways() {
        give(&[
            ("s | b64encode", json!("aGVsbG8=")),
            ("'aGVsbG8=' | b64decode", json!("hello")),
            ("'aGVs bG8=' | b64decode", json!("hello")),
            ("'ab??' | b64encode(urlsafe=true)", json!("YWI_Pw==")),
            ("'YWI_Pw==' | b64decode(urlsafe=true)", json!("ab??")),
            ("'ab' | b64encode(encoding='utf-16-le')", json!("YQBiAA==")),
            ("'YQBiAA==' | b64decode(encoding='utf-16-le')", json!("ab")),
        ]);
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        refuse(&[
            (
                "'x' | b64decode",
                "The filter plugin 'ansible.builtin.b64decode' failed: Invalid base64-encoded string: number of data characters (1) cannot be 1 more than a multiple of 4",
            ),
            ("'abc' | b64decode", "The filter plugin 'ansible.builtin.b64decode' failed: Incorrect padding"),
        ]);
    }
}
