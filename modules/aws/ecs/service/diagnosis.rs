//! What a failed deployment suffers from, in one line, and what to do about it.
//!
//! The texts are AWS's: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html> and
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>.

use super::watch::{Container, Group, Task};

/// How long a container may have run, in seconds, for its end to be at once.
const AT_ONCE: f64 = 20.0;

/// What is wrong, and what to do next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Diagnosis {
    pub(crate) line: String,
    pub(crate) hint: Option<String>,
}

impl Diagnosis {
    fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), hint: None }
    }

    fn hint(self, hint: &str) -> Self {
        Self { hint: Some(hint.to_owned()), ..self }
    }

    /// Nothing that was seen says why.
    pub(crate) fn unknown() -> Self {
        Self::new("the cause is unknown")
            .hint("the service's events and the tasks' stopped reasons in the console may say more")
    }
}

/// Returns what a dead task died of; `log` are its last lines.
pub(crate) fn of_task(task: &Task, log: &[String]) -> Diagnosis {
    let reasons = task.containers.iter().filter_map(|container| container.reason.as_deref());
    let said: Vec<&str> = task.reason.as_deref().into_iter().chain(reasons).collect();
    let text = said.join(" ").to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["cannotpull", "pull image manifest", "pull access denied"]) {
        return image(task, &text);
    }
    if has(&["assume the role", "assume role", "unable to assume"]) {
        return role(&text);
    }
    if has(&["resourceinitializationerror"]) {
        return resources(&text);
    }
    if has(&["outofmemory", "out of memory"]) {
        return Diagnosis::new(format!(
            "{} is out of memory",
            ended(task).map_or("a container".to_owned(), called)
        ))
        .hint("give the task or the container more memory");
    }
    if has(&["health check"]) {
        return unhealthy_task(task);
    }
    if let Some(place) = no_place(&text) {
        return place;
    }
    if has(&["exec format error"]) || log.iter().any(|line| line.contains("exec format error")) {
        return Diagnosis::new("the image is made for another processor")
            .hint("build it for the task definition's runtime_platform, or change that");
    }
    if has(&["cannotstartcontainer", "cannotcreatecontainer", "cannotinspectcontainer"]) {
        return Diagnosis::new(format!(
            "a container cannot be started: {}",
            shortened(said.last().unwrap_or(&""))
        ));
    }
    match ended(task) {
        Some(container) => exited(task, container, log),
        None => Diagnosis::unknown(),
    }
}

/// Returns what the events say of finding a place.
pub(crate) fn of_event(message: &str) -> Diagnosis {
    let text = message.to_lowercase();
    if text.contains("assume") && text.contains("role") {
        return role(&text);
    }
    no_place(&text)
        .unwrap_or_else(|| Diagnosis::new(format!("tasks cannot be placed: {}", shortened(message))))
}

/// Returns what the reason of a deployment's state says, where no task tells more; `None` where that is nothing.
pub(crate) fn of_reason(reason: &str, revision: &str) -> Option<Diagnosis> {
    let text = reason.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["image digest", "cannotpull", "image manifest"]) {
        let line = format!("an image of {revision} cannot be pulled: its digest cannot be found");
        return Some(Diagnosis::new(line).hint("push it first, or check the repository and the tag"));
    }
    has(&["alarm"])
        .then(|| Diagnosis::new(format!("an alarm has stopped the deployment: {}", shortened(reason))))
}

/// Returns what the targets' health says.
pub(crate) fn of_targets(groups: &[Group]) -> Diagnosis {
    let unhealthy = groups.iter().find_map(|group| {
        group.targets.iter().find(|target| target.state == "unhealthy").map(|target| (group, target))
    });
    let Some((group, target)) = unhealthy else { return Diagnosis::unknown() };
    let why = target.description.as_deref().or(target.reason.as_deref()).unwrap_or("no reason is given");
    let line = format!("the tasks run and fail the health checks of target group {}: {why}", group.name);
    let hint = match target.reason.as_deref() {
        Some("Target.ResponseCodeMismatch") => {
            "the application answers with another status than the health check expects: check its path"
        }
        Some("Target.Timeout") => {
            "nothing answers in time: check that the application listens on the port on all addresses, and that the \
             tasks' security group lets the load balancer in"
        }
        _ => "check that the application listens on the port on all addresses, and the health check's path",
    };
    Diagnosis::new(line).hint(hint)
}

