use std::sync::Arc;

use indexmap::IndexMap;
use rplay_event::Fault;

use crate::yaml_fault::Source;
use crate::{Data, Mapping, Node, Origin, Text, Warning};

/// The entries of a mapping while it is read.
///
/// What is merged with `<<` stands first and gives way to what the mapping has itself, wherever the `<<` stands. Ansible
/// warns of that as of a duplicate; here only a key that is written twice is one.
#[derive(Default)]
pub(crate) struct Entries {
    merged: IndexMap<Key, (Node, Node)>,
    own: IndexMap<Key, (Node, Node)>,
    warnings: Vec<Warning>,
}

/// What makes two keys the same one to Python: `1`, `1.0` and `true` are.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Null,
    Int(i64),
    Digits(String),
    Float(u64),
    Text(Arc<str>),
    Vault(Arc<str>),
}

impl Key {
    /// Returns `None` for what cannot be a key.
    fn new(node: &Node) -> Option<Self> {
        Some(match &node.data {
            Data::Null => Self::Null,
            Data::Bool(value) => Self::Int(i64::from(*value)),
            Data::Int(value) => Self::Int(*value),
            Data::BigInt(digits) => Self::Digits(digits.as_ref().to_owned()),
            Data::Float(value) => {
                // Displayed without a fraction, a whole float is the digits of the integer it equals.
                format!("{value}").parse().map_or_else(|_| Self::Float(value.to_bits()), Self::Int)
            }
            Data::Text(Text { text, origin: Origin::Vault }) => Self::Vault(Arc::clone(text)),
            Data::Text(text) => Self::Text(Arc::clone(&text.text)),
            Data::Seq(_) | Data::Map(_) => return None,
        })
    }
}

impl Entries {
    /// Adds an entry that the mapping has itself.
    pub(crate) fn own(&mut self, source: &Source<'_>, key: Node, value: Node) -> Result<(), Box<Fault>> {
        let Some(equality) = Key::new(&key) else { return Err(unhashable(source, &key)) };
        let (span, shown) = (key.span.clone(), key.repr().unwrap_or_default());
        if self.own.insert(equality, (key, value)).is_some() {
            let message = format!("Found duplicate mapping key {shown}.");
            self.warnings.push(Warning::duplicate(message, &span).help("Using last defined value only."));
        }
        Ok(())
    }

    /// Adds what stands behind `<<`: a mapping, or several, of which the first goes before the others.
    pub(crate) fn merge(&mut self, source: &Source<'_>, value: &Node) -> Result<(), Box<Fault>> {
        match &value.data {
            Data::Map(mapping) => self.merge_one(mapping),
            Data::Seq(items) => {
                for item in items.iter().rev() {
                    let mapping = item.as_map().ok_or_else(|| unmergeable(source, item, "a mapping"))?;
                    self.merge_one(mapping);
                }
            }
            _ => return Err(unmergeable(source, value, "a mapping or list of mappings")),
        }
        Ok(())
    }

    fn merge_one(&mut self, mapping: &Mapping) {
        for (key, value) in mapping.iter() {
            if let Some(equality) = Key::new(key) {
                self.merged.insert(equality, (key.clone(), value.clone()));
            }
        }
    }

    pub(crate) fn finish(mut self) -> (Mapping, Vec<Warning>) {
        self.merged.extend(self.own);
        (self.merged.into_values().collect(), self.warnings)
    }
}

fn unhashable(source: &Source<'_>, key: &Node) -> Box<Fault> {
    let message = "While constructing a mapping found unhashable key.";
    if let Some((span, help)) = source.template_advice(&key.span) {
        return source.fault(message, &span).help(help).into();
    }
    let help = "a key is a text or a number; put quotes around a text that begins with `{` or `[`";
    source.fault(message, &key.span).help(help).into()
}

fn unmergeable(source: &Source<'_>, value: &Node, wanted: &str) -> Box<Fault> {
    let found = match value.data {
        Data::Seq(_) => "sequence",
        Data::Map(_) => "mapping",
        _ => "scalar",
    };
    let message = format!("While constructing a mapping expected {wanted} for merging, but found {found}.");
    source.fault(message, &value.span).help("`<<` merges mappings by their aliases, as in `<<: *name`").into()
}
