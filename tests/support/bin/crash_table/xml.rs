//! The plain XML of AWS as JSON: elements without attributes, entities or comments.

use serde_json::{Map, Value};

/// Returns the document as an object; elements of one name beside each other become a list.
pub(crate) fn parse(text: &str) -> Value {
    let mut rest = text;
    children(&mut rest)
}

/// Reads up to the closing tag of the element that these are in.
fn children(rest: &mut &str) -> Value {
    let mut found = Map::new();
    let mut text = String::new();
    while let Some((before, behind)) = rest.split_once('<') {
        text.push_str(before);
        let Some((tag, behind)) = behind.split_once('>') else { break };
        *rest = behind;
        if tag.starts_with('/') {
            break;
        }
        if tag.starts_with(['?', '!']) {
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        let value = if tag.ends_with('/') { Value::String(String::new()) } else { children(rest) };
        add(&mut found, name, value);
    }
    if found.is_empty() { Value::String(plain(text.trim())) } else { Value::Object(found) }
}

fn add(found: &mut Map<String, Value>, name: &str, value: Value) {
    match found.get_mut(name) {
        None => {
            found.insert(name.to_owned(), value);
        }
        Some(Value::Array(list)) => list.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
    }
}

fn plain(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

/// Returns the elements of the first list of this name, wherever it is: `vpcSet` with its `item`s, `Roles` with its
/// `member`s.
pub(crate) fn list(value: &Value, name: &str) -> Vec<Value> {
    let Some(list) = first(value, name) else { return Vec::new() };
    // The one child names what the elements are.
    let inside = list.as_object().and_then(|wrapper| wrapper.values().next()).cloned();
    match inside {
        None => Vec::new(),
        Some(Value::Array(elements)) => elements,
        Some(one) => vec![one],
    }
}

fn first<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let object = value.as_object()?;
    object.get(name).or_else(|| object.values().find_map(|inner| first(inner, name)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_become_what_they_hold() {
        let text = "<?xml version=\"1.0\"?>\n<R xmlns=\"x\"><a>1 &amp; 2</a><set><item><b/></item></set></R>";
        assert_eq!(parse(text), json!({ "R": { "a": "1 & 2", "set": { "item": { "b": "" } } } }));
    }

    #[test]
    fn a_list_is_one_whether_it_has_two_elements_one_or_none() {
        let many = parse("<R><set><item><id>1</id></item><item><id>2</id></item></set></R>");
        assert_eq!(list(&many, "set"), [json!({ "id": "1" }), json!({ "id": "2" })]);
        assert_eq!(list(&parse("<R><set><item><id>1</id></item></set></R>"), "set"), [json!({ "id": "1" })]);
        assert!(list(&parse("<R><set/></R>"), "set").is_empty());
        assert!(list(&parse("<R/>"), "set").is_empty());
    }
}
