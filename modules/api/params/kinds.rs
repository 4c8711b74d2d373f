use serde_json::Value;

use super::{Kind, Reader};

/// A type that a parameter can have.
pub trait Param: Sized {
    /// Returns what the argument check and the documentation call it.
    fn kind() -> Kind;

    /// Reads a value at a path with Ansible's coercions; faults go to the reader.
    fn read(reader: &mut Reader<'_>, path: &str, value: &Value) -> Option<Self>;
}

/// An enum whose variants are a parameter's choices. Derived.
pub trait Choice: Sized + Copy + 'static {
    const ALL: &'static [(&'static str, Self)];
}
