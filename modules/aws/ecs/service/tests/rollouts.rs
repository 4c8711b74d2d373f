//! Rollouts as AWS shows them, and the stand-in does not.

use rplay_module::FailureKind;
use rplay_test_support::recorded::Expected;

use super::answers::*;
use super::*;

/// A look at everything that is there.
fn look(seen: Value, targets: Expected, running: &[Value], stopped: &[Value]) -> Vec<Expected> {
    [vec![describes(&[seen]), targets], lists(running, stopped)].concat()
}

fn always(calls: Vec<Expected>) -> Vec<Expected> {
    calls.into_iter().map(Expected::repeatedly).collect()
}

fn updates(seen: &Value) -> Expected {
    Expected::json("UpdateService").answers(&json!({ "service": seen }))
}

/// An update from revision 6, and what is seen right after it.
fn deploys(seen: &Value) -> Vec<Expected> {
    let before =
        service(json!({ "taskDefinition": definition(6), "deployments": [deployment(6, json!({}))] }));
    vec![describes(&[before]), finds_group(), updates(seen), describes(std::slice::from_ref(seen))]
}

/// Revision 7 being deployed while revision 6 runs on.
fn rolling(own: Value, old: Value) -> Value {
    let own = with(json!({ "rolloutState": "IN_PROGRESS", "runningCount": 0 }), own);
    service(
        json!({ "deployments": [deployment(7, own), deployment(6, with(json!({ "status": "ACTIVE" }), old))] }),
    )
}

fn old_task(id: u32) -> Value {
    task(id, json!({ "taskDefinitionArn": definition(6), "startedBy": "ecs-svc/6" }))
}

#[tokio::test]
async fn a_service_that_works_costs_one_look_at_its_targets() {
    let (world, recorded) = answering([describes(&[service(json!({}))]), finds_group(), both_healthy()]);
    assert!(!done(&run(&world, &args(json!({})), Mode::Apply).await));
    assert_eq!(recorded.calls().len(), 3);
    assert_eq!(world.slept().as_secs(), 0);
}

#[tokio::test]
async fn a_rollout_is_shown_until_it_is_done() {
    let starting = rolling(json!({ "pendingCount": 2 }), json!({}));
    let events = json!([{ "id": "e1", "message": "(service web) has started 2 tasks: (task task1) (task task2).", "createdAt": 1_700_000_002.0 }]);
    let pending =
        [task(1, json!({ "lastStatus": "PROVISIONING" })), task(2, json!({ "lastStatus": "PENDING" }))];
    let running = [task(1, json!({})), task(2, json!({}))];
    let registering = health(&[
        ("10.0.0.1", "initial", "Elb.RegistrationInProgress"),
        ("10.0.0.9", "draining", "Target.DeregistrationInProgress"),
    ]);
    let mut calls = deploys(&starting);
    calls.extend([registering.clone()]);
    calls.extend(lists(&pending, &[]));
    calls.extend(look(
        with(
            rolling(json!({ "runningCount": 2 }), json!({ "runningCount": 0 })),
            json!({ "events": events }),
        ),
        registering,
        &running,
        &[],
    ));
    calls.extend(always(look(
        with(service(json!({})), json!({ "events": events })),
        both_healthy(),
        &running,
        &[],
    )));
    let (world, recorded) = answering(calls);
    let outcome = run(&world, &args(json!({})), Mode::Apply).await;
    assert!(done(&outcome));
    assert_eq!(
        outcome.result["service"]["events"],
        with(
            json!(null),
            json!([{ "id": "e1", "message": events[0]["message"], "createdAt": "2023-11-14T22:13:22+00:00" }])
        )
    );
    recorded.done();

    let progress = world.progress();
    assert_eq!(
        progress[0].headline,
        "rolling out web:7 to app/web: 0 of 2 tasks of web:7 run, 2 older ones are still there"
    );
    let step = |at: usize, label: &str| {
        let steps = progress[at].steps.iter().filter(|step| step.label == label);
        steps.map(|step| step.state.clone()).next().unwrap_or_default()
    };
    assert_eq!(step(0, "web:7"), "PRIMARY IN_PROGRESS");
    assert_eq!(step(0, "task task2"), "PENDING 0 s");
    assert_eq!(
        step(0, "target 10.0.0.1:8080 of web"),
        "initial: Elb.RegistrationInProgress: Elb.RegistrationInProgress it is"
    );
    assert!(step(1, "task task2").starts_with("PENDING 0 s, RUNNING"), "{}", step(1, "task task2"));
    let notes: Vec<_> = progress.iter().filter_map(|progress| progress.note.clone()).collect();
    assert_eq!(notes, ["(service web) has started 2 tasks: (task task1) (task task2)."], "once");
}

