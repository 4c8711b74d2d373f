//! What Ansible makes of a value where a keyword asks for a kind: `get_validated_value` of its `playbook/base.py`.

use crate::{Data, Node};

impl Node {
    /// Returns a flag, which may also be written as one of Ansible's words for it.
    pub fn to_flag(&self) -> Option<bool> {
        match &self.data {
            Data::Bool(value) => Some(*value),
            Data::Int(0) => Some(false),
            Data::Int(1) => Some(true),
            Data::Text(_) => flag(self.as_str()?),
            _ => None,
        }
    }

    /// Returns a whole number, which may be written as a text or as a fraction that is none.
    pub fn to_whole(&self) -> Option<i64> {
        let number = match &self.data {
            Data::Int(value) => return Some(*value),
            Data::Text(_) if let Ok(value) = self.as_str()?.trim().parse() => return Some(value),
            _ => self.to_number()?,
        };
        // Beyond this a float no longer tells whole numbers apart.
        let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        exact.then(|| format!("{number}").parse().ok()).flatten()
    }

    /// Returns a number, which may be written as a text.
    pub fn to_number(&self) -> Option<f64> {
        match &self.data {
            Data::Bool(value) => Some(f64::from(u8::from(*value))),
            // Through its digits, for a cast would be silent where it rounds.
            Data::Int(value) => value.to_string().parse().ok(),
            Data::BigInt(digits) => digits.parse().ok(),
            Data::Float(value) => Some(*value),
            Data::Text(_) => self.as_str()?.trim().parse().ok(),
            _ => None,
        }
    }

    /// Returns the number of a percentage, with or without its sign.
    pub fn to_percent(&self) -> Option<f64> {
        match self.as_str() {
            Some(text) => text.replace('%', "").trim().parse().ok(),
            None => self.to_number(),
        }
    }
}

/// Returns what Ansible takes a word for where a flag is asked for.
fn flag(word: &str) -> Option<bool> {
    match word.trim().to_lowercase().as_str() {
        "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
        "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rplay_event::Span;

    use super::*;

    fn text(text: &str) -> Node {
        Node::text(text, &Span::new("p.yml", 1, 1))
    }

    #[test]
    fn words_for_flags_are_ansibles() {
        let cases = [
            ("Yes", Some(true)),
            (" on ", Some(true)),
            ("F", Some(false)),
            ("0", Some(false)),
            ("maybe", None),
        ];
        for (word, value) in cases {
            assert_eq!(text(word).to_flag(), value, "{word}");
        }
    }

    #[test]
    fn whole_numbers_may_be_texts_but_no_fractions() {
        let cases =
            [("5", Some(5)), (" 5 ", Some(5)), ("5.0", Some(5)), ("5.5", None), ("five", None), ("", None)];
        for (word, value) in cases {
            assert_eq!(text(word).to_whole(), value, "{word:?}");
        }
    }

    #[test]
    fn a_percentage_may_have_its_sign() {
        assert_eq!(text("30%").to_percent(), Some(30.0));
        assert_eq!(text("30").to_percent(), Some(30.0));
        assert_eq!(text("all").to_percent(), None);
    }
}
