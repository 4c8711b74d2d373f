//! Ansible Vault: files and strings that only a password opens.
//!
//! An envelope is a header line (`$ANSIBLE_VAULT;1.1;AES256`, or `;1.2;AES256;ID`) and lines of hexadecimal digits. The
//! id in the header is a nickname that says which password to try first; it is not authenticated.

mod cipher;
mod envelope;
mod password;
mod ring;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use rplay_event::{Fault, FaultKind, Span};
use rplay_module::Secret;

use envelope::Envelope;
pub(crate) use envelope::is_vault;
pub(crate) use password::Passwords;
pub(crate) use ring::collect;
pub use ring::{Opened, Ring};

/// The id of a password that was given without one, and of an envelope that names none.
pub(crate) const DEFAULT_ID: &str = "default";

/// The passwords of a run, in the order they were given, each with the id it is known by.
#[derive(Default)]
pub(crate) struct Vaults {
    secrets: Vec<(String, Secret<Vec<u8>>)>,
    /// `ANSIBLE_VAULT_ID_MATCH`: only a password with the envelope's own id is tried.
    match_only: bool,
    /// What was opened before: deriving a key is meant to be slow, and a variable is looked up by many tasks.
    opened: Mutex<HashMap<Vec<u8>, Secret<Vec<u8>>>>,
}

/// An envelope or a password file that is no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct VaultError {
    pub(crate) reason: Reason,
    /// The file or variable it is about, as people call it.
    pub(crate) name: String,
}

/// What is wrong, in Ansible's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    #[error("Input is not vault encrypted data.")]
    NotVault,
    #[error("Vault envelope format error: {0}")]
    Header(&'static str),
    #[error("Vault vaulttext format error: {0}")]
    Parts(String),
    #[error("Vault format unhexlify error: {0}")]
    Digits(&'static str),
    #[error("Cipher '{0}' could not be found.")]
    Cipher(String),
    #[error("Attempting to decrypt but no vault secrets found.")]
    NoSecrets,
    #[error("Decryption failed (no vault secrets were found that could decrypt).")]
    NoneOpens,
    #[error("A vault password must be specified to encrypt data")]
    NothingToSealWith,
    /// `known` is written as Python writes a list.
    #[error("Did not find a match for --encrypt-vault-id={id} in the known vault-ids [{known}]")]
    UnknownId { id: String, known: String },
    #[error("input is already encrypted")]
    SealedAlready,
    /// A password file that cannot be read, or a script that gave nothing.
    #[error("{0}")]
    Password(String),
}

impl VaultError {
    pub(crate) fn new(reason: Reason, name: impl Into<String>) -> Self {
        Self { reason, name: name.into() }
    }

    /// Returns it as a fault of set-up, placed at what it is about.
    pub(crate) fn fault(&self) -> Fault {
        let fault = Fault::new(self.to_string()).kind(FaultKind::Setup);
        let fault = match self.reason {
            // Its words name the file.
            Reason::Password(_) => fault,
            _ => fault.at(&Span::new(self.name.as_str(), 1, 1)),
        };
        match self.help() {
            Some(help) => fault.help(help),
            None => fault,
        }
    }

    /// Returns what to do about it, where that is plain.
    pub(crate) fn help(&self) -> Option<&'static str> {
        match self.reason {
            Reason::NoSecrets => {
                Some("give its password with --vault-password-file FILE, --vault-id or --ask-vault-pass")
            }
            Reason::NoneOpens => {
                Some("the password that was given is another one than it was encrypted with")
            }
            Reason::Header(_) | Reason::Parts(_) | Reason::Digits(_) => {
                Some("the envelope is damaged: encrypt it anew, or take it from where it was made")
            }
            _ => None,
        }
    }
}

impl Vaults {
    /// Returns vaults that these passwords open; with `match_only` each only the envelopes with its own id.
    pub(crate) fn new(secrets: Vec<(String, Secret<Vec<u8>>)>, match_only: bool) -> Self {
        Self { secrets, match_only, opened: Mutex::default() }
    }