#[tokio::test]
async fn targets_that_stay_unhealthy_are_told_with_their_reason() {
    let seen = rolling(json!({ "runningCount": 2 }), json!({}));
    let running = [task(1, json!({})), task(2, json!({})), old_task(3), old_task(4)];
    let unhealthy = health(&[
        ("10.0.0.1", "unhealthy", "Target.Timeout"),
        ("10.0.0.2", "unhealthy", "Target.Timeout"),
        ("10.0.0.3", "healthy", ""),
        ("10.0.0.4", "healthy", ""),
    ]);
    let mut calls = deploys(&seen);
    calls.extend(always(look(seen, unhealthy, &running, &[])));
    calls.push(Expected::json("DescribeTaskDefinition").answers(&json!({ "taskDefinition": { "containerDefinitions": [
        { "name": "web", "logConfiguration": { "logDriver": "awslogs", "options": {
            "awslogs-group": "/ecs/web", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "app" } } }] } })));
    calls.push(
        Expected::json("GetLogEvents")
            .body(json!({ "logGroupName": "/ecs/web", "logStreamName": "app/web/task2", "startFromHead": false }))
            .answers(&json!({ "events": [{ "message": "listening on 127.0.0.1:8080" }] })),
    );
    let (world, recorded) = answering(calls);
    let outcome = run(&world, &args(json!({})), Mode::Apply).await;
    assert_eq!(
        failed(&outcome),
        "could not deploy web:7 to service app/web: the tasks run and fail the health checks of target group web: \
         Target.Timeout it is; web:6 runs with 2 tasks, 2 healthy targets: it still answers"
    );
    assert!(world.slept().as_secs() < 60, "{:?}", world.slept());
    let failure = outcome.failure.unwrap();
    let screen = String::from(failure.screen.unwrap());
    assert_eq!(
        screen,
        "service app/web: web:7 does not work: the tasks run and fail the health checks of target group web: Target.Timeout it is
  why the wait has ended: all targets of the new tasks stay unhealthy
  deployments:
    web:7 PRIMARY IN_PROGRESS, 2 of 2 tasks run
    web:6 ACTIVE COMPLETED, 2 of 2 tasks run
  task task2 of web:7: RUNNING
    container web: no exit code
      log /ecs/web app/web/task2, last lines:
      | listening on 127.0.0.1:8080
  target group web:
    10.0.0.1:8080 unhealthy: Target.Timeout: Target.Timeout it is
    10.0.0.2:8080 unhealthy: Target.Timeout: Target.Timeout it is
    10.0.0.3:8080 healthy
    10.0.0.4:8080 healthy
  now: web:6 runs with 2 tasks, 2 healthy targets: it still answers"
    );
    assert!(failure.hint.unwrap().contains("security group lets the load balancer in"));
    recorded.done();
}

#[tokio::test]
async fn a_service_without_a_place_for_its_tasks_is_told() {
    let message = "(service web) was unable to place a task because no container instance met all of its requirements. \
                   Reason: No Container Instances were found in your cluster.";
    let seen = with(
        rolling(json!({}), json!({ "runningCount": 0 })),
        json!({ "runningCount": 0, "events": [{ "id": "e", "message": message, "createdAt": 1_700_000_009.0 }] }),
    );
    let mut calls = deploys(&seen);
    calls.extend(always(look(seen, health(&[]), &[], &[])));
    let (world, recorded) = answering(calls);
    let outcome = run(&world, &args(json!({})), Mode::Apply).await;
    assert_eq!(
        failed(&outcome),
        "could not deploy web:7 to service app/web: a task cannot be placed: no instance of the cluster will do; \
         no task of the service runs"
    );
    assert!(world.slept().as_secs() < 60, "{:?}", world.slept());
    assert!(outcome.failure.unwrap().screen.unwrap().contains("No Container Instances were found"));
    recorded.done();
}

#[tokio::test]
async fn a_rollback_by_the_circuit_breaker_has_failed() {
    let starting = rolling(json!({ "pendingCount": 2 }), json!({}));
    let back = service(json!({ "taskDefinition": definition(6), "deployments": [
        deployment(6, json!({ "rolloutState": "IN_PROGRESS" })),
        deployment(7, json!({ "status": "ACTIVE", "rolloutState": "FAILED", "runningCount": 0, "failedTasks": 10,
            "rolloutStateReason": "ECS deployment circuit breaker: tasks failed to start." })),
    ] }));
    let healthy = || health(&[("10.0.0.3", "healthy", ""), ("10.0.0.4", "healthy", "")]);
    let old = [old_task(3), old_task(4)];
    let mut calls = deploys(&starting);
    calls.push(healthy());
    calls.extend(lists(&old, &[]));
    calls.extend(look(back, healthy(), &old, &[dead(1, 1_700_000_020.0)]));
    calls.push(Expected::json("DescribeTaskDefinition").answers(&json!({ "taskDefinition": {} })));
    let (world, recorded) = answering(calls);
    let outcome = run(&world, &args(json!({})), Mode::Apply).await;
    assert_eq!(
        failed(&outcome),
        "could not deploy web:7 to service app/web: container web exits at once with code 1; web:6 runs with 2 tasks, 2 \
         healthy targets: it still answers"
    );
    let failure = outcome.failure.unwrap();
    assert!(failure.screen.unwrap().contains(
        "the deployment was rolled back to web:6: ECS deployment circuit breaker: tasks failed to start."
    ));
    assert_eq!(failure.result["failures"][0]["stop_code"], "EssentialContainerExited");
    assert_eq!(failure.result["service"]["serviceName"], "web");
    recorded.done();
}

