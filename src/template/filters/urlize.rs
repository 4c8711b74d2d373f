//! `urlize`: addresses in a text become links, as Jinja2 finds them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::OnceLock;

use fancy_regex::Regex;

use super::fail;
use super::text::escape;
use crate::Value;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};

pub(super) const FILTERS: &[Builtin] =
    &[builtin("urlize", "value trim_url_limit= nofollow= target= rel= extra_schemes=", urlize)];

/// A scheme or `www.` before a name or an address; or a name with one of the oldest endings.
const ADDRESS: &str = r"(?ix)\A(
    (https?://|www\.)(([\w%-]+\.)+)?([a-z]{2,63}|xn--[\w%]{2,59})
    |([\w%-]{2,63}\.)+(com|net|int|edu|gov|org|info|mil)
    |https?://(\d{1,3}(\.\d{1,3}){3}|\[([\da-f]{0,4}:){2}([\da-f]{0,4}:?){1,6}\])
    )(:\d{1,5})?([/?\#]\S*)?\z";
const MAIL: &str = r"\A\S+@\w[\w.-]*\.\w+\z";

fn fits(pattern: &'static str, cell: &'static OnceLock<Option<Regex>>, text: &str) -> bool {
    let regex = cell.get_or_init(|| Regex::new(pattern).ok());
    regex.as_ref().is_some_and(|regex| regex.is_match(text).unwrap_or(false))
}

fn is_address(text: &str) -> bool {
    static CELL: OnceLock<Option<Regex>> = OnceLock::new();
    fits(ADDRESS, &CELL, text)
}

fn is_mail(text: &str) -> bool {
    static CELL: OnceLock<Option<Regex>> = OnceLock::new();
    fits(MAIL, &CELL, text)
}

struct Style {
    attributes: String,
    limit: Option<usize>,
    schemes: Vec<String>,
}

fn urlize(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let mut rel: BTreeSet<String> = given.text_or(4, "").split_whitespace().map(str::to_owned).collect();
    rel.insert("noopener".into());
    if given.flag(2, false) {
        rel.insert("nofollow".into());
    }
    let rel: Vec<String> = rel.into_iter().collect();
    let mut attributes = format!(" rel=\"{}\"", escape(&rel.join(" ")));
    if let Some(target) = given.some(3).map(Value::text).filter(|target| !target.is_empty()) {
        _ = write!(attributes, " target=\"{}\"", escape(&target));
    }
    let limit = given.some(1).map(|_| given.size(1, 0)).transpose()?;
    let schemes = match given.some(5) {
        Some(schemes) => cx.items(schemes)?.iter().map(Value::text).collect(),
        None => Vec::new(),
    };
    if let Some(wrong) = schemes.iter().find(|scheme| !is_scheme(scheme)) {
        return fail(format!("{} is not a valid URI scheme prefix.", Value::from(wrong.as_str()).repr()));
    }
    let style = Style { attributes, limit, schemes };
    let text = escape(&given.text(0));
    Ok(words(&text).iter().map(|word| style.linked(word)).collect::<String>().into())
}

/// Returns whether it is `name:` with or without slashes.
fn is_scheme(text: &str) -> bool {
    let name = text.trim_end_matches('/');
    let slashes = text.len() - name.len();
    let chars = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '+' | '-');
    slashes <= 2
        && name.strip_suffix(':').is_some_and(|name| name.chars().count() >= 2 && name.chars().all(chars))
}

/// Cuts a text into words and the white space between them.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = None;
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if before == Some(c.is_whitespace()) => word.push(c),
            _ => words.push(c.to_string()),
        }
        before = Some(c.is_whitespace());
    }
    words
}

impl Style {
    fn linked(&self, word: &str) -> String {
        let (head, middle, tail) = bare(word);
        format!("{head}{}{tail}", self.link(&middle).unwrap_or(middle))
    }

    fn link(&self, text: &str) -> Option<String> {
        let attributes = &self.attributes;
        if is_address(text) {
            let shown = self.shortened(text);
            let plain = text.starts_with("https://") || text.starts_with("http://");
            let scheme = if plain { "" } else { "https://" };
            return Some(format!("<a href=\"{scheme}{text}\"{attributes}>{shown}</a>"));
        }
        if let Some(mail) = text.strip_prefix("mailto:").filter(|mail| is_mail(mail)) {
            return Some(format!("<a href=\"{text}\">{mail}</a>"));
        }
        let odd = text.starts_with("www.") || text.starts_with('@') || text.contains(':');
        if text.contains('@') && !odd && is_mail(text) {
            return Some(format!("<a href=\"mailto:{text}\">{text}</a>"));
        }
        let known = self.schemes.iter().any(|scheme| text != scheme && text.starts_with(scheme.as_str()));
        known.then(|| format!("<a href=\"{text}\"{attributes}>{text}</a>"))
    }

    fn shortened(&self, text: &str) -> String {
        match self.limit {
            Some(limit) if text.chars().count() > limit => {
                text.chars().take(limit).collect::<String>() + "..."
            }
            _ => text.to_owned(),
        }
    }
}

/// Takes the brackets and full stops around a word off it; a bracket that the word opens stays.
fn bare(word: &str) -> (String, String, String) {
    let mut middle = word;
    while let Some(rest) = ["(", "<", "&lt;"].iter().find_map(|open| middle.strip_prefix(open)) {
        middle = rest;
    }
    let head = word.get(..word.len() - middle.len()).unwrap_or_default();
    let whole = middle;
    while let Some(rest) = [")", "&gt;", ">", ".", ",", "\n"].iter().find_map(|end| middle.strip_suffix(end))
    {
        middle = rest;
    }
    let mut tail = whole.get(middle.len()..).unwrap_or_default();
    let mut middle = middle.to_owned();
    for (open, close) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
        let opened = middle.matches(open).count();
        if opened <= middle.matches(close).count() {
            continue;
        }
        for _ in 0..opened.min(tail.matches(close).count()) {
            let Some(end) = tail.find(close).map(|at| at + close.len()) else { break };
            middle.push_str(tail.get(..end).unwrap_or_default());
            tail = tail.get(end..).unwrap_or_default();
        }
    }
    (head.to_owned(), middle, tail.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn addresses_become_links() {
        give(&[
            (
                "'see (http://ex.org/a_(b)), ok' | urlize",
                json!("see (<a href=\"http://ex.org/a_(b)\" rel=\"noopener\">http://ex.org/a_(b)</a>), ok"),
            ),
            (
                "'www.ex.org/long' | urlize(6, true, target='_blank')",
                json!(
                    "<a href=\"https://www.ex.org/long\" rel=\"nofollow noopener\" target=\"_blank\">www.ex...</a>"
                ),
            ),
            ("'me@ex.org' | urlize", json!("<a href=\"mailto:me@ex.org\">me@ex.org</a>")),
            (
                "'ftp://x' | urlize(extra_schemes=['ftp://'])",
                json!("<a href=\"ftp://x\" rel=\"noopener\">ftp://x</a>"),
            ),
            ("'no <link>' | urlize", json!("no &lt;link&gt;")),
        ]);
    }

    #[test]
    fn what_is_no_scheme_is_refused() {
        refuse(&[(
            "'x' | urlize(extra_schemes=['x'])",
            "The filter plugin 'ansible.builtin.urlize' failed: 'x' is not a valid URI scheme prefix.",
        )]);
    }
}
