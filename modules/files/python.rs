//! Texts as Python shows them in messages.

/// Returns a text as Python's `repr` shows it.
pub(crate) fn literal(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other if other == quote => out.extend(['\\', other]),
            other => out.push(other),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn texts_are_quoted_as_python_quotes_them() {
        for (text, shown) in [("a", "'a'"), ("it's", "\"it's\""), ("'\"", "'\\'\"'"), ("a\n", "'a\\n'")] {
            assert_eq!(literal(text), shown);
        }
    }
}
