//! A thin client of the Docker Engine: the only place that knows the library which speaks its API.
//!
//! It connects, asks, builds, tags, pushes and clears away. What it is told comes in as values ([`Settings`], requests)
//! and what it sees goes out as values and callbacks.
//!
//! **Invariant:** it neither prints nor reads the environment, and it starts no process: everything is a request to the
//! engine. It does not know what an image is built for.

mod building;
mod containers;
mod engine;
mod error;
mod images;
mod pushing;

pub use building::{Build, BuildLine};
pub use containers::{Container, Network};
pub use engine::{DEFAULT_HOST, Engine, Settings};
pub use error::Error;
pub use images::{Image, Reference};
pub use pushing::{Auth, Moved, Pushed};

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests;
