//! From files to what runs: playbooks read, static imports put in place, keywords handed down.

pub(crate) mod adhoc;
mod collections;
mod context;
mod duplicates;
mod extra_vars;
pub(crate) mod files;
pub(crate) mod include_path;
mod play_roles;
mod role;
mod role_files;
mod role_meta;
mod roles;
pub(crate) mod tree;

pub(crate) use context::{Context, Inherited, PlayHead};
pub(crate) use duplicates::Duplicates;
pub(crate) use files::{Reader, Sources};
pub(crate) use play_roles::PlayRoles;
pub(crate) use role_files::SearchPaths;
pub(crate) use role_meta::plain_task;
pub(crate) use roles::{RoleOptions, is_yes, private_role_vars};
pub(crate) use tree::{BlockItem, Item, LoadedPlay, Loader, TaskItem};

/// Returns an action's bare name where it is one of Ansible's own: `ansible.builtin.debug` is `debug`.
pub(crate) fn bare(action: &str) -> &str {
    action
        .strip_prefix("ansible.builtin.")
        .or_else(|| action.strip_prefix("ansible.legacy."))
        .unwrap_or(action)
}
