//! Which plain scalars are numbers, booleans and nulls: YAML 1.1 as `PyYAML`'s `Resolver` and `SafeConstructor` have it.
//!
//! Dates and times stay the text that was written: Ansible makes Python's objects of them, which it shows as that text
//! (a time with a `T` in its middle), and on which templates can do little.

use crate::{Data, Origin, Text};

/// What a plain scalar without a tag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Int,
    Float,
    /// `<<`.
    Merge,
    /// `=`.
    Value,
    Text,
}

/// Resolves a plain scalar.
pub(crate) fn kind(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "<<" => Kind::Merge,
        "=" => Kind::Value,
        _ if boolean(text).is_some() => Kind::Bool,
        _ if !text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) => Kind::Text,
        _ if is_float(text) => Kind::Float,
        _ if is_int(text) => Kind::Int,
        _ => Kind::Text,
    }
}

/// More digits are refused, as Python does: reading them would take minutes.
const LONGEST_INT: usize = 4300;

/// Builds the value of a scalar of a kind; `None` where the text does not say one, as `0x_` or `!!int one`.
pub(crate) fn construct(kind: Kind, text: &str, origin: Origin) -> Option<Data> {
    match kind {
        Kind::Null => Some(Data::Null),
        Kind::Bool => boolean(text).or_else(|| boolean(&text.to_ascii_lowercase())).map(Data::Bool),
        Kind::Int if text.len() > LONGEST_INT => None,
        Kind::Int => int(text),
        Kind::Float => float(text).map(Data::Float),
        Kind::Merge | Kind::Value | Kind::Text => Some(Data::Text(Text { text: text.into(), origin })),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn only(text: &str, allowed: impl Fn(char) -> bool) -> bool {
    text.chars().all(|character| character == '_' || allowed(character))
}

/// Returns whether the text is a digit and then digits and underscores.
fn is_digits(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit()) && only(text, |digit| digit.is_ascii_digit())
}

fn is_int(text: &str) -> bool {
    let text = unsigned(text);
    if let Some(digits) = text.strip_prefix("0b") {
        return !digits.is_empty() && only(digits, |digit| matches!(digit, '0' | '1'));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && only(digits, |digit| digit.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix('0') {
        return only(digits, |digit| matches!(digit, '0'..='7'));
    }
    is_digits(text) || is_sexagesimal(text)
}

/// Returns whether the text is like `190:20:30`: digits, and then parts below 60.
fn is_sexagesimal(text: &str) -> bool {
    let mut parts = text.split(':');
    let first = parts.next().is_some_and(is_digits);
    let mut parts = parts.peekable();
    first && parts.peek().is_some() && parts.all(is_sixtieth)
}

fn is_sixtieth(text: &str) -> bool {
    match text.as_bytes() {
        [unit] => unit.is_ascii_digit(),
        [ten, unit] => (b'0'..=b'5').contains(ten) && unit.is_ascii_digit(),
        _ => false,
    }
}

fn is_float(text: &str) -> bool {
    let signless = unsigned(text);
    if matches!(signless, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let Some((whole, rest)) = signless.split_once('.') else { return false };
    if is_sexagesimal(whole) {
        return only(rest, |digit| digit.is_ascii_digit());
    }
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at + 1..)),
        None => (rest, None),
    };
    let mantissa = if whole.is_empty() {
        is_digits(fraction) && text.starts_with('.')
    } else {
        is_digits(whole) && only(fraction, |digit| digit.is_ascii_digit())
    };
    mantissa && exponent.is_none_or(is_exponent)
}

/// Returns whether the text is an exponent; to YAML 1.1 its sign is no option, so that `1.0e5` is a text.
fn is_exponent(text: &str) -> bool {
    text.strip_prefix(['+', '-'])
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
}

fn int(text: &str) -> Option<Data> {
    let digits = text.replace('_', "");
    let negative = digits.starts_with('-');
    let digits = unsigned(&digits);
    let whole = if let Some(digits) = digits.strip_prefix("0b") {
        Whole::parse(digits, 2)
    } else if let Some(digits) = digits.strip_prefix("0x") {
        Whole::parse(digits, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        Whole::parse(digits, 8)
    } else {
        sexagesimal(digits)
    }?;
    Some(whole.data(negative))
}

fn sexagesimal(text: &str) -> Option<Whole> {
    let mut parts = text.split(':');
    let first = Whole::parse(parts.next()?, 10)?;
    parts.try_fold(first, |whole, part| Some(whole.shifted(60, part.parse().ok()?)))
}

fn float(text: &str) -> Option<f64> {
    let text = text.replace('_', "").to_ascii_lowercase();
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    match unsigned(&text) {
        ".inf" => Some(sign * f64::INFINITY),
        ".nan" => Some(f64::NAN),
        digits => {
            let whole = digits.split(':').try_fold(0.0, |whole, part| Some(whole * 60.0 + decimal(part)?))?;
            Some(sign * whole)
        }
    }
}

/// Returns a number written in digits; Rust would also take `inf` and `nan`.
fn decimal(text: &str) -> Option<f64> {
    text.parse().ok().filter(|_| !text.contains(['i', 'n']))
}

/// A whole number of any length: its digits to the base 10^9, the lowest first.
struct Whole(Vec<u32>);

const BASE: u64 = 1_000_000_000;

impl Whole {
    fn parse(digits: &str, radix: u32) -> Option<Self> {
        if digits.is_empty() {
            return None;
        }
        digits
            .chars()
            .try_fold(Self(Vec::new()), |whole, digit| Some(whole.shifted(radix, digit.to_digit(radix)?)))
    }

    /// Returns the number times `factor` plus `added`.
    fn shifted(mut self, factor: u32, added: u32) -> Self {
        let mut carry = u64::from(added);
        for limb in &mut self.0 {
            let value = u64::from(*limb) * u64::from(factor) + carry;
            *limb = u32::try_from(value % BASE).expect("a remainder of 10^9 is below 2^32");
            carry = value / BASE;
        }
        if carry > 0 {
            self.0.push(u32::try_from(carry).expect("a carry is at most the factor"));
        }
        self
    }

    fn data(&self, negative: bool) -> Data {
        let sign = if negative && !self.0.is_empty() { "-" } else { "" };
        let (first, others) = self.0.split_last().map_or((0, &[][..]), |(first, others)| (*first, others));
        let others: Vec<String> = others.iter().rev().map(|limb| format!("{limb:09}")).collect();
        let digits = format!("{sign}{first}{}", others.concat());
        digits.parse().map_or_else(|_| Data::BigInt(digits.as_str().into()), Data::Int)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Data {
        construct(kind(text), text, Origin::Template).expect("the text is of its kind")
    }

    fn text(text: &str) -> Data {
        Data::Text(Text { text: text.into(), origin: Origin::Template })
    }

    #[test]
    fn nulls_and_booleans_are_those_of_yaml_1_1() {
        for null in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(resolved(null), Data::Null, "{null:?}");
        }
        for (word, value) in [("yes", true), ("On", true), ("TRUE", true), ("no", false), ("OFF", false)] {
            assert_eq!(resolved(word), Data::Bool(value), "{word}");
        }
        for word in ["y", "n", "yEs", "nULL", "none", "None", "t"] {
            assert_eq!(resolved(word), text(word), "{word}");
        }
    }

    #[test]
    fn whole_numbers_are_no_longer_than_pythons() {
        let longest = "1".repeat(4300);
        assert_eq!(resolved(&longest), Data::BigInt(longest.as_str().into()));
        assert!(construct(Kind::Int, &format!("{longest}1"), Origin::Template).is_none());
    }

    #[test]
    fn whole_numbers_have_five_notations() {
        let cases = [
            ("0", 0),
            ("-0", 0),
            ("+12", 12),
            ("1_000", 1000),
            ("017", 15),
            ("-017", -15),
            ("0_", 0),
            ("0b101", 5),
            ("-0b1_01", -5),
            ("0xFf", 255),
            ("-0x_1f", -31),
            ("190:20:30", 685_230),
            ("-1:30", -90),
            ("22:22", 1342),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ];
        for (written, value) in cases {
            assert_eq!(resolved(written), Data::Int(value), "{written}");
        }
    }

    #[test]
    fn a_number_beyond_64_bits_keeps_its_digits() {
        let cases = [
            ("9223372036854775808", "9223372036854775808"),
            ("-100000000000000000000", "-100000000000000000000"),
            ("0xffffffffffffffffffff", "1208925819614629174706175"),
            ("1000000000000000000:00", "60000000000000000000"),
        ];
        for (written, digits) in cases {
            assert_eq!(resolved(written), Data::BigInt(digits.into()), "{written}");
        }
    }

    #[test]
    fn fractions_need_a_point_and_exponents_a_sign() {
        let cases = [
            ("1.", 1.0),
            (".5", 0.5),
            ("-1.5", -1.5),
            ("1_0.2_5", 10.25),
            ("1.5e+3", 1500.0),
            ("1.e-1", 0.1),
            (".5E+1", 5.0),
            ("1:30.5", 90.5),
            ("-.inf", f64::NEG_INFINITY),
            (".INF", f64::INFINITY),
        ];
        for (written, value) in cases {
            assert_eq!(resolved(written), Data::Float(value), "{written}");
        }
        assert!(matches!(resolved(".NaN"), Data::Float(value) if value.is_nan()));
    }

    #[test]
    fn what_is_almost_a_number_is_a_text() {
        let cases = [
            "1e3",
            "1.0e5",
            "-.5",
            "+.5",
            "08",
            "0o17",
            "0x",
            "0b",
            "0b2",
            "1:60",
            "1:300",
            ":30",
            "1:",
            "1.2.3",
            "-",
            "+",
            ".",
            "-.nan",
            "._5",
            "_1",
            "1__x",
            "0:30",
            "1.5:30",
            "2020-01-01",
            "2001-12-14 21:59:43",
            "+-1",
        ];
        for written in cases {
            assert_eq!(resolved(written), text(written), "{written}");
        }
    }

    #[test]
    fn a_number_of_underscores_alone_says_no_number() {
        for written in ["0x_", "0b_"] {
            assert_eq!(kind(written), Kind::Int);
            assert_eq!(construct(Kind::Int, written, Origin::Template), None);
        }
    }
}
