//! Why a regular expression is none, in the words of Python's `re`.

/// Returns what Python says of the first mistake; `None` where it would find none.
pub(crate) fn fault(pattern: &str) -> Option<String> {
    let chars: Vec<char> = pattern.chars().collect();
    let at = |place: usize| chars.get(place).copied();
    let mut open: Vec<usize> = Vec::new();
    let mut place = 0;
    // What a repetition would repeat: nothing, something, or a repetition.
    let mut before = Before::Nothing;
    while let Some(c) = at(place) {
        let start = place;
        place += 1;
        before = match c {
            '\\' if at(place).is_none() => {
                return Some(format!("bad escape (end of pattern) at position {start}"));
            }
            '\\' => {
                let escaped = at(place).unwrap_or_default();
                place += 1;
                if escaped.is_ascii_alphabetic() && !"AbBdDsSwWZafnrtvxuUN".contains(escaped) {
                    return Some(format!("bad escape \\{escaped} at position {start}"));
                }
                Before::Something
            }
            '[' => {
                let Some(end) = class_end(&chars, place) else {
                    return Some(format!("unterminated character set at position {start}"));
                };
                place = end;
                Before::Something
            }
            '(' => {
                open.push(start);
                if at(place) == Some('?') {
                    while at(place).is_some_and(|c| !matches!(c, ':' | '=' | '!' | '>' | ')')) {
                        place += 1;
                    }
                    place += usize::from(at(place) != Some(')'));
                }
                Before::Nothing
            }
            '|' | '^' => Before::Nothing,
            ')' if open.pop().is_none() => {
                return Some(format!("unbalanced parenthesis at position {start}"));
            }
            '*' | '+' | '?' if before == Before::Nothing => {
                return Some(format!("nothing to repeat at position {start}"));
            }
            '*' | '+' if before == Before::Repetition && c == '*' => {
                return Some(format!("multiple repeat at position {start}"));
            }
            '*' | '+' | '?' => {
                if matches!(at(place), Some('?' | '+')) {
                    place += 1;
                }
                Before::Repetition
            }
            _ => Before::Something,
        };
    }
    open.first().map(|start| format!("missing ), unterminated subpattern at position {start}"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Something,
    Repetition,
}

/// Returns the place after the bracket that closes a set; one at its beginning belongs to it.
fn class_end(chars: &[char], mut place: usize) -> Option<usize> {
    place += usize::from(chars.get(place) == Some(&'^'));
    place += usize::from(chars.get(place) == Some(&']'));
    loop {
        match chars.get(place)? {
            '\\' => place += 2,
            ']' => return Some(place + 1),
            _ => place += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_as_python_tells_them() {
        for (pattern, message) in [
            ("*", "nothing to repeat at position 0"),
            ("a(b", "missing ), unterminated subpattern at position 1"),
            ("a)", "unbalanced parenthesis at position 1"),
            ("[a", "unterminated character set at position 0"),
            (r"a\", "bad escape (end of pattern) at position 1"),
            (r"\q", r"bad escape \q at position 0"),
        ] {
            assert_eq!(fault(pattern).as_deref(), Some(message), "{pattern}");
        }
        assert_eq!(fault(r"(?P<a>[]x]+?)|^\d*(?=b)"), None);
    }
}
