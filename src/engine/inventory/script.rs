use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rplay_event::Span;
use rplay_module::Child;
use rplay_syntax::{Data, Mapping, Node};
use serde_json::Value as Json;

use super::{Inventory, InventoryError, Loading, Note};
use crate::child::Errors;
use crate::python;

/// Returns whether a source is a program.
pub(super) fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
}

/// Reads the inventory that a program prints. Source of the rules: `ansible/plugins/inventory/script.py`.
pub(super) fn parse(cx: &Loading<'_>, inventory: &mut Inventory, path: &Path) -> Result<(), InventoryError> {
    let shown = path.display().to_string();
    let span = Span::new(format!("<inventory script output from '{shown}'>"), 0, 0);
    let answer = ask(cx, &[shown.as_str(), "--list"])?;
    let unreadable = || {
        let help = answer.help();
        InventoryError::new(format!("Unable to get JSON decoder for inventory script result.{help}"))
    };
    let Ok(Json::Object(groups)) = serde_json::from_str::<Json>(&answer.text) else {
        return Err(unreadable());
    };
    let meta = match groups.get("_meta") {
        None => None,
        Some(Json::Object(meta)) => Some(meta),
        Some(_) => return Err(unreadable()),
    };
    let mut hosts = Vec::new();
    for (name, data) in groups.iter().filter(|(name, _)| *name != "_meta") {
        group(inventory, name, data, &mut hosts, &span)?;
    }
    let known = match meta.map(|meta| meta.get("hostvars")) {
        None => None,
        Some(Some(Json::Object(known))) => Some(known),
        Some(other) => {
            let kind = other.map_or("NoneType", kind);
            return Err(InventoryError::new(format!(
                "Value contains '_meta.hostvars' which is '{kind}' instead of 'dict'."
            )));
        }
    };
    if known.is_none() {
        inventory.notes.push(Note::Deprecated(
            "Inventory scripts should always provide 'meta.hostvars'. Host variables will be collected by running the \
             inventory script with the '--host' option for each host."
                .to_owned(),
        ));
    }
    for host in hosts {
        let vars = match known {
            Some(known) => known.get(&host).map(|vars| written(vars, &span)),
            None => asked(cx, &shown, &host)?,
        };
        let Some(vars) = vars else { continue };
        let Data::Map(vars) = &vars.data else {
            return Err(InventoryError::new(format!(
                "Invalid data from file, expected dictionary and got:\n\n{}",
                vars.key_text()
            )));
        };
        for (name, value) in vars.iter() {
            inventory.set_variable(&host, &name.key_text(), value.clone())?;
        }
    }
    Ok(())
}

/// Adds a group with its hosts, variables and children; old forms of it are told.
fn group(
    inventory: &mut Inventory,
    name: &str,
    data: &Json,
    hosts: &mut Vec<String>,
    span: &Span,
) -> Result<(), InventoryError> {
    let name = inventory.add_group(name)?;
    let (mut vars, mut children) = (None, None);
    let members = match data {
        Json::Object(body) if ["hosts", "vars", "children"].iter().any(|key| body.contains_key(*key)) => {
            vars = body.get("vars").map(|vars| (vars.clone(), true));
            children = body.get("children").cloned();
            body.get("hosts").cloned()
        }
        Json::Object(_) => {
            inventory.notes.push(Note::Deprecated(format!(
                "Treating malformed group '{name}' as the sole host of that group. Variables provided in this manner cannot \
                 be templated."
            )));
            vars = Some((data.clone(), false));
            Some(Json::from(vec![&*name]))
        }
        other => {
            inventory.notes.push(Note::Deprecated(format!(
                "Group '{name}' was converted to 'dict' from '{}'.",
                kind(other)
            )));
            Some(other.clone())
        }
    };
    if let Some(members) = members {
        for host in list(&members, &name, "hosts")? {
            inventory.add_host(&host, Some(&name), None)?;
            hosts.push(host);
        }
    }
    if let Some((vars, trusted)) = vars {
        let Json::Object(vars) = &vars else {
            return Err(InventoryError::new(format!(
                "Value contains '{name}.vars' which is '{}' instead of 'dict'.",
                kind(&vars)
            )));
        };
        for (key, value) in vars {
            let value = if trusted { written(value, span) } else { data_node(value, span) };
            inventory.set_variable(&name, key, value)?;
        }
    }
    for child in children.map(|children| list(&children, &name, "children")).transpose()?.unwrap_or_default()
    {
        let child = inventory.add_group(&child)?;
        inventory.add_child(&name, &child)?;
    }
    Ok(())
}

fn list(value: &Json, group: &str, key: &str) -> Result<Vec<String>, InventoryError> {
    let Json::Array(items) = value else {
        return Err(InventoryError::new(format!(
            "Value contains '{group}.{key}' which is '{}' instead of 'list'.",
            kind(value)
        )));
    };
    let text = |item: &Json| item.as_str().map(str::to_owned);
    let wrong = |item: &Json| {
        InventoryError::new(format!(
            "Invalid host name supplied, expected a string but got <class '{}'> for {item}",
            kind(item)
        ))
    };
    items.iter().map(|item| text(item).ok_or_else(|| wrong(item))).collect()
}

/// Returns the name of a value's type as Python has it.
fn kind(value: &Json) -> &'static str {
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

/// Returns JSON as what the user wrote: its texts are templates, but for those that are marked as unsafe.
pub(super) fn written(value: &Json, span: &Span) -> Node {
    node(value, span, true)
}

