use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Span;

/// Which exit code a fault ends the run with, as `ansible-playbook` 2.19 really gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// YAML, a keyword, an unknown module or parameter: exit code 4.
    Playbook,
    /// Set-up before anything is read, such as a vault file's wrong password: exit code 1.
    Setup,
    /// An option of the command line: exit code 5.
    Options,
    /// What would fail a task for certain, found before the first one runs: exit code 2.
    Task,
}

impl FaultKind {
    /// Returns the exit code that a run with such a fault ends with.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Playbook => 4,
            Self::Setup => 1,
            Self::Options => 5,
            Self::Task => 2,
        }
    }
}

/// The lines around a fault, as they stand in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The number of the first line of `text`, from 1.
    pub first_line: u32,
    /// The lines, each ended by a newline.
    pub text: String,
    /// The byte offsets in `text` that the fault is about.
    pub start: usize,
    pub end: usize,
    /// What stands beside the marked text; may be empty.
    pub label: String,
}

/// The playbook is wrong: what, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub kind: FaultKind,
    /// One line, worded as Ansible words it where Ansible has the same fault.
    pub message: String,
    pub span: Option<Span>,
    pub excerpt: Option<Excerpt>,
    /// What to do next: a did-you-mean, an option to give. No help is better than a vague one.
    pub help: Option<String>,
    /// As a cause it is told apart from what it causes, also where it has no place of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub apart: bool,
}

impl Fault {
    /// Returns a fault of a playbook without a place; see [`Fault::at`] and [`Fault::help`].
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Playbook,
            message: message.into(),
            span: None,
            excerpt: None,
            help: None,
            apart: false,
        }
    }

    /// Has the fault told apart from what it causes.
    #[must_use]
    pub fn apart(mut self) -> Self {
        self.apart = true;
        self
    }

    #[must_use]
    pub fn kind(mut self, kind: FaultKind) -> Self {
        self.kind = kind;
        self
    }

    #[must_use]
    pub fn at(mut self, span: &Span) -> Self {
        self.span = Some(span.clone());
        self
    }

    /// Adds the lines around the span out of the file's text; `label` stands beside the marked word.
    #[must_use]
    pub fn with_source(mut self, source: &str, label: impl Into<String>) -> Self {
        if let Some(span) = &self.span {
            self.excerpt = Excerpt::around(source, span, label.into());
        }
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.span {
            Some(span) => write!(f, "{span}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Fault {}

impl Excerpt {
    /// Returns the span's line with two lines before it and one after; `None` where the file has no such line.
    pub fn around(source: &str, span: &Span, label: String) -> Option<Self> {
        let line = usize::try_from(span.line).ok()?.checked_sub(1)?;
        let lines: Vec<&str> = source.lines().collect();
        let marked = *lines.get(line)?;
        let first = line.saturating_sub(2);
        let last = (line + 1).min(lines.len() - 1);
        let text: String = lines.get(first..=last)?.iter().flat_map(|line| [line, "\n"]).collect();
        let before: usize = lines.get(first..line)?.iter().map(|line| line.len() + 1).sum();
        let column = usize::try_from(span.column).ok()?.saturating_sub(1);
        let inside = marked.char_indices().nth(column).map_or(marked.len(), |(at, _)| at);
        let word = marked.get(inside..)?;
        let length = word.find([' ', ':', ',', '}', ']']).filter(|length| *length > 0).unwrap_or(word.len());
        Some(Self {
            first_line: u32::try_from(first + 1).ok()?,
            text,
            start: before + inside,
            end: before + inside + length.max(1).min(word.len().max(1)),
            label,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_marks_the_word_at_the_span() {
        let source = "- hosts: all\n  tasks:\n    - debgu: {msg: a}\n";
        let excerpt =
            Excerpt::around(source, &Span::new("p.yml", 3, 7), String::new()).expect("line 3 is there");
        assert_eq!(excerpt.first_line, 1);
        assert_eq!(&excerpt.text[excerpt.start..excerpt.end], "debgu");
    }

    #[test]
    fn a_span_outside_the_file_has_no_excerpt() {
        assert_eq!(Excerpt::around("a\n", &Span::new("p.yml", 9, 1), String::new()), None);
    }
}
