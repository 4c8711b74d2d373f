use std::collections::{HashMap, HashSet};

use rplay_event::{Progress, ProgressStep};

use super::Key;

/// One line per change, for a log: nothing is said twice.
#[derive(Default)]
pub(crate) struct Lines {
    said: HashMap<Key, Said>,
}

#[derive(Default)]
struct Said {
    headline: String,
    /// By label: the state without its seconds, and whether it was whole.
    steps: HashMap<String, (String, bool)>,
    notes: HashSet<String>,
}

impl Lines {
    pub(crate) fn update(&mut self, key: Key, progress: &Progress) -> Vec<String> {
        let host = key.1.clone();
        self.said.entry(key).or_default().changes(&host, progress)
    }

    pub(crate) fn done(&mut self, key: &Key) {
        self.said.remove(key);
    }
}

impl Said {
    fn changes(&mut self, host: &str, progress: &Progress) -> Vec<String> {
        let start = format!("[{host}] {}", progress.headline);
        let mut lines = Vec::new();
        if self.headline != progress.headline {
            self.headline.clone_from(&progress.headline);
            lines.push(start.clone());
        }
        for step in &progress.steps {
            let state = (timeless(&step.state), whole(step));
            if self.steps.get(&step.label) != Some(&state) {
                self.steps.insert(step.label.clone(), state);
                lines.push(format!("{start}: {}: {}", step.label, step.state));
            }
        }
        if let Some(note) = progress.note.as_ref().filter(|note| self.notes.insert((*note).clone())) {
            lines.push(format!("{start}: {note}"));
        }
        lines
    }
}

/// Every byte of a transfer would be a line: only the last one is.
fn whole(step: &ProgressStep) -> bool {
    step.amount.is_some_and(|(done, whole)| done >= whole)
}

/// Returns the state without words such as `12s` or `1m03s`: a second more is no change.
fn timeless(state: &str) -> String {
    state.split_whitespace().filter(|word| !is_duration(word)).collect::<Vec<_>>().join(" ")
}

fn is_duration(word: &str) -> bool {
    let word = word.trim_matches(|char: char| char.is_ascii_punctuation());
    word.starts_with(|char: char| char.is_ascii_digit())
        && word.ends_with(['s', 'm', 'h'])
        && word.chars().all(|char| char.is_ascii_digit() || matches!(char, 's' | 'm' | 'h' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::progress;

    fn key() -> Key {
        (1, "web1".to_owned())
    }

    #[test]
    fn a_change_is_a_line_and_what_stays_is_none() {
        let mut lines = Lines::default();
        assert_eq!(
            lines.update(key(), &progress("rolling out web:7", &[("task 1", "PENDING 1s")], None)),
            ["[web1] rolling out web:7", "[web1] rolling out web:7: task 1: PENDING 1s"]
        );
        assert_eq!(
            lines.update(key(), &progress("rolling out web:7", &[("task 1", "PENDING 2s")], None)),
            [""; 0]
        );
        assert_eq!(
            lines
                .update(key(), &progress("rolling out web:7", &[("task 1", "RUNNING (3s)")], Some("steady"))),
            ["[web1] rolling out web:7: task 1: RUNNING (3s)", "[web1] rolling out web:7: steady"]
        );
        assert_eq!(
            lines
                .update(key(), &progress("rolling out web:7", &[("task 1", "RUNNING (4s)")], Some("steady"))),
            [""; 0]
        );
    }

    #[test]
    fn of_an_amount_only_the_beginning_and_the_end_are_told() {
        let mut lines = Lines::default();
        let mut at = |done| {
            let mut push = progress("pushing", &[("layer", "uploading")], None);
            push.steps.iter_mut().for_each(|step| step.amount = Some((done, 9)));
            lines.update(key(), &push)
        };
        assert_eq!(at(1), ["[web1] pushing", "[web1] pushing: layer: uploading"]);
        assert_eq!(at(5), [""; 0]);
        assert_eq!(at(9), ["[web1] pushing: layer: uploading"]);
    }
}
