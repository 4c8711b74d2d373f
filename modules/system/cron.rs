use std::path::{Path, PathBuf};

use rplay_module::{Action, Choice, Cx, Deed, Diff, DiffSide, Effect, Failure, InCheck, Params, Result};
use serde_json::json;

use crate::paths;
use crate::program::{self, Order};

mod table;

use table::Table;

/// Keeps a job or variable of cron.
#[derive(Params)]
#[params(mutually_exclusive("insertafter", "insertbefore"))]
pub(crate) struct CronParams {
    /// What the job is called, in a comment before it; with `env` the variable's name.
    name: String,
    /// Whose table it is; omitted that of whoever runs the task.
    user: Option<String>,
    /// The command; with `env` the variable's value.
    #[param(alias = "value")]
    job: Option<String>,
    /// A file in place of the user's table; a relative name is one in `/etc/cron.d`.
    cron_file: Option<PathBuf>,
    /// Whether it shall be there.
    #[param(default = "present")]
    state: State,
    /// Whether the table is kept in a file before it is changed.
    #[param(default = false)]
    backup: bool,
    /// The minute.
    #[param(default = "*")]
    minute: String,
    /// The hour.
    #[param(default = "*")]
    hour: String,
    /// The day of the month.
    #[param(default = "*", alias = "dom")]
    day: String,
    /// The month.
    #[param(default = "*")]
    month: String,
    /// The day of the week.
    #[param(default = "*", alias = "dow")]
    weekday: String,
    /// A time by name, in place of the others.
    special_time: Option<Special>,
    /// Whether the job stands there as a comment.
    #[param(default = false)]
    disabled: bool,
    /// Whether it is a variable.
    #[param(default = false)]
    env: bool,
    /// The variable that a new one stands after.
    insertafter: Option<String>,
    /// The variable that a new one stands before.
    insertbefore: Option<String>,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum Special {
    Reboot,
    Yearly,
    Annually,
    Monthly,
    Weekly,
    Daily,
    Hourly,
}

/// The table before and after.
struct Work {
    place: Place,
    before: String,
    old: Table,
    new: Table,
    changed: bool,
    /// Nothing is left in a file of its own: it goes.
    emptied: bool,
}

/// Where a table is.
enum Place {
    User,
    File { path: PathBuf, shown: String },
}

impl CronParams {
    fn judge(&self, cx: &Cx) -> Result<()> {
        let fail = |message: &str| Err(Failure::new(message));
        if let Some(file) = self.file(cx) {
            if file == "/etc/crontab" {
                return fail("Will not manage /etc/crontab via cron_file, see documentation.");
            }
            let name = file.rsplit('/').next().unwrap_or_default();
            if name.is_empty()
                || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
            {
                cx.warn(format!(
                    "Filename portion of cron_file (\"{name}\") should consist solely of upper- and lower-case letters, \
                     digits, underscores, and hyphens"
                ));
            }
        }
        let times = [&self.minute, &self.hour, &self.day, &self.month, &self.weekday];
        if self.special_time.is_some() && times.iter().any(|time| *time != "*") {
            return fail("You cannot combine special_time with any of the time or day/date parameters.");
        }
        if self.state == State::Absent {
            return Ok(());
        }
        if self.cron_file.is_some() && self.user.as_deref().is_none_or(str::is_empty) {
            return fail("To use cron_file=... parameter you must specify user=... as well");
        }
        if self.job.is_none() {
            return fail("You must specify 'job' to install a new cron job or variable");
        }
        if (self.insertafter.is_some() || self.insertbefore.is_some()) && !self.env {
            return fail("Insertafter and insertbefore parameters are valid only with env=yes");
        }
        Ok(())
    }

    fn file(&self, cx: &Cx) -> Option<String> {
        self.cron_file.as_deref().map(|file| paths::expand(cx, file)).filter(|file| !file.is_empty())
    }

    /// The line of the job.
    fn line(&self, job: &str) -> String {
        let time = match self.special_time {
            Some(special) => format!("@{}", special.as_str()),
            None => [&self.minute, &self.hour, &self.day, &self.month, &self.weekday]
                .map(String::as_str)
                .join(" "),
        };
        let user = self.user.as_deref().filter(|_| self.cron_file.is_some()).map(|user| format!("{user} "));
        let off = if self.disabled { "#" } else { "" };
        format!("{off}{time} {}{}", user.unwrap_or_default(), job.trim_matches(['\r', '\n']))
    }

