//! The inventory: hosts, groups, their variables, and where they come from.
//!
//! A source is read by the first of the enabled plugins that takes it; each adds to one [`Inventory`]. Patterns choose
//! hosts out of it. What a host sees of all this is one layer for its groups, shared with every host of the same groups,
//! and one of its own.

mod address;
mod constructed;
mod data;
mod generator;
mod ini;
mod layers;
mod literal;
mod patterns;
mod ranges;
mod script;
mod settings;
mod sources;
mod toml;
mod vars_files;
mod words;
mod yaml;

pub(crate) use address::split_port;
pub(crate) use data::{Entry, Inventory, InventoryError, LOCALHOSTS, Note, Vars};
pub(crate) use layers::{HostLayers, Layering};
pub(crate) use patterns::{Chooser, Chosen, split};
#[cfg(test)]
pub(crate) use settings::GroupNames;
pub(crate) use settings::{InventorySettings, Mismatch};
pub(crate) use sources::{Loading, folders, load};
pub(crate) use vars_files::VarsFolders;
