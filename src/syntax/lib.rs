//! Playbooks as data: YAML with positions, and plays, blocks, tasks and roles made of it.
//!
//! A value keeps the place where the user wrote it, so that whoever finds fault with it later can show the line. Values
//! that may be templates are kept as they are written.
//!
//! **Invariant:** this crate knows no template, no module and no host, and does no I/O: callers hand it names and texts.
//! It alone knows the YAML library, and what the language once was: old forms are translated here, with a deprecation
//! that names today's. YAML is read as `PyYAML`'s C loader reads it under Ansible's constructor, positions included.

mod action;
mod apply;
mod args;
mod binary;
mod block;
mod compose;
mod convert;
mod entries;
mod fields;
mod include;
mod keywords;
#[cfg(test)]
mod mutation;
mod node;
mod old;
mod play;
mod playbook;
mod quiet;
mod reading;
mod resolve;
mod role;
mod similar;
mod tag;
mod tag_comma;
mod task;
#[cfg(test)]
mod testing;
mod vocabulary;
mod warning;
mod words;
mod yaml_fault;

pub use apply::{key_values, key_values_and_rest, parse_apply};
pub use args::Args;
pub use block::{Block, Step, parse_handlers, parse_tasks};
pub use compose::{Parsed, parse, parse_all};
pub use keywords::Keywords;
pub use node::{Data, Mapping, Node, Origin, Text};
pub use play::{Play, VarsPrompt};
pub use playbook::{Entry, ImportPlaybook, Playbook, parse_playbook};
pub use reading::IsAction;
pub use role::{RoleEntry, RoleMeta, parse_role_meta};
pub use similar::nearest;
pub use task::{Action, Loop, LoopControl, LoopSource, Task};
pub use warning::{Loaded, Warning, WarningKind};
pub use words::Words;
