//! What Python says of a regular expression that it cannot read, and where.

/// Returns Python's words for the first thing that is wrong; `None` where it is none of the usual mistakes.
pub(super) fn told(pattern: &str) -> Option<String> {
    let text: Vec<char> = pattern.chars().collect();
    let mut scan = Scan { text: &text, at: 0, open: Vec::new(), before: Before::Nothing };
    let (what, at) = scan.fault()?;
    Some(format!("{what} at position {at}"))
}

/// What a quantifier would repeat.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Something,
    Repeat,
}

struct Scan<'a> {
    text: &'a [char],
    at: usize,
    /// Where the groups that are not closed yet begin.
    open: Vec<usize>,
    before: Before,
}

impl Scan<'_> {
    fn fault(&mut self) -> Option<(&'static str, usize)> {
        while let Some(&character) = self.text.get(self.at) {
            let start = self.at;
            self.at += 1;
            match character {
                '\\' if self.at == self.text.len() => return Some(("bad escape (end of pattern)", start)),
                '\\' => {
                    self.at += 1;
                    self.before = Before::Something;
                }
                '[' => {
                    if !self.class() {
                        return Some(("unterminated character set", start));
                    }
                    self.before = Before::Something;
                }
                '(' => {
                    self.open.push(start);
                    self.group_head();
                    self.before = Before::Nothing;
                }
                ')' => {
                    if self.open.pop().is_none() {
                        return Some(("unbalanced parenthesis", start));
                    }
                    self.before = Before::Something;
                }
                '|' | '^' => self.before = Before::Nothing,
                '*' | '+' | '?' => match self.before {
                    Before::Nothing => return Some(("nothing to repeat", start)),
                    Before::Repeat => return Some(("multiple repeat", start)),
                    Before::Something => self.repeated(),
                },
                '{' if self.braces() && self.before == Before::Something => self.repeated(),
                _ => self.before = Before::Something,
            }
        }
        self.open.last().map(|start| ("missing ), unterminated subpattern", *start))
    }

    /// A quantifier may be lazy or possessive.
    fn repeated(&mut self) {
        if matches!(self.text.get(self.at), Some('?' | '+')) {
            self.at += 1;
        }
        self.before = Before::Repeat;
    }

    /// Goes behind a set of characters; returns whether it has an end.
    fn class(&mut self) -> bool {
        if self.text.get(self.at) == Some(&'^') {
            self.at += 1;
        }
        let first = self.at;
        while let Some(&character) = self.text.get(self.at) {
            self.at += 1;
            match character {
                ']' if self.at - 1 > first => return true,
                '\\' => self.at += 1,
                _ => {}
            }
        }
        false
    }

    /// Goes behind what makes a group a special one.
    fn group_head(&mut self) {
        if self.text.get(self.at) != Some(&'?') {
            return;
        }
        while let Some(character) = self.text.get(self.at) {
            if *character == ')' {
                return;
            }
            self.at += 1;
            if matches!(character, ':' | '=' | '!' | '>') {
                return;
            }
        }
    }

    /// Goes behind `2,3}` where that follows.
    fn braces(&mut self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(end) = rest.iter().position(|character| *character == '}') else { return false };
        let inside = rest.get(..end).unwrap_or_default();
        let is_count = !inside.is_empty() && inside.iter().all(|c| c.is_ascii_digit() || *c == ',');
        if is_count {
            self.at += end + 1;
        }
        is_count
    }
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn mistakes_are_told_in_pythons_words() {
        for (pattern, words) in [
            ("^k=(", "missing ), unterminated subpattern at position 3"),
            ("((a)", "missing ), unterminated subpattern at position 0"),
            ("a)", "unbalanced parenthesis at position 1"),
            ("*a", "nothing to repeat at position 0"),
            ("(?:+)", "nothing to repeat at position 3"),
            ("a**", "multiple repeat at position 2"),
            ("x[a", "unterminated character set at position 1"),
            ("x[]", "unterminated character set at position 1"),
            ("a\\", "bad escape (end of pattern) at position 1"),
        ] {
            assert_eq!(told(pattern).as_deref(), Some(words), "{pattern}");
        }
    }

    #[test]
    fn what_is_well_formed_has_no_fault() {
        for pattern in ["a*?b+?", "[]a]{2,3}x", "(?P<n>a|b)+", "(?=x)y", "a{,2}{", r"\(\[", "(?i)x"] {
            assert_eq!(told(pattern), None, "{pattern}");
        }
    }
}
