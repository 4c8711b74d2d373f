//! What a single value becomes, as Ansible's type checkers have it (`lib/ansible/module_utils/common/validation.py`).

use serde_json::{Map, Number, Value};

use super::{Kind, controller, python, texts};
use crate::unknown;

/// Reads a value as the type that a spec names which was written in a playbook; the error is Ansible's reason.
pub fn coerced(wanted: &str, value: &Value) -> Result<Value, String> {
    let kind = match wanted {
        "list" => return list(value).map(Value::Array),
        "dict" => return mapping(value).map(Value::Object),
        "json" | "jsonarg" => return json_text(value),
        "str" => Kind::Text,
        "path" => Kind::Path,
        "bool" => Kind::Bool,
        "int" => Kind::Int,
        "float" => Kind::Float,
        "bytes" | "bits" => Kind::Bytes,
        "raw" => Kind::Raw,
        // Ansible calls what it has not found.
        _ => return Err("'NoneType' object is not callable".to_owned()),
    };
    scalar(&kind, value)
}

/// A document as the text that a module's `json` parameter is.
fn json_text(value: &Value) -> Result<Value, String> {
    match value {
        Value::String(text) => Ok(Value::from(text.trim())),
        Value::Array(_) | Value::Object(_) => Ok(Value::from(value.to_string())),
        _ => Err(cannot(value, "a json string")),
    }
}

/// Reads a value that is no list and has no sub-options; the error is Ansible's reason.
pub(super) fn scalar(kind: &Kind, value: &Value) -> Result<Value, String> {
    match kind {
        Kind::Text | Kind::Path | Kind::Choice(_) => Ok(Value::from(text(value))),
        Kind::Bool => boolean(value).map(Value::from),
        Kind::Int => integer(value).map(Value::from),
        Kind::Float => float(value),
        Kind::Bytes => bytes(value).map(Value::from).ok_or_else(|| cannot(value, "a Byte value")),
        Kind::Json => document(value),
        Kind::ControllerFile(_) | Kind::ControllerTemplate => {
            controller::from_wire(value).map(|_| value.clone()).ok_or_else(|| cannot(value, "a path"))
        }
        Kind::Raw | Kind::List(_) | Kind::Dict(_) | Kind::Options(_) => Ok(value.clone()),
    }
}

/// Null is an empty text where it cannot be an omission: in a list.
pub(super) fn text(value: &Value) -> String {
    if value.is_null() { String::new() } else { python::text(value) }
}

/// Reads a list: a text is split at commas, a number is a list of one.
pub(super) fn list(value: &Value) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(items) => Ok(items.clone()),
        Value::String(text) => Ok(texts::items(text).into_iter().map(Value::from).collect()),
        Value::Bool(_) | Value::Number(_) => Ok(vec![Value::from(python::text(value))]),
        Value::Null | Value::Object(_) => Err(cannot(value, "a list")),
    }
}

pub(super) fn mapping(value: &Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(fields) => Ok(fields.clone()),
        Value::String(text) => texts::mapping(text).map_err(str::to_owned),
        _ => Err(cannot(value, "a dict")),
    }
}

fn cannot(value: &Value, into: &str) -> String {
    format!("<class '{}'> cannot be converted to {into}", python::type_name(value))
}

fn boolean(value: &Value) -> Result<bool, String> {
    let known = match value {
        Value::Bool(known) => Some(*known),
        Value::String(text) => truth(&text.trim().to_lowercase()),
        Value::Number(number) => number.as_f64().and_then(|number| match number {
            1.0 => Some(true),
            0.0 => Some(false),
            _ => None,
        }),
        Value::Null | Value::Array(_) | Value::Object(_) => return Err(cannot(value, "a bool")),
    };
    known.ok_or_else(|| {
        let valid = "'y', 'yes', 'on', '1', 'true', 't', 1, 'n', 'no', 'off', '0', 'false', 'f', 0";
        format!("The value '{}' is not a valid boolean. Valid booleans include: {valid}", python::text(value))
    })
}

pub(super) const TRUE: [&str; 6] = ["y", "yes", "on", "1", "true", "t"];
pub(super) const FALSE: [&str; 6] = ["n", "no", "off", "0", "false", "f"];

fn truth(text: &str) -> Option<bool> {
    if TRUE.contains(&text) { Some(true) } else { FALSE.contains(&text).then_some(false) }
}

