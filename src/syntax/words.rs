//! How a text of `key=value` words is taken apart, as Ansible's `split_args` and `parse_kv` do it.

/// The parameters of a command that may stand before it as `key=value` words; any other such word is a part of it.
const COMMAND_OPTIONS: [&str; 8] =
    ["creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"];

/// What a text of words says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// The `key=value` words, unquoted, in their order.
    pub named: Vec<(String, String)>,
    /// All other words as they were written.
    pub free_form: Option<String>,
}

/// What is open at the end of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unbalanced {
    Quote(char),
    /// `{{`, `{%` or `{#`.
    Block(&'static str),
}

/// Reads a text of words; to a command every word is a part of the command line but for its few options.
pub(crate) fn words(text: &str, is_command: bool) -> Result<Words, Unbalanced> {
    let mut words = Words::default();
    let mut free = Vec::new();
    for raw in split(text)? {
        let word = unescaped(&raw);
        match equals_sign(&word) {
            Some((key, value)) if !is_command || COMMAND_OPTIONS.contains(&key) => {
                words.named.push((key.trim().to_owned(), unquoted(value.trim()).to_owned()));
            }
            None if word.contains('=') => free.push(word.replace("\\=", "=")),
            _ => free.push(raw),
        }
    }
    words.free_form = (!free.is_empty()).then(|| joined(&free));
    Ok(words)
}

/// Splits the word at its first `=` that is neither escaped nor the first character.
fn equals_sign(word: &str) -> Option<(&str, &str)> {
    let (at, _) = word
        .match_indices('=')
        .find(|(at, _)| *at > 0 && !word.get(..*at).is_some_and(|before| before.ends_with('\\')))?;
    Some((word.get(..at)?, word.get(at + 1..)?))
}

/// Removes the quotes around a text, if it is one quotation from its first to its last character.
fn unquoted(text: &str) -> &str {
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).filter(|inner| !inner.ends_with('\\')).unwrap_or(text)
}