fn data_node(value: &Json, span: &Span) -> Node {
    node(value, span, false)
}

fn node(value: &Json, span: &Span, trusted: bool) -> Node {
    match value {
        Json::Null => Node::null(span),
        Json::Bool(yes) => Node::bool(*yes, span),
        Json::Number(number) => match number.as_i64() {
            Some(int) => Node::int(int, span),
            None if number.is_u64() => Node::new(Data::BigInt(number.to_string().into()), span),
            None => Node::float(number.as_f64().unwrap_or(f64::NAN), span),
        },
        Json::String(text) if trusted => Node::text(text.as_str(), span),
        Json::String(text) => Node::unsafe_text(text.as_str(), span),
        Json::Array(items) => Node::seq(items.iter().map(|item| node(item, span, trusted)).collect(), span),
        Json::Object(fields) => object(fields, span, trusted),
    }
}

/// `{"__ansible_unsafe": ...}` and `{"__ansible_vault": ...}` are texts.
fn object(fields: &serde_json::Map<String, Json>, span: &Span, trusted: bool) -> Node {
    if fields.len() == 1
        && let Some(text) = fields.get("__ansible_unsafe").and_then(Json::as_str)
    {
        return Node::unsafe_text(text, span);
    }
    if fields.len() == 1
        && let Some(text) = fields.get("__ansible_vault").and_then(Json::as_str)
    {
        let text = rplay_syntax::Text { text: text.into(), origin: rplay_syntax::Origin::Vault };
        return Node::new(Data::Text(text), span);
    }
    let entries =
        fields.iter().map(|(key, value)| (Node::text(key.as_str(), span), node(value, span, trusted)));
    Node::map(entries.collect::<Mapping>(), span)
}

/// What a program has said.
struct Answer {
    text: String,
    errors: String,
}

impl Answer {
    fn help(&self) -> String {
        match self.errors.trim() {
            "" => String::new(),
            errors => format!("\n\nStandard error from inventory script:\n{errors}"),
        }
    }
}

/// Asks the program for the variables of one host.
fn asked(cx: &Loading<'_>, program: &str, host: &str) -> Result<Option<Node>, InventoryError> {
    let answer = ask(cx, &[program, "--host", host])?;
    if answer.text.trim().is_empty() {
        return Ok(None);
    }
    let span = Span::new(format!("<inventory script output from '{program}' for host '{host}'>"), 0, 0);
    match serde_json::from_str::<Json>(&answer.text) {
        Ok(vars) => Ok(Some(written(&vars, &span))),
        Err(error) => Err(InventoryError::new(format!(
            "Inventory script result for host '{host}' could not be parsed as JSON: {error}{}",
            answer.help()
        ))),
    }
}

fn ask(cx: &Loading<'_>, argv: &[&str]) -> Result<Answer, InventoryError> {
    let argv: Vec<String> = argv.iter().map(ToString::to_string).collect();
    let command = python::command_line(&argv);
    let child = Child { argv, folder: Some(cx.folder.to_owned()), ..Child::default() };
    let exit = cx.children.ask(child, cx.env.to_vec(), Errors::Kept).map_err(|failure| {
        let why = failure.message;
        InventoryError::new(format!("Failed to execute inventory script command '{command}': {why}"))
    })?;
    let errors = String::from_utf8_lossy(&exit.stderr).into_owned();
    if exit.rc != 0 {
        let answer = Answer { text: String::new(), errors };
        let message = format!("Inventory script returned non-zero exit code {}.{}", exit.rc, answer.help());
        return Err(InventoryError::new(message));
    }
    let text = String::from_utf8(exit.stdout).map_err(|_| {
        InventoryError::new(
            "Inventory script result contained characters that cannot be interpreted as UTF-8.",
        )
    })?;
    Ok(Answer { text, errors })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::GroupNames;

    #[test]
    fn groups_of_a_program_may_have_todays_form_and_older_ones() {
        let mut inventory = Inventory::new(GroupNames::Never, false, "");
        let span = Span::new("script", 0, 0);
        let mut hosts = Vec::new();
        for (name, data) in [
            ("web", json!({"hosts": ["a"], "vars": {"x": "{{ y }}"}, "children": ["sub"]})),
            ("old", json!(["b"])),
            ("lone", json!({"x": "{{ y }}"})),
        ] {
            group(&mut inventory, name, &data, &mut hosts, &span).expect("a group");
        }
        assert_eq!(hosts, ["a", "b", "lone"]);
        assert!(inventory.groups["web"].vars["x"].may_be_template());
        assert!(!inventory.groups["lone"].vars["x"].may_be_template());
        assert!(inventory.groups.contains_key("sub"));
        assert_eq!(inventory.notes.len(), 2);
    }

    #[test]
    fn what_a_program_marks_as_unsafe_is_no_template() {
        let node = written(&json!({"a": {"__ansible_unsafe": "{{ x }}"}}), &Span::new("script", 0, 0));
        assert!(!node.get("a").expect("a is there").may_be_template());
    }

    #[test]
    fn a_group_of_another_form_says_what_is_wrong() {
        let mut inventory = Inventory::new(GroupNames::Never, false, "");
        let span = Span::new("script", 0, 0);
        let error = group(&mut inventory, "g", &json!({"hosts": {"a": 1}}), &mut Vec::new(), &span);
        let message = "Value contains 'g.hosts' which is 'dict' instead of 'list'.";
        assert_eq!(error.expect_err("no list").message, message);
    }
}
