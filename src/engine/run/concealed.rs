//! Values of secret parameters: the masker knows them before anything of their task can fail, for an excerpt of the
//! playbook shows what is written beside the place of a failure.

use rplay_event::Masker;
use rplay_module::params::{Kind, Spec};
use serde_json::{Map, Value as Json};

use super::Runner;
use super::arguments::written_args;
use crate::load::{TaskItem, bare};

impl Runner {
    /// Tells the masker of what a task writes for its module's secret parameters.
    pub(crate) fn conceal_written(&self, item: &TaskItem) {
        let action = item.task.action.name.as_ref();
        let Some(module) = self.modules.get(action).or_else(|| self.modules.get(bare(action))) else {
            return;
        };
        self.conceal(&(module.spec)(), &written_args(&item.task.args));
    }

    /// Tells the masker of the values that secret parameters are given.
    pub(super) fn conceal(&self, spec: &Spec, args: &Json) {
        if let Some(args) = args.as_object() {
            conceal_options(self.emitter.masker(), spec, args);
        }
    }
}

fn conceal_options(masker: &Masker, spec: &Spec, args: &Map<String, Json>) {
    for param in &spec.params {
        for given in param.spelled().filter_map(|name| args.get(name)) {
            if param.secret {
                conceal_texts(masker, given);
            } else {
                conceal_inside(masker, &param.kind, given);
            }
        }
    }
}

fn conceal_inside(masker: &Masker, kind: &Kind, given: &Json) {
    match (kind, given) {
        (Kind::Options(spec), Json::Object(args)) => conceal_options(masker, spec, args),
        (Kind::List(kind), Json::Array(items)) => {
            items.iter().for_each(|item| conceal_inside(masker, kind, item));
        }
        // One alone may stand for a list of one.
        (Kind::List(kind), one) => conceal_inside(masker, kind, one),
        (Kind::Dict(kind), Json::Object(args)) => {
            args.values().for_each(|value| conceal_inside(masker, kind, value));
        }
        _ => {}
    }
}

/// What is still a template is told when it is rendered.
fn conceal_texts(masker: &Masker, value: &Json) {
    match value {
        Json::String(text) if !text.contains("{{") && !text.contains("{%") => masker.add(text),
        Json::Array(items) => items.iter().for_each(|item| conceal_texts(masker, item)),
        Json::Object(fields) => fields.values().for_each(|field| conceal_texts(masker, field)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use rplay_event::MASK;
    use rplay_module::params::ParamSpec;
    use serde_json::json;

    use super::*;

    fn param(name: &'static str, kind: Kind, secret: bool) -> ParamSpec {
        ParamSpec { name, kind, secret, ..ParamSpec::default() }
    }

    #[test]
    fn secret_parameters_are_masked_however_deep_they_are_and_nothing_else() {
        let inner = Spec { params: vec![param("token", Kind::Text, true)], ..Spec::default() };
        let users = Kind::List(Box::new(Kind::Options(Box::new(inner))));
        let params = vec![param("password", Kind::Text, true), param("users", users, false)];
        let spec = Spec { params, ..Spec::default() };
        let masker = Masker::default();
        let args = json!({ "password": "first secret", "users": [{ "token": "second secret", "name": "somebody" }],
            "other": "third one" });
        conceal_options(&masker, &spec, args.as_object().unwrap());
        assert_eq!(
            masker.text("first secret, second secret, somebody, third one"),
            format!("{MASK}, {MASK}, somebody, third one")
        );
    }
}
