//! Password hashes as `crypt` and passlib write them: `$1$`, `$2b$`, `$5$` and `$6$`.
//!
//! md5-crypt is Poul-Henning Kamp's, the SHA ones are Ulrich Drepper's (<https://www.akkadia.org/drepper/SHA-crypt.txt>).

use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);

/// The rounds that a SHA hash has when it names none.
const UNNAMED_ROUNDS: u32 = 5000;

/// Which bytes of a digest stand together in the text, the highest first; the one left over at the end is alone.
const MD5_ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
const SHA256_ORDER: [[usize; 3]; 10] = [
    [0, 10, 20],
    [21, 1, 11],
    [12, 22, 2],
    [3, 13, 23],
    [24, 4, 14],
    [15, 25, 5],
    [6, 16, 26],
    [27, 7, 17],
    [18, 28, 8],
    [9, 19, 29],
];
const SHA512_ORDER: [[usize; 3]; 21] = [
    [0, 21, 42],
    [22, 43, 1],
    [44, 2, 23],
    [3, 24, 45],
    [25, 46, 4],
    [47, 5, 26],
    [6, 27, 48],
    [28, 49, 7],
    [50, 8, 29],
    [9, 30, 51],
    [31, 52, 10],
    [53, 11, 32],
    [12, 33, 54],
    [34, 55, 13],
    [56, 14, 35],
    [15, 36, 57],
    [37, 58, 16],
    [59, 17, 38],
    [18, 39, 60],
    [40, 61, 19],
    [62, 20, 41],
];

/// A way to hash passwords, by passlib's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Md5,
    Bcrypt,
    Sha256,
    Sha512,
}

/// What is to be hashed, and how.
pub(crate) struct Wish<'a> {
    pub(crate) password: &'a str,
    pub(crate) salt: &'a str,
    pub(crate) rounds: Option<u32>,
    /// The version of bcrypt.
    pub(crate) ident: Option<&'a str>,
}

impl Scheme {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "md5_crypt" => Self::Md5,
            "bcrypt" => Self::Bcrypt,
            "sha256_crypt" => Self::Sha256,
            "sha512_crypt" => Self::Sha512,
            _ => return None,
        })
    }

    /// Returns how many characters of salt Ansible makes.
    pub(crate) fn salt_size(self) -> usize {
        match self {
            Self::Md5 => 8,
            Self::Bcrypt => 22,
            Self::Sha256 | Self::Sha512 => 16,
        }
    }

    /// Returns the version that is meant where none is named.
    pub(crate) fn ident(self) -> Option<&'static str> {
        (self == Self::Bcrypt).then_some("2b")
    }

    /// Returns Ansible's rounds, where it has its own; for bcrypt it is their logarithm.
    fn rounds(self) -> u32 {
        match self {
            Self::Md5 => 0,
            Self::Bcrypt => 12,
            Self::Sha256 => 535_000,
            Self::Sha512 => 656_000,
        }
    }

    /// Hashes a password; the error says why that is not possible.
    pub(crate) fn hash(self, wish: &Wish<'_>) -> Result<String, String> {
        let longest = if self == Self::Bcrypt { 22 } else { self.salt_size() };
        if let Some(wrong) = wish.salt.bytes().find(|byte| !ALPHABET.contains(byte)) {
            return Err(format!("invalid characters in salt: {:?}", char::from(wrong)));
        }
        if wish.salt.len() > longest {
            return Err(format!("salt too large (requires <= {longest} chars)"));
        }
        let rounds = wish.rounds.unwrap_or(self.rounds());
        match self {
            Self::Md5 => Ok(md5_crypt(wish)),
            Self::Bcrypt => bcrypt(wish, rounds),
            Self::Sha256 | Self::Sha512 if !(1000..=999_999_999).contains(&rounds) => {
                let name = if self == Self::Sha256 { "sha256_crypt" } else { "sha512_crypt" };
                Err(if rounds < 1000 {
                    format!("{name}: min_desired_rounds ({rounds}) is too low, must be at least 1000")
                } else {
                    format!("{name}: max_desired_rounds ({rounds}) is too high, must be at most 999999999")
                })
            }
            Self::Sha256 => {
                let digest = sha_crypt::<Sha256>(wish, rounds);
                let end = [digest.get(31), digest.get(30)];
                let last = last_chars(end.map(|byte| byte.copied().unwrap_or_default()), 3);
                Ok(sha_text('5', wish.salt, rounds, &(ordered(&digest, &SHA256_ORDER) + &last)))
            }
            Self::Sha512 => {
                let digest = sha_crypt::<Sha512>(wish, rounds);
                let last = last_chars([0, digest.get(63).copied().unwrap_or_default()], 2);
                Ok(sha_text('6', wish.salt, rounds, &(ordered(&digest, &SHA512_ORDER) + &last)))
            }
        }
    }
}

