//! What tests are made of: a world for modules, recorded answers, a proxy with faults, a stand-in, whole programs.
//!
//! - [`TestWorld`]: everything outside a module, set by the test: clock, environment, children, the ownership file.
//! - [`recorded`]: answers of AWS for the SDK, at the HTTP level; any other call fails the test.
//!
//! **Invariant:** no SDK crate, and nothing of `src/`.

mod classify;
mod fault;
mod proxy;
mod raw;
#[cfg(feature = "recorded")]
pub mod recorded;
mod request;
mod world;

pub use classify::{Effect, Operation};
pub use fault::Rule;
pub use proxy::{Call, Proxy};
pub use raw::{Answer, Raw};
pub use request::Request;
pub use world::TestWorld;
