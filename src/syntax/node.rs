use std::borrow::Cow;
use std::sync::Arc;

use rplay_event::Span;
use serde_json::{Number, Value};

/// A value as the user wrote it, and where.
///
/// Cloning is cheap, and an alias is the same node as its anchor: a document full of aliases costs what it is long.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub data: Data,
    pub span: Span,
}

/// YAML 1.1 as `PyYAML`'s safe loader resolves it.
///
/// A date or a time is the text that was written: where Ansible shows one, it shows (nearly) that.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number beyond 64 bits, in decimal digits.
    BigInt(Arc<str>),
    Float(f64),
    Text(Text),
    Seq(Arc<[Node]>),
    Map(Arc<Mapping>),
}

/// A string, and what may be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub text: Arc<str>,
    pub origin: Origin,
}

/// Where a string comes from decides whether it is a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Written by the user: a template.
    Template,
    /// Tagged `!unsafe`: never a template.
    Unsafe,
    /// Tagged `!vault`: `text` is the encrypted envelope, to be opened when it is used.
    Vault,
}

/// A mapping in the order it was written; of equal keys only the last is kept, in the place of the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    pub entries: Vec<(Node, Node)>,
}

impl Node {
    pub fn new(data: Data, span: &Span) -> Self {
        Self { data, span: span.clone() }
    }

    pub fn null(span: &Span) -> Self {
        Self::new(Data::Null, span)
    }

    pub fn bool(value: bool, span: &Span) -> Self {
        Self::new(Data::Bool(value), span)
    }

    pub fn int(value: i64, span: &Span) -> Self {
        Self::new(Data::Int(value), span)
    }

    pub fn float(value: f64, span: &Span) -> Self {
        Self::new(Data::Float(value), span)
    }

    /// Returns a text that is a template, as everything that a user writes.
    pub fn text(text: impl Into<Arc<str>>, span: &Span) -> Self {
        Self::new(Data::Text(Text { text: text.into(), origin: Origin::Template }), span)
    }

    /// Returns a text that is never a template.
    pub fn unsafe_text(text: impl Into<Arc<str>>, span: &Span) -> Self {
        Self::new(Data::Text(Text { text: text.into(), origin: Origin::Unsafe }), span)
    }

    pub fn seq(items: Vec<Node>, span: &Span) -> Self {
        Self::new(Data::Seq(items.into()), span)
    }

