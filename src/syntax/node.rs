use std::sync::Arc;

use rplay_event::Span;

/// A value as the user wrote it, and where.
///
/// Cloning is cheap, and an alias is the same node as its anchor: a document full of aliases costs what it is long.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub data: Data,
    pub span: Span,
}

/// YAML 1.1 as `PyYAML`'s safe loader resolves it.
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

/// A mapping in the order it was written; of equal keys only the last is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    pub entries: Vec<(Node, Node)>,
}
