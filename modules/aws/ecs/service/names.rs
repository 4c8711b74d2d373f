//! What a service refers to by name: security groups, target groups, the newest revision of a family.

use std::collections::BTreeMap;

use rplay_aws::client;
use rplay_client_ec2::sdk::types::SecurityGroup;
use rplay_client_ec2::{Ec2, filter};
use rplay_client_ecs::Ecs;
use rplay_client_elbv2::Elbv2;
use rplay_module::unknown::{self, Cause};
use rplay_module::{Address, Cx, Failure, Foretold, Result};

use super::State;
use super::state::revision_named;
use crate::ecs_service::{EcsServiceParams, ServiceState};

/// What `desired` has to know of the things around the service.
#[derive(Debug, Default)]
pub(crate) struct Around {
    /// `family:revision` of a family without a revision.
    pub(crate) task_definition: Option<String>,
    /// The change has been made.
    pub(crate) applied: bool,
    target_groups: BTreeMap<String, String>,
    security_groups: BTreeMap<String, String>,
    /// What is not there, while the service itself is.
    missing: Vec<Address>,
}

impl Around {
    /// Returns the ids of groups given by name or id.
    pub(crate) fn group_ids(&self, groups: Vec<String>) -> Vec<String> {
        groups.into_iter().map(|group| self.security_groups.get(&group).cloned().unwrap_or(group)).collect()
    }

    pub(crate) fn target_group_arn(&self, name: &str) -> String {
        self.target_groups.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    /// # Errors
    /// [`rplay_module::FailureKind::Missing`] where something that is named is not there. Only a write needs it: a service
    /// that is to be destroyed may have outlived what it refers to.
    pub(crate) fn all_there(&self) -> Result<()> {
        self.missing.first().map_or(Ok(()), |address| Err(Failure::missing(address.clone())))
    }
}

/// What was found of the names, without knowing the service.
#[derive(Default)]
pub(crate) struct LookedUp {
    task_definition: Option<String>,
    target_groups: BTreeMap<String, String>,
    missing: Vec<Address>,
    /// Every group of a wanted name, in whatever network.
    groups: Vec<SecurityGroup>,
}

/// Looks the names up, all at once.
pub(crate) async fn look_up(cx: &Cx, p: &EcsServiceParams) -> Result<LookedUp> {
    if p.state != ServiceState::Present {
        return Ok(LookedUp::default());
    }
    let (task_definition, (target_groups, missing), groups) =
        tokio::try_join!(newest_revision(cx, p), target_groups(cx, p), groups_named(cx, p))?;
    Ok(LookedUp { task_definition, target_groups, missing, groups })
}

async fn newest_revision(cx: &Cx, p: &EcsServiceParams) -> Result<Option<String>> {
    let Some(family) = p.task_definition.as_deref().filter(|text| is_family(text)) else { return Ok(None) };
    let address = Address::new("ecs.task_definition", family);
    let found = cx.lookup(&address, async {
        let ecs = client::<Ecs>(cx, &p.aws).await?;
        let found = ecs.task_definition(family).await?;
        Ok(found.and_then(|(definition, _)| definition.task_definition_arn))
    });
    match found.await? {
        Some(arn) => Ok(Some(revision_named(&arn))),
        None => Err(Failure::missing(address)),
    }
}

/// A family's name has neither the colon before a revision nor the slash of an ARN.
fn is_family(text: &str) -> bool {
    !unknown::is_unknown(text) && !text.contains([':', '/'])
}

async fn target_groups(cx: &Cx, p: &EcsServiceParams) -> Result<(BTreeMap<String, String>, Vec<Address>)> {
    let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
    for name in p.load_balancers.iter().flatten().filter_map(|entry| entry.target_group.as_ref()) {
        if found.contains_key(name) || unknown::is_unknown(name) {
            continue;
        }
        let address = Address::new("elb.target_group", name);
        let arn = cx.lookup(&address, async {
            let elb = client::<Elbv2>(cx, &p.aws).await?;
            Ok(elb.target_group(name).await?.and_then(|group| group.target_group_arn))
        });
        match arn.await? {
            Some(arn) => {
                found.insert(name.clone(), arn);
            }
            None => missing.push(address),
        }
    }
    Ok((found, missing))
}

/// Returns the names among the wanted security groups.
fn group_names(p: &EcsServiceParams) -> Vec<String> {
    let groups = p.network().and_then(|network| network.security_groups).unwrap_or_default();
    groups.into_iter().filter(|group| !group.starts_with("sg-") && !unknown::is_unknown(group)).collect()
}

fn subnets(p: &EcsServiceParams) -> Vec<String> {
    p.network().and_then(|network| network.subnets).unwrap_or_default()
}

async fn groups_named(cx: &Cx, p: &EcsServiceParams) -> Result<Vec<SecurityGroup>> {
    let names = group_names(p);
    if names.is_empty() || subnets(p).iter().any(|id| unknown::is_unknown(id)) {
        return Ok(Vec::new());
    }
    client::<Ec2>(cx, &p.aws).await?.security_groups(vec![filter("group-name", names)]).await
}

impl LookedUp {
    /// Returns which of the groups are meant: those of the subnets' network.
    ///
    /// # Errors
    /// [`rplay_module::FailureKind::Missing`] where something is not there that the service is to be made with.
    pub(crate) async fn resolved(
        self,
        cx: &Cx,
        p: &EcsServiceParams,
        have: Option<&State>,
    ) -> Result<Around> {
        let mut around = Around {
            task_definition: self.task_definition,
            target_groups: self.target_groups,
            missing: self.missing,
            ..Around::default()
        };
        let names = if p.state == ServiceState::Present { group_names(p) } else { Vec::new() };
        if !names.is_empty() {
            let subnets = subnets(p);
            if subnets.iter().any(|id| unknown::is_unknown(id)) {
                // A network that is to be made: so are the groups in it.
                let marker = |name: &String| {
                    unknown::marker(Cause::Created, &format!("ec2.security_group {name}: id"))
                };
                around.security_groups = names.iter().map(|name| (name.clone(), marker(name))).collect();
            } else if let Some(ids) = known(cx, &self.groups, &names, have) {
                around.security_groups = ids;
            } else {
                match Network::of(cx, p, &subnets, have).await? {
                    Ok(network) => {
                        for name in names {
                            match network.group(cx, p, &self.groups, &name).await? {
                                Ok(id) => _ = around.security_groups.insert(name, id),
                                Err(address) => around.missing.push(address),
                            }
                        }
                    }
                    Err(address) => around.missing.push(address),
                }
            }
        }
        if have.is_none() {
            around.all_there()?;
        }
        Ok(around)
    }
}

/// Returns the ids where the service has a group of each name already, and keeps it: its groups are all in its own network.
fn known(
    cx: &Cx,
    groups: &[SecurityGroup],
    names: &[String],
    have: Option<&State>,
) -> Option<BTreeMap<String, String>> {
    let held = have?.network_configuration.as_ref()?.security_groups.as_ref()?;
    let of = |name: &String| {
        let meant = |group: &&SecurityGroup| group.group_name() == Some(name);
        let mut ids = groups.iter().filter(meant).filter_map(SecurityGroup::group_id);
        let id = ids.find(|id| held.iter().any(|held| held == id) && !cx.is_doomed(id))?;
        Some((name.clone(), id.to_owned()))
    };
    names.iter().map(of).collect()
}

/// The network of the subnets.
struct Network(Option<String>);

impl Network {
    /// Returns the network of the subnets, else which of them is missing.
    async fn of(
        cx: &Cx,
        p: &EcsServiceParams,
        subnets: &[String],
        have: Option<&State>,
    ) -> Result<Result<Self, Address>> {
        let held =
            have.and_then(|have| have.network_configuration.as_ref()?.subnets.as_deref()).unwrap_or_default();
        let Some(subnet) = subnets.first().or(held.first()) else { return Ok(Ok(Self(None))) };
        let found = client::<Ec2>(cx, &p.aws).await?.subnets(vec![filter("subnet-id", [subnet])]).await?;
        let network = found.into_iter().next().map(|found| Self(found.vpc_id));
        Ok(network.ok_or_else(|| Address::new("ec2.subnet", subnet)))
    }

