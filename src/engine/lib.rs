//! Runs playbooks: plays, tasks, variables, conditions, loops, handlers, and what comes of them.
//!
//! The engine emits events and knows no screen; it calls modules through their one driver and knows none by name. What
//! it needs of the outside (environment, home, clock, randomness) is in [`Settings`].
//!
//! **Invariant:** no module crate but `rplay-module`, no report, no template library. Nothing here prints.

mod child;
mod connection;
mod destroy;
mod directives;
mod emit;
mod fact_cache;
mod fallthrough;
#[doc(hidden)]
pub mod fuzzing;
mod hex;
mod hosts;
mod in_flight;
mod interrupt;
mod inventory;
mod journal;
mod known;
mod list;
mod load;
mod lock;
mod machine;
mod outside;
mod ownership;
mod preflight;
mod private;
mod python;
mod record;
mod records;
mod retry;
mod run;
mod scopes;
mod selection;
mod settings;
mod stamp;
mod standing;
mod start;
#[cfg(test)]
mod testing;
mod unbuilt;
mod vault;
mod world;

pub use connection::{Agent, AgentProgram, askpass, serve_agent, serve_job};
pub use emit::Sink;
pub use inventory::InventoryView;
pub use journal::{read as read_journal, runs as journals};
pub use python::os_error;
pub use settings::{Adhoc, Answer, Connecting, ExtraVars, Listing, Settings, VaultSecret};
pub use start::Run;
pub use vault::{Opened, Ring, VaultError};
pub use world::sandbox_environment;
