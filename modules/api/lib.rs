//! What a module is: the traits it implements, the parameters it takes, the outcomes it gives, and the one driver.
//!
//! A [`Resource`] keeps one thing in one state, an [`Action`] does a deed, a [`Composite`] is a list of these written as
//! one. [`drive`](mod@drive) is the only code that knows check mode, plans and destruction: it turns every module into what the
//! engine calls.
//!
//! **Invariant:** this crate knows neither files nor time nor any service. It depends on no runtime, no AWS crate, no
//! template engine and no command line: clock, sleep, environment and everything else outside come in through [`Cx`].

mod action;
mod address;
mod composite;
mod cx;
pub mod drive;
mod fact;
mod failure;
mod fields;
pub mod fnmatch;
mod module;
mod outcome;
pub mod params;
mod part;
pub mod pattern;
mod resource;
mod secret;
pub mod unknown;
pub mod words;

pub use action::{Action, Deed, Effect, InCheck};
pub use address::{Address, Realm};
pub use composite::{Composite, Step};
pub use cx::{
    BoxFuture, Child, ControllerFile, Cx, Exit, Foretold, OWNER_TAG, Ownership, Sandbox, Shared, World,
};
pub use fact::Fact;
pub use failure::{Failure, FailureKind};
pub use fields::changes;
pub use module::{Composed, Done, Driven, Module, Runnable};
pub use outcome::{
    Diff, DiffSide, FieldChange, Intent, Kept, KeptWhy, Mode, Outcome, Planned, Progress, ProgressStep,
};
pub use params::{Choice, Params};
pub use part::{Part, State};
pub use resource::{Change, Held, Report, Resource, Verdict};
pub use rplay_module_derive::{Choice, Params, State};
pub use secret::Secret;

/// What a module's functions return.
pub type Result<T, E = Failure> = std::result::Result<T, E>;
