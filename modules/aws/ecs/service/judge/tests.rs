use super::super::watch::{Container, Event, Target};
use super::*;

const OURS: &str = "ecs-svc/2";

fn seconds(count: f64) -> Duration {
    Duration::from_secs_f64(count)
}

fn rollout(id: &str, status: &str, revision: &str, state: &str, running: i32) -> Rollout {
    Rollout {
        id: id.to_owned(),
        status: status.to_owned(),
        revision: revision.to_owned(),
        state: Some(state.to_owned()),
        desired: 2,
        running,
        created: Some(1000.0),
        ..Rollout::default()
    }
}

fn task(id: &str, status: &str) -> Task {
    Task {
        id: id.to_owned(),
        revision: "web:2".to_owned(),
        deployment: Some(OURS.to_owned()),
        status: status.to_owned(),
        addresses: vec![format!("10.0.0.{id}")],
        created: Some(1001.0),
        ..Task::default()
    }
}

fn dead(id: &str, code: &str, reason: &str, exit: Option<i32>, stopped: f64) -> Task {
    Task {
        stop_code: Some(code.to_owned()),
        reason: Some(reason.to_owned()),
        containers: vec![Container { name: "web".to_owned(), exit_code: exit, ..Container::default() }],
        stopped: Some(stopped),
        ..task(id, "STOPPED")
    }
}

fn crashed(id: &str, stopped: f64) -> Task {
    dead(id, "EssentialContainerExited", "Essential container in task exited", Some(1), stopped)
}

fn target(id: &str, state: &str) -> Target {
    Target { id: format!("10.0.0.{id}"), port: Some(80), state: state.to_owned(), ..Target::default() }
}

fn group(targets: &[Target]) -> Vec<Group> {
    vec![Group { name: "web".to_owned(), targets: targets.to_vec() }]
}

fn event(message: &str, created: f64) -> Event {
    Event { id: format!("{created}"), message: message.to_owned(), created: Some(created) }
}

/// Two of two tasks of our deployment run, and nothing else.
fn working() -> Snapshot {
    Snapshot {
        status: "ACTIVE".to_owned(),
        desired: 2,
        running: 2,
        deployments: vec![rollout(OURS, "PRIMARY", "web:2", "COMPLETED", 2)],
        tasks: Some(vec![task("1", "RUNNING"), task("2", "RUNNING")]),
        ..Snapshot::default()
    }
}

fn ours(started: bool) -> Ours {
    Ours { revision: Some("web:2".to_owned()), deployment: Some(OURS.to_owned()), started, ..Ours::default() }
}

/// Judges the looks in turn; returns the last judgement.
fn judged(mut ours: Ours, looks: &[(f64, Snapshot)]) -> Judgement {
    let mut history = History::default();
    let mut last = Judgement::Waits(String::new());
    for (at, seen) in looks {
        last = history.judge(&mut ours, seen, seconds(*at));
    }
    last
}

fn waits(judgement: &Judgement) -> &str {
    match judgement {
        Judgement::Waits(why) => why,
        other => panic!("it does not wait: {other:?}"),
    }
}

#[test]
fn a_service_that_works_is_looked_at_once() {
    let seen = Snapshot {
        tasks: None,
        groups: group(&[target("1", "healthy"), target("2", "healthy")]),
        ..working()
    };
    assert_eq!(judged(ours(false), &[(0.0, seen)]), Judgement::Works);
}

#[test]
fn after_a_change_the_same_tasks_must_go_on() {
    let other = || Snapshot { tasks: Some(vec![task("1", "RUNNING"), task("3", "RUNNING")]), ..working() };
    for (looks, works) in [
        (vec![(0.1, working())], false),
        (vec![(0.1, working()), (3.2, working())], true),
        (vec![(0.1, working()), (2.0, other()), (3.2, other())], false),
        (vec![(0.1, working()), (2.0, other()), (5.1, other())], true),
    ] {
        let judgement = judged(ours(true), &looks);
        assert_eq!(judgement == Judgement::Works, works, "{judgement:?}");
    }
}