fn image(task: &Task, text: &str) -> Diagnosis {
    let pulled =
        task.containers.iter().find(|container| container.reason.is_some()).or(task.containers.first());
    let name = pulled.map_or("its image", |container| container.image.as_str());
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let (why, hint) = if has(&["not found", "manifest unknown", "does not exist", "no such image"]) {
        ("there is no such image or tag", "push it first, or check the repository and the tag")
    } else if has(&["unauthorized", "no basic auth", "denied", "403", "not authorized"]) {
        ("pulling is not allowed", "the execution role must be allowed to pull from the repository")
    } else if has(&["toomanyrequests", "rate limit"]) {
        ("the registry allows no more pulls for now", "use a copy of the image in ECR")
    } else if has(&["no space left"]) {
        ("there is no room for it", "give the task more ephemeral storage, or the instance a larger disk")
    } else if has(&["timeout", "dial tcp", "connection", "context canceled", "no such host", "lookup"]) {
        (
            "the registry cannot be reached",
            "the subnets need a way to the registry (a public address, a NAT gateway or VPC endpoints); a stand-in has only \
             the images that the engine has: check the tag",
        )
    } else {
        return Diagnosis::new(format!("the image {name} cannot be pulled"));
    };
    Diagnosis::new(format!("the image {name} cannot be pulled: {why}")).hint(hint)
}

fn role(text: &str) -> Diagnosis {
    let role =
        text.split(['\'', '"', ' ']).find(|word| word.contains(":role/")).unwrap_or("a role of the task");
    Diagnosis::new(format!("ECS cannot assume {role}: it is missing, or does not trust ecs-tasks.amazonaws.com"))
        .hint("make the role first, with a trust policy for ecs-tasks.amazonaws.com; a role just made may take some seconds")
}

fn resources(text: &str) -> Diagnosis {
    // This phrase begins the message for either.
    let rest = text.replace("unable to pull secrets or registry auth", "");
    let has = |words: &[&str]| words.iter().any(|word| rest.contains(word));
    if has(&["log group", "log stream", "logger args", "awslogs"]) {
        return Diagnosis::new(
            "the log cannot be written: its group is missing, or the execution role may not write it",
        )
        .hint(
            "make the log group first; the execution role needs logs:CreateLogStream and logs:PutLogEvents",
        );
    }
    if has(&["efs", "file system", "mount"]) {
        return Diagnosis::new("a volume cannot be mounted")
            .hint("check the file system, its mount targets and security group");
    }
    if has(&["secretsmanager", "secret", "ssm", "parameter"]) {
        return Diagnosis::new("the secrets cannot be read: one is missing, or the execution role may not read it, or there is no way to it")
            .hint("check the secrets' ARNs; the execution role needs secretsmanager:GetSecretValue or ssm:GetParameters");
    }
    if has(&["ecr", "registry", "auth"]) {
        return Diagnosis::new("the image cannot be pulled: the registry cannot be reached or refuses the execution role")
            .hint("the subnets need a way to ECR (a public address, NAT gateway or VPC endpoints), the execution role the right to pull");
    }
    Diagnosis::new("what the task needs cannot be prepared")
}