    async fn work(&self, cx: &Cx) -> Result<Work> {
        // Ansible asks for it even where the jobs are in a file of their own.
        let crontab = program::require(cx, "crontab");
        self.judge(cx)?;
        crontab?;
        let place = match self.file(cx) {
            None => Place::User,
            Some(shown) => {
                let shown = if shown.starts_with('/') { shown } else { format!("/etc/cron.d/{shown}") };
                Place::File { path: PathBuf::from(&shown), shown }
            }
        };
        let (before, old) = match &place {
            Place::User => Table::of_user(&self.list(cx).await?),
            Place::File { path, .. } => {
                let text = std::fs::read(path)
                    .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                    .unwrap_or_default();
                (text.clone(), Table::of(&text))
            }
        };
        let mut new = old.clone();
        let mut changed = if self.env { self.keep_variable(&mut new)? } else { self.keep_job(cx, &mut new) };
        let emptied = !self.env
            && changed
            && self.state == State::Absent
            && matches!(place, Place::File { .. })
            && new.is_empty();
        if !changed && !before.is_empty() && !before.ends_with(['\r', '\n']) {
            changed = true;
        }
        Ok(Work { place, before, old, new, changed, emptied })
    }

    fn keep_job(&self, cx: &Cx, table: &mut Table) -> bool {
        let Some(job) = self.job.as_deref().filter(|_| self.state == State::Present) else {
            return table.remove_job(&self.name);
        };
        if job.trim_matches(['\r', '\n']).contains(['\r', '\n']) {
            cx.warn("Job should not contain line breaks");
        }
        table.keep_job(&self.name, &self.line(job))
    }

    fn keep_variable(&self, table: &mut Table) -> Result<bool> {
        if self.name.contains(' ') {
            return Err(Failure::new("Invalid name for environment variable"));
        }
        let Some(value) = self.job.as_deref().filter(|_| self.state == State::Present) else {
            return Ok(table.remove_variable(&self.name));
        };
        let line = format!("{}=\"{value}\"", self.name);
        let place = match (self.insertafter.as_deref(), self.insertbefore.as_deref()) {
            (Some(other), _) if !other.is_empty() => Some((other, 1)),
            (_, Some(other)) if !other.is_empty() => Some((other, 0)),
            _ => None,
        };
        table
            .keep_variable(&self.name, &line, place)
            .map_err(|other| Failure::new(format!("Variable named '{other}' not found.")))
    }

    fn for_user(&self, cx: &Cx, crontab: String) -> Order {
        let own = cx.env("USER").or_else(|| cx.env("LOGNAME"));
        let me = if rustix::process::getuid().is_root() { Some("root".to_owned()) } else { own };
        Order::new([crontab]).option("-u", self.user.as_deref().filter(|user| me.as_deref() != Some(*user)))
    }

    async fn list(&self, cx: &Cx) -> Result<String> {
        let order = self.for_user(cx, program::require(cx, "crontab")?).arg("-l");
        let ran = order.run(cx).await?;
        // 1 says that there is none.
        if matches!(ran.rc, 0 | 1) { Ok(ran.out) } else { Err(ran.failure("Unable to read crontab")) }
    }

    async fn apply(&self, cx: &Cx, work: &Work) -> Result<()> {
        let Place::File { path, shown } = &work.place else {
            return self.install(cx, &work.new.text()).await;
        };
        let done = if work.emptied { std::fs::remove_file(path) } else { write(path, &work.new.text()) };
        done.map_err(|error| Failure::new(format!("could not write {shown}: {error}")))
    }

    async fn install(&self, cx: &Cx, text: &str) -> Result<()> {
        let fail = |error: std::io::Error| Failure::new(format!("could not write a new cronfile: {error}"));
        let file = tempfile::NamedTempFile::with_prefix("crontab").map_err(fail)?;
        std::fs::write(file.path(), text).map_err(fail)?;
        let path = file.path().to_string_lossy().into_owned();
        let ran = self.for_user(cx, program::require(cx, "crontab")?).arg(path.as_str()).run(cx).await?;
        if ran.ok() { Ok(()) } else { Err(ran.failure(format!("Failed to install new cronfile: {path}"))) }
    }

