//! What tests are made of: a world for modules, recorded answers, a proxy with faults, a stand-in, whole programs.
//!
//! - [`TestWorld`]: everything outside a module, set by the test: clock, environment, children, the ownership file.
//! - [`recorded`]: answers of AWS for the SDK, at the HTTP level; any other call fails the test.
//! - [`Proxy`]: stands between rplay and the stand-in, counts calls, and makes trouble on demand.
//! - [`StandIn`] and [`Raw`]: a stand-in for AWS, and calls that make what a test needs there, without any SDK.
//! - [`Play`]: a whole run of the binary in a folder of its own.
//!
//! **Invariant:** no SDK crate, and nothing of `src/` but the list of packages that a stand-in is made of.

mod classify;
mod fault;
mod play;
mod proxy;
mod raw;
#[cfg(feature = "recorded")]
pub mod recorded;
mod request;
mod stand_in;
mod world;

pub use classify::{Effect, Operation};
pub use fault::Rule;
pub use play::{Play, Ran, Running};
pub use proxy::{Call, Proxy};
pub use raw::{Answer, Raw};
pub use request::Request;
pub use stand_in::StandIn;
pub use world::TestWorld;
