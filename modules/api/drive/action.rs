use serde_json::{Map, Value};

use super::{Prepared, read_params};
use crate::{Action, BoxFuture, Cx, Deed, Effect, InCheck, Intent, Mode, Outcome, Planned, Result, unknown};

/// Runs an action with the arguments of a task; `name` is what a plan calls it.
pub async fn action<A: Action>(action: &A, name: &'static str, cx: &Cx, args: &Value, mode: Mode) -> Outcome {
    let known = unknown::cause_in(args).is_none();
    match read_params::<A::Params>(cx, args) {
        Ok(parsed) => run(action, name, cx, &parsed.params, known && parsed.unknown.is_empty(), mode).await,
        Err(outcome) => *outcome,
    }
}

/// An action with its parameters already read.
pub struct PreparedAction<A: Action> {
    name: &'static str,
    action: A,
    params: A::Params,
}

impl<A: Action> PreparedAction<A> {
    pub fn new(name: &'static str, action: A, params: A::Params) -> Self {
        Self { name, action, params }
    }
}

impl<A: Action> Prepared for PreparedAction<A> {
    fn run<'a>(&'a self, cx: &'a Cx, mode: Mode) -> BoxFuture<'a, Outcome> {
        Box::pin(run(&self.action, self.name, cx, &self.params, true, mode))
    }
}

async fn run<A: Action>(action: &A, name: &str, cx: &Cx, p: &A::Params, known: bool, mode: Mode) -> Outcome {
    let ran = match mode {
        Mode::Apply => apply(action, cx, p).await.map(|(deed, kept)| outcome(name, deed, applied::<A>(kept))),
        Mode::Check => check(action, name, cx, p, known).await,
        Mode::Plan => plan(action, name, cx, p, known).await,
        // A deed is not undone: what it made is not ours to guess.
        Mode::PlanDestroy | Mode::Destroy => Ok(Outcome::default()),
    };
    ran.unwrap_or_else(Outcome::failed)
}

async fn apply<A: Action>(action: &A, cx: &Cx, p: &A::Params) -> Result<(Deed, bool)> {
    match action.needless(cx, p).await? {
        Some(deed) => Ok((deed, true)),
        None => Ok((action.perform(cx, p).await?, false)),
    }
}

fn applied<A: Action>(kept: bool) -> Intent {
    match A::EFFECT {
        Effect::Reads => Intent::Read,
        Effect::Changes if kept => Intent::Keep,
        Effect::Changes => Intent::WillRun,
    }
}

async fn check<A: Action>(action: &A, name: &str, cx: &Cx, p: &A::Params, known: bool) -> Result<Outcome> {
    match A::IN_CHECK {
        InCheck::Skip => Ok(skipped(name)),
        InCheck::Run if !known => Ok(deferred(name)),
        InCheck::Run => Ok(outcome(name, apply(action, cx, p).await?.0, applied::<A>(false))),
        InCheck::Foretell => {
            if known && let Some(deed) = action.needless(cx, p).await? {
                return Ok(outcome(name, deed, Intent::Keep));
            }
            let deed = action.checked(action.foretell(cx, p).await?);
            let intent = foretold(&deed);
            Ok(outcome(name, deed, intent))
        }
    }
}

async fn plan<A: Action>(action: &A, name: &str, cx: &Cx, p: &A::Params, known: bool) -> Result<Outcome> {
    if A::EFFECT == Effect::Reads {
        return Ok(if known {
            outcome(name, apply(action, cx, p).await?.0, Intent::Read)
        } else {
            deferred(name)
        });
    }
    if known && let Some(deed) = action.needless(cx, p).await? {
        return Ok(outcome(name, deed, Intent::Keep));
    }
    let deed = if A::IN_CHECK == InCheck::Foretell { action.foretell(cx, p).await? } else { Deed::default() };
    // What only says that it would be skipped in check mode says nothing of what the run will give.
    if deed.skipped || deed.unknown || deed.result.is_empty() {
        let planned =
            Planned { address: name.to_owned(), action: Intent::WillRun, fields: Vec::new(), reason: None };
        return Ok(Outcome { changed: true, unknown: true, planned: vec![planned], ..Outcome::default() });
    }
    let intent = foretold(&deed);
    Ok(outcome(name, deed, intent))
}

/// A deed that would change nothing is needless, whether it said so beforehand or not.
fn foretold(deed: &Deed) -> Intent {
    if deed.changed || deed.skipped { Intent::WillRun } else { Intent::Keep }
}

fn outcome(name: &str, deed: Deed, action: Intent) -> Outcome {
    Outcome {
        changed: deed.changed,
        skipped: deed.skipped,
        failure: deed.failure,
        result: deed.result,
        diff: deed.diff,
        planned: vec![Planned { address: name.to_owned(), action, fields: Vec::new(), reason: None }],
        ..Outcome::default()
    }
}

/// A question that cannot be asked yet: it hangs on what is not known before the run.
fn deferred(name: &str) -> Outcome {
    let reason = Some(format!("asks about what is {}", unknown::SHOWN));
    Outcome {
        unknown: true,
        planned: vec![Planned {
            address: name.to_owned(),
            action: Intent::Deferred,
            fields: Vec::new(),
            reason,
        }],
        ..Outcome::default()
    }
}

/// Worded as Ansible words it, for people who match on it.
fn skipped(name: &str) -> Outcome {
    let message = format!("remote module ({name}) does not support check mode");
    Outcome {
        skipped: true,
        result: Map::from_iter([("msg".to_owned(), Value::from(message))]),
        planned: vec![Planned {
            address: name.to_owned(),
            action: Intent::WillRun,
            fields: Vec::new(),
            reason: None,
        }],
        ..Outcome::default()
    }
}
