//! Calls: filters, tests, functions, methods and macros.

use std::sync::Arc;

use super::finish::first_error;
use super::{Cx, Evaluated, Frame};
use crate::builtin::{Builtin, Unknowns};
use crate::functions;
use crate::object::{MacroObject, Object};
use crate::parse::tree::{Arguments, Expr, Macro, Node};
use crate::value::Repr;
use crate::{ErrorKind, TemplateError, Value, marker, methods};

/// Arguments as they were given.
#[derive(Clone, Default)]
pub(crate) struct Args {
    pub(crate) positional: Vec<Value>,
    pub(crate) named: Vec<(Arc<str>, Value)>,
}

impl Args {
    pub(crate) fn of(positional: Vec<Value>) -> Self {
        Self { positional, named: Vec::new() }
    }

    fn all(&self) -> impl Iterator<Item = &Value> {
        self.positional.iter().chain(self.named.iter().map(|(_, value)| value))
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.positional.iter_mut().chain(self.named.iter_mut().map(|(_, value)| value))
    }

    pub(crate) fn first_undefined(&self) -> Option<&Value> {
        self.all().find(|value| value.is_undefined())
    }
}

impl Cx<'_> {
    /// Runs a filter; an error is a value, which only using it makes an end of.
    pub(crate) fn call_filter(&self, filter: &Builtin, args: Args) -> Value {
        self.call_builtin(filter, args, "filter")
    }

    pub(crate) fn call_test(&self, test: &Builtin, args: Args) -> Value {
        self.call_builtin(test, args, "test")
    }

    fn call_builtin(&self, builtin: &Builtin, mut args: Args, what: &str) -> Value {
        if !builtin.takes_undefined
            && let Some(undefined) = args.first_undefined()
        {
            return undefined.clone();
        }
        if !builtin.shallow {
            for value in args.all_mut() {
                *value = self.forced(value);
            }
            if let Some(error) = args.all().find_map(first_error) {
                return Value::error(error.clone());
            }
        }
        let infected = match builtin.unknowns {
            Unknowns::Take => None,
            Unknowns::Inside => args.all().find(|value| !has_parts(value) && value.contains_unknown()),
            Unknowns::Infect => args.all().find(|value| value.contains_unknown()),
        };
        if let Some(value) = infected {
            return self.seen(Value::unknown(unknown_label(value)));
        }
        let secret = what == "filter" && self.filters_secret(builtin.name, args.positional.first());
        match builtin.bind(args).and_then(|given| (builtin.run)(self, &given)) {
            Ok(value) if secret => {
                self.conceal(&value);
                value
            }
            Ok(value) => value,
            Err(error) if error.kind == ErrorKind::Undefined || error.framed => Value::error(error.held()),
            Err(error) => {
                let doing = format!("The {what} plugin '{}.{}' failed", builtin.collection, builtin.name);
                Value::error(error.context(&doing).framed().held())
            }
        }
    }

    /// Evaluates a call that a template writes.
    pub(crate) fn call(&self, target: &Expr, args: &Arguments, at: u32) -> Evaluated {
        if let Node::Attribute(object, name) = &*target.node {
            let value = self.eval(object)?;
            if methods::mutates(&value, name) {
                return self.mutate(object, &value, name, self.args(args)?);
            }
            let method = self.attribute(&value, name, target.at);
            return self.invoke(method, self.args(args)?, at);
        }
        let callee = self.eval(target)?;
        if let Repr::Object(object) = &callee.0
            && let Object::Function(function) = &**object
            && function.is_lookup()
        {
            let terms = args.positional.iter().map(|arg| self.lookup_term(arg));
            let positional = terms.collect::<Result<Vec<_>, _>>()?;
            let rest = Arguments { positional: Vec::new(), ..args.clone() };
            let mut args = self.args(&rest)?;
            args.positional.splice(0..0, positional);
            let result = functions::call(self, *function, args);
            return Ok(result.unwrap_or_else(|error| {
                Value::error(error.held().located(at, &self.source, self.span.as_ref()))
            }));
        }
        self.invoke(callee, self.args(args)?, at)
    }

    /// Calls a value; an error inside of a function is a value.
    pub(crate) fn invoke(&self, callee: Value, args: Args, at: u32) -> Evaluated {
        let object = match &callee.0 {
            Repr::Undefined(_) | Repr::Unknown(_) => return Ok(callee),
            Repr::Object(object) => object,
            _ => return Err(not_callable(&callee)),
        };
        if let Object::Macro(definition) = &**object {
            let result = self.call_macro(definition, args);
            return Ok(result.unwrap_or_else(|error| Value::error(error.of_macro())));
        }
        if let Some(undefined) = args.first_undefined() {
            return Ok(undefined.clone());
        }
        let result = match &**object {
            Object::Function(function) => functions::call(self, *function, args),
            Object::Method(target, name) => self.call_method(target, name, args),
            Object::Block { name, level } => return self.call_block(name, *level),
            Object::Loop(state) => return self.loop_again(state, &args),
            other => match other.call(&args) {
                Some(result) => result,
                None => return Err(not_callable(&callee)),
            },
        };
        Ok(result
            .unwrap_or_else(|error| Value::error(error.held().located(at, &self.source, self.span.as_ref()))))
    }

    fn call_method(&self, target: &Value, name: &str, mut args: Args) -> Evaluated {
        for value in args.all_mut() {
            *value = self.known_all(value)?;
        }
        let whole = !has_parts(target);
        let unknown = std::iter::once(target)
            .chain(args.all())
            .find(|value| (whole || !has_parts(value)) && value.contains_unknown());
        if let Some(value) = unknown {
            return Ok(self.seen(Value::unknown(unknown_label(value))));
        }
        let value = methods::call(self, target, name, args)?;
        if self.is_secret(target) {
            self.conceal(&value);
        }
        Ok(value)
    }

    /// Changes a list or mapping in place, as `append` does: the changed one takes the place of the old.
    fn mutate(&self, place: &Expr, value: &Value, name: &str, args: Args) -> Evaluated {
        if let Some(undefined) = args.first_undefined() {
            return Ok(undefined.clone());
        }
        let (changed, result) = methods::mutate(self, &self.forced_once(value), name, args)?;
        self.put_back(place, changed)?;
        Ok(result)
    }

    fn put_back(&self, place: &Expr, changed: Value) -> Result<(), TemplateError> {
        match &*place.node {
            Node::Name(name) => self.frame.replace(name, changed),
            Node::Attribute(parent, name) => self.put_inside(parent, &Value::from(&**name), changed)?,
            Node::Item(parent, key) => {
                let key = self.operand(key)?;
                self.put_inside(parent, &key, changed)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn put_inside(&self, parent: &Expr, key: &Value, changed: Value) -> Result<(), TemplateError> {
        let container = self.forced_once(&self.eval(parent)?);
        match &container.0 {
            Repr::Dict(dict) => {
                let mut dict = crate::value::Dict::clone(dict);
                dict.insert(key.clone(), changed);
                self.put_back(parent, dict.into())
            }
            Repr::List(items) => {
                let mut items = items.to_vec();
                let index = key.as_i64().and_then(|index| usize::try_from(index).ok());
                if let Some(slot) = index.and_then(|index| items.get_mut(index)) {
                    *slot = changed;
                }
                self.put_back(parent, items.into())
            }
            Repr::Object(object) => {
                if let Object::Namespace(namespace) = &**object
                    && let Ok(mut namespace) = namespace.lock()
                {
                    namespace.insert(key.clone(), changed);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Returns a macro with what it sees here.
    pub(crate) fn macro_object(&self, definition: &Arc<Macro>) -> Value {
        self.state.seen_by_macros.add(&self.frame);
        Value::object(Object::Macro(MacroObject {
            definition: Arc::clone(definition),
            frame: Arc::clone(&self.frame),
            scope: Arc::clone(&self.scope),
            source: Arc::clone(&self.source),
            run: Arc::clone(&self.run),
        }))
    }

    pub(crate) fn call_macro(&self, callee: &MacroObject, args: Args) -> Evaluated {
        let depth = self.state.depth.get();
        if depth >= super::MAX_DEPTH {
            return Err(TemplateError::runtime("the macros call one another too deeply"));
        }
        let frame = callee.frame.inner();
        let cx = Cx {
            frame: Arc::clone(&frame),
            scope: Arc::clone(&callee.scope),
            source: Arc::clone(&callee.source),
            run: Arc::clone(&callee.run),
            ..self.clone()
        };
        cx.bind_macro(&callee.definition, args, &frame)?;
        self.state.depth.set(depth + 1);
        let mut out = Vec::new();
        let done = cx.execute(&callee.definition.body, &mut out);
        self.state.depth.set(depth);
        done?;
        Ok(cx.join(out))
    }

    fn bind_macro(&self, definition: &Macro, args: Args, frame: &Frame) -> Result<(), TemplateError> {
        let name = Value::from(&*definition.name).repr();
        let fail = |message: String| Err(TemplateError::runtime(format!("macro {name} {message}")));
        let mut named = args.named;
        let mut positional = args.positional.into_iter();
        let first_default = definition.params.len() - definition.defaults.len();
        for (at, param) in definition.params.iter().enumerate() {
            let by_name =
                named.iter().position(|(known, _)| known == param).map(|found| named.remove(found).1);
            let value = match (positional.next(), by_name) {
                (Some(_), Some(_)) => return fail(format!("got multiple values for argument '{param}'")),
                (Some(value), None) | (None, Some(value)) => value,
                (None, None) => {
                    match at.checked_sub(first_default).and_then(|at| definition.defaults.get(at)) {
                        Some(default) => self.eval(default)?,
                        None => self.undefined(format!("parameter '{param}' was not provided"), 0),
                    }
                }
            };
            frame.set(param, value);
        }
        let rest: Vec<Value> = positional.collect();
        if definition.takes_caller && !definition.params.iter().any(|param| &**param == "caller") {
            let caller = named.iter().position(|(known, _)| &**known == "caller");
            let caller = caller.map(|found| named.remove(found).1);
            frame.set(&"caller".into(), caller.unwrap_or_else(|| Value::undefined("No caller defined")));
        }
        if definition.takes_kwargs {
            let dict: crate::value::Dict =
                named.drain(..).map(|(name, value)| (Value::from(name), value)).collect();
            frame.set(&"kwargs".into(), dict.into());
        } else if let Some((unexpected, _)) = named.first() {
            return fail(format!("takes no keyword argument '{unexpected}'"));
        }
        if definition.takes_varargs {
            frame.set(&"varargs".into(), Value::tuple(rest));
        } else if !rest.is_empty() {
            return fail(format!("takes not more than {} argument(s)", definition.params.len()));
        }
        Ok(())
    }
}

fn not_callable(value: &Value) -> TemplateError {
    TemplateError::runtime(format!("'{}' object is not callable", value.class_name()))
}

/// Returns whether an unknown part leaves the rest of the value known.
fn has_parts(value: &Value) -> bool {
    value.is_sequence() || value.is_mapping()
}

/// Returns what to call a result that depends on the value.
pub(crate) fn unknown_label(value: &Value) -> String {
    match &value.0 {
        Repr::Unknown(label) => label.to_string(),
        Repr::Str(text) => {
            let label = text
                .split_once(marker::UNKNOWN_START)
                .and_then(|(_, rest)| rest.split_once(marker::UNKNOWN_END));
            label.map_or_else(String::new, |(label, _)| label.to_owned())
        }
        Repr::List(items) | Repr::Tuple(items) => {
            items.iter().find(|item| item.contains_unknown()).map_or_else(String::new, unknown_label)
        }
        Repr::Dict(dict) => {
            dict.values().find(|item| item.contains_unknown()).map_or_else(String::new, unknown_label)
        }
        _ => String::new(),
    }
}
