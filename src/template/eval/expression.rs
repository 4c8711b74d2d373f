use std::sync::Arc;

use super::arithmetic::{negate, plus};
use super::{Args, Cx, Evaluated, first_error};
use crate::functions::Function;
use crate::object::Object;
use crate::parse::tree::{Arguments, Comparison, Expr, Node, Operator, Use};
use crate::value::{Dict, Repr, compare};
use crate::{PluginKind, TemplateError, Value, marker};

impl Cx<'_> {
    /// Evaluates an expression. What is undefined is a value here; only using it is an error.
    pub(crate) fn eval(&self, expr: &Expr) -> Evaluated {
        let evaluated = self.state.check_stack().and_then(|()| self.eval_node(expr));
        evaluated.map_err(|error| error.located(expr.at, &self.source, self.span.as_ref()))
    }

    /// Evaluates an operand: what is undefined is an error.
    pub(crate) fn operand(&self, expr: &Expr) -> Evaluated {
        match self.eval(expr)?.0 {
            Repr::Undefined(error) => Err(TemplateError::clone(&error)),
            repr => Ok(Value(repr)),
        }
    }

    /// Returns the truth of an expression; `None` when it depends on what is unknown.
    pub(crate) fn truth(&self, expr: &Expr) -> Result<Option<bool>, TemplateError> {
        Ok(known_truth(&self.operand(expr)?))
    }

    fn eval_node(&self, expr: &Expr) -> Evaluated {
        match &*expr.node {
            Node::Const(value) => Ok(value.clone()),
            Node::Embedded(text) if self.renders_constants => self.embedded(text),
            Node::Embedded(text) => Ok(Value::from(Arc::clone(text))),
            Node::Name(name) => Ok(self.name(name, expr.at)),
            Node::List(items) => {
                items.iter().map(|item| self.eval(item)).collect::<Result<_, _>>().map(Value::list)
            }
            Node::Tuple(items) => {
                items.iter().map(|item| self.eval(item)).collect::<Result<_, _>>().map(Value::tuple)
            }
            Node::Dict(entries) => self.dict(entries),
            Node::Negate(inner) => negate(&self.operand(inner)?),
            Node::Plus(inner) => plus(&self.operand(inner)?),
            Node::Not(inner) => Ok(self.truth(inner)?.map_or_else(unknown_truth, |yes| (!yes).into())),
            Node::And(left, right) => self.and(left, right),
            Node::Or(left, right) => self.or(left, right),
            Node::Arithmetic(operator, left, right) => {
                let left = self.operand(left)?;
                // A format without a place for it does not ask for the value.
                let right = match operator {
                    Operator::Remainder if left.is_text() => self.eval(right)?,
                    _ => self.operand(right)?,
                };
                self.arithmetic(*operator, &left, &right)
            }
            Node::Concat(parts) => self.concat(parts),
            Node::Compare(first, rest) => self.compare(first, rest),
            Node::If { test, then, otherwise } => match (self.truth(test)?, otherwise) {
                (Some(true), _) => self.eval(then),
                (Some(false), Some(otherwise)) => self.eval(otherwise),
                (Some(false), None) => Ok(Value::object(Object::Blank)),
                (None, _) => Ok(self.seen(unknown_truth())),
            },
            Node::Attribute(target, name) => Ok(self.attribute(&self.eval(target)?, name, expr.at)),
            Node::Item(target, key) => {
                let target = self.eval(target)?;
                self.item(&target, &self.eval(key)?, expr.at)
            }
            Node::Slice { target, bounds: [start, end, step] } => {
                let target = self.eval(target)?;
                let bound =
                    |bound: &Option<Expr>| bound.as_ref().map(|bound| self.operand(bound)).transpose();
                self.slice(&target, &[bound(start)?, bound(end)?, bound(step)?])
            }
            Node::Call(target, args) => self.call(target, args, expr.at),
            Node::Filter(target, used) => {
                let target = self.eval(target)?;
                self.filter(target, used)
            }
            Node::Test(target, used) => {
                let target = self.eval(target)?;
                self.test(target, used)
            }
        }
    }

    fn embedded(&self, text: &Arc<str>) -> Evaluated {
        if self.shared.settings.keep_embedded_templates {
            return Ok(Value::from(Arc::clone(text)));
        }
        self.warn(
            "Jinja constant strings should not contain embedded templates. \
             This feature will be disabled by default in ansible-core 2.23.",
        );
        self.in_scope(&self.scope).template(text, self.span.as_ref())
    }

    /// Evaluates a term of a lookup: constants that are templates are rendered.
    pub(crate) fn lookup_term(&self, expr: &Expr) -> Evaluated {
        match &*expr.node {
            Node::Embedded(text) => self.embedded(text),
            Node::List(items) => {
                items.iter().map(|item| self.lookup_term(item)).collect::<Result<_, _>>().map(Value::list)
            }
            _ => self.eval(expr),
        }
    }

    pub(crate) fn name(&self, name: &Arc<str>, at: u32) -> Value {
        if let Some(value) = self.frame.value(name) {
            return value;
        }
        if let Some(value) = self.variable(name) {
            return value;
        }
        if let Some(function) = Function::named(name) {
            return Value::object(Object::Function(function));
        }
        match &**name {
            "omit" => Value::omit(),
            "vars" => Value::object(Object::Scope(Arc::clone(&self.scope))),
            "self" => Value::object(Object::Blocks),
            _ => self.undefined(format!("{} is undefined", Value::from(&**name).repr()), at),
        }
    }

    fn dict(&self, entries: &[(Expr, Expr)]) -> Evaluated {
        let mut dict = Dict::with_capacity(entries.len());
        for (key, value) in entries {
            let key = self.operand(key)?;
            if !key.is_hashable() {
                return Err(unhashable(&key));
            }
            dict.insert(key, self.eval(value)?);
        }
        Ok(dict.into())
    }

    fn and(&self, left: &Expr, right: &Expr) -> Evaluated {
        let value = self.operand(left)?;
        match known_truth(&value) {
            Some(true) => self.eval(right),
            Some(false) => Ok(value),
            // Nothing is known of the left side: the right one may be guarded by it and decides only when it is false.
            None => Ok(match self.operand(right) {
                Ok(right) if known_truth(&right) == Some(false) => false.into(),
                _ => value,
            }),
        }
    }

    fn or(&self, left: &Expr, right: &Expr) -> Evaluated {
        let value = self.operand(left)?;
        match known_truth(&value) {
            Some(true) => Ok(value),
            Some(false) => self.eval(right),
            None => Ok(match self.operand(right) {
                Ok(right) if right == Value::from(true) => right,
                _ => value,
            }),
        }
    }

    fn concat(&self, parts: &[Expr]) -> Evaluated {
        let mut text = String::new();
        for part in parts {
            let value = self.operand(part)?;
            let printed = self.printed_as_str(&value)?;
            crate::limits::text(text.len().saturating_add(printed.len()))?;
            text.push_str(&printed);
        }
        Ok(text.into())
    }

    /// Returns Python's `str` of the value, with what is in it rendered.
    pub(crate) fn printed_as_str(&self, value: &Value) -> Result<String, TemplateError> {
        let forced = self.forced(value);
        match first_error(&forced) {
            Some(error) => Err(error.clone()),
            None => Ok(forced.text()),
        }
    }

    fn compare(&self, first: &Expr, rest: &[(Comparison, Expr)]) -> Evaluated {
        let mut left = self.eval(first)?;
        if left.is_undefined() {
            return self.undefined_in(left, rest);
        }
        let mut known = true;
        for (comparison, right) in rest {
            let right = self.operand(right)?;
            match self.compare_values(&left, *comparison, &right)? {
                Some(false) => return Ok(false.into()),
                Some(true) => {}
                None => known = false,
            }
            left = right;
        }
        Ok(if known { true.into() } else { self.seen(unknown_truth()) })
    }

    /// Nothing is in an empty list, not even what is undefined: Python never gets to look at it.
    fn undefined_in(&self, left: Value, rest: &[(Comparison, Expr)]) -> Evaluated {
        if let [(comparison @ (Comparison::In | Comparison::NotIn), right)] = rest {
            let right = self.operand(right)?;
            if right.is_sequence() && right.is_empty() {
                return Ok((*comparison == Comparison::NotIn).into());
            }
        }
        match left.0 {
            Repr::Undefined(error) => Err(TemplateError::clone(&error)),
            _ => Ok(left),
        }
    }

    /// Compares two values; `None` when the answer depends on what is unknown.
    pub(crate) fn compare_values(
        &self,
        left: &Value,
        comparison: Comparison,
        right: &Value,
    ) -> Result<Option<bool>, TemplateError> {
        let has_parts = |value: &Value| value.is_sequence() || value.is_mapping();
        if matches!(comparison, Comparison::In | Comparison::NotIn) {
            let item = self.forced(left);
            if first_error(&item).is_some() && has_parts(&item) && right.is_sequence() {
                let found = self.holds(right, &item)?;
                return Ok(Some(found == (comparison == Comparison::In)));
            }
            let found = self.contains(right, &self.known_all(left)?)?;
            return Ok(found.map(|found| found == (comparison == Comparison::In)));
        }
        let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let differ = left.type_name() != right.type_name() && (has_parts(left) || has_parts(right));
        if equality && differ && !left.is_unknown() && !right.is_unknown() {
            // Python looks into neither of them.
            return Ok(Some(comparison == Comparison::NotEqual));
        }
        if equality && has_parts(left) && has_parts(right) {
            let (left, right) = (self.forced(left), self.forced(right));
            if first_error(&left).or(first_error(&right)).is_some() {
                return Ok(Some(equal(&left, &right)? == (comparison == Comparison::Equal)));
            }
        }
        let (left, right) = (self.known_all(left)?, self.known_all(right)?);
        if left.contains_unknown() || right.contains_unknown() {
            return Ok(None);
        }
        let order = |sign| compare(&left, &right, sign);
        Ok(Some(match comparison {
            Comparison::Equal => left == right,
            Comparison::NotEqual => left != right,
            Comparison::Less => order("<")?.is_some_and(std::cmp::Ordering::is_lt),
            Comparison::LessOrEqual => order("<=")?.is_some_and(std::cmp::Ordering::is_le),
            Comparison::Greater => order(">")?.is_some_and(std::cmp::Ordering::is_gt),
            _ => order(">=")?.is_some_and(std::cmp::Ordering::is_ge),
        }))
    }

    /// Returns whether a list holds an item of which a part is undefined: what need not be compared is no error.
    fn holds(&self, list: &Value, item: &Value) -> Result<bool, TemplateError> {
        for element in self.items(list)? {
            if equal(&self.forced(&element), item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Renders all of a value; an undefined part is an error.
    pub(crate) fn known_all(&self, value: &Value) -> Evaluated {
        let forced = self.forced(value);
        match first_error(&forced) {
            Some(error) => Err(error.clone()),
            None => Ok(forced),
        }
    }

    /// Returns Python's `in`, which looks at no more than it has to; `None` when it depends on what is unknown.
    fn contains(&self, container: &Value, item: &Value) -> Result<Option<bool>, TemplateError> {
        let unknown_item = item.contains_unknown();
        match &container.0 {
            Repr::Unknown(_) => Ok(None),
            Repr::Str(text) => match &item.0 {
                _ if unknown_item || marker::is_marked(text) => Ok(None),
                Repr::Str(part) => Ok(Some(text.contains(&**part))),
                _ => Err(TemplateError::runtime(format!(
                    "'in <string>' requires string as left operand, not {}",
                    item.type_name()
                ))),
            },
            Repr::Object(object) => match &**object {
                Object::Range { .. } => match item.as_int() {
                    Some(number) => Ok(Some(object.has_number(number))),
                    None => Ok(Some(self.items(container)?.contains(item))),
                },
                Object::Scope(scope) => {
                    Ok(Some(item.as_str().is_some_and(|name| scope.lookup(name).is_some())))
                }
                _ => Err(not_iterable(container)),
            },
            _ if container.is_mapping() => {
                if !item.is_hashable() {
                    return Err(unhashable(item));
                }
                let is_key = || match (&container.0, item.as_str()) {
                    (Repr::Dict(dict), _) => Ok(dict.contains_key(item)),
                    (Repr::Lazy(lazy), Some(name)) => Ok(lazy.position(name).is_some()),
                    _ => self.items(container).map(|keys| keys.contains(item)),
                };
                if unknown_item { Ok(None) } else { is_key().map(Some) }
            }
            _ if container.is_sequence() => {
                let mut known = !unknown_item;
                for element in self.items(container)? {
                    let element = self.known_all(&element)?;
                    if !unknown_item && element == *item {
                        return Ok(Some(true));
                    }
                    known &= !element.contains_unknown();
                }
                Ok(known.then_some(false))
            }
            _ => Err(not_iterable(container)),
        }
    }

    pub(crate) fn filter(&self, target: Value, used: &Use) -> Evaluated {
        let mut args = self.args(&used.args)?;
        args.positional.insert(0, target);
        let Some(filter) = self.shared.filters.get(&*used.name) else {
            return self.plugin(PluginKind::Filter, &used.name, &args);
        };
        Ok(self.located_value(self.call_filter(filter, args), used.at))
    }

    fn test(&self, target: Value, used: &Use) -> Evaluated {
        let mut args = self.args(&used.args)?;
        args.positional.insert(0, target);
        let Some(test) = self.shared.tests.get(&*used.name) else {
            return self.plugin(PluginKind::Test, &used.name, &args);
        };
        Ok(self.located_value(self.call_test(test, args), used.at))
    }

    /// Says where the error came from that the value is, unless that is known.
    fn located_value(&self, value: Value, at: u32) -> Value {
        match &value.0 {
            Repr::Undefined(error) if error.template.is_none() => {
                Value::error(TemplateError::clone(error).located(at, &self.source, self.span.as_ref()))
            }
            _ => value,
        }
    }

    pub(crate) fn args(&self, args: &Arguments) -> Result<Args, TemplateError> {
        let mut positional = Vec::with_capacity(args.positional.len() + 1);
        for arg in &args.positional {
            positional.push(self.eval(arg)?);
        }
        let mut named = Vec::with_capacity(args.named.len());
        for (name, arg) in &args.named {
            named.push((Arc::clone(name), self.eval(arg)?));
        }
        if let Some(spread) = &args.spread {
            positional.extend(self.items(&self.operand(spread)?)?);
        }
        if let Some(spread) = &args.spread_named {
            let forced = self.forced_once(&self.operand(spread)?);
            for (key, value) in forced.entries() {
                named.push((key.text().into(), value.clone()));
            }
        }
        Ok(Args { positional, named })
    }
}

/// Returns the truth of a value; `None` when it is unknown.
pub(crate) fn known_truth(value: &Value) -> Option<bool> {
    if value.is_unknown() { None } else { Some(value.is_truthy()) }
}

/// What depends on an unknown truth.
pub(crate) fn unknown_truth() -> Value {
    Value::unknown("condition")
}

pub(crate) fn unhashable(value: &Value) -> TemplateError {
    TemplateError::runtime(format!("unhashable type: '{}'", value.type_name()))
}

fn not_iterable(value: &Value) -> TemplateError {
    TemplateError::runtime(format!("argument of type '{}' is not iterable", value.type_name()))
}

/// Returns whether two values are equal as Python finds out: part by part, up to the first that differ.
fn equal(left: &Value, right: &Value) -> Result<bool, TemplateError> {
    match (&left.0, &right.0) {
        (Repr::Undefined(error), _) | (_, Repr::Undefined(error)) => Err(TemplateError::clone(error)),
        (Repr::List(left), Repr::List(right)) | (Repr::Tuple(left), Repr::Tuple(right)) => {
            let mut pairs = left.iter().zip(right.iter());
            if left.len() == right.len() { all_equal(&mut pairs) } else { Ok(false) }
        }
        (Repr::Dict(left), Repr::Dict(right)) => {
            let has_all = left.len() == right.len() && left.keys().all(|key| right.contains_key(key));
            let mut pairs = left.iter().filter_map(|(key, value)| Some((value, right.get(key)?)));
            if has_all { all_equal(&mut pairs) } else { Ok(false) }
        }
        _ => Ok(left == right),
    }
}

fn all_equal<'v>(pairs: &mut dyn Iterator<Item = (&'v Value, &'v Value)>) -> Result<bool, TemplateError> {
    for (left, right) in pairs {
        if !equal(left, right)? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn operators_bind_as_in_jinja() {
        give(&[
            ("1 + 2 * 3", json!(7)),
            ("-2 ** 2", json!(4)),
            ("2 ** 3 ** 2", json!(64)),
            ("not 1 == 2", json!(true)),
            ("not n in [1]", json!(true)),
            ("'a' + 1 ~ 2", json!("a12")),
            ("-1 | abs", json!(1)),
            ("(-1) | abs", json!(1)),
            ("'x' ~ 1 ~ none ~ true ~ 1.0", json!("x1NoneTrue1.0")),
            ("1 < 2 < 3", json!(true)),
            ("1 < 2 > 3", json!(false)),
            ("1 if n > 3 else 2", json!(1)),
            ("1 if false else 2 if false else 3", json!(3)),
            ("'a' 'b'", json!("ab")),
            ("n is odd and s is string", json!(true)),
            ("n is divisibleby 5", json!(true)),
        ]);
    }

    #[test]
    fn comparisons_are_pythons() {
        give(&[
            ("1 == 1.0", json!(true)),
            ("1 == true", json!(true)),
            ("'1' == 1", json!(false)),
            ("[1] == [1]", json!(true)),
            ("{'a': 1} == {'a': 1.0}", json!(true)),
            ("[1, 2] < [1, 3]", json!(true)),
            ("'a' < 'b'", json!(true)),
            ("'ell' in s", json!(true)),
            ("5 in [n]", json!(true)),
            ("'a' in d", json!(true)),
            ("'zz' not in d", json!(true)),
            ("none in [none]", json!(true)),
            ("1 and 2", json!(2)),
            ("0 or 'x'", json!("x")),
            ("0 and nope", json!(0)),
            ("1 or nope", json!(1)),
        ]);
    }

    #[test]
    fn what_is_undefined_or_of_the_wrong_type_is_refused() {
        refuse(&[
            ("'a' < 1", "Error rendering template: '<' not supported between instances of 'str' and 'int'"),
            ("1 in 5", "Error rendering template: argument of type 'int' is not iterable"),
            ("1 in 'a'", "Error rendering template: 'in <string>' requires string as left operand, not int"),
            ("{[1]: 2}", "Error rendering template: unhashable type: 'list'"),
            ("nope", "'nope' is undefined"),
            ("nope.a", "'nope' is undefined"),
            ("nope == 1", "'nope' is undefined"),
            ("nope in [1]", "'nope' is undefined"),
            ("not nope", "'nope' is undefined"),
            ("1 if nope else 2", "'nope' is undefined"),
            ("d.zz", "object of type 'dict' has no attribute 'zz'"),
            ("d['zz']", "object of type 'dict' has no attribute 'zz'"),
            ("l[10]", "object of type 'list' has no attribute 10"),
            ("s.foo", "object of type 'str' has no attribute 'foo'"),
            ("[nope]", "'nope' is undefined"),
            ("1 if false", "Error rendering template: Type 'Undefined' is unsupported for variable storage."),
            ("5()", "Error rendering template: 'int' object is not callable"),
        ]);
    }
}
