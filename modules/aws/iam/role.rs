//! A role with its policies, managed and inline.

mod writer;

use std::collections::{BTreeMap, BTreeSet};

use rplay_aws::{Document, Tags, client, failing, is_code, optional, timestamp};
use rplay_client_iam::{Iam, sdk, tags};
use rplay_module::unknown::{Cause, is_unknown, marker};
use rplay_module::{
    Address, Change, Cx, Fact, Failure, FailureKind, Held, Realm, Report, Resource, Result, State,
};
use sdk::types::{AttachedPolicy, Role as Found};
use serde_json::{Map, Value, json};

use crate::iam_role::{IamRoleParams, Presence, is_arn};
use crate::instance_profile;
use writer::Writer;

/// What IAM says when there is none.
pub(crate) const NONE: &[&str] = &["NoSuchEntity"];
/// What a session lasts unless told otherwise, in seconds.
const SESSION: i32 = 3600;

/// A role as it is or shall be.
#[derive(Clone, Debug, PartialEq, State)]
pub(crate) struct RoleState {
    path: String,
    description: Option<String>,
    assume_role_policy_document: Document,
    max_session_duration: i32,
    boundary: Option<String>,
    /// ARNs.
    managed_policies: BTreeSet<String>,
    /// Read only where the playbook names some.
    inline_policies: Option<BTreeMap<String, Document>>,
    tags: Tags,
    arn: Fact<String>,
    role_id: Fact<String>,
    create_date: Fact<String>,
    boundary_type: Fact<String>,
    last_used: Fact<Value>,
}

/// The ARNs of the managed policies that the playbook calls by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around {
    arns: BTreeMap<String, String>,
}

/// What was written, with what the answers told: the result where nobody waits for it to be seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receipt {
    written: Option<(RoleState, Around)>,
}

/// Keeps a role.
pub(crate) struct Role;

/// Returns what a role is called in plans and in the ownership file.
pub(crate) fn address(name: &str) -> Address {
    Address::new("iam.role", name)
}

impl Resource for Role {
    type Params = IamRoleParams;
    type State = RoleState;
    type Around = Around;
    type Receipt = Receipt;

    fn address(&self, p: &IamRoleParams) -> Address {
        address(&p.name)
    }

    fn refers(&self, p: &IamRoleParams) -> Option<Vec<Address>> {
        let names = p.managed_policies.iter().flatten().filter(|policy| !is_arn(policy));
        Some(names.map(|name| policy_address(name)).collect())
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &IamRoleParams,
        receipt: Option<&Receipt>,
    ) -> Result<(Option<RoleState>, Around)> {
        p.validate()?;
        if let Some((state, around)) = receipt.and_then(|receipt| receipt.written.clone()).filter(|_| !p.wait)
        {
            return Ok((Some(state), around));
        }
        let iam = client::<Iam>(cx, &p.aws).await?;
        let Some(found) = iam.role(&p.name).await? else {
            return Ok((None, Around::look_up(cx, &iam, p, &[]).await?));
        };
        if let Some(path) = p.path.as_deref().filter(|path| *path != found.path() && receipt.is_none()) {
            cx.warn(format!("AWS cannot change the path of role {} from {} to {path}", p.name, found.path()));
        }
        let (attached, inline) = tokio::try_join!(iam.attached(&p.name), inline(&iam, p))?;
        let around = Around::look_up(cx, &iam, p, &attached).await?;
        Ok((Some(RoleState::of(&found, &attached, inline)?), around))
    }

    fn desired(
        &self,
        p: &IamRoleParams,
        around: &Around,
        have: Option<&RoleState>,
    ) -> Result<Option<RoleState>> {
        if p.state == Presence::Absent {
            return Ok(None);
        }
        let trust = p.assume_role_policy_document.as_ref().map(|document| Document::new(document.0.clone()));
        let trust = trust.or_else(|| have.map(|have| have.assume_role_policy_document.clone()));
        let path = have.map(|have| have.path.clone()).or_else(|| p.path.clone());
        let boundary = p.boundary.clone().or_else(|| have.and_then(|have| have.boundary.clone()));
        let description = p.description.clone().or_else(|| have.and_then(|have| have.description.clone()));
        let duration = p.max_session_duration.or(have.map(|have| have.max_session_duration));
        Ok(Some(RoleState {
            path: path.unwrap_or_else(|| "/".to_owned()),
            description: description.filter(|text| !text.is_empty()),
            assume_role_policy_document: trust
                .ok_or_else(|| Failure::bug("a role without a trust policy"))?,
            max_session_duration: duration.unwrap_or(SESSION),
            boundary: boundary.filter(|arn| !arn.is_empty()),
            managed_policies: managed(p, around, have),
            inline_policies: inline_policies(p, have),
            tags: Tags::desired(p.tags.as_ref(), p.purge_tags, have.map(|have| &have.tags)),
            arn: have.map(|have| have.arn.clone()).unwrap_or_default(),
            role_id: have.map(|have| have.role_id.clone()).unwrap_or_default(),
            create_date: have.map(|have| have.create_date.clone()).unwrap_or_default(),
            boundary_type: have.map(|have| have.boundary_type.clone()).unwrap_or_default(),
            last_used: have.map(|have| have.last_used.clone()).unwrap_or_default(),
        }))
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &IamRoleParams,
        around: &Around,
        change: Change<'_, RoleState>,
    ) -> Result<Receipt> {
        let iam = client::<Iam>(cx, &p.aws).await?;
        let fresh = matches!(change, Change::Create { .. });
        let writer = Writer { cx, iam: &iam, name: &p.name, fresh };
        let written = match change {
            Change::Create { want } => writer.create(want).await?,
            Change::Update { have, want } => {
                writer.update(have, want).await?;
                want.clone()
            }
            Change::Delete { have } => {
                writer.delete(have, p.delete_instance_profile == Some(true)).await?;
                return Ok(Receipt::default());
            }
        };
        Ok(Receipt { written: Some((written, around.clone())) })
    }

