//! What only lives inside a template: functions, loops, ranges, dates, namespaces.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use jiff::civil::DateTime;

use crate::eval::{Args, Cx, Evaluated, Frame, Run, format_date};
use crate::functions::Function;
use crate::parse::tree::{For, Macro};
use crate::value::{Dict, int_to_float};
use crate::{Scope, ScopeClass, TemplateError, Value};

/// A value without a JSON form of its own.
pub(crate) enum Object {
    /// What an `if` without `else` gives when it is false: no text, and no value of a variable.
    Blank,
    Function(Function),
    /// `'text'.upper`, not yet called.
    Method(Value, Arc<str>),
    Macro(MacroObject),
    /// `self`
    Blocks,
    /// `self.name` and `super`: a block as the `level`th ancestor defines it.
    Block {
        name: Arc<str>,
        level: usize,
    },
    Loop(LoopState),
    /// `loop.cycle` and `loop.changed`.
    LoopCall(LoopState, &'static str),
    Cycler(Mutex<Cycler>),
    CyclerNext(Arc<Object>),
    Joiner {
        separator: Value,
        used: Mutex<bool>,
    },
    Namespace(Mutex<Dict>),
    Module(Module),
    Scope(Arc<dyn Scope>),
    /// Python's `range(start, stop, step)`.
    Range {
        start: i128,
        stop: i128,
        step: i128,
    },
    /// Python's `datetime`, without a zone.
    Date(DateTime),
    /// Python's `timedelta`, in microseconds.
    Delta(i128),
}

/// A macro with what it saw where it was defined.
pub(crate) struct MacroObject {
    pub(crate) definition: Arc<Macro>,
    pub(crate) frame: Arc<Frame>,
    pub(crate) scope: Arc<dyn Scope>,
    pub(crate) source: Arc<str>,
    pub(crate) run: Arc<Run>,
}

/// One turn of a loop.
#[derive(Clone)]
pub(crate) struct LoopState {
    pub(crate) items: Arc<Vec<Value>>,
    pub(crate) index: usize,
    pub(crate) depth: usize,
    /// What `loop.changed` was last asked about.
    pub(crate) changed: Arc<Mutex<Option<Vec<Value>>>>,
    /// A recursive loop, which may be run again, and the frame it stands in.
    pub(crate) again: Option<(Arc<For>, Arc<Frame>)>,
}

pub(crate) struct Cycler {
    pub(crate) items: Vec<Value>,
    pub(crate) at: usize,
}

/// An imported template.
pub(crate) struct Module {
    pub(crate) body: Value,
    pub(crate) exports: Vec<(Arc<str>, Value)>,
}

const MICROSECONDS_A_DAY: i128 = 86_400_000_000;

impl Object {
    /// Calls what needs nothing of the evaluation.
    pub(crate) fn call(&self, args: &Args) -> Option<Evaluated> {
        Some(match self {
            Self::LoopCall(state, "cycle") => match state.index.checked_rem(args.positional.len()) {
                Some(at) => Ok(args.positional.get(at).cloned().unwrap_or_default()),
                None => Err(TemplateError::runtime("no items for cycling given")),
            },
            Self::LoopCall(state, _) => Ok(state.has_changed(&args.positional).into()),
            Self::CyclerNext(cycler) => {
                let Self::Cycler(cycler) = &**cycler else { return None };
                let mut cycler = cycler.lock().ok()?;
                let item = cycler.items.get(cycler.at).cloned().unwrap_or_default();
                cycler.at = (cycler.at + 1) % cycler.items.len().max(1);
                Ok(item)
            }
            Self::Joiner { separator, used } => {
                let mut used = used.lock().ok()?;
                let first = !std::mem::replace(&mut *used, true);
                Ok(if first { "".into() } else { separator.clone() })
            }
            _ => return None,
        })
    }

