use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::mpsc;
use std::thread::JoinHandle;

use rplay_engine::Sink;
use rplay_event::Event;
use rplay_report::{Live, Output, Reporter, ResultFormat, Settings};

use super::args::OutputForm;

/// The reporter on a thread of its own, so that printing never holds up a call.
pub(crate) struct Screen {
    sender: mpsc::Sender<Event>,
    thread: JoinHandle<()>,
}

impl Screen {
    pub(crate) fn open(settings: Settings) -> Self {
        let (sender, events) = mpsc::channel::<Event>();
        let thread = std::thread::spawn(move || {
            let mut reporter =
                Reporter::new(settings, Box::new(std::io::stdout()), Box::new(std::io::stderr()));
            for event in events {
                reporter.event(&event);
            }
            // A reader that has gone ends the output quietly; the run itself goes on to its end.
            let _ = reporter.finish();
        });
        Self { sender, thread }
    }

    /// Returns where a run sends its events.
    pub(crate) fn sink(&self) -> Sink {
        let sender = self.sender.clone();
        Box::new(move |event| {
            // The screen only goes away after the run.
            let _ = sender.send(event);
        })
    }

    /// Waits until everything is printed.
    pub(crate) fn close(self) {
        drop(self.sender);
        let _ = self.thread.join();
    }
}

/// Returns how the screen looks, by the options, Ansible's variables and the terminal.
pub(crate) fn settings(
    form: Option<OutputForm>,
    verbosity: u8,
    environment: &BTreeMap<String, String>,
) -> Settings {
    let env = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let on = |name: &str| {
        env(name).is_some_and(|value| matches!(value.to_lowercase().as_str(), "1" | "true" | "yes" | "on"))
    };
    let off = |name: &str| {
        env(name).is_some_and(|value| matches!(value.to_lowercase().as_str(), "0" | "false" | "no" | "off"))
    };
    let colour = |terminal: bool| {
        on("ANSIBLE_FORCE_COLOR") || (terminal && env("NO_COLOR").is_none() && !on("ANSIBLE_NOCOLOR"))
    };
    let stdout = std::io::stdout().is_terminal();
    let stderr = std::io::stderr().is_terminal();
    let output = match (form, env("ANSIBLE_STDOUT_CALLBACK")) {
        (Some(OutputForm::Json), _) => Output::Events,
        (Some(OutputForm::Minimal), _) | (None, Some("minimal" | "ansible.builtin.minimal")) => {
            Output::Minimal
        }
        (None, Some("json" | "ansible.posix.json")) => Output::AnsibleJson,
        (Some(OutputForm::Default) | None, _) => Output::Default,
    };
    Settings {
        output,
        verbosity,
        color: colour(stdout),
        color_stderr: colour(stderr),
        width: stdout.then(|| size().map(|(width, _)| width)).flatten(),
        live: match size().filter(|_| stderr) {
            Some((width, height)) => Live::Terminal { width, height, turning: true },
            None => Live::Lines,
        },
        result_format: match env("ANSIBLE_CALLBACK_RESULT_FORMAT") {
            Some("yaml") => ResultFormat::Yaml,
            _ => ResultFormat::Json,
        },
        display_skipped_hosts: !off("ANSIBLE_DISPLAY_SKIPPED_HOSTS"),
        display_ok_hosts: !off("ANSIBLE_DISPLAY_OK_HOSTS"),
        display_failed_stderr: on("ANSIBLE_DISPLAY_FAILED_STDERR"),
        check_mode_markers: on("ANSIBLE_CHECK_MODE_MARKERS"),
        show_task_path_on_failure: on("ANSIBLE_SHOW_TASK_PATH_ON_FAILURE"),
        deprecation_warnings: !off("ANSIBLE_DEPRECATION_WARNINGS"),
        ..Settings::default()
    }
}

fn size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
    (size.ws_col > 0).then_some((size.ws_col, size.ws_row))
}
