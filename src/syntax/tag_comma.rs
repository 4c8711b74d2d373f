//! Tags with a comma directly behind them, as in `[!tag, a]`, over which libyaml-safer panics.

use std::collections::BTreeSet;

use libyaml_safer::{Mark, Scanner, TokenData};

/// More tags of the form `!<a,b>` than this are refused: each costs another look at the whole text.
const MOST: usize = 100;

/// A tag that cannot be read.
pub(crate) struct Unread {
    pub(crate) at: Mark,
    pub(crate) problem: &'static str,
    pub(crate) help: &'static str,
}

/// What libyaml's scanner makes of a text.
enum Seen {
    /// The tag that begins there has a comma directly behind it.
    Comma(Mark),
    /// The tag that begins there stands between angle brackets, and the comma is its own.
    Bracketed(Mark),
    Nothing,
}

/// Finds the first tag that has a comma directly behind it.
///
/// Whether a `!` begins a tag or stands in a text is left to the scanner: it reads the text with a blank before each comma
/// that may be such a one, which moves its tokens and changes nothing else of them.
pub(crate) fn check(text: &str) -> Result<(), Unread> {
    let mut bracketed = BTreeSet::new();
    loop {
        let spread = Spread::new(text, &bracketed);
        match spread.look() {
            Seen::Nothing => return Ok(()),
            Seen::Comma(mark) => {
                let problem = "While scanning a tag did not find expected whitespace or line break.";
                let help = "put a blank between the tag and the comma";
                return Err(Unread { at: spread.moved_back(mark), problem, help });
            }
            Seen::Bracketed(mark) => {
                let at = spread.moved_back(mark);
                if !bracketed.insert(at.index) {
                    return Ok(());
                }
                if bracketed.len() > MOST {
                    let problem = "While scanning a tag found too many that have commas of their own.";
                    return Err(Unread { at, problem, help: "declare a prefix for them with %TAG" });
                }
            }
        }
    }
}

/// A text with a blank before each comma that may stand right behind a tag.
struct Spread {
    text: String,
    /// The bytes at which the blanks stand.
    blanks: Vec<u64>,
}

impl Spread {
    fn new(text: &str, bracketed: &BTreeSet<u64>) -> Self {
        let mut spread = Self { text: String::new(), blanks: Vec::new() };
        let (mut marked, mut inside) = (false, false);
        for (at, character) in text.char_indices() {
            match character {
                '!' if !inside => {
                    marked = true;
                    inside = bracketed.contains(&(at as u64));
                }
                '>' => inside = false,
                ',' if marked && !inside => {
                    spread.blanks.push(spread.text.len() as u64);
                    spread.text.push(' ');
                    marked = false;
                }
                ',' | '[' | ']' | '{' | '}' if !inside => marked = false,
                _ if character.is_whitespace() => (marked, inside) = (false, false),
                _ => {}
            }
            spread.text.push(character);
        }
        spread
    }

    fn look(&self) -> Seen {
        if self.blanks.is_empty() {
            return Seen::Nothing;
        }
        let mut scanner = Scanner::new();
        scanner.set_input(self.text.as_bytes());
        for token in scanner {
            match token {
                Ok(token) if matches!(token.data, TokenData::Tag { .. }) => {
                    if self.blanks.binary_search(&token.end_mark.index).is_ok() {
                        return Seen::Comma(token.start_mark);
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    let begun = error.context_mark().filter(|mark| self.from(mark.index).starts_with("!<"));
                    return begun.map_or(Seen::Nothing, Seen::Bracketed);
                }
            }
        }
        Seen::Nothing
    }

    fn from(&self, index: u64) -> &str {
        usize::try_from(index).ok().and_then(|at| self.text.get(at..)).unwrap_or_default()
    }

    /// Returns where a place of the spread text is in the text itself.
    fn moved_back(&self, mut mark: Mark) -> Mark {
        let before = self.blanks.partition_point(|blank| *blank < mark.index);
        let line = mark.index.saturating_sub(self.line_so_far(mark.index));
        let on_line = before - self.blanks.partition_point(|blank| *blank < line);
        mark.index -= before as u64;
        mark.column -= on_line as u64;
        mark
    }

    /// Returns how many bytes of its line precede a place.
    fn line_so_far(&self, index: u64) -> u64 {
        let before = usize::try_from(index).ok().and_then(|at| self.text.get(..at)).unwrap_or_default();
        before.rsplit(['\n', '\r']).next().unwrap_or_default().len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Option<(u64, u64)> {
        check(text).err().map(|unread| (unread.at.line, unread.at.column))
    }

    #[test]
    fn a_tag_with_a_comma_behind_it_is_found_wherever_it_can_begin() {
        let cases = [
            ("[!a, b]\n", (0, 1)),
            ("{?!a,!b,\n", (0, 2)),
            ("{?{?!,!,\n", (0, 4)),
            ("['x!,', \"y!,\"!c,]\n", (0, 13)),
            ("a: b\nc: [x!, y!, !<d,e> f, !g!h, i]\n", (1, 22)),
            ("[!<a>, b]\n", (0, 1)),
        ];
        for (text, at) in cases {
            assert_eq!(place(text), Some(at), "{text}");
        }
    }

    #[test]
    fn a_comma_behind_a_mark_in_a_text_is_none_of_a_tag() {
        let texts =
            ["[hello!, you!]\n", "- hello!,\n", "# [!a, b]\n", "[!a b, 'it is! !so,']\n", "[!<a,b> c, d]\n"];
        for text in texts {
            assert_eq!(place(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_full_of_marks_is_looked_at_once() {
        let marks = format!("[{}]\n", "a !b, ".repeat(100_000));
        assert_eq!(place(&marks), None);
        let brackets = format!("[{}]\n", "!<a,b> c, ".repeat(1000));
        assert_eq!(place(&brackets), Some((0, 1001)));
    }
}
