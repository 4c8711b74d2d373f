/// Splits a line of an inventory into words as a shell does: quotes and backslashes, and a `#` begins a comment.
///
/// Source of the rules: Python's `shlex.split(line, comments=True)`.
pub(super) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' => break,
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        None => return Err("No closing quotation"),
                        Some('\'') => break,
                        Some(c) => word.push(c),
                    }
                }
            }
            '"' => double_quoted(&mut rest, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().push(rest.next().ok_or("No escaped character")?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Between double quotes a backslash only hides a quote or another backslash.
fn double_quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match rest.next() {
            None => return Err("No closing quotation"),
            Some('"') => return Ok(()),
            Some('\\') => match rest.next() {
                None => return Err("No escaped character"),
                Some(c) => {
                    if !matches!(c, '"' | '\\') {
                        word.push('\\');
                    }
                    word.push(c);
                }
            },
            Some(c) => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        for (line, words) in [
            ("a b=c  d", vec!["a", "b=c", "d"]),
            ("a b='c d'", vec!["a", "b=c d"]),
            (r#"a b="c \"d\" \n""#, vec!["a", r#"b=c "d" \n"#]),
            ("a b=c#d e", vec!["a", "b=c"]),
            (r"a\ b", vec!["a b"]),
            ("a ''", vec!["a", ""]),
        ] {
            assert_eq!(split(line).expect("words"), words, "{line}");
        }
        assert_eq!(split("a 'b"), Err("No closing quotation"));
        assert_eq!(split("a \\"), Err("No escaped character"));
    }
}
