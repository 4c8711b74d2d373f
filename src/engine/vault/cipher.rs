//! Vault's one cipher, `AES256`: AES-256 in counter mode, authenticated by HMAC-SHA256, both keys and the first counter
//! derived from the password by PBKDF2.

use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use hmac::{KeyInit as _, Mac as _};
use sha2::Sha256;

use super::Reason;

type Stream = ctr::Ctr128BE<aes::Aes256>;
type Authentication = hmac::Hmac<Sha256>;

/// Ansible's number of rounds; a change would be another vault format.
const ROUNDS: u32 = 10_000;
const BLOCK: usize = 16;

/// What an envelope holds.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) salt: Vec<u8>,
    /// HMAC-SHA256 of the cipher text.
    pub(super) mac: Vec<u8>,
    pub(super) cipher_text: Vec<u8>,
}

/// The two keys and the first counter.
struct Keys {
    stream: Stream,
    authentication: Authentication,
}

/// Returns the plain text, or `None` when it was sealed with another password.
pub(super) fn open(sealed: &Sealed, password: &[u8]) -> Result<Option<Vec<u8>>, Reason> {
    let Keys { mut stream, mut authentication } = Keys::derive(password, &sealed.salt);
    authentication.update(&sealed.cipher_text);
    // Compares in constant time.
    if authentication.verify_slice(&sealed.mac).is_err() {
        return Ok(None);
    }
    let mut plain = sealed.cipher_text.clone();
    stream.apply_keystream(&mut plain);
    unpad(&mut plain)?;
    Ok(Some(plain))
}

pub(super) fn seal(plain: &[u8], password: &[u8], salt: &[u8]) -> Sealed {
    let Keys { mut stream, mut authentication } = Keys::derive(password, salt);
    let mut cipher_text = pad(plain);
    stream.apply_keystream(&mut cipher_text);
    authentication.update(&cipher_text);
    let mac = authentication.finalize().into_bytes().to_vec();
    Sealed { salt: salt.to_vec(), mac, cipher_text }
}

impl Keys {
    fn derive(password: &[u8], salt: &[u8]) -> Self {
        let derived: [u8; 80] = pbkdf2::pbkdf2_hmac_array::<Sha256, 80>(password, salt, ROUNDS);
        let (cipher_key, rest) = derived.split_first_chunk::<32>().expect("32 of 80 bytes");
        let (authentication_key, counter) = rest.split_first_chunk::<32>().expect("32 of 48 bytes");
        let counter = counter.first_chunk::<BLOCK>().expect("16 of 16 bytes");
        Self {
            stream: Stream::new(cipher_key.into(), counter.into()),
            authentication: Authentication::new_from_slice(authentication_key)
                .expect("HMAC takes keys of any length"),
        }
    }
}

/// PKCS #7, which counter mode does not need and the format has.
fn pad(plain: &[u8]) -> Vec<u8> {
    let count = BLOCK - plain.len() % BLOCK;
    let byte = u8::try_from(count).expect("at most a block");
    plain.iter().copied().chain(std::iter::repeat_n(byte, count)).collect()
}

fn unpad(plain: &mut Vec<u8>) -> Result<(), Reason> {
    let fault = Reason::Parts("Invalid padding bytes.".to_owned());
    let byte = *plain.last().ok_or(fault.clone())?;
    let count = usize::from(byte);
    let rest =
        plain.len().checked_sub(count).filter(|_| (1..=BLOCK).contains(&count)).ok_or(fault.clone())?;
    if plain.iter().skip(rest).any(|other| *other != byte) {
        return Err(fault);
    }
    plain.truncate(rest);
    Ok(())
}
