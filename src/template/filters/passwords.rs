//! What is hashed for `/etc/shadow`, and what only a password opens.

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::crypt::{Scheme, Wish};
use crate::dice::Dice;
use crate::eval::{Cx, Evaluated};
use crate::value::Repr;
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("password_hash", "password hashtype= salt= salt_size= rounds= ident=", password_hash),
    builtin("vault", "data secret salt= vault_id= wrap_object= vaultid=", vault),
    builtin("unvault", "vault secret vault_id= vaultid=", unvault),
];

const SALT_CHARS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./";

/// Returns fresh salt.
pub(crate) fn random_salt(cx: &Cx<'_>, length: usize) -> Result<String, TemplateError> {
    let chars: Vec<char> = SALT_CHARS.chars().collect();
    let mut dice = Dice::new(cx, None)?;
    Ok((0..length).filter_map(|_| dice.choose(&chars)).collect())
}

fn password_hash(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let name = given.text_or(1, "sha512");
    let scheme = match name.as_str() {
        "md5" => Some(Scheme::Md5),
        "blowfish" => Some(Scheme::Bcrypt),
        "sha256" => Some(Scheme::Sha256),
        "sha512" => Some(Scheme::Sha512),
        passlib => Scheme::named(passlib),
    };
    let Some(scheme) = scheme else {
        return fail(format!(
            "{name} is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512"
        ));
    };
    if given.some(3).is_some_and(|size| size.as_int().is_none()) {
        return fail("salt_size must be an integer");
    }
    let salt = match given.some(2).map(Value::text).filter(|salt| !salt.is_empty()) {
        Some(salt) => salt,
        None => random_salt(cx, given.size(3, scheme.salt_size())?)?,
    };
    let rounds = given.some(4).filter(|rounds| rounds.is_truthy());
    let rounds = rounds.map(|_| given.int(4, 0)).transpose()?;
    let rounds = rounds.map(|rounds| u32::try_from(rounds).unwrap_or_default());
    let ident = given.some(5).map(Value::text).filter(|ident| !ident.is_empty());
    let Some(password) = given.value(0).as_str() else {
        return fail(format!("secret must be unicode or bytes, not {}", given.value(0).type_name()));
    };
    let wish = Wish { password, salt: &salt, rounds, ident: ident.as_deref() };
    match scheme.hash(&wish) {
        Ok(hash) => Ok(hash.into()),
        Err(why) => fail(format!("Could not hash the secret: {why}")),
    }
}

fn text(value: &Value, refused: impl Fn(&str) -> String) -> Result<String, TemplateError> {
    match &value.0 {
        Repr::Str(text) => Ok(text.to_string()),
        Repr::Bytes(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        _ => fail(refused(value.type_name())),
    }
}

fn vault(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let secret = text(given.value(1), |kind| {
        format!("Secret passed is required to be a string, instead we got <class '{kind}'>.")
    })?;
    let data =
        text(given.value(0), |kind| format!("Can only vault strings, instead we got <class '{kind}'>."))?;
    let salt = given.some(2).map(Value::text);
    let sealed = cx.world().seal_vault(&data, &secret, salt.as_deref(), &vault_id(cx, given, 3, 5));
    sealed.map(Value::from).map_err(|why| TemplateError::runtime(format!("Unable to encrypt: {why}")))
}

/// The id of before is still read.
fn vault_id(cx: &Cx<'_>, given: &Given, at: usize, old: usize) -> String {
    if given.some(old).is_some() {
        cx.deprecate("Use of undocumented `vaultid`.");
    }
    let id = given.text_or(at, "filter_default");
    match given.some(old) {
        Some(old) if id == "filter_default" => old.text(),
        _ => id,
    }
}

fn unvault(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let secret = text(given.value(1), |kind| {
        format!("Secret passed is required to be as string, instead we got <class '{kind}'>.")
    })?;
    let vault = text(given.value(0), |kind| {
        format!("Vault should be in the form of a string, instead we got <class '{kind}'>.")
    })?;
    vault_id(cx, given, 2, 3);
    if !vault.starts_with("$ANSIBLE_VAULT") {
        return Ok(vault.into());
    }
    let opened = cx.world().open_vault_with(&vault, &secret);
    opened.map(Value::from).map_err(|why| TemplateError::runtime(format!("Unable to decrypt: {why}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn passwords_are_hashed_as_passlib_does() {
        give(&[
            ("'hunter2' | password_hash('md5', 'saltsalt')", json!("$1$saltsalt$ZliGyAN3DciDHEkDboonh/")),
            (
                "'hunter2' | password_hash('sha256', 'saltsaltsaltsalt', rounds=5000)",
                json!("$5$saltsaltsaltsalt$LTm0e1epoLCOhH8WjaKAzYHFbzuOTFXssEJnxJiG5YC"),
            ),
            ("('x' | password_hash('md5')) | length", json!(34)),
        ]);
    }

    #[test]
    fn what_cannot_be_hashed_is_refused() {
        refuse(&[
            (
                "'x' | password_hash('nope')",
                "The filter plugin 'ansible.builtin.password_hash' failed: nope is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512",
            ),
            (
                "'x' | password_hash('sha512', 'a b')",
                "The filter plugin 'ansible.builtin.password_hash' failed: Could not hash the secret: invalid characters in salt: ' '",
            ),
            (
                "5 | unvault('x')",
                "The filter plugin 'ansible.builtin.unvault' failed: Vault should be in the form of a string, instead we got <class 'int'>.",
            ),
        ]);
    }

    #[test]
    fn what_is_in_a_vault_is_opened() {
        give(&[
            ("('secret' | vault('pw')) | unvault('pw')", json!("secret")),
            ("'plain' | unvault('pw')", json!("plain")),
        ]);
    }
}
