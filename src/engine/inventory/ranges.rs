use super::InventoryError;
use super::address::parse_address;

/// More hosts than this in one range are a mistake, and would cost all memory.
const MOST: usize = 1_000_000;

/// The most digits of a number, zeros before it included.
const WIDEST: usize = 64;

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Returns the hosts that an entry of an inventory means, and the port that all of them have.
pub(super) fn expand_pattern(pattern: &str) -> Result<(Vec<String>, Option<u32>), InventoryError> {
    let (name, port) = match parse_address(pattern, true) {
        Some((name, port)) => (name, port),
        None => (pattern, None),
    };
    if name.contains('[') {
        return Ok((expand(name)?, port));
    }
    Ok((vec![name.to_owned()], port))
}

/// Returns the names that `head[begin:end:step]tail` stands for.
///
/// Source of the rules: `expand_hostname_range` in `ansible/plugins/inventory/__init__.py`.
pub(super) fn expand(pattern: &str) -> Result<Vec<String>, InventoryError> {
    let mut names = vec![String::new()];
    let mut rest = pattern;
    while let Some((head, inner, tail)) = bracketed(rest)? {
        let range = Range::read(inner)?;
        let parts = range.parts()?;
        if names.len().saturating_mul(parts.len()) > MOST {
            return Err(InventoryError::new(format!("host range {pattern} stands for too many hosts")));
        }
        names = names
            .iter()
            .flat_map(|name| parts.iter().map(move |part| format!("{name}{head}{part}")))
            .collect();
        rest = tail;
    }
    names.iter_mut().for_each(|name| name.push_str(rest));
    Ok(names)
}

/// Returns what stands before, in and after the first brackets.
fn bracketed(text: &str) -> Result<Option<(&str, &str, &str)>, InventoryError> {
    let Some((head, rest)) = text.split_once('[') else { return Ok(None) };
    match rest.split_once(']') {
        Some((inner, tail)) => Ok(Some((head, inner, tail))),
        None => Err(InventoryError::value(format!("host range '{text}' has no closing bracket"))),
    }
}

struct Range<'a> {
    begin: &'a str,
    end: &'a str,
    step: &'a str,
}

impl<'a> Range<'a> {
    fn read(inner: &'a str) -> Result<Self, InventoryError> {
        let bounds: Vec<&str> = inner.split(':').collect();
        let (begin, end, step) = match bounds.as_slice() {
            [begin, end] => (*begin, *end, "1"),
            [begin, end, step] => (*begin, *end, *step),
            _ => return Err(InventoryError::new("host range must be begin:end or begin:end:step")),
        };
        if end.is_empty() {
            return Err(InventoryError::new("host range must specify end value"));
        }
        Ok(Self { begin: if begin.is_empty() { "0" } else { begin }, end, step })
    }

    fn parts(&self) -> Result<Vec<String>, InventoryError> {
        let padded = self.begin.starts_with('0') && self.begin.len() > 1;
        if padded && self.begin.len() != self.end.len() {
            return Err(InventoryError::new("host range must specify equal-length begin and end formats"));
        }
        if self.begin.len() > WIDEST {
            return Err(InventoryError::new("host range must have numbers of a reasonable length"));
        }
        let step = number(self.step)?;
        if step == 0 {
            return Err(InventoryError::new("host range must have a step that is not 0"));
        }
        if let (Some(begin), Some(end)) = (LETTERS.find(self.begin), LETTERS.find(self.end)) {
            if begin > end {
                return Err(InventoryError::new("host range must have begin <= end"));
            }
            let letters = LETTERS.get(begin..=end).unwrap_or_default().chars();
            return Ok(letters.step_by(step).map(String::from).collect());
        }
        let (begin, end) = (number(self.begin)?, number(self.end)?);
        if end.saturating_sub(begin) / step > MOST {
            return Err(InventoryError::new(format!("host range {begin}:{end} stands for too many hosts")));
        }
        let width = if padded { self.begin.len() } else { 0 };
        Ok((begin..=end).step_by(step).map(|number| format!("{number:0width$}")).collect())
    }
}

fn number(text: &str) -> Result<usize, InventoryError> {
    text.trim()
        .parse()
        .map_err(|_| InventoryError::value(format!("invalid literal for int() with base 10: '{text}'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_count_letters_and_numbers_with_steps_and_zeros() {
        for (pattern, names) in [
            ("a[1:3]", vec!["a1", "a2", "a3"]),
            ("a[01:03]b", vec!["a01b", "a02b", "a03b"]),
            ("[a:c]", vec!["a", "b", "c"]),
            ("x[0:6:3]", vec!["x0", "x3", "x6"]),
            ("x[:1]", vec!["x0", "x1"]),
            ("r[1:2]c[a:b]", vec!["r1ca", "r1cb", "r2ca", "r2cb"]),
            ("x[3:1]", vec![]),
        ] {
            assert_eq!(expand(pattern).expect("a range"), names, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_range_says_why() {
        for (pattern, why) in [
            ("a[1:]", "host range must specify end value"),
            ("a[1]", "host range must be begin:end or begin:end:step"),
            ("a[01:100]", "host range must specify equal-length begin and end formats"),
            ("a[c:a]", "host range must have begin <= end"),
            ("a[1:x]", "invalid literal for int() with base 10: 'x'"),
            ("a[1:3", "host range 'a[1:3' has no closing bracket"),
            ("a[1:999999999999]", "host range 1:999999999999 stands for too many hosts"),
        ] {
            assert_eq!(expand(pattern).expect_err("no range").message, why, "{pattern}");
        }
    }

    #[test]
    fn a_port_is_for_all_hosts_of_a_range() {
        assert_eq!(expand_pattern("a[1:2]:22").expect("hosts"), (vec!["a1".into(), "a2".into()], Some(22)));
        assert_eq!(expand_pattern("[fe80::1]:22").expect("a host"), (vec!["fe80::1".into()], Some(22)));
    }
}
