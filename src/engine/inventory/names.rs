//! Names of groups and of variables.

use std::collections::BTreeSet;

use super::data::{Inventory, Note};
use super::settings::GroupNames;

impl Inventory {
    /// Returns a group's name as the settings want it.
    pub(crate) fn safe_name(&mut self, name: &str) -> String {
        let invalid = invalid_characters(name);
        if invalid.is_empty() {
            return name.to_owned();
        }
        let replaced = matches!(self.names, GroupNames::Always | GroupNames::Silently);
        let listed: Vec<String> = invalid.iter().map(|c| format!("'{c}'")).collect();
        let what = format!("invalid character(s) \"{{{}}}\" in group name ({name})", listed.join(", "));
        match self.names {
            GroupNames::Always => {
                self.notes.push(Note::Said(4, format!("Replacing {what}")));
                self.warn(
                    "Invalid characters were found in group names and automatically replaced, use -vvvv to see details",
                );
            }
            GroupNames::Never => {
                self.notes.push(Note::Said(4, format!("Not replacing {what}")));
                self.warn(
                    "Invalid characters were found in group names but not replaced, use -vvvv to see details",
                );
            }
            GroupNames::Ignore | GroupNames::Silently => {}
        }
        if replaced { plain_name(name) } else { name.to_owned() }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns the characters that a variable's name could not have.
fn invalid_characters(name: &str) -> BTreeSet<char> {
    let wrong = |(at, c): &(usize, char)| !is_word(*c) || (*at == 0 && c.is_numeric());
    name.chars().enumerate().filter(wrong).map(|(_, c)| c).collect()
}

/// Returns the name with an underscore for each character that a variable's name could not have.
pub(crate) fn plain_name(name: &str) -> String {
    let plain = |(at, c): (usize, char)| if !is_word(c) || (at == 0 && c.is_numeric()) { '_' } else { c };
    name.chars().enumerate().map(plain).collect()
}

/// What Jinja keeps for itself, beside what is no name.
const JINJA_WORDS: [&str; 9] = ["True", "False", "None", "true", "false", "none", "and", "or", "not"];

pub(crate) fn is_variable_name(name: &str) -> bool {
    let starts = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    starts
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !JINJA_WORDS.contains(&name)
        && !matches!(name, "if" | "else" | "in" | "is")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_of_a_variable_is_replaced_when_the_settings_say_so() {
        let mut inventory = Inventory::new(GroupNames::Always, false, "");
        assert_eq!(&*inventory.add_group("1-a b").expect("a name"), "__a_b");
        assert_eq!(inventory.notes.len(), 2);
        let mut inventory = Inventory::new(GroupNames::Ignore, false, "");
        assert_eq!(&*inventory.add_group("1-a b").expect("a name"), "1-a b");
        assert!(inventory.notes.is_empty());
    }
}