    /// Adds a password; the envelopes of later password files may be opened with it.
    pub(crate) fn add(&mut self, id: impl Into<String>, secret: Secret<Vec<u8>>) {
        self.secrets.push((id.into(), secret));
    }

    /// Opens an envelope; the password with its id is tried first, then all others.
    ///
    /// A string in a playbook may still have its indentation.
    pub(crate) fn open(&self, envelope: &[u8], shown_name: &str) -> Result<Vec<u8>, VaultError> {
        if let Some(plain) = self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(envelope) {
            return Ok(plain.expose().clone());
        }
        let unlocked = self.try_secrets(envelope).map_err(|reason| VaultError::new(reason, shown_name))?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.insert(envelope.to_owned(), Secret::new(unlocked.plain.clone()));
        Ok(unlocked.plain)
    }

    fn try_secrets(&self, envelope: &[u8]) -> Result<Unlocked<'_>, Reason> {
        let envelope = Envelope::read(envelope)?;
        if self.secrets.is_empty() {
            return Err(Reason::NoSecrets);
        }
        let sealed = envelope.sealed()?;
        let (own, others): (Vec<_>, Vec<_>) = self.secrets.iter().partition(|(id, _)| *id == envelope.id);
        let tried = own.into_iter().chain(others.into_iter().filter(|_| !self.match_only));
        for (_, secret) in tried {
            if let Some(plain) = cipher::open(&sealed, secret.expose())? {
                return Ok(Unlocked { plain, id: envelope.id, secret });
            }
        }
        Err(Reason::NoneOpens)
    }

    /// Returns the first password of that id, or the first of all without one.
    fn choose(&self, id: Option<&str>) -> Result<&(String, Secret<Vec<u8>>), Reason> {
        let mut matching = self.secrets.iter().filter(|(own, _)| id.is_none_or(|id| id == own));
        match (matching.next(), id) {
            (Some(chosen), _) => Ok(chosen),
            (None, Some(id)) if !self.secrets.is_empty() => {
                let known: Vec<String> = self.secrets.iter().map(|(id, _)| format!("'{id}'")).collect();
                Err(Reason::UnknownId { id: id.to_owned(), known: known.join(", ") })
            }
            (None, _) => Err(Reason::NothingToSealWith),
        }
    }

    /// Returns the envelope of `plain`, sealed with the first password of that id, or the first of all without one.
    pub(crate) fn seal(&self, plain: &[u8], id: Option<&str>, salt: &[u8]) -> Result<String, VaultError> {
        let sealed = self.choose(id).and_then(|(id, secret)| sealed(plain, secret, id, salt));
        sealed.map_err(|reason| VaultError::new(reason, id.unwrap_or(DEFAULT_ID)))
    }
}

/// What an envelope held, the id it bears, and what opened it.
struct Unlocked<'a> {
    plain: Vec<u8>,
    id: String,
    secret: &'a Secret<Vec<u8>>,
}

/// Seals a text; what is an envelope already is not sealed again.
fn sealed(plain: &[u8], secret: &Secret<Vec<u8>>, id: &str, salt: &[u8]) -> Result<String, Reason> {
    if is_vault(plain) {
        return Err(Reason::SealedAlready);
    }
    Ok(envelope::write(&cipher::seal(plain, secret.expose(), salt), id))
}

/// Returns the envelope of `plain`, sealed with a password that is not one of the run's.
pub(crate) fn seal_with(plain: &[u8], password: &[u8], id: &str, salt: &[u8]) -> Result<String, Reason> {
    sealed(plain, &Secret::new(password.to_vec()), id, salt)
}

/// Opens an envelope with a password that is not one of the run's.
pub(crate) fn open_with(envelope: &[u8], password: &[u8]) -> Result<Vec<u8>, Reason> {
    cipher::open(&Envelope::read(envelope)?.sealed()?, password)?.ok_or(Reason::NoneOpens)
}

impl fmt::Debug for Vaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.secrets.iter().map(|(id, _)| id.as_str()).collect();
        f.debug_struct("Vaults")
            .field("ids", &ids)
            .field("match_only", &self.match_only)
            .finish_non_exhaustive()
    }
}
