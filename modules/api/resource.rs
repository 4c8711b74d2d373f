use std::future::{Future, ready};

use serde_json::Value;

use crate::{Address, Cx, Diff, Failure, Params, Realm, Result, State};

/// Keeps one thing in one state.
///
/// `read` never changes anything, `desired` never does I/O, `apply` is the only function that changes the world. Whether
/// and when they are called is the driver's business ([`crate::drive`]): a resource knows no mode.
pub trait Resource: Send + Sync + 'static {
    type Params: Params;
    /// What is managed; equality is idempotence. What only the other side knows is a [`crate::Fact`] in it.
    type State: State;
    /// What `desired` has to look up first: a policy's ARN, a group's id, the zones.
    type Around: Default + Send + Sync;
    /// What only the answer to a creation tells: a private key, a revision number.
    type Receipt: Default + Send + Sync;

    /// Returns the one thing meant, in every run the same; made of playbook names only.
    fn address(&self, p: &Self::Params) -> Address;

    /// Returns what the parameters name; `None` when it could be anything.
    fn refers(&self, _p: &Self::Params) -> Option<Vec<Address>> {
        None
    }

    /// Returns the thing as it is (`None` when it is not there), and what else `desired` needs. Changes nothing.
    ///
    /// # Errors
    /// [`crate::FailureKind::Missing`] when what the thing hangs on is not there.
    fn read(
        &self,
        cx: &Cx,
        p: &Self::Params,
        receipt: Option<&Self::Receipt>,
    ) -> impl Future<Output = Result<(Option<Self::State>, Self::Around)>> + Send;

    /// Returns the thing as it shall be, `None` for absent. Pure. What the parameters omit is copied from `have`.
    fn desired(
        &self,
        p: &Self::Params,
        around: &Self::Around,
        have: Option<&Self::State>,
    ) -> Result<Option<Self::State>>;

    /// Returns the state with order, case and the server's defaults evened out; applied to both sides.
    fn normal(&self, state: Self::State) -> Self::State {
        state
    }

    /// Decides what the difference asks for.
    fn verdict(&self, _p: &Self::Params, have: &Self::State, want: &Self::State) -> Verdict {
        if have == want { Verdict::Keep } else { Verdict::Update }
    }

    /// Changes the world.
    fn apply(
        &self,
        cx: &Cx,
        p: &Self::Params,
        around: &Self::Around,
        change: Change<'_, Self::State>,
    ) -> impl Future<Output = Result<Self::Receipt>> + Send;

    /// Waits until the thing does its work. Writes nothing; runs after a Keep too.
    fn settle(
        &self,
        _cx: &Cx,
        _p: &Self::Params,
        _now: &Self::State,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Returns what `register` receives, in Ansible's shape; an object. `changed` is added by the driver.
    fn output(&self, p: &Self::Params, report: &Report<'_, Self>) -> Value
    where
        Self: Sized;

    /// Returns what `register` receives in check mode, where Ansible's action does not get as far as its module then
    /// (`copy`). A plan tells all that it knows: what refers to it shall be foretold too.
    fn checked(&self, p: &Self::Params, report: &Report<'_, Self>) -> Value
    where
        Self: Sized,
    {
        self.output(p, report)
    }

    /// Returns the difference as `--diff` shows it, where Ansible shows something else than the managed fields (`copy`: the
    /// two texts); asked for only when something changed.
    fn diff(&self, _p: &Self::Params, _report: &Report<'_, Self>) -> Option<Vec<Diff>>
    where
        Self: Sized,
    {
        None
    }

    /// Returns the id by which others call the thing; what refers to it by name finds it without asking again.
    fn id(&self, _state: &Self::State) -> Option<String> {
        None
    }

    /// Returns whether the thing itself says that rplay made it (the tag `rplay:owner`).
    fn ours(&self, _have: &Self::State) -> bool {
        false
    }

    /// Returns what lives in the thing or hangs on it and would go or be orphaned with it.
    fn holds(
        &self,
        _cx: &Cx,
        _p: &Self::Params,
        _have: &Self::State,
    ) -> impl Future<Output = Result<Vec<Held>>> + Send {
        ready(Ok(Vec::new()))
    }

    /// Returns what goes with the thing when it is destroyed, as the plan of a destroy says it: `3 images`. `unlisted` is what
    /// it holds that has no line of its own in that plan.
    fn along(
        &self,
        _cx: &Cx,
        _p: &Self::Params,
        _have: &Self::State,
        _unlisted: &[Held],
    ) -> impl Future<Output = Result<Option<String>>> + Send {
        ready(Ok(None))
    }

    /// Returns what keeps the thing from being deleted and made anew under another shape. More than what it holds where
    /// something goes away by itself when what made it is destroyed, but not while that stays: a load balancer's interface
    /// in a subnet.
    fn orphans(
        &self,
        cx: &Cx,
        p: &Self::Params,
        have: &Self::State,
    ) -> impl Future<Output = Result<Vec<Held>>> + Send {
        self.holds(cx, p, have)
    }

    /// Returns where the thing lives; asked for only when something was created or is to be destroyed.
    fn realm(&self, _cx: &Cx, _p: &Self::Params) -> impl Future<Output = Result<Realm, Failure>> + Send {
        ready(Ok(Realm::default()))
    }

    /// How long a change may take to be seen, in seconds.
    fn patience(&self, _p: &Self::Params) -> u64 {
        120
    }
}

/// What a difference asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    Update,
    /// The reason, for the plan: `cidr cannot be changed in place`.
    Replace(String),
}

/// What `apply` shall do.
#[derive(Debug)]
pub enum Change<'a, S> {
    Create { want: &'a S },
    Update { have: &'a S, want: &'a S },
    Delete { have: &'a S },
}

/// Something inside a thing, or hanging on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// As people call it: `object assets/logo.png`.
    pub name: String,
    /// Set where it is a thing that rplay can own.
    pub address: Option<Address>,
}

/// What the driver found and did, for [`Resource::output`].
pub struct Report<'a, R: Resource> {
    pub before: Option<&'a R::State>,
    /// As it is now; in a plan as it will be, with unknown facts. `None` when absent.
    pub after: Option<&'a R::State>,
    pub around: &'a R::Around,
    pub receipt: &'a R::Receipt,
    pub changed: bool,
}

impl<R: Resource> Report<'_, R> {
    /// Returns the state that the output describes: what is there now, else what was there.
    pub fn state(&self) -> Option<&R::State> {
        self.after.or(self.before)
    }
}
