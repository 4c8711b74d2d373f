//! `.dockerignore`, by Docker's rules, which are not git's: a pattern is anchored at the context's root, `**` stands for
//! any number of folders, the last line that matches decides, and what is in an ignored folder can come back.
//!
//! Source: <https://docs.docker.com/build/concepts/context/#dockerignore-files>.

use std::iter::Peekable;
use std::str::Chars;

/// The lines of a `.dockerignore` file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ignore {
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    /// It began with `!`: what it matches is sent after all.
    exception: bool,
    /// Without dots and double slashes.
    text: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Letter(char),
    /// `?`
    One,
    /// `*`
    Star,
    /// `**` with something behind it: nothing, or folders up to a slash.
    Folders,
    /// `**` at the end.
    All,
    /// `[a-z]`, `[^a-z]`
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Ignore {
    /// Reads a file's text; the error names the line that is no pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let line = line.trim();
            let (exception, pattern) = match line.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, line),
            };
            if pattern.is_empty() && !exception {
                continue;
            }
            let text = clean(pattern);
            let tokens = tokens(&text).filter(|_| !pattern.is_empty()).ok_or_else(|| line.to_owned())?;
            lines.push(Line { exception, text, tokens });
        }
        Ok(Self { lines })
    }

    /// Returns whether a file or folder is left out; its path is relative to the context, with slashes.
    pub(crate) fn ignores(&self, path: &str) -> bool {
        // The path and the folders that it is in: what matches one of them matches all that is inside.
        let whole: Vec<char> = path.chars().collect();
        let folders = whole.iter().enumerate().filter(|(_, letter)| **letter == '/').map(|(at, _)| at);
        let prefixes: Vec<&[char]> =
            folders.chain([whole.len()]).filter_map(|end| whole.get(..end)).collect();
        self.lines.iter().fold(false, |ignored, line| {
            // Only a line that would change the verdict is looked at.
            let decides =
                line.exception == ignored && prefixes.iter().any(|prefix| matches(&line.tokens, prefix));
            if decides { !line.exception } else { ignored }
        })
    }

    /// Returns whether something inside an ignored folder could be sent after all.
    pub(crate) fn may_keep_inside(&self, folder: &str) -> bool {
        self.lines.iter().any(|line| line.exception && reaches(&line.text, folder))
    }
}

/// Whether a pattern can match inside a folder: its parts match those of the folder, as far as both go.
fn reaches(pattern: &str, folder: &str) -> bool {
    for (part, name) in pattern.split('/').zip(folder.split('/')) {
        if part.contains("**") {
            return true;
        }
        let name: Vec<char> = name.chars().collect();
        if !tokens(part).is_some_and(|tokens| matches(&tokens, &name)) {
            return false;
        }
    }
    true
}

/// Takes dots and double slashes out of a path, as Go's `filepath.Clean` does, and then the slash at its beginning.
fn clean(pattern: &str) -> String {
    let rooted = pattern.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            // Above the root is the root.
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// Reads a pattern; `None` for a class that does not end.
fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let mut letters = pattern.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(letter) = letters.next() {
        tokens.push(match letter {
            '*' if letters.next_if_eq(&'*').is_some() => {
                letters.next_if_eq(&'/');
                if letters.peek().is_none() { Token::All } else { Token::Folders }
            }
            '*' => Token::Star,
            '?' => Token::One,
            '[' => class(&mut letters)?,
            '\\' => Token::Letter(letters.next()?),
            other => Token::Letter(other),
        });
    }
    Some(tokens)
}

/// Reads what stands between brackets.
fn class(letters: &mut Peekable<Chars<'_>>) -> Option<Token> {
    let negated = letters.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let low = match letters.next()? {
            ']' if !ranges.is_empty() => return Some(Token::Class { negated, ranges }),
            // Go knows no empty class, and no bracket or dash that stands for itself.
            ']' | '-' => return None,
            '\\' => letters.next()?,
            letter => letter,
        };
        let high = match letters.next_if_eq(&'-') {
            None => low,
            Some(_) => match letters.next()? {
                ']' | '-' => return None,
                '\\' => letters.next()?,
                letter => letter,
            },
        };
        ranges.push((low, high));
    }
}

/// Whether a pattern matches a whole path. Every place that the path can have come to is followed at once, so that no
/// pattern takes longer than its length times the path's.
fn matches(tokens: &[Token], path: &[char]) -> bool {
    let mut places = vec![false; path.len() + 1];
    if let Some(first) = places.first_mut() {
        *first = true;
    }
    for token in tokens {
        places = step(token, &places, path);
    }
    places.last().copied().unwrap_or(false)
}

/// Returns the places after a token, given those before it.
fn step(token: &Token, before: &[bool], path: &[char]) -> Vec<bool> {
    let mut after = Vec::with_capacity(before.len());
    // Whether a place somewhere to the left counts for this one.
    let mut open = false;
    let mut previous = None;
    for (at, &here) in before.iter().enumerate() {
        let came = at.checked_sub(1).and_then(|left| before.get(left)).copied().unwrap_or(false);
        after.push(match token {
            Token::Letter(letter) => came && previous == Some(*letter),
            Token::One => came && previous.is_some_and(|letter| letter != '/'),
            Token::Class { negated, ranges } => {
                came && previous.is_some_and(|letter| in_class(letter, *negated, ranges))
            }
            Token::Star => {
                open = here || (open && previous != Some('/'));
                open
            }
            Token::All => {
                open |= here;
                open
            }
            Token::Folders => {
                open |= came;
                here || (open && previous == Some('/'))
            }
        });
        previous = path.get(at).copied();
    }
    after
}

