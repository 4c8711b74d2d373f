//! One task on hosts: what `ansible` does.

use std::path::Path;
use std::sync::Arc;

use rplay_config::Config;
use rplay_engine::{Adhoc, Run, Settings};
use rplay_event::{Fault, FaultKind, RunMode};
use rplay_report::Output;

use super::args::AdhocArgs;
use super::screen::{self, Screen};
use super::settings::{self, Manner};
use super::{callbacks, play, say};
use crate::catalog;

/// The modules that mean nothing without parameters.
const NEED_ARGUMENTS: [&str; 5] = ["command", "win_command", "raw", "script", "shell"];

/// Runs the task, or lists the hosts it would run on.
pub(crate) async fn run(args: &AdhocArgs) -> u8 {
    let config = match settings::config() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let mode = if args.run.check { RunMode::Check } else { RunMode::Play };
    let manner = Manner { mode, works: !args.run.hosts.list_hosts, record: false, stand_in: None };
    let enabled = config.flag("DEFAULT_LOAD_CALLBACK_PLUGINS");
    if enabled
        && args.run.output.is_none()
        && let Err(code) = callbacks::check(&config)
    {
        return code;
    }
    let beside = callbacks::beside(&config, enabled, args.tree.as_deref());
    let screen = Screen::open(look(args, &config), screen::log(args.run.verbose, &config), Some(beside));
    let (settings, screen) = match play::opened(screen, &config, || task(args, &config, manner)) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let code = match Run::set_up(settings, &catalog::modules(), screen.sink()) {
        Ok(run) if args.run.hosts.list_hosts => {
            screen.settle();
            list(&run)
        }
        Ok(run) => run.play().await,
        Err(code) => code,
    };
    screen.close(code)
}

fn list(run: &Run) -> u8 {
    let hosts = run.adhoc_hosts();
    let lines: String = hosts.iter().flat_map(|host| ["    ", &**host, "\n"]).collect();
    say(&format!("  hosts ({}):\n{lines}", hosts.len()))
}

/// Ansible prints an ad-hoc task shortly, unless callbacks are asked for here as well.
fn look(args: &AdhocArgs, config: &Config) -> rplay_report::Settings {
    let look = screen::settings(args.run.output, args.run.verbose, config);
    let output = match (args.run.output, args.one_line) {
        (Some(_), _) => look.output,
        (None, true) => Output::Oneline,
        (None, false) if config.flag("DEFAULT_LOAD_CALLBACK_PLUGINS") && look.output != Output::Default => {
            look.output
        }
        (None, false) => Output::Minimal,
    };
    rplay_report::Settings { output, ..look }
}

fn task(args: &AdhocArgs, config: &Arc<Config>, manner: Manner<'_>) -> Result<Settings, Fault> {
    let configured =
        |name: &str| config.int(name).and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
    let module = args.module_name.clone().or_else(|| config.text("DEFAULT_MODULE_NAME")).unwrap_or_default();
    let given = args.args.clone().or_else(|| config.text("DEFAULT_MODULE_ARGS")).unwrap_or_default();
    let bare =
        module.strip_prefix("ansible.builtin.").or(module.strip_prefix("ansible.legacy.")).unwrap_or(&module);
    if NEED_ARGUMENTS.contains(&bare) && given.is_empty() && !args.run.hosts.list_hosts {
        let is_playbook = Path::new(&args.pattern).extension().is_some_and(|ending| ending == "yml");
        let playbook = if is_playbook { " (did you mean to run ansible-playbook?)" } else { "" };
        return Err(
            Fault::new(format!("No argument passed to {module} module{playbook}")).kind(FaultKind::Options)
        );
    }
    if bare == "import_playbook" {
        return Err(Fault::new(format!("'{module}' is not a valid action for ad-hoc commands"))
            .kind(FaultKind::Options));
    }
    let settings = settings::of_run(&args.run, config, manner)?;
    Ok(Settings {
        adhoc: Some(Adhoc {
            pattern: args.pattern.clone(),
            module,
            args: given,
            background: args.background.unwrap_or_default(),
            poll: args.poll.unwrap_or_else(|| configured("DEFAULT_POLL_INTERVAL")),
            timeout: args.task_timeout.unwrap_or_else(|| configured("TASK_TIMEOUT")),
        }),
        playbook_dir: args.playbook_dir.clone().or_else(|| settings.playbook_dir.clone()),
        ..settings
    })
}
