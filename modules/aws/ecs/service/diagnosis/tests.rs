use super::super::watch::Target;
use super::*;

fn task(code: &str, reason: &str, exit: Option<i32>, said: Option<&str>) -> Task {
    let container = Container {
        name: "web".to_owned(),
        image: "repo/web:7".to_owned(),
        exit_code: exit,
        reason: said.map(str::to_owned),
        runtime_id: None,
    };
    Task {
        stop_code: Some(code.to_owned()),
        reason: Some(reason.to_owned()),
        containers: vec![container],
        started: Some(10.0),
        stopped: Some(12.0),
        ..Task::default()
    }
}

#[test]
fn a_dead_tasks_own_words_say_what_it_died_of() {
    let start = "TaskFailedToStart";
    let secrets = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: ";
    for (code, reason, line) in [
        (
            start,
            "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref repo/web:7: not found"
                .to_owned(),
            "the image repo/web:7 cannot be pulled: there is no such image or tag",
        ),
        (
            start,
            "CannotPullContainerError: Error response from daemon: pull access denied".to_owned(),
            "the image repo/web:7 cannot be pulled: pulling is not allowed",
        ),
        (
            start,
            "CannotPullContainerError: ref pull has been retried 5 time(s): dial tcp 1.2.3.4:443: i/o timeout".to_owned(),
            "the image repo/web:7 cannot be pulled: the registry cannot be reached",
        ),
        (
            start,
            "ECS was unable to assume the role 'arn:aws:iam::1:role/gone' that was provided for this task.".to_owned(),
            "ECS cannot assume arn:aws:iam::1:role/gone: it is missing, or does not trust ecs-tasks.amazonaws.com",
        ),
        (
            start,
            secrets.to_owned() + "unable to retrieve secret from asm: AccessDeniedException",
            "the secrets cannot be read: one is missing, or the execution role may not read it, or there is no way to it",
        ),
        (
            start,
            secrets.to_owned() + "unable to retrieve ecr registry auth: service call has been retried 3 time(s)",
            "the image cannot be pulled: the registry cannot be reached or refuses the execution role",
        ),
        (
            start,
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: \
             ResourceNotFoundException: The specified log group does not exist."
                .to_owned(),
            "the log cannot be written: its group is missing, or the execution role may not write it",
        ),
        (start, "Capacity is unavailable at this time.".to_owned(), "a task cannot be placed: Fargate has no capacity"),
        (
            start,
            "Timeout waiting for network interface provisioning to complete.".to_owned(),
            "a task cannot be placed: there is no network interface for it",
        ),
        (
            "ServiceSchedulerInitiated",
            "Task failed ELB health checks in (target-group web)".to_owned(),
            "the tasks run and fail their health checks: Task failed ELB health checks in (target-group web)",
        ),
    ] {
        assert_eq!(of_task(&task(code, &reason, None, None), &[]).line, line);
    }
}

#[test]
fn a_container_that_ends_is_told_by_its_exit_code_and_its_last_line() {
    let exited = |exit, said, log: &[&str]| {
        let log: Vec<String> = log.iter().map(|&line| line.to_owned()).collect();
        of_task(&task("EssentialContainerExited", "Essential container in task exited", exit, said), &log)
            .line
    };
    assert_eq!(
        exited(Some(1), None, &["starting", "no settings", ""]),
        "container web exits at once with code 1: no settings"
    );
    assert_eq!(
        exited(Some(1), None, &["demo-app: cannot listen on 0.0.0.0:80: Permission denied", "bye"]),
        "container web cannot listen and exits at once with code 1: demo-app: cannot listen on 0.0.0.0:80: Permission denied"
    );
    assert_eq!(
        exited(Some(137), Some("OutOfMemoryError: Container killed"), &[]),
        "container web is out of memory"
    );
    assert_eq!(
        exited(Some(127), None, &["x"]),
        "container web exits at once with code 127: its command is not found"
    );
    assert_eq!(
        exited(Some(255), None, &["exec /app: exec format error"]),
        "the image is made for another processor"
    );
    assert_eq!(exited(Some(0), None, &[]), "container web exits at once with code 0");
    let late = Task {
        stopped: Some(55.0),
        ..task("EssentialContainerExited", "Essential container in task exited", Some(3), None)
    };
    assert_eq!(of_task(&late, &[]).line, "container web exits after 45 s with code 3");
    let silent = Task { containers: vec![], ..task("EssentialContainerExited", "", None, None) };
    assert_eq!(of_task(&silent, &[]), Diagnosis::unknown());
}

#[test]
fn an_event_says_why_there_is_no_place() {
    let unable = "(service web) was unable to place a task because no container instance met all of its requirements. ";
    for (message, line) in [
        (unable.to_owned() + "Reason: No Container Instances were found in your cluster.", "no instance of the cluster will do"),
        (
            unable.to_owned() + "The closest matching (container-instance 1) has insufficient memory available.",
            "no instance has the memory for it",
        ),
        (
            unable.to_owned() + "The closest matching (container-instance 1) encountered error \"RESOURCE:ENI\".",
            "there is no network interface for it",
        ),
        (unable.to_owned() + "The closest matching container-instance has insufficient CPU units available.", "no instance has the CPU for it"),
        ("(service web) was unable to place a task. Reason: Capacity is unavailable at this time.".to_owned(), "Fargate has no capacity"),
        (
            "(service web) was unable to place a task. Reason: You've reached the limit on the number of vCPUs you can run".to_owned(),
            "the account may run no more tasks",
        ),
    ] {
        assert_eq!(of_event(&message).line, format!("a task cannot be placed: {line}"), "{message}");
    }
    let role = "(service web) failed to launch a task with (error ECS was unable to assume the role 'arn:aws:iam::1:role/x')";
    assert!(of_event(role).line.starts_with("ECS cannot assume arn:aws:iam::1:role/x"));
}

#[test]
fn a_deployments_own_reason_says_what_no_task_does() {
    let line = |reason| of_reason(reason, "web:4").map(|found| found.line);
    assert_eq!(
        line("circuit breaker was triggered after three unsuccessful image digest resolution attempts.")
            .unwrap(),
        "an image of web:4 cannot be pulled: its digest cannot be found"
    );
    assert_eq!(
        line("ECS deployment failed: alarm detected.").unwrap(),
        "an alarm has stopped the deployment: ECS deployment failed: alarm detected."
    );
    assert_eq!(line("tasks failed to start."), None);
}

#[test]
fn unhealthy_targets_say_why() {
    let target = Target {
        id: "10.0.0.1".to_owned(),
        port: Some(80),
        state: "unhealthy".to_owned(),
        reason: Some("Target.ResponseCodeMismatch".to_owned()),
        description: Some("Health checks failed with these codes: [404]".to_owned()),
    };
    let found = of_targets(&[Group { name: "web".to_owned(), targets: vec![target] }]);
    assert_eq!(
        found.line,
        "the tasks run and fail the health checks of target group web: Health checks failed with these codes: [404]"
    );
    assert!(found.hint.unwrap().contains("check its path"));
    assert_eq!(of_targets(&[]), Diagnosis::unknown());
}
