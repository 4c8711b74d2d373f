//! Ansible's Jinja: templates, expressions, conditionals, filters, tests and lookups.
//!
//! An evaluation takes what the user wrote and a [`Scope`], and gives a [`Value`] with [`Marks`]: whether it used
//! something that is unknown before the run, or secret, and which variables. Only strings written by the user are
//! templates; a scope says which of its values were.
//!
//! **Invariant:** nothing here reads a file, the environment, the clock or randomness, and nothing here prints: the
//! caller's [`World`] does the first, the marks carry what the second would say. minijinja is known to this crate alone.

mod builtin;
mod condition;
#[cfg(test)]
mod corpus;
mod crypt;
mod dice;
mod engine;
mod error;
mod eval;
#[expect(clippy::unnecessary_wraps, reason = "all filters have one signature")]
mod filters;
mod functions;
mod lazy;
mod limits;
#[expect(clippy::unnecessary_wraps, reason = "all lookups have one signature")]
mod lookups;
mod marker;
mod marks;
mod methods;
mod object;
mod overlay;
mod overrides;
mod parse;
mod plugins;
#[expect(clippy::unnecessary_wraps, reason = "all tests have one signature")]
mod predicates;
mod regex;
mod regex_fault;
mod scope;
#[cfg(test)]
mod testing;
mod value;
mod world;

pub use engine::{Engine, FileTemplate, Form, Settings};
pub use error::{Cause, ErrorKind, Step, TemplateError};
pub use filters::encoded as encode_text;
pub use marker::{UNKNOWN_END, UNKNOWN_START};
pub use marks::{Condition, Marks, Notice, Rendered, Tri};
pub use overrides::Overrides;
pub use plugins::{PluginCall, PluginKind};
pub use scope::{Found, Scope, ScopeClass};
pub use value::{Kind, Value};
pub use world::{FileStamp, Now, PathKind, Unfetched, World};
