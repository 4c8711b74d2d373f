//! An instance profile: what gives a role to machines.

use rplay_aws::{AwsParams, client, failing, once, optional, retry_on};
use rplay_client_iam::Iam;
use rplay_module::{Address, Change, Cx, Fact, Params, Realm, Report, Resource, Result, State};
use serde_json::{Value, json};

use crate::role::{self, NONE};

/// A role that was just made is not seen everywhere at once.
const UNSEEN_SECONDS: u64 = 30;

/// Keeps an instance profile that carries a role.
#[derive(Params, Clone)]
pub(crate) struct InstanceProfileParams {
    /// The profile's name.
    #[param(identity)]
    pub(crate) name: String,
    /// The path of a new profile. Omitted: `/`.
    pub(crate) path: Option<String>,
    /// The role that it carries. A profile that carries another one keeps that.
    pub(crate) role: String,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

/// An instance profile as it is or shall be.
#[derive(Clone, Debug, PartialEq, State)]
pub(crate) struct Profile {
    path: String,
    role: Option<String>,
    arn: Fact<String>,
}

pub(crate) struct InstanceProfile;

/// Returns what an instance profile is called in plans and in the ownership file.
pub(crate) fn address(name: &str) -> Address {
    Address::new("iam.instance_profile", name)
}

impl Resource for InstanceProfile {
    type Params = InstanceProfileParams;
    type State = Profile;
    type Around = ();
    type Receipt = ();

    fn address(&self, p: &InstanceProfileParams) -> Address {
        address(&p.name)
    }

    fn refers(&self, p: &InstanceProfileParams) -> Option<Vec<Address>> {
        Some(vec![role::address(&p.role)])
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &InstanceProfileParams,
        receipt: Option<&()>,
    ) -> Result<(Option<Profile>, ())> {
        let iam = client::<Iam>(cx, &p.aws).await?;
        let asked = iam.get_instance_profile().instance_profile_name(&p.name).send().await;
        let asked = asked.map_err(failing(format!("read instance profile {}", p.name)));
        let Some(found) = optional(asked, NONE)?.and_then(|answer| answer.instance_profile) else {
            return Ok((None, ()));
        };
        // A profile carries one role at most.
        let carried = found.roles().first().map(|role| role.role_name().to_owned());
        if let Some(other) = carried.as_ref().filter(|carried| **carried != p.role && receipt.is_none()) {
            cx.warn(format!("profile {} already exists and will not be updated: it carries {other}", p.name));
        }
        let profile =
            Profile { path: found.path().to_owned(), role: carried, arn: found.arn().to_owned().into() };
        Ok((Some(profile), ()))
    }

    fn desired(&self, p: &InstanceProfileParams, (): &(), have: Option<&Profile>) -> Result<Option<Profile>> {
        let path = have.map(|have| have.path.clone()).or_else(|| p.path.clone());
        Ok(Some(Profile {
            path: path.unwrap_or_else(|| "/".to_owned()),
            role: have.and_then(|have| have.role.clone()).or_else(|| Some(p.role.clone())),
            arn: have.map(|have| have.arn.clone()).unwrap_or_default(),
        }))
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &InstanceProfileParams,
        (): &(),
        change: Change<'_, Profile>,
    ) -> Result<()> {
        let iam = client::<Iam>(cx, &p.aws).await?;
        match change {
            Change::Create { want } => {
                create(&iam, p, want).await?;
                add(cx, &iam, p).await
            }
            Change::Update { .. } => add(cx, &iam, p).await,
            Change::Delete { have } => delete(cx, &iam, &p.name, have.role.as_deref()).await,
        }
    }

    fn output(&self, p: &InstanceProfileParams, report: &Report<'_, Self>) -> Value {
        let Some(profile) = report.state() else { return json!({}) };
        json!({ "name": p.name, "arn": profile.arn.text(&format!("{}: arn", address(&p.name))) })
    }

    fn id(&self, state: &Profile) -> Option<String> {
        state.arn.known().cloned()
    }

    async fn realm(&self, cx: &Cx, p: &InstanceProfileParams) -> Result<Realm> {
        rplay_client_sts::global_realm(cx, &p.aws).await
    }
}

async fn create(iam: &Iam, p: &InstanceProfileParams, want: &Profile) -> Result<()> {
    let call = iam.create_instance_profile().instance_profile_name(&p.name).path(&want.path);
    let created = call.customize().interceptor(once()).send().await;
    created
        .map_err(failing(format!("create instance profile {}", p.name)))
        .map(drop)
        .map_err(role::look_again)
}

async fn add(cx: &Cx, iam: &Iam, p: &InstanceProfileParams) -> Result<()> {
    retry_on(cx, NONE, UNSEEN_SECONDS, || async {
        let call = iam.add_role_to_instance_profile().instance_profile_name(&p.name).role_name(&p.role);
        // A second one is refused, as the profile is full by then.
        let added = call.customize().interceptor(once()).send().await;
        added.map_err(failing(format!("add role {} to instance profile {}", p.role, p.name))).map(drop)
    })
    .await
}

/// Deletes a profile, taking the role out of it first.
pub(crate) async fn delete(cx: &Cx, iam: &Iam, name: &str, role: Option<&str>) -> Result<()> {
    if let Some(role) = role {
        take_out(iam, name, role).await?;
    }
    retry_on(cx, &["DeleteConflict"], UNSEEN_SECONDS, || async {
        let deleted = iam.delete_instance_profile().instance_profile_name(name).send().await;
        optional(deleted.map_err(failing(format!("delete instance profile {name}"))), NONE).map(drop)
    })
    .await
}

/// Takes a role out of a profile.
pub(crate) async fn take_out(iam: &Iam, name: &str, role: &str) -> Result<()> {
    let call = iam.remove_role_from_instance_profile().instance_profile_name(name).role_name(role);
    let removed =
        call.send().await.map_err(failing(format!("take role {role} out of instance profile {name}")));
    optional(removed, NONE).map(drop)
}
