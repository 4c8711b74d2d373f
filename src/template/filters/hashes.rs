use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("hash", "data hashtype=", hash),
    builtin("md5", "data", |_, given| digest_of(given, "md5")),
    builtin("sha1", "data", |_, given| digest_of(given, "sha1")),
    builtin("checksum", "data", |_, given| digest_of(given, "sha1")),
    builtin("to_uuid", "string namespace=", to_uuid),
];

/// Ansible's own name space for names that become UUIDs.
const ANSIBLE_NAMESPACE: &str = "361E6D51-FAEC-444A-9079-341386DA8E2E";

pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0'));
    bytes.as_ref().iter().flat_map(digits).collect()
}

/// Returns a digest in hexadecimal; `None` for an unknown kind.
pub(crate) fn hex_digest(kind: &str, data: &[u8]) -> Option<String> {
    Some(match kind.to_ascii_lowercase().as_str() {
        "md5" => hex(Md5::digest(data)),
        "sha1" | "sha" => hex(Sha1::digest(data)),
        "sha224" => hex(Sha224::digest(data)),
        "sha256" => hex(Sha256::digest(data)),
        "sha384" => hex(Sha384::digest(data)),
        "sha512" => hex(Sha512::digest(data)),
        _ => return None,
    })
}

fn digest_of(given: &Given, kind: &str) -> Evaluated {
    match hex_digest(kind, given.text(0).as_bytes()) {
        Some(digest) => Ok(digest.into()),
        None => Err(TemplateError::runtime(format!("unsupported hash type {kind}")).apart()),
    }
}

fn hash(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    digest_of(given, &given.text_or(1, "sha1"))
}

/// Makes a UUID of version 5.
fn to_uuid(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let namespace = given.text_or(1, ANSIBLE_NAMESPACE);
    let Some(mut data) = uuid_bytes(&namespace) else {
        let why = match given.some(1).filter(|namespace| !namespace.is_text()) {
            Some(other) => format!("'{}' object has no attribute 'replace'", other.type_name()),
            None => "badly formed hexadecimal UUID string".to_owned(),
        };
        let message = format!("Invalid value '{namespace}' for 'namespace': {why}");
        return Err(TemplateError::runtime(message).apart());
    };
    data.extend_from_slice(given.text(0).as_bytes());
    let digest = Sha1::digest(&data);
    let mut bytes: Vec<u8> = digest.iter().take(16).copied().collect();
    let set = |bytes: &mut Vec<u8>, at: usize, keep: u8, bits: u8| {
        if let Some(byte) = bytes.get_mut(at) {
            *byte = *byte & keep | bits;
        }
    };
    set(&mut bytes, 6, 0x0f, 0x50);
    set(&mut bytes, 8, 0x3f, 0x80);
    let hex = hex(&bytes);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    Ok(Value::from([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")))
}

fn uuid_bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.replace("urn:", "").replace("uuid:", "");
    let digits = digits.trim_matches(['{', '}']).replace('-', "");
    if digits.len() != 32 {
        return None;
    }
    (0..16).map(|at| u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn digests_are_hexadecimal() {
        give(&[
            ("s | hash", json!("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d")),
            ("s | hash('sha256')", json!("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")),
            ("s | md5", json!("5d41402abc4b2a76b9719d911017c592")),
            ("s | sha1", json!("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d")),
            ("s | checksum", json!("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d")),
            ("s | to_uuid", json!("9518e9b7-3af9-5e6c-b924-2eac65ffcd8e")),
            (
                "s | to_uuid(namespace='6ba7b810-9dad-11d1-80b4-00c04fd430c8')",
                json!("9342d47a-1bab-5709-9869-c840b2eac501"),
            ),
        ]);
    }

    #[test]
    fn an_unknown_digest_is_refused() {
        refuse(&[
            (
                "s | to_uuid(namespace=22)",
                "The filter plugin 'ansible.builtin.to_uuid' failed: Invalid value '22' for 'namespace': 'int' object has no attribute 'replace'",
            ),
            (
                "s | to_uuid(namespace='x')",
                "The filter plugin 'ansible.builtin.to_uuid' failed: Invalid value 'x' for 'namespace': badly formed hexadecimal UUID string",
            ),
            (
                "s | hash('nope')",
                "The filter plugin 'ansible.builtin.hash' failed: unsupported hash type nope",
            ),
        ]);
    }
}
