//! What is asked while a run goes on: before each task (`--step`), and for variables.

use std::io::{BufRead as _, Write as _};

use rplay_engine::Answer;

use super::prompt;

/// Asks on stdout as Ansible does; where nobody answers the answer is no.
pub(crate) fn ask(task: &str) -> Answer {
    let mut out = std::io::stdout();
    let _ = write!(out, "Perform task: {task} (N)o/(y)es/(c)ontinue: ");
    let _ = out.flush();
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line).is_err() {
        return Answer::No;
    }
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => Answer::Yes,
        "c" | "continue" => Answer::Continue,
        _ => Answer::No,
    }
}

/// Asks for a variable; `None` where nothing more comes.
pub(crate) fn ask_for(question: &str, hidden: bool) -> Option<String> {
    let answer = if hidden { prompt::hidden(question) } else { prompt::shown(question) };
    answer.ok().flatten()
}
