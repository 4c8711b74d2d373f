//! A spec of arguments that a playbook wrote, and what does not fit it.
//!
//! Source of the messages and their order: `ansible/module_utils/common/arg_spec.py`, `parameters.py`, `validation.py`.

use rplay_module::params::coerced;
use rplay_template::Value;
use serde_json::{Map, Value as Json};

type Fields = Map<String, Json>;

/// Returns every message; the arguments become what the spec makes of them.
pub(super) fn check(spec: &Fields, args: &mut Fields) -> Vec<String> {
    let mut checker = Checker::default();
    checker.arguments(spec, None, args);
    checker.sub_options(spec, args);
    checker.finish()
}

/// Returns Python's name for the type of a value.
pub(super) fn type_name(value: &Json) -> &'static str {
    match value {
        Json::Null => "NoneType",
        Json::Bool(_) => "bool",
        Json::Number(number) if number.is_f64() => "float",
        Json::Number(_) => "int",
        Json::String(_) => "str",
        Json::Array(_) => "list",
        Json::Object(_) => "dict",
    }
}

#[derive(Default)]
struct Checker {
    errors: Vec<String>,
    /// The options that lead to the one that is checked.
    path: Vec<String>,
    unsupported: Vec<String>,
    /// What is supported where the last unsupported one stands.
    supported: String,
}

impl Checker {
    /// Checks one level of arguments; `rules` is the option that they are the sub-options of.
    fn arguments(&mut self, spec: &Fields, rules: Option<&Json>, args: &mut Fields) {
        let aliases = self.aliases(spec, args);
        self.unsupported(spec, &aliases, args);
        self.mutually_exclusive(rules, args);
        for (name, option) in spec {
            if let Some(default) = option.get("default").filter(|default| !default.is_null())
                && !args.contains_key(name)
            {
                args.insert(name.clone(), default.clone());
            }
        }
        self.required(spec, args);
        spec.iter().for_each(|(name, option)| self.typed(name, option, args));
        spec.iter().for_each(|(name, option)| self.choices(name, option, args));
        if let Some(rules) = rules {
            self.together(rules, args);
            self.one_of(rules, args);
            self.required_if(rules, args);
            self.required_by(rules, args);
        }
        for (name, option) in spec {
            let default = || option.get("default").cloned().unwrap_or(Json::Null);
            args.entry(name.clone()).or_insert_with(default);
        }
    }

