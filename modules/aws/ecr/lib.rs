//! Images in ECR: `ecr_push` keeps a repository and an image of this machine in it.
//!
//! The image is pushed through the Docker engine's API. What says whether a push is needed is the image itself, not its
//! name: the digest of its configuration, which the engine and the repository both tell.
//!
//! **Invariant:** the registry's password is a secret before it is anything else, and no process is started.

mod ecr_push;
mod image;
mod local;
mod place;
mod repository;

use rplay_module::{Composed, Module, Params as _};

/// The modules of this family.
pub const MODULES: &[Module] = &[Module {
    names: &["ecr_push"],
    native: true,
    spec: ecr_push::EcrPushParams::spec,
    pick: |_| Box::new(Composed(ecr_push::EcrPush)),
}];

#[cfg(test)]
mod tests;