fn in_class(letter: char, negated: bool, ranges: &[(char, char)]) -> bool {
    letter != '/' && ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter)) != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each path is ignored by the file.
    fn ignored<const N: usize>(file: &str, paths: [&str; N]) -> [bool; N] {
        let ignore = Ignore::parse(file).expect("patterns");
        paths.map(|path| ignore.ignores(path))
    }

    #[test]
    fn a_pattern_is_anchored_at_the_root() {
        assert_eq!(ignored("foo", ["foo", "foo/a/b", "bar/foo", "foobar"]), [true, true, false, false]);
    }

    #[test]
    fn slashes_at_either_end_make_no_difference() {
        for file in ["/foo/bar/", "foo/bar", "./foo/bar", "foo//bar", "foo/x/../bar"] {
            assert_eq!(ignored(file, ["foo/bar", "foo/bar/a", "foo"]), [true, true, false], "{file}");
        }
    }

    #[test]
    fn a_star_stays_within_a_name() {
        assert_eq!(
            ignored("*/temp*", ["a/temp", "a/temporary.txt", "a/b/temp", "temp"]),
            [true, true, false, false]
        );
        assert_eq!(ignored("*/*/temp*", ["a/b/temp", "a/temp"]), [true, false]);
        assert_eq!(ignored("*.md", ["README.md", "docs/README.md", ".md"]), [true, false, true]);
    }

    #[test]
    fn a_question_mark_is_one_letter() {
        assert_eq!(ignored("temp?", ["tempa", "temp", "tempab", "temp/"]), [true, false, false, false]);
    }

    #[test]
    fn two_stars_are_any_number_of_folders() {
        assert_eq!(ignored("**/*.go", ["a.go", "x/a.go", "x/y/z/a.go", "a.rs"]), [true, true, true, false]);
        assert_eq!(
            ignored("a/**/b", ["a/b", "a/x/b", "a/x/y/b", "ab", "x/a/b"]),
            [true, true, true, false, false]
        );
        assert_eq!(ignored("a/**", ["a", "a/b", "a/b/c", "ab"]), [false, true, true, false]);
        assert_eq!(ignored("**", ["a", "a/b"]), [true, true]);
        assert_eq!(ignored("**foo", ["foo", "x/foo", "xfoo"]), [true, true, false]);
    }

    #[test]
    fn the_last_line_that_matches_decides() {
        assert_eq!(ignored("*.md\n!README.md", ["a.md", "README.md"]), [true, false]);
        let file = "*.md\n!README*.md\nREADME-secret.md";
        assert_eq!(ignored(file, ["README.md", "README-secret.md", "a.md"]), [false, true, true]);
        let file = "*.md\nREADME-secret.md\n!README*.md";
        assert_eq!(ignored(file, ["README.md", "README-secret.md", "a.md"]), [false, false, true]);
    }

    #[test]
    fn what_is_in_an_ignored_folder_can_come_back() {
        assert_eq!(
            ignored("docs\n!docs/keep", ["docs", "docs/a", "docs/keep", "docs/keep/b"]),
            [true, true, false, false]
        );
        assert_eq!(
            ignored("*\n!demo-app", ["demo-app", "src", "src/main.rs", "demo-apps"]),
            [false, true, true, true]
        );
    }

    #[test]
    fn comments_and_empty_lines_are_no_patterns() {
        assert_eq!(ignored("\u{feff}# a comment\n\n   \nfoo  \r\n", ["foo", "# a comment"]), [true, false]);
        // Only at the beginning of a line.
        assert_eq!(ignored("  #foo", ["#foo"]), [true]);
    }

    #[test]
    fn a_backslash_takes_the_meaning_away() {
        assert_eq!(ignored(r"a\*b", ["a*b", "axb"]), [true, false]);
        assert_eq!(ignored("a.b+(c)$", ["a.b+(c)$", "axb+(c)$"]), [true, false]);
    }

    #[test]
    fn classes_are_letters_and_ranges() {
        assert_eq!(ignored("[a-cx]1", ["a1", "x1", "d1", "1"]), [true, true, false, false]);
        assert_eq!(ignored("[^a-c]1", ["a1", "d1", "/1"]), [false, true, false]);
    }

    #[test]
    fn a_space_after_the_exclamation_mark_does_no_harm() {
        assert_eq!(ignored("*\n! a", ["a", "b"]), [false, true]);
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        for line in ["[a", "!", "[]", "[-a]", "a\\"] {
            assert_eq!(Ignore::parse(&format!("ok\n{line}\n")).expect_err("no pattern"), line);
        }
    }

    #[test]
    fn a_dot_is_ignored_for_historical_reasons() {
        assert_eq!(ignored(".", ["a", "a/b"]), [false, false]);
    }

    #[test]
    fn an_ignored_folder_is_entered_only_for_an_exception() {
        let ignore = Ignore::parse("*\n!a/b/keep\n!x*/y\n!docs").expect("patterns");
        for (folder, enters) in
            [("a", true), ("a/b", true), ("a/c", false), ("b", false), ("xx", true), ("docs", true)]
        {
            assert_eq!(ignore.may_keep_inside(folder), enters, "{folder}");
        }
        assert!(Ignore::parse("*\n!**/keep").expect("patterns").may_keep_inside("any/where"));
        assert!(!Ignore::parse("*").expect("patterns").may_keep_inside("a"));
    }
}
