//! The passwords of a command that works on encrypted files: `rplay vault` has no playbook and no run.

use rplay_module::Secret;

use super::{Passwords, Reason, VaultError, Vaults, is_vault, sealed};
use crate::child::Children;
use crate::settings::{Settings, VaultSecret};

/// Vault passwords, each with its id.
#[derive(Debug)]
pub struct Ring {
    vaults: Vaults,
}

/// What an envelope held.
#[derive(Debug)]
pub struct Opened {
    pub plain: Vec<u8>,
    /// The id that the envelope bears; the password that opened it may have another.
    pub id: String,
    secret: Secret<Vec<u8>>,
}

impl Ring {
    /// Reads the passwords that the settings name; also returns what to warn of.
    ///
    /// # Errors
    /// What is wrong with the last password file, when none gave a password.
    pub fn new(settings: &Settings) -> (Result<Self, VaultError>, Vec<String>) {
        let (vaults, warnings) = collect(settings, &Children::default());
        (vaults.map(|vaults| Self { vaults }), warnings)
    }

    /// Returns the ids of the passwords, in their order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.vaults.secrets.iter().map(|(id, _)| id.as_str())
    }

    /// Opens the envelope that a file is.
    ///
    /// # Errors
    /// What is no envelope, is damaged, or was sealed with another password.
    pub fn open(&self, envelope: &[u8]) -> Result<Opened, VaultError> {
        let fault = |reason| VaultError::new(reason, "the file");
        // A string in a playbook may be indented, a file may not.
        if !is_vault(envelope) {
            return Err(fault(Reason::NotVault));
        }
        let unlocked = self.vaults.try_secrets(envelope).map_err(fault)?;
        Ok(Opened { plain: unlocked.plain, id: unlocked.id, secret: unlocked.secret.clone() })
    }

    /// Returns the envelope of a text, sealed with the first password of that id, or the first of all.
    ///
    /// # Errors
    /// An id that no password has, or a text that is an envelope already.
    pub fn seal(&self, plain: &[u8], id: Option<&str>, salt: &[u8]) -> Result<String, VaultError> {
        self.vaults.seal(plain, id, salt)
    }

    /// Returns whether there is a password to seal with.
    ///
    /// # Errors
    /// An id that no password has.
    pub fn knows(&self, id: Option<&str>) -> Result<(), VaultError> {
        let chosen = self.vaults.choose(id).map(|_| ());
        chosen.map_err(|reason| VaultError::new(reason, id.unwrap_or_default()))
    }
}

impl Opened {
    /// Returns the envelope of another text, with the id and the password of the one that was opened.
    ///
    /// # Errors
    /// A text that is an envelope already.
    pub fn seal(&self, plain: &[u8], salt: &[u8]) -> Result<String, VaultError> {
        sealed(plain, &self.secret, &self.id, salt)
            .map_err(|reason| VaultError::new(reason, self.id.as_str()))
    }
}

/// Reads the passwords; a later file may be encrypted with an earlier one's password.
///
/// A file that gives none is a warning as long as another one does, as Ansible has it: `vault_identity_list` may name
/// files that only colleagues have.
pub(crate) fn collect(settings: &Settings, children: &Children) -> (Result<Vaults, VaultError>, Vec<String>) {
    let env: Vec<(String, String)> =
        settings.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut vaults = Vaults::new(Vec::new(), settings.vault_id_match);
    let (mut warnings, mut last) = (Vec::new(), None);
    for secret in &settings.vault_secrets {
        match secret {
            VaultSecret::Typed(id, password) => vaults.add(id.as_str(), password.clone()),
            VaultSecret::File { id, shown_id, path } => {
                let passwords = Passwords { children, env: &env, earlier: &vaults };
                match passwords.read(&settings.folder.join(path), shown_id.as_deref()) {
                    Ok(password) => vaults.add(id.as_str(), password),
                    Err(refused) => {
                        warnings.push(complaint(shown_id.as_deref(), refused.doing, &refused.error));
                        last = Some(refused.error);
                    }
                }
            }
        }
    }
    match last {
        Some(error) if vaults.secrets.is_empty() => (Err(error), warnings),
        _ => (Ok(vaults), warnings),
    }
}

/// Returns Ansible's warning of a password that was not to be had; an id that was not given is Python's `None`.
fn complaint(id: Option<&str>, doing: &str, error: &VaultError) -> String {
    format!("Error {doing} ({}): {error}", id.unwrap_or("None"))
}
