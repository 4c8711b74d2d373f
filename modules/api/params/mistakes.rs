//! What a derive cannot see: structs that are flattened into each other, defaults that their own type refuses.

use serde_json::Value;

use super::{Kind, ParamSpec, Rule, Spec, check};

impl Spec {
    /// Returns what is wrong with the description itself, for the test that looks at every module's.
    pub fn mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for spelling in self.params.iter().flat_map(ParamSpec::spelled) {
            if seen.contains(&spelling) {
                found.push(format!("{spelling} means two parameters"));
            }
            seen.push(spelling);
        }
        let built = self.unbuilt.iter().filter(|name| seen.contains(name));
        found.extend(built.map(|name| format!("{name} is built and is said not to be")));
        let named = self.rules.iter().flat_map(names).chain(self.free_form);
        found.extend(
            named
                .filter(|name| self.param(name).is_none())
                .map(|name| format!("no parameter is named {name}")),
        );
        for param in &self.params {
            found.extend(param.wrong_default());
            let inner = param.kind.options().map(Self::mistakes).unwrap_or_default();
            found.extend(inner.into_iter().map(|mistake| format!("{}: {mistake}", param.name)));
        }
        found
    }
}

impl ParamSpec {
    /// A default is given in place of the playbook's author: it must be what they could have given.
    fn wrong_default(&self) -> Vec<String> {
        let alone = Spec { params: vec![self.clone()], ..Spec::default() };
        let faults =
            self.default.as_ref().map(|_| check(&alone, &Value::Null, &|_| false)).unwrap_or_default();
        faults.into_iter().map(|fault| format!("default: {}", fault.message)).collect()
    }
}

impl Kind {
    /// Returns the sub-options, of a list or a dict those of its elements.
    pub fn options(&self) -> Option<&Spec> {
        match self {
            Self::Options(spec) => Some(spec),
            Self::List(inner) | Self::Dict(inner) => inner.options(),
            _ => None,
        }
    }
}

fn names(rule: &Rule) -> Vec<&'static str> {
    match rule {
        Rule::RequiredIf { when: first, needs, .. } | Rule::RequiredBy { given: first, needs } => {
            std::iter::once(*first).chain(needs.iter().copied()).collect()
        }
        Rule::RequiredOneOf(names) | Rule::RequiredTogether(names) | Rule::MutuallyExclusive(names) => {
            names.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(name: &'static str, kind: Kind, default: Option<Value>) -> ParamSpec {
        ParamSpec { name, kind, default, ..ParamSpec::default() }
    }

    #[test]
    fn each_mistake_is_named() {
        let inner = Spec { params: vec![param("x", Kind::Int, Some("y".into()))], ..Spec::default() };
        let spec = Spec {
            params: vec![
                param("a", Kind::Text, None),
                ParamSpec {
                    aliases: vec!["a"],
                    ..param("b", Kind::Choice(vec!["p", "q"]), Some("r".into()))
                },
                param("c", Kind::List(Box::new(Kind::Options(Box::new(inner)))), None),
            ],
            rules: vec![Rule::RequiredOneOf(vec!["a", "z"])],
            unbuilt: vec!["b"],
            ..Spec::default()
        };
        assert_eq!(
            spec.mistakes(),
            [
                "a means two parameters",
                "b is built and is said not to be",
                "no parameter is named z",
                "default: value of b must be one of: p, q, got: r",
                "c: default: argument 'x' is of type str and we were unable to convert to int: \"'y'\" cannot be converted to an int",
            ]
        );
    }
}
