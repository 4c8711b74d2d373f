use rplay_event::Fault;
use rplay_syntax::{Warning, WarningKind};

/// What a key that stands twice in a mapping is: `DUPLICATE_YAML_DICT_KEY`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Duplicates {
    #[default]
    Warn,
    Refuse,
    Ignore,
}

impl Duplicates {
    /// Returns what the setting says.
    pub(crate) fn named(setting: Option<&str>) -> Self {
        match setting {
            Some("error") => Self::Refuse,
            Some("ignore") => Self::Ignore,
            _ => Self::Warn,
        }
    }

    /// Returns the warnings that remain.
    ///
    /// # Errors
    /// The first duplicate, where none is allowed.
    pub(crate) fn judged(self, mut warnings: Vec<Warning>) -> Result<Vec<Warning>, Fault> {
        let duplicate = |warning: &Warning| warning.kind == WarningKind::Duplicate;
        match (self, warnings.iter().find(|warning| duplicate(warning))) {
            (Self::Refuse, Some(first)) => {
                Err(Fault::new(format!("YAML parsing failed: {}", first.message)).at(&first.span))
            }
            (Self::Ignore, Some(_)) => {
                warnings.retain(|warning| !duplicate(warning));
                Ok(warnings)
            }
            _ => Ok(warnings),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_warned_of_refused_or_ignored() {
        let warnings = rplay_syntax::parse("f", "a: 1\na: 2\n").unwrap().warnings;
        let judged = |setting| Duplicates::named(setting).judged(warnings.clone());
        assert_eq!(judged(None).unwrap().len(), 1);
        assert_eq!(judged(Some("warn")).unwrap().len(), 1);
        assert_eq!(judged(Some("ignore")).unwrap(), []);
        let refused = judged(Some("error")).unwrap_err();
        assert_eq!(refused.to_string(), "f:2:1: YAML parsing failed: Found duplicate mapping key 'a'.");
        assert_eq!(refused.kind.exit_code(), 4);
    }
}
