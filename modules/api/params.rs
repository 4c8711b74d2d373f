//! Parameters: what a module takes, read from JSON with Ansible's coercions, all faults at once.
//!
//! `#[derive(Params)]` makes the two functions of [`Params`] out of a documented struct; `rplay doc`, the argument check
//! before the run, the JSON Schema and the module itself all come from that one struct.
//!
//! One [`Spec`] is judged by one function, whether the arguments are read for a run ([`parse`]), checked before anything is
//! rendered ([`check`]) or shown ([`invocation`]). Behaviour and words are those of Ansible's `ArgumentSpecValidator`
//! (`lib/ansible/module_utils/common/arg_spec.py`), except that null counts as omitted.

mod behind;
mod coerce;
mod controller;
mod fault;
mod judge;
mod kinds;
mod mistakes;
mod python;
mod reader;
mod rules;
mod spec;
mod texts;

pub use coerce::coerced;
pub use controller::{ControllerTemplate, from_wire, to_wire};
pub use fault::{FaultKind, ParamFault, message};
pub use kinds::{Bytes, Choice, Json, Param};
pub use reader::{Parsed, Reader, check, invocation, parse};
pub use spec::{Kind, ParamSpec, Rule, Spec};

/// A documented struct of parameters. Derived.
pub trait Params: Sized + Send + Sync + 'static {
    /// Returns what can be given; rules included.
    fn spec() -> Spec;

    /// Reads the struct; `None` when a fault was found, which the reader keeps.
    fn take(reader: &mut Reader<'_>) -> Option<Self>;
}

/// What derived code names: a crate that derives needs no dependency but this one.
#[doc(hidden)]
pub mod derived {
    pub use serde_json::{Map, Value};
}
