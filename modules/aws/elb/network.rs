//! What a load balancer stands on, by the names that the playbook gives it: VPC, subnets, security groups.

use std::collections::BTreeSet;
use std::sync::Arc;

use rplay_aws::AwsParams;
use rplay_client_ec2::sdk::types::{SecurityGroup, Subnet, Vpc};
use rplay_client_ec2::{Ec2, filter, named};
use rplay_module::unknown::{self, Cause};
use rplay_module::{Address, Cx, Failure, Result};
use tokio::sync::OnceCell;

use crate::load_balancer::LoadBalancerParams;

/// Returns whether a text is an id already, or stands for one that is not known yet.
pub(crate) fn is_id(kind: &str, text: &str) -> bool {
    let id = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix('-'));
    unknown::is_unknown(text)
        || id.is_some_and(|id| id.len() >= 8 && id.chars().all(|digit| digit.is_ascii_hexdigit()))
}

/// Returns the VPC's id; `None` where the task names none.
pub(crate) async fn vpc(cx: &Cx, p: &LoadBalancerParams) -> Result<Option<String>> {
    if p.vpc_id.is_some() {
        return Ok(p.vpc_id.clone());
    }
    let Some(name) = &p.vpc else { return Ok(None) };
    if is_id("vpc", name) {
        return Ok(Some(name.clone()));
    }
    let address = Address::new("ec2.vpc", name);
    let find = async {
        let found = ec2(cx, &p.aws).await?.vpcs(vec![named(name)]).await?;
        the_one(&found.iter().filter_map(Vpc::vpc_id).collect::<Vec<_>>(), &address)
    };
    cx.lookup(&address, find).await?.map(Some).ok_or_else(|| Failure::missing(address.clone()))
}

/// Returns the subnets' ids; `None` where the task names none.
pub(crate) async fn subnets(cx: &Cx, p: &LoadBalancerParams) -> Result<Option<BTreeSet<String>>> {
    let Some(meant) = &p.subnets else { return Ok(None) };
    let all: OnceCell<Vec<Subnet>> = OnceCell::new();
    let mut ids = BTreeSet::new();
    for name in meant {
        if is_id("subnet", name) {
            ids.insert(name.clone());
            continue;
        }
        let (address, vpc) = (within(p, "ec2.subnet", name), known_vpc(cx, p).await?);
        let find = async {
            let Some(vpc) = vpc else { return Ok(Some(to_come(&address))) };
            let names: Vec<&String> = meant.iter().filter(|name| !is_id("subnet", name)).collect();
            let asked = || async {
                ec2(cx, &p.aws).await?.subnets(vec![filter("vpc-id", [vpc]), filter("tag:Name", names)]).await
            };
            let found = all.get_or_try_init(asked).await?;
            let is_meant = |subnet: &&Subnet| rplay_client_ec2::tags(subnet.tags()).get("Name") == Some(name);
            let ids: Vec<&str> = found.iter().filter(is_meant).filter_map(Subnet::subnet_id).collect();
            the_one(&ids, &address)
        };
        ids.insert(cx.lookup(&address, find).await?.ok_or_else(|| Failure::missing(address.clone()))?);
    }
    Ok(Some(ids))
}

/// Returns the security groups' ids; `None` where the task names none.
pub(crate) async fn security_groups(cx: &Cx, p: &LoadBalancerParams) -> Result<Option<BTreeSet<String>>> {
    let Some(meant) = &p.security_groups else { return Ok(None) };
    let all: OnceCell<Vec<SecurityGroup>> = OnceCell::new();
    let mut ids = BTreeSet::new();
    for name in meant {
        if is_security_group_id(name) {
            ids.insert(name.clone());
            continue;
        }
        let (address, vpc) = (within(p, "ec2.security_group", name), known_vpc(cx, p).await?);
        let find = async {
            let Some(vpc) = vpc else { return Ok(Some(to_come(&address))) };
            let names: Vec<String> =
                meant.iter().filter(|name| !is_security_group_id(name)).cloned().collect();
            let asked = || async { ec2(cx, &p.aws).await?.security_groups_meant(&names, Some(&vpc)).await };
            let found = all.get_or_try_init(asked).await?;
            let group = found.iter().find(|group| group.group_name() == Some(name));
            Ok(group.and_then(SecurityGroup::group_id).map(str::to_owned))
        };
        ids.insert(cx.lookup(&address, find).await?.ok_or_else(|| Failure::missing(address.clone()))?);
    }
    Ok(Some(ids))
}

/// AWS lets no group's name begin so.
pub(crate) fn is_security_group_id(text: &str) -> bool {
    text.starts_with("sg-") || unknown::is_unknown(text)
}

fn within(p: &LoadBalancerParams, kind: &str, name: &str) -> Address {
    let vpc = p.vpc.as_ref().or(p.vpc_id.as_ref());
    Address::new(kind, format!("{}/{name}", vpc.map_or("", String::as_str)))
}

/// Returns the VPC's id for a question to AWS, which knows no VPC that is to be created.
async fn known_vpc(cx: &Cx, p: &LoadBalancerParams) -> Result<Option<String>> {
    Ok(vpc(cx, p).await?.filter(|id| !unknown::is_unknown(id)))
}

fn to_come(address: &Address) -> String {
    unknown::marker(Cause::Created, &format!("{address}: id"))
}

async fn ec2(cx: &Cx, aws: &AwsParams) -> Result<Arc<Ec2>> {
    rplay_aws::client(cx, aws).await
}

fn the_one(ids: &[&str], address: &Address) -> Result<Option<String>> {
    if ids.len() > 1 {
        let message = format!("could not tell which {address} is meant: there are {}", ids.join(", "));
        return Err(
            Failure::new(message).hint("give the id, or another Name tag to those that are not meant")
        );
    }
    Ok(ids.first().map(|id| (*id).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_a_little_like_an_id_is_a_name() {
        assert!(is_id("subnet", "subnet-0123abcd"));
        assert!(!is_id("subnet", "subnet-a"));
        assert!(!is_id("subnet", "subnet-public1"));
        assert!(is_id("vpc", &unknown::marker(Cause::Created, "ec2.vpc web: id")));
    }
}
