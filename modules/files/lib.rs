//! The modules of files: what is at a path, what it contains, and who may do what with it.
//!
//! One file is one module. `file`, `copy` and `template` manage the same kind of state, a [`tree::Tree`] of paths; those that
//! edit a text work out a [`revision::Revision`] of it. All write through the same few functions of [`write`] and
//! [`settle`], so that they agree on every attribute.
//!
//! **Invariant:** files of the playbook come in as parameters that the engine has found or rendered; nothing here looks
//! for them, and nothing here knows check mode.

mod accounts;
mod assemble;
mod attributes;
mod blockinfile;
mod charset;
mod content;
mod copy;
mod deb822_repository;
mod encoding;
mod fetch;
mod file;
mod find;
mod get_url;
mod lineinfile;
mod mode;
mod paths;
mod python;
mod replace;
mod revision;
mod seen;
mod settle;
mod slurp;
mod stat;
mod tempfile;
mod template;
mod times;
mod transfer;
mod tree;
mod unarchive;
mod write;

use rplay_module::{Done, Driven, Module, Params};

/// The modules of this family.
pub const MODULES: &[Module] = &[
    Module {
        names: &["assemble", "ansible.builtin.assemble", "ansible.legacy.assemble"],
        native: false,
        spec: <assemble::AssembleParams as Params>::spec,
        pick: |_| Box::new(Done("assemble", assemble::Assemble)),
    },
    Module {
        names: &["blockinfile", "ansible.builtin.blockinfile", "ansible.legacy.blockinfile"],
        native: false,
        spec: <blockinfile::BlockinfileParams as Params>::spec,
        pick: |_| Box::new(Done("blockinfile", blockinfile::Blockinfile)),
    },
    Module {
        names: &["copy", "ansible.builtin.copy", "ansible.legacy.copy"],
        native: false,
        spec: <copy::CopyParams as Params>::spec,
        pick: |_| Box::new(Driven(copy::Copy)),
    },
    Module {
        names: &[
            "deb822_repository",
            "ansible.builtin.deb822_repository",
            "ansible.legacy.deb822_repository",
        ],
        native: false,
        spec: <deb822_repository::Deb822RepositoryParams as Params>::spec,
        pick: |_| Box::new(Done("deb822_repository", deb822_repository::Deb822Repository)),
    },
    Module {
        names: &["fetch", "ansible.builtin.fetch", "ansible.legacy.fetch"],
        native: false,
        spec: <fetch::FetchParams as Params>::spec,
        pick: |_| Box::new(Done("fetch", fetch::Fetch)),
    },
    Module {
        names: &["file", "ansible.builtin.file", "ansible.legacy.file"],
        native: false,
        spec: <file::FileParams as Params>::spec,
        pick: |_| Box::new(Driven(file::File)),
    },
    Module {
        names: &["find", "ansible.builtin.find", "ansible.legacy.find"],
        native: false,
        spec: <find::FindParams as Params>::spec,
        pick: |_| Box::new(Done("find", find::Find)),
    },
    Module {
        names: &["get_url", "ansible.builtin.get_url", "ansible.legacy.get_url"],
        native: false,
        spec: <get_url::GetUrlParams as Params>::spec,
        pick: |_| Box::new(Done("get_url", get_url::GetUrl)),
    },
    Module {
        names: &["lineinfile", "ansible.builtin.lineinfile", "ansible.legacy.lineinfile"],
        native: false,
        spec: <lineinfile::LineinfileParams as Params>::spec,
        pick: |_| Box::new(Done("lineinfile", lineinfile::Lineinfile)),
    },
    Module {
        names: &["replace", "ansible.builtin.replace", "ansible.legacy.replace"],
        native: false,
        spec: <replace::ReplaceParams as Params>::spec,
        pick: |_| Box::new(Done("replace", replace::Replace)),
    },
    Module {
        names: &["slurp", "ansible.builtin.slurp", "ansible.legacy.slurp"],
        native: false,
        spec: <slurp::SlurpParams as Params>::spec,
        pick: |_| Box::new(Done("slurp", slurp::Slurp)),
    },
    Module {
        names: &["stat", "ansible.builtin.stat", "ansible.legacy.stat"],
        native: false,
        spec: <stat::StatParams as Params>::spec,
        pick: |_| Box::new(Done("stat", stat::Stat)),
    },
    Module {
        names: &["tempfile", "ansible.builtin.tempfile", "ansible.legacy.tempfile"],
        native: false,
        spec: <tempfile::TempfileParams as Params>::spec,
        pick: |_| Box::new(Done("tempfile", tempfile::Tempfile)),
    },
    Module {
        names: &["template", "ansible.builtin.template", "ansible.legacy.template"],
        native: false,
        spec: <template::TemplateParams as Params>::spec,
        pick: |_| Box::new(Driven(template::Template)),
    },
    Module {
        names: &["unarchive", "ansible.builtin.unarchive", "ansible.legacy.unarchive"],
        native: false,
        spec: <unarchive::UnarchiveParams as Params>::spec,
        pick: |_| Box::new(Done("unarchive", unarchive::Unarchive)),
    },
];

#[cfg(test)]
mod tests;