    /// Returns the group's id, or the marker of one that is foretold, else where it is missing.
    async fn group(
        &self,
        cx: &Cx,
        p: &EcsServiceParams,
        groups: &[SecurityGroup],
        name: &str,
    ) -> Result<Result<String, Address>> {
        let here = |group: &&SecurityGroup| self.0.is_none() || group.vpc_id() == self.0.as_deref();
        let found = groups.iter().filter(here).find(|group| group.group_name() == Some(name));
        if let Some(id) = found.and_then(SecurityGroup::group_id).filter(|id| !cx.is_doomed(id)) {
            return Ok(Ok(id.to_owned()));
        }
        let Some(vpc) = &self.0 else { return Ok(Err(Address::new("ec2.security_group", name))) };
        let by_id = Address::new("ec2.security_group", format!("{vpc}/{name}"));
        if let Some(Foretold::Created(marker)) = cx.world().foretold(&by_id) {
            return Ok(Ok(marker));
        }
        // A group that an earlier task of a plan is to make is known by its network's name.
        let found = client::<Ec2>(cx, &p.aws).await?.vpcs(vec![filter("vpc-id", [vpc])]).await?;
        let tags = found.first().map(|vpc| rplay_client_ec2::tags(vpc.tags())).unwrap_or_default();
        let Some(called) = tags.get("Name") else { return Ok(Err(by_id)) };
        let address = Address::new("ec2.security_group", format!("{called}/{name}"));
        match cx.world().foretold(&address) {
            Some(Foretold::Created(marker)) => Ok(Ok(marker)),
            _ => Ok(Err(address)),
        }
    }
}
