//! What is kept of a run in `.rplay`: its journal, the lock of what it changes, and the list of what it made.

use std::path::Path;
use std::sync::Arc;

use rplay_event::{Fault, FaultKind, RunMode};
use rplay_module::BoxFuture;

use crate::journal::{Journal, RunInfo, run_id};
use crate::load::{Item, TaskItem, bare};
use crate::lock::{Holder, Lock, Scope};
use crate::ownership::Ownership;
use crate::records::Records;
use crate::run::{Runner, Stop, reaches_out};
use crate::settings::Settings;
use crate::start::{Run, random};
use crate::{directives, machine, stamp};

/// What to do where nothing can be written.
const ADVICE: &str = "rplay keeps its journals, its locks and the list of what it made in .rplay of the current folder: \
                      make that writable and see that its disk is not full, or run from another folder";

impl Run {
    /// Starts the journal, takes the lock of a run that changes what others change too, and opens the ownership file.
    ///
    /// # Errors
    /// Where one of these cannot be had and things could be made that nobody would know of; a run that leaves everything
    /// but its hosts alone goes on with a warning.
    pub(crate) async fn record(&mut self) -> Result<Option<Lock>, Stop> {
        let settings = self.runner.settings.clone();
        if !settings.record {
            return Ok(None);
        }
        let folder = settings.folder.join(".rplay");
        let reaches = settings.mode == RunMode::Destroy || self.reaches_out();
        let changes = matches!(settings.mode, RunMode::Play | RunMode::Destroy);
        let lock = if changes && reaches {
            tokio::select! {
                () = self.runner.interrupt.requested() => return Err(Stop::Interrupted),
                lock = self.lock(&folder, &settings) => Some(lock?),
            }
        } else {
            None
        };
        let now = (settings.now)();
        let id = run_id(now, random(&settings));
        let info = RunInfo {
            command: settings.command.iter().map(|word| self.runner.emitter.masker().text(word)).collect(),
            mode: settings.mode,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: stamp::rfc3339(now),
        };
        match Journal::start(&folder, &id, &info) {
            Ok(journal) => self.runner.emitter.keep_journal(journal),
            Err(error) if changes && reaches => {
                let message = format!("could not start the journal in {}: {error}", folder.display());
                return Err(Fault::new(message).kind(FaultKind::Setup).help(ADVICE).into());
            }
            Err(error) => self.runner.emitter.warn(format!(
                "no journal is kept in {}, so `rplay replay` will not know this run: {error}",
                folder.display()
            )),
        }
        if reaches {
            let ownership = Ownership::open(&folder, &id)?;
            if let Some(runner) = Arc::get_mut(&mut self.runner) {
                runner.records = Arc::new(Records::new(Some(ownership)));
            }
        }
        Ok(lock)
    }

    /// Returns whether the plays may make or change what is not of their hosts.
    fn reaches_out(&self) -> bool {
        self.plays.iter().flat_map(|(_, plays)| plays).any(|play| {
            let lists = [&play.pre_tasks, &play.tasks, &play.post_tasks, &play.handlers];
            lists.into_iter().flatten().any(|item| self.runner.item_reaches_out(item))
        })
    }

    /// Two runs that could change the same things must not run at once.
    async fn lock(&self, folder: &Path, settings: &Settings) -> Result<Lock, Fault> {
        let env = |names: [&str; 2]| {
            names.iter().find_map(|name| settings.environment.get(*name).cloned()).unwrap_or_default()
        };
        let (account, region, endpoint) = match &settings.sandbox {
            Some(sandbox) => (sandbox.access_key.clone(), sandbox.region.clone(), sandbox.endpoint.clone()),
            None => (
                env(["AWS_PROFILE", "AWS_ACCESS_KEY_ID"]),
                env(["AWS_REGION", "AWS_DEFAULT_REGION"]),
                env(["AWS_ENDPOINT_URL", "AWS_ENDPOINT"]),
            ),
        };
        let playbooks: Vec<String> = settings
            .playbooks
            .iter()
            .map(|path| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone()).display().to_string())
            .collect();
        let scope = Scope {
            account: &account,
            region: &region,
            endpoint: &endpoint,
            playbook: &playbooks.join("\n"),
        };
        let me = Holder {
            pid: std::process::id(),
            user: machine::user(&settings.environment),
            host: machine::host_name(),
            since: stamp::rfc3339((settings.now)()),
            command: self.runner.emitter.masker().text(&settings.command.join(" ")),
        };
        let told = std::sync::Once::new();
        let sleep = |time| -> BoxFuture<'static, ()> {
            told.call_once(|| {
                self.runner.emitter.warn("another run changes the same things: waiting for its end");
            });
            Box::pin(tokio::time::sleep(time))
        };
        Lock::take(folder, scope, &me, settings.wait_lock, sleep).await.map_err(|error| {
            let fault = Fault::new(error.to_string()).kind(FaultKind::Setup);
            fault.help(error.help().unwrap_or(ADVICE))
        })
    }
}

impl Runner {
    fn item_reaches_out(&self, item: &Item) -> bool {
        match item {
            Item::Task(task) => self.task_reaches_out(task),
            Item::Block(block) => {
                let lists = [&block.block, &block.rescue, &block.always];
                lists.into_iter().flatten().any(|item| self.item_reaches_out(item))
            }
        }
    }

    /// What an include brings in, what a template names and what others have written may do anything.
    fn task_reaches_out(&self, item: &TaskItem) -> bool {
        let action = item.task.action.name.as_ref();
        if matches!(bare(action), "include_tasks" | "include_role") {
            return true;
        }
        match self.modules.get(action).or_else(|| self.modules.get(bare(action))) {
            Some(module) => reaches_out(module),
            None => !directives::is_directive(bare(action)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use rplay_event::{Event, Kind};

    use super::*;

    /// Runs a playbook in a folder whose `.rplay` cannot be used; returns the exit code and what was warned of and refused.
    fn ran(playbook: &str) -> (u8, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.yml"), playbook).unwrap();
        std::fs::write(folder.path().join("empty.yml"), "[]\n").unwrap();
        symlink("/nowhere", folder.path().join(".rplay")).unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let mut settings = crate::testing::settings(folder.path().to_owned());
        settings.playbooks = vec![folder.path().join("p.yml")];
        settings.record = true;
        let (sender, told) = std::sync::mpsc::channel();
        let sink = Box::new(move |event: Event| match event.kind() {
            Kind::Warning { message } => sender.send(message.clone()).unwrap(),
            Kind::Fault { fault } => sender.send(fault.message.clone()).unwrap(),
            _ => {}
        });
        let run = Run::set_up(settings, &[], sink).unwrap_or_else(|code| panic!("ended with {code}"));
        let code =
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run.play());
        (code, told.try_iter().collect())
    }

    #[test]
    fn a_run_that_only_talks_goes_on_without_a_journal_and_takes_no_lock() {
        let (code, told) =
            ran("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: x}\n");
        assert_eq!(code, 0, "{told:?}");
        assert!(
            told[0].starts_with("no journal is kept in ") && told[0].contains(".rplay is a link"),
            "{told:?}"
        );
        assert_eq!(told.len(), 1, "{told:?}");
    }

    #[test]
    fn a_run_that_may_do_anything_needs_a_place_for_its_records() {
        let (code, told) =
            ran("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - include_tasks: empty.yml\n");
        assert_eq!(code, 1, "{told:?}");
        assert!(
            told[0].contains("could not lock the playbook") && told[0].contains(".rplay is a link"),
            "{told:?}"
        );
    }
}
