//! From files to what runs: playbooks read, static imports put in place, keywords handed down.

pub(crate) mod adhoc;
mod context;
pub(crate) mod files;
pub(crate) mod tree;
mod unbuilt;

pub(crate) use context::{Context, PlayHead};
pub(crate) use files::{Reader, Sources};
pub(crate) use tree::{BlockItem, Item, LoadedPlay, Loader, TaskItem};

/// Returns an action's bare name where it is one of Ansible's own: `ansible.builtin.debug` is `debug`.
pub(crate) fn bare(action: &str) -> &str {
    action
        .strip_prefix("ansible.builtin.")
        .or_else(|| action.strip_prefix("ansible.legacy."))
        .unwrap_or(action)
}
