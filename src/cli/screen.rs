use std::io::{self, BufWriter, IsTerminal as _};
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use rplay_config::Config;
use rplay_engine::Sink;
use rplay_event::Event;
use rplay_report::{Beside, Live, Log, Output, Palette, Reporter, ResultFormat, Settings};

use super::args::OutputForm;
use super::callbacks::{self, Look};

/// How much is written at once where events come faster than they are read.
const BUFFER: usize = 64 * 1024;

/// The reporter on a thread of its own, so that printing never holds up a call.
pub(crate) struct Screen {
    sender: mpsc::Sender<Told>,
    thread: JoinHandle<io::Result<()>>,
}

/// What the reporter's thread is told.
enum Told {
    Event(Box<Event>),
    /// Somebody waits until everything before this is printed.
    Settle(mpsc::Sender<()>),
}

impl Screen {
    pub(crate) fn open(settings: Settings, log: Option<Log>, beside: Option<Beside>) -> Self {
        let (sender, told) = mpsc::channel::<Told>();
        let thread = std::thread::spawn(move || {
            let stdout = BufWriter::with_capacity(BUFFER, std::io::stdout());
            let mut reporter = Reporter::new(settings, Box::new(stdout), Box::new(std::io::stderr()));
            if let Some(log) = log {
                reporter = reporter.with_log(log);
            }
            if let Some(beside) = beside.filter(|beside| !beside.is_empty()) {
                reporter = reporter.with_beside(beside);
            }
            while let Ok(first) = told.recv() {
                let mut waiting = Vec::new();
                for next in std::iter::once(first).chain(told.try_iter()) {
                    match next {
                        Told::Event(event) => reporter.event(*event),
                        Told::Settle(done) => waiting.push(done),
                    }
                }
                reporter.flush();
                // Whoever waits hears of it by the end of these.
                drop(waiting);
            }
            // A reader that has gone ends the output quietly; the run itself goes on to its end.
            reporter.finish()
        });
        Self { sender, thread }
    }

    /// Returns where a run sends its events.
    pub(crate) fn sink(&self) -> Sink {
        let sender = self.sender.clone();
        Box::new(move |event| {
            // The screen only goes away after the run.
            let _ = sender.send(Told::Event(Box::new(event)));
        })
    }

    /// Waits until everything so far is printed: what the program prints by itself stands after it.
    pub(crate) fn settle(&self) {
        let (done, waiting) = mpsc::channel();
        if self.sender.send(Told::Settle(done)).is_ok() {
            // The end of the other side is the answer.
            let _ = waiting.recv();
        }
    }

    /// Waits until everything is printed; returns the exit code, which an output that could not be written makes one of
    /// failure.
    pub(crate) fn close(self, code: u8) -> u8 {
        drop(self.sender);
        match self.thread.join() {
            Ok(Err(error)) => {
                super::complain(&super::unwritten(&error));
                code.max(1)
            }
            Ok(Ok(())) | Err(_) => code,
        }
    }
}

/// Returns how the screen looks, by the options, the configuration and the terminal.
pub(crate) fn settings(form: Option<OutputForm>, verbosity: u8, config: &Config) -> Settings {
    let option = |name: &str| config.option("callback", "default", name).map(|found| found.value.clone());
    let on = |name: &str| option(name).and_then(|value| value.as_bool()).unwrap_or_default();
    let colour = |terminal: bool| {
        config.flag("ANSIBLE_FORCE_COLOR")
            || (terminal
                && !config.flag("ANSIBLE_NOCOLOR")
                && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()))
    };
    let look = look(form, config);
    let stdout = std::io::stdout().is_terminal();
    let stderr = std::io::stderr().is_terminal();
    Settings {
        output: look.output,
        verbosity: super::settings::verbosity(verbosity, config),
        color: colour(stdout),
        color_stderr: colour(stderr),
        palette: palette(config),
        width: stdout.then(|| size().map(|(width, _)| width)).flatten(),
        live: match size().filter(|_| stderr) {
            Some((width, height)) => Live::Terminal { width, height, turning: true },
            None => Live::Lines,
        },
        result_format: match option("result_format") {
            _ if look.yaml => ResultFormat::Yaml,
            Some(format) if format == "yaml" => ResultFormat::Yaml,
            _ => ResultFormat::Json,
        },
        texts_apart: look.texts_apart,
        pretty_results: option("pretty_results").and_then(|value| value.as_bool()),
        display_skipped_hosts: on("display_skipped_hosts"),
        display_ok_hosts: on("display_ok_hosts"),
        display_failed_stderr: on("display_failed_stderr"),
        show_custom_stats: on("show_custom_stats"),
        show_per_host_start: on("show_per_host_start"),
        check_mode_markers: on("check_mode_markers"),
        show_task_path_on_failure: on("show_task_path_on_failure"),
        deprecation_warnings: config.flag("DEPRECATION_WARNINGS"),
        diff_context: config.int("DIFF_CONTEXT").and_then(|lines| usize::try_from(lines).ok()).unwrap_or(3),
        ..Settings::default()
    }
}

/// Opens the log that is configured (`log_path`); one that cannot be written is told of and left out.
pub(crate) fn log(verbosity: u8, config: &Config) -> Option<Log> {
    let path = config.text("DEFAULT_LOG_PATH")?;
    if Path::new(&path).is_dir() {
        super::warn(&format!("DEFAULT_LOG_PATH can not be a directory '{path}', aborting"));
        return None;
    }
    let Ok(file) = std::fs::OpenOptions::new().create(true).append(true).open(&path) else {
        super::warn(&format!("log file at '{path}' is not writeable and we cannot create it, aborting"));
        return None;
    };
    let configured = config.int("LOG_VERBOSITY").and_then(|level| u8::try_from(level).ok());
    let verbosity = configured.unwrap_or_else(|| super::settings::verbosity(verbosity, config));
    let user = ["LOGNAME", "USER"].iter().find_map(|name| std::env::var(name).ok());
    let user = user.unwrap_or_else(|| format!("uid={}", rustix::process::getuid().as_raw()));
    let pid = std::process::id();
    let stamp = move || format!("{} p={pid} u={user}", local_time());
    Some(Log::new(Box::new(BufWriter::new(file)), Box::new(stamp), verbosity))
}

/// The time as Python's `logging` writes it.
fn local_time() -> String {
    let now = jiff::Zoned::now();
    format!("{},{:03}", now.strftime("%Y-%m-%d %H:%M:%S"), now.millisecond())
}

/// What the options ask for, else what is configured; a callback that is not built in looks like the default one.
fn look(form: Option<OutputForm>, config: &Config) -> Look {
    let output = match form {
        Some(OutputForm::Json) => Output::Events,
        Some(OutputForm::Minimal) => Output::Minimal,
        Some(OutputForm::Default) => Output::Default,
        None => {
            let configured = config.text("DEFAULT_STDOUT_CALLBACK").unwrap_or_default();
            if let Some(look) = callbacks::look(&configured) {
                return look;
            }
            Output::Default
        }
    };
    Look { output, yaml: false, texts_apart: false }
}

/// The colours that the configuration names.
fn palette(config: &Config) -> Palette {
    let mut palette = Palette::default();
    for found in rplay_config::core().iter().filter(|setting| setting.name.starts_with("COLOR_")) {
        if let Some(colour) = config.text(found.name).filter(|_| config.is_set(found.name)) {
            palette.set(found.name, &colour);
        }
    }
    palette
}

fn size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
    (size.ws_col > 0).then_some((size.ws_col, size.ws_row))
}
