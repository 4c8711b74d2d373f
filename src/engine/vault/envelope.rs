//! The text around what is encrypted: the header line, and hexadecimal digits of hexadecimal digits.

use super::cipher::Sealed;
use super::{DEFAULT_ID, Reason};

const MARK: &[u8] = b"$ANSIBLE_VAULT";
const CIPHER: &str = "AES256";
/// The length of a line of digits.
const LINE: usize = 80;

/// Returns whether this is an envelope: pure ASCII with vault's mark at the very beginning, as Ansible's `is_encrypted`.
pub(crate) fn is_vault(bytes: &[u8]) -> bool {
    bytes.starts_with(MARK) && bytes.is_ascii()
}

/// An envelope, its header understood.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) id: String,
    digits: Vec<u8>,
}

impl Envelope {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Reason> {
        let bytes = bytes.trim_ascii_start();
        if !is_vault(bytes) {
            return Err(Reason::NotVault);
        }
        let mut lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii);
        let header = lines.next().unwrap_or_default();
        let mut fields = header.split(|byte| *byte == b';').skip(1).map(|field| text(field.trim_ascii()));
        let (Some(_version), Some(cipher)) = (fields.next(), fields.next()) else {
            return Err(Reason::Header("list index out of range"));
        };
        if cipher != CIPHER {
            return Err(Reason::Cipher(cipher));
        }
        Ok(Self {
            id: fields.next().unwrap_or_else(|| DEFAULT_ID.to_owned()),
            digits: lines.flatten().copied().collect(),
        })
    }

    /// Returns what stands in the digits: salt, authentication and cipher text, each in digits again.
    pub(super) fn sealed(&self) -> Result<Sealed, Reason> {
        let inner = bytes_of(&self.digits)?;
        let mut parts = inner.splitn(3, |byte| *byte == b'\n');
        let (Some(salt), Some(mac), Some(cipher_text)) = (parts.next(), parts.next(), parts.next()) else {
            let there = inner.split(|byte| *byte == b'\n').count();
            return Err(Reason::Parts(format!("not enough values to unpack (expected 3, got {there})")));
        };
        Ok(Sealed { salt: bytes_of(salt)?, mac: bytes_of(mac)?, cipher_text: bytes_of(cipher_text)? })
    }
}

/// Returns the envelope's text; one without a name of its own is of version 1.1, as Ansible writes it.
pub(super) fn write(sealed: &Sealed, id: &str) -> String {
    let inner = [&sealed.salt, &sealed.mac, &sealed.cipher_text].map(|part| digits_of(part)).join("\n");
    let digits = digits_of(inner.as_bytes());
    let mut envelope = match id {
        DEFAULT_ID => format!("{};1.1;{CIPHER}\n", text(MARK)),
        id => format!("{};1.2;{CIPHER};{id}\n", text(MARK)),
    };
    for line in digits.as_bytes().chunks(LINE) {
        envelope.push_str(&text(line));
        envelope.push('\n');
    }
    envelope
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn digits_of(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("four bits are one hexadecimal digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn bytes_of(digits: &[u8]) -> Result<Vec<u8>, Reason> {
    let value = |digit: &u8| {
        let value = char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        value.ok_or(Reason::Digits("Non-hexadecimal digit found"))
    };
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Reason::Digits("Odd-length string"));
    }
    pairs.iter().map(|[high, low]| Ok(value(high)? << 4 | value(low)?)).collect()
}
