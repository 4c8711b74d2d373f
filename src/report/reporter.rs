use std::io::{self, Write};

use rplay_event::{Event, Kind};

use crate::ansible_json::AnsibleJson;
use crate::beside::Beside;
use crate::default::Default;
use crate::log::Log;
use crate::minimal::Minimal;
use crate::oneline::Oneline;
use crate::order::Order;
use crate::progress::Running;
use crate::screen::{Screen, Side};
use crate::settings::{Live, Output, Settings};
use crate::sink::Sink;
use crate::{fault, messages};

/// Shows a run: reads its events as they happen and writes what [`Settings`] ask for.
///
/// A failed result may bring the [`Fault`](rplay_event::Fault) behind it as `exception`, in its serialized form: it becomes
/// the `[ERROR]` that Ansible prints before the result, with the excerpt. `screen` takes the place of the result.
pub struct Reporter {
    settings: Settings,
    screen: Screen,
    running: Running,
    order: Order,
    reader: Reader,
    beside: Option<Beside>,
}

enum Reader {
    Default(Default),
    Minimal(Minimal),
    Oneline(Oneline),
    AnsibleJson(AnsibleJson),
    Events,
}

impl Reporter {
    pub fn new(settings: Settings, stdout: Box<dyn Write + Send>, stderr: Box<dyn Write + Send>) -> Self {
        let (out, err) = (Sink::new(stdout), Sink::new(stderr));
        let reader = match settings.output {
            Output::Default => Reader::Default(Default::default()),
            Output::Minimal => Reader::Minimal(Minimal::default()),
            Output::Oneline => Reader::Oneline(Oneline::default()),
            Output::AnsibleJson => Reader::AnsibleJson(AnsibleJson::default()),
            Output::Events => Reader::Events,
        };
        let running = Running::new(&settings, &err);
        let screen = Screen::new(&settings, out, err);
        Self { settings, screen, running, order: Order::default(), reader, beside: None }
    }

    /// Writes what is shown into a log as well.
    #[must_use]
    pub fn with_log(mut self, log: Log) -> Self {
        self.screen.keep_log(log);
        self
    }

    /// Tells more readers of the run beside the screen.
    #[must_use]
    pub fn with_beside(mut self, beside: Beside) -> Self {
        self.beside = Some(beside);
        self
    }

    /// Shows the next event, and those that have waited for it.
    pub fn event(&mut self, event: Event) {
        if self.closed() {
            return;
        }
        if matches!(self.reader, Reader::Events) {
            let line = serde_json::to_string(&event).expect("events have text keys and no fallible fields");
            self.screen.line(Side::Out, None, &line);
            self.screen.flush();
        } else {
            for event in self.order.push(event) {
                self.show(event.kind());
            }
        }
    }

    fn show(&mut self, kind: &Kind) {
        match kind {
            Kind::Progress { task, host, progress } => {
                self.running.update(*task, host, progress, &mut self.screen);
                return self.screen.flush();
            }
            Kind::TaskDone { result } => {
                self.running.done(result.task, &result.host);
                self.screen.log_detail(3, || format!("<{}> EXEC task {}", result.host, result.task));
            }
            Kind::Recap { .. } | Kind::DestroyDone { .. } | Kind::RunDone { .. } => self.running.clear(),
            _ => {}
        }
        let Self { settings, screen, running, reader, beside, .. } = self;
        running.suspended(|| {
            match kind {
                Kind::Warning { message } => messages::warning(message, screen),
                Kind::Deprecated { message } => messages::deprecation(message, settings, screen),
                Kind::Said { message } => screen.line(Side::Out, None, message),
                Kind::Notice { message } => screen.line(Side::Err, None, message),
                Kind::Fault { fault } => fault::tell(fault, settings.color_stderr, screen),
                kind => reader.event(kind, settings, screen),
            }
            if let Some(beside) = beside {
                beside.event(kind, settings, screen);
            }
            // Before the live lines are drawn again: what is still buffered would land among them.
            if matches!(settings.live, Live::Terminal { .. }) {
                screen.flush();
            }
        });
    }

    /// Writes out what is buffered: to be called whenever no event is at hand.
    pub fn flush(&mut self) {
        self.screen.flush();
    }

    /// Whether the reader of stdout has gone away (`| head`): nothing more is written, and the run may end quietly.
    pub fn closed(&self) -> bool {
        self.screen.closed()
    }

    /// Takes the live lines away and writes out what is left; returns the error that ended stdout, a closed pipe excepted.
    pub fn finish(&mut self) -> io::Result<()> {
        self.running.clear();
        self.screen.flush();
        self.screen.error()
    }
}

impl Reader {
    fn event(&mut self, kind: &Kind, settings: &Settings, screen: &mut Screen) {
        match self {
            Self::Default(reader) => reader.event(kind, settings, screen),
            Self::Minimal(reader) => reader.event(kind, settings, screen),
            Self::Oneline(reader) => reader.event(kind, settings, screen),
            Self::AnsibleJson(reader) => reader.event(kind, settings, screen),
            Self::Events => {}
        }
    }
}
