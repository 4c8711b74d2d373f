//! Texts in quotes, as Python reads them.

use crate::TemplateError;

/// Reads the escapes of a text between quotes as Python's `unicode_escape` does; what is no escape stays.
pub(crate) fn unescape(raw: &str, at: usize) -> Result<String, TemplateError> {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            None => out.push('\\'),
            Some('\n') => {}
            Some(quoted @ ('\\' | '\'' | '"')) => out.push(quoted),
            Some('a') => out.push('\x07'),
            Some('b') => out.push('\x08'),
            Some('f') => out.push('\x0c'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('v') => out.push('\x0b'),
            Some('x') => out.push(hex(&mut chars, 2, 'x', at)?),
            Some('u') => out.push(hex(&mut chars, 4, 'u', at)?),
            Some('U') => out.push(hex(&mut chars, 8, 'U', at)?),
            Some(digit @ '0'..='7') => out.push(octal(&mut chars, digit)),
            Some(other) => out.extend(['\\', other]),
        }
    }
    Ok(out)
}

fn hex(chars: &mut std::str::Chars<'_>, digits: usize, kind: char, at: usize) -> Result<char, TemplateError> {
    let rest = chars.as_str();
    let code = rest.get(..digits).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
    let Some(code) = code else {
        let mask = "X".repeat(digits);
        return Err(TemplateError::syntax(
            format!("(unicode error) 'unicodeescape' codec can't decode: truncated \\{kind}{mask} escape"),
            at,
        ));
    };
    *chars = rest.get(digits..).unwrap_or_default().chars();
    Ok(code)
}

fn octal(chars: &mut std::str::Chars<'_>, first: char) -> char {
    let mut code = first.to_digit(8).unwrap_or(0);
    for _ in 0..2 {
        let Some(digit) = chars.as_str().chars().next().and_then(|c| c.to_digit(8)) else { break };
        code = code * 8 + digit;
        chars.next();
    }
    char::from_u32(code).unwrap_or('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_as_python_reads_them() {
        for (raw, text) in [
            (r"a\tb", "a\tb"),
            (r"\d+\.", r"\d+\."),
            (r"\x41\u00e9\U0001F600", "Aé😀"),
            (r"\1\101", "\u{1}A"),
            (r"\\n\'", r"\n'"),
        ] {
            assert_eq!(unescape(raw, 0).expect("all are legal"), text);
        }
    }

    #[test]
    fn a_cut_off_escape_is_an_error() {
        assert!(unescape(r"\x4", 0).is_err());
        assert!(unescape(r"C:\users", 0).is_err());
    }
}
