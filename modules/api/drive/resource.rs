use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::listed::Listed;
use super::{Prepared, read_params};
use crate::unknown::{self, Cause};
use crate::{
    Address, BoxFuture, Change, Cx, Diff, DiffSide, Failure, FailureKind, FieldChange, Foretold, Held,
    Intent, Kept, KeptWhy, Mode, Outcome, Ownership, Part as _, Planned, Realm, Report, Resource, Result,
    Verdict, changes,
};

/// How often a write whose answer was lost is looked after and tried again.
const LOST_ANSWERS: u32 = 5;
/// How often a thing that may have been made is looked for before it is made a second time: AWS shows some things late.
const LOOKS_FOR_THE_UNSEEN: u32 = 4;
/// The first pause between two reads that wait for a change to be seen, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Runs a resource with the arguments of a task.
pub async fn resource<R: Resource>(resource: &R, cx: &Cx, args: &Value, mode: Mode) -> Outcome {
    match read_params::<R::Params>(cx, args) {
        Ok(parsed) => {
            let drive = Drive {
                resource,
                cx,
                p: &parsed.params,
                identity: parsed.unknown_identity.clone(),
                omitted: parsed.unknown.clone(),
            };
            drive.run(mode).await
        }
        Err(outcome) => *outcome,
    }
}

/// A resource with its parameters already read.
pub struct PreparedResource<R: Resource> {
    resource: R,
    params: R::Params,
}

impl<R: Resource> PreparedResource<R> {
    pub fn new(resource: R, params: R::Params) -> Self {
        Self { resource, params }
    }
}

impl<R: Resource> Prepared for PreparedResource<R> {
    fn run<'a>(&'a self, cx: &'a Cx, mode: Mode) -> BoxFuture<'a, Outcome> {
        let drive =
            Drive { resource: &self.resource, cx, p: &self.params, identity: None, omitted: Vec::new() };
        Box::pin(async move { drive.run(mode).await })
    }
}

struct Drive<'a, R: Resource> {
    resource: &'a R,
    cx: &'a Cx,
    p: &'a R::Params,
    /// An unknown text that decides which thing is meant.
    identity: Option<String>,
    /// Parameters that are no text and not known yet: they count as omitted.
    omitted: Vec<String>,
}

/// What was found, what is wanted, and what the difference asks for.
struct Found<R: Resource> {
    have: Option<R::State>,
    around: R::Around,
    want: Option<R::State>,
    step: Next,
}

#[derive(Clone, Debug, PartialEq)]
enum Next {
    Keep,
    Create,
    Update,
    Replace(String),
    Delete,
}

/// What an applied change left behind.
struct Applied<R: Resource> {
    now: Option<R::State>,
    around: R::Around,
    receipt: R::Receipt,
}

