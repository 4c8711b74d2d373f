//! `rplay vault`: what `ansible-vault` does, with its words and exit codes.

mod args;
mod editor;
mod error;
mod files;
mod strings;

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rplay_config::Config;
use rplay_engine::{Ring, Settings};

pub(crate) use args::VaultCommand;
use args::{Common, Output, Sealing};
use error::VaultFault;
use files::Place;

use super::vault_passwords::{self, Purpose, Sources};
use super::{complain, say, say_bytes, settings, warn};

/// Ansible's exit code of a wrong option.
const OPTIONS: u8 = 5;
const FAILED: u8 = 1;

type Done<T = ()> = Result<T, VaultFault>;

/// Runs `rplay vault`.
pub(crate) fn run(command: &VaultCommand) -> u8 {
    let config = match settings::config() {
        Ok(config) => config,
        Err(code) => return code,
    };
    match perform(command, config) {
        Ok(()) => 0,
        Err(VaultFault { message, code }) => {
            complain(&message);
            code
        }
    }
}

/// What every command works with.
struct Session {
    environment: BTreeMap<String, String>,
    config: Arc<Config>,
}

fn perform(command: &VaultCommand, config: Arc<Config>) -> Done {
    let session = Session { environment: settings::vault_environment(&config), config };
    match command {
        VaultCommand::Create { common, sealing, skip_tty_check, files } => {
            session.create(common, sealing, *skip_tty_check, files)
        }
        VaultCommand::Decrypt { common, output, files } => session.decrypt(common, output, files),
        VaultCommand::Edit { common, files, .. } => {
            let ring = session.ring(common, Purpose::Open)?;
            files.iter().try_for_each(|file| session.edit(&ring, file))
        }
        VaultCommand::View { common, files } => session.view(common, files),
        VaultCommand::Encrypt { common, output, sealing, files } => {
            session.encrypt(common, output, sealing, files)
        }
        VaultCommand::EncryptString { common, output, sealing, texts } => {
            output_of_one(output, texts.texts.len())?;
            let (ring, id) = session.sealer(common, sealing)?;
            let sealed = strings::sealed(texts, |plain| session.seal(&ring, plain, id.as_deref()))?;
            let place = session.output(output).unwrap_or(Place::Standard);
            place.write(sealed.as_bytes())?;
            successful("Encryption");
            Ok(())
        }
        VaultCommand::Rekey { common, sealing, new_vault_password_file, new_vault_id, files } => {
            let new = Sources {
                ids: new_vault_id.iter().cloned().collect(),
                files: new_vault_password_file.iter().cloned().collect(),
                ask: common.secrets.ask_vault_pass,
                ask_if_none: true,
            };
            session.rekey(common, sealing, new, files)
        }
    }
}

impl Session {
    fn encrypt(&self, common: &Common, output: &Output, sealing: &Sealing, files: &[PathBuf]) -> Done {
        output_of_one(output, files.len())?;
        let (ring, id) = self.sealer(common, sealing)?;
        note_input(files, "plaintext");
        for place in Place::all(files) {
            let envelope = self.seal(&ring, &place.read()?, id.as_deref())?;
            self.output(output).unwrap_or(place).write(envelope.as_bytes())?;
        }
        successful("Encryption");
        Ok(())
    }

    fn decrypt(&self, common: &Common, output: &Output, files: &[PathBuf]) -> Done {
        output_of_one(output, files.len())?;
        let ring = self.ring(common, Purpose::Open)?;
        note_input(files, "ciphertext");
        for place in Place::all(files) {
            let opened = ring.open(&place.read()?).map_err(|error| VaultFault::about(&error, &place))?;
            self.output(output).unwrap_or(place).write(&opened.plain)?;
        }
        successful("Decryption");
        Ok(())
    }

    fn view(&self, common: &Common, files: &[PathBuf]) -> Done {
        let ring = self.ring(common, Purpose::Open)?;
        for file in files {
            let place = Place::given(file);
            let opened = ring.open(&place.read()?).map_err(|error| VaultFault::about(&error, &place))?;
            self.page(opened.plain);
        }
        Ok(())
    }

    /// Shows a text in a pager where there is a terminal.
    fn page(&self, plain: Vec<u8>) {
        let mut text = String::from_utf8(plain).unwrap_or_else(|error| {
            warn("Non UTF-8 encoded data replaced with \"?\" while displaying text to stdout/stderr.");
            String::from_utf8_lossy(error.as_bytes()).replace(char::REPLACEMENT_CHARACTER, "?")
        });
        if !text.ends_with('\n') {
            text.push('\n');
        }
        if !std::io::stdout().is_terminal() || !editor::page(&self.environment, &text) {
            say(&text);
        }
    }

    fn create(&self, common: &Common, sealing: &Sealing, no_terminal: bool, files: &[PathBuf]) -> Done {
        let (ring, id) = self.sealer(common, sealing)?;
        let [file] = files else {
            return Err(VaultFault::options("ansible-vault create can take only one filename argument"));
        };
        if !no_terminal && !std::io::stdout().is_terminal() {
            return Err(VaultFault::options("not a tty, editor cannot be opened"));
        }
        if let Some(folder) =
            file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        {
            warn(&format!("{} does not exist, creating...", folder.display()));
            files::make_private(folder)?;
        }
        if file.is_file() {
            return Err(VaultFault::failed(format!("{} exists, please use 'edit' instead", file.display())));
        }
        if let Some(plain) = editor::edited(&self.environment, file, None)? {
            Place::real(file).write(self.seal(&ring, &plain, id.as_deref())?.as_bytes())?;
        }
        Ok(())
    }

