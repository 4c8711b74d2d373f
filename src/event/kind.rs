use indexmap::IndexMap;
use rplay_module::{Diff, Planned, Progress};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Fault, Span};

/// Something that happened, free of secrets; made by [`crate::Masker::event`] alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Event(pub(crate) Kind);

impl Event {
    pub fn kind(&self) -> &Kind {
        &self.0
    }
}

/// What kind of run this is; it changes what some lines say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunMode {
    #[default]
    Play,
    Check,
    Plan,
    Destroy,
}

/// What can happen. Hosts are named by their inventory names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Kind {
    RunStarted {
        mode: RunMode,
        playbooks: Vec<String>,
        verbosity: u8,
        diff: bool,
    },
    /// A playbook file begins; shown at -vv.
    PlaybookStarted {
        file: String,
        plays: usize,
    },
    PlayStarted {
        name: String,
        hosts: Vec<String>,
        check: bool,
    },
    /// The play's pattern names hosts, none of which is there.
    NoHostsMatched,
    NoHostsRemaining,
    TaskStarted {
        task: TaskInfo,
    },
    /// One host begins a task: for progress; not a line of its own.
    HostStarted {
        task: u64,
        host: String,
    },
    /// One item of a loop, on one host.
    ItemDone {
        result: TaskResult,
    },
    /// A task on one host; with a loop, after its items.
    TaskDone {
        result: TaskResult,
    },
    /// `until` was not met; `left` attempts remain.
    Retrying {
        task: u64,
        host: String,
        name: String,
        item: Option<String>,
        left: u64,
        result: Map<String, Value>,
    },
    /// An asynchronous task was asked for, or is over.
    Async {
        task: u64,
        host: String,
        job: String,
        state: AsyncState,
    },
    /// A dynamic include brought a file in.
    Included {
        task: u64,
        file: String,
        hosts: Vec<String>,
        item: Option<Value>,
    },
    /// A handler was notified; shown at -vv.
    Notified {
        handler: String,
        host: String,
    },
    Warning {
        message: String,
    },
    Deprecated {
        message: String,
    },
    /// A line that an action says by itself, on stdout as Ansible's.
    Said {
        message: String,
    },
    /// What Ansible has no word for: hints and addresses; to stderr.
    Notice {
        message: String,
    },
    /// What a long task is doing now; live on a terminal, a line per change at -v elsewhere, to stderr.
    Progress {
        task: u64,
        host: String,
        progress: Progress,
    },
    /// What a plan or a check has found for one thing.
    Planned {
        task: u64,
        host: String,
        planned: Planned,
    },
    Fault {
        fault: Fault,
    },
    /// What `set_stats` has collected, before the recap: by host, or by `_run` for the whole run.
    CustomStats {
        stats: IndexMap<String, Map<String, Value>>,
    },
    /// The last of a play run: one entry a host, in the order of first appearance.
    Recap {
        hosts: IndexMap<String, Counts>,
    },
    /// The last of a plan.
    PlanDone {
        add: usize,
        change: usize,
        destroy: usize,
        may_change: usize,
        will_run: usize,
    },
    /// The last of a destroy: what is gone and what was left, with the reason.
    DestroyDone {
        destroyed: usize,
        kept: Vec<(String, String)>,
    },
    RunDone {
        exit_code: u8,
    },
}

/// What has become of an asynchronous task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsyncState {
    Polled { started: bool, finished: bool },
    Ok,
    Failed,
}

/// A task as its heading shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskInfo {
    /// Distinct within a run, rising in the order of headings.
    pub id: u64,
    /// As after `TASK [`: the name rendered, with `role : ` before it in a role.
    pub name: String,
    /// The action as the playbook spells it.
    pub action: String,
    pub span: Option<Span>,
    pub handler: bool,
    pub check: bool,
    /// `no_log` on the task: arguments are not shown.
    pub no_log: bool,
    /// Hosts go through the play each in its own time: the heading is printed with the first result below it.
    #[serde(default)]
    pub free: bool,
}

/// How a task ended on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    Changed,
    Skipped,
    Failed,
    Unreachable,
}

/// The result of a task, or of one item of its loop, on one host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    pub task: u64,
    pub host: String,
    pub delegated_to: Option<String>,
    pub status: Status,
    /// The failure does not end the play for the host: `...ignoring`.
    pub ignored: bool,
    /// The loop item's label as shown after `(item=`; a text where it is one, else its JSON.
    pub item: Option<Value>,
    /// What `register` receives, keys in the module's order; already censored under `no_log`.
    pub result: Map<String, Value>,
    /// Print the result at any verbosity (`debug`).
    pub verbose_always: bool,
    /// Print it at no verbosity below 3 (`setup` and other bulky results).
    pub verbose_never: bool,
    /// With a loop: the items were printed one by one.
    pub looped: bool,
    /// What `--diff` shows; empty without it.
    pub diff: Vec<Diff>,
    /// Printed in place of the result on failure: a deploy's own screen, or a fault's excerpt.
    pub screen: Option<String>,
}

/// A host's line of the recap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub ok: u64,
    pub changed: u64,
    pub unreachable: u64,
    pub failed: u64,
    pub skipped: u64,
    pub rescued: u64,
    pub ignored: u64,
}
