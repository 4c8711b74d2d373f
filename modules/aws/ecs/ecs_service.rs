//! `ecs_service`: keeps a service, and sees to it that the service works.

use std::collections::BTreeMap;

use rplay_aws::AwsParams;
use rplay_module::params::{Kind, Param, ParamFault, Reader};
use rplay_module::{Choice, Done, Driven, Params, Runnable, unknown};
use serde_json::Value;

use crate::service::{Deletion, LoadBalancer, Service, ServiceRevision, Services};

/// Returns what the arguments ask for: to keep a service, or to wait for the end of one.
pub(crate) fn pick(args: &Value) -> Box<dyn Runnable> {
    match args.get("state").and_then(Value::as_str) {
        Some("deleting") => Box::new(Done("ecs_service", Deletion)),
        _ => Box::new(Driven(Services)),
    }
}

/// Seconds that a service has to become what was asked for.
const USUAL_PATIENCE: u64 = 900;

/// Keeps a service as it is written here, and waits until it works: our revision deployed, as many tasks running as are
/// wanted, every target healthy, the old tasks gone. A deployment that fails is told with its cause and the last lines of
/// its log. Every field of AWS's `CreateService` can be written, in its `camelCase` or in `snake_case`.
#[derive(Params, Clone, Debug)]
#[params(
    camel_case,
    required_if(launch_type = "FARGATE", needs("network_configuration")),
    mutually_exclusive("launch_type", "capacity_provider_strategy")
)]
pub(crate) struct EcsServiceParams {
    /// The service's name.
    #[param(identity, alias = "service", alias = "service_name", alias = "serviceName")]
    pub(crate) name: String,
    /// The cluster's name or ARN. Omitted: `default`.
    #[param(identity, default = "default")]
    pub(crate) cluster: String,
    /// `absent` deletes the service; `deleting` waits until a service is gone that is being deleted. Omitted: `present`.
    #[param(default = "present")]
    pub(crate) state: ServiceState,
    /// What the tasks are made of: an ARN, `family:revision`, or a family, whose newest revision is meant then. Omitted:
    /// left alone; a new service needs it. Left alone too where `CODE_DEPLOY` carries out the deployments.
    pub(crate) task_definition: Option<String>,
    /// Where the tasks' network interfaces are, for task definitions with `awsvpc`. Omitted: left alone.
    pub(crate) network_configuration: Option<NetworkParams>,
    /// Ports of containers that load balancers forward to. Omitted: left alone. Empty: none. Left alone too where
    /// `CODE_DEPLOY` carries out the deployments.
    pub(crate) load_balancers: Option<Vec<LoadBalancerParams>>,
    /// The name or ARN of the role by which ECS changes load balancers. Omitted or empty: left alone, at first ECS's own.
    /// Another one makes another service.
    pub(crate) role: Option<String>,
    /// Tags. Omitted: left alone; otherwise those that are not named are removed, but for rplay's own.
    pub(crate) tags: Option<BTreeMap<String, String>>,
    /// Deploys anew though nothing differs, such as for an image whose tag has moved. Omitted: only what differs counts.
    #[param(default = false)]
    pub(crate) force_new_deployment: bool,
    /// Deletes a service that still has tasks to run. Omitted: one that is not scaled down to 0 is not deleted.
    #[param(default = false, alias = "force")]
    pub(crate) force_deletion: bool,
    /// Removes the rules that instances must meet where none are named. Omitted: they are left alone.
    #[param(default = false)]
    pub(crate) purge_placement_constraints: bool,
    /// Removes the way that instances are chosen where none is named. Omitted: it is left alone.
    #[param(default = false)]
    pub(crate) purge_placement_strategy: bool,
    /// Waits until the service works, or with `absent` until it is gone. Omitted: it waits, unless the variable
    /// `RPLAY_ECS_WAIT` is `0`.
    pub(crate) wait: Option<bool>,
    /// Seconds after which waiting is given up. Omitted: 900.
    #[param(alias = "timeout", alias = "deadline")]
    pub(crate) wait_timeout: Option<u64>,
    /// Seconds between two looks at a service that is being deleted. Omitted: 10.
    #[param(default = 10)]
    pub(crate) delay: u64,
    /// How many looks are taken at a service that is being deleted. Omitted: 10, or as `wait_timeout` has it.
    pub(crate) repeat: Option<u64>,
    /// What keeps AWS from creating the service twice. Omitted or empty: rplay's own, the same after a crash.
    pub(crate) client_token: Option<String>,
    #[param(flatten)]
    pub(crate) settings: Service,
    #[param(flatten)]
    pub(crate) revision: ServiceRevision,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

/// Whether the service shall be there.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServiceState {
    Present,
    Absent,
    Deleting,
}

/// Where the tasks' network interfaces are.
#[derive(Params, Clone, Debug)]
#[params(camel_case)]
pub(crate) struct NetworkParams {
    #[param(flatten)]
    own: AwsvpcParams,
    /// The same in AWS's own form. Omitted: the fields stand on this level.
    awsvpc_configuration: Option<AwsvpcParams>,
}

