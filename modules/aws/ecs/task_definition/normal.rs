//! The one form in which two task definitions that mean the same are equal.
//!
//! AWS answers with defaults filled in, with empty lists for what was omitted, and with lists in an order of its own. Each
//! rule here names what AWS documents; a default that is written out means the same as its omission.

use super::container::{ContainerDefinition, PortMapping};
use super::definition::TaskDefinition;
use super::limits::{ContainerRestartPolicy, HealthCheck, LinuxParameters};
use super::volume::Volume;
use crate::shape::{Piece, Vocabulary, Word};

/// Returns the definition without defaults, without what is empty, and in order.
pub(super) fn normal(mut definition: TaskDefinition) -> TaskDefinition {
    let network = network_mode(&definition);
    // "If no network mode is specified, the default is bridge"; Fargate has `awsvpc` only.
    unless(&mut definition.network_mode, |mode| {
        mode.as_str() == default_network_mode(definition.requires_compatibilities.as_deref())
    });
    // "String values are converted to an integer": 1 vCPU is 1024 units, 1 GB is 1024 MiB.
    definition.cpu = definition.cpu.map(|text| in_units(&text, "vcpu"));
    definition.memory = definition.memory.map(|text| in_units(&text, "gb"));
    sort(&mut definition.requires_compatibilities, |one| one.as_str().to_owned());
    sort(&mut definition.placement_constraints, |one| one.expression.clone());
    sort(&mut definition.inference_accelerators, |one| one.device_name.clone());
    if let Some(proxy) = &mut definition.proxy_configuration {
        unless(&mut proxy.r#type, is("APPMESH"));
    }
    if let Some(platform) = &mut definition.runtime_platform {
        unless(&mut platform.cpu_architecture, is("X86_64"));
        unless(&mut platform.operating_system_family, is("LINUX"));
    }
    unless_set(&mut definition.enable_fault_injection);
    definition.container_definitions.iter_mut().flatten().for_each(|one| container(one, network));
    sort(&mut definition.container_definitions, |one| one.name.clone());
    definition.volumes.iter_mut().flatten().for_each(volume);
    sort(&mut definition.volumes, |one| one.name.clone());
    definition.tidy();
    definition
}

/// Whose ports the containers' ports are.
#[derive(Clone, Copy, PartialEq)]
enum Network {
    /// `awsvpc` and `host`: a port of the container is the same port outside.
    Own,
    /// `bridge`: any port outside, unless one is named.
    Mapped,
}

fn network_mode(definition: &TaskDefinition) -> Network {
    let given = definition.network_mode.as_ref().map(Word::as_str).filter(|mode| !mode.is_empty());
    match given.unwrap_or_else(|| default_network_mode(definition.requires_compatibilities.as_deref())) {
        "awsvpc" | "host" => Network::Own,
        _ => Network::Mapped,
    }
}

fn default_network_mode<T: Vocabulary>(fit_for: Option<&[Word<T>]>) -> &'static str {
    let fargate = fit_for.unwrap_or_default().iter().any(|one| one.as_str() == "FARGATE");
    if fargate { "awsvpc" } else { "bridge" }
}

