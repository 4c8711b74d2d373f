use std::path::Path;
use std::sync::Arc;

use rplay_event::{Fault, FaultKind, Span};
use rplay_syntax::{Data, Node, parse};

/// Reads the values of `-e`: `@file`, YAML or JSON mappings, or `key=value` words, whose values are texts.
///
/// # Errors
/// A fault of set-up that names what was given.
pub(crate) fn read(given: &[String]) -> Result<Vec<Node>, Fault> {
    given.iter().map(|text| one(text)).collect()
}

fn one(given: &str) -> Result<Node, Fault> {
    let wrong = |message: String| {
        Fault::new(message).kind(FaultKind::Setup).help("give key=value, YAML, JSON or @file")
    };
    if let Some(path) = given.strip_prefix('@') {
        let text = std::fs::read_to_string(Path::new(path))
            .map_err(|error| wrong(format!("could not read the extra variables in {path}: {error}")))?;
        return mapping(path, &text).map_err(|fault| fault.kind(FaultKind::Setup));
    }
    if given.trim_start().starts_with(['{', '[', '/', '.']) {
        return mapping("<extra vars>", given).map_err(|fault| fault.kind(FaultKind::Setup));
    }
    words(given).map_err(wrong)
}

fn mapping(name: &str, text: &str) -> Result<Node, Fault> {
    let node = parse(name, text)?.node;
    match node.data {
        Data::Map(_) => Ok(node),
        _ => {
            Err(Fault::new(format!("the extra variables are no mapping but a {}", node.kind()))
                .at(&node.span))
        }
    }
}

fn words(text: &str) -> Result<Node, String> {
    let span = Span::new("<extra vars>", 1, 1);
    let pairs = rplay_syntax::key_values(text).map_err(|fault| fault.message)?;
    if pairs.is_empty() {
        return Err(format!("'{text}' sets no variable"));
    }
    let mut mapping = rplay_syntax::Mapping::default();
    for (key, value) in pairs {
        mapping.set(Node::text(key, &span), Node::text(Arc::<str>::from(value), &span));
    }
    Ok(Node::map(mapping, &span))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(given: &str) -> serde_json::Value {
        one(given).expect("can be read").to_json()
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
}
