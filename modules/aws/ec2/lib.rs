//! Networks and who may reach what in them: `vpc` with all its parts, `security_group`.
//!
//! A VPC and its subnets are found by the tag `Name`, a security group by its name within its VPC. Each part of a VPC is a
//! resource of its own; the composite `vpc` lists them.
//!
//! **Invariant:** what a playbook does not name is left alone: a subnet, a rule of another direction, a route, a tag that
//! rplay did not set.

#[cfg(test)]
mod account;
mod bare_vpc;
mod cidr;
mod ec2_security_group;
mod interfaces;
mod internet_gateway;
mod name_tag;
mod presence;
mod refusals;
mod route_table;
mod security_group;
mod subnet;
mod vpc;
mod zone;

use rplay_module::{Composed, Driven, Module, Params as _};

/// The modules of this family.
pub const MODULES: &[Module] = &[
    Module {
        names: &["vpc"],
        native: true,
        spec: vpc::VpcParams::spec,
        pick: |_| Box::new(Composed(vpc::Vpc)),
    },
    Module {
        names: &["security_group"],
        native: true,
        spec: security_group::SecurityGroupParams::spec,
        pick: |_| Box::new(Driven(security_group::SecurityGroup)),
    },
    Module {
        names: &["ec2_security_group", "amazon.aws.ec2_security_group", "ec2_group", "amazon.aws.ec2_group"],
        native: false,
        spec: ec2_security_group::Ec2SecurityGroupParams::spec,
        pick: ec2_security_group::pick,
    },
];
