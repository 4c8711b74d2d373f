//! `ecs_taskdefinition`: the same under Ansible's name, with Ansible's parameters and result.
//! See <https://docs.ansible.com/ansible/latest/collections/community/aws/ecs_taskdefinition_module.html>.

use rplay_aws::AwsParams;
use rplay_module::{Choice, Failure, Params, Report, Result};
use serde_json::{Value, json};

use crate::ecs_taskdef::Presence;
use crate::shape::{Piece as _, Word};
use crate::task_definition::{
    ContainerDefinition, LinuxParameters, Request, RuntimePlatform, TaskDefinition,
    TaskDefinitionPlacementConstraint, TaskDefinitions, Volume,
};

/// Registers a revision of a task definition where the newest one differs, or deregisters one.
#[derive(Params, Clone, Debug)]
#[params(required_if(launch_type = "FARGATE", needs("cpu", "memory")))]
pub(crate) struct EcsTaskdefinition {
    /// Whether a revision shall be there.
    state: Presence,
    /// The ARN of the revision to deregister. Omitted: `family` and `revision` name it.
    #[param(identity)]
    arn: Option<String>,
    /// The name that all revisions share. Omitted: `arn` names it; needed with state `present`.
    #[param(identity)]
    family: Option<String>,
    /// The number that the revision shall have, or of the one to deregister. Omitted: any.
    #[param(identity)]
    revision: Option<i32>,
    /// Whether a revision is registered even when nothing differs. Omitted: no.
    #[param(default = false)]
    force_create: bool,
    /// The containers, with AWS's names for their fields.
    containers: Vec<ContainerDefinition>,
    /// The network of the containers; `default` leaves it to AWS. Omitted: `bridge`.
    #[param(default = "bridge")]
    network_mode: NetworkMode,
    /// The ARN or name of the role that the containers have. Omitted: none.
    #[param(default)]
    task_role_arn: String,
    /// The ARN or name of the role with which images are pulled and logs written. Omitted: none.
    #[param(default)]
    execution_role_arn: String,
    /// The volumes. Omitted: none.
    volumes: Option<Vec<Volume>>,
    /// What the definition must be fit for. Omitted: nothing is checked.
    launch_type: Option<LaunchType>,
    /// CPU units (1024 are one CPU), or such as `.5 vCPU`. Omitted: no limit.
    cpu: Option<String>,
    /// Memory in MiB, or such as `2 GB`. Omitted: no limit.
    memory: Option<String>,
    /// Which instances a task may be placed on. Omitted: any.
    placement_constraints: Option<Vec<TaskDefinitionPlacementConstraint>>,
    /// Architecture and operating system. Omitted: Linux on x86.
    runtime_platform: Option<RuntimePlatform>,
    #[param(flatten)]
    aws: AwsParams,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum NetworkMode {
    Default,
    Bridge,
    Host,
    None,
    Awsvpc,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum LaunchType {
    #[choice("EC2")]
    Ec2,
    #[choice("FARGATE")]
    Fargate,
}

impl EcsTaskdefinition {
    /// What Ansible looks for before it asks AWS.
    fn check(&self) -> Result<()> {
        let refuse = |message: &str| Err(Failure::new(message));
        if self.is_absent() {
            return match (&self.arn, &self.family, self.revision) {
                (Some(_), _, _) | (None, Some(_), Some(_)) => Ok(()),
                _ => refuse("To use task definitions, an arn or family and revision must be specified"),
            };
        }
        if self.containers.is_empty() {
            return refuse("To use task definitions, a list of containers must be specified");
        }
        if self.family.as_deref().unwrap_or_default().is_empty() {
            return refuse("To use task definitions, a family must be specified");
        }
        if self.launch_type == Some(LaunchType::Fargate) {
            if self.network_mode != NetworkMode::Awsvpc {
                return refuse("To use FARGATE launch type, network_mode must be awsvpc");
            }
            if self.placement_constraints.as_ref().is_some_and(|all| !all.is_empty()) {
                return refuse("Task placement constraints are not supported for tasks run on Fargate");
            }
        }
        self.containers.iter().try_for_each(|container| self.check_container(container))
    }

    fn check_container(&self, container: &ContainerDefinition) -> Result<()> {
        let (awsvpc, fargate) =
            (self.network_mode == NetworkMode::Awsvpc, self.launch_type == Some(LaunchType::Fargate));
        let linux = container.linux_parameters.as_ref();
        let has = |field: fn(&LinuxParameters) -> bool| linux.is_some_and(field);
        let other_port = container
            .port_mappings
            .iter()
            .flatten()
            .any(|port| port.host_port.is_some() && port.host_port != port.container_port);
        let rules = [
            (
                awsvpc && container.links.as_ref().is_some_and(|links| !links.is_empty()),
                "links parameter is not supported if network mode is awsvpc.",
            ),
            (
                fargate && has(|linux| linux.max_swap.is_some()),
                "maxSwap parameter is not supported with the FARGATE launch type.",
            ),
            (
                has(|linux| linux.max_swap.is_some_and(|swap| swap < 0)),
                "Accepted values for maxSwap are 0 or any positive integer.",
            ),
            (
                has(|linux| linux.swappiness.is_some_and(|eagerness| !(0..=100).contains(&eagerness))),
                "Accepted values for swappiness are whole numbers between 0 and 100.",
            ),
            (
                fargate && has(|linux| linux.shared_memory_size.is_some()),
                "sharedMemorySize parameter is not supported with the FARGATE launch type.",
            ),
            (
                fargate && has(|linux| linux.tmpfs.is_some()),
                "tmpfs parameter is not supported with the FARGATE launch type.",
            ),
            (
                awsvpc && container.hostname.is_some(),
                "hostname parameter is not supported when the awsvpc network mode is used.",
            ),
            (
                awsvpc && container.extra_hosts.as_ref().is_some_and(|hosts| !hosts.is_empty()),
                "extraHosts parameter is not supported when the awsvpc network mode is used.",
            ),
            (
                awsvpc && other_port,
                "In awsvpc network mode, host port must be set to the same as container port or not be set",
            ),
        ];
        match rules.iter().find(|(broken, _)| *broken) {
            Some((_, message)) => Err(Failure::new(*message)),
            None => Ok(()),
        }
    }

    /// `web` and 3 of `arn:aws:ecs:eu-west-1:123456789012:task-definition/web:3`.
    fn named_by_arn(&self) -> Option<(&str, Option<i32>)> {
        let name = self.arn.as_deref()?.rsplit('/').next()?;
        Some(match name.rsplit_once(':') {
            Some((family, number)) => (family, number.parse().ok()),
            None => (name, None),
        })
    }
}

impl Request for EcsTaskdefinition {
    fn aws(&self) -> &AwsParams {
        &self.aws
    }

    fn family(&self) -> String {
        let by_arn = self.named_by_arn().filter(|_| self.is_absent()).map(|(family, _)| family);
        by_arn.or(self.family.as_deref()).unwrap_or_default().to_owned()
    }

    fn revision(&self) -> Option<i32> {
        match self.named_by_arn().filter(|_| self.is_absent()) {
            Some((_, number)) => number,
            None => self.revision.filter(|number| *number != 0),
        }
    }

    fn is_absent(&self) -> bool {
        self.state == Presence::Absent
    }

    fn always_registers(&self) -> bool {
        self.force_create
    }

    fn definition(&self) -> Result<TaskDefinition> {
        self.check()?;
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let mode = (self.network_mode != NetworkMode::Default).then(|| Word::new(self.network_mode.as_str()));
        Ok(TaskDefinition {
            task_role_arn: given(&self.task_role_arn),
            execution_role_arn: given(&self.execution_role_arn),
            network_mode: mode,
            container_definitions: Some(self.containers.clone()),
            volumes: self.volumes.clone(),
            placement_constraints: self.placement_constraints.clone(),
            requires_compatibilities: self.launch_type.map(|kind| vec![Word::new(kind.as_str())]),
            cpu: self.cpu.clone(),
            memory: self.memory.clone(),
            // Ansible's default.
            runtime_platform: Some(self.runtime_platform.clone().unwrap_or_else(|| RuntimePlatform {
                cpu_architecture: Some(Word::new("X86_64")),
                operating_system_family: Some(Word::new("LINUX")),
            })),
            ..TaskDefinition::default()
        })
    }

    /// `taskdefinition`, as boto3 gives it. Ansible gives none in check mode, and the next task dies of it.
    fn output(&self, report: &Report<'_, TaskDefinitions<Self>>) -> Value {
        let Some(now) = report.state() else {
            return report
                .around
                .inactive
                .as_ref()
                .map_or_else(|| json!({}), |found| json!({ "taskdefinition": found }));
        };
        if let Some(described) = now.described.known() {
            return json!({ "taskdefinition": described });
        }
        let label = |what: &str| format!("ecs.task_definition {}: {what}", self.family());
        let mut foretold =
            TaskDefinitions::asked(self, report.around).map(|asked| asked.json()).unwrap_or_default();
        if let Value::Object(fields) = &mut foretold {
            fields.insert("taskDefinitionArn".to_owned(), now.arn.json(&label("arn")));
            fields.insert("family".to_owned(), Value::from(self.family()));
            fields.insert("revision".to_owned(), now.number.json(&label("revision")));
            fields.insert("status".to_owned(), Value::from("ACTIVE"));
        }
        json!({ "taskdefinition": foretold })
    }
}

#[cfg(test)]
mod tests;
