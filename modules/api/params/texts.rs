//! What a text is as a list or a mapping.

use serde_json::{Map, Value};

use super::python;
use crate::unknown;

/// Splits at commas, as Ansible does: spaces stay. A comma inside an unknown marker is part of the marker.
pub(super) fn items(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut rest = text;
    while let Some((before, marker, after)) = next_marker(rest) {
        split_into(&mut items, before);
        if let Some(last) = items.last_mut() {
            last.push_str(marker);
        }
        rest = after;
    }
    split_into(&mut items, rest);
    items
}

fn next_marker(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find(unknown::START)?;
    let end = text.get(start..)?.find(unknown::END).map_or(text.len(), |at| start + at + unknown::END.len());
    Some((text.get(..start)?, text.get(start..end)?, text.get(end..)?))
}

fn split_into(items: &mut Vec<String>, text: &str) {
    let mut pieces = text.split(',');
    if let (Some(first), Some(last)) = (pieces.next(), items.last_mut()) {
        last.push_str(first);
    }
    items.extend(pieces.map(str::to_owned));
}

/// Reads a mapping: JSON, a Python literal, or `k1=v1 k2='v 2'`, with commas or spaces between.
pub(super) fn mapping(text: &str) -> Result<Map<String, Value>, &'static str> {
    if text.starts_with('{') {
        return serde_json::from_str(text)
            .ok()
            .or_else(|| python::literal(text))
            .and_then(object)
            .ok_or("unable to evaluate string as dictionary");
    }
    if !text.contains('=') {
        return Err("dictionary requested, could not parse JSON or key=value");
    }
    fields(text.trim())
        .into_iter()
        .map(|field| field.split_once('=').map(|(key, value)| (key.to_owned(), Value::from(value))))
        .collect::<Option<_>>()
        .ok_or("unable to evaluate string in the \"key=value\" format as dictionary")
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

/// The fields of `a=1 b='x y'`; quotes group, a backslash takes the next character as it is.
fn fields(text: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', _) => field.extend(characters.next()),
            ('\'' | '"', None) => quote = Some(character),
            (_, Some(open)) if open == character => quote = None,
            (',' | ' ', None) => fields.push(std::mem::take(&mut field)),
            _ => field.push(character),
        }
    }
    fields.push(field);
    fields.retain(|field| !field.is_empty());
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::unknown::{Cause, marker};

    #[test]
    fn a_comma_inside_a_marker_splits_nothing() {
        let unknown = marker(Cause::Created, "vpc a, b: id");
        assert_eq!(items(&format!("x,{unknown},y")), ["x", unknown.as_str(), "y"]);
        assert_eq!(items("a, b"), ["a", " b"]);
        assert_eq!(items(""), [""]);
    }

    #[test]
    fn a_mapping_is_read_from_json_from_python_and_from_pairs() {
        let read = |text| mapping(text).map(Value::Object);
        assert_eq!(read(r#"{"a": [1, true]}"#), Ok(json!({ "a": [1, true] })));
        assert_eq!(read("{'a': (1, None)}"), Ok(json!({ "a": [1, null] })));
        assert_eq!(
            read(r#"a=1, b='x y' c=x\ z d="it's""#),
            Ok(json!({ "a": "1", "b": "x y", "c": "x z", "d": "it's" }))
        );
        assert_eq!(read("{nonsense"), Err("unable to evaluate string as dictionary"));
        assert_eq!(read("abc"), Err("dictionary requested, could not parse JSON or key=value"));
        assert_eq!(read("a=1 b"), Err("unable to evaluate string in the \"key=value\" format as dictionary"));
    }
}
