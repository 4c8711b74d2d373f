//! A load balancer with all that belongs to it: target groups, listeners, rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use rplay_module::params::ParamFault;
use rplay_module::{Composite, Failure, FailureKind, Params, Result, Step};
use serde_json::{Map, Value};

use crate::action::ActionParams;
use crate::listener::{Listener, ListenerParams};
use crate::load_balancer::{LoadBalancer, LoadBalancerParams};
use crate::look::{Look, Wants};
use crate::network;
use crate::presence::Presence;
use crate::rule::{Rule, RuleParams};
use crate::target_group::{TargetGroup, TargetGroupParams};
use crate::unnamed::{Nothing, UnnamedListeners, UnnamedRules};

/// Keeps a load balancer with its target groups, listeners and rules.
#[derive(Params)]
#[params(required_if(state = "present", needs("subnets")))]
pub(crate) struct ElbParams {
    #[param(flatten)]
    load_balancer: LoadBalancerParams,
    /// The target groups to forward to. Those that are not named are left alone.
    #[param(default)]
    target_groups: Vec<TargetGroupParams>,
    /// The listeners, by port. Omitted: left alone.
    listeners: Option<Vec<ListenerParams>>,
    /// Whether listeners that are not named are deleted, where any are.
    #[param(default = true)]
    purge_listeners: bool,
    /// Whether rules that are not named are deleted, of listeners with `rules`.
    #[param(default = true)]
    purge_rules: bool,
}

pub(crate) struct Elb;

impl Composite for Elb {
    type Params = ElbParams;

    fn steps(&self, p: &ElbParams) -> Result<Vec<Step>> {
        let faults = faults(p);
        if let Some(first) = faults.first() {
            let message = first.message.clone();
            return Err(Failure { kind: FailureKind::Arguments(faults), ..Failure::new(message) });
        }
        let look = Arc::new(Look::new(p.load_balancer.clone(), wants(p)));
        let balancer =
            Step::resource("load_balancer", LoadBalancer(Arc::clone(&look)), p.load_balancer.clone());
        let groups = p.target_groups.iter().map(|group| {
            Step::resource(group_key(&group.name), TargetGroup(Arc::clone(&look)), group.clone())
        });
        let listeners = p.listeners.iter().flatten();
        if p.load_balancer.state == Presence::Absent {
            let listeners = listeners.map(|listener| listener_step(&look, listener));
            return Ok(listeners.chain([balancer]).chain(groups).collect());
        }
        let listeners = listeners.flat_map(|listener| {
            std::iter::once(listener_step(&look, listener)).chain(rule_steps(&look, listener, p.purge_rules))
        });
        let unnamed = (p.purge_listeners && p.listeners.is_some())
            .then(|| Step::resource("unnamed", UnnamedListeners(Arc::clone(&look)), Nothing {}));
        Ok(groups.chain([balancer]).chain(listeners).chain(unnamed).collect())
    }

    fn output(&self, p: &ElbParams, steps: &IndexMap<String, Map<String, Value>>) -> Value {
        let of = |key: &str| steps.get(key).cloned().unwrap_or_default();
        let mut output = of("load_balancer");
        let groups = p
            .target_groups
            .iter()
            .map(|group| (group.name.clone(), Value::Object(of(&group_key(&group.name)))));
        output.insert("target_groups".to_owned(), Value::Object(groups.collect()));
        let listeners = p.listeners.iter().flatten().map(|listener| {
            let mut output = of(&listener_key(listener.port));
            let rules = listener.rules.iter().flatten();
            let rules = rules.map(|rule| Value::Object(of(&rule_key(listener.port, rule.priority))));
            output.insert("rules".to_owned(), rules.collect());
            Value::Object(output)
        });
        output.insert("listeners".to_owned(), listeners.collect());
        Value::Object(output)
    }
}

fn group_key(name: &str) -> String {
    format!("target_group {name}")
}

fn listener_key(port: i32) -> String {
    format!("listener {port}")
}

fn rule_key(port: i32, priority: i32) -> String {
    format!("rule {port}/{priority}")
}

