//! The modules that speak to a Docker engine, through its API: nothing here starts a process.
//!
//! One file is one module. Beside them: what a build sends ([`context`]) and what it leaves out ([`ignore`]).
//!
//! **Invariant:** the engine's library is known to `rplay-docker-client` alone; nothing here knows check mode, AWS, or
//! where an image goes.

mod context;
mod docker_build;
mod ignore;

use rplay_module::{Done, Module, Params};

/// The modules of this family.
pub const MODULES: &[Module] = &[Module {
    names: &["docker_build"],
    native: true,
    spec: <docker_build::DockerBuildParams as Params>::spec,
    pick: |_| Box::new(Done("docker_build", docker_build::DockerBuild)),
}];
