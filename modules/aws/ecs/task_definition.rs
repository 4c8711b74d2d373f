//! The resource behind `ecs_taskdef` and `ecs_taskdefinition`: the newest active revision of a family.
//!
//! A revision cannot be changed: any difference registers another one. Only tags are changed in place. What is written is
//! the whole definition: an omitted field is not set in the next revision, whatever the last one had.

mod accelerator;
pub(crate) mod container;
mod definition;
mod fitness;
mod limits;
mod normal;
mod registering;
mod request;
mod roles;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth;
mod volume;

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use rplay_aws::{Tags, client};
use rplay_client_ecs::{Ecs, sdk};
use rplay_module::{
    Address, Change, Cx, Fact, Failure, Held, Realm, Report, Resource, Result, State, Verdict,
};
use sdk::types::TaskDefinitionStatus;
use serde_json::Value;

use crate::shape::Shape as _;

pub(crate) use container::ContainerDefinition;
pub(crate) use definition::{RuntimePlatform, TaskDefinition, TaskDefinitionPlacementConstraint};
pub(crate) use limits::LinuxParameters;
pub(crate) use request::Request;
pub(crate) use volume::Volume;

/// The newest active revision of a family, or one that is named by its number.
pub(crate) struct TaskDefinitions<R>(PhantomData<fn() -> R>);

/// A revision.
#[derive(State, Clone, Debug, PartialEq)]
pub(crate) struct Revision {
    #[state(flatten)]
    pub(crate) definition: TaskDefinition,
    pub(crate) tags: Tags,
    pub(crate) arn: Fact<String>,
    pub(crate) number: Fact<i32>,
    /// As AWS describes it, with its own names.
    pub(crate) described: Fact<Value>,
    /// It was registered by this very task.
    fresh: Fact<bool>,
}

/// What a definition names and AWS knows otherwise.
#[derive(Default)]
pub(crate) struct Around {
    /// ARNs by the roles' names.
    roles: BTreeMap<String, String>,
    /// The one that is asked for by its number, where it is no longer active.
    pub(crate) inactive: Option<Value>,
}

/// What was written.
#[derive(Default)]
pub(crate) struct Receipt {
    registered: Option<String>,
    deregistered: Vec<String>,
}

impl<R> TaskDefinitions<R> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R: Request> TaskDefinitions<R> {
    /// Returns the definition as it is written, with ARNs for the names of roles.
    pub(crate) fn asked(p: &R, around: &Around) -> Result<TaskDefinition> {
        let mut definition = p.definition()?;
        for role in [&mut definition.task_role_arn, &mut definition.execution_role_arn].into_iter().flatten()
        {
            if let Some(arn) = around.roles.get(role) {
                role.clone_from(arn);
            }
        }
        Ok(definition)
    }

    async fn roles(&self, cx: &Cx, p: &R, have: Option<&Revision>) -> Result<BTreeMap<String, String>> {
        let definition = p.definition()?;
        let held = have.map(|have| &have.definition);
        let pairs = [
            (definition.task_role_arn, held.and_then(|held| held.task_role_arn.as_deref())),
            (definition.execution_role_arn, held.and_then(|held| held.execution_role_arn.as_deref())),
        ];
        let mut roles = BTreeMap::new();
        for (asked, held) in pairs {
            if let Some(asked) = asked {
                roles.insert(asked.clone(), roles::arn(cx, p.aws(), &asked, held).await?);
            }
        }
        Ok(roles)
    }

    /// Returns the ARNs of the revisions that go when this one is deleted.
    async fn doomed(ecs: &Ecs, p: &R, have: &Revision) -> Result<Vec<String>> {
        let arn = have.arn.known().ok_or_else(|| Failure::bug("a task definition without its ARN"))?;
        match p.revision() {
            Some(_) => Ok(vec![arn.clone()]),
            // In a destruction the task itself does not ask for absence: others' revisions are not ours to take.
            None if !p.is_absent() && have.tags.owned() => registering::owned(ecs, &p.family()).await,
            None => registering::active(ecs, &p.family()).await,
        }
    }

    /// Returns whether a revision is to be registered that is not there yet.
    fn registers(p: &R, have: Option<&Revision>, definition: &TaskDefinition) -> bool {
        let Some(have) = have else { return true };
        let another = p.revision().is_some_and(|number| have.number.known() != Some(&number));
        let anyway = p.always_registers() && have.fresh.known() != Some(&true);
        another || anyway || have.definition != *definition
    }
}

impl<R: Request> Resource for TaskDefinitions<R> {
    type Params = R;
    type State = Revision;
    type Around = Around;
    type Receipt = Receipt;

    fn address(&self, p: &R) -> Address {
        let name = match p.revision() {
            Some(number) if p.is_absent() => format!("{}:{number}", p.family()),
            _ => p.family(),
        };
        Address::new("ecs.task_definition", name)
    }

    async fn read(&self, cx: &Cx, p: &R, receipt: Option<&Receipt>) -> Result<(Option<Revision>, Around)> {
        // What is wrong with the parameters is said before any call.
        p.definition()?;
        let ecs = client::<Ecs>(cx, p.aws()).await?;
        let mut around = Around::default();
        let have = match (receipt.and_then(|receipt| receipt.registered.as_ref()), p.revision()) {
            (Some(arn), _) => described(&ecs, arn, true).await?,
            (None, Some(number)) => self.numbered(&ecs, p, number, &mut around).await?,
            (None, None) => described(&ecs, &p.family(), false).await?,
        };
        // An older revision than those that were deregistered is none of ours to wait for.
        let gone = receipt.map(|receipt| receipt.deregistered.as_slice()).unwrap_or_default();
        let have =
            have.filter(|have| gone.is_empty() || have.arn.known().is_some_and(|arn| gone.contains(arn)));
        if !p.is_absent() {
            around.roles = self.roles(cx, p, have.as_ref()).await?;
        }
        Ok((have, around))
    }