fn listener_step(look: &Arc<Look>, p: &ListenerParams) -> Step {
    Step::resource(listener_key(p.port), Listener(Arc::clone(look)), p.clone())
}

fn rule_steps(look: &Arc<Look>, listener: &ListenerParams, purge: bool) -> Vec<Step> {
    let Some(rules) = &listener.rules else { return Vec::new() };
    let port = listener.port;
    let steps = rules.iter().map(|rule| {
        Step::resource(rule_key(port, rule.priority), Rule { look: Arc::clone(look), port }, rule.clone())
    });
    let unnamed = purge.then(|| {
        let rules = UnnamedRules { look: Arc::clone(look), port };
        Step::resource(format!("unnamed {port}"), rules, Nothing {})
    });
    steps.chain(unnamed).collect()
}

fn wants(p: &ElbParams) -> Wants {
    let listeners = || p.listeners.iter().flatten();
    let rules = |listener: &ListenerParams| {
        let rules = listener.rules.as_ref()?.iter().map(|rule| rule.priority);
        Some((listener.port, rules.collect::<BTreeSet<_>>()))
    };
    let forwarded = listeners().flat_map(actions).flat_map(|action| owned(action.groups()));
    let own = p.target_groups.iter().map(|group| group.name.clone());
    let with_attributes = p.target_groups.iter().filter(|group| !group.attributes().is_empty());
    Wants {
        groups: own.chain(forwarded).collect(),
        group_attributes: with_attributes.map(|group| group.name.clone()).collect(),
        listeners: p.listeners.is_some(),
        ports: listeners().map(|listener| listener.port).collect(),
        rules: listeners().filter_map(rules).collect::<BTreeMap<_, _>>(),
    }
}

fn actions(listener: &ListenerParams) -> Vec<ActionParams> {
    let rules = listener.rules.iter().flatten().flat_map(RuleParams::actions);
    listener.actions().into_iter().chain(rules).collect()
}

fn owned<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    names.map(str::to_owned).collect()
}

/// Finds what only the parameters together tell.
fn faults(p: &ElbParams) -> Vec<ParamFault> {
    let mut faults = Vec::new();
    if p.load_balancer.state == Presence::Present {
        faults.extend(without_vpc(p));
    }
    let listeners = || p.listeners.iter().flatten().enumerate();
    faults.extend(twice(
        listeners().map(|(at, listener)| (format!("listeners[{at}].port"), listener.port.to_string())),
    ));
    let groups = p.target_groups.iter().enumerate();
    faults.extend(twice(groups.map(|(at, group)| (format!("target_groups[{at}].name"), group.name.clone()))));
    for (at, listener) in listeners() {
        let rules = listener.rules.iter().flatten().enumerate();
        faults
            .extend(twice(rules.map(|(rule, p)| {
                (format!("listeners[{at}].rules[{rule}].priority"), p.priority.to_string())
            })));
    }
    faults
}

fn twice(named: impl Iterator<Item = (String, String)>) -> Vec<ParamFault> {
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for (path, name) in named {
        if !seen.insert(name.clone()) {
            faults.push(ParamFault::new(&path, format!("{name} stands twice: {path}")));
        }
    }
    faults
}

/// Names are looked for in a VPC.
fn without_vpc(p: &ElbParams) -> Option<ParamFault> {
    let balancer = &p.load_balancer;
    if balancer.vpc.is_some() || balancer.vpc_id.is_some() {
        return None;
    }
    let subnets = balancer.subnets.iter().flatten().find(|subnet| !network::is_id("subnet", subnet));
    let groups =
        balancer.security_groups.iter().flatten().find(|group| !network::is_security_group_id(group));
    let targets = p.target_groups.iter().find(|group| !group.is_for_lambda());
    let (path, what) = match (subnets, groups, targets) {
        (Some(subnet), _, _) => ("subnets", format!("the subnet {subnet}, which is no id,")),
        (_, Some(group), _) => ("security_groups", format!("the security group {group}, which is no id,")),
        (_, _, Some(group)) => ("target_groups", format!("the target group {}", group.name)),
        (None, None, None) => return None,
    };
    Some(ParamFault::new(path, format!("vpc or vpc_id is needed for {what} to be looked for or made in")))
}
