//! Variables: Ansible's levels of precedence as a stack of layers that is looked up lazily.
//!
//! Nothing is merged or copied: a scope is a list of shared layers, the strongest first. A layer knows whether its values
//! were written by the user (templates) or came from elsewhere (data, never templates).

mod layers;
mod magic;
mod merge;
mod plain;

pub(crate) use layers::{Data, Layer, Level, Stack, Written};
pub(crate) use magic::{Magic, PlayHosts};
pub(crate) use merge::merge_nodes;
pub(crate) use plain::plain_node;