    pub(crate) fn is_truthy(&self) -> bool {
        match self {
            Self::Delta(microseconds) => *microseconds != 0,
            Self::Scope(scope) => !scope.names().is_empty(),
            _ => self.len() != Some(0),
        }
    }

    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Self::Range { start, stop, step } => {
                let (low, high) = if *step > 0 { (start, stop) } else { (stop, start) };
                let span = if low < high { high.abs_diff(*low) } else { 0 };
                usize::try_from(span.div_ceil(step.unsigned_abs().max(1))).ok()
            }
            Self::Scope(scope) => Some(scope.names().len()),
            Self::Blank => Some(0),
            Self::Loop(state) => Some(state.items.len()),
            _ => None,
        }
    }

    /// Returns the numbers of a range.
    pub(crate) fn items(&self) -> Vec<Value> {
        let Self::Range { start, step, .. } = self else { return Vec::new() };
        let mut number = *start;
        let mut items = Vec::new();
        for _ in 0..self.len().unwrap_or(0) {
            items.push(Value::from(number));
            number = number.saturating_add(*step);
        }
        items
    }

    /// Returns whether a number is one of a range's.
    pub(crate) fn has_number(&self, number: i128) -> bool {
        let Self::Range { start, stop, step } = *self else { return false };
        let within =
            if step > 0 { (start..stop).contains(&number) } else { number <= start && number > stop };
        within && number.abs_diff(start).is_multiple_of(step.unsigned_abs().max(1))
    }

    pub(crate) fn scope_class(&self) -> Option<ScopeClass> {
        match self {
            Self::Scope(scope) => Some(scope.class()),
            _ => None,
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Blank => "Undefined",
            Self::Function(_) => "function",
            Self::Method(..) | Self::LoopCall(..) | Self::CyclerNext(_) => "builtin_function_or_method",
            Self::Macro(_) => "Macro",
            Self::Blocks => "TemplateReference",
            Self::Block { .. } => "BlockReference",
            Self::Loop(_) => "LoopContext",
            Self::Cycler(_) => "Cycler",
            Self::Joiner { .. } => "Joiner",
            Self::Namespace(_) => "Namespace",
            Self::Module(_) => "TemplateModule",
            Self::Scope(_) => "dict",
            Self::Range { .. } => "range",
            Self::Date(_) => "datetime",
            Self::Delta(_) => "timedelta",
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Date(date) => format_date(
                date,
                if date.subsec_nanosecond() == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S.%f" },
            ),
            Self::Delta(microseconds) => delta_text(*microseconds),
            Self::Blank => String::new(),
            _ => self.repr(),
        }
    }

    /// Returns what stands for it in JSON.
    pub(crate) fn json_text(&self) -> String {
        match self {
            Self::Date(date) => crate::methods::iso_date(date),
            _ => self.text(),
        }
    }

    pub(crate) fn repr(&self) -> String {
        match self {
            Self::Range { start, stop, step: 1 } => format!("range({start}, {stop})"),
            Self::Range { start, stop, step } => format!("range({start}, {stop}, {step})"),
            Self::Date(date) => {
                let (seconds, micros) = (date.second(), date.subsec_nanosecond() / 1000);
                let mut parts = vec![
                    date.year().to_string(),
                    date.month().to_string(),
                    date.day().to_string(),
                    date.hour().to_string(),
                    date.minute().to_string(),
                ];
                if seconds != 0 || micros != 0 {
                    parts.push(seconds.to_string());
                }
                if micros != 0 {
                    parts.push(micros.to_string());
                }
                format!("datetime.datetime({})", parts.join(", "))
            }
            Self::Namespace(namespace) => {
                let dict = namespace.lock().map(|dict| dict.clone()).unwrap_or_default();
                format!("<Namespace {}>", Value::from(dict).repr())
            }
            Self::Loop(state) => format!("<LoopContext {}/{}>", state.index + 1, state.items.len()),
            Self::Macro(callee) => format!("<Macro {}>", Value::from(&*callee.definition.name).repr()),
            other => format!("<{}>", other.type_name()),
        }
    }

    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::Delta(a), Self::Delta(b)) => a == b,
            (Self::Blank, Self::Blank) => true,
            (Self::Range { start, step, .. }, Self::Range { start: other_start, step: other_step, .. }) => {
                let (count, same) = (self.len(), self.len() == other.len());
                same && (count == Some(0) || start == other_start && (count == Some(1) || step == other_step))
            }
            _ => std::ptr::eq(self, other),
        }
    }

    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Delta(a), Self::Delta(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    pub(crate) fn minus(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Date(a), Self::Date(b)) => Some(Self::Delta(a.duration_since(*b).as_micros())),
            (Self::Date(_), Self::Delta(microseconds)) => self.plus(&Self::Delta(-microseconds)),
            (Self::Delta(a), Self::Delta(b)) => Some(Self::Delta(a - b)),
            _ => None,
        }
    }

    pub(crate) fn plus(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Date(date), Self::Delta(microseconds)) | (Self::Delta(microseconds), Self::Date(date)) => {
                let delta = jiff::SignedDuration::from_micros(i64::try_from(*microseconds).ok()?);
                date.checked_add(delta).ok().map(Self::Date)
            }
            (Self::Delta(a), Self::Delta(b)) => Some(Self::Delta(a + b)),
            _ => None,
        }
    }
}

