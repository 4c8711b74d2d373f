use std::collections::HashMap;

/// What a line means, and so its colour: Ansible's defaults of `COLOR_*` in `config/base.yml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

    /// Returns what the setting of this name colours.
    fn of_setting(name: &str) -> Option<Self> {
        Some(match name {
            "COLOR_OK" => Self::Ok,
            "COLOR_CHANGED" => Self::Changed,
            "COLOR_SKIP" => Self::Skip,
            "COLOR_INCLUDED" => Self::Included,
            "COLOR_ERROR" => Self::Error,
            "COLOR_UNREACHABLE" => Self::Unreachable,
            "COLOR_DEBUG" => Self::Debug,
            "COLOR_VERBOSE" => Self::Verbose,
            "COLOR_WARN" => Self::Warn,
            "COLOR_DEPRECATE" => Self::Deprecate,
            "COLOR_DIFF_ADD" => Self::Added,
            "COLOR_DIFF_REMOVE" => Self::Removed,
            "COLOR_DIFF_LINES" => Self::Hunk,
            _ => return None,
        })
    }
}

/// Which colour a line has: Ansible's own, but for those that were set.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    set: HashMap<Paint, String>,
}

impl Palette {
    /// Sets the colour that a setting such as `COLOR_OK` names; one that does not exist changes nothing.
    pub fn set(&mut self, setting: &str, colour: &str) {
        if let (Some(paint), Some(code)) = (Paint::of_setting(setting), code(colour)) {
            self.set.insert(paint, code);
        }
    }

    /// Returns the text in a colour, each line by itself, so that a pager or a log keeps it.
    pub(crate) fn on(&self, paint: Paint, text: &str) -> String {
        let code = self.set.get(&paint).map_or_else(|| paint.code(), String::as_str);
        let lines: Vec<String> = text.split('\n').map(|line| format!("\x1b[{code}m{line}\x1b[0m")).collect();
        lines.join("\n")
    }
}

/// Returns a colour's parameters; its names are those of `ansible/utils/color.py`.
fn code(colour: &str) -> Option<String> {
    let named = match colour {
        "black" => "0;30",
        "bright gray" => "0;37",
        "blue" => "0;34",
        "white" => "1;37",
        "green" => "0;32",
        "bright blue" => "1;34",
        "cyan" => "0;36",
        "bright green" => "1;32",
        "red" => "0;31",
        "bright cyan" => "1;36",
        "purple" | "magenta" => "0;35",
        "bright red" => "1;31",
        "yellow" => "0;33",
        "bright purple" | "bright magenta" => "1;35",
        "dark gray" => "1;30",
        "bright yellow" => "1;33",
        "normal" => "0",
        other => return numbered(other),
    };
    Some(named.to_owned())
}

/// `color208`, `rgb512` and `gray7` are colours of a palette of 256.
fn numbered(colour: &str) -> Option<String> {
    let number = |text: &str| text.parse::<u32>().ok();
    let index = if let Some(number_text) = colour.strip_prefix("color") {
        number(number_text)?
    } else if let Some(parts) = colour.strip_prefix("rgb") {
        let parts: Vec<u32> = parts.chars().map(|digit| digit.to_digit(6)).collect::<Option<_>>()?;
        let [red, green, blue] = parts.as_slice() else { return None };
        16 + 36 * red + 6 * green + blue
    } else {
        232 + number(colour.strip_prefix("gray")?)?
    };
    Some(format!("38;5;{index}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_carries_its_own_colour() {
        assert_eq!(Palette::default().on(Paint::Ok, "a\nb"), "\x1b[0;32ma\x1b[0m\n\x1b[0;32mb\x1b[0m");
    }

    #[test]
    fn colours_are_set_by_name_number_and_shares() {
        let painted = |colour: &str| {
            let mut palette = Palette::default();
            palette.set("COLOR_OK", colour);
            palette.on(Paint::Ok, "a")
        };
        assert_eq!(painted("bright red"), "\x1b[1;31ma\x1b[0m");
        assert_eq!(painted("color208"), "\x1b[38;5;208ma\x1b[0m");
        assert_eq!(painted("rgb100"), "\x1b[38;5;52ma\x1b[0m");
        assert_eq!(painted("gray3"), "\x1b[38;5;235ma\x1b[0m");
        assert_eq!(painted("no such"), "\x1b[0;32ma\x1b[0m");
    }
}
