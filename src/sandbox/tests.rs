//! The sandbox itself, started and stopped: these need the package index (or a cache that has it all) and a Docker engine.

use std::path::Path;
use std::sync::Mutex;

use super::down::Ended;
use super::status::Status;
use super::*;

/// Settings for a sandbox in a folder; all tests share one environment, so that it is installed once.
fn settings(folder: &Path) -> Settings {
    Settings {
        folder: folder.join("sandbox"),
        cache: std::env::temp_dir().join(format!("rplay-test-cache-{}", rustix::process::getuid().as_raw())),
        path: std::env::var_os("PATH").unwrap_or_default(),
        region: "eu-west-1".to_owned(),
        docker: rplay_docker_client::Settings::default(),
    }
}

fn quiet(_: &str) {}

async fn engine() -> rplay_docker_client::Engine {
    match rplay_docker_client::Engine::connect(&rplay_docker_client::Settings::default()).await {
        Ok(engine) => engine,
        Err(error) => panic!("this test needs a Docker engine: {error}"),
    }
}

#[tokio::test]
async fn a_sandbox_stays_up_is_found_again_and_leaves_nothing() {
    engine().await;
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    assert!(matches!(status(&settings).await.expect("looked"), Status::Never));

    let first = up(&settings, &quiet).await.expect("it starts");
    assert!(first.started && first.without_containers.is_none(), "{first:?}");
    let second = up(&settings, &quiet).await.expect("it is up");
    assert!(!second.started);
    assert_eq!(second.record, first.record);
    assert!(matches!(status(&settings).await.expect("looked"), Status::Up { .. }));
    assert_eq!(live(&settings).await.expect("it answers"), first.record);
    assert_eq!(load_balancers(&first.record).await.expect("asked"), []);
    assert_eq!(reset(&settings, &quiet).await.expect("emptied"), Reset::Running);

    assert!(down(&settings, &quiet).await.expect("stopped").process);
    assert!(matches!(status(&settings).await.expect("looked"), Status::Down(_)));
    assert!(matches!(live(&settings).await, Err(Error::Down { .. })));
    assert_eq!(down(&settings, &quiet).await.expect("nothing to stop"), Ended::default());

    let third = up(&settings, &quiet).await.expect("it starts again");
    assert_eq!((third.started, third.record.port), (true, first.record.port));
    down(&settings, &quiet).await.expect("stopped");
}

#[tokio::test]
async fn another_region_restarts_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    up(&settings, &quiet).await.expect("it starts");
    let told = Mutex::new(Vec::new());
    let elsewhere = Settings { region: "us-east-1".to_owned(), ..settings.clone() };
    let up = up(&elsewhere, &|line: &str| told.lock().expect("one thread").push(line.to_owned()))
        .await
        .expect("it restarts");
    assert!(up.started);
    assert_eq!(up.record.region, "us-east-1");
    assert_eq!(told.into_inner().expect("one thread"), ["restarting the sandbox, which was up in eu-west-1"]);
    down(&settings, &quiet).await.expect("stopped");
}

#[tokio::test]
async fn without_an_engine_it_is_the_control_plane_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut settings = settings(folder.path());
    settings.docker.host = "unix:///nowhere/docker.sock".to_owned();
    let up = up(&settings, &quiet).await.expect("it starts");
    assert!(up.without_containers.is_some_and(|why| why.contains("/nowhere/docker.sock")));
    let lines = status(&settings).await.expect("looked").lines();
    assert_eq!(lines.last().map(String::as_str), Some("without containers: the control plane only"));
    assert!(down(&settings, &quiet).await.expect("stopped").process);
}

#[tokio::test]
async fn two_rplays_at_once_start_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    let (one, other) = tokio::join!(up(&settings, &quiet), up(&settings, &quiet));
    let (one, other) = (one.expect("up"), other.expect("up"));
    assert_eq!(one.record, other.record);
    assert_ne!(one.started, other.started);
    down(&settings, &quiet).await.expect("stopped");
}

#[tokio::test]
async fn a_process_that_was_killed_is_started_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    let first = up(&settings, &quiet).await.expect("it starts");
    let process = first.record.process.expect("it lives");
    let pid = rustix::process::Pid::from_raw(process.pid).expect("a process's number");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
    assert!(matches!(status(&settings).await.expect("looked"), Status::Down(_) | Status::Mute(_)));
    assert!(up(&settings, &quiet).await.expect("it starts again").started);
    down(&settings, &quiet).await.expect("stopped");
}

#[tokio::test]
async fn a_folder_with_other_things_is_not_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    std::fs::create_dir(&settings.folder).expect("made");
    std::fs::write(settings.folder.join("thesis.txt"), "mine").expect("written");
    let error = up(&settings, &quiet).await.expect_err("it is somebody's");
    assert!(matches!(error, Error::Foreign { .. }), "{error}");
}
