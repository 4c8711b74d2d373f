use serde_json::Value;

use crate::params::Spec;
use crate::{Action, BoxFuture, Composite, Cx, Mode, Outcome, Resource, drive};

/// One line of a family's list: what the playbook calls it, what it takes, and what it is.
#[derive(Clone, Copy)]
pub struct Module {
    /// The name first, then what else it is called: short names, FQCNs, old `_facts` names.
    pub names: &'static [&'static str],
    /// The name is rplay's own: what it creates carries the tag `rplay:owner`.
    pub native: bool,
    pub spec: fn() -> Spec,
    /// Some names are several things: `s3_object` by `mode`, `docker_container` with `restart`.
    pub pick: fn(&Value) -> Box<dyn Runnable>,
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module").field("names", &self.names).finish_non_exhaustive()
    }
}

/// A module behind its one driver: what the engine calls.
pub trait Runnable: Send + Sync {
    fn run<'a>(&'a self, cx: &'a Cx, args: &'a Value, mode: Mode) -> BoxFuture<'a, Outcome>;
}

/// A [`Resource`] as a module.
pub struct Driven<R>(pub R);

/// An [`Action`] as a module; the text is what a plan calls it.
pub struct Done<A>(pub &'static str, pub A);

/// A [`Composite`] as a module.
pub struct Composed<C>(pub C);

impl<R: Resource> Runnable for Driven<R> {
    fn run<'a>(&'a self, cx: &'a Cx, args: &'a Value, mode: Mode) -> BoxFuture<'a, Outcome> {
        Box::pin(drive::resource(&self.0, cx, args, mode))
    }
}

impl<A: Action> Runnable for Done<A> {
    fn run<'a>(&'a self, cx: &'a Cx, args: &'a Value, mode: Mode) -> BoxFuture<'a, Outcome> {
        Box::pin(drive::action(&self.1, self.0, cx, args, mode))
    }
}

impl<C: Composite> Runnable for Composed<C> {
    fn run<'a>(&'a self, cx: &'a Cx, args: &'a Value, mode: Mode) -> BoxFuture<'a, Outcome> {
        Box::pin(drive::composite(&self.0, cx, args, mode))
    }
}