    fn found(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!(" found in {}", self.path.join(" -> ")) }
    }

    /// Gives what is written under an alias its name; returns the aliases.
    fn aliases(&mut self, spec: &Fields, args: &mut Fields) -> Vec<String> {
        let mut all = Vec::new();
        for (name, option) in spec {
            let has_default = option.get("default").is_some_and(|default| !default.is_null());
            if has_default && flag(option, "required") {
                self.errors
                    .push(format!("internal error: required and default are mutually exclusive for {name}"));
                return all;
            }
            for alias in texts(option.get("aliases")) {
                if let Some(value) = args.get(&alias).cloned() {
                    args.insert(name.clone(), value);
                }
                all.push(alias);
            }
        }
        all
    }

    fn unsupported(&mut self, spec: &Fields, aliases: &[String], args: &Fields) {
        for name in args.keys().filter(|name| !spec.contains_key(*name) && !aliases.contains(name)) {
            let whole: Vec<&str> = self.path.iter().map(String::as_str).chain([name.as_str()]).collect();
            self.unsupported.push(whole.join("."));
            let sorted = |names: Vec<String>| {
                let mut names = names;
                names.sort();
                names.join(", ")
            };
            self.supported = sorted(spec.keys().cloned().collect());
            if !aliases.is_empty() {
                self.supported = format!("{} ({})", self.supported, sorted(aliases.to_vec()));
            }
        }
    }

    fn mutually_exclusive(&mut self, rules: Option<&Json>, args: &Fields) {
        let groups = rules.and_then(|rules| rules.get("mutually_exclusive")).and_then(Json::as_array);
        let present = |group: &&Vec<String>| group.iter().filter(|name| args.contains_key(*name)).count() > 1;
        let groups: Vec<Vec<String>> = groups.into_iter().flatten().map(|group| texts(Some(group))).collect();
        let wrong: Vec<String> = groups.iter().filter(present).map(|group| group.join("|")).collect();
        if !wrong.is_empty() {
            let found = self.found();
            self.errors.push(format!("parameters are mutually exclusive: {}{found}", wrong.join(", ")));
        }
    }

    fn required(&mut self, spec: &Fields, args: &Fields) {
        let mut missing: Vec<&str> = spec
            .iter()
            .filter(|(name, option)| flag(option, "required") && !args.contains_key(*name))
            .map(|(name, _)| name.as_str())
            .collect();
        missing.sort_unstable();
        if !missing.is_empty() {
            let found = self.found();
            self.errors.push(format!("missing required arguments: {}{found}", missing.join(", ")));
        }
    }

    fn typed(&mut self, name: &str, option: &Json, args: &mut Fields) {
        let Some(value) = args.get(name).cloned() else { return };
        let has_default = option.get("default").is_some_and(|default| !default.is_null());
        if value.is_null() && !flag(option, "required") && !has_default {
            return;
        }
        let wanted = option.get("type").and_then(Json::as_str).unwrap_or("str");
        let place = match self.path.as_slice() {
            [] => String::new(),
            path => format!(" found in '{}'.", path.join(" -> ")),
        };
        match coerced(wanted, &value) {
            Ok(value) => {
                let value = match option.get("elements").and_then(Json::as_str) {
                    Some(elements) => self.elements(name, elements, value),
                    None => value,
                };
                args.insert(name.to_owned(), value);
            }
            Err(reason) => self.errors.push(format!(
                "argument '{name}' is of type {}{place} and we were unable to convert to {wanted}: {reason}",
                type_name(&value)
            )),
        }
    }

    fn elements(&mut self, name: &str, wanted: &str, list: Json) -> Json {
        let Json::Array(items) = list else { return list };
        let place = match self.path.as_slice() {
            [] => String::new(),
            path => format!(" found in '{}'", path.join(" -> ")),
        };
        let mut read = Vec::with_capacity(items.len());
        for item in items {
            match coerced(wanted, &item) {
                Ok(item) => read.push(item),
                Err(reason) => self.errors.push(format!(
                    "Elements value for option '{name}'{place} is of type {} and we were unable to convert to \
                     {wanted}: {reason}",
                    type_name(&item)
                )),
            }
        }
        Json::Array(read)
    }

    fn choices(&mut self, name: &str, option: &Json, args: &Fields) {
        let Some(choices) = option.get("choices").filter(|choices| !choices.is_null()) else { return };
        let found = self.found();
        let Some(choices) = choices.as_array() else {
            let shown = shown(choices);
            self.errors.push(format!(
                "internal error: choices for argument {name} are not iterable: {shown}{found}"
            ));
            return;
        };
        let listed =
            |values: &[&Json]| values.iter().map(|value| shown(value)).collect::<Vec<_>>().join(", ");
        let all = listed(&choices.iter().collect::<Vec<_>>());
        match args.get(name) {
            Some(Json::Array(items)) => {
                let others: Vec<&Json> = items.iter().filter(|item| !choices.contains(item)).collect();
                if !others.is_empty() {
                    let others = listed(&others);
                    self.errors.push(format!(
                        "value of {name} must be one or more of: {all}. Got no match for: {others}{found}"
                    ));
                }
            }
            Some(value) if !choices.contains(value) => {
                let got = shown(value);
                self.errors.push(format!("value of {name} must be one of: {all}, got: {got}{found}"));
            }
            Some(_) | None => {}
        }
    }

    fn together(&mut self, rules: &Json, args: &Fields) {
        for group in groups(rules, "required_together") {
            let present = group.iter().filter(|name| args.contains_key(*name)).count();
            if present > 0 && present < group.len() {
                let found = self.found();
                self.errors.push(format!("parameters are required together: {}{found}", group.join(", ")));
                return;
            }
        }
    }

    fn one_of(&mut self, rules: &Json, args: &Fields) {
        for group in groups(rules, "required_one_of") {
            if !group.iter().any(|name| args.contains_key(name)) {
                let found = self.found();
                self.errors.push(format!("one of the following is required: {}{found}", group.join(", ")));
                return;
            }
        }
    }

    fn required_if(&mut self, rules: &Json, args: &Fields) {
        for rule in rules.get("required_if").and_then(Json::as_array).into_iter().flatten() {
            let Some([key, value, needed, rest @ ..]) = rule.as_array().map(Vec::as_slice) else { continue };
            let key = shown(key);
            if args.get(&key) != Some(value) {
                continue;
            }
            let any = rest.first().and_then(Json::as_bool).unwrap_or(false);
            let needed = texts(Some(needed));
            let missing: Vec<&str> =
                needed.iter().filter(|name| !args.contains_key(*name)).map(String::as_str).collect();
            if !missing.is_empty() && (!any || missing.len() >= needed.len()) {
                let (found, value) = (self.found(), shown(value));
                let how = if any { "any" } else { "all" };
                self.errors.push(format!(
                    "{key} is {value} but {how} of the following are missing: {}{found}",
                    missing.join(", ")
                ));
                return;
            }
        }
    }

    fn required_by(&mut self, rules: &Json, args: &Fields) {
        let is_missing = |name: &&String| args.get(*name).is_none_or(Json::is_null);
        for (key, needed) in rules.get("required_by").and_then(Json::as_object).into_iter().flatten() {
            if is_missing(&key) {
                continue;
            }
            let needed = texts(Some(needed));
            let missing: Vec<&str> = needed.iter().filter(is_missing).map(String::as_str).collect();
            if !missing.is_empty() {
                let found = self.found();
                self.errors
                    .push(format!("missing parameter(s) required by '{key}': {}{found}", missing.join(", ")));
                return;
            }
        }
    }

    /// Checks the options of options.
    fn sub_options(&mut self, spec: &Fields, args: &mut Fields) {
        for (name, option) in spec {
            let is = |key: &str, wanted: &str| option.get(key).and_then(Json::as_str) == Some(wanted);
            if !(is("type", "dict") || is("type", "list") && is("elements", "dict")) {
                continue;
            }
            let Some(inner) = option.get("options").and_then(Json::as_object) else { continue };
            if flag(option, "apply_defaults") && args.get(name).is_none_or(Json::is_null) {
                args.insert(name.clone(), Json::Object(Fields::new()));
            }
            let Some(value) = args.get_mut(name).filter(|value| !value.is_null()) else { continue };
            self.path.push(name.clone());
            let elements = match value {
                Json::Array(items) => items.as_mut_slice(),
                other => std::slice::from_mut(other),
            };
            for element in elements {
                let Some(fields) = element.as_object_mut() else {
                    self.errors.push(format!("value of '{name}' must be of type dict or list of dicts"));
                    continue;
                };
                self.arguments(inner, Some(option), fields);
                self.sub_options(inner, fields);
            }
            self.path.pop();
        }
    }

    fn finish(mut self) -> Vec<String> {
        if !self.unsupported.is_empty() {
            self.unsupported.sort();
            let names = self.unsupported.join(", ");
            self.errors.push(format!("{names}. Supported parameters include: {}.", self.supported));
        }
        self.errors
    }
}