/// Joins words with the blanks and line breaks they were split at.
pub(crate) fn joined(words: &[String]) -> String {
    let mut text = String::new();
    for word in words {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// Splits a text at blanks and line breaks, but neither inside quotes nor inside the marks of a template.
///
/// A line break and repeated blanks stay at the end of the word before them, so that [`joined`] gives the text back.
pub(crate) fn split(text: &str) -> Result<Vec<String>, Unbalanced> {
    let mut splitter = Splitter::default();
    let lines: Vec<&str> = text.split('\n').collect();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    for (number, line) in lines.iter().enumerate() {
        let continued = splitter.line(line);
        if number + 1 < lines.len() && !continued {
            splitter.append("\n");
        }
    }
    splitter.finish()
}

/// The marks of a template that opens and closes, with how many of a kind are open.
const BLOCKS: [(&str, &str); 3] = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

#[derive(Default)]
struct Splitter {
    words: Vec<String>,
    quote: Option<char>,
    depths: [usize; 3],
}

impl Splitter {
    /// Takes a line; returns whether a lone backslash in it says that it goes on.
    fn line(&mut self, line: &str) -> bool {
        let mut continued = false;
        for (number, token) in line.split(' ').enumerate() {
            if token.is_empty() && number > 0 {
                self.append(" ");
            } else if token == "\\" && self.quote.is_none() {
                continued = true;
            } else {
                self.token(token, number == 0);
            }
        }
        continued
    }

    fn token(&mut self, token: &str, first: bool) {
        let was_quoted = self.quote.is_some();
        let was_block = self.in_block();
        self.quote = quote_after(token, self.quote);
        let is_quoted = self.quote.is_some();
        let goes_on = was_block || was_quoted;
        if goes_on {
            self.append(if first { "" } else { " " });
            self.append(token);
        } else if is_quoted {
            self.words.push(token.to_owned());
        }
        let opened = self.count_blocks(token);
        let starts = opened || (!self.in_block() && !token.is_empty());
        if !goes_on && !is_quoted && starts {
            self.words.push(token.to_owned());
        }
    }

    /// Follows the marks of templates; returns whether any depth has changed.
    fn count_blocks(&mut self, token: &str) -> bool {
        let before = self.depths;
        for (depth, (open, close)) in self.depths.iter_mut().zip(BLOCKS) {
            *depth = (*depth + token.matches(open).count()).saturating_sub(token.matches(close).count());
        }
        self.depths != before
    }

    fn in_block(&self) -> bool {
        self.depths.iter().any(|depth| *depth > 0)
    }

    /// Adds to the last word, which there is from now on.
    fn append(&mut self, text: &str) {
        match self.words.last_mut() {
            Some(word) => word.push_str(text),
            None => self.words.push(text.to_owned()),
        }
    }

    fn finish(self) -> Result<Vec<String>, Unbalanced> {
        let block = self.depths.iter().zip(BLOCKS).find(|(depth, _)| **depth > 0);
        match (block, self.quote) {
            (Some((_, (open, _))), _) => Err(Unbalanced::Block(open)),
            (None, Some(quote)) => Err(Unbalanced::Quote(quote)),
            (None, None) => Ok(self.words),
        }
    }
}

/// Returns the quote that is open behind a token; a backslash before a quote takes its meaning away.
fn quote_after(token: &str, open: Option<char>) -> Option<char> {
    let mut open = open;
    let mut before = None;
    for character in token.chars() {
        if matches!(character, '"' | '\'') && before != Some('\\') {
            open = match open {
                None => Some(character),
                Some(quote) if quote == character => None,
                quote => quote,
            };
        }
        before = Some(character);
    }
    open
}

/// Replaces the escapes of Python's strings; what is none, or names no character, stays as it is.
fn unescaped(word: &str) -> String {
    let mut text = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(at) = rest.find('\\') {
        let (before, tail) = rest.split_at(at);
        text.push_str(before);
        let (character, length) = escape(tail).unwrap_or(('\\', 1));
        text.push(character);
        rest = tail.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// Returns the character that an escape at the start of a text stands for, and the escape's length.
fn escape(text: &str) -> Option<(char, usize)> {
    let hexadecimal = |digits: usize| {
        let code = text.get(2..2 + digits)?;
        let code = code.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(code)?;
        Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, 2 + digits))
    };
    let character = match text.chars().nth(1)? {
        'x' => return hexadecimal(2),
        'u' => return hexadecimal(4),
        'U' => return hexadecimal(8),
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        same @ ('\\' | '\'' | '"') => same,
        _ => return None,
    };
    Some((character, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<(String, String)> {
        words(text, false).expect("the text is balanced").named
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn words_are_parameters() {
        let cases: [(&str, &[(&str, &str)]); 11] = [
            ("a=b c=\"d e\" f='g'", &[("a", "b"), ("c", "d e"), ("f", "g")]),
            ("msg={{ a | default('x y') }} b=c", &[("msg", "{{ a | default('x y') }}"), ("b", "c")]),
            ("a={% if b %}c{% endif %} d=e", &[("a", "{% if b %}c{% endif %}"), ("d", "e")]),
            ("a={# b c #}d e=f", &[("a", "{# b c #}d"), ("e", "f")]),
            ("url=http://x/?a=b", &[("url", "http://x/?a=b")]),
            ("a=\n  b=c", &[("a", ""), ("b", "c")]),
            ("a=b \\\n  c=d", &[("a", "b"), ("c", "d")]),
            ("a=\"b\"c", &[("a", "\"b\"c")]),
            ("a=x\\ty b=\\x41 c=\\u00e9", &[("a", "x\ty"), ("b", "A"), ("c", "é")]),
            ("a=b   c=d", &[("a", "b"), ("c", "d")]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(named(text), pairs(expected), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_parameter_is_free_form_as_it_was_written() {
        let cases = [
            ("file.yml", false, "file.yml"),
            ("echo  a   b", false, "echo  a   b"),
            ("echo a\\=b c", false, "echo a=b c"),
            ("=x y", false, "=x y"),
            ("A=1 echo \"a  b\" chdir=/tmp | cat\n", true, "A=1 echo \"a  b\" | cat\n"),
            ("echo \\x41", true, "echo \\x41"),
            ("echo a=b \\\n  c", true, "echo a=b  c"),
        ];
        for (text, is_command, free) in cases {
            let found = words(text, is_command).expect("the text is balanced").free_form;
            assert_eq!(found.as_deref(), Some(free), "{text:?}");
        }
    }

    #[test]
    fn what_is_open_at_the_end_is_named() {
        let cases = [
            ("a=\"b", Unbalanced::Quote('"')),
            ("echo it's", Unbalanced::Quote('\'')),
            ("a={{ b", Unbalanced::Block("{{")),
            ("{% if a", Unbalanced::Block("{%")),
            ("{# a", Unbalanced::Block("{#")),
        ];
        for (text, open) in cases {
            assert_eq!(words(text, false), Err(open), "{text:?}");
        }
    }
}
