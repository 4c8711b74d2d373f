use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};

use rplay_engine::VaultSecret;
use rplay_event::{Fault, FaultKind};
use rplay_module::Secret;

use super::args::SecretArgs;

/// Collects the passwords that the options and `ANSIBLE_VAULT_PASSWORD_FILE` name.
///
/// # Errors
/// A fault of set-up when nothing can be typed.
pub(crate) fn read(
    args: &SecretArgs,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<VaultSecret>, Fault> {
    let mut secrets = Vec::new();
    for given in &args.vault_id {
        let (id, source) = given.rsplit_once('@').unwrap_or(("default", given));
        let id = if id.is_empty() { "default" } else { id }.to_owned();
        secrets.push(match source {
            "prompt" | "prompt_ask_vault_pass" => {
                let password = ask(&format!("Vault password ({id}): "))?;
                VaultSecret::Typed(id, password)
            }
            file => VaultSecret::File(id, file.into()),
        });
    }
    let from_environment = environment.get("ANSIBLE_VAULT_PASSWORD_FILE").filter(|name| !name.is_empty());
    let fallback =
        from_environment.filter(|_| args.vault_password_file.is_empty() && args.vault_id.is_empty());
    let files = args.vault_password_file.iter().cloned().chain(fallback.map(Into::into));
    secrets.extend(files.map(|file| VaultSecret::File("default".to_owned(), file)));
    if args.ask_vault_pass {
        secrets.push(VaultSecret::Typed("default".to_owned(), ask("Vault password: ")?));
    }
    Ok(secrets)
}

/// Asks on the terminal, without showing what is typed.
fn ask(prompt: &str) -> Result<Secret<Vec<u8>>, Fault> {
    let fail = |error: std::io::Error| {
        Fault::new(format!("the password could not be read: {error}")).kind(FaultKind::Setup)
    };
    let mut err = std::io::stderr();
    let _ = write!(err, "{prompt}");
    let _ = err.flush();
    let stdin = std::io::stdin();
    let shown = rustix::termios::tcgetattr(&stdin).ok();
    if let Some(mut hidden) = shown.clone() {
        hidden.local_modes.remove(rustix::termios::LocalModes::ECHO);
        let _ = rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Now, &hidden);
    }
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if let Some(shown) = shown {
        let _ = rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Now, &shown);
        let _ = writeln!(err);
    }
    read.map_err(fail)?;
    Ok(Secret::new(line.trim_end_matches(['\n', '\r']).as_bytes().to_vec()))
}
