//! `security_group`: who may reach what is in it, and whom that may reach.

pub(crate) mod params;
pub(crate) mod rule;
mod writing;

use std::collections::{BTreeMap, BTreeSet};

use rplay_aws::{Tags, client};
use rplay_client_ec2::sdk::types::{IpPermission, NetworkInterface, SecurityGroup as Ec2Group};
use rplay_client_ec2::{Ec2, filter, tags};
use rplay_module::unknown::{self, Cause};
use rplay_module::{
    Address, Change, Cx, Fact, Failure, FailureKind, Held, Realm, Report, Resource, Result, State, Verdict,
};
use serde_json::{Value, json};

pub(crate) use self::params::SecurityGroupParams;
use self::params::{Reading, desired};
use self::rule::{Direction, Known, Peer, Ports, Rule, Rules};
use self::writing::{Writing, create, made};
use crate::refusals::{UNSEEN, failing, release};
use crate::{bare_vpc, interfaces};

const GONE: [&str; 1] = ["InvalidGroup.NotFound"];

#[derive(Clone, Debug, PartialEq, State)]
pub(crate) struct GroupState {
    pub(crate) id: Fact<String>,
    pub(crate) arn: Fact<String>,
    pub(crate) owner: Fact<String>,
    pub(crate) vpc_id: Fact<String>,
    pub(crate) description: String,
    pub(crate) rules: Rules,
    pub(crate) rules_egress: Rules,
    pub(crate) tags: Tags,
}

#[derive(Default)]
pub(crate) struct Around {
    pub(crate) vpc_id: String,
    /// The ids of the other groups that rules mention, by name; markers for those to be created.
    pub(crate) groups: BTreeMap<String, String>,
    /// False where nothing could be looked up.
    pub(crate) seen: bool,
}

pub(crate) struct SecurityGroup;

/// Returns the address of a group; `scope` is its VPC's name, or id where the playbook gives that.
pub(crate) fn address(scope: &str, name: &str) -> Address {
    Address::new("ec2.security_group", format!("{scope}/{name}"))
}

/// Returns the group as something that lives in its VPC; the default one goes with the VPC.
pub(crate) fn held(scope: &str, group: &Ec2Group) -> Option<Held> {
    let name = group.group_name().filter(|name| *name != "default")?;
    Some(Held { name: format!("security group {scope}/{name}"), address: Some(address(scope, name)) })
}

/// A group that rules name and that is not there.
fn nobody(p: &SecurityGroupParams, name: &str) -> Failure {
    let (own, address) = (&p.name, address(p.scope(), name));
    let message = format!("could not find {address}, which the rules of security group {own} name");
    let failure = Failure { kind: FailureKind::Missing(address), ..Failure::new(message) };
    failure.hint(format!("the task that makes {name} must stand before this one; where each names the other, add the rule in a third task"))
}

impl GroupState {
    pub(crate) fn of(group: &Ec2Group, names: &BTreeMap<String, String>) -> Self {
        let known = Known { own_id: group.group_id(), own_account: group.owner_id(), names };
        Self {
            id: Fact::from_answer(group.group_id.clone()),
            arn: Fact::from_answer(group.security_group_arn.clone()),
            owner: Fact::from_answer(group.owner_id.clone()),
            vpc_id: Fact::from_answer(group.vpc_id.clone()),
            description: group.description().unwrap_or_default().to_owned(),
            rules: Rules::of(Direction::In, group.ip_permissions(), &known),
            rules_egress: Rules::of(Direction::Out, group.ip_permissions_egress(), &known),
            tags: tags(group.tags()),
        }
    }

    /// Returns a group that is named by a rule and does not exist.
    fn nobody(&self) -> Option<&str> {
        self.all_rules().find_map(|rule| match &rule.peer {
            Peer::Nobody(name) => Some(name.as_str()),
            _ => None,
        })
    }

    fn all_rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.list.keys().chain(self.rules_egress.list.keys())
    }
}

impl SecurityGroup {
    async fn vpc_id(&self, cx: &Cx, ec2: &Ec2, p: &SecurityGroupParams) -> Result<Option<String>> {
        match (&p.vpc_id, &p.vpc) {
            (Some(id), _) => Ok(Some(id.clone())),
            (None, name) => {
                let name = name.as_deref().unwrap_or_default();
                bare_vpc::id_unless(p.state.is_absent(), cx, ec2, name).await
            }
        }
    }
}

impl Resource for SecurityGroup {
    type Params = SecurityGroupParams;
    type State = GroupState;
    type Around = Around;
    type Receipt = ();

