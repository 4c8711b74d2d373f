//! Functions that every template can call.

use std::sync::Mutex;

use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::builtin::Given;
use crate::eval::{Args, Cx, Evaluated, format_date};
use crate::object::{Cycler, Object};
use crate::value::Dict;
use crate::{TemplateError, Value, lookups};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Range,
    Dict,
    Cycler,
    Joiner,
    Namespace,
    Now,
    Undef,
    Lookup,
    Query,
}

impl Function {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "range" => Self::Range,
            "dict" => Self::Dict,
            "cycler" => Self::Cycler,
            "joiner" => Self::Joiner,
            "namespace" => Self::Namespace,
            "now" => Self::Now,
            "undef" => Self::Undef,
            "lookup" => Self::Lookup,
            "query" | "q" => Self::Query,
            _ => return None,
        })
    }

    pub(crate) fn is_lookup(self) -> bool {
        matches!(self, Self::Lookup | Self::Query)
    }
}

pub(crate) fn call(cx: &Cx<'_>, function: Function, args: Args) -> Evaluated {
    match function {
        Function::Range => range(args),
        Function::Dict => dict(cx, args).map(Value::from),
        Function::Cycler if args.positional.is_empty() => {
            Err(TemplateError::runtime("at least one item has to be provided"))
        }
        Function::Cycler => {
            Ok(Value::object(Object::Cycler(Mutex::new(Cycler { items: args.positional, at: 0 }))))
        }
        Function::Joiner => {
            let given = Given::bind("joiner", "sep=", args)?;
            let separator = given.given(0).cloned().unwrap_or_else(|| ", ".into());
            Ok(Value::object(Object::Joiner { separator, used: Mutex::new(false) }))
        }
        Function::Namespace => Ok(Value::object(Object::Namespace(Mutex::new(dict(cx, args)?)))),
        Function::Now => now(cx, args),
        Function::Undef => {
            let given = Given::bind("undef", "hint=", args)?;
            undef(cx, &given)
        }
        Function::Lookup => lookups::call(cx, args, false),
        Function::Query => lookups::call(cx, args, true),
    }
}

/// Returns what is undefined, with the hint that the template gives or of no place in particular.
fn undef(cx: &Cx<'_>, given: &Given) -> Evaluated {
    match given.some(0) {
        Some(hint) if !hint.is_text() => {
            let kind = hint.type_name();
            let message = format!("The 'hint' argument must be of type 'str' or 'NoneType', not '{kind}'.");
            Err(TemplateError::runtime(message).about(hint))
        }
        Some(hint) if hint.is_truthy() => Ok(cx.undefined(hint.text(), 0)),
        _ => Ok(Value::undefined("Mandatory variable has not been overridden")),
    }
}

fn range(args: Args) -> Evaluated {
    let given = Given::bind("range", "start stop= step=", args)?;
    let whole = |at: usize| match given.given(at).map(|value| (value, value.as_int())) {
        None => Ok(None),
        Some((_, Some(number))) => Ok(Some(number)),
        Some((value, None)) => Err(TemplateError::runtime(format!(
            "'{}' object cannot be interpreted as an integer",
            value.type_name()
        ))),
    };
    let (first, limit, step) = (whole(0)?.unwrap_or(0), whole(1)?, whole(2)?.unwrap_or(1));
    if step == 0 {
        return Err(TemplateError::runtime("range() arg 3 must not be zero"));
    }
    let (start, limit) = limit.map_or((0, first), |limit| (first, limit));
    Ok(Value::object(Object::Range { start, stop: limit, step }))
}

fn dict(cx: &Cx<'_>, args: Args) -> Result<Dict, TemplateError> {
    let mut dict = Dict::new();
    for source in args.positional {
        let source = cx.forced_once(&source);
        if source.is_mapping() {
            dict.extend(source.entries().map(|(key, value)| (key.clone(), value.clone())));
            continue;
        }
        for pair in cx.items(&source)? {
            let pair = cx.items(&pair)?;
            let [key, value] = pair.as_slice() else {
                return Err(TemplateError::runtime(format!(
                    "dictionary update sequence element #0 has length {}; 2 is required",
                    pair.len()
                )));
            };
            dict.insert(key.clone(), value.clone());
        }
    }
    dict.extend(args.named.into_iter().map(|(name, value)| (Value::from(name), value)));
    Ok(dict)
}

fn now(cx: &Cx<'_>, args: Args) -> Evaluated {
    let given = Given::bind("now", "utc= fmt=", args)?;
    let date = current(cx, given.flag(0, false))?;
    Ok(match given.some(1) {
        Some(format) => format_date(&date, &format.text()).into(),
        None => Value::object(Object::Date(date)),
    })
}

/// Returns the world's time, to the microsecond as Python has it.
pub(crate) fn current(cx: &Cx<'_>, utc: bool) -> Result<DateTime, TemplateError> {
    let now = cx.world().now();
    let seconds = if utc { 0 } else { now.utc_offset_seconds };
    at_second(now.unix_seconds, now.nanoseconds / 1000 * 1000, seconds)
}

/// Returns the date of a time since 1970 in a zone.
pub(crate) fn at_second(seconds: i64, nanoseconds: u32, offset: i32) -> Result<DateTime, TemplateError> {
    let wrong = |error: jiff::Error| TemplateError::runtime(error.to_string());
    let stamp = jiff::Timestamp::new(seconds, i32::try_from(nanoseconds).unwrap_or(0)).map_err(wrong)?;
    Ok(Offset::from_seconds(offset).map_err(wrong)?.to_datetime(stamp))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn functions_are_jinjas_and_ansibles() {
        give(&[
            ("range(3) | list", json!([0, 1, 2])),
            ("range(1, 10, 3) | list", json!([1, 4, 7])),
            ("range(5, 0, -2) | list", json!([5, 3, 1])),
            ("range(3)[1]", json!(1)),
            ("range(3) | length", json!(3)),
            ("dict(a=1, b=2)", json!({"a": 1, "b": 2})),
            ("dict([('a', 1)])", json!({"a": 1})),
            ("namespace(a=1).a", json!(1)),
            ("cycler('a', 'b').next()", json!("a")),
            ("joiner(',')()", json!("")),
            ("undef('hint') | default('x')", json!("x")),
        ]);
    }

    #[test]
    fn what_the_functions_refuse_is_refused() {
        refuse(&[
            ("range(3)", "Error rendering template: Type 'range' is unsupported for variable storage."),
            ("range('a')", "Error rendering template: 'str' object cannot be interpreted as an integer"),
            ("range(1, 2, 0)", "Error rendering template: range() arg 3 must not be zero"),
            ("undef('hint')", "hint"),
            ("undef()", "Mandatory variable has not been overridden"),
            ("cycler()", "Error rendering template: at least one item has to be provided"),
            (
                "s.upper",
                "Error rendering template: Type 'builtin_function_or_method' is unsupported for variable storage.",
            ),
        ]);
    }
}
