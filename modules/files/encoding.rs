//! Bytes as a text that regular expressions can be applied to.
//!
//! Python applies them to bytes. What is UTF-8 is the same as a text; anything else is read byte by byte, so that nothing is
//! lost on the way back.

/// The text of a file.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    text: String,
    bytewise: bool,
}

impl Text {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self { text: text.to_owned(), bytewise: false },
            Err(_) => Self { text: bytes.iter().map(|&byte| char::from(byte)).collect(), bytewise: true },
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns what the playbook wrote as it stands in this text.
    pub(crate) fn same(&self, written: &str) -> String {
        if self.bytewise { written.bytes().map(char::from).collect() } else { written.to_owned() }
    }

    /// Returns the bytes of a text that was made of this one.
    pub(crate) fn bytes(&self, text: &str) -> Vec<u8> {
        if self.bytewise {
            text.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect()
        } else {
            text.as_bytes().to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_utf_8_comes_back_as_it_was() {
        for bytes in [b"a\xff\xe4b".as_slice(), "aä".as_bytes()] {
            let text = Text::of(bytes);
            assert_eq!(text.bytes(text.as_str()), bytes);
        }
        let text = Text::of(b"\xff");
        assert_eq!(text.bytes(&text.same("ä")), "ä".as_bytes());
    }
}
