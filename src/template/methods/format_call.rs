//! Python's `'{}'.format(...)`.

use crate::eval::{Args, Layout, layout_float, layout_integer, layout_signed, pad};
use crate::limits::LONGEST_TEXT;
use crate::value::{Repr, TextKey, float_repr, int_to_float};
use crate::{TemplateError, Value};

fn fail<T>(message: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError::runtime(message))
}

struct Fields<'a> {
    args: &'a Args,
    next: usize,
}

/// Formats as `str.format` does.
pub(super) fn format_call(format: &str, args: &Args) -> Result<String, TemplateError> {
    expand(format, &mut Fields { args, next: 0 }, 2)
}

fn expand(format: &str, fields: &mut Fields<'_>, depth: usize) -> Result<String, TemplateError> {
    let mut out = String::with_capacity(format.len());
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(rest.get(..at).unwrap_or_default());
        let tail = rest.get(at..).unwrap_or_default();
        if tail.starts_with("{{") || tail.starts_with("}}") {
            out.push_str(tail.get(..1).unwrap_or_default());
            rest = tail.get(2..).unwrap_or_default();
            continue;
        }
        let Some(body) = tail.strip_prefix('{') else {
            return fail("Single '}' encountered in format string");
        };
        let Some(end) = field_end(body) else {
            let lone = body.is_empty();
            return fail(if lone {
                "Single '{' encountered in format string"
            } else {
                "expected '}' before end of string"
            });
        };
        out.push_str(&field(body.get(..end).unwrap_or_default(), fields, depth)?);
        rest = body.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out)
}

fn field_end(body: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in body.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn field(body: &str, fields: &mut Fields<'_>, depth: usize) -> Result<String, TemplateError> {
    if depth == 0 {
        return fail("Max string recursion exceeded");
    }
    let (name, spec) = body.split_once(':').unwrap_or((body, ""));
    let (name, conversion) = name.split_once('!').map_or((name, None), |(name, how)| (name, Some(how)));
    let value = fields.value(name)?;
    let value = match conversion {
        None => value,
        Some("s") => value.text().into(),
        Some("r" | "a") => value.repr().into(),
        Some(other) => return fail(format!("Unknown conversion specifier {other}")),
    };
    let spec = expand(spec, fields, depth - 1)?;
    apply(&value, &spec)
}

impl Fields<'_> {
    fn value(&mut self, name: &str) -> Result<Value, TemplateError> {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut rest) = name.split_at(end);
        let mut value = if first.is_empty() {
            self.next += 1;
            self.position(self.next - 1)?
        } else if let Ok(index) = first.parse::<usize>() {
            self.position(index)?
        } else {
            let named = self.args.named.iter().find(|(known, _)| &**known == first);
            named
                .map(|(_, value)| value.clone())
                .ok_or_else(|| TemplateError::runtime(Value::from(first).repr()))?
        };
        while !rest.is_empty() {
            let (key, tail) = if let Some(inner) = rest.strip_prefix('[') {
                inner.split_once(']').unwrap_or((inner, ""))
            } else {
                let inner = rest.strip_prefix('.').unwrap_or(rest);
                inner.split_at(inner.find(['.', '[']).unwrap_or(inner.len()))
            };
            value = part(&value, key)?;
            rest = tail;
        }
        Ok(value)
    }

    fn position(&self, index: usize) -> Result<Value, TemplateError> {
        self.args.positional.get(index).cloned().ok_or_else(|| {
            TemplateError::runtime(format!(
                "Replacement index {index} out of range for positional args tuple"
            ))
        })
    }
}

fn part(value: &Value, key: &str) -> Result<Value, TemplateError> {
    let found = match (&value.0, key.parse::<usize>()) {
        (Repr::Dict(dict), _) => dict.get(&TextKey(key)).cloned(),
        (Repr::Str(text), Ok(index)) => text.chars().nth(index).map(|c| Value::from(c.to_string())),
        (_, Ok(index)) => value.index(index).cloned(),
        _ => None,
    };
    found.ok_or_else(|| TemplateError::runtime(Value::from(key).repr()))
}