    fn address(&self, p: &SecurityGroupParams) -> Address {
        address(p.scope(), &p.name)
    }

    fn refers(&self, p: &SecurityGroupParams) -> Option<Vec<Address>> {
        let groups = p.mentioned().into_iter().map(|name| address(p.scope(), name));
        Some(p.vpc.iter().map(|vpc| bare_vpc::address(vpc)).chain(groups).collect())
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &SecurityGroupParams,
        _: Option<&()>,
    ) -> Result<(Option<GroupState>, Around)> {
        let ec2 = client::<Ec2>(cx, &p.aws).await?;
        let Some(vpc_id) = self.vpc_id(cx, &ec2, p).await? else { return Ok((None, Around::default())) };
        let mentioned = p.mentioned();
        // The group and those that its rules name, in one call.
        let found = if unknown::is_unknown(&vpc_id) {
            Vec::new()
        } else {
            let names = std::iter::once(p.name.as_str()).chain(mentioned.iter().copied());
            ec2.security_groups(vec![filter("vpc-id", [&vpc_id]), filter("group-name", names)]).await?
        };
        let called = |name: &str| found.iter().find(|group| group.group_name() == Some(name));
        let mut groups = BTreeMap::new();
        for name in mentioned {
            let id = called(name).and_then(|group| group.group_id.clone());
            if let Some(id) = cx.lookup(&address(p.scope(), name), async { Ok(id) }).await? {
                groups.insert(name.to_owned(), id);
            }
        }
        let state = called(&p.name).map(|group| GroupState::of(group, &groups));
        Ok((state, Around { vpc_id, groups, seen: true }))
    }

    fn desired(
        &self,
        p: &SecurityGroupParams,
        around: &Around,
        have: Option<&GroupState>,
    ) -> Result<Option<GroupState>> {
        if p.state.is_absent() {
            return Ok(None);
        }
        let marker =
            |name: &str| unknown::marker(Cause::Created, &format!("{}: id", address(p.scope(), name)));
        let names = if around.seen {
            around.groups.clone()
        } else {
            p.mentioned().into_iter().map(|name| (name.to_owned(), marker(name))).collect()
        };
        let own_id = have.and_then(|have| have.id.known()).map(String::as_str);
        let own_account = have.and_then(|have| have.owner.known()).map(String::as_str);
        let reading = Reading { own_name: &p.name, known: Known { own_id, own_account, names: &names } };
        let rules = p.rules.as_ref().map(|rules| reading.rules("rules", rules)).transpose()?;
        let egress = p.rules_egress.as_ref().map(|rules| reading.rules("rules_egress", rules)).transpose()?;
        let none = Rules::new(Direction::In);
        let everything = Rules::everything_out();
        let want = GroupState {
            id: have.map(|have| have.id.clone()).unwrap_or_default(),
            arn: have.map(|have| have.arn.clone()).unwrap_or_default(),
            owner: have.map(|have| have.owner.clone()).unwrap_or_default(),
            vpc_id: have.map(|have| have.vpc_id.clone()).unwrap_or_default(),
            description: p
                .description
                .clone()
                .or_else(|| have.map(|have| have.description.clone()))
                .unwrap_or_default(),
            rules: desired(Direction::In, rules, p.purge_rules, have.map_or(&none, |have| &have.rules)),
            rules_egress: desired(
                Direction::Out,
                egress,
                p.purge_rules_egress,
                have.map_or(&everything, |have| &have.rules_egress),
            ),
            tags: Tags::desired(p.tags.as_ref(), p.purge_tags, have.map(|have| &have.tags)),
        };
        match want.nobody() {
            // A group that is there can be destroyed all the same: then only a change says it.
            Some(name) if have.is_none() => Err(nobody(p, name)),
            _ => Ok(Some(want)),
        }
    }