fn sha_text(kind: char, salt: &str, rounds: u32, hash: &str) -> String {
    let rounds = if rounds == UNNAMED_ROUNDS { String::new() } else { format!("rounds={rounds}$") };
    format!("${kind}${rounds}{salt}${hash}")
}

/// Writes a number with six bits a character, the lowest first.
fn chars(mut number: u32, count: usize) -> String {
    let mut text = String::with_capacity(count);
    for _ in 0..count {
        text.extend(ALPHABET.get((number & 0x3f) as usize).map(|byte| char::from(*byte)));
        number >>= 6;
    }
    text
}

fn last_chars(bytes: [u8; 2], count: usize) -> String {
    chars(u32::from(u16::from_be_bytes(bytes)), count)
}

fn ordered(digest: &[u8], order: &[[usize; 3]]) -> String {
    let byte = |at: usize| digest.get(at).copied().map(u32::from).unwrap_or_default();
    order
        .iter()
        .map(|[high, middle, low]| chars(byte(*high) << 16 | byte(*middle) << 8 | byte(*low), 4))
        .collect()
}

/// Returns as many bytes, taken from the digest again and again.
fn repeated(digest: &[u8], length: usize) -> Vec<u8> {
    digest.iter().copied().cycle().take(length).collect()
}

fn md5_crypt(wish: &Wish<'_>) -> String {
    let (password, salt) = (wish.password.as_bytes(), wish.salt.as_bytes());
    let alternate = Md5::digest([password, salt, password].concat());
    let mut begin = [password, b"$1$", salt, &repeated(&alternate, password.len())].concat();
    let mut length = password.len();
    while length > 0 {
        begin.push(if length & 1 == 1 { 0 } else { password.first().copied().unwrap_or_default() });
        length >>= 1;
    }
    let mut digest = Md5::digest(begin).to_vec();
    for round in 0..1000 {
        digest = Md5::digest(one_round(round, &digest, password, salt)).to_vec();
    }
    let last = last_chars([0, digest.get(11).copied().unwrap_or_default()], 2);
    format!("$1${}${}{last}", wish.salt, ordered(&digest, &MD5_ORDER))
}

/// Returns what one round digests.
fn one_round(round: u32, digest: &[u8], password: &[u8], salt: &[u8]) -> Vec<u8> {
    let (first, last) = if round & 1 == 1 { (password, digest) } else { (digest, password) };
    let mut input = first.to_vec();
    if !round.is_multiple_of(3) {
        input.extend_from_slice(salt);
    }
    if !round.is_multiple_of(7) {
        input.extend_from_slice(password);
    }
    input.extend_from_slice(last);
    input
}

