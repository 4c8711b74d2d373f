//! What a play does on several hosts, told line by line.

mod blocks;
mod certain;
mod debugger;
mod handlers;
mod includes;
mod keywords;
mod loops;
mod meta;
mod plays;

use std::sync::{Arc, Mutex};

use rplay_event::{Counts, Event, Kind, Status, TaskResult};

use crate::settings::Settings;
use crate::start::Run;

/// What a run came to.
struct Ran {
    code: u8,
    /// What happened, a few words a line; the recap comes last.
    lines: Vec<String>,
    /// The files that were brought in.
    files: Vec<String>,
}

impl Ran {
    /// Compares what happened with lines of text, whose margins do not count.
    #[track_caller]
    fn told(&self, expected: &str) {
        let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(self.lines, expected);
    }
}

/// Runs a playbook on the hosts a, b and c; `change` changes the settings before.
fn ran_with(playbook: &str, files: &[(&str, &str)], change: impl FnOnce(&mut Settings)) -> Ran {
    let folder = tempfile::tempdir().expect("a folder for the playbook");
    for (name, text) in files.iter().chain([&("play.yml", playbook)]) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("its own folder");
        std::fs::write(path, text).expect("a file in the folder");
    }
    let real = std::fs::canonicalize(folder.path()).expect("the folder is there");
    let mut settings = crate::testing::settings(real);
    settings.playbooks = vec![folder.path().join("play.yml")];
    settings.inventory = vec!["a,b,c".to_owned()];
    change(&mut settings);
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = Arc::clone(&lines);
    let files: Arc<Mutex<Vec<String>>> = Arc::default();
    let brought = Arc::clone(&files);
    let sink = Box::new(move |event: Event| {
        if let Kind::Included { file, .. } = event.kind() {
            brought.lock().expect("no test panics here").push(file.clone());
        }
        told.lock().expect("no test panics here").extend(lines_of(event.kind()));
    });
    let code = match Run::set_up(settings, &[], sink) {
        Err(code) => code,
        Ok(run) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(run.play())
        }
    };
    let lines = lines.lock().expect("no test panics here").clone();
    let files = files.lock().expect("no test panics here").clone();
    Ran { code, lines, files }
}

/// Runs a playbook on the hosts a, b and c.
fn ran(playbook: &str) -> Ran {
    ran_with(playbook, &[], |_| {})
}

fn lines_of(kind: &Kind) -> Vec<String> {
    match kind {
        Kind::PlayStarted { name, .. } => vec![format!("PLAY {name}")],
        Kind::NoHostsMatched => vec!["no hosts matched".to_owned()],
        Kind::NoHostsRemaining => vec!["NO MORE HOSTS LEFT".to_owned()],
        Kind::TaskStarted { task } if task.handler => vec![format!("HANDLER {}", task.name)],
        Kind::TaskStarted { task } => vec![format!("TASK {}", task.name)],
        Kind::ItemDone { result } | Kind::TaskDone { result } => vec![result_line(result)],
        Kind::Retrying { host, left, .. } => vec![format!("{host}: {left} retries left")],
        Kind::Included { hosts, .. } => vec![format!("included for {}", hosts.join(" "))],
        Kind::Notified { handler, host } => vec![format!("{host} notified {handler}")],
        Kind::Warning { message } => vec![format!("warning: {message}")],
        Kind::Said { message } => vec![message.clone()],
        Kind::Fault { fault } => vec![format!("fault: {}", fault.message)],
        Kind::Recap { hosts } => hosts.iter().map(|(host, counts)| recap_line(host, *counts)).collect(),
        _ => Vec::new(),
    }
}

fn result_line(result: &TaskResult) -> String {
    let status = match result.status {
        Status::Ok => "ok",
        Status::Changed => "changed",
        Status::Skipped => "skipped",
        Status::Failed => "failed",
        Status::Unreachable => "unreachable",
    };
    let ignored = if result.ignored { " ignored" } else { "" };
    let item = result.item.as_ref().map(|item| format!(" ({item})")).unwrap_or_default();
    let message = result.result.get("msg").filter(|_| result.verbose_always).map(|text| format!(": {text}"));
    format!("{} {status}{ignored}{item}{}", result.host, message.unwrap_or_default())
}

fn recap_line(host: &str, counts: Counts) -> String {
    let Counts { ok, changed, unreachable, failed, skipped, rescued, ignored } = counts;
    let all = [
        ("ok", ok),
        ("changed", changed),
        ("unreachable", unreachable),
        ("failed", failed),
        ("skipped", skipped),
        ("rescued", rescued),
        ("ignored", ignored),
    ];
    let counted = all.iter().filter(|(_, count)| *count > 0);
    let counted: Vec<String> = counted.map(|(word, count)| format!("{word}={count}")).collect();
    format!("{host} : {}", counted.join(" "))
}
