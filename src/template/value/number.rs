//! Numbers as Python reads and prints them.

/// Returns the shortest text that reads back as the same float, laid out as Python's `repr`.
pub(crate) fn float_repr(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.into();
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// Reads a whole number as Python's `int(text, base)` does.
pub(crate) fn parse_int(text: &str, base: u32) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match (base, lower.get(..2)) {
        (0 | 16, Some("0x")) => (16, &digits[2..]),
        (0 | 8, Some("0o")) => (8, &digits[2..]),
        (0 | 2, Some("0b")) => (2, &digits[2..]),
        (0, _) if digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|b| b != b'0') => {
            return None;
        }
        (0, _) => (10, digits),
        (base, _) => (base, digits),
    };
    let digits = without_underscores(digits)?;
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    i128::from_str_radix(&digits, base).ok().map(|number| if negative { -number } else { number })
}

/// Reads a float as Python's `float(text)` does.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let text = without_underscores(text.trim())?;
    let bare = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if text.len() - bare.len() > 1 {
        return None;
    }
    match bare.as_str() {
        "nan" => Some(f64::NAN),
        "inf" | "infinity" => Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }),
        _ if bare.starts_with(|c: char| c.is_ascii_digit() || c == '.') => text.parse().ok(),
        _ => None,
    }
}

/// Single underscores between digits are allowed and mean nothing.
pub(super) fn without_underscores(text: &str) -> Option<String> {
    if !text.contains('_') {
        return Some(text.to_owned());
    }
    let bytes = text.as_bytes();
    let between = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let after = bytes.get(at + 1);
        before.is_some_and(u8::is_ascii_alphanumeric) && after.is_some_and(u8::is_ascii_alphanumeric)
    };
    text.match_indices('_').all(|(at, _)| between(at)).then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_laid_out_as_python_does() {
        for (number, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e20, "1e+20"),
            (123_456_789_012_345.0, "123456789012345.0"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1.5e-7, "1.5e-07"),
            (-2.5, "-2.5"),
            (-0.0, "-0.0"),
            (1e100, "1e+100"),
        ] {
            assert_eq!(float_repr(number), text);
        }
    }

    #[test]
    fn whole_numbers_are_read_as_python_reads_them() {
        assert_eq!(parse_int(" -12 ", 10), Some(-12));
        assert_eq!(parse_int("0x1f", 16), Some(31));
        assert_eq!(parse_int("1_000", 10), Some(1000));
        assert_eq!(parse_int("1__0", 10), None);
        assert_eq!(parse_int("", 10), None);
        assert_eq!(parse_int("1.5", 10), None);
        assert_eq!(parse_int("0b101", 0), Some(5));
    }

    #[test]
    fn floats_are_read_as_python_reads_them() {
        assert_eq!(parse_float("1e3"), Some(1000.0));
        assert_eq!(parse_float(".5"), Some(0.5));
        assert_eq!(parse_float("-inf"), Some(f64::NEG_INFINITY));
        assert_eq!(parse_float("--1"), None);
        assert_eq!(parse_float("abc"), None);
    }
}
