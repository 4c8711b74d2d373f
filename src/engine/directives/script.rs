use indexmap::IndexMap;
use rplay_module::{Mode, words};
use rplay_template::Value;

use super::raw;
use crate::connection::{Place, execute, quote};
use crate::run::{Ended, Runner, Spot, Stop, TaskRun};

/// Runs a script of the controller's on the host.
#[derive(rplay_module::Params)]
#[params(
    free_form = "_raw_params",
    required_one_of("_raw_params", "cmd"),
    mutually_exclusive("_raw_params", "cmd")
)]
pub(super) struct Params {
    /// The script's path and its arguments, as the task's free text.
    #[param(name = "_raw_params")]
    raw: Option<String>,
    /// The same.
    cmd: Option<String>,
    /// Where this is on the host, the script is not run.
    creates: Option<String>,
    /// Where this is not on the host, the script is not run.
    removes: Option<String>,
    /// The folder to run in; an absolute path.
    chdir: Option<String>,
    /// The program that runs the script; omitted it is the one that the script names.
    executable: Option<String>,
    /// Whether a script that is encrypted is decrypted.
    #[param(default = true)]
    decrypt: bool,
}

/// Source of the results: `ansible/plugins/action/script.py`.
pub(super) async fn run(
    runner: &Runner,
    task: &TaskRun<'_>,
    spot: &Spot<'_>,
    args: &IndexMap<String, Value>,
) -> Result<Ended, Stop> {
    let params: Params = match super::params("script", args) {
        Ok(params) => params,
        Err(ended) => return Ok(*ended),
    };
    let place = match runner.somewhere(task, &spot.host.name, spot.scope, spot.delegate) {
        Ok(place) => place,
        Err(ended) => return Ok(*ended),
    };
    let script = Script { runner, task, spot, place: &place, params: &params };
    tokio::select! {
        ended = script.run() => Ok(ended.unwrap_or_else(|ended| *ended)),
        () = runner.interrupt.requested() => Err(Stop::Interrupted),
    }
}

struct Script<'a> {
    runner: &'a Runner,
    task: &'a TaskRun<'a>,
    spot: &'a Spot<'a>,
    place: &'a Place,
    params: &'a Params,
}

type Ends<T> = Result<T, Box<Ended>>;

impl Script<'_> {
    async fn run(&self) -> Ends<Ended> {
        if let Some(needless) = self.needless().await? {
            return Ok(needless);
        }
        if let Some(folder) = self.params.chdir.as_deref().filter(|folder| !folder.starts_with('/')) {
            let message = format!("chdir {folder} must be an absolute path for a Unix-aware remote node");
            return Ok(self.failed(&message));
        }
        let line = self.line();
        let parts = words::split(line).map_err(|error| Box::new(self.failed(&error.to_string())))?;
        let Some(source) = parts.first() else { return Ok(self.failed("no script was named")) };
        let path = self
            .runner
            .needle(self.task, "files", source)
            .map_err(|failure| Box::new(Runner::unfound(self.task, failure.message)))?;
        if self.runner.task_mode(self.task, self.spot.scope) != Mode::Apply {
            return Ok(self.checked());
        }
        let content = self.content(&path)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let command = self.command(&line.replacen(source.as_str(), "\"$rplay_file\"", 1))?;
        let ran = self.execute(&self.carried(&name, &command), Some(&content)).await?;
        Ok(raw::ended(&ran))
    }

    fn line(&self) -> &str {
        self.params.raw.as_deref().or(self.params.cmd.as_deref()).unwrap_or_default().trim()
    }

    fn failed(&self, message: &str) -> Ended {
        let mut ended = Ended::failed(message);
        ended.causes.push(rplay_event::Fault::new("").at(&self.task.item.task.span));
        ended
    }

    async fn needless(&self) -> Ends<Option<Ended>> {
        let said = [
            (&self.params.creates, true, "exists, matching creates option"),
            (&self.params.removes, false, "does not exist, matching removes option"),
        ];
        for (path, there, why) in said {
            let Some(path) = path.as_deref().filter(|path| !path.is_empty()) else { continue };
            let exit = self.execute(&format!("test -e {}", quote(path)), None).await?;
            if (exit.rc == 0) == there {
                let mut ended = Ended::default();
                ended.set("changed", false);
                ended.set("skipped", true);
                ended.set("msg", format!("{path} {why}"));
                return Ok(Some(ended));
            }
        }
        Ok(None)
    }

    fn checked(&self) -> Ended {
        let mut ended = Ended::default();
        if self.params.creates.is_some() || self.params.removes.is_some() {
            ended.set("changed", true);
            return ended;
        }
        ended.set("changed", false);
        ended.set("skipped", true);
        ended.set("msg", "Check mode is not supported for this task.");
        ended
    }

    fn content(&self, path: &std::path::Path) -> Ends<Vec<u8>> {
        let failed = |message: String| Box::new(self.failed(&message));
        let bytes = std::fs::read(path)
            .map_err(|error| failed(format!("could not read {}: {error}", path.display())))?;
        if !(self.params.decrypt && crate::vault::is_vault(&bytes)) {
            return Ok(bytes);
        }
        let read = self.runner.loader.reader.text(path);
        read.map(|(text, _)| text.into_bytes()).map_err(|fault| failed(fault.message))
    }

    /// Returns what keeps the script, which arrives as standard input, in a private folder of the user who is to run it,
    /// runs it and removes it: one session, for each costs the host a shell.
    fn carried(&self, name: &str, command: &str) -> String {
        let mut bytes = [0; 8];
        (self.runner.settings.random)(&mut bytes);
        let (base, folder) = (self.place.remote_tmp_words(), u64::from_ne_bytes(bytes));
        format!(
            "rplay_dir={base}; (umask 77; mkdir -p \"$rplay_dir\") 2>/dev/null; [ -w \"$rplay_dir\" ] || rplay_dir=/tmp; \
             rplay_dir=\"$rplay_dir\"/ansible-tmp-{folder}; rplay_file=\"$rplay_dir\"/{}; \
             (umask 77; mkdir \"$rplay_dir\" && cat >\"$rplay_file\" && chmod 700 \"$rplay_file\") || exit; \
             ({command}\n); rplay_rc=$?; rm -rf \"$rplay_dir\"; exit $rplay_rc",
            quote(name)
        )
    }

    fn command(&self, line: &str) -> Ends<String> {
        let environment = self
            .runner
            .environment(self.task, self.spot.scope)
            .map_err(|error| Box::new(Runner::wrong(self.task, &error, "Task failed", &[])))?;
        let mut command = String::new();
        if let Some(folder) = &self.params.chdir {
            command.extend(["cd ", &quote(folder), " && "]);
        }
        for (name, value) in &environment {
            command.extend([name, "=", &quote(value), " "]);
        }
        if let Some(executable) = &self.params.executable {
            command.extend([executable, " "]);
        }
        command.push_str(line);
        Ok(command)
    }

    async fn execute(&self, command: &str, input: Option<&[u8]>) -> Ends<rplay_module::Exit> {
        let environment = self.place.outer_environment();
        execute(&self.runner.children, self.place, command, input, environment)
            .await
            .map_err(|failure| Box::new(Runner::unconnected(self.task, &failure)))
    }
}