    fn edit(&self, ring: &Ring, file: &Path) -> Done {
        let place = Place::real(file);
        let opened = ring.open(&place.read()?).map_err(|error| VaultFault::about(&error, &place))?;
        let Some(plain) = editor::edited(&self.environment, file, Some(&opened.plain))? else {
            return Ok(());
        };
        let envelope =
            opened.seal(&plain, &self.salt()).map_err(|error| VaultFault::failed(error.to_string()))?;
        place.rewrite(envelope.as_bytes())
    }

    fn rekey(&self, common: &Common, sealing: &Sealing, mut new: Sources, files: &[PathBuf]) -> Done {
        let ring = self.ring(common, Purpose::Open)?;
        let id = self.encrypt_id(sealing);
        if id.is_some() {
            new.ids.splice(0..0, vault_passwords::identity_list(&self.environment));
        }
        let new = self.ring_of(new, Purpose::Seal)?;
        if new.ids().next().is_none() {
            let message = "A new vault password is required to use Ansible's Vault rekey";
            return Err(VaultFault::options(message));
        }
        new.knows(id.as_deref()).map_err(|error| VaultFault::failed(error.to_string()))?;
        for file in files {
            let place = Place::real(file);
            let opened = ring.open(&place.read()?).map_err(|error| VaultFault::about(&error, &place))?;
            place.rewrite(self.seal(&new, &opened.plain, id.as_deref())?.as_bytes())?;
        }
        complain_plainly("Rekey successful");
        Ok(())
    }

    /// Returns the passwords of the command line and the settings.
    fn ring(&self, common: &Common, purpose: Purpose) -> Done<Ring> {
        let sources = Sources { ask_if_none: true, ..Sources::new(&common.secrets, &self.environment) };
        if let Some(id) = common.secrets.vault_id.iter().find(|id| id.contains(';')) {
            let message =
                format!("'{id}' is not a valid vault id. The character ';' is not allowed in vault ids");
            return Err(VaultFault::options(message));
        }
        if common.verbose > 0 {
            say(&match self.config.file() {
                Some(file) => format!("Using {} as config file\n", file.display()),
                None => "No config file found; using defaults\n".to_owned(),
            });
        }
        self.ring_of(sources, purpose)
    }

    /// Returns the passwords to encrypt with, and the id that is meant.
    fn sealer(&self, common: &Common, sealing: &Sealing) -> Done<(Ring, Option<String>)> {
        let ring = self.ring(common, Purpose::Seal)?;
        let id = self.encrypt_id(sealing);
        let ids: Vec<&str> = ring.ids().collect();
        if ids.len() > 1 && id.is_none() {
            return Err(VaultFault::options(format!(
                "The vault-ids {} are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id",
                ids.join(",")
            )));
        }
        ring.knows(id.as_deref()).map_err(|error| VaultFault::failed(error.to_string()))?;
        Ok((ring, id))
    }

    fn ring_of(&self, sources: Sources, purpose: Purpose) -> Done<Ring> {
        let secrets = vault_passwords::secrets(sources, purpose, &self.environment).map_err(|refused| {
            warn(&refused.warning);
            VaultFault::failed(refused.message)
        })?;
        let settings = Settings {
            vault_secrets: secrets,
            vault_id_match: vault_passwords::id_match(&self.environment),
            ..settings::bare(&self.config).map_err(|fault| VaultFault::failed(fault.message))?
        };
        let (ring, warnings) = Ring::new(&settings);
        let mut told = BTreeSet::new();
        warnings.iter().filter(|warning| told.insert(warning.as_str())).for_each(|warning| warn(warning));
        let ring = ring.map_err(|error| VaultFault::failed(error.to_string()))?;
        if ring.ids().next().is_none() {
            return Err(VaultFault::options("A vault password is required to use Ansible's Vault"));
        }
        Ok(ring)
    }

    fn encrypt_id(&self, sealing: &Sealing) -> Option<String> {
        let configured = || self.environment.get("ANSIBLE_VAULT_ENCRYPT_IDENTITY").cloned();
        sealing.encrypt_vault_id.clone().or_else(configured).filter(|id| !id.is_empty())
    }

    fn seal(&self, ring: &Ring, plain: &[u8], id: Option<&str>) -> Done<String> {
        ring.seal(plain, id, &self.salt()).map_err(|error| VaultFault::failed(error.to_string()))
    }

    fn salt(&self) -> Vec<u8> {
        let given = self.environment.get("ANSIBLE_VAULT_ENCRYPT_SALT").filter(|salt| !salt.is_empty());
        if let Some(salt) = given {
            return salt.clone().into_bytes();
        }
        let mut salt = vec![0; 32];
        settings::random(&mut salt);
        salt
    }

    fn output(&self, output: &Output) -> Option<Place> {
        let path = output.output.as_ref()?;
        Some(match path.as_os_str().as_encoded_bytes() {
            b"-" => Place::Standard,
            _ => Place::File(vault_passwords::unfracked(path, &self.environment)),
        })
    }
}

fn output_of_one(output: &Output, inputs: usize) -> Done {
    match &output.output {
        Some(_) if inputs > 1 => {
            Err(VaultFault::options("At most one input file may be used with the --output option"))
        }
        _ => Ok(()),
    }
}

/// Says at a terminal what is waited for.
fn note_input(files: &[PathBuf], what: &str) {
    if files.is_empty() && std::io::stdin().is_terminal() {
        complain_plainly(&format!("Reading {what} input from stdin"));
    }
}

fn successful(deed: &str) {
    if std::io::stdout().is_terminal() {
        complain_plainly(&format!("{deed} successful"));
    }
}

/// Says something on the standard error that is no error.
fn complain_plainly(message: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{message}");
}
