//! What AWS refuses in any task definition: said before anything is registered, and in a plan too.

use std::collections::HashSet;

use rplay_module::{Failure, Result};

use super::container::ContainerDefinition;
use super::definition::TaskDefinition;

/// The sizes of a task on Fargate: CPU units, and the first, last and step of the memory in MiB.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>.
const SIZES: [(u32, u32, u32, usize); 7] = [
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

/// Checks what no account and no region lets pass.
///
/// # Errors
/// The first thing that AWS would refuse.
pub(super) fn check(definition: &TaskDefinition) -> Result<()> {
    let containers = definition.container_definitions.as_deref().unwrap_or_default();
    let mut names = HashSet::new();
    for container in containers {
        let name = container.name.as_deref().unwrap_or_default();
        if !names.insert(name) {
            return refuse(format!("two containers are called {name}"));
        }
    }
    containers.iter().try_for_each(check_container)?;
    if definition.requires_compatibilities.iter().flatten().any(|word| word.to_sdk().as_str() == "FARGATE") {
        check_fargate(definition)?;
    }
    Ok(())
}

fn check_container(container: &ContainerDefinition) -> Result<()> {
    let name = container.name.as_deref().unwrap_or_default();
    let ports = container.port_mappings.iter().flatten();
    for port in ports.flat_map(|mapping| [mapping.container_port, mapping.host_port]).flatten() {
        if !(0..=65535).contains(&port) {
            return refuse(format!("container {name} has port {port}: ports go from 0 to 65535"));
        }
    }
    if let Some(units) = container.cpu.filter(|units| *units < 0) {
        return refuse(format!("container {name} has cpu {units}: it cannot be less than 0"));
    }
    if container.depends_on.iter().flatten().any(|other| other.container_name.as_deref() == Some(name)) {
        return refuse(format!("container {name} depends on itself"));
    }
    Ok(())
}

fn check_fargate(definition: &TaskDefinition) -> Result<()> {
    let mode = definition.network_mode.as_ref().map(|mode| mode.to_sdk().as_str().to_owned());
    if mode.is_some_and(|mode| mode != "awsvpc") {
        return refuse("Fargate has the network mode awsvpc only");
    }
    let size = |text: &Option<String>, what: &str| match text.as_deref() {
        None => refuse(format!("Fargate needs {what} for the whole task")),
        // A text that is no number of units is AWS's to read.
        Some(text) => Ok(text.parse::<u32>().ok()),
    };
    let (cpu, memory) = (size(&definition.cpu, "cpu")?, size(&definition.memory, "memory")?);
    let (Some(cpu), Some(memory)) = (cpu, memory) else { return Ok(()) };
    let largest = SIZES.iter().map(|size| size.0).max().unwrap_or_default();
    match SIZES.iter().find(|size| size.0 == cpu) {
        Some((_, first, last, step)) if !(*first..=*last).step_by(*step).any(|fits| fits == memory) => {
            refuse(format!(
                "Fargate has no tasks with cpu {cpu} and memory {memory}: with cpu {cpu} the memory goes from {first} to {last} in steps \
             of {step}"
            ))
        }
        None if cpu < largest => {
            let sizes: Vec<String> = SIZES.iter().map(|size| size.0.to_string()).collect();
            refuse(format!("Fargate has no tasks with cpu {cpu}: there are {}", sizes.join(", ")))
        }
        _ => Ok(()),
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Failure::new(format!("could not register the task definition: {}", message.into())))
}

#[cfg(test)]
mod tests {
    use rplay_module::params::parse;
    use serde_json::{Value, json};

    use super::*;

    fn checked(args: &Value) -> String {
        let parsed = parse::<TaskDefinition>(args).unwrap().params;
        check(&parsed).map_or_else(|failure| failure.message, |()| String::new())
    }

    fn fargate(cpu: &str, memory: &str) -> String {
        checked(&json!({
            "requires_compatibilities": ["FARGATE"], "network_mode": "awsvpc", "cpu": cpu, "memory": memory,
            "containers": [{ "name": "web", "image": "web" }],
        }))
    }

    #[test]
    fn the_sizes_of_fargate_are_known() {
        for (cpu, memory) in
            [("256", "512"), ("256", "2048"), ("4096", "30720"), ("32768", "1"), (".25 vCPU", "1 GB")]
        {
            assert_eq!(fargate(cpu, memory), "", "{cpu} {memory}");
        }
        assert!(fargate("300", "512").ends_with(
            "Fargate has no tasks with cpu 300: there are 256, 512, 1024, 2048, 4096, 8192, 16384"
        ));
        assert!(
            fargate("256", "99999").contains("with cpu 256 the memory goes from 512 to 2048 in steps of 512")
        );
        let without =
            json!({ "requires_compatibilities": ["FARGATE"], "network_mode": "awsvpc", "containers": [] });
        assert!(checked(&without).ends_with("Fargate needs cpu for the whole task"));
        let bridge =
            json!({ "requires_compatibilities": ["FARGATE"], "network_mode": "bridge", "containers": [] });
        assert!(checked(&bridge).ends_with("Fargate has the network mode awsvpc only"));
    }

    #[test]
    fn containers_fit_together() {
        let web = || json!({ "name": "web", "image": "web" });
        let with = |more: Value| {
            let mut container = web();
            container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            checked(&json!({ "containers": [container, { "name": "log", "image": "log" }] }))
        };
        assert_eq!(with(json!({ "depends_on": [{ "container_name": "log", "condition": "START" }] })), "");
        for (more, message) in [
            (json!({ "name": "log" }), "two containers are called log"),
            (
                json!({ "port_mappings": [{ "container_port": 99999 }] }),
                "container web has port 99999: ports go from 0 to 65535",
            ),
            (json!({ "cpu": -1 }), "container web has cpu -1: it cannot be less than 0"),
            (
                json!({ "depends_on": [{ "container_name": "web", "condition": "START" }] }),
                "container web depends on itself",
            ),
        ] {
            assert_eq!(with(more), format!("could not register the task definition: {message}"));
        }
    }
}