fn sha_crypt<D: Digest>(wish: &Wish<'_>, rounds: u32) -> Vec<u8> {
    let (password, salt) = (wish.password.as_bytes(), wish.salt.as_bytes());
    let digest = |input: &[u8]| D::digest(input).to_vec();
    let alternate = digest(&[password, salt, password].concat());
    let mut begin = [password, salt, &repeated(&alternate, password.len())].concat();
    let mut length = password.len();
    while length > 0 {
        begin.extend_from_slice(if length & 1 == 1 { &alternate } else { password });
        length >>= 1;
    }
    let mut mixed = digest(&begin);
    let long_password = repeated(&digest(&password.repeat(password.len())), password.len());
    let times = 16 + usize::from(mixed.first().copied().unwrap_or_default());
    let long_salt = repeated(&digest(&salt.repeat(times)), salt.len());
    for round in 0..rounds {
        mixed = digest(&one_round(round, &mixed, &long_password, &long_salt));
    }
    mixed
}

fn bcrypt(wish: &Wish<'_>, rounds: u32) -> Result<String, String> {
    let ident = wish.ident.unwrap_or("2b");
    if !matches!(ident, "2" | "2a" | "2y" | "2b") {
        return Err(format!("invalid ident: {ident:?}"));
    }
    if wish.salt.len() < 22 {
        return Err("salt too small (bcrypt requires exactly 22 chars)".into());
    }
    if !(4..=31).contains(&rounds) {
        return Err(format!("rounds {rounds} is not between 4 and 31"));
    }
    // The last character has four bits too many.
    let decoded = BCRYPT_BASE64.decode(format!("{}.", wish.salt.get(..21).unwrap_or_default()));
    let mut salt = [0; 16];
    let mut bytes = decoded.map_err(|error| error.to_string())?;
    let last = ALPHABET_OF_BCRYPT.iter().position(|byte| wish.salt.as_bytes().last() == Some(byte));
    if let (Some(byte), Some(last)) = (bytes.get_mut(15), last) {
        *byte |= u8::try_from(last >> 4).unwrap_or_default();
    }
    salt.copy_from_slice(bytes.get(..16).ok_or("the salt is no bcrypt salt")?);
    let mut password = wish.password.as_bytes().to_vec();
    if password.contains(&0) {
        return Err("bcrypt does not allow NULL bytes in password".into());
    }
    // The first version did not hash the end of the text.
    if ident != "2" {
        password.push(0);
    }
    password.truncate(72);
    let hash = bcrypt::bcrypt(rounds, salt, &password);
    let hash = BCRYPT_BASE64.encode(hash.get(..23).unwrap_or_default());
    Ok(format!("${ident}${rounds:02}${}{hash}", BCRYPT_BASE64.encode(salt)))
}

const ALPHABET_OF_BCRYPT: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(scheme: Scheme, salt: &str, rounds: Option<u32>) -> String {
        scheme.hash(&Wish { password: "hunter2", salt, rounds, ident: None }).expect("a hash")
    }

    #[test]
    fn hashes_are_those_of_crypt() {
        assert_eq!(hash(Scheme::Md5, "saltsalt", None), "$1$saltsalt$ZliGyAN3DciDHEkDboonh/");
        assert_eq!(
            hash(Scheme::Sha256, "saltsaltsaltsalt", Some(5000)),
            "$5$saltsaltsaltsalt$LTm0e1epoLCOhH8WjaKAzYHFbzuOTFXssEJnxJiG5YC"
        );
        assert_eq!(
            hash(Scheme::Sha512, "saltsalt", Some(1000)),
            "$6$rounds=1000$saltsalt$gqUcWLKt3d1wsoaFq/ZlFXJndu400B3QqT3noJu6R/eEGKKt5.bf/H7jRZdxjThW3JpMB1IX.1Z2f5cgwsF710"
        );
        assert_eq!(
            hash(Scheme::Bcrypt, "abcdefghijklmnopqrstuv", Some(4)),
            "$2b$04$abcdefghijklmnopqrstuuV3duMsC0HpUex6N9qapiuOHHWkwRXVm"
        );
    }

    #[test]
    fn what_is_no_salt_is_refused() {
        let wish = Wish { password: "x", salt: "$", rounds: None, ident: None };
        assert!(Scheme::Sha512.hash(&wish).is_err());
    }
}