#[test]
fn what_is_missing_is_said() {
    let old = rollout("ecs-svc/1", "ACTIVE", "web:1", "COMPLETED", 1);
    let unwell = Task { health: Some("UNHEALTHY".to_owned()), ..task("2", "RUNNING") };
    let reason = Target { reason: Some("Elb.RegistrationInProgress".to_owned()), ..target("2", "initial") };
    for (seen, why) in [
        (Snapshot { running: 1, ..working() }, "1 of 2 tasks run"),
        (Snapshot { running: 3, ..working() }, "3 of 2 tasks run"),
        (Snapshot { pending: 1, ..working() }, "2 of 2 tasks run"),
        (Snapshot { deployments: vec![], ..working() }, "no deployment is seen yet"),
        (
            Snapshot { deployments: [working().deployments, vec![old]].concat(), ..working() },
            "2 of 2 tasks of web:2 run, 1 older ones are still there",
        ),
        (
            Snapshot { deployments: vec![rollout(OURS, "PRIMARY", "web:2", "IN_PROGRESS", 2)], ..working() },
            "the deployment is not completed",
        ),
        (
            Snapshot { tasks: Some(vec![task("1", "RUNNING"), task("2", "PENDING")]), ..working() },
            "1 of 2 tasks are seen running",
        ),
        (
            Snapshot { tasks: Some(vec![task("1", "RUNNING"), unwell]), ..working() },
            "task 2 fails its own health check",
        ),
        (Snapshot { groups: group(&[]), ..working() }, "0 of 2 targets of web are healthy"),
        (
            Snapshot { groups: group(&[target("1", "healthy")]), ..working() },
            "1 of 2 targets of web are healthy",
        ),
        (
            Snapshot { groups: group(&[target("1", "healthy"), reason]), ..working() },
            "target 10.0.0.2:80 of web is initial: Elb.RegistrationInProgress",
        ),
    ] {
        assert_eq!(waits(&judged(ours(true), &[(1.0, seen)])), why);
    }
}

#[test]
fn targets_that_are_not_ours_or_only_drain_do_not_count() {
    let healthy = [target("1", "healthy"), target("2", "healthy")];
    for other in [target("9", "unhealthy"), target("1", "draining"), target("2", "unhealthy.draining")] {
        let seen = Snapshot { groups: group(&[healthy.to_vec(), vec![other]].concat()), ..working() };
        assert_eq!(judged(ours(true), &[(1.0, seen.clone()), (5.0, seen)]), Judgement::Works);
    }
}

#[test]
fn several_tasks_on_one_instance_are_one_target() {
    let instance = Target { id: "i-1".to_owned(), ..target("", "healthy") };
    let seen = Snapshot { groups: group(&[instance]), ..working() };
    assert_eq!(judged(ours(true), &[(1.0, seen.clone()), (5.0, seen)]), Judgement::Works);
}

#[test]
fn a_service_scaled_down_to_nothing_works() {
    let seen = Snapshot { desired: 0, running: 0, tasks: Some(vec![]), groups: group(&[]), ..working() };
    assert_eq!(judged(ours(true), &[(1.0, seen)]), Judgement::Works);
}

#[test]
fn only_a_service_without_any_task_is_gone_by_its_counts() {
    let none = Snapshot { tasks: Some(vec![]), groups: group(&[]), ..working() };
    assert_eq!(judged(ours(true), &[(0.0, none.clone())]), Judgement::WorksByCount("lists none"));
    let not_looked = Snapshot { tasks: None, ..none.clone() };
    assert_eq!(
        judged(ours(false), &[(0.0, not_looked), (0.1, none.clone())]),
        Judgement::WorksByCount("lists none")
    );
    let some = Snapshot { tasks: Some(vec![task("1", "RUNNING"), task("2", "RUNNING")]), ..none };
    assert_eq!(
        waits(&judged(ours(true), &[(0.0, some.clone()), (9.0, some)])),
        "0 of 2 targets of web are healthy"
    );
}

#[test]
fn running_tasks_without_a_network_interface_are_no_real_ones() {
    let hollow = |id: &str| Task { is_hollow: true, ..task(id, "RUNNING") };
    let none = Snapshot { tasks: Some(vec![hollow("1"), hollow("2")]), groups: group(&[]), ..working() };
    let why = "none of them has a network interface";
    assert_eq!(judged(ours(true), &[(0.0, none.clone())]), Judgement::WorksByCount(why));
    let one = Snapshot { tasks: Some(vec![hollow("1"), task("2", "RUNNING")]), ..none };
    assert_eq!(waits(&judged(ours(true), &[(0.0, one)])), "0 of 2 targets of web are healthy");
}

