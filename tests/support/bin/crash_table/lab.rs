//! One stand-in behind one proxy: runs that are killed and run again, and what they come to.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use rplay_test_support::{Call, Play, Proxy, Ran, StandIn};
use serde_json::Value;

use crate::normal::{Normal, State, difference, surplus};
use crate::point::Point;
use crate::state::Seen;
use crate::{engine, processes, state};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const PLAYBOOK: &str = "provision-and-deploy.yml";
/// What the playbook reads, from the project's folder on.
const FILES: [&str; 8] = [
    "playbooks/provision-and-deploy.yml",
    "playbooks/files/assets/index.html",
    "playbooks/files/assets/style.css",
    "playbooks/app/Dockerfile",
    "playbooks/app/.dockerignore",
    "playbooks/app/demo-app",
    "vars/all.yml",
    "vars/secret.example.yml",
];
/// Whether the application answers is a part of the state.
const HEALTH: &str = "/_health";
/// What the names of the applications begin with; each process and lab has one of its own.
pub(crate) const APP: &str = "crash-";
/// How often a wait is given another chance to be as long as that of the undisturbed run.
const TRIES: usize = 3;

/// A place where runs are killed.
pub(crate) struct Lab {
    binary: PathBuf,
    app: String,
    containers: bool,
    stand_in: StandIn,
    proxy: Proxy,
    calls: Vec<Call>,
    undisturbed: Option<Undisturbed>,
}

/// What a run comes to that nobody kills.
struct Undisturbed {
    normal: Normal,
    state: State,
    owned: BTreeSet<String>,
}

/// What came of one killed run.
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) killed: bool,
    /// The kill left a state that was not the undisturbed run's.
    pub(crate) half_made: bool,
    pub(crate) duplicates: usize,
    pub(crate) children: usize,
    pub(crate) seconds: f64,
    /// What is wrong, where something is.
    pub(crate) details: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Equal,
    Different,
    RerunFailed,
    /// The wait that the call belongs to was shorter in each of the tries.
    NotReached,
}

impl Lab {
    /// Starts a stand-in, and runs twice undisturbed to know what has to come out.
    pub(crate) fn start(binary: &Path, number: usize, containers: bool) -> Result<Self> {
        let stand_in = StandIn::start(containers)?;
        let proxy = Proxy::start(&stand_in.endpoint());
        let (binary, app) = (binary.to_owned(), format!("{APP}{}-{number}", std::process::id()));
        let mut lab = Self { binary, app, containers, stand_in, proxy, calls: Vec::new(), undisturbed: None };
        let (one, _) = lab.undisturbed_run()?;
        let (other, owned) = lab.undisturbed_run()?;
        let normal = Normal::learn(&one, &other);
        let (state, again) = (normal.of(&one), normal.of(&other));
        if state != again {
            let lines = difference(&again, &state).join("\n");
            return Err(format!("two undisturbed runs differ:\n{lines}").into());
        }
        lab.undisturbed = Some(Undisturbed { normal, state, owned });
        Ok(lab)
    }

    /// Returns the calls of the last undisturbed run.
    pub(crate) fn calls(&self) -> &[Call] {
        &self.calls
    }

    fn undisturbed_run(&mut self) -> Result<(Seen, BTreeSet<String>)> {
        let play = self.fresh()?;
        let ran = play.run_with(self.args());
        if ran.code != 0 {
            return Err(format!("the undisturbed run fails:\n{}{}", ran.stdout, ran.stderr).into());
        }
        self.calls = self.proxy.calls();
        Ok((self.seen(), owned(&play)?))
    }

    /// Kills a run at this moment, runs it again, and compares.
    pub(crate) fn kill_at(&self, point: &Point) -> Result<Outcome> {
        let started = Instant::now();
        let mut outcome = self.try_at(point)?;
        for _ in 1..TRIES {
            if outcome.verdict == Verdict::NotReached {
                outcome = self.try_at(point)?;
            }
        }
        outcome.seconds = started.elapsed().as_secs_f64();
        Ok(outcome)
    }