    fn desired(&self, p: &R, around: &Around, have: Option<&Revision>) -> Result<Option<Revision>> {
        if p.is_absent() {
            return Ok(None);
        }
        if let (Some(number), Some(have)) = (p.revision(), have) {
            // The revision of that number is there, and cannot be changed.
            if have.number.known() == Some(&number) && !p.always_registers() {
                return Ok(Some(have.clone()));
            }
        }
        let definition = normal::normal(Self::asked(p, around)?);
        let tags = Tags::desired(p.tags(), p.purges_tags(), have.map(|have| &have.tags));
        let same = have.filter(|have| !Self::registers(p, Some(have), &definition));
        if same.is_none() {
            fitness::check(&definition)?;
        }
        Ok(Some(Revision {
            arn: same.map(|same| same.arn.clone()).unwrap_or_default(),
            number: same.map(|same| same.number.clone()).unwrap_or_default(),
            described: same.map(|same| same.described.clone()).unwrap_or_default(),
            fresh: Fact::Unknown,
            definition,
            tags,
        }))
    }

    fn normal(&self, revision: Revision) -> Revision {
        Revision { definition: normal::normal(revision.definition), ..revision }
    }

    fn verdict(&self, p: &R, have: &Revision, want: &Revision) -> Verdict {
        if have == want && !Self::registers(p, Some(have), &want.definition) {
            Verdict::Keep
        } else {
            Verdict::Update
        }
    }

    async fn apply(&self, cx: &Cx, p: &R, around: &Around, change: Change<'_, Revision>) -> Result<Receipt> {
        let ecs = client::<Ecs>(cx, p.aws()).await?;
        match change {
            Change::Update { have, want } if !Self::registers(p, Some(have), &want.definition) => {
                let arn =
                    have.arn.known().ok_or_else(|| Failure::bug("a task definition without its ARN"))?;
                ecs.retag(arn, &have.tags.change(&want.tags)).await?;
                Ok(Receipt::default())
            }
            Change::Create { want } | Change::Update { want, .. } => {
                let asked = Self::asked(p, around)?;
                let tags = want.tags.for_creation(cx);
                let arn = registering::register(&ecs, &p.family(), &asked, &tags).await?;
                Ok(Receipt { registered: Some(arn), ..Receipt::default() })
            }
            Change::Delete { have } => {
                let deregistered = Self::doomed(&ecs, p, have).await?;
                registering::deregister(&ecs, &deregistered).await?;
                Ok(Receipt { deregistered, ..Receipt::default() })
            }
        }
    }

    fn output(&self, p: &R, report: &Report<'_, Self>) -> Value {
        p.output(report)
    }

    fn id(&self, revision: &Revision) -> Option<String> {
        revision.arn.known().cloned()
    }

    fn ours(&self, have: &Revision) -> bool {
        have.tags.owned()
    }

    async fn along(&self, cx: &Cx, p: &R, have: &Revision, _unlisted: &[Held]) -> Result<Option<String>> {
        let ecs = client::<Ecs>(cx, p.aws()).await?;
        let count = Self::doomed(&ecs, p, have).await?.len();
        Ok((count > 1).then(|| format!("{count} revisions")))
    }

    async fn realm(&self, cx: &Cx, p: &R) -> Result<Realm> {
        rplay_client_sts::realm(cx, p.aws()).await
    }
}

impl<R: Request> TaskDefinitions<R> {
    /// Returns the revision of that number, else the newest: the next one to be registered may be meant.
    async fn numbered(
        &self,
        ecs: &Arc<Ecs>,
        p: &R,
        number: i32,
        around: &mut Around,
    ) -> Result<Option<Revision>> {
        let family = p.family();
        let named = ecs.task_definition(&format!("{family}:{number}")).await?;
        if let Some((found, tags)) = named {
            if found.status == Some(TaskDefinitionStatus::Active) {
                return Ok(Some(revision(&found, tags, false)));
            }
            if !p.is_absent() {
                let message = format!(
                    "A task in family '{family}' already exists for revision {number}, but it is inactive"
                );
                return Err(Failure::new(message));
            }
            around.inactive = Some(registering::described(&found));
        }
        if p.is_absent() {
            return Ok(None);
        }
        let newest = described(ecs, &family, false).await?;
        let next = newest.as_ref().and_then(|newest| newest.number.known()).map_or(1, |newest| newest + 1);
        if next == number {
            return Ok(newest);
        }
        Err(Failure::new(format!(
            "You have specified a revision of {number} but a created revision would be {next}"
        )))
    }
}

/// Returns an active revision by family (the newest), `family:number` or ARN.
async fn described(ecs: &Ecs, name: &str, fresh: bool) -> Result<Option<Revision>> {
    let found = ecs.task_definition(name).await?;
    let active = found.filter(|(found, _)| found.status == Some(TaskDefinitionStatus::Active));
    Ok(active.map(|(found, tags)| revision(&found, tags, fresh)))
}

fn revision(found: &sdk::types::TaskDefinition, tags: Tags, fresh: bool) -> Revision {
    Revision {
        definition: TaskDefinition::from_sdk(found),
        tags,
        arn: Fact::from_answer(found.task_definition_arn.clone()),
        number: Fact::Known(found.revision),
        described: Fact::Known(registering::described(found)),
        fresh: Fact::Known(fresh),
    }
}
