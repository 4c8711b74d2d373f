//! `security_group`: who may reach what is in it, and whom that may reach.

mod params;
mod rule;

use std::collections::BTreeMap;
use std::time::Duration;

use rplay_aws::{Probe, Tags, Wait, client, once, optional, retry_on, wait};
use rplay_client_ec2::sdk::types::{
    IpPermission, ResourceType, SecurityGroup as Ec2Group, SecurityGroupRule, SecurityGroupRuleRequest,
    SecurityGroupRuleUpdate,
};
use rplay_client_ec2::{Ec2, filter, specification, tags};
use rplay_module::unknown::{self, Cause};
use rplay_module::{
    Address, Change, Cx, Fact, Failure, FailureKind, Held, Realm, Report, Resource, Result, State, Verdict,
};
use serde_json::{Value, json};

pub(crate) use self::params::SecurityGroupParams;
use self::params::{Reading, desired};
use self::rule::{Direction, Known, Peer, Ports, Rule, Rules, ports, protocol};
use crate::refusals::{UNSEEN, failing, release};
use crate::{bare_vpc, cidr, subnet};

const GONE: [&str; 1] = ["InvalidGroup.NotFound"];

#[derive(Clone, Debug, PartialEq, State)]
pub(crate) struct GroupState {
    id: Fact<String>,
    owner: Fact<String>,
    description: String,
    rules: Rules,
    rules_egress: Rules,
    tags: Tags,
}

#[derive(Default)]
pub(crate) struct Around {
    vpc_id: String,
    /// The ids of the other groups that rules mention, by name; markers for those to be created.
    groups: BTreeMap<String, String>,
    /// False where nothing could be looked up.
    seen: bool,
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
    fn of(group: &Ec2Group, names: &BTreeMap<String, String>) -> Self {
        let known = Known { own_id: group.group_id(), own_account: group.owner_id(), names };
        Self {
            id: Fact::from_answer(group.group_id.clone()),
            owner: Fact::from_answer(group.owner_id.clone()),
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
            owner: have.map(|have| have.owner.clone()).unwrap_or_default(),
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
        let Some(id) = have.id.known() else { return Ok(Vec::new()) };
        let ec2 = client::<Ec2>(cx, &p.aws).await?;
        let (interfaces, into, out) = tokio::try_join!(
            ec2.network_interfaces(vec![filter("group-id", [id])]),
            ec2.security_groups(vec![filter("ip-permission.group-id", [id])]),
            ec2.security_groups(vec![filter("egress.ip-permission.group-id", [id])]),
        )?;
        let uses = |groups: &[rplay_client_ec2::sdk::types::GroupIdentifier]| {
            groups.iter().any(|group| group.group_id() == Some(id))
        };
        let interfaces =
            interfaces.iter().filter(|one| uses(one.groups())).filter_map(subnet::interface_held);
        let mut held: Vec<Held> = interfaces.collect();
        for group in into.iter().chain(&out).filter(|group| group.group_id() != Some(id) && names(group, id))
        {
            let name = group.group_name().unwrap_or_default();
            let entry = Held {
                name: format!("security group {name} (its rules name it)"),
                address: Some(address(p.scope(), name)),
            };
            if !held.contains(&entry) {
                held.push(entry);
            }
        }
        Ok(held)
    }

    async fn realm(&self, cx: &Cx, p: &SecurityGroupParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &p.aws).await
    }
}

/// Returns whether a rule of the group names the other one.
fn names(group: &Ec2Group, id: &str) -> bool {
    let permissions = group.ip_permissions().iter().chain(group.ip_permissions_egress());
    permissions.flat_map(IpPermission::user_id_group_pairs).any(|pair| pair.group_id() == Some(id))
}

async fn create(
    cx: &Cx,
    ec2: &Ec2,
    p: &SecurityGroupParams,
    vpc_id: &str,
    want: &GroupState,
) -> Result<String> {
    let made = retry_on(cx, &["InvalidVpcID.NotFound"], UNSEEN, || async {
        let sent = ec2
            .create_security_group()
            .group_name(&p.name)
            .description(&want.description)
            .vpc_id(vpc_id)
            .set_tag_specifications(
                specification(ResourceType::SecurityGroup, &want.tags.for_creation(cx))
                    .map(|tags| vec![tags]),
            )
            .customize()
            .interceptor(once())
            .send()
            .await;
        sent.map_err(failing(format!("create security group {}", p.name)))
    })
    .await?;
    made.group_id.ok_or_else(|| Failure::bug("CreateSecurityGroup gave no id"))
}

/// Returns what AWS has made of a new group. It is only looked at where rules for the way out are asked for: in a VPC with
/// IPv6 everything may go out by that as well.
async fn made(cx: &Cx, ec2: &Ec2, id: &str, want: &GroupState) -> Result<GroupState> {
    let everything = Rules::everything_out();
    let made =
        GroupState { rules: Rules::new(Direction::In), rules_egress: everything.clone(), ..want.clone() };
    if want.rules_egress == everything {
        return Ok(made);
    }
    let patience =
        Wait { what: format!("security group {id}"), seconds: UNSEEN, every: Duration::from_secs(1) };
    let group = wait(cx, &patience, || async {
        let found = ec2.security_groups(vec![filter("group-id", [id])]).await?.into_iter().next();
        let complete = found.filter(|group| !group.ip_permissions_egress().is_empty());
        Ok(complete.map_or_else(|| Probe::pending("it is not seen yet"), Probe::Done))
    })
    .await?;
    let egress = GroupState::of(&group, &BTreeMap::new()).rules_egress;
    Ok(GroupState { rules_egress: egress, ..made })
}

