//! Playbooks run in tests, with directives alone: what is told, a line for each thing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rplay_config::{Config, Surroundings};
use rplay_event::{Event, Kind, RunMode, Status, TaskResult};

use crate::settings::{Connecting, Listing, Settings};
use crate::start::Run;

/// Files beside a playbook `p.yml`, and how it is run.
pub(crate) struct Rig {
    folder: tempfile::TempDir,
    pub(crate) settings: Settings,
}

/// What a run told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: u8,
    pub(crate) lines: Vec<String>,
}

impl Rig {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let real = std::fs::canonicalize(folder.path()).expect("it is there");
        for (name, text) in files {
            let path = real.join(name);
            std::fs::create_dir_all(path.parent().expect("it lies in the folder"))
                .expect("folders can be made");
            std::fs::write(path, text).expect("files can be written");
        }
        let settings = settings(real);
        Self { folder, settings }
    }

    /// Runs the playbook and returns what it told.
    pub(crate) fn play(&self) -> Told {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let base = std::fs::canonicalize(self.folder.path()).expect("it is there").display().to_string();
        let keep = Arc::clone(&lines);
        let sink = move |event: Event| {
            let told = line(event.kind()).map(|line| line.replace(&base, "."));
            keep.lock().unwrap_or_else(PoisonError::into_inner).extend(told);
        };
        let code = match Run::set_up(self.settings.clone(), &[], Box::new(sink)) {
            Err(code) => code,
            Ok(run) => match run.preflight(false) {
                Some(code) => code,
                None => runtime().block_on(run.play()),
            },
        };
        let lines = lines.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Told { code, lines }
    }

    /// Returns what `--list-tasks` prints.
    pub(crate) fn list_tasks(&self) -> String {
        let wanted = Listing { tasks: true, ..Listing::default() };
        match Run::set_up(self.settings.clone(), &[], Box::new(|_| ())) {
            Ok(run) => run.list(wanted),
            Err(code) => format!("exit code {code}"),
        }
    }
}

/// Runs a playbook that goes well and returns its lines.
pub(crate) fn told(files: &[(&str, &str)]) -> Vec<String> {
    let told = Rig::new(files).play();
    assert_eq!(told.code, 0, "{:#?}", told.lines);
    told.lines
}

fn line(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::TaskStarted { task } if task.handler => format!("HANDLER [{}]", task.name),
        Kind::TaskStarted { task } => format!("TASK [{}]", task.name),
        Kind::TaskDone { result } => done(result),
        Kind::Included { file, .. } => format!("included: {file}"),
        Kind::Warning { message } => format!("warning: {message}"),
        Kind::Fault { fault } => format!("fault: {}", fault.message),
        _ => return None,
    })
}

fn done(result: &TaskResult) -> String {
    let status = match result.status {
        Status::Ok => "ok",
        Status::Changed => "changed",
        Status::Skipped => "skipping",
        Status::Failed => "failed",
        Status::Unreachable => "unreachable",
    };
    let told = ["msg", "reason"].iter().find_map(|name| result.result.get(*name));
    let told = told.map(|told| told.as_str().map_or_else(|| told.to_string(), str::to_owned));
    match told.filter(|_| result.status != Status::Skipped) {
        Some(told) if told != "null" => format!("{status}: {told}"),
        _ => status.to_owned(),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
}

pub(crate) fn settings(folder: PathBuf) -> Settings {
    let explicit = ("ANSIBLE_GATHERING".to_owned(), "explicit".to_owned());
    let environment: Arc<BTreeMap<String, String>> = Arc::new(BTreeMap::from([explicit]));
    let around = Surroundings { env: Arc::clone(&environment), home: None, folder: folder.clone() };
    Settings {
        config: Arc::new(Config::load(around).expect("nothing is configured")),
        playbooks: vec![folder.join("p.yml")],
        adhoc: None,
        mode: RunMode::Play,
        diff: false,
        verbosity: 0,
        extra_vars: Vec::new(),
        tags: Vec::new(),
        skip_tags: Vec::new(),
        start_at_task: None,
        step: None,
        inventory: vec!["localhost,".to_owned()],
        host_sources: Vec::new(),
        python: "/usr/bin/python3".to_owned(),
        limit: None,
        forks: 5,
        connecting: Connecting::default(),
        agent: crate::connection::AgentProgram::default(),
        module_path: Vec::new(),
        playbook_dir: None,
        force_handlers: false,
        flush_cache: false,
        environment,
        home: None,
        folder,
        vault_secrets: Vec::new(),
        vault_id_match: false,
        sandbox: None,
        reach: Vec::new(),
        wait_lock: None,
        error_on_missing_handler: true,
        command: Vec::new(),
        now: || std::time::UNIX_EPOCH,
        random: |bytes| bytes.fill(7),
        ask: |_, _| None,
        leave: None,
        record: false,
    }
}
