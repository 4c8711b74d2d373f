//! The calls that change a group.

use std::collections::BTreeMap;
use std::time::Duration;

use rplay_aws::{Probe, Wait, once, optional, retry_on, wait};
use rplay_client_ec2::sdk::types::{
    IpPermission, ResourceType, SecurityGroupRule, SecurityGroupRuleRequest, SecurityGroupRuleUpdate,
};
use rplay_client_ec2::{Ec2, filter, specification};
use rplay_module::{Cx, Failure, Result};

use super::rule::{Direction, Known, Peer, Ports, Rule, Rules, ports, protocol};
use super::{GONE, GroupState, SecurityGroupParams};
use crate::cidr;
use crate::refusals::{UNSEEN, failing};

pub(super) async fn create(
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
            // Without one the group is made in the default VPC.
            .set_vpc_id((!vpc_id.is_empty()).then(|| vpc_id.to_owned()))
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
pub(super) async fn made(cx: &Cx, ec2: &Ec2, id: &str, want: &GroupState) -> Result<GroupState> {
    let everything = Rules::everything_out();
    let made =
        GroupState { rules: Rules::new(Direction::In), rules_egress: everything.clone(), ..want.clone() };
    if want.rules_egress == everything {
        return Ok(made);
    }
    let patience =
        Wait { what: format!("security group {id}"), seconds: UNSEEN, every: Duration::from_secs(1) };
    let group = wait(cx, &patience, || async {
        let found = ec2.security_groups(vec![filter("group-id", [id])]).await?;
        let found = found.into_iter().find(|group| group.group_id() == Some(id));
        let complete = found.filter(|group| !group.ip_permissions_egress().is_empty());
        Ok(complete.map_or_else(|| Probe::pending("it is not seen yet"), Probe::Done))
    })
    .await?;
    let egress = GroupState::of(&group, &BTreeMap::new()).rules_egress;
    Ok(GroupState { rules_egress: egress, ..made })
}

/// A group whose rules are changed.
pub(super) struct Writing<'a> {
    pub(super) cx: &'a Cx,
    pub(super) ec2: &'a Ec2,
    pub(super) name: &'a str,
    pub(super) id: &'a str,
    /// How long the group may still be unknown, in seconds.
    pub(super) patience: u64,
}

impl Writing<'_> {
    /// New rules come before old ones go: what shall work before and after works all the time.
    pub(super) async fn update(&self, have: &GroupState, want: &GroupState) -> Result<()> {
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
