//! What a setting of Ansible's configuration is.

use super::options::{Options, boolean};
use super::{Given, Items, fail};
use crate::eval::Cx;
use crate::{TemplateError, Value};

const OPTIONS: &[&str] = &["on_missing", "plugin_type", "plugin_name", "show_origin"];

pub(super) fn config(cx: &Cx<'_>, given: &Given) -> Items {
    let options = Options::new("config", OPTIONS, given);
    let missing = options.text("on_missing").unwrap_or_else(|| "error".into());
    if !matches!(missing.as_str(), "error" | "warn" | "skip") {
        let quoted = Value::from(missing).repr();
        let message = format!("Invalid value {quoted} for config 'on_missing' for 'config' lookup plugin.");
        let help = Some("Valid values are: error, warn, skip".to_owned());
        return Err(TemplateError::runtime(message).help(help).nested());
    }
    let (kind, name) = (options.text("plugin_type"), options.text("plugin_name"));
    if kind.is_some() != name.is_some() {
        return fail("Both plugin_type and plugin_name are required, cannot use one without the other.");
    }
    let plugin = kind.as_deref().zip(name.as_deref());
    let shows_origin = options.value("show_origin").is_some_and(boolean);
    let mut items = Vec::new();
    for term in &given.terms {
        let Some(setting) = term.as_str() else {
            return fail(format!(
                "Invalid setting identifier, {} is not a <class 'str'>, its a <class '{}'>.",
                term.repr(),
                term.type_name()
            ));
        };
        if let Some((value, origin)) = cx.world().setting(setting, plugin) {
            let value = Value::from_json(value);
            items.push(if shows_origin { vec![value, origin.into()].into() } else { value });
            continue;
        }
        let label = match plugin {
            Some((kind, name)) => format!("'{setting}' for '{name}' {kind} plugin"),
            None => format!("'{setting}'"),
        };
        match missing.as_str() {
            "error" => return fail(format!("No config definition exists for {label}.")),
            "warn" => {
                cx.warn(format!("Skipping {setting}: No config definition exists for {label}."));
            }
            _ => {}
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn settings_are_looked_up() {
        give(&[
            ("lookup('config', 'COLOR_OK')", json!("green")),
            ("lookup('config', 'COLOR_OK', show_origin=true)", json!(["green", "default"])),
            ("q('config', 'NOPE', on_missing='skip')", json!([])),
        ]);
    }

    #[test]
    fn unknown_settings_are_refused() {
        refuse(&[
            (
                "lookup('config', 'NOPE')",
                "The lookup plugin 'config' failed: No config definition exists for 'NOPE'.",
            ),
            (
                "lookup('config', 'NOPE', plugin_type='shell')",
                "The lookup plugin 'config' failed: Both plugin_type and plugin_name are required, cannot use one without the other.",
            ),
        ]);
    }
}
