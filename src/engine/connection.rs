//! Where a call runs: in this process, or in an agent behind sudo, ssh, `docker exec`, or several of these.
//!
//! Each way to a host is a command line that starts `rplay agent` there; one [`Place`] says which. A module knows
//! nothing of it: what it asks of the world is answered by the agent, or by the controller through the agent.

mod agent;
mod carried;
mod dialogue;
mod elevation;
mod exec;
mod jobs;
mod place;
mod remote;
mod session;
mod settings;
mod shell;
mod ssh;
mod staging;
mod transport;
mod wire;

#[cfg(test)]
mod tests;

pub use agent::{Agent, serve as serve_agent, serve_job};
pub(crate) use exec::execute;
pub(crate) use jobs::Job;
pub(crate) use place::{Place, Unclear, Wish};
pub(crate) use remote::{Remote, Work};
pub(crate) use session::Connections;
pub use settings::AgentProgram;
pub(crate) use settings::ConnectionSettings;
pub(crate) use shell::quote;
pub use ssh::askpass;
pub(crate) use wire::Begin;