impl<R: Resource> Drive<'_, R> {
    async fn run(&self, mode: Mode) -> Outcome {
        let address = self.resource.address(self.p);
        let identity = self
            .identity
            .clone()
            .or_else(|| Some(address.name.clone()).filter(|name| unknown::is_unknown(name)));
        let ran = match (mode, identity) {
            (Mode::Check | Mode::Plan, Some(text)) => self.foretell_unseen(&address, &text, mode),
            (Mode::PlanDestroy | Mode::Destroy, Some(_)) => Ok(Outcome::default()),
            (Mode::Check | Mode::Plan, None) => self.foretell(&address, mode).await,
            (Mode::PlanDestroy | Mode::Destroy, None) => self.destroy(&address, mode).await,
            (Mode::Apply, _) => self.converge(&address).await,
        };
        ran.unwrap_or_else(Outcome::failed)
    }

    async fn find(&self, receipt: Option<&R::Receipt>) -> Result<Found<R>> {
        let (have, around) = self.resource.read(self.cx, self.p, receipt).await?;
        let have = have.map(|state| self.resource.normal(state));
        let want =
            self.resource.desired(self.p, &around, have.as_ref())?.map(|state| self.resource.normal(state));
        let step = self.next(have.as_ref(), want.as_ref());
        Ok(Found { have, around, want, step })
    }

    fn next(&self, have: Option<&R::State>, want: Option<&R::State>) -> Next {
        match (have, want) {
            (None, None) => Next::Keep,
            (None, Some(_)) => Next::Create,
            (Some(_), None) => Next::Delete,
            (Some(have), Some(want)) => match self.resource.verdict(self.p, have, want) {
                Verdict::Keep => Next::Keep,
                Verdict::Update => Next::Update,
                Verdict::Replace(why) => Next::Replace(why),
            },
        }
    }

    // Foretelling.

    /// The thing cannot be looked for: what says which one it is will only be known in the run.
    fn foretell_unseen(&self, address: &Address, identity: &str, mode: Mode) -> Result<Outcome> {
        if !matches!(unknown::cause(identity), Some(Cause::Created | Cause::Renewed)) {
            let reason = Some("which one is meant is not known before the run".to_owned());
            return Ok(Outcome {
                changed: true,
                unknown: true,
                planned: vec![Planned { action: Intent::Deferred, reason, ..keep(address) }],
                ..Outcome::default()
            });
        }
        let around = R::Around::default();
        let want = self.resource.desired(self.p, &around, None)?.map(|state| self.resource.normal(state));
        let step = if want.is_some() { Next::Create } else { Next::Keep };
        Ok(self.foretold(address, &Found { have: None, around, want, step }, mode))
    }

    async fn foretell(&self, address: &Address, mode: Mode) -> Result<Outcome> {
        let mut found = self.find(None).await?;
        if let Next::Replace(why) = &found.step {
            if let Some(have) = &found.have {
                self.refuse_to_orphan(address, have, why).await?;
            }
            found.want.iter_mut().for_each(crate::Part::forget);
        }
        Ok(self.foretold(address, &found, mode))
    }

    fn foretold(&self, address: &Address, found: &Found<R>, mode: Mode) -> Outcome {
        let fields = fields(found.have.as_ref(), found.want.as_ref());
        let action = self.intent(&found.step, &fields);
        let id = found.have.as_ref().and_then(|have| self.resource.id(have));
        let cause = self.cause(address, action, id.as_deref(), found.want.as_ref());
        if let Some(id) = id.filter(|_| matches!(action, Intent::Replace | Intent::Delete)) {
            self.cx.doom(id);
        }
        match action {
            Intent::Create | Intent::Replace => self.foretell_created(address, cause),
            Intent::Delete => {
                self.cx.note(address.clone(), None);
                self.cx.world().foretell(address.clone(), Foretold::Deleted);
            }
            Intent::Update | Intent::MayChange
                if self.is_new_one(found.have.as_ref(), found.want.as_ref()) =>
            {
                self.foretell_created(address, cause);
            }
            _ => self.note_id(address, found.have.as_ref()),
        }
        let reason = match (&found.step, action) {
            (Next::Replace(why), _) => Some(why.clone()),
            (_, Intent::MayChange) => Some(self.doubt(&fields)),
            _ => None,
        };
        let changed = action != Intent::Keep;
        let report = Report {
            before: found.have.as_ref(),
            after: found.want.as_ref(),
            around: &found.around,
            receipt: &R::Receipt::default(),
            changed,
        };
        let mut result = match mode {
            Mode::Check => self.resource.checked(self.p, &report),
            _ => self.resource.output(self.p, &report),
        };
        match action {
            Intent::Keep => unknown::forget(&mut result),
            _ => unknown::recast(&mut result, cause),
        }
        Outcome {
            changed,
            result: object(result),
            diff: self.diff(address, &report),
            planned: vec![Planned { address: address.to_string(), action, fields, reason }],
            ..Outcome::default()
        }
    }

    /// Returns whether an update makes a new one of its kind, as a new revision is.
    fn is_new_one(&self, have: Option<&R::State>, want: Option<&R::State>) -> bool {
        let id = |state: Option<&R::State>| state.and_then(|state| self.resource.id(state));
        want.is_some() && id(want).is_none() && id(have).is_some()
    }

    /// Returns why what the thing will tell is not known yet.
    fn cause(&self, address: &Address, action: Intent, id: Option<&str>, want: Option<&R::State>) -> Cause {
        let name = address.name.rsplit('/').next().unwrap_or_default();
        match (action, id) {
            (Intent::MayChange, _) => Cause::Open,
            (Intent::Update, Some(_)) if want.is_some_and(|want| self.resource.id(want).is_none()) => {
                Cause::Renewed
            }
            // An id that AWS chooses; one that is made of the name may be the same again.
            (Intent::Replace, Some(id)) if !id.contains(name) => Cause::Renewed,
            _ => Cause::Created,
        }
    }

    /// Remembers that there will be another thing at the address than now.
    fn foretell_created(&self, address: &Address, cause: Cause) {
        let marker = unknown::marker(cause, &format!("{address}: id"));
        self.cx.note(address.clone(), Some(marker.clone()));
        self.cx.world().foretell(address.clone(), Foretold::Created(marker));
    }

    fn intent(&self, step: &Next, fields: &[FieldChange]) -> Intent {
        match step {
            Next::Create => Intent::Create,
            Next::Delete => Intent::Delete,
            Next::Replace(_) => Intent::Replace,
            Next::Update if !fields.is_empty() && fields.iter().all(may_stay) => Intent::MayChange,
            Next::Update => Intent::Update,
            Next::Keep if !self.omitted.is_empty() => Intent::MayChange,
            Next::Keep => Intent::Keep,
        }
    }

    fn doubt(&self, fields: &[FieldChange]) -> String {
        let mut named: Vec<&str> = self.omitted.iter().map(String::as_str).collect();
        for field in fields {
            if !named.contains(&field.path.as_str()) {
                named.push(&field.path);
            }
        }
        format!("{} {}", named.join(", "), unknown::SHOWN)
    }

    fn diff(&self, address: &Address, report: &Report<'_, R>) -> Vec<Diff> {
        let own = report.changed.then(|| self.resource.diff(self.p, report)).flatten();
        own.unwrap_or_else(|| diff(address, report.changed, report.before, report.after))
    }

    // Applying.

    async fn converge(&self, address: &Address) -> Result<Outcome> {
        let first = self.find(None).await?;
        if first.step == Next::Keep {
            self.note_id(address, first.have.as_ref());
            if let Some(have) = &first.have {
                self.resource.settle(self.cx, self.p, have).await?;
            }
            return Ok(self.outcome(
                address,
                first.have.as_ref(),
                first.have.as_ref(),
                &first.around,
                &R::Receipt::default(),
                false,
            ));
        }
        let before = first.have.clone();
        let applied = self.apply(address, first).await?;
        self.note_id(address, applied.now.as_ref());
        if let Some(now) = &applied.now {
            self.resource.settle(self.cx, self.p, now).await?;
        }
        Ok(self.outcome(
            address,
            before.as_ref(),
            applied.now.as_ref(),
            &applied.around,
            &applied.receipt,
            true,
        ))
    }

    fn outcome(
        &self,
        address: &Address,
        before: Option<&R::State>,
        now: Option<&R::State>,
        around: &R::Around,
        receipt: &R::Receipt,
        changed: bool,
    ) -> Outcome {
        let report = Report { before, after: now, around, receipt, changed };
        let action = match (before, now) {
            _ if !changed => Intent::Keep,
            (None, _) => Intent::Create,
            (Some(_), None) => Intent::Delete,
            (Some(_), Some(_)) => Intent::Update,
        };
        let fields = if changed { fields(before, now) } else { Vec::new() };
        // What the other side did not tell is none of the result: nothing will be known later either.
        let mut result = self.resource.output(self.p, &report);
        unknown::forget(&mut result);
        Outcome {
            changed,
            result: object(result),
            diff: self.diff(address, &report),
            planned: vec![Planned { address: address.to_string(), action, fields, reason: None }],
            ..Outcome::default()
        }
    }

    /// Applies until both sides agree. A write whose answer was lost is not sent again: what is there decides.
    async fn apply(&self, address: &Address, first: Found<R>) -> Result<Applied<R>> {
        // Fixed now: after a lost deletion there would be nothing left to copy the omitted parameters from.
        let fixed = first.want.clone();
        let mut found = first;
        let mut lost = 0;
        loop {
            let creates = matches!(found.step, Next::Create | Next::Replace(_));
            let realm =
                if creates || found.step == Next::Delete { self.realm().await } else { Realm::default() };
            match self.write(address, &mut found, &realm).await {
                Ok(receipt) => {
                    let applied = self.wait_until_seen(address, found.want.is_none(), receipt).await;
                    let stage = if found.step == Next::Delete { Ownership::Gone } else { Ownership::Created };
                    if creates || found.step == Next::Delete {
                        self.cx.world().own(address, &realm, stage);
                    }
                    return applied;
                }
                Err(failure) if failure.kind == FailureKind::Lost && lost < LOST_ANSWERS => {
                    lost += 1;
                    found = self.look_again(FIRST_PAUSE * 2_u32.pow(lost), creates).await?;
                    if found.have.is_none() && fixed.is_some() {
                        found.want.clone_from(&fixed);
                        found.want.iter_mut().for_each(crate::Part::forget);
                    }
                    if found.step == Next::Keep {
                        if creates {
                            self.cx.world().own(address, &realm, Ownership::Created);
                        }
                        return Ok(Applied {
                            now: found.have,
                            around: found.around,
                            receipt: R::Receipt::default(),
                        });
                    }
                }
                Err(failure) => {
                    if creates && matches!(self.find(None).await, Ok(Found { have: None, .. })) {
                        self.cx.world().own(address, &realm, Ownership::Gone);
                    }
                    return Err(failure);
                }
            }
        }
    }

    /// Reads what a write whose answer was lost has done; what it may have created is given time to be seen.
    async fn look_again(&self, mut pause: Duration, created: bool) -> Result<Found<R>> {
        for _ in 1..LOOKS_FOR_THE_UNSEEN {
            self.cx.sleep(pause).await;
            let found = self.find(None).await?;
            if !created || found.have.is_some() {
                return Ok(found);
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
        self.cx.sleep(pause).await;
        self.find(None).await
    }

    async fn write(&self, address: &Address, found: &mut Found<R>, realm: &Realm) -> Result<R::Receipt> {
        let (around, step) = (&found.around, found.step.clone());
        match (step, found.have.as_ref(), found.want.as_mut()) {
            (Next::Create, _, Some(want)) => {
                self.cx.world().own(address, realm, Ownership::Intended);
                self.resource.apply(self.cx, self.p, around, Change::Create { want }).await
            }
            (Next::Update, Some(have), Some(want)) => {
                self.resource.apply(self.cx, self.p, around, Change::Update { have, want }).await
            }
            (Next::Delete, Some(have), _) => {
                self.resource.apply(self.cx, self.p, around, Change::Delete { have }).await
            }
            (Next::Replace(why), Some(have), Some(want)) => {
                self.refuse_to_orphan(address, have, &why).await?;
                self.resource.apply(self.cx, self.p, around, Change::Delete { have }).await?;
                self.cx.note(address.clone(), None);
                self.wait_until_seen(address, true, R::Receipt::default()).await?;
                want.forget();
                self.cx.world().own(address, realm, Ownership::Intended);
                self.resource.apply(self.cx, self.p, around, Change::Create { want }).await
            }
            _ => Err(Failure::bug(format!("{address}: a change without its two sides"))),
        }
    }

    /// Reads until the thing is as desired (or gone), or the time is up.
    async fn wait_until_seen(
        &self,
        address: &Address,
        gone: bool,
        receipt: R::Receipt,
    ) -> Result<Applied<R>> {
        let mut clock = Clock::start(self.cx, self.resource.patience(self.p));
        loop {
            match self.find(Some(&receipt)).await {
                Ok(found) if gone && found.have.is_none() => {
                    return Ok(Applied { now: None, around: found.around, receipt });
                }
                Ok(found) if !gone && found.step == Next::Keep && found.have.is_some() => {
                    return Ok(Applied { now: found.have, around: found.around, receipt });
                }
                Err(failure) if gone && matches!(failure.kind, FailureKind::Missing(_)) => {
                    return Ok(Applied { now: None, around: R::Around::default(), receipt });
                }
                // Just created things are now and then not seen by the reads that look for their parts.
                Err(failure) if !matches!(failure.kind, FailureKind::Missing(_)) => return Err(failure),
                Ok(found) if clock.over() => return Err(not_converged(address, gone, &found)),
                Err(failure) if clock.over() => return Err(failure),
                Ok(_) | Err(_) => clock.pause().await,
            }
        }
    }

    // Destroying.

    async fn destroy(&self, address: &Address, mode: Mode) -> Result<Outcome> {
        let found = match self.find(None).await {
            Err(failure) if matches!(failure.kind, FailureKind::Missing(_)) => return Ok(Outcome::default()),
            found => found?,
        };
        let Some(have) = &found.have else { return Ok(Outcome::default()) };
        if found.want.is_none() {
            return Ok(kept(address, KeptWhy::AskedAbsent));
        }
        let realm = self.realm().await;
        if !self.cx.owns(address, &realm) && !self.resource.ours(have) {
            return Ok(kept(address, KeptWhy::NotOurs));
        }
        let held: Vec<Held> = self.resource.holds(self.cx, self.p, have).await?;
        let is_ours =
            |held: &Held| held.address.as_ref().is_some_and(|address| self.cx.owns(address, &realm));
        let (ours, foreign): (Vec<Held>, Vec<Held>) = held.into_iter().partition(is_ours);
        if !foreign.is_empty() {
            return Ok(kept(address, KeptWhy::Holds(foreign.into_iter().map(|held| held.name).collect())));
        }
        let mut reason = None;
        if mode == Mode::PlanDestroy {
            let listed = self.cx.shared::<Listed>();
            let unlisted = listed.without(ours, &realm);
            reason = self.resource.along(self.cx, self.p, have, &unlisted).await?;
            listed.add(address, &realm);
        }
        if mode == Mode::Destroy {
            let doomed =
                Found { have: Some(have.clone()), around: found.around, want: None, step: Next::Delete };
            self.apply(address, doomed).await?;
        }
        self.cx.note(address.clone(), None);
        Ok(Outcome {
            changed: true,
            diff: diff(address, true, Some(have), None),
            planned: vec![Planned {
                address: address.to_string(),
                action: Intent::Delete,
                fields: fields::<R::State>(Some(have), None),
                reason: reason.map(|along| format!("with {along}")),
            }],
            ..Outcome::default()
        })
    }

    async fn refuse_to_orphan(&self, address: &Address, have: &R::State, why: &str) -> Result<()> {
        let held = self.resource.orphans(self.cx, self.p, have).await?;
        if held.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = held.iter().map(|held| held.name.as_str()).collect();
        Err(Failure::new(format!(
            "could not replace {address} ({why}): {} would be orphaned",
            names.join(", ")
        ))
        .hint("remove what hangs on it first, or give the thing another name"))
    }

    /// The account is only needed for the ownership file: where it cannot be had, the thing is made all the same.
    async fn realm(&self) -> Realm {
        match self.resource.realm(self.cx, self.p).await {
            Ok(realm) => realm,
            Err(failure) => {
                self.cx.warn(format!("the ownership file will not name the account: {failure}"));
                Realm::default()
            }
        }
    }

    fn note_id(&self, address: &Address, state: Option<&R::State>) {
        if let Some(id) = state.and_then(|state| self.resource.id(state)) {
            self.cx.note(address.clone(), Some(id));
        }
    }
}

/// A deadline by the run's clock, with growing pauses.
struct Clock<'a> {
    cx: &'a Cx,
    end: SystemTime,
    pause: Duration,
}