#[test]
fn two_deaths_in_a_row_of_the_same_cause_end_the_wait() {
    let pull = |id: &str, text: &str, at| {
        dead(id, "TaskFailedToStart", &format!("CannotPullContainerError: {text}"), None, at)
    };
    let ends = |code, at| {
        dead("9", "EssentialContainerExited", "Essential container in task exited", Some(code), at)
    };
    let elb = |id: &str, at| {
        dead(
            id,
            "ServiceSchedulerInitiated",
            "Task failed ELB health checks in (target-group x)",
            Some(143),
            at,
        )
    };
    for (deaths, fails) in [
        (vec![crashed("1", 10.0)], false),
        (vec![crashed("1", 10.0), crashed("2", 20.0)], true),
        (vec![crashed("1", 10.0), ends(2, 20.0)], false),
        (vec![crashed("1", 10.0), ends(2, 20.0), crashed("2", 30.0)], false),
        (vec![pull("1", "request a", 10.0), pull("2", "request b", 20.0)], true),
        (vec![crashed("1", 10.0), pull("2", "x", 20.0)], false),
        (vec![elb("1", 10.0), elb("2", 20.0)], true),
        (vec![crashed("1", 10.0), crashed("2", 2000.0)], false),
    ] {
        let seen = Snapshot { running: 0, tasks: Some(deaths.clone()), ..working() };
        let judgement = judged(ours(true), &[(1.0, seen)]);
        assert_eq!(
            matches!(judgement, Judgement::Fails(Cause::Dying(_))),
            fails,
            "{deaths:?}: {judgement:?}"
        );
    }
}

#[test]
fn tasks_that_were_stopped_for_another_reason_have_not_failed() {
    for (code, reason) in [
        ("UserInitiated", "by hand"),
        ("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/2)"),
        ("SpotInterruption", "Your Spot Task was interrupted."),
        ("TerminationNotice", "the instance goes"),
    ] {
        assert!(!has_failed(&dead("1", code, reason, Some(143), 1.0)), "{code}");
    }
    assert!(has_failed(&Task { stop_code: None, ..crashed("1", 1.0) }));
    assert!(!has_failed(&task("1", "RUNNING")));
}

#[test]
fn deaths_of_other_deployments_are_not_ours() {
    let other = |id: &str, at| Task { deployment: Some("ecs-svc/1".to_owned()), ..crashed(id, at) };
    let seen = Snapshot { running: 1, tasks: Some(vec![other("1", 1.0), other("2", 2.0)]), ..working() };
    assert_eq!(waits(&judged(ours(true), &[(1.0, seen)])), "1 of 2 tasks run");
    let by_service =
        |created| Task { deployment: Some("web".to_owned()), created: Some(created), ..crashed("1", 1.0) };
    let own = working().deployments.remove(0);
    assert!(belongs(&by_service(1000.5), &own));
    assert!(!belongs(&by_service(900.0), &own), "the same revision of an earlier deployment");
}

#[test]
fn what_died_before_an_unchanged_run_counts_only_after_a_silence() {
    let old = || vec![crashed("1", 10.0), crashed("2", 20.0)];
    let seen = |tasks: Vec<Task>| Snapshot { running: 1, tasks: Some(tasks), ..working() };
    assert!(matches!(judged(ours(false), &[(0.0, seen(old()))]), Judgement::Waits(_)));
    assert!(matches!(judged(ours(false), &[(0.0, seen(old())), (19.0, seen(old()))]), Judgement::Waits(_)));
    let silent = judged(ours(false), &[(0.0, seen(old())), (21.0, seen(old()))]);
    assert!(matches!(silent, Judgement::Fails(Cause::Dying(_))), "{silent:?}");
    let trying = [old(), vec![task("3", "PENDING")]].concat();
    assert!(matches!(judged(ours(false), &[(0.0, seen(old())), (21.0, seen(trying))]), Judgement::Waits(_)));
    let again = [old(), vec![crashed("3", 30.0)]].concat();
    let died = judged(ours(false), &[(0.0, seen(old())), (5.0, seen(again))]);
    assert_eq!(died, Judgement::Fails(Cause::Dying(vec!["3".to_owned(), "2".to_owned()])));
}

#[test]
fn another_revision_in_place_of_ours_is_a_rollback() {
    let back = |state| Snapshot {
        deployments: vec![
            rollout(OURS, "ACTIVE", "web:2", state, 0),
            rollout("ecs-svc/1", "PRIMARY", "web:1", "COMPLETED", 2),
        ],
        ..working()
    };
    let rolled = Judgement::Fails(Cause::RolledBack { to: "web:1".to_owned() });
    assert_eq!(judged(ours(true), &[(1.0, back("FAILED"))]), rolled);
    let gone =
        Snapshot { deployments: vec![rollout("ecs-svc/1", "PRIMARY", "web:1", "COMPLETED", 2)], ..working() };
    assert!(
        matches!(judged(ours(true), &[(1.0, gone.clone())]), Judgement::Waits(_)),
        "the answer may be older"
    );
    assert_eq!(judged(ours(true), &[(1.0, gone.clone()), (16.0, gone.clone())]), rolled);
    assert_eq!(judged(ours(true), &[(1.0, working()), (2.0, gone)]), rolled, "it was seen, and is no more");
}