fn flag(option: &Json, name: &str) -> bool {
    option.get(name).is_some_and(|value| Value::from_json(value.clone()).is_truthy())
}

/// Returns a list of texts; one text is a list of one.
fn texts(value: Option<&Json>) -> Vec<String> {
    match value {
        Some(Json::Array(items)) => items.iter().map(shown).collect(),
        Some(Json::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    }
}

fn groups(rules: &Json, name: &str) -> Vec<Vec<String>> {
    let groups = rules.get(name).and_then(Json::as_array);
    groups.into_iter().flatten().map(|group| texts(Some(group))).collect()
}

/// Returns a value as Python's `str` shows it.
fn shown(value: &Json) -> String {
    Value::from_json(value.clone()).text()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn errors(spec: Json, args: Json) -> Vec<String> {
        let (Json::Object(spec), Json::Object(mut args)) = (spec, args) else { return Vec::new() };
        check(&spec, &mut args)
    }

    #[test]
    fn what_does_not_fit_is_told_in_ansibles_words() {
        let spec = json!({
            "a": {"type": "str", "required": true}, "n": {"type": "int"},
            "c": {"choices": ["x", "y"]}, "l": {"type": "list", "elements": "int"} });
        assert_eq!(errors(spec.clone(), json!({"a": 1, "n": "3", "c": "x"})), Vec::<String>::new());
        assert_eq!(
            errors(spec, json!({"n": "three", "c": "z", "l": ["1", "b"], "other": 1})),
            [
                "missing required arguments: a",
                "argument 'n' is of type str and we were unable to convert to int: \"'three'\" cannot be converted to \
                 an int",
                "Elements value for option 'l' is of type str and we were unable to convert to int: \"'b'\" cannot be \
                 converted to an int",
                "value of c must be one of: x, y, got: z",
                "other. Supported parameters include: a, c, l, n.",
            ]
        );
    }

    #[test]
    fn options_of_options_are_told_with_their_path() {
        let spec = json!({"outer": {"type": "dict", "required_together": [["p", "q"]], "options": {
            "p": {"type": "bool"}, "q": {}, "r": {"required": true}}}});
        assert_eq!(
            errors(spec, json!({"outer": {"p": "maybe"}})).first().map(String::as_str),
            Some("missing required arguments: r found in outer")
        );
    }
}