/// Formats a value as the part after the colon says.
fn apply(value: &Value, spec: &str) -> Result<String, TemplateError> {
    if spec.is_empty() {
        return Ok(value.text());
    }
    let wrong = || {
        let kind = value.type_name();
        TemplateError::runtime(format!("Invalid format specifier '{spec}' for object of type '{kind}'"))
    };
    let layout = parse(spec).ok_or_else(wrong)?;
    match (&value.0, layout.kind) {
        (Repr::Object(object), _) => match &**object {
            crate::object::Object::Date(date) => Ok(crate::eval::format_date(date, spec)),
            _ => fail(format!("unsupported format string passed to {}.__format__", object.type_name())),
        },
        (Repr::Str(_), None | Some('s')) if layout.grouping.is_some() => {
            let sign = layout.grouping.unwrap_or(',');
            fail(format!("Cannot specify '{sign}' with 's'."))
        }
        (Repr::Str(_), None | Some('s')) if layout.sign.is_some() => {
            fail("Sign not allowed in string format specifier")
        }
        (Repr::Str(text), None | Some('s')) => {
            let text: String = text.chars().take(layout.precision.unwrap_or(usize::MAX)).collect();
            Ok(pad(&text, &layout, '<'))
        }
        (Repr::Str(_), Some(kind)) => fail(format!("Unknown format code '{kind}' for object of type 'str'")),
        (Repr::Float(number), None) => Ok(match layout.precision {
            Some(_) => layout_float(*number, 'g', &layout),
            None => layout_signed(number.is_sign_negative(), "", &float_repr(number.abs()), &layout),
        }),
        (_, None | Some('d' | 'x' | 'X' | 'o' | 'b' | 'n')) if value.is_whole() => {
            Ok(layout_integer(value, layout.kind.unwrap_or('d'), &layout))
        }
        (_, Some('c')) if value.as_int().is_some() => {
            let code = value.as_int().and_then(|code| u32::try_from(code).ok());
            let c = code.and_then(char::from_u32).ok_or_else(wrong)?;
            Ok(pad(&c.to_string(), &layout, '<'))
        }
        (_, Some(kind @ ('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%'))) => {
            let number = match value.0 {
                Repr::Float(number) => number,
                _ => value.as_int().map(int_to_float).ok_or_else(wrong)?,
            };
            Ok(layout_float(number, kind, &layout))
        }
        (Repr::List(_) | Repr::Tuple(_) | Repr::Dict(_) | Repr::None, _) => {
            fail(format!("unsupported format string passed to {}.__format__", value.type_name()))
        }
        (_, Some(kind)) => {
            fail(format!("Unknown format code '{kind}' for object of type '{}'", value.type_name()))
        }
        _ => Ok(pad(&value.text(), &layout, '<')),
    }
}

fn parse(spec: &str) -> Option<Layout> {
    let mut layout = Layout::default();
    let mut chars: Vec<char> = spec.chars().collect();
    let is_align = |c: Option<&char>| matches!(c, Some('<' | '>' | '^' | '='));
    if is_align(chars.get(1)) {
        layout.fill = chars.first().copied();
        layout.align = chars.get(1).copied();
        chars.drain(..2);
    } else if is_align(chars.first()) {
        layout.align = Some(chars.remove(0));
    }
    let mut rest = chars.into_iter().peekable();
    layout.sign = rest.next_if(|c| matches!(c, '+' | '-' | ' '));
    layout.alternate = rest.next_if_eq(&'#').is_some();
    layout.zero = rest.next_if_eq(&'0').is_some();
    let digits = |rest: &mut std::iter::Peekable<std::vec::IntoIter<char>>| {
        let mut digits = String::new();
        while let Some(digit) = rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        digits
    };
    let width = digits(&mut rest);
    layout.width =
        if width.is_empty() { 0 } else { width.parse().ok().filter(|width| *width <= LONGEST_TEXT)? };
    layout.grouping = rest.next_if(|c| matches!(c, ',' | '_'));
    if rest.next_if_eq(&'.').is_some() {
        layout.precision = Some(digits(&mut rest).parse().ok()?);
    }
    layout.kind = rest.next();
    rest.next().is_none().then_some(layout)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn formatted(format: &str, args: &[Value]) -> String {
        let named: Vec<(Arc<str>, Value)> = vec![("n".into(), 5_i64.into())];
        format_call(format, &Args { positional: args.to_vec(), named }).unwrap_or_else(|error| error.message)
    }

    #[test]
    fn fields_are_filled_as_python_fills_them() {
        for (format, args, expected) in [
            ("{}-{}", vec![1_i64.into(), "a".into()], "1-a"),
            ("{1}{0}", vec!["a".into(), "b".into()], "ba"),
            ("{n:03d} {{}}", vec![], "005 {}"),
            (
                "{:>5}|{:<5}|{:^5}|{:*^5}",
                vec!["a".into(), "b".into(), "c".into(), "d".into()],
                "    a|b    |  c  |**d**",
            ),
            (
                "{:.2f} {:,} {:x} {:%}",
                vec![1.005.into(), 1_234_567_i64.into(), 255_i64.into(), 0.5.into()],
                "1.00 1,234,567 ff 50.000000%",
            ),
            ("{0[0]} {0[1]}", vec![Value::list(vec![1_i64.into(), 2_i64.into()])], "1 2"),
            ("{!r}", vec!["x".into()], "'x'"),
            ("{:{n}}|", vec!["x".into()], "x    |"),
            ("{}", vec![], "Replacement index 0 out of range for positional args tuple"),
            ("{:d}", vec!["x".into()], "Unknown format code 'd' for object of type 'str'"),
        ] {
            assert_eq!(formatted(format, &args), expected, "{format}");
        }
    }
}
