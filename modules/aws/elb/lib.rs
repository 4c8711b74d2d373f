//! Load balancers: `elb` with its target groups, listeners and rules.
//!
//! Each part is a resource of its own, named by what the playbook calls it: a listener by its port, a rule by its priority.
//! The composite lists them; what they have to know of the account is read together ([`look`]).
//!
//! **Invariant:** VPC, subnets and security groups are looked for, never made; what a task does not name is left alone,
//! but for listeners and rules where it names others and does not say `purge_listeners: false` or `purge_rules: false`.

mod action;
mod attributes;
mod condition;
mod elb;
mod listener;
mod load_balancer;
mod look;
mod network;
mod presence;
mod rule;
mod target_group;
mod unnamed;

use rplay_module::{Composed, Module, Params as _};

/// The modules of this family.
pub const MODULES: &[Module] = &[Module {
    names: &["elb"],
    native: true,
    spec: elb::ElbParams::spec,
    pick: |_| Box::new(Composed(elb::Elb)),
}];

#[cfg(test)]
mod tests;
