//! The inventory: hosts, groups, their variables, and where they come from.
//!
//! A source is read by the first of the enabled plugins that takes it; each adds to one [`Inventory`]. Patterns choose
//! hosts out of it. What a host sees of all this is one layer for its groups, shared with every host of the same groups,
//! and one of its own.

mod address;
mod aws_ec2;
mod constructed;
mod data;
mod generator;
mod ini;
mod layers;
mod literal;
mod names;
mod patterns;
mod ranges;
mod relations;
mod script;
mod settings;
mod sources;
mod toml;
mod vars_files;
mod view;
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
pub use view::InventoryView;

/// Reads a text in each of the forms that an inventory file has, whatever comes of it.
pub(crate) fn read_text(path: &std::path::Path, bytes: &[u8]) {
    let empty = || Inventory::new(settings::GroupNames::Never, false, "");
    let mut read = vec![(empty(), ini::parse as fn(&mut Inventory, &std::path::Path, &[u8]) -> _)];
    read.push((empty(), |inventory, path, bytes| {
        yaml::parse(inventory, path, &String::from_utf8_lossy(bytes))
    }));
    read.push((empty(), |inventory, path, bytes| {
        toml::parse(inventory, path, &String::from_utf8_lossy(bytes))
    }));
    for (mut inventory, parse) in read {
        if parse(&mut inventory, path, bytes).is_ok() {
            inventory.reconcile();
            let limit: String = String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().to_owned();
            // A pattern that means no host is none of the fuzzer's business.
            let _ = Chooser { inventory: &mut inventory }.choose(&split(&limit));
        }
    }
}