    fn verdict(&self, _: &SecurityGroupParams, have: &GroupState, want: &GroupState) -> Verdict {
        if have == want {
            Verdict::Keep
        } else if have.description != want.description && !unknown::is_unknown(&want.description) {
            Verdict::Replace("description cannot be changed in place".to_owned())
        } else {
            Verdict::Update
        }
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &SecurityGroupParams,
        around: &Around,
        change: Change<'_, GroupState>,
    ) -> Result<()> {
        let ec2 = client::<Ec2>(cx, &p.aws).await?;
        if let Change::Create { want } | Change::Update { want, .. } = change {
            if let Some(name) = want.nobody() {
                return Err(nobody(p, name));
            }
            if let Some(rule) = want.all_rules().find(|rule| matches!(rule.ports, Ports::Unknown(_))) {
                let message = format!(
                    "could not change security group {}: a rule for {} has no ports",
                    p.name, rule.peer
                );
                return Err(Failure::new(message));
            }
        }
        match change {
            Change::Create { want } => {
                let id = create(cx, &ec2, p, &around.vpc_id, want).await?;
                let made = made(cx, &ec2, &id, want).await?;
                Writing { cx, ec2: &ec2, name: &p.name, id: &id, patience: UNSEEN }.update(&made, want).await
            }
            Change::Update { have, want } => {
                let id = have.id.known().ok_or_else(|| Failure::bug("a security group without an id"))?;
                Writing { cx, ec2: &ec2, name: &p.name, id, patience: 0 }.update(have, want).await
            }
            Change::Delete { have } => {
                let id = have.id.known().ok_or_else(|| Failure::bug("a security group without an id"))?;
                release(cx, &GONE, || async {
                    let sent = ec2.delete_security_group().group_id(id).send().await;
                    sent.map(drop).map_err(failing(format!("delete security group {} ({id})", p.name)))
                })
                .await
            }
        }
    }

    fn output(&self, p: &SecurityGroupParams, report: &Report<'_, Self>) -> Value {
        let label = format!("{}: id", address(p.scope(), &p.name));
        let id = report.state().map(|state| state.id.json(&label));
        json!({
            "id": id,
            "group_id": id,
            "name": p.name,
            "vpc_id": report.around.vpc_id,
            "description": report.state().map(|state| &state.description),
            "rules": report.state().map(|state| state.rules.json()),
            "rules_egress": report.state().map(|state| state.rules_egress.json()),
            "tags": report.state().map(|state| state.tags.json()),
        })
    }

    fn id(&self, state: &GroupState) -> Option<String> {
        state.id.known().cloned()
    }

    fn ours(&self, have: &GroupState) -> bool {
        have.tags.owned()
    }

    /// Interfaces that use it, and other groups whose rules name it.
    async fn holds(&self, cx: &Cx, p: &SecurityGroupParams, have: &GroupState) -> Result<Vec<Held>> {
        let (interfaces, groups) = users(cx, p, have).await?;
        let staying = interfaces.iter().filter(|one| !interfaces::goes_by_itself(one)).map(interfaces::held);
        Ok(staying.chain(groups).collect())
    }

    async fn orphans(&self, cx: &Cx, p: &SecurityGroupParams, have: &GroupState) -> Result<Vec<Held>> {
        let (interfaces, groups) = users(cx, p, have).await?;
        Ok(interfaces.iter().map(interfaces::held).chain(groups).collect())
    }

    async fn realm(&self, cx: &Cx, p: &SecurityGroupParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &p.aws).await
    }
}

/// Returns the interfaces that use the group, and the other groups whose rules name it.
pub(crate) async fn users(
    cx: &Cx,
    p: &SecurityGroupParams,
    have: &GroupState,
) -> Result<(Vec<NetworkInterface>, Vec<Held>)> {
    let Some(id) = have.id.known() else { return Ok((Vec::new(), Vec::new())) };
    let ec2 = client::<Ec2>(cx, &p.aws).await?;
    let (mut interfaces, into, out) = tokio::try_join!(
        ec2.network_interfaces(vec![filter("group-id", [id])]),
        ec2.security_groups(vec![filter("ip-permission.group-id", [id])]),
        ec2.security_groups(vec![filter("egress.ip-permission.group-id", [id])]),
    )?;
    interfaces.retain(|interface| interface.groups().iter().any(|group| group.group_id() == Some(id)));
    let others = into.iter().chain(&out).filter(|group| group.group_id() != Some(id) && names(group, id));
    let names: BTreeSet<&str> = others.filter_map(Ec2Group::group_name).collect();
    let groups = names.into_iter().map(|name| Held {
        name: format!("security group {name} (its rules name it)"),
        address: Some(address(p.scope(), name)),
    });
    Ok((interfaces, groups.collect()))
}

/// Returns whether a rule of the group names the other one.
fn names(group: &Ec2Group, id: &str) -> bool {
    let permissions = group.ip_permissions().iter().chain(group.ip_permissions_egress());
    permissions.flat_map(IpPermission::user_id_group_pairs).any(|pair| pair.group_id() == Some(id))
}

#[cfg(test)]
mod tests;
