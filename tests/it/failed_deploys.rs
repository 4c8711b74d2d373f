use rplay_test_support::{Play, StandIn};

use crate::deploy::{alone, ask, the_demo};

const PLAYBOOK: &str = include_str!("../../playbooks/provision-and-deploy.yml");

/// Returns the project's own playbook, with an application that can be told to fail.
fn the_demo_with_faults(endpoint: &str) -> Play {
    let port = "PORT: \"{{ app_port }}\"";
    assert!(PLAYBOOK.contains(port), "the playbook sets the port");
    let faulty = "PORT: \"{{ port | default(app_port) }}\"\n              BIND: \"{{ bind | default('') }}\"";
    the_demo(endpoint).file("playbooks/provision-and-deploy.yml", PLAYBOOK.replace(port, faulty))
}

/// Deploys the application, then once more with something that is wrong.
///
/// Fails the test unless the second run says all of these on its screen, and the first application still answers.
#[track_caller]
fn fails(wrong: impl FnOnce(&str) -> String, parts: &[&str]) {
    let _alone = alone();
    let stand_in = StandIn::with_containers();
    let play = the_demo_with_faults(&stand_in.endpoint());
    let deploy =
        |set: &str| play.run_with(["-e", "size_of_cluster=1", "-e", set, "provision-and-deploy.yml"]);
    let answers = || ask(&stand_in.endpoint(), "/_health").ends_with(" 200");

    let good = deploy("greeting=first");
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    assert!(answers());

    let registry = stand_in.endpoint().replace("http://", "");
    let failed = deploy(&wrong(&registry));
    assert_eq!(failed.code, 2, "{}{}", failed.stdout, failed.stderr);
    for part in parts {
        assert!(failed.stdout.contains(part), "{part} is not in\n{}{}", failed.stdout, failed.stderr);
    }
    assert!(answers(), "the old one does not answer");
}

const STILL: &str = "now: web:1 runs with 1 task, 1 healthy target: it still answers";

#[test]
fn an_image_that_exits_is_told_with_its_log() {
    fails(
        |_| "port=abc".to_owned(),
        &[
            "could not deploy web:2 to service web/web: container web exits at once with code 1",
            "why the wait has ended: ",
            "EssentialContainerExited",
            "container web: exit code 1",
            "| demo-app: PORT must be a number from 1 to 65535, not \"abc\"",
            "last events of the service:",
            STILL,
        ],
    );
}

#[test]
fn an_image_that_cannot_listen_is_told_with_its_log() {
    fails(
        |_| "bind=10.9.9.9".to_owned(),
        &[
            "could not deploy web:2 to service web/web: container web cannot listen and exits at once with code 1",
            "EssentialContainerExited",
            "container web: exit code 1",
            "| demo-app: cannot listen on 10.9.9.9:8080: ",
            STILL,
        ],
    );
}

#[test]
fn an_image_that_cannot_be_pulled_is_told_by_name() {
    fails(
        |registry| format!("image_uri={registry}/nothere:1"),
        &[
            "could not deploy web:2 to service web/web: the image 127.0.0.1:",
            "/nothere:1 cannot be pulled: there is no such image or tag",
            "CannotPullContainerError",
            "container web: no exit code",
            STILL,
        ],
    );
}
