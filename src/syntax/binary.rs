//! The base64 of `!!binary`.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

/// As `binascii.a2b_base64` takes it, which is what Python reads it with.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Returns the bytes: what is no digit is passed over, and the end has to be padded.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    let is_digit = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    LENIENT.decode(text.chars().filter(is_digit).collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_across_lines_and_need_their_padding() {
        let read = |text| decoded(text).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(read("aGVs\n  bG8="), Some("hello".to_owned()));
        assert_eq!(read("aGVsbA=="), Some("hell".to_owned()));
        assert_eq!(read("aGVsbB=="), Some("hell".to_owned()));
        assert_eq!(read("aGVs"), Some("hel".to_owned()));
        assert_eq!(read(""), Some(String::new()));
        assert_eq!((read("aGVsbA"), read("a==="), read("aGVsbA=")), (None, None, None));
    }
}
