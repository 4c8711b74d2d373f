//! Which texts are too much like everyday words to be masked wherever they stand.

/// Shorter secrets are masked only where a whole value is equal: `true` inside every sentence helps nobody.
pub(super) const SHORTEST_INSIDE: usize = 8;

/// A shorter text may be anything, however odd it looks.
const SHORTEST_TELLING: usize = 6;

/// What is shorter tells next to nothing of the secret that it was made of.
const SHORTEST_DERIVED: usize = 4;

/// A longer word of small letters is hardly found in a dictionary.
const LONGEST_EVERYDAY: usize = 12;

/// Returns whether the text is masked inside of longer ones.
pub(super) fn is_long(text: &str) -> bool {
    text.len() >= SHORTEST_INSIDE || is_telling(text)
}

/// Returns whether a text that was made of a secret tells something of it.
pub(super) fn tells(text: &str) -> bool {
    text.len() >= SHORTEST_DERIVED
}

/// Returns the words of a secret that are no everyday words; a secret of one word, or of several lines, has none.
pub(super) fn telling(secret: &str) -> impl Iterator<Item = &str> {
    let several = !secret.contains('\n') && secret.contains(char::is_whitespace);
    let words = several.then(|| secret.split_whitespace()).into_iter().flatten();
    words
        .map(|word| word.trim_matches(|mark| "'\"()[]{}<>,;:.".contains(mark)))
        .filter(|word| is_telling(word))
}

/// Returns whether what was made of a secret could as well be an everyday word.
pub(super) fn is_everyday(text: &str) -> bool {
    let mut letters = text.chars();
    let first = letters.next().is_some_and(char::is_alphabetic);
    first && text.len() < LONGEST_EVERYDAY && letters.all(char::is_lowercase)
}

/// Returns whether a text without blanks is unlike a word, a name or an address: a digit stands among its letters,
/// capitals come and go, or it has signs that names do not have.
fn is_telling(text: &str) -> bool {
    if text.len() < SHORTEST_TELLING || text.contains(char::is_whitespace) {
        return false;
    }
    let odd = |sign: char| sign.is_ascii_punctuation() && !"-_./:,@='\"()[]{}<>".contains(sign);
    let pairs = || text.chars().zip(text.chars().skip(1));
    let humps = pairs().filter(|(left, right)| left.is_lowercase() && right.is_uppercase()).count();
    let digits = pairs().filter(|(left, right)| left.is_ascii_digit() && right.is_alphabetic()).count();
    text.contains(odd) || humps > 1 || digits > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_words_and_addresses_are_not_telling() {
        for text in [
            "password",
            "us-east-1",
            "t.medium",
            "GitHub",
            "/usr/bin/env",
            "server12",
            "db.example.com",
            "a+b",
        ] {
            assert!(!is_telling(text), "{text}");
        }
        for text in ["S3cr3t/Pass", "word+1", "aBcDeF", "p4ssw0rd", "hunter2hunter2"] {
            assert!(is_telling(text), "{text}");
        }
    }

    #[test]
    fn the_telling_words_of_a_secret_are_without_their_quotes() {
        let found = |secret| telling(secret).collect::<Vec<_>>();
        assert_eq!(found("mysql -u root --password='S3cr3t+1'"), ["--password='S3cr3t+1"]);
        assert_eq!(found("pass \"word+1\", battery"), ["word+1"]);
        assert_eq!(found("S3cr3tS3cr3t"), [""; 0]);
    }
}