/// Where the tasks' network interfaces are.
#[derive(Params, Clone, Debug)]
#[params(camel_case)]
pub(crate) struct AwsvpcParams {
    /// Ids of subnets, all of one network. Omitted: left alone; a new service needs them.
    pub(crate) subnets: Option<Vec<String>>,
    /// Names or ids of security groups. Omitted: left alone, at first the network's default group.
    pub(crate) security_groups: Option<Vec<String>>,
    /// Whether the interfaces have public addresses: yes or no, or `ENABLED` or `DISABLED`. Omitted: left alone, at first
    /// not.
    pub(crate) assign_public_ip: Option<PublicIp>,
}

/// A port of a container that a load balancer forwards to.
#[derive(Params, Clone, Debug)]
#[params(camel_case)]
pub(crate) struct LoadBalancerParams {
    /// The target group by its name. Omitted: `target_group_arn` or `load_balancer_name` says which.
    pub(crate) target_group: Option<String>,
    #[param(flatten)]
    pub(crate) entry: LoadBalancer,
}

/// A yes or no that AWS writes in words of its own; `None` while it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PublicIp(Option<bool>);

impl PublicIp {
    /// Returns AWS's word.
    pub(crate) fn word(self) -> Option<&'static str> {
        self.0.map(|yes| if yes { "ENABLED" } else { "DISABLED" })
    }
}

impl Param for PublicIp {
    /// Two forms have no kind of their own.
    fn kind() -> Kind {
        Kind::Raw
    }

    fn read(reader: &mut Reader<'_>, path: &str, value: &Value) -> Option<Self> {
        let text = value.as_str().map(str::to_lowercase);
        let read = match (value, text.as_deref()) {
            (Value::Bool(yes), _) => Some(*yes),
            (_, Some("enabled" | "yes" | "true" | "on" | "1" | "y" | "t")) => Some(true),
            (_, Some("disabled" | "no" | "false" | "off" | "0" | "n" | "f")) => Some(false),
            (_, Some(text)) if unknown::is_unknown(text) => return Some(Self(None)),
            (other, _) => match other.as_i64() {
                Some(number @ (0 | 1)) => Some(number == 1),
                _ => None,
            },
        };
        if read.is_none() {
            let message = format!("value of {path} must be yes, no, ENABLED or DISABLED, got: {value}");
            reader.fault(ParamFault::new(path, message));
        }
        read.map(|yes| Self(Some(yes)))
    }
}

impl NetworkParams {
    /// Returns the fields, wherever they stand: AWS's own form counts.
    pub(crate) fn fields(&self) -> AwsvpcParams {
        let inner = self.awsvpc_configuration.clone();
        let AwsvpcParams { subnets, security_groups, assign_public_ip } = self.own.clone();
        match inner {
            None => self.own.clone(),
            Some(inner) => AwsvpcParams {
                subnets: inner.subnets.or(subnets),
                security_groups: inner.security_groups.or(security_groups),
                assign_public_ip: inner.assign_public_ip.or(assign_public_ip),
            },
        }
    }
}

impl EcsServiceParams {
    /// Returns the cluster's name, also where its ARN was given.
    pub(crate) fn cluster_name(&self) -> &str {
        if unknown::is_unknown(&self.cluster) { &self.cluster } else { last_part(&self.cluster) }
    }

    /// Returns the service as people call it: `cluster/name`.
    pub(crate) fn called(&self) -> String {
        format!("{}/{}", self.cluster_name(), self.name)
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.state == ServiceState::Absent
    }

    /// Returns whether to wait; `switch` is what the environment says.
    pub(crate) fn waits(&self, switch: Option<&str>) -> bool {
        self.wait.unwrap_or(switch != Some("0"))
    }

    /// Seconds that the service has to become what was asked for.
    pub(crate) fn patience(&self) -> u64 {
        self.wait_timeout.unwrap_or(USUAL_PATIENCE)
    }

    /// Seconds that a service has to go.
    pub(crate) fn patience_to_go(&self) -> u64 {
        match (self.wait_timeout, self.repeat) {
            (Some(seconds), _) => seconds,
            (None, Some(looks)) => looks.saturating_mul(self.delay),
            (None, None) => USUAL_PATIENCE,
        }
    }

    /// How often a service is looked at that is being deleted, as the message has it that says that it is still there.
    pub(crate) fn looks(&self) -> u64 {
        self.repeat.unwrap_or_else(|| self.patience_to_go() / self.delay.max(1))
    }

    /// Returns the network's fields as they were given.
    pub(crate) fn network(&self) -> Option<AwsvpcParams> {
        self.network_configuration.as_ref().map(NetworkParams::fields)
    }
}

/// Returns what stands behind the last slash.
pub(crate) fn last_part(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}
