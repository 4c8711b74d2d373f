use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Address, Failure};

/// How a module is run. Modules never see it: [`crate::drive`] does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Apply,
    /// `--check`: Ansible's own rules for what runs.
    Check,
    /// `rplay plan`, and the walk forwards of a destroy: nothing is written, nothing is skipped without a word.
    Plan,
    /// What the walk backwards would delete; nothing is written.
    PlanDestroy,
    /// The walk backwards.
    Destroy,
}

/// What a module's run came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    pub changed: bool,
    pub skipped: bool,
    pub failure: Option<Failure>,
    /// What `register` receives, besides `changed` and what the engine adds.
    pub result: Map<String, Value>,
    pub diff: Vec<Diff>,
    /// One entry per thing; of a composite one per step.
    pub planned: Vec<Planned>,
    /// Nothing can be said of the result before the run.
    pub unknown: bool,
    /// Destroy: what was left alone, and why.
    pub kept: Vec<Kept>,
}

impl Outcome {
    pub fn failed(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }
}

/// What a destroy left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub address: Address,
    pub why: KeptWhy,
}

/// Why a destroy left a thing alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptWhy {
    /// Neither the ownership file nor the thing itself says that rplay made it.
    NotOurs,
    /// The task asks for its absence, and yet it is there.
    AskedAbsent,
    /// It holds what rplay did not make.
    Holds(Vec<String>),
}

impl std::fmt::Display for KeptWhy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotOurs => f.write_str("not made by rplay"),
            Self::AskedAbsent => f.write_str("the playbook itself asks for its absence"),
            Self::Holds(names) => write!(f, "holds what rplay did not make: {}", names.join(", ")),
        }
    }
}

/// A difference as Ansible's `diff` result has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    pub before: DiffSide,
    pub after: DiffSide,
    pub before_header: Option<String>,
    pub after_header: Option<String>,
    /// Ready-made text, printed as it is in place of `before` and `after`.
    pub prepared: Option<String>,
}

/// One side of a difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", content = "content", rename_all = "snake_case")]
pub enum DiffSide {
    Text(String),
    /// Shown as sorted, indented JSON, as Ansible shows dicts.
    Data(Value),
    Absent,
}

/// What will happen to one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    Create,
    Update,
    Replace,
    Delete,
    Keep,
    /// An unknown that is no identity decides: it may turn out to be equal.
    MayChange,
    /// An action that changes the world.
    WillRun,
    /// An action that only reads, and has been run.
    Read,
    /// Its identity is not known yet.
    Deferred,
}

/// One thing in a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// As the ownership file has it; of an action the module's name.
    pub address: String,
    pub action: Intent,
    pub fields: Vec<FieldChange>,
    /// Why a replacement, a deferral or a doubt.
    pub reason: Option<String>,
}

/// One managed field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Dotted, with list elements by name or number: `containers.web.environment.MODE`.
    pub path: String,
    /// `None` where the side does not have the field.
    pub before: Option<Value>,
    pub after: Option<Value>,
    /// Not known before the run: shown as `(known after apply)`.
    pub unknown: bool,
}

/// What a long task tells while it works.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The headline, such as `rolling out web:7`.
    pub headline: String,
    /// The lines under it, in order: build steps, tasks with the seconds in each state, targets.
    pub steps: Vec<ProgressStep>,
    /// A line that appears once and stays true, such as a service's event.
    pub note: Option<String>,
}

/// One line of progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgressStep {
    pub label: String,
    pub state: String,
    /// Done and whole, in the unit of the thing; `None` for a spinner.
    pub amount: Option<(u64, u64)>,
}