fn no_place(text: &str) -> Option<Diagnosis> {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let (why, hint) = if has(&["capacity is unavailable", "insufficient capacity"]) {
        ("Fargate has no capacity", "try again later, with more subnets, or with another size or platform")
    } else if has(&["no container instances were found", "no container instance met"])
        && !has(&["insufficient", "resource:"])
    {
        (
            "no instance of the cluster will do",
            "the cluster needs instances, or the service launch_type: FARGATE",
        )
    } else if has(&["network interface", "resource:eni", "eni "]) {
        (
            "there is no network interface for it",
            "larger instances have more of them; a subnet needs free addresses",
        )
    } else if has(&["resource:memory", "insufficient memory", "memory available"]) {
        ("no instance has the memory for it", "add instances, or ask for less memory")
    } else if has(&["resource:cpu", "insufficient cpu", "cpu units available"]) {
        ("no instance has the CPU for it", "add instances, or ask for less CPU")
    } else if has(&["resource:port", "port already in use", "requires a port"]) {
        ("the port is taken on every instance", "leave the host's port open (0), or add instances")
    } else if has(&["limit on the number", "vcpus"]) {
        ("the account may run no more tasks", "ask AWS for a higher limit")
    } else if has(&["unable to place"]) {
        ("ECS finds no instance that will do", "check instances, placement constraints and resources")
    } else {
        return None;
    };
    Some(Diagnosis::new(format!("a task cannot be placed: {why}")).hint(hint))
}

fn unhealthy_task(task: &Task) -> Diagnosis {
    let reason = task.reason.as_deref().unwrap_or_default();
    let line = format!("the tasks run and fail their health checks: {}", shortened(reason));
    Diagnosis::new(line)
        .hint("check that the application listens on the port on all addresses, and the health check's path")
}

fn exited(task: &Task, container: &Container, log: &[String]) -> Diagnosis {
    let code = container.exit_code.map_or("no exit code".to_owned(), |code| format!("code {code}"));
    let ran = task.started.zip(task.stopped).map(|(started, stopped)| stopped - started);
    let when = match ran {
        Some(seconds) if seconds > AT_ONCE => format!("after {seconds:.0} s"),
        _ => "at once".to_owned(),
    };
    let name = called(container);
    if let Some(line) = log.iter().rev().find(|line| is_about_listening(line)) {
        return Diagnosis::new(format!(
            "{name} cannot listen and exits {when} with {code}: {}",
            shortened(line)
        ))
        .hint("check the port and address it is told to listen on, and that nothing else listens there");
    }
    let known = match container.exit_code {
        Some(126) => Some("its command cannot be run"),
        Some(127) => Some("its command is not found"),
        Some(137) => Some("it was killed, often for want of memory"),
        Some(139) => Some("it crashed"),
        _ => None,
    };
    let last = log.iter().rev().find(|line| !line.trim().is_empty()).map(|line| shortened(line));
    let said = known.map(str::to_owned).or(last).map_or(String::new(), |said| format!(": {said}"));
    Diagnosis::new(format!("{name} exits {when} with {code}{said}"))
}

/// Returns the container whose end was the task's: one that failed, else one that ended.
fn ended(task: &Task) -> Option<&Container> {
    let failed = task.containers.iter().find(|container| container.exit_code.is_some_and(|code| code != 0));
    failed.or_else(|| task.containers.iter().find(|container| container.exit_code.is_some()))
}

fn called(container: &Container) -> String {
    format!("container {}", container.name)
}

fn is_about_listening(line: &str) -> bool {
    let line = line.to_lowercase();
    let plain = [
        "cannot listen",
        "can't listen",
        "could not listen",
        "failed to listen",
        "address already in use",
        "eaddrinuse",
        "cannot bind",
        "failed to bind",
        "could not bind",
        "can't bind",
    ];
    let both = line.contains("permission denied") && (line.contains("bind") || line.contains("listen"));
    both || plain.iter().any(|words| line.contains(words))
}

/// Returns the beginning of a long text, on one line.
pub(crate) fn shortened(text: &str) -> String {
    cut(text, 240)
}

/// Returns so much of a text, on one line.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    line.chars().take(longest).collect::<String>() + " …"
}

#[cfg(test)]
mod tests;
