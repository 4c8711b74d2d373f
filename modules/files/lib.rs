//! The modules of files: what is at a path, what it contains, and who may do what with it.
//!
//! One file is one module. `file`, `copy` and `template` manage the same kind of state, a [`tree::Tree`] of paths, and
//! write through the same few functions of [`write`], so that they agree on every attribute.
//!
//! **Invariant:** files of the playbook come in as parameters that the engine has found or rendered; nothing here looks
//! for them, and nothing here knows check mode.

mod accounts;
mod attributes;
mod content;
mod copy;
mod file;
mod mode;
mod paths;
mod seen;
mod stat;
mod template;
mod times;
mod transfer;
mod tree;
mod write;

use rplay_module::{Done, Driven, Module, Params};

/// The modules of this family.
pub const MODULES: &[Module] = &[
    Module {
        names: &["copy", "ansible.builtin.copy", "ansible.legacy.copy"],
        native: false,
        spec: <copy::CopyParams as Params>::spec,
        pick: |_| Box::new(Driven(copy::Copy)),
    },
    Module {
        names: &["file", "ansible.builtin.file", "ansible.legacy.file"],
        native: false,
        spec: <file::FileParams as Params>::spec,
        pick: |_| Box::new(Driven(file::File)),
    },
    Module {
        names: &["stat", "ansible.builtin.stat", "ansible.legacy.stat"],
        native: false,
        spec: <stat::StatParams as Params>::spec,
        pick: |_| Box::new(Done("stat", stat::Stat)),
    },
    Module {
        names: &["template", "ansible.builtin.template", "ansible.legacy.template"],
        native: false,
        spec: <template::TemplateParams as Params>::spec,
        pick: |_| Box::new(Driven(template::Template)),
    },
];

#[cfg(test)]
mod tests;