    /// `arn` beside the role itself is what Ansible's module returned before it had `iam_role`.
    fn output(&self, p: &IamRoleParams, report: &Report<'_, Self>) -> Value {
        let Some(role) = report.after else { return json!({}) };
        let role = role.output(&p.name);
        json!({ "arn": role["arn"], "iam_role": role })
    }

    fn id(&self, state: &RoleState) -> Option<String> {
        state.arn.known().cloned()
    }

    fn ours(&self, have: &RoleState) -> bool {
        have.tags.owned()
    }

    /// Machines lose their role with it, so their profiles must be ours too.
    async fn holds(&self, cx: &Cx, p: &IamRoleParams, _: &RoleState) -> Result<Vec<Held>> {
        let iam = client::<Iam>(cx, &p.aws).await?;
        let profiles = profiles(&iam, &p.name).await?;
        let held = |name: String| Held {
            address: Some(instance_profile::address(&name)),
            name: format!("instance profile {name}"),
        };
        Ok(profiles.into_iter().map(held).collect())
    }

    async fn realm(&self, cx: &Cx, p: &IamRoleParams) -> Result<Realm> {
        rplay_client_sts::global_realm(cx, &p.aws).await
    }

    fn patience(&self, p: &IamRoleParams) -> u64 {
        p.wait_timeout
    }
}

/// Reads the inline policies where the playbook names some: each costs a call.
async fn inline(iam: &Iam, p: &IamRoleParams) -> Result<Option<BTreeMap<String, Document>>> {
    if p.inline_policies.is_none() {
        return Ok(None);
    }
    let found = iam.inline(&p.name).await?;
    Ok(Some(found.into_iter().map(|(name, document)| (name, Document::new(document))).collect()))
}

/// Returns the names of the instance profiles that carry a role.
async fn profiles(iam: &Iam, role: &str) -> Result<Vec<String>> {
    let pages = iam.list_instance_profiles_for_role().role_name(role).into_paginator().items().send();
    let listed = pages.try_collect().await;
    let listed = listed.map_err(failing(format!("list the instance profiles of role {role}")));
    let found = optional(listed, NONE)?.unwrap_or_default();
    Ok(found.into_iter().map(|profile| profile.instance_profile_name).collect())
}

fn policy_address(name: &str) -> Address {
    Address::new("iam.policy", name)
}

fn managed(p: &IamRoleParams, around: &Around, have: Option<&RoleState>) -> BTreeSet<String> {
    let attached = have.map(|have| have.managed_policies.clone()).unwrap_or_default();
    let Some(asked) = &p.managed_policies else { return attached };
    let asked = asked.iter().map(|policy| around.arn(policy));
    if p.purge_policies { asked.collect() } else { asked.chain(attached).collect() }
}

fn inline_policies(p: &IamRoleParams, have: Option<&RoleState>) -> Option<BTreeMap<String, Document>> {
    let have = have.and_then(|have| have.inline_policies.clone());
    let Some(asked) = &p.inline_policies else { return have };
    let mut policies = have.filter(|_| !p.purge_policies).unwrap_or_default();
    policies.extend(asked.iter().map(|(name, document)| (name.clone(), Document::new(document.0.clone()))));
    Some(policies)
}

