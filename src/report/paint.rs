/// What a line means, and so its colour: Ansible's defaults of `COLOR_*` in `config/base.yml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Ok,
    Changed,
    Skip,
    Included,
    Error,
    Unreachable,
    Debug,
    Verbose,
    Warn,
    Deprecate,
    Added,
    Removed,
    Hunk,
}

impl Paint {
    /// The parameters between `ESC [` and `m`, written as Ansible writes them.
    fn code(self) -> &'static str {
        match self {
            Self::Ok | Self::Added => "0;32",
            Self::Changed => "0;33",
            Self::Skip | Self::Included | Self::Hunk => "0;36",
            Self::Error | Self::Removed => "0;31",
            Self::Unreachable => "1;31",
            Self::Debug => "1;30",
            Self::Verbose => "0;34",
            Self::Warn => "1;35",
            Self::Deprecate => "0;35",
        }
    }

    /// Returns the text in this colour, each line by itself, so that a pager or a log keeps it.
    pub(crate) fn on(self, text: &str) -> String {
        let code = self.code();
        let lines: Vec<String> = text.split('\n').map(|line| format!("\x1b[{code}m{line}\x1b[0m")).collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_carries_its_own_colour() {
        assert_eq!(Paint::Ok.on("a\nb"), "\x1b[0;32ma\x1b[0m\n\x1b[0;32mb\x1b[0m");
    }
}