fn container(container: &mut ContainerDefinition, network: Network) {
    // AWS answers `cpu: 0` and `essential: true` where they were omitted.
    unless(&mut container.cpu, |units| *units == 0);
    unless(&mut container.essential, |essential| *essential);
    // Booleans whose documented default is false.
    for flag in [
        &mut container.disable_networking,
        &mut container.privileged,
        &mut container.readonly_root_filesystem,
        &mut container.interactive,
        &mut container.pseudo_terminal,
    ] {
        unless_set(flag);
    }
    container.mount_points.iter_mut().flatten().for_each(|mount| unless_set(&mut mount.read_only));
    container.volumes_from.iter_mut().flatten().for_each(|from| unless_set(&mut from.read_only));
    // "By default, the value is enabled."
    unless(&mut container.version_consistency, is("enabled"));
    container.port_mappings.iter_mut().flatten().for_each(|mapping| port(mapping, network));
    container.health_check.iter_mut().for_each(health_check);
    container.restart_policy.iter_mut().for_each(restart_policy);
    container.linux_parameters.iter_mut().for_each(linux_parameters);
    // Sets, whatever AWS calls them. `environment`, `secrets` and options are mappings by themselves; the order of commands,
    // environment files ("processed from the top down"), DNS servers and hosts says something and is kept.
    let text = |word: Option<&str>| word.map(str::to_owned);
    sort(&mut container.port_mappings, |one| {
        (one.container_port, one.container_port_range.clone(), text(one.protocol.as_ref().map(Word::as_str)))
    });
    sort(&mut container.mount_points, |one| one.container_path.clone());
    sort(&mut container.volumes_from, |one| one.source_container.clone());
    sort(&mut container.depends_on, |one| one.container_name.clone());
    sort(&mut container.ulimits, |one| text(one.name.as_ref().map(Word::as_str)));
    sort(&mut container.system_controls, |one| one.namespace.clone());
    sort(&mut container.resource_requirements, |one| {
        (text(one.r#type.as_ref().map(Word::as_str)), one.value.clone())
    });
}

fn port(mapping: &mut PortMapping, network: Network) {
    // "The default is tcp."
    unless(&mut mapping.protocol, is("tcp"));
    // 0 is any port, which omission means as well; with `awsvpc` and `host` "the hostPort can be left blank or it must be the
    // same value as the containerPort", and AWS fills it in.
    unless(&mut mapping.host_port, |port| *port == 0);
    if network == Network::Own && mapping.host_port == mapping.container_port {
        mapping.host_port = None;
    }
}

/// "The default value is 30 seconds", 5 and 3; AWS fills them in.
fn health_check(check: &mut HealthCheck) {
    unless(&mut check.interval, |seconds| *seconds == 30);
    unless(&mut check.timeout, |seconds| *seconds == 5);
    unless(&mut check.retries, |times| *times == 3);
    unless(&mut check.start_period, |seconds| *seconds == 0);
}

fn restart_policy(policy: &mut ContainerRestartPolicy) {
    // "By default, a container must run for 300 seconds before it can be restarted."
    unless(&mut policy.restart_attempt_period, |seconds| *seconds == 300);
    sort(&mut policy.ignored_exit_codes, |code| *code);
}

fn linux_parameters(parameters: &mut LinuxParameters) {
    unless_set(&mut parameters.init_process_enabled);
    // "If the swappiness parameter is not specified, a default value of 60 is used."
    unless(&mut parameters.swappiness, |eagerness| *eagerness == 60);
    if let Some(capabilities) = &mut parameters.capabilities {
        sort(&mut capabilities.add, String::clone);
        sort(&mut capabilities.drop, String::clone);
    }
    for device in parameters.devices.iter_mut().flatten() {
        sort(&mut device.permissions, |one| one.as_str().to_owned());
    }
    sort(&mut parameters.devices, |one| one.host_path.clone());
    sort(&mut parameters.tmpfs, |one| one.container_path.clone());
}

fn volume(volume: &mut Volume) {
    unless_set(&mut volume.configured_at_launch);
    if let Some(docker) = &mut volume.docker_volume_configuration {
        // AWS fills in the scope.
        unless(&mut docker.scope, is("task"));
        unless_set(&mut docker.autoprovision);
    }
    if let Some(efs) = &mut volume.efs_volume_configuration {
        // "If this parameter is omitted, the root of the Amazon EFS volume will be used", "... DISABLED is used."
        unless(&mut efs.root_directory, |folder| folder == "/");
        unless(&mut efs.transit_encryption, is("DISABLED"));
        if let Some(access) = &mut efs.authorization_config {
            unless(&mut access.iam, is("DISABLED"));
        }
    }
    if let Some(files) = &mut volume.s3files_volume_configuration {
        unless(&mut files.root_directory, |folder| folder == "/");
    }
}

/// Takes a default out.
fn unless<T>(field: &mut Option<T>, is_default: impl FnOnce(&T) -> bool) {
    if field.as_ref().is_some_and(is_default) {
        *field = None;
    }
}

/// Takes a `false` out that is the default.
fn unless_set(flag: &mut Option<bool>) {
    unless(flag, |flag| !flag);
}

fn is<T: Vocabulary>(word: &'static str) -> impl FnOnce(&Word<T>) -> bool {
    move |found| found.as_str() == word
}

fn sort<T, K: Ord>(list: &mut Option<Vec<T>>, key: impl FnMut(&T) -> K) {
    if let Some(list) = list {
        list.sort_by_cached_key(key);
    }
}

/// `.5 vCPU` is 512; a plain number stays.
fn in_units(text: &str, unit: &str) -> String {
    let lower = text.trim().to_lowercase();
    let number = lower.strip_suffix(unit).and_then(|number| number.trim_end().parse::<f64>().ok());
    number.map_or_else(|| text.trim().to_owned(), |number| (number * 1024.0).round().to_string())
}
