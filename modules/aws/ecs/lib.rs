//! ECS: clusters, task definitions, services.
//!
//! The structures of AWS's own API are tables ([`shape`]), from which parameters, states and requests are made: every
//! field that AWS can store can be written, in its camelCase or in snake_case.
//!
//! **Invariant:** of other services only what ECS hangs on is asked for, through their clients: roles, target health, logs,
//! names of groups. No other family is known here.

mod shape;
mod task_definition;

use rplay_module::Module;

/// The modules of this family.
pub const MODULES: &[Module] = &[];
