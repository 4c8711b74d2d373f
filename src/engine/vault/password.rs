//! Where vault passwords come from: files, and scripts that print them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rplay_module::{Child, Exit, Secret};

use super::{Reason, VaultError, Vaults, is_vault};
use crate::child::{Children, Errors};
use crate::python;

/// The status by which a client script says that it does not know the id.
const UNKNOWN_ID: i32 = 2;

/// A password file that gave no password, and what it was that failed, as Ansible's warning words it.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) doing: &'static str,
    pub(crate) error: VaultError,
}

/// Reads password files, in the order they are given: a later one may be encrypted with an earlier one's password.
pub(crate) struct Passwords<'a> {
    pub(crate) children: &'a Children,
    /// The whole environment of the scripts.
    pub(crate) env: &'a [(String, String)],
    pub(crate) earlier: &'a Vaults,
}

impl Passwords<'_> {
    /// Returns the password that a file holds or, where it may be executed, prints.
    ///
    /// `path` is absolute. A script named `…-client` (any extension) is told which id is asked for, if one is.
    pub(crate) fn read(&self, path: &Path, id: Option<&str>) -> Result<Secret<Vec<u8>>, Refused> {
        let place = |reason| VaultError::new(reason, path.display().to_string());
        let script = is_script(path)
            .map_err(|reason| Refused { doing: "getting vault password file", error: place(reason) })?;
        self.password(path, id, script)
            .map_err(|reason| Refused { doing: "in vault password file loading", error: place(reason) })
    }

    fn password(&self, path: &Path, id: Option<&str>, script: bool) -> Result<Secret<Vec<u8>>, Reason> {
        let shown = path.display();
        let fault = |message: String| Reason::Password(message);
        let content = fs::read(path).map_err(|error| {
            let reason = python::os_error(&error, &format!("'{shown}'"));
            fault(format!("Could not read vault password file '{shown}': {reason}"))
        })?;
        let (password, source) = if script {
            (self.ask(path, id, &content)?, "script")
        } else {
            (self.opened(content.trim_ascii(), path)?, "file")
        };
        let password = trim_line_ends(&password);
        if password.is_empty() {
            return Err(fault(format!("Invalid vault password was provided from {source} ({shown})")));
        }
        Ok(Secret::new(password.to_owned()))
    }

    fn opened(&self, content: &[u8], path: &Path) -> Result<Vec<u8>, Reason> {
        if !is_vault(content) {
            return Ok(content.to_owned());
        }
        self.earlier.open(content, &path.display().to_string()).map_err(|error| error.reason)
    }

    fn ask(&self, path: &Path, id: Option<&str>, content: &[u8]) -> Result<Vec<u8>, Reason> {
        let shown = path.display();
        let client = path.file_stem().is_some_and(|stem| stem.as_encoded_bytes().ends_with(b"-client"));
        let what = if client { "client script" } else { "script" };
        let refused = |reason: &str| {
            let advice = "If this is not a script, remove the executable bit from the file.";
            Reason::Password(format!("Problem running vault password {what} {shown} ({reason}). {advice}"))
        };
        // The C library would run it as a shell script: a password that is only marked as executable by mistake would
        // become a command, and appear in the shell's complaint.
        if !content.starts_with(b"#!") && !content.starts_with(b"\x7fELF") {
            return Err(refused(&format!("[Errno 8] Exec format error: '{shown}'")));
        }
        let told = match id {
            Some(id) if client => vec!["--vault-id".to_owned(), id.to_owned()],
            _ => Vec::new(),
        };
        let argv = std::iter::once(shown.to_string()).chain(told).collect();
        let errors = if client { Errors::Kept } else { Errors::Shown };
        let exit = self.children.ask(Child { argv, ..Child::default() }, self.env.to_vec(), errors);
        let exit = exit.map_err(|failure| refused(&failure.message))?;
        match exit.rc {
            0 => Ok(exit.stdout),
            _ => Err(Reason::Password(no_password(
                &shown.to_string(),
                client.then(|| id.unwrap_or("None")),
                &exit,
            ))),
        }
    }
}

/// Returns whether the file is to be run instead of read.
fn is_script(path: &Path) -> Result<bool, Reason> {
    let shown = path.display();
    let found = fs::metadata(path)
        .map_err(|_| Reason::Password(format!("The vault password file {shown} was not found")))?;
    if found.is_dir() {
        let message = format!("The vault password file provided '{shown}' can not be a directory");
        return Err(Reason::Password(message));
    }
    Ok(found.permissions().mode() & 0o111 != 0)
}

/// What a script that failed has said; `id` is set where it was asked for one.
fn no_password(script: &str, id: Option<&str>, exit: &Exit) -> String {
    let (rc, said) = (exit.rc, python::bytes(&exit.stderr));
    match id {
        None => format!("Vault password script {script} returned non-zero ({rc}): None"),
        Some(id) if rc == UNKNOWN_ID => {
            format!("Vault password client script {script} did not find a secret for vault-id={id}: {said}")
        }
        Some(id) => format!(
            "Vault password client script {script} returned non-zero ({rc}) when getting secret for vault-id={id}: {said}"
        ),
    }
}

fn trim_line_ends(mut bytes: &[u8]) -> &[u8] {
    while let [b'\n' | b'\r', rest @ ..] | [rest @ .., b'\n' | b'\r'] = bytes {
        bytes = rest;
    }
    bytes
}
