//! The system's ssh: its configuration, agents, jump hosts and kept connections are used as they are.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rplay_module::{Failure, Result, Secret};

use super::shell::split;
use super::transport::Line;
use crate::hex::hex;
use crate::private;

/// Ansible's own options for every connection.
const ARGS: &str = "-C -o ControlMaster=auto -o ControlPersist=60s";
/// The variable by which rplay, started by ssh, knows that it is asked for a password.
const ASKED: &str = "RPLAY_ASKPASS";

/// A host behind ssh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ssh {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) user: Option<String>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) password: Option<Secret<String>>,
    pub(crate) executable: String,
    pub(crate) args: Option<String>,
    pub(crate) common_args: Option<String>,
    pub(crate) extra_args: Option<String>,
    pub(crate) host_key_checking: bool,
    pub(crate) control_path: Option<String>,
    pub(crate) control_path_dir: PathBuf,
    pub(crate) timeout: u64,
    pub(crate) retries: u32,
    /// Answers ssh when it asks for the password: rplay itself.
    pub(crate) askpass: PathBuf,
    /// Where the file with the password lies while ssh asks.
    pub(crate) temporary: PathBuf,
}

/// A password in a private file, there until the connection stands.
#[derive(Debug)]
pub(super) struct PasswordFile {
    path: PathBuf,
}

impl Drop for PasswordFile {
    fn drop(&mut self) {
        // It may have been removed by whoever clears the folder.
        let _ = fs::remove_file(&self.path);
    }
}

impl Ssh {
    /// Returns the program and its options, without host and command.
    ///
    /// Source: the order is that of `ansible/plugins/connection/ssh.py`; ssh takes the first of several values.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = vec![self.executable.clone()];
        let option = |words: &mut Vec<String>, value: String| words.extend(["-o".to_owned(), value]);
        words.extend(split(self.args.as_deref().unwrap_or(ARGS)));
        if !self.host_key_checking {
            option(&mut words, "StrictHostKeyChecking=no".to_owned());
        }
        if let Some(port) = self.port {
            option(&mut words, format!("Port={port}"));
        }
        if let Some(key) = &self.key {
            option(&mut words, format!("IdentityFile=\"{}\"", key.display()));
        }
        if self.password.is_none() {
            option(&mut words, "KbdInteractiveAuthentication=no".to_owned());
            let methods = "gssapi-with-mic,gssapi-keyex,hostbased,publickey";
            option(&mut words, format!("PreferredAuthentications={methods}"));
            option(&mut words, "PasswordAuthentication=no".to_owned());
        }
        if let Some(user) = &self.user {
            option(&mut words, format!("User=\"{user}\""));
        }
        option(&mut words, format!("ConnectTimeout={}", self.timeout));
        for more in [&self.common_args, &self.extra_args].into_iter().flatten() {
            words.extend(split(more));
        }
        if let Some(path) = self.kept(&words) {
            option(&mut words, format!("ControlPath=\"{path}\""));
        }
        option(&mut words, "NumberOfPasswordPrompts=1".to_owned());
        words.push(self.host.clone());
        words
    }

    /// Returns where the socket of a kept connection lies, unless the options say it or keep none.
    fn kept(&self, words: &[String]) -> Option<String> {
        let has = |name: &str| words.iter().any(|word| word.to_lowercase().contains(name));
        if !has("controlpersist") || has("controlpath") {
            return None;
        }
        let folder = self.control_path_dir.display().to_string();
        Some(match &self.control_path {
            Some(path) => path.replace("%(directory)s", &folder).replace("%%", "%"),
            None => format!("{folder}/{}", self.socket()),
        })
    }

    /// Returns the socket's name: short, because the path of a socket has to be.
    fn socket(&self) -> String {
        use sha2::Digest as _;
        let port = self.port.map(|port| port.to_string()).unwrap_or_default();
        let user = self.user.as_deref().unwrap_or_default();
        let digest = sha2::Sha256::digest(format!("{}-{port}-{user}", self.host));
        hex(digest.get(..5).unwrap_or_default())
    }

    pub(super) fn line(&self, command: &str) -> Result<Line> {
        let mut line = Line { argv: self.words(), ..Line::default() };
        if line.argv.iter().any(|word| word.starts_with("ControlPath=\"")) {
            self.control_folder()?;
        }
        line.argv.push(command.to_owned());
        if let Some(password) = &self.password {
            let file = Arc::new(self.password_file(password)?);
            line.env = vec![
                ("SSH_ASKPASS".to_owned(), self.askpass.display().to_string()),
                ("SSH_ASKPASS_REQUIRE".to_owned(), "force".to_owned()),
                // Old clients ask only where there is a display.
                ("DISPLAY".to_owned(), ":0".to_owned()),
                (ASKED.to_owned(), file.path.display().to_string()),
            ];
            line.password = Arc::into_inner(file);
        }
        Ok(line)
    }

    /// Returns the command that asks the kept connection something: `check`, `stop`.
    pub(super) fn control(&self, what: &str) -> Vec<String> {
        let mut words = self.words();
        let host = words.pop();
        words.extend(["-O".to_owned(), what.to_owned()]);
        words.extend(host);
        words
    }

    fn control_folder(&self) -> Result<()> {
        let made = fs::create_dir_all(&self.control_path_dir);
        made.map_err(|error| {
            Failure::new(format!("Cannot write to ControlPath {}: {error}", self.control_path_dir.display()))
        })
    }

    fn password_file(&self, password: &Secret<String>) -> Result<PasswordFile> {
        let failed =
            |error: std::io::Error| Failure::new(format!("could not hand ssh the password: {error}"));
        let mut bytes = [0; 12];
        getrandom::fill(&mut bytes).expect("the kernel gives random bytes once it is up");
        let name = hex(&bytes);
        let path = self.temporary.join(format!(".rplay-askpass-{name}"));
        let mut file = private::fresh(&path).map_err(failed)?;
        let kept = PasswordFile { path };
        file.write_all(password.expose().as_bytes()).map_err(failed)?;
        Ok(kept)
    }
}

