//! Questions at the terminal.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Asks without showing what is typed: at the terminal, and where there is none on the standard input, as Python's
/// `getpass` does. `None` is the end of the input.
///
/// # Errors
/// What the system says when it cannot be read.
pub(crate) fn hidden(question: &str) -> io::Result<Option<String>> {
    if let Ok(terminal) = OpenOptions::new().read(true).write(true).open("/dev/tty") {
        return ask_terminal(question, &terminal);
    }
    let mut err = io::stderr();
    write!(err, "Warning: Password input may be echoed.\n{question}")?;
    err.flush()?;
    let answer = line(&mut io::stdin().lock())?;
    if answer.is_some() {
        writeln!(err)?;
    }
    Ok(answer)
}

/// Asks on the standard output and shows what is typed. `None` is the end of the input.
///
/// # Errors
/// What the system says when it cannot be read.
pub(crate) fn shown(question: &str) -> io::Result<Option<String>> {
    let mut out = io::stdout();
    write!(out, "{question}")?;
    out.flush()?;
    line(&mut io::stdin().lock())
}

fn ask_terminal(question: &str, mut terminal: &File) -> io::Result<Option<String>> {
    let before = tcgetattr(terminal).ok();
    let _restored = before.clone().map(|before| Restored { terminal, before });
    if let Some(mut silent) = before {
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
    }
    write!(terminal, "{question}")?;
    let answer = line(&mut BufReader::new(terminal));
    writeln!(terminal)?;
    answer
}

/// Shows again what is typed, whatever happened.
struct Restored<'a, T: AsFd> {
    terminal: &'a T,
    before: Termios,
}

impl<T: AsFd> Drop for Restored<'_, T> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

fn line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let count = input.read_line(&mut line)?;
    Ok((count > 0).then(|| line.trim_end_matches('\n').to_owned()))
}