fn integer(value: &Value) -> Result<Number, String> {
    let read = match value {
        Value::Bool(known) => Some(Number::from(u8::from(*known))),
        Value::Number(number) if !number.is_f64() => Some(number.clone()),
        Value::Number(_) | Value::String(_) => decimal(&python::text(value)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    read.ok_or_else(|| format!("\"{}\" cannot be converted to an int", python::repr(value)))
}

/// Reads a decimal number without a fraction: `30`, `30.0`, `3e1`, `1_000`.
fn decimal(text: &str) -> Option<Number> {
    let text = text.trim().replace('_', "").to_lowercase();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (sign, whole) =
        whole.strip_prefix('-').map_or(("", whole.strip_prefix('+').unwrap_or(whole)), |rest| ("-", rest));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let places = i64::from(exponent.parse::<i16>().ok()?) - i64::try_from(fraction.len()).ok()?;
    let digits = if places < 0 {
        let cut = digits.len().checked_sub(usize::try_from(-places).ok()?);
        let (kept, dropped) = digits.split_at_checked(cut.unwrap_or(0))?;
        dropped.bytes().all(|byte| byte == b'0').then(|| kept.to_owned())?
    } else {
        digits + &"0".repeat(usize::try_from(places).ok()?)
    };
    let number: i128 = format!("{sign}0{digits}").parse().ok()?;
    Number::from_i128(number)
}

fn float(value: &Value) -> Result<Value, String> {
    let read = match value {
        Value::Bool(known) => Some(f64::from(u8::from(*known))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => plain_digits(text.trim()).and_then(|text| text.parse().ok()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    read.and_then(Number::from_f64).map(Value::Number).ok_or_else(|| cannot(value, "a float"))
}

/// Takes out the underscores that Python allows between digits.
fn plain_digits(text: &str) -> Option<String> {
    let digit = |character: Option<char>| character.is_some_and(|character| character.is_ascii_digit());
    let mut pieces = text.split('_');
    let mut out = pieces.next()?.to_owned();
    for piece in pieces {
        if !digit(out.chars().last()) || !digit(piece.chars().next()) {
            return None;
        }
        out.push_str(piece);
    }
    Some(out)
}

/// Reads `1.5MB`, `10 M`, `512`, `3gigabyte`; units are powers of 1024.
fn bytes(value: &Value) -> Option<u64> {
    let text = match value {
        Value::String(_) | Value::Number(_) => python::text(value),
        _ => return None,
    };
    let text = text.trim_end();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    if !number.ends_with(|c: char| c.is_ascii_digit()) || number.matches('.').count() > 1 {
        return None;
    }
    rounded(number.parse::<f64>().ok()? * unit_size(unit.trim_start())?)
}

/// As Python rounds: halves to the even side.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked, the fraction is gone"
)]
fn rounded(number: f64) -> Option<u64> {
    const END: f64 = 18_446_744_073_709_551_616.0;
    (0.0..END).contains(&number).then(|| number.round_ties_even() as u64)
}

/// `K`, `KB` and `kilobyte` are units; `Kb` is bits, and refused.
fn unit_size(unit: &str) -> Option<f64> {
    const UNITS: [(&str, &str); 9] = [
        ("B", "byte"),
        ("K", "kilobyte"),
        ("M", "megabyte"),
        ("G", "gigabyte"),
        ("T", "terabyte"),
        ("P", "petabyte"),
        ("E", "exabyte"),
        ("Z", "zetabyte"),
        ("Y", "yottabyte"),
    ];
    if unit.is_empty() {
        return Some(1.0);
    }
    let of = |(letter, name): &(&str, &str)| {
        unit.eq_ignore_ascii_case(letter)
            || unit.eq_ignore_ascii_case(name)
            || (*letter != "B" && unit.strip_suffix('B') == Some(*letter))
    };
    let power = UNITS.iter().position(of)?;
    Some(1024_f64.powi(i32::try_from(power).ok()?))
}

/// Reads a JSON document from a text, spaces around it included; data is the document itself.
fn document(value: &Value) -> Result<Value, String> {
    match value {
        Value::Array(_) | Value::Object(_) => Ok(value.clone()),
        Value::String(text) => match serde_json::from_str(text.trim()) {
            Ok(document) => Ok(document),
            Err(_) if unknown::is_unknown(text) => Ok(value.clone()),
            Err(error) => Err(error.to_string()),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => Err(cannot(value, "a json string")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(kind: &Kind, value: impl Into<Value>) -> Result<Value, String> {
        scalar(kind, &value.into())
    }

    #[test]
    fn whatever_python_reads_as_a_whole_number_is_one() {
        for (value, number) in [
            (json!("30"), json!(30)),
            (json!(" 30 "), json!(30)),
            (json!("30.0"), json!(30)),
            (json!("-3"), json!(-3)),
            (json!("+3."), json!(3)),
            (json!("1e3"), json!(1000)),
            (json!("1_000"), json!(1000)),
            (json!("120e-1"), json!(12)),
            (json!("0.0"), json!(0)),
            (json!(30.0), json!(30)),
            (json!(1e16), json!(10_000_000_000_000_000_i64)),
            (json!("18446744073709551615"), json!(u64::MAX)),
            (json!(true), json!(1)),
        ] {
            assert_eq!(read(&Kind::Int, value.clone()), Ok(number), "{value}");
        }
    }

    #[test]
    fn what_is_no_whole_number_is_quoted_as_python_quotes_it() {
        for (value, quoted) in [
            (json!("abc"), "'abc'"),
            (json!(""), "''"),
            (json!("it's"), "\"it's\""),
            (json!("30.5"), "'30.5'"),
            (json!(30.5), "30.5"),
            (json!({ "a": 1 }), "{'a': 1}"),
            (json!(null), "None"),
            (json!("1e400"), "'1e400'"),
            (json!("0.01"), "'0.01'"),
            (json!("nan"), "'nan'"),
            (json!("0x10"), "'0x10'"),
            (json!("."), "'.'"),
        ] {
            assert_eq!(read(&Kind::Int, value), Err(format!("\"{quoted}\" cannot be converted to an int")));
        }
    }

    #[test]
    fn ansibles_words_for_true_and_false_are_booleans() {
        for word in ["y", "YES", "on", "1", "true", "t", " True "] {
            assert_eq!(read(&Kind::Bool, json!(word)), Ok(json!(true)), "{word}");
        }
        for word in ["n", "No", "off", "0", "false", "F"] {
            assert_eq!(read(&Kind::Bool, json!(word)), Ok(json!(false)), "{word}");
        }
        assert_eq!(read(&Kind::Bool, json!(1)), Ok(json!(true)));
        assert_eq!(read(&Kind::Bool, json!(0.0)), Ok(json!(false)));
        assert!(
            read(&Kind::Bool, json!("maybe"))
                .unwrap_err()
                .starts_with("The value 'maybe' is not a valid boolean. Valid booleans include: ")
        );
        assert!(read(&Kind::Bool, json!(2)).unwrap_err().starts_with("The value '2' is not"));
        assert_eq!(
            read(&Kind::Bool, json!([])),
            Err("<class 'list'> cannot be converted to a bool".to_owned())
        );
    }

    #[test]
    fn a_number_is_a_text_as_python_writes_it() {
        for (value, text) in [
            (json!(30), "30"),
            (json!(30.0), "30.0"),
            (json!(1e16), "1e+16"),
            (json!(true), "True"),
            (json!(["a", 1]), "['a', 1]"),
            (json!(" a "), " a "),
        ] {
            assert_eq!(read(&Kind::Text, value), Ok(json!(text)));
        }
    }

    #[test]
    fn floats_come_from_texts_and_from_whole_numbers() {
        assert_eq!(read(&Kind::Float, json!(" 1e3 ")), Ok(json!(1000.0)));
        assert_eq!(read(&Kind::Float, json!(3)), Ok(json!(3.0)));
        assert_eq!(read(&Kind::Float, json!("1_000.5")), Ok(json!(1000.5)));
        assert!(read(&Kind::Float, json!("1__0")).is_err());
        assert_eq!(
            read(&Kind::Float, json!("")),
            Err("<class 'str'> cannot be converted to a float".to_owned())
        );
        assert_eq!(
            read(&Kind::Float, json!("inf")),
            Err("<class 'str'> cannot be converted to a float".to_owned())
        );
    }

    #[test]
    fn sizes_have_units_of_1024() {
        for (value, size) in [
            (json!("1K"), 1024),
            (json!("1.5MB"), 1_572_864),
            (json!("2 gigabyte"), 2_147_483_648_u64),
            (json!("30.0"), 30),
            (json!(30.5), 30),
            (json!(".5k"), 512),
            (json!("10b"), 10),
            (json!(0.1), 0),
        ] {
            assert_eq!(read(&Kind::Bytes, value.clone()), Ok(json!(size)), "{value}");
        }
        for value in
            [json!("1Mb"), json!(" 30 "), json!("1e3"), json!(""), json!("1.K"), json!("99999Y"), json!(true)]
        {
            assert!(read(&Kind::Bytes, value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn a_document_is_given_as_text_or_as_data() {
        let document = json!({ "a": [1] });
        assert_eq!(read(&Kind::Json, document.clone()), Ok(document.clone()));
        assert_eq!(read(&Kind::Json, json!(" {\"a\": [1]}\n")), Ok(document));
        assert!(read(&Kind::Json, json!("{'a': 1}")).is_err());
        assert_eq!(
            read(&Kind::Json, json!(3)),
            Err("<class 'int'> cannot be converted to a json string".to_owned())
        );
    }

    #[test]
    fn lists_are_made_of_texts_and_numbers_but_not_of_mappings() {
        assert_eq!(list(&json!("a, b")), Ok(vec![json!("a"), json!(" b")]));
        assert_eq!(list(&json!(30.0)), Ok(vec![json!("30.0")]));
        assert_eq!(list(&json!({})), Err("<class 'dict'> cannot be converted to a list".to_owned()));
    }
}
