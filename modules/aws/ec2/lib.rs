//! Networks and who may reach what in them: `vpc` with all its parts, `security_group`. Instances, told of.
//!
//! A VPC and its subnets are found by the tag `Name`, a security group by its name within its VPC. Each part of a VPC is a
//! resource of its own; the composite `vpc` lists them.
//!
//! **Invariant:** what a playbook does not name is left alone: a subnet, a rule of another direction, a route, a tag that
//! rplay did not set.

#[cfg(test)]
mod account;
mod aws_ec2;
mod bare_vpc;
mod cidr;
mod ec2_instance_info;
mod ec2_security_group;
mod filters;
mod hostname;
mod instance;
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

use rplay_module::{Composed, Done, Driven, Module, Params as _};

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
    Module {
        names: &[
            "ec2_instance_info",
            "amazon.aws.ec2_instance_info",
            "ec2_instance_facts",
            "amazon.aws.ec2_instance_facts",
        ],
        native: false,
        spec: ec2_instance_info::Ec2InstanceInfoParams::spec,
        pick: |_| Box::new(Done("ec2_instance_info", ec2_instance_info::Ec2InstanceInfo)),
    },
];

/// What lists hosts for an inventory: no module of a task.
pub const HOST_SOURCES: &[Module] = &[Module {
    names: &["amazon.aws.aws_ec2", "aws_ec2"],
    native: false,
    spec: aws_ec2::AwsEc2Params::spec,
    pick: |_| Box::new(Done("aws_ec2", aws_ec2::AwsEc2)),
}];