#[tokio::test]
async fn two_dead_tasks_end_the_wait_even_where_their_log_cannot_be_read() {
    let seen = rolling(json!({ "pendingCount": 1 }), json!({}));
    let mut calls = deploys(&seen);
    calls.push(both_healthy());
    calls.extend(lists(&[], &[dead(1, 1_700_000_010.0), dead(2, 1_700_000_020.0)]));
    calls.push(Expected::json("DescribeTaskDefinition").refuses("AccessDeniedException", "no"));
    let (world, recorded) = answering(calls);
    let outcome = run(&world, &args(json!({})), Mode::Apply).await;
    assert!(failed(&outcome).contains("container web exits at once with code 1"), "{}", failed(&outcome));
    assert!(
        outcome
            .failure
            .unwrap()
            .screen
            .unwrap()
            .contains("task task1 of web:7: EssentialContainerExited after 5 s, the same")
    );
    recorded.done();
}

#[tokio::test]
async fn a_wait_ends_at_its_deadline_with_what_was_missing() {
    let seen = rolling(json!({ "pendingCount": 2 }), json!({}));
    let pending = [task(1, json!({ "lastStatus": "PENDING" }))];
    let mut calls = deploys(&seen);
    calls.extend(always(look(seen, health(&[]), &pending, &[])));
    let (world, recorded) = answering(calls);
    let outcome = run(&world, &args(json!({ "wait_timeout": 30 })), Mode::Apply).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert!(failure.screen.unwrap().contains("30 seconds are over, and 0 of 2 tasks of web:7 run"));
    assert!((30..40).contains(&world.slept().as_secs()), "{:?}", world.slept());
    recorded.done();
}

#[tokio::test]
async fn a_stand_in_that_only_counts_is_believed_with_a_warning() {
    let (world, recorded) = answering(
        [
            vec![describes(&[service(json!({}))]), finds_group(), health(&[])],
            look(service(json!({})), health(&[]), &[], &[]),
        ]
        .concat(),
    );
    assert!(!done(&run(&world, &args(json!({})), Mode::Apply).await));
    assert_eq!(world.slept().as_secs(), 0);
    assert_eq!(
        world.warnings(),
        [
            "service app/web counts 2 running tasks and lists none: it is taken to work by its counts, as a stand-in's"
        ]
    );
    recorded.done();
}

#[tokio::test]
async fn a_stand_in_without_containers_is_believed_with_a_warning() {
    let tasks = [1, 2].map(|number| task(number, json!({ "launchType": "FARGATE", "attachments": [] })));
    let (world, recorded) = answering(
        [
            vec![describes(&[service(json!({}))]), finds_group(), health(&[])],
            look(service(json!({})), health(&[]), &tasks, &[]),
        ]
        .concat(),
    );
    assert!(!done(&run(&world, &args(json!({})), Mode::Apply).await));
    assert_eq!(
        world.warnings(),
        [
            "service app/web counts 2 running tasks and none of them has a network interface: it is taken to work by its \
             counts, as a stand-in's"
        ]
    );
    recorded.done();
}

#[tokio::test]
async fn an_unchanged_service_that_does_not_work_has_failed_too() {
    let seen = service(
        json!({ "runningCount": 0, "deployments": [deployment(7, json!({ "rolloutState": "FAILED", "runningCount": 0,
        "rolloutStateReason": "tasks failed to start." }))] }),
    );
    let (world, recorded) = answering([describes(&[seen]), finds_group(), health(&[])]);
    let outcome = run(&world, &args(json!({})), Mode::Apply).await;
    assert!(
        failed(&outcome).starts_with("could not deploy web:7 to service app/web: "),
        "{}",
        failed(&outcome)
    );
    recorded.done();
}

#[tokio::test]
async fn nobody_waits_who_does_not_want_to() {
    let seen = || describes(&[service(json!({ "runningCount": 0 }))]);
    let (world, recorded) = answering([seen(), finds_group()]);
    assert!(!done(&run(&world, &args(json!({ "wait": false })), Mode::Apply).await));
    recorded.done();
    let world = TestWorld::aws().env("RPLAY_ECS_WAIT", "0").start();
    world.cx().shared::<rplay_aws::Transport>().replace(recorded.client());
    recorded.expect([seen(), finds_group()]);
    assert!(!done(&run(&world, &args(json!({})), Mode::Apply).await));
    recorded.done();
}