impl<'a> Clock<'a> {
    fn start(cx: &'a Cx, seconds: u64) -> Self {
        Self { cx, end: cx.now() + Duration::from_secs(seconds), pause: FIRST_PAUSE }
    }

    fn over(&self) -> bool {
        self.cx.now() >= self.end
    }

    async fn pause(&mut self) {
        self.cx.sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

fn not_converged<R: Resource>(address: &Address, gone: bool, found: &Found<R>) -> Failure {
    if gone {
        return Failure::timed_out(format!("could not delete {address}: it is still there"));
    }
    let differing: Vec<String> = fields(found.have.as_ref(), found.want.as_ref())
        .into_iter()
        .map(|field| {
            let side = |value: Option<serde_json::Value>| {
                value.map_or("nothing".to_owned(), |value| value.to_string())
            };
            format!("{} is {}, not {}", field.path, side(field.before), side(field.after))
        })
        .collect();
    let what = if differing.is_empty() { "it is not there".to_owned() } else { differing.join("; ") };
    Failure::timed_out(format!("could not bring {address} to what was asked for: {what}"))
}

/// Returns whether a field may turn out to be as it is.
fn may_stay(field: &FieldChange) -> bool {
    field.unknown && !field.after.as_ref().is_some_and(unknown::is_renewed)
}

fn kept(address: &Address, why: KeptWhy) -> Outcome {
    Outcome {
        kept: vec![Kept { address: address.clone(), why }],
        planned: vec![keep(address)],
        ..Outcome::default()
    }
}

fn keep(address: &Address) -> Planned {
    Planned { address: address.to_string(), action: Intent::Keep, fields: Vec::new(), reason: None }
}

fn fields<S: crate::Part>(before: Option<&S>, after: Option<&S>) -> Vec<FieldChange> {
    changes(before.and_then(crate::Part::shown).as_ref(), after.and_then(crate::Part::shown).as_ref())
}

fn diff<S: crate::Part>(
    address: &Address,
    changed: bool,
    before: Option<&S>,
    after: Option<&S>,
) -> Vec<Diff> {
    if !changed {
        return Vec::new();
    }
    let side =
        |state: Option<&S>| state.and_then(crate::Part::shown).map_or(DiffSide::Absent, DiffSide::Data);
    vec![Diff {
        before: side(before),
        after: side(after),
        before_header: Some(address.to_string()),
        after_header: Some(address.to_string()),
        prepared: None,
    }]
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}
