//! Values that are known before the run: nothing beats an extra variable, so what is made of nothing else can be judged.

use std::sync::Arc;

use rplay_syntax::{Data, Node};
use rplay_template::{Form, Found, Scope};
use serde_json::Value as Json;

use crate::load::TaskItem;
use crate::run::Runner;
use crate::scopes::{Level, Stack};

/// What the templates of one task come to, as far as that is known.
pub(super) struct Foreseen<'a> {
    runner: &'a Runner,
    scope: Option<Arc<dyn Scope>>,
}

impl<'a> Foreseen<'a> {
    pub(super) fn new(runner: &'a Runner, item: &TaskItem) -> Self {
        // The variables of loops do beat them.
        let looped = item.task.looping.is_some() || !item.context.include_data.is_empty();
        let known = !looped && !runner.extra.is_empty();
        let scope = known.then(|| {
            let mut stack = Stack::new(Arc::clone(&item.context.folders));
            runner.extra.iter().for_each(|extra| stack.written(Level::ExtraVars, extra));
            stack.shared()
        });
        Self { runner, scope }
    }

    /// Returns whether a value is a template that only the run can evaluate.
    pub(super) fn is_open(&self, node: &Node) -> bool {
        node.may_be_template() && self.value(node).is_none()
    }

    /// Returns a node as JSON, with the values of those of its templates that are known.
    pub(super) fn json(&self, node: &Node) -> Json {
        match &node.data {
            Data::Seq(items) => items.iter().map(|item| self.json(item)).collect(),
            Data::Map(mapping) => Json::Object(
                mapping.iter().map(|(key, value)| (key.key_text().into_owned(), self.json(value))).collect(),
            ),
            _ => self.value(node).unwrap_or_else(|| node.to_json()),
        }
    }

    /// Returns what a template comes to that asks for nothing but plain extra variables.
    fn value(&self, node: &Node) -> Option<Json> {
        let scope = self.scope.as_ref().filter(|_| node.may_be_template())?;
        let names = self.runner.template.inspect(node.as_str()?, Form::Template).ok()?;
        let plain = |name: &String| match scope.lookup(name) {
            Some(Found::Written(node)) => is_plain(&node),
            _ => false,
        };
        if names.is_empty() || !names.iter().all(plain) {
            return None;
        }
        let value = self.runner.template.render(node, scope).ok()?.value;
        (!value.is_omit()).then(|| value.to_json())
    }
}

/// Returns whether there is no template and nothing sealed in it.
fn is_plain(node: &Node) -> bool {
    match &node.data {
        Data::Seq(items) => items.iter().all(is_plain),
        Data::Map(mapping) => mapping.iter().all(|(_, value)| is_plain(value)),
        Data::Text(text) => text.origin != rplay_syntax::Origin::Vault && !node.may_be_template(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::ExtraVars;
    use crate::testing::Rig;

    /// Runs a task with an extra variable `wanted`; returns what it came to.
    fn ran(wanted: &str, lines: &str) -> (u8, Vec<String>) {
        let playbook = format!(
            "- hosts: localhost\n  tasks:\n    - debug: {{msg: first}}\n    - assert:\n        that: true\n        {lines}\n"
        );
        let mut rig = Rig::new(&[("p.yml", playbook.as_str())]);
        let node = rplay_syntax::parse("-e", &format!("wanted: {wanted}\nother: '{{{{ wanted }}}}'\n"))
            .unwrap()
            .node;
        rig.settings.extra_vars = vec![ExtraVars::Given { shown: String::new(), node }];
        let told = rig.play();
        (told.code, told.lines)
    }

    #[test]
    fn an_extra_variable_that_does_not_fit_is_found_before_the_first_task() {
        let (code, told) = ran("perhaps", "quiet: '{{ wanted }}'");
        assert_eq!(code, 2);
        assert!(told[0].starts_with("fault: ") && told[0].contains("perhaps"), "{told:?}");
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(ran("'yes'", "quiet: '{{ wanted }}'").0, 0);
    }

    #[test]
    fn what_is_not_certain_is_left_to_its_task() {
        for lines in [
            "quiet: '{{ other }}'",
            "quiet: '{{ wanted }}'\n      loop: [true]\n      loop_control: {loop_var: wanted}",
        ] {
            let (_, told) = ran("perhaps", lines);
            assert!(told.contains(&"TASK [debug]".to_owned()), "{lines}: {told:?}");
        }
    }
}