    pub fn map(mapping: Mapping, span: &Span) -> Self {
        Self::new(Data::Map(Arc::new(mapping)), span)
    }

    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// Returns the text of a text that can be read here; the envelope of a vault is none.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Text(Text { text, origin: Origin::Template | Origin::Unsafe }) => Some(text),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&Text> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self.data {
            Data::Bool(value) => Some(value),
            _ => None,
        }
    }

    pub fn as_int(&self) -> Option<i64> {
        match self.data {
            Data::Int(value) => Some(value),
            _ => None,
        }
    }

    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.data {
            Data::Seq(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Mapping> {
        match &self.data {
            Data::Map(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// Returns the value under a key that is a text, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    /// Returns whether the text may be a template: it is one to Ansible as soon as it holds an opening mark of Jinja.
    pub fn may_be_template(&self) -> bool {
        match &self.data {
            Data::Text(Text { text, origin: Origin::Template }) => {
                ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
            }
            _ => false,
        }
    }

    /// Returns the kind of the value by the name that Ansible's messages call it.
    pub fn kind(&self) -> &'static str {
        match &self.data {
            Data::Null => "NoneType",
            Data::Bool(_) => "bool",
            Data::Int(_) | Data::BigInt(_) => "int",
            Data::Float(_) => "float",
            Data::Text(_) => "str",
            Data::Seq(_) => "list",
            Data::Map(_) => "dict",
        }
    }

    /// Returns the value as JSON with every template and vault envelope as it is written.
    ///
    /// What JSON cannot say becomes a text: a number that is none or endless by Python's name for it, and a whole
    /// number beyond 64 bits by its digits. Aliases are written out: the caller decides whether a document that
    /// grows by that is acceptable.
    pub fn to_json(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Int(value) => Value::from(*value),
            Data::BigInt(digits) => {
                digits.parse::<u64>().map_or_else(|_| Value::from(digits.as_ref()), Value::from)
            }
            Data::Float(value) => Number::from_f64(*value).map_or_else(|| endless(*value), Value::Number),
            Data::Text(text) => Value::from(text.text.as_ref()),
            Data::Seq(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Data::Map(mapping) => Value::Object(
                mapping.iter().map(|(key, value)| (key.key_text().into_owned(), value.to_json())).collect(),
            ),
        }
    }

    /// Returns a value that is no collection as Python shows it, which is how Ansible's messages do.
    pub(crate) fn repr(&self) -> Option<String> {
        Some(match &self.data {
            Data::Null => "None".to_owned(),
            Data::Bool(true) => "True".to_owned(),
            Data::Bool(false) => "False".to_owned(),
            Data::Text(text) if text.text.contains('\'') && !text.text.contains('"') => {
                format!("\"{}\"", text.text)
            }
            Data::Text(text) => format!("'{}'", text.text.replace('\'', "\\'").replace('\n', "\\n")),
            Data::Seq(_) | Data::Map(_) => return None,
            _ => self.key_text().into_owned(),
        })
    }

    /// Returns the node as a key of a JSON object or the name of a variable.
    pub fn key_text(&self) -> Cow<'_, str> {
        match &self.data {
            Data::Text(text) => Cow::Borrowed(&text.text),
            Data::BigInt(digits) => Cow::Borrowed(digits),
            _ => Cow::Owned(self.to_json().to_string()),
        }
    }
}

/// Names a number that JSON has no way to write, as Python's `json` does.
fn endless(value: f64) -> Value {
    Value::from(match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "Infinity",
        _ => "-Infinity",
    })
}

impl Mapping {
    /// Returns the value under a key that is this text.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Returns key and value where the key is this text.
    pub fn entry(&self, key: &str) -> Option<(&Node, &Node)> {
        self.iter().find(|(name, _)| name.as_str() == Some(key))
    }

    pub fn contains(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Node, &Node)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sets a value under a key that is a text: in the place of an equal key, else at the end.
    pub fn set(&mut self, key: Node, value: Node) {
        let same = |name: &Node| name.as_str().is_some() && name.as_str() == key.as_str();
        match self.entries.iter_mut().find(|(name, _)| same(name)) {
            Some(entry) => *entry = (key, value),
            None => self.entries.push((key, value)),
        }
    }
}

impl FromIterator<(Node, Node)> for Mapping {
    /// Collects entries whose keys the caller knows to be distinct.
    fn from_iter<I: IntoIterator<Item = (Node, Node)>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn span() -> Span {
        Span::new("p.yml", 1, 1)
    }

    #[test]
    fn setting_a_key_again_keeps_its_place() {
        let mut mapping = Mapping::default();
        for (key, value) in [("a", 1), ("b", 2), ("a", 3)] {
            mapping.set(Node::text(key, &span()), Node::int(value, &span()));
        }
        assert_eq!(Node::map(mapping, &span()).to_json().to_string(), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn what_json_cannot_say_becomes_a_text() {
        let cases = [
            (Data::Float(f64::INFINITY), json!("Infinity")),
            (Data::Float(f64::NEG_INFINITY), json!("-Infinity")),
            (Data::Float(f64::NAN), json!("NaN")),
            (Data::BigInt("18446744073709551615".into()), json!(u64::MAX)),
            (Data::BigInt("18446744073709551616".into()), json!("18446744073709551616")),
        ];
        for (data, expected) in cases {
            assert_eq!(Node::new(data, &span()).to_json(), expected);
        }
    }

    #[test]
    fn a_key_that_is_no_text_becomes_one() {
        let keys = [Data::Null, Data::Bool(true), Data::Int(8080), Data::Float(1.5)];
        let mapping: Mapping =
            keys.into_iter().map(|key| (Node::new(key, &span()), Node::null(&span()))).collect();
        let json = Node::map(mapping, &span()).to_json();
        assert_eq!(json, json!({"null": null, "true": null, "8080": null, "1.5": null}));
    }

    #[test]
    fn the_envelope_of_a_vault_is_no_readable_text() {
        let vault = Text { text: "$ANSIBLE_VAULT;1.1;AES256".into(), origin: Origin::Vault };
        let node = Node::new(Data::Text(vault), &span());
        assert_eq!(node.as_str(), None);
        assert_eq!(node.to_json(), json!("$ANSIBLE_VAULT;1.1;AES256"));
    }

    #[test]
    fn only_what_the_user_wrote_may_be_a_template() {
        assert!(Node::text("{{ a }}", &span()).may_be_template());
        assert!(!Node::unsafe_text("{{ a }}", &span()).may_be_template());
        assert!(!Node::text("a", &span()).may_be_template());
    }
}