#[test]
fn the_same_revision_deployed_once_more_is_ours() {
    let mut wanted = ours(true);
    let seen = Snapshot {
        deployments: vec![rollout("ecs-svc/3", "PRIMARY", "web:2", "IN_PROGRESS", 0)],
        ..working()
    };
    assert!(matches!(History::default().judge(&mut wanted, &seen, seconds(1.0)), Judgement::Waits(_)));
    assert_eq!(wanted.deployment.as_deref(), Some("ecs-svc/3"));
}

#[test]
fn a_deployment_that_was_given_up_has_failed() {
    let seen = Snapshot { deployments: vec![rollout(OURS, "PRIMARY", "web:2", "FAILED", 0)], ..working() };
    assert_eq!(judged(ours(true), &[(1.0, seen)]), Judgement::Fails(Cause::GivenUp));
}

#[test]
fn targets_may_be_unhealthy_for_the_grace_period() {
    let unhealthy =
        || Snapshot { groups: group(&[target("1", "unhealthy"), target("2", "unhealthy")]), ..working() };
    let one = || Snapshot { groups: group(&[target("1", "healthy"), target("2", "unhealthy")]), ..working() };
    let graced = Ours { grace: seconds(60.0), ..ours(true) };
    for (wanted, looks, fails) in [
        (ours(true), vec![(5.0, unhealthy()), (20.0, unhealthy())], false),
        (ours(true), vec![(5.0, unhealthy()), (26.0, unhealthy())], true),
        (ours(true), vec![(5.0, unhealthy()), (15.0, one()), (26.0, one())], false),
        (ours(true), vec![(5.0, unhealthy()), (15.0, working()), (26.0, unhealthy())], false),
        (graced.clone(), vec![(5.0, unhealthy()), (60.0, unhealthy())], false),
        (graced, vec![(5.0, unhealthy()), (66.0, unhealthy())], true),
    ] {
        let judgement = judged(wanted, &looks);
        assert_eq!(judgement == Judgement::Fails(Cause::Unhealthy), fails, "{judgement:?}");
    }
}

#[test]
fn ecs_gets_its_time_to_find_a_place() {
    let no_place =
        "(service web) was unable to place a task because no container instance met all of its requirements.";
    let seen = |events: Vec<Event>| Snapshot { running: 0, tasks: Some(vec![]), events, ..working() };
    let newer = || seen(vec![event(no_place, 1005.0)]);
    let older = || seen(vec![event(no_place, 999.0)]);
    let steady =
        || seen(vec![event("(service web) has reached a steady state.", 1010.0), event(no_place, 1005.0)]);
    let placed = || Snapshot { tasks: Some(vec![task("1", "PROVISIONING")]), ..newer() };
    let growing = Ours { may_grow: true, ..ours(true) };
    for (wanted, looks, fails) in [
        (ours(true), vec![(5.0, newer()), (40.0, newer())], false),
        (ours(true), vec![(5.0, newer()), (50.0, newer())], true),
        (ours(true), vec![(5.0, older()), (50.0, older())], false),
        (ours(true), vec![(5.0, steady()), (50.0, steady())], false),
        (ours(true), vec![(5.0, newer()), (20.0, placed()), (50.0, newer())], false),
        (growing, vec![(5.0, newer()), (50.0, newer())], false),
    ] {
        let judgement = judged(wanted, &looks);
        assert_eq!(judgement == Judgement::Fails(Cause::Unplaced), fails, "{judgement:?}");
    }
}

#[test]
fn a_service_that_somebody_deletes_has_failed() {
    let seen = Snapshot { status: "DRAINING".to_owned(), ..working() };
    assert_eq!(judged(ours(true), &[(1.0, seen)]), Judgement::Fails(Cause::Going));
}

#[test]
fn where_codedeploy_deploys_only_the_number_of_tasks_is_waited_for() {
    let wanted = Ours { revision: None, ..ours(true) };
    let seen = Snapshot { deployments: vec![], tasks: Some(vec![]), ..working() };
    assert_eq!(judged(wanted.clone(), &[(1.0, seen.clone())]), Judgement::Works);
    assert_eq!(waits(&judged(wanted, &[(1.0, Snapshot { running: 1, ..seen })])), "1 of 2 tasks run");
}