/// Returns what to answer ssh, where rplay was started by it to ask for a password; `None` where it was not.
///
/// `question` is ssh's; one that is no question for a password gets no answer.
pub fn askpass(file: Option<&str>, question: &str) -> Option<Option<String>> {
    let file = file?;
    let asks = question.to_lowercase();
    if !(asks.contains("password") || asks.contains("passphrase")) {
        return Some(None);
    }
    Some(fs::read_to_string(Path::new(file)).ok())
}

#[cfg(test)]
pub(super) fn sample() -> Ssh {
    Ssh {
        host: "web1".to_owned(),
        port: Some(2222),
        user: Some("admin".to_owned()),
        key: None,
        password: None,
        executable: "ssh".to_owned(),
        args: None,
        common_args: None,
        extra_args: None,
        host_key_checking: false,
        control_path: None,
        control_path_dir: PathBuf::from("/home/me/.ansible/cp"),
        timeout: 10,
        retries: 0,
        askpass: PathBuf::from("/usr/bin/rplay"),
        temporary: std::env::temp_dir(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_in_the_order_in_which_ansible_gives_them() {
        let words = sample().words().join(" ");
        assert!(words.starts_with(
            "ssh -C -o ControlMaster=auto -o ControlPersist=60s -o StrictHostKeyChecking=no -o Port=2222 "
        ));
        assert!(
            words.contains(
                "-o PasswordAuthentication=no -o User=\"admin\" -o ConnectTimeout=10 -o ControlPath="
            )
        );
        assert!(words.ends_with("-o NumberOfPasswordPrompts=1 web1"));
    }

    #[test]
    fn a_connection_that_is_not_kept_has_no_socket() {
        let plain = Ssh { args: Some("-C".to_owned()), ..sample() };
        assert!(!plain.words().join(" ").contains("ControlPath"));
        let own = Ssh { extra_args: Some("-o ControlPath=/tmp/mine".to_owned()), ..sample() };
        assert_eq!(own.words().join(" ").matches("ControlPath").count(), 1);
    }

    #[test]
    fn the_password_lies_in_a_private_file_only_as_long_as_it_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        let ssh = Ssh {
            password: Some(Secret::new("hush".to_owned())),
            control_path_dir: folder.path().to_owned(),
            temporary: folder.path().to_owned(),
            ..sample()
        };
        let line = ssh.line("true").unwrap();
        let told: Vec<&String> = line.argv.iter().chain(line.env.iter().map(|(_, value)| value)).collect();
        assert!(told.iter().all(|word| !word.contains("hush")));
        let file = line.env.iter().find(|(name, _)| name == ASKED).unwrap().1.clone();
        assert_eq!(askpass(Some(&file), "admin@web1's password: "), Some(Some("hush".to_owned())));
        assert_eq!(
            askpass(Some(&file), "Are you sure you want to continue connecting (yes/no)?"),
            Some(None)
        );
        assert_eq!(askpass(None, "password:"), None);
        drop(line);
        assert!(!Path::new(&file).exists());
    }
}
