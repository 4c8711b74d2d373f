//! What a role says of itself: `meta/main.yml` and `meta/argument_specs.yml`.

use std::path::Path;
use std::sync::Arc;

use rplay_event::{Fault, Span};
use rplay_syntax::{
    Action, Args, Keywords, LoopControl, Mapping, Node, RoleMeta, Task, parse, parse_role_meta,
};

use super::Loader;
use super::role::RoleDefinition;
use super::role_files::Wanted;

/// A role's meta file, and the spec of the arguments of its entry points.
pub(crate) struct Meta {
    pub(crate) meta: RoleMeta,
    pub(crate) specs: Option<Node>,
}

impl Loader {
    pub(super) fn role_meta(&self, role: &str, path: &Path, span: &Span) -> Result<Meta, Vec<Fault>> {
        let wanted = |from| Wanted { role, path, folder: "meta", from, folders: false };
        let one = |fault: Fault| vec![fault];
        let meta = match wanted(None).files(span).map_err(one)?.first() {
            None => RoleMeta::default(),
            Some(file) => {
                let (text, _) = self.reader.text(file).map_err(one)?;
                let loaded = parse_role_meta(&file.display().to_string(), &text)?;
                self.tell(&loaded.warnings)?;
                loaded.value
            }
        };
        let specs = match wanted(Some("argument_specs")).files(span).unwrap_or_default().first() {
            None => meta.argument_specs.clone(),
            Some(file) => {
                let (text, _) = self.reader.text(file).map_err(one)?;
                let parsed = parse(&file.display().to_string(), &text).map_err(one)?;
                parsed.node.get("argument_specs").cloned()
            }
        };
        Ok(Meta { meta, specs })
    }
}

/// Returns the task that checks a role's arguments before any other of its tasks.
///
/// Source of its words: `_create_validation_task` of `ansible/playbook/role/__init__.py`.
pub(super) fn validation(specs: &Node, entry: &str, role: &RoleDefinition, params: &Mapping) -> Option<Task> {
    let spec = specs.get(entry).filter(|spec| spec.as_map().is_some_and(|spec| !spec.is_empty()))?;
    let span = &spec.span;
    let text = |text: &str| Node::unsafe_text(text, span);
    let mut name = format!("Validating arguments against arg spec '{entry}'");
    if let Some(short) = spec.get("short_description") {
        name = format!("{name} - {}", short.key_text());
    }
    let map = |entries: Vec<(&str, Node)>| -> Mapping {
        entries.into_iter().map(|(key, value)| (text(key), value)).collect()
    };
    let about = map(vec![
        ("type", text("role")),
        ("name", text(&role.name)),
        ("argument_spec_name", text(entry)),
        ("path", text(&role.path)),
    ]);
    let options = spec.get("options").cloned().unwrap_or_else(|| Node::map(Mapping::default(), span));
    let named = map(vec![
        ("argument_spec", options),
        ("provided_arguments", Node::map(params.clone(), span)),
        ("validate_args_context", Node::map(about, span)),
    ]);
    let keywords = Keywords {
        name: Some(Node::text(name, span)),
        tags: vec![Node::text("always", span)],
        ..Keywords::default()
    };
    let args = Args { named: Arc::new(named), ..Args::default() };
    Some(plain_task("ansible.builtin.validate_argument_spec", keywords, args, span))
}

/// Returns a task that stands in no file.
pub(crate) fn plain_task(action: &str, keywords: Keywords, args: Args, span: &Span) -> Task {
    Task {
        keywords,
        action: Action { name: action.into(), span: span.clone() },
        args,
        looping: None,
        loop_control: LoopControl::default(),
        register: None,
        until: Vec::new(),
        retries: None,
        delay: None,
        changed_when: Vec::new(),
        failed_when: Vec::new(),
        async_seconds: None,
        poll: None,
        listen: Vec::new(),
        span: span.clone(),
    }
}
