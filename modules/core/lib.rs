//! The modules that need nothing but the machine they run on: processes, questions over HTTP, waiting.
//!
//! One file is one module. The files beside them are what several of these modules share: paths and glob patterns as
//! Python reads them, Python's texts of times and lines.
//!
//! **Invariant:** processes are started by the engine ([`rplay_module::Cx::spawn`]), so that they die with rplay; nothing
//! here knows check mode, files of the playbook, or AWS.

mod async_status;
mod command;
mod gather_facts;
mod glob;
mod info;
mod paths;
mod ping;
mod process;
mod setup;
mod shell;
mod stamp;
mod uri;
mod wait_for;

use rplay_module::{Done, Module, Params};

/// The modules of this family.
pub const MODULES: &[Module] = &[
    Module {
        names: &["async_status", "ansible.builtin.async_status", "ansible.legacy.async_status"],
        native: false,
        spec: <async_status::AsyncStatusParams as Params>::spec,
        pick: |_| Box::new(Done("async_status", async_status::AsyncStatus)),
    },
    Module {
        names: &["command", "ansible.builtin.command", "ansible.legacy.command"],
        native: false,
        spec: <command::CommandParams as Params>::spec,
        pick: |_| Box::new(Done("command", command::Command)),
    },
    Module {
        names: &["gather_facts", "ansible.builtin.gather_facts", "ansible.legacy.gather_facts"],
        native: false,
        spec: <gather_facts::GatherFactsParams as Params>::spec,
        pick: |_| Box::new(Done("gather_facts", gather_facts::GatherFacts)),
    },
    Module {
        names: &["ping", "ansible.builtin.ping", "ansible.legacy.ping"],
        native: false,
        spec: <ping::PingParams as Params>::spec,
        pick: |_| Box::new(Done("ping", ping::Ping)),
    },
    Module {
        names: &["setup", "ansible.builtin.setup", "ansible.legacy.setup"],
        native: false,
        spec: <setup::SetupParams as Params>::spec,
        pick: |_| Box::new(Done("setup", setup::Setup)),
    },
    Module {
        names: &["shell", "ansible.builtin.shell", "ansible.legacy.shell"],
        native: false,
        spec: <shell::ShellParams as Params>::spec,
        pick: |_| Box::new(Done("shell", shell::Shell)),
    },
    Module {
        names: &["uri", "ansible.builtin.uri", "ansible.legacy.uri"],
        native: false,
        spec: <uri::UriParams as Params>::spec,
        pick: |_| Box::new(Done("uri", uri::Uri)),
    },
    Module {
        names: &["wait_for", "ansible.builtin.wait_for", "ansible.legacy.wait_for"],
        native: false,
        spec: <wait_for::WaitForParams as Params>::spec,
        pick: |_| Box::new(Done("wait_for", wait_for::WaitFor)),
    },
];

#[cfg(test)]
mod tests;