    fn deed(&self, cx: &Cx, work: &Work) -> Deed {
        let header = match &work.place {
            Place::File { shown, .. } => shown.clone(),
            Place::User => match &self.user {
                Some(user) => format!("crontab for user \"{user}\""),
                None => "crontab".to_owned(),
            },
        };
        let mut deed = if work.emptied {
            Deed::new(work.changed, json!({ "cron_file": self.file(cx), "state": "absent" }))
        } else {
            Deed::new(work.changed, json!({ "jobs": work.new.jobs(), "envs": work.new.variables() }))
        };
        if let Some(file) = self.file(cx) {
            deed.result.insert("cron_file".to_owned(), file.into());
        }
        if work.changed {
            deed.diff.push(Diff {
                before: DiffSide::Text(work.before.clone()),
                after: DiffSide::Text(if work.emptied { String::new() } else { work.new.text() }),
                before_header: Some(header.clone()),
                after_header: Some(if work.emptied { "/dev/null".to_owned() } else { header }),
                prepared: None,
            });
        }
        deed
    }
}

/// Nobody but its owner may write to it, or cron does not read it.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let new = !path.exists();
    std::fs::write(path, text)?;
    if new {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

pub(crate) struct Cron;

impl Action for Cron {
    type Params = CronParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &CronParams) -> Result<Deed> {
        let work = p.work(cx).await?;
        Ok(p.deed(cx, &work))
    }

    async fn perform(&self, cx: &Cx, p: &CronParams) -> Result<Deed> {
        let work = p.work(cx).await?;
        let mut deed = p.deed(cx, &work);
        if !work.changed {
            return Ok(deed);
        }
        if p.backup {
            let fail = |error: std::io::Error| Failure::new(format!("could not write a backup: {error}"));
            let file = tempfile::NamedTempFile::with_prefix("crontab").map_err(fail)?;
            std::fs::write(file.path(), work.old.text()).map_err(fail)?;
            let (_, path) = file.keep().map_err(|error| fail(error.error))?;
            deed.result.insert("backup_file".to_owned(), path.to_string_lossy().into());
        }
        p.apply(cx, &work).await?;
        Ok(deed)
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::{DiffSide, Mode, Outcome};
    use serde_json::{Value, json};

    use crate::tests::Bench;

    /// A stand-in that keeps the table in a file beside it.
    fn bench() -> Bench {
        let bench = Bench::new();
        bench.script(
            "crontab",
            r#"if [ "$1" = -l ]; then cat "$0.table" 2>/dev/null || exit 1; else cp "$1" "$0.table"; fi"#,
        );
        bench
    }

    async fn run(bench: &Bench, args: Value, mode: Mode) -> Outcome {
        bench.run("cron", &args, mode).await
    }

    #[tokio::test]
    async fn a_job_is_foretold_added_kept_changed_and_taken_out() {
        let bench = bench();
        let args = json!({ "name": "check", "hour": "5,2", "job": "ls > /dev/null" });
        assert!(
            run(&bench, args.clone(), Mode::Check).await.changed && !bench.path("bin/crontab.table").exists()
        );
        let added = run(&bench, args.clone(), Mode::Apply).await;
        assert!(added.changed, "{:?}", added.failure);
        assert_eq!(bench.read("bin/crontab.table"), "#Ansible: check\n* 5,2 * * * ls > /dev/null\n");
        assert_eq!((&added.result["jobs"], &added.result["envs"]), (&json!(["check"]), &json!([])));
        assert_eq!(added.diff[0].before, DiffSide::Text(String::new()));
        assert!(!run(&bench, args, Mode::Apply).await.changed);
        let changed = run(
            &bench,
            json!({ "name": "check", "special_time": "daily", "job": "ls", "disabled": true }),
            Mode::Apply,
        )
        .await;
        assert!(changed.changed);
        assert_eq!(bench.read("bin/crontab.table"), "#Ansible: check\n#@daily ls\n");
        assert!(run(&bench, json!({ "name": "check", "state": "absent" }), Mode::Apply).await.changed);
        assert_eq!(bench.read("bin/crontab.table"), "");
    }

    #[tokio::test]
    async fn variables_stand_before_the_jobs_or_where_they_are_told_to() {
        let bench = bench();
        for args in [
            json!({ "name": "A", "env": true, "job": "1" }),
            json!({ "name": "B", "env": true, "job": "2", "insertafter": "A" }),
            json!({ "name": "C", "env": true, "value": "3", "insertbefore": "B" }),
            json!({ "name": "A", "env": true, "job": "4" }),
        ] {
            assert!(run(&bench, args, Mode::Apply).await.changed);
        }
        assert_eq!(bench.read("bin/crontab.table"), "A=\"4\"\nC=\"3\"\nB=\"2\"\n");
    }

    #[tokio::test]
    async fn a_file_has_the_user_in_its_lines_and_goes_with_its_last_job() {
        let bench = bench();
        let file = bench.path("jobs");
        let args = json!({ "name": "x", "cron_file": file, "user": "root", "job": "ls" });
        assert!(run(&bench, args, Mode::Apply).await.changed);
        assert_eq!(bench.read("jobs"), "#Ansible: x\n* * * * * root ls\n");
        let gone =
            run(&bench, json!({ "name": "x", "cron_file": file, "state": "absent" }), Mode::Apply).await;
        assert!(gone.changed && !file.exists());
    }

    #[tokio::test]
    async fn each_wrong_argument_is_named() {
        let bench = bench();
        for (args, message) in [
            (json!({ "name": "x" }), "You must specify 'job' to install a new cron job or variable"),
            (
                json!({ "name": "x", "job": "y", "cron_file": "z" }),
                "To use cron_file=... parameter you must specify user=... as well",
            ),
            (
                json!({ "name": "x", "job": "y", "special_time": "daily", "hour": "1" }),
                "You cannot combine special_time with any of the time or day/date parameters.",
            ),
            (json!({ "name": "x y", "job": "y", "env": true }), "Invalid name for environment variable"),
            (
                json!({ "name": "x", "job": "y", "insertafter": "z" }),
                "Insertafter and insertbefore parameters are valid only with env=yes",
            ),
            (
                json!({ "name": "x", "job": "y", "env": true, "insertafter": "z" }),
                "Variable named 'z' not found.",
            ),
        ] {
            assert_eq!(run(&bench, args, Mode::Apply).await.failure.unwrap().message, message);
        }
    }
}
