//! Passwords of hosts, and to become another user: asked for, or out of files.

use std::io::{BufRead as _, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rplay_config::Config;
use rplay_event::{Fault, FaultKind};
use rplay_module::Secret;

use super::args::RunArgs;

/// What was typed or read.
#[derive(Default)]
pub(crate) struct Passwords {
    pub(crate) connection: Option<Secret<String>>,
    pub(crate) become_as: Option<Secret<String>>,
}

/// Asks for the passwords that the options and the configuration want, or reads their files.
///
/// # Errors
/// A file that is not there or holds nothing; a terminal that cannot be read.
pub(crate) fn read(args: &RunArgs, config: &Config) -> Result<Passwords, Fault> {
    let configured = |name: &str| config.text(name).map(PathBuf::from);
    let ask = args.connect.ask_pass || config.flag("DEFAULT_ASK_PASS");
    let file =
        args.connect.connection_password_file.clone().or_else(|| configured("CONNECTION_PASSWORD_FILE"));
    let connection = match file {
        _ if ask => Some(typed("SSH password: ")?),
        Some(file) => Some(of_file(&file)?),
        None => None,
    };
    let ask_become = args.become_as.ask_pass || config.flag("DEFAULT_BECOME_ASK_PASS");
    let file = args.become_as.password_file.clone().or_else(|| configured("BECOME_PASSWORD_FILE"));
    let become_as = match file {
        _ if ask_become => {
            let method = become_word(args, config);
            let default = if ask { "[defaults to SSH password]" } else { "" };
            let typed = typed(&format!("{method} password{default}: "))?;
            Some(if ask && typed.is_empty() { connection.clone().unwrap_or_default() } else { typed })
        }
        Some(file) => Some(of_file(&file)?),
        None => None,
    };
    Ok(Passwords { connection: connection.map(Secret::new), become_as: become_as.map(Secret::new) })
}

fn become_word(args: &RunArgs, config: &Config) -> String {
    if config.flag("AGNOSTIC_BECOME_PROMPT") {
        return "BECOME".to_owned();
    }
    let method = args.become_as.method.clone().or_else(|| config.text("DEFAULT_BECOME_METHOD"));
    method.unwrap_or_default().to_uppercase()
}

/// Asks on the terminal without showing what is typed; the end of the input is an empty answer.
fn typed(prompt: &str) -> Result<String, Fault> {
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
    read.map_err(|error| setup(format!("the password could not be read: {error}")))?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// Reads a file, runs a program, or with `-` reads all of stdin.
fn of_file(path: &Path) -> Result<String, Fault> {
    let shown = path.display();
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|error| setup(format!("stdin could not be read: {error}")))?;
        bytes
    } else {
        let found = std::fs::metadata(path);
        let found = found.map_err(|_| setup(format!("The password file {shown} was not found")))?;
        if found.permissions().mode() & 0o111 == 0 {
            std::fs::read(path)
                .map_err(|_| setup(format!("Could not read password file '{shown}'.")))?
                .trim_ascii()
                .to_vec()
        } else {
            printed(path)?
        }
    };
    let text = String::from_utf8_lossy(&bytes).trim_matches(['\r', '\n']).to_owned();
    if text.is_empty() {
        return Err(setup(format!("Empty password was provided from file ({shown})")));
    }
    Ok(text)
}

fn printed(program: &Path) -> Result<Vec<u8>, Fault> {
    let shown = program.display();
    let output = Command::new(program).output().map_err(|error| {
        setup(format!(
            "Problem occurred when trying to run the password script {shown} ({error}). If this is not a script, remove \
             the executable bit from the file."
        ))
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let code = output.status.code().unwrap_or(-1);
    let said = String::from_utf8_lossy(&output.stderr);
    Err(setup(format!("The password script {shown} returned an error (rc={code}): {said}")))
}

fn setup(message: String) -> Fault {
    Fault::new(message).kind(FaultKind::Setup)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_text_and_a_program_what_it_prints() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, program) = (folder.path().join("file"), folder.path().join("program"));
        std::fs::write(&file, " swordfish \n").expect("writes");
        std::fs::write(&program, "#!/bin/sh\necho printed\n").expect("writes");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("may be set");
        assert_eq!(of_file(&file).expect("reads"), "swordfish");
        assert_eq!(of_file(&program).expect("runs"), "printed");
    }

    #[test]
    fn what_is_missing_or_empty_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "\n").expect("writes");
        assert!(of_file(&empty).expect_err("empty").message.starts_with("Empty password was provided"));
        assert_eq!(
            of_file(Path::new("/no/such")).expect_err("missing").message,
            "The password file /no/such was not found"
        );
    }
}
