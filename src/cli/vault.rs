use std::io::Read as _;
use std::path::{Path, PathBuf};

use rplay_engine::Vault;
use rplay_event::{Fault, FaultKind};

use super::args::{VaultArgs, VaultCommand};
use super::{complain, play, say, say_bytes};

/// Runs `rplay vault`.
pub(crate) fn run(command: &VaultCommand) -> u8 {
    let done = match command {
        VaultCommand::Encrypt(args) => each(args, |vault, path, text| {
            write(path, vault.seal(&text, args.encrypt_vault_id.as_deref(), salt())?.as_bytes())
        }),
        VaultCommand::Decrypt(args) => {
            each(args, |vault, path, text| write(path, &vault.open(&text, &path.display().to_string())?))
        }
        VaultCommand::View(args) => each(args, |vault, path, text| {
            let plain = vault.open(&text, &path.display().to_string())?;
            say_bytes(|out| out.write_all(&plain));
            Ok(())
        }),
        VaultCommand::EncryptString { args, name } => encrypt_string(args, name.as_deref()),
    };
    match done {
        Ok(()) => 0,
        Err(fault) => {
            complain(&fault.to_string());
            if let Some(help) = &fault.help {
                complain(help);
            }
            fault.kind.exit_code()
        }
    }
}

fn each(args: &VaultArgs, deed: impl Fn(&Vault, &Path, Vec<u8>) -> Result<(), Fault>) -> Result<(), Fault> {
    let vault = play::vault(&args.secrets)?;
    for path in &args.files {
        let text = std::fs::read(path).map_err(|error| {
            Fault::new(format!("could not read {}: {error}", path.display())).kind(FaultKind::Setup)
        })?;
        deed(&vault, path, text)?;
    }
    Ok(())
}

/// The text to encrypt is given as an argument or comes from stdin.
fn encrypt_string(args: &VaultArgs, name: Option<&str>) -> Result<(), Fault> {
    let vault = play::vault(&args.secrets)?;
    let mut texts: Vec<Vec<u8>> =
        args.files.iter().map(|text| text.as_os_str().as_encoded_bytes().to_vec()).collect();
    if texts.is_empty() {
        let mut text = Vec::new();
        let read = std::io::stdin().read_to_end(&mut text);
        read.map_err(|error| Fault::new(format!("could not read stdin: {error}")).kind(FaultKind::Setup))?;
        texts.push(text);
    }
    for text in texts {
        let envelope = vault.seal(&text, args.encrypt_vault_id.as_deref(), salt())?;
        let lines: Vec<&str> = envelope.lines().collect();
        let indented = lines.join("\n          ");
        let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
        say(&format!("{name}!vault |\n          {indented}\n"));
    }
    Ok(())
}

/// Written beside the file first: a full disk must not cost it.
fn write(path: &Path, text: &[u8]) -> Result<(), Fault> {
    let fail = |error: std::io::Error| {
        Fault::new(format!("could not write {}: {error}", path.display())).kind(FaultKind::Setup)
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".rplay-new");
    let beside = PathBuf::from(beside);
    let permissions = std::fs::metadata(path).map_err(fail)?.permissions();
    std::fs::write(&beside, b"").map_err(fail)?;
    std::fs::set_permissions(&beside, permissions).map_err(fail)?;
    std::fs::write(&beside, text).map_err(fail)?;
    std::fs::rename(&beside, path).map_err(fail)
}

fn salt() -> [u8; 32] {
    let mut salt = [0; 32];
    play::random(&mut salt);
    salt
}