fn delta_text(microseconds: i128) -> String {
    let days = microseconds.div_euclid(MICROSECONDS_A_DAY);
    let rest = microseconds.rem_euclid(MICROSECONDS_A_DAY);
    let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
    let mut text = match days {
        0 => String::new(),
        1 | -1 => format!("{days} day, "),
        _ => format!("{days} days, "),
    };
    _ = write!(text, "{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if micros != 0 {
        _ = write!(text, ".{micros:06}");
    }
    text
}

impl Cx<'_> {
    /// Returns an attribute of an object; what is a method is returned to be called.
    pub(crate) fn object_attribute(&self, object: &Arc<Object>, name: &str) -> Option<Value> {
        match &**object {
            Object::Loop(state) => loop_attribute(state, name),
            Object::Cycler(cycler) => {
                let cycler = cycler.lock().ok()?;
                match name {
                    "current" => cycler.items.get(cycler.at).cloned(),
                    "next" => Some(Value::object(Object::CyclerNext(Arc::clone(object)))),
                    _ => None,
                }
            }
            Object::Module(module) => {
                module.exports.iter().find(|(known, _)| &**known == name).map(|(_, value)| value.clone())
            }
            Object::Blocks => {
                self.run.block(name, 0).map(|_| Value::object(Object::Block { name: name.into(), level: 0 }))
            }
            Object::Macro(callee) => match name {
                "name" => Some(Value::from(Arc::clone(&callee.definition.name))),
                "arguments" => Some(Value::tuple(
                    callee.definition.params.iter().map(|param| Value::from(Arc::clone(param))).collect(),
                )),
                "caller" => Some(callee.definition.takes_caller.into()),
                "catch_kwargs" => Some(callee.definition.takes_kwargs.into()),
                "catch_varargs" => Some(callee.definition.takes_varargs.into()),
                _ => None,
            },
            Object::Date(date) => date_attribute(date, name),
            Object::Delta(microseconds) => match name {
                "days" => Some(microseconds.div_euclid(MICROSECONDS_A_DAY).into()),
                "seconds" => Some((microseconds.rem_euclid(MICROSECONDS_A_DAY) / 1_000_000).into()),
                "microseconds" => Some((microseconds.rem_euclid(1_000_000)).into()),
                _ => None,
            },
            Object::Range { start, stop, step } => match name {
                "start" => Some((*start).into()),
                "stop" => Some((*stop).into()),
                "step" => Some((*step).into()),
                _ => None,
            },
            _ => None,
        }
    }
}

impl LoopState {
    fn has_changed(&self, values: &[Value]) -> bool {
        let Ok(mut last) = self.changed.lock() else { return false };
        let changed = last.as_deref() != Some(values);
        if changed {
            *last = Some(values.to_vec());
        }
        changed
    }
}

fn loop_attribute(state: &LoopState, name: &str) -> Option<Value> {
    let (index, length) = (state.index, state.items.len());
    Some(match name {
        "index" => (index + 1).into(),
        "index0" => index.into(),
        "revindex" => (length - index).into(),
        "revindex0" => (length - index - 1).into(),
        "first" => (index == 0).into(),
        "last" => (index + 1 == length).into(),
        "length" => length.into(),
        "depth" => (state.depth + 1).into(),
        "depth0" => state.depth.into(),
        "previtem" => match index.checked_sub(1).and_then(|at| state.items.get(at)) {
            Some(item) => item.clone(),
            None => Value::undefined("there is no previous item"),
        },
        "nextitem" => match state.items.get(index + 1) {
            Some(item) => item.clone(),
            None => Value::undefined("there is no next item"),
        },
        "cycle" => Value::object(Object::LoopCall(state.clone(), "cycle")),
        "changed" => Value::object(Object::LoopCall(state.clone(), "changed")),
        _ => return None,
    })
}

fn date_attribute(date: &DateTime, name: &str) -> Option<Value> {
    let number = match name {
        "year" => i128::from(date.year()),
        "month" => i128::from(date.month()),
        "day" => i128::from(date.day()),
        "hour" => i128::from(date.hour()),
        "minute" => i128::from(date.minute()),
        "second" => i128::from(date.second()),
        "microsecond" => i128::from(date.subsec_nanosecond() / 1000),
        _ => return None,
    };
    Some(number.into())
}

/// Returns the seconds of a `timedelta` with their fraction.
pub(crate) fn total_seconds(microseconds: i128) -> f64 {
    int_to_float(microseconds) / 1e6
}
