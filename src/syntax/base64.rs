//! The base64 of `!!binary`.

/// Returns the bytes, read as Python reads them: what is no digit is passed over, and the end has to be padded.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut count, mut padding) =
        (Vec::with_capacity(text.len() / 4 * 3), 0_u32, 0_u32, 0_u32);
    for character in text.bytes() {
        if character == b'=' {
            padding += 1;
            continue;
        }
        let Some(digit) = digit(character) else { continue };
        padding = 0;
        held = held << 6 | u32::from(digit);
        count += 1;
        if count == 4 {
            bytes.extend(held.to_be_bytes().into_iter().skip(1));
            (held, count) = (0, 0);
        }
    }
    match (count, padding) {
        (0, _) => {}
        (2, 2..) => bytes.extend((held << 12).to_be_bytes().into_iter().skip(1).take(1)),
        (3, 1..) => bytes.extend((held << 6).to_be_bytes().into_iter().skip(1).take(2)),
        _ => return None,
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_across_lines_and_need_their_padding() {
        let read = |text| decoded(text).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(read("aGVs\n  bG8="), Some("hello".to_owned()));
        assert_eq!(read("aGVsbA=="), Some("hell".to_owned()));
        assert_eq!(read("aGVs"), Some("hel".to_owned()));
        assert_eq!(read(""), Some(String::new()));
        assert_eq!((read("aGVsbA"), read("a==="), read("aGVsbA=")), (None, None, None));
    }
}
