//! Parameters: what a module takes, read from JSON with Ansible's coercions, all faults at once.
//!
//! `#[derive(Params)]` makes the two functions of [`Params`] out of a documented struct; `rplay doc`, the argument check
//! before the run, the JSON Schema and the module itself all come from that one struct.

mod kinds;
mod reader;
mod spec;

pub use kinds::{Choice, Param};
pub use reader::{ParamFault, Parsed, Reader, parse};
pub use spec::{Kind, ParamSpec, Rule, Spec};

/// A documented struct of parameters. Derived.
pub trait Params: Sized + Send + Sync + 'static {
    /// Returns what can be given; rules included.
    fn spec() -> Spec;

    /// Reads the struct; `None` when a fault was found, which the reader keeps.
    fn take(reader: &mut Reader<'_>) -> Option<Self>;
}
