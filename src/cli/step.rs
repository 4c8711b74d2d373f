//! `--step`: asks before each task.

use std::io::{BufRead as _, Write as _};

use rplay_engine::Answer;

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
