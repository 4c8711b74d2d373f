use rplay_event::Span;
use rplay_syntax::{Data, Mapping, Node};
use rplay_template::{Kind, Value};

/// Returns a value as a layer of written variables holds it: none of its texts is a template.
pub(crate) fn plain_node(value: &Value, span: &Span) -> Node {
    if let Some(items) = value.as_items() {
        return Node::seq(items.iter().map(|item| plain_node(item, span)).collect(), span);
    }
    match value.kind() {
        Kind::Dict => {
            let entries =
                value.entries().map(|(key, value)| (plain_node(key, span), plain_node(value, span)));
            Node::map(entries.collect::<Mapping>(), span)
        }
        Kind::Text => Node::unsafe_text(value.text(), span),
        Kind::Bool => Node::bool(value.is_truthy(), span),
        Kind::Int => match value.as_i64() {
            Some(number) => Node::int(number, span),
            None => Node::new(Data::BigInt(value.text().into()), span),
        },
        Kind::Float => value
            .text()
            .parse()
            .map_or_else(|_| Node::unsafe_text(value.text(), span), |number| Node::float(number, span)),
        Kind::None | Kind::Undefined | Kind::Omit => Node::null(span),
        Kind::List | Kind::Bytes | Kind::Object | Kind::Unknown => {
            Node::unsafe_text(value.to_json().as_str().unwrap_or_default(), span)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_stays_what_it_is_and_its_texts_are_no_templates() {
        let json = json!({"a": [1, true, null, 1.5], "b": "{{ x }}"});
        let node = plain_node(&Value::from_json(json.clone()), &Span::new("here", 1, 1));
        assert_eq!(node.to_json(), json);
        assert!(!node.get("b").expect("b is there").may_be_template());
    }
}
