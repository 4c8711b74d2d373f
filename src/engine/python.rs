//! Python's words for what the system refuses: Ansible shows them and people match on them.

use std::fmt::Write as _;
use std::io;

/// Returns bytes as Python's `repr` writes them: `b'x'`.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("b{quote}");
    for byte in bytes {
        match *byte {
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            b'\'' if quote == '\'' => text.push_str("\\'"),
            byte @ 0x20..=0x7e => text.push(byte.into()),
            byte => write!(text, "\\x{byte:02x}").expect("a string takes any text"),
        }
    }
    text.push(quote);
    text
}

/// Returns a system error as Python words it, about `what` (already a `repr`): `[Errno 2] No such file or directory: 'x'`.
pub fn os_error(error: &io::Error, what: &str) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(number) => {
            let reason = text.strip_suffix(&format!(" (os error {number})")).unwrap_or(&text);
            format!("[Errno {number}] {reason}: {what}")
        }
        None => format!("{text}: {what}"),
    }
}

/// Returns the text in the bytes, or why they are none.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let fault = error.utf8_error();
        let start = fault.valid_up_to();
        let bytes = error.as_bytes();
        let length = fault.error_len().unwrap_or(bytes.len() - start);
        let first = bytes.get(start).copied().unwrap_or_default();
        let reason = match fault.error_len() {
            None => "unexpected end of data",
            Some(1) if !(0xc2..=0xf4).contains(&first) => "invalid start byte",
            Some(_) => "invalid continuation byte",
        };
        let which = match length {
            1 => format!("byte {first:#04x} in position {start}"),
            _ => format!("bytes in position {start}-{}", start + length - 1),
        };
        format!("'utf-8' codec can't decode {which}: {reason}")
    })
}

/// Returns the arguments as one line that a shell would split into them again, as `shlex.quote` does it.
pub(crate) fn command_line(argv: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    let quote = |word: &String| {
        let whole = !word.is_empty() && word.chars().all(plain);
        if whole { word.clone() } else { format!("'{}'", word.replace('\'', "'\"'\"'")) }
    };
    argv.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_python_writes_them() {
        assert_eq!(bytes(b"unknown x\n"), r"b'unknown x\n'");
        assert_eq!(bytes(b"it's \xff"), r#"b"it's \xff""#);
        assert_eq!(bytes(b"'\"\\"), r#"b'\'"\\'"#);
    }

    #[test]
    fn a_system_error_has_its_number_and_its_words() {
        let error = io::Error::from_raw_os_error(2);
        assert_eq!(os_error(&error, "b'x'"), "[Errno 2] No such file or directory: b'x'");
    }

    // The expected texts are what CPython 3.11 says.
    #[test]
    fn what_is_no_text_is_said_as_python_says_it() {
        let fault = |bytes: &[u8]| decode(bytes.to_vec()).expect_err("these are no texts");
        assert_eq!(
            fault(b"ab\xff"),
            "'utf-8' codec can't decode byte 0xff in position 2: invalid start byte"
        );
        assert_eq!(
            fault(b"\xc3("),
            "'utf-8' codec can't decode byte 0xc3 in position 0: invalid continuation byte"
        );
        assert_eq!(
            fault(b"\xe2\x82("),
            "'utf-8' codec can't decode bytes in position 0-1: invalid continuation byte"
        );
        assert_eq!(
            fault(b"a\xe2\x82"),
            "'utf-8' codec can't decode bytes in position 1-2: unexpected end of data"
        );
        assert_eq!(
            fault(b"a\xe2"),
            "'utf-8' codec can't decode byte 0xe2 in position 1: unexpected end of data"
        );
        assert_eq!(decode("k€y".into()), Ok("k€y".to_owned()));
    }

    #[test]
    fn a_command_line_quotes_what_a_shell_would_split() {
        let argv = ["sh", "-c", "echo it's", ""].map(str::to_owned);
        assert_eq!(command_line(&argv), r#"sh -c 'echo it'"'"'s' ''"#);
    }
}