/// A group whose rules are changed.
struct Writing<'a> {
    cx: &'a Cx,
    ec2: &'a Ec2,
    name: &'a str,
    id: &'a str,
    /// How long the group may still be unknown, in seconds.
    patience: u64,
}

impl Writing<'_> {
    /// New rules come before old ones go: what shall work before and after works all the time.
    async fn update(&self, have: &GroupState, want: &GroupState) -> Result<()> {
        for (had, wanted) in [(&have.rules, &want.rules), (&have.rules_egress, &want.rules_egress)] {
            let direction = wanted.direction;
            self.authorize(direction, &self.permissions(&wanted.without(had))).await?;
            self.describe(direction, &had.described_otherwise(wanted)).await?;
            self.revoke(direction, &self.permissions(&had.without(wanted))).await?;
        }
        self.ec2.retag(self.id, &have.tags.change(&want.tags)).await
    }

    fn permissions(&self, rules: &BTreeMap<&Rule, &str>) -> Vec<IpPermission> {
        rules.iter().map(|(rule, description)| rule.permission(self.id, description)).collect()
    }

    async fn authorize(&self, direction: Direction, permissions: &[IpPermission]) -> Result<()> {
        if permissions.is_empty() {
            return Ok(());
        }
        let what = || format!("add rules to security group {}", self.name);
        let permissions = || Some(permissions.to_vec());
        retry_on(self.cx, &GONE, self.patience, || async {
            match direction {
                Direction::In => {
                    let call = self.ec2.authorize_security_group_ingress().group_id(self.id);
                    let call = call.set_ip_permissions(permissions()).customize().interceptor(once());
                    call.send().await.map(drop).map_err(failing(what()))
                }
                Direction::Out => {
                    let call = self.ec2.authorize_security_group_egress().group_id(self.id);
                    let call = call.set_ip_permissions(permissions()).customize().interceptor(once());
                    call.send().await.map(drop).map_err(failing(what()))
                }
            }
        })
        .await
    }

    async fn revoke(&self, direction: Direction, permissions: &[IpPermission]) -> Result<()> {
        if permissions.is_empty() {
            return Ok(());
        }
        let (what, permissions) =
            (format!("remove rules from security group {}", self.name), Some(permissions.to_vec()));
        let revoked = match direction {
            Direction::In => {
                let call = self.ec2.revoke_security_group_ingress().group_id(self.id);
                call.set_ip_permissions(permissions).send().await.map(drop).map_err(failing(what))
            }
            Direction::Out => {
                let call = self.ec2.revoke_security_group_egress().group_id(self.id);
                call.set_ip_permissions(permissions).send().await.map(drop).map_err(failing(what))
            }
        };
        // Sent again after a lost answer: gone is what was wanted.
        optional(revoked, &["InvalidPermission.NotFound"]).map(drop)
    }

    /// Descriptions can be changed in place, by the ids of the rules.
    async fn describe(&self, direction: Direction, rules: &BTreeMap<&Rule, &str>) -> Result<()> {
        if rules.is_empty() {
            return Ok(());
        }
        let what = format!("list the rules of security group {}", self.name);
        let call = self.ec2.describe_security_group_rules().filters(filter("group-id", [self.id]));
        let listed: Vec<SecurityGroupRule> =
            call.into_paginator().items().send().try_collect().await.map_err(failing(what))?;
        let out = direction == Direction::Out;
        let known = Known { own_id: Some(self.id), own_account: None, names: &BTreeMap::new() };
        let updates = listed.iter().filter(|listed| listed.is_egress() == Some(out)).filter_map(|listed| {
            let description = rules.get(&single(listed, &known)?)?;
            let rule = redescribed(listed, description);
            Some(
                SecurityGroupRuleUpdate::builder()
                    .security_group_rule_id(listed.security_group_rule_id()?)
                    .security_group_rule(rule)
                    .build(),
            )
        });
        let call = self.ec2.modify_security_group_rules().group_id(self.id);
        let sent = call.set_security_group_rules(Some(updates.collect())).send().await;
        let what = format!("describe rules of security group {}", self.name);
        sent.map(drop).map_err(failing(what))
    }
}

/// Returns a rule that is listed on its own.
fn single(listed: &SecurityGroupRule, known: &Known<'_>) -> Option<Rule> {
    let protocol = protocol(listed.ip_protocol()?);
    let given = match (listed.from_port(), listed.to_port()) {
        (Some(from), Some(to)) => Ports::Range(from, to),
        _ => Ports::None,
    };
    let ports = ports(&protocol, given);
    let v4 = listed.cidr_ipv4().map(|cidr| Peer::V4(cidr::normal(cidr)));
    let v6 = || listed.cidr_ipv6().map(|cidr| Peer::V6(cidr::normal(cidr)));
    let list = || listed.prefix_list_id().map(|id| Peer::PrefixList(id.to_owned()));
    let group = || Some(known.peer(listed.referenced_group_info()?.group_id()?, None));
    let peer = v4.or_else(v6).or_else(list).or_else(group)?;
    Some(Rule { protocol, ports, peer })
}

fn redescribed(listed: &SecurityGroupRule, description: &str) -> SecurityGroupRuleRequest {
    let group = listed.referenced_group_info().and_then(|group| group.group_id.clone());
    SecurityGroupRuleRequest::builder()
        .set_ip_protocol(listed.ip_protocol.clone())
        .set_from_port(listed.from_port)
        .set_to_port(listed.to_port)
        .set_cidr_ipv4(listed.cidr_ipv4.clone())
        .set_cidr_ipv6(listed.cidr_ipv6.clone())
        .set_prefix_list_id(listed.prefix_list_id.clone())
        .set_referenced_group_id(group)
        .description(description)
        .build()
}

#[cfg(test)]
mod tests;