impl Around {
    /// Finds the policies that the playbook calls by name. One that is attached needs no asking.
    async fn look_up(cx: &Cx, iam: &Iam, p: &IamRoleParams, attached: &[AttachedPolicy]) -> Result<Self> {
        let mut arns = BTreeMap::new();
        if p.state == Presence::Absent {
            return Ok(Self { arns });
        }
        let names =
            p.managed_policies.iter().flatten().filter(|policy| !is_arn(policy) && !is_unknown(policy));
        for name in names {
            let attached = attached.iter().find(|policy| policy.policy_name() == Some(name));
            let arn = match attached.and_then(AttachedPolicy::policy_arn) {
                Some(arn) => arn.to_owned(),
                None => find_policy(cx, iam, name).await?,
            };
            arns.insert(name.clone(), arn);
        }
        Ok(Self { arns })
    }

    fn arn(&self, policy: &str) -> String {
        if is_arn(policy) || is_unknown(policy) {
            return policy.to_owned();
        }
        // Not looked up yet where the role's own name is not known yet.
        let unknown = || marker(Cause::Created, &format!("{}: arn", policy_address(policy)));
        self.arns.get(policy).cloned().unwrap_or_else(unknown)
    }
}

async fn find_policy(cx: &Cx, iam: &Iam, name: &str) -> Result<String> {
    let find = async { Ok(iam.policy(name).await?.and_then(|policy| policy.arn)) };
    cx.lookup(&policy_address(name), find).await?.ok_or_else(|| {
        Failure::new(format!("could not find a managed policy named {name}"))
            .hint("looked among the account's own and AWS's; names of policies are case-sensitive")
    })
}

impl RoleState {
    fn of(
        found: &Found,
        attached: &[AttachedPolicy],
        inline_policies: Option<BTreeMap<String, Document>>,
    ) -> Result<Self> {
        let name = found.role_name();
        let trust = found.assume_role_policy_document().unwrap_or("{}");
        let boundary = found.permissions_boundary();
        let boundary_type = boundary.and_then(|boundary| boundary.permissions_boundary_type());
        Ok(Self {
            path: found.path().to_owned(),
            description: found.description().filter(|text| !text.is_empty()).map(str::to_owned),
            assume_role_policy_document: Document::parse(trust, &format!("trust policy of role {name}"))?,
            max_session_duration: found.max_session_duration().unwrap_or(SESSION),
            boundary: boundary.and_then(|boundary| boundary.permissions_boundary_arn()).map(str::to_owned),
            managed_policies: attached
                .iter()
                .filter_map(|policy| policy.policy_arn().map(str::to_owned))
                .collect(),
            inline_policies,
            tags: tags(found.tags()),
            arn: found.arn().to_owned().into(),
            role_id: found.role_id().to_owned().into(),
            create_date: timestamp(found.create_date()).into(),
            boundary_type: Fact::from_answer(boundary_type.map(|kind| kind.as_str().to_owned())),
            last_used: last_used(found).into(),
        })
    }

    /// Returns the role as Ansible returns it.
    fn output(&self, name: &str) -> Value {
        let label = |field: &str| format!("{}: {field}", address(name));
        let trust = self.assume_role_policy_document.json();
        let mut role = json!({
            "role_name": name,
            "path": self.path,
            "arn": self.arn.text(&label("arn")),
            "role_id": self.role_id.text(&label("role_id")),
            "create_date": self.create_date.text(&label("create_date")),
            "assume_role_policy_document": trust,
            "assume_role_policy_document_raw": trust,
            "max_session_duration": self.max_session_duration,
            "role_last_used": self.last_used.known().cloned().unwrap_or_else(|| json!({})),
            "attached_policies": self.managed_policies.iter().map(|arn| attached_output(arn)).collect::<Value>(),
            "tags": self.tags.json(),
        });
        // What is not set is left out.
        if let Some(text) = &self.description {
            role["description"] = text.as_str().into();
        }
        if let Some(arn) = &self.boundary {
            let kind = self.boundary_type.known().map_or("Policy", String::as_str);
            role["permissions_boundary"] =
                json!({ "permissions_boundary_arn": arn, "permissions_boundary_type": kind });
        }
        role
    }
}

/// The name of a policy is the end of its ARN.
fn attached_output(arn: &str) -> Value {
    let name = if is_unknown(arn) { arn } else { arn.rsplit('/').next().unwrap_or(arn) };
    json!({ "policy_arn": arn, "policy_name": name })
}

fn last_used(found: &Found) -> Value {
    let Some(used) = found.role_last_used() else { return json!({}) };
    let date = used.last_used_date().map(|date| ("last_used_date", timestamp(date)));
    let region = used.region().map(|region| ("region", region.to_owned()));
    let fields = date.into_iter().chain(region).map(|(name, text)| (name.to_owned(), Value::from(text)));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// It was not there a moment ago: a creation whose answer was lost, or one that is not seen everywhere yet. The driver reads
/// again and goes on with what is there.
pub(crate) fn look_again(failure: Failure) -> Failure {
    if is_code(&failure, &["EntityAlreadyExists"]) {
        return Failure { kind: FailureKind::Lost, ..failure };
    }
    failure
}
