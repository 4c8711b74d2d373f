use std::path::Path;
use std::sync::Arc;

use rplay_engine::ExtraVars;
use rplay_event::{Fault, FaultKind, Span};
use rplay_syntax::{Data, Mapping, Node, Origin, Text, parse};

/// The keys with which JSON says that a text is no template, or is encrypted.
const MARKS: [(&str, Origin); 2] = [("__ansible_unsafe", Origin::Unsafe), ("__ansible_vault", Origin::Vault)];

/// Reads the values of `-e`: `@file`, YAML or JSON mappings, or `key=value` words, whose values are texts.
///
/// # Errors
/// A fault that names what was given.
pub(crate) fn read(given: &[String], folder: &Path) -> Result<Vec<ExtraVars>, Fault> {
    given.iter().filter(|text| !text.is_empty()).map(|text| one(text, folder)).collect()
}

fn one(given: &str, folder: &Path) -> Result<ExtraVars, Fault> {
    if let Some(path) = given.strip_prefix('@') {
        return Ok(ExtraVars::File(super::settings::absolute(path, folder)));
    }
    if given.starts_with(['/', '.']) {
        let message = format!("Please prepend extra_vars filename '{given}' with '@'");
        return Err(Fault::new(message).kind(FaultKind::Options));
    }
    let node = if given.trim_start().starts_with(['{', '[']) {
        marked(&parse("<extra vars>", given)?.node)
    } else {
        words(given).map_err(|wrong| {
            Fault::new(wrong).kind(FaultKind::Options).help("give key=value, YAML, JSON or @file")
        })?
    };
    Ok(ExtraVars::Given { shown: given.to_owned(), node })
}

/// Returns the value with the mappings that only mark a text as the texts they mark.
fn marked(node: &Node) -> Node {
    let data = match &node.data {
        Data::Seq(items) => Data::Seq(items.iter().map(marked).collect()),
        Data::Map(mapping) => mark(mapping).map_or_else(
            || {
                let entries = mapping.iter().map(|(key, value)| (key.clone(), marked(value))).collect();
                Data::Map(Arc::new(Mapping { entries }))
            },
            Data::Text,
        ),
        other => other.clone(),
    };
    Node::new(data, &node.span)
}

fn mark(mapping: &Mapping) -> Option<Text> {
    let (name, origin) = MARKS.into_iter().find(|(name, _)| mapping.contains(name))?;
    let text = mapping.get(name)?.as_str()?;
    (mapping.len() == 1).then(|| Text { text: text.into(), origin })
}

fn words(text: &str) -> Result<Node, String> {
    let span = Span::new("<extra vars>", 1, 1);
    let pairs = rplay_syntax::key_values(text).map_err(|fault| fault.message)?;
    if pairs.is_empty() {
        return Err(format!("'{text}' sets no variable"));
    }
    let mut mapping = Mapping::default();
    for (key, value) in pairs {
        mapping.set(Node::text(key, &span), Node::text(Arc::<str>::from(value), &span));
    }
    Ok(Node::map(mapping, &span))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(given: &str) -> Result<ExtraVars, Fault> {
        super::one(given, Path::new("/w"))
    }

    fn node(given: &str) -> Node {
        match one(given) {
            Ok(ExtraVars::Given { node, .. }) => node,
            other => panic!("variables, not {other:?}"),
        }
    }

    fn json(given: &str) -> serde_json::Value {
        node(given).to_json()
    }

    #[test]
    fn words_are_texts_and_mappings_keep_their_types() {
        assert_eq!(json("size=3 name='a b'"), serde_json::json!({ "size": "3", "name": "a b" }));
        assert_eq!(json("{size: 3}"), serde_json::json!({ "size": 3 }));
    }

    #[test]
    fn what_sets_nothing_is_refused_with_what_to_give() {
        let fault = one("nonsense").expect_err("no variable");
        assert_eq!(fault.help.as_deref(), Some("give key=value, YAML, JSON or @file"));
    }

    #[test]
    fn an_empty_value_is_left_out_and_a_path_needs_its_mark() {
        assert!(read(&[String::new()], Path::new("/w")).expect("nothing to read").is_empty());
        let fault = one("./vars.yml").expect_err("no mark");
        assert_eq!(fault.message, "Please prepend extra_vars filename './vars.yml' with '@'");
        assert_eq!(fault.kind.exit_code(), 5);
    }

    #[test]
    fn a_file_stands_where_the_run_was_started() {
        let Ok(ExtraVars::File(path)) = one("@vars.yml") else { panic!("a file") };
        assert_eq!(path, Path::new("/w/vars.yml"));
    }

    #[test]
    fn json_marks_a_text_that_is_no_template() {
        let node = node(r#"{"a": [{"__ansible_unsafe": "{{ b }}"}]}"#);
        let text = node.get("a").and_then(|list| list.as_seq()?.first()?.as_text().cloned());
        assert_eq!(text, Some(Text { text: "{{ b }}".into(), origin: Origin::Unsafe }));
    }
}