    fn try_at(&self, point: &Point) -> Result<Outcome> {
        let undisturbed = self.undisturbed.as_ref().ok_or("no undisturbed run")?;
        let play = self.fresh()?;
        let run: Arc<OnceLock<u32>> = Arc::default();
        let told = Arc::clone(&run);
        self.proxy.add_rule(point.rule(move || processes::kill(*told.wait())));
        let running = play.start_with(self.args());
        run.set(running.id()).ok();
        let killed = running.wait();
        self.proxy.clear_rules();
        if killed.code != -9 {
            let details = format!("it ended with {}:\n{}{}", killed.code, killed.stdout, killed.stderr);
            let verdict = if killed.code == 0 { Verdict::NotReached } else { Verdict::RerunFailed };
            return Ok(Outcome {
                verdict,
                killed: false,
                half_made: false,
                duplicates: 0,
                children: 0,
                seconds: 0.0,
                details,
            });
        }
        let mut children = processes::left(play.folder());
        let half_made = undisturbed.normal.of(&self.seen()) != undisturbed.state;
        let rerun = play.run_with(self.args());
        children += processes::left(play.folder());
        let state = undisturbed.normal.of(&self.seen());
        let mut lines = difference(&state, &undisturbed.state);
        lines.extend(owned_otherwise(&owned(&play)?, &undisturbed.owned));
        let (verdict, details) = judged(&rerun, &lines);
        let duplicates = surplus(&state, &undisturbed.state);
        Ok(Outcome { verdict, killed: true, half_made, duplicates, children, seconds: 0.0, details })
    }

    /// Empties the stand-in, and returns the main job in a folder of its own.
    fn fresh(&self) -> Result<Play> {
        self.stand_in.reset();
        if self.containers {
            engine::forget_pushed_names(&self.app);
        }
        self.proxy.clear_rules();
        self.proxy.clear_calls();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let play = Play::new(&self.binary);
        for name in FILES {
            let to = play.folder().join(name);
            fs::create_dir_all(to.parent().unwrap_or(play.folder()))?;
            // Not by its text: the application has to stay a program.
            fs::copy(root.join(name), to).map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(play.aws(&self.proxy.endpoint(), self.stand_in.default_account().id()))
    }

    fn args(&self) -> Vec<String> {
        let name = format!("app_name={}", self.app);
        let mut args = vec![PLAYBOOK, "-e", &name];
        if !self.containers {
            args.extend(["--skip-tags", "image", "-e", "image_uri=nobody/application:1"]);
        }
        args.into_iter().map(str::to_owned).collect()
    }

    fn seen(&self) -> Seen {
        let account = self.stand_in.default_account();
        let mut seen = state::seen(&account);
        if self.containers {
            let names = engine::names(&self.app).into_iter().map(Value::String).collect();
            seen.insert("name of an image in the engine", names);
            let path = format!("/_alb/{}{HEALTH}", self.app);
            let answer = account.send("http", "GET", &path, &[], Vec::new());
            seen.insert("answer of the application", vec![answer.status.into()]);
        }
        seen
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.containers {
            self.stand_in.reset();
            engine::forget(&self.app);
        }
    }
}

fn judged(rerun: &Ran, lines: &[String]) -> (Verdict, String) {
    if rerun.code != 0 {
        return (Verdict::RerunFailed, format!("{}{}{}", rerun.stdout, rerun.stderr, lines.join("\n")));
    }
    if lines.is_empty() { (Verdict::Equal, String::new()) } else { (Verdict::Different, lines.join("\n")) }
}

/// Returns what a later `destroy` would take for rplay's, by the ownership file.
fn owned(play: &Play) -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(play.folder().join(".rplay/owned.jsonl")).unwrap_or_default();
    let mut owned = BTreeSet::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
        let field = |name: &str| line[name].as_str().unwrap_or_default();
        let thing = format!("{} {}", field("kind"), field("name"));
        if field("stage") == "gone" {
            owned.remove(&thing)
        } else {
            owned.insert(thing)
        };
    }
    Ok(owned)
}

fn owned_otherwise(found: &BTreeSet<String>, expected: &BTreeSet<String>) -> Vec<String> {
    let missing = expected.difference(found).map(|thing| format!("- owned: {thing}"));
    let more = found.difference(expected).map(|thing| format!("+ owned: {thing}"));
    missing.chain(more).collect()
}
