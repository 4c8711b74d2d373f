//! What controller and agent say to each other: one JSON value a line, and the bytes of files after the line that
//! names them.

use std::net::SocketAddr;
use std::path::PathBuf;

use rplay_module::{Address, Foretold, Mode, Outcome, Ownership, Progress, Realm, Sandbox};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How the agent's first line begins.
pub(super) const READY: &str = "RPLAY-AGENT";
/// How the line of a host begins that does not have the agent yet; its system and machine follow.
pub(super) const WANTS: &str = "RPLAY-WANTS";

/// What the controller asks for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Request {
    Call(Box<Order>),
    /// An asynchronous task: it goes on when nobody listens any more.
    Begin {
        order: Box<Order>,
        job: Begin,
    },
    /// The content of a file.
    Read {
        path: String,
    },
    /// The answer to a question of the agent's.
    Reply {
        value: Value,
    },
}

/// A call of a module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) module: String,
    pub(crate) args: Value,
    pub(crate) mode: Mode,
    /// The task's own environment.
    pub(crate) environment: Vec<(String, String)>,
    /// Where it runs; the agent's own folder where nothing is said.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) sandbox: Option<Sandbox>,
    pub(crate) reach: Vec<(String, SocketAddr)>,
    pub(crate) remote_tmp: String,
    pub(crate) files: Vec<Carried>,
}

/// How an asynchronous task is to be kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Begin {
    pub(crate) folder: String,
    /// Seconds.
    pub(crate) limit: u64,
    /// Random digits for the job's name.
    pub(crate) number: u64,
}

/// A file or folder of the controller's that a parameter names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Carried {
    pub(crate) param: String,
    /// The file's own name.
    pub(crate) name: String,
    /// The path ends with a slash: what is in the folder is meant.
    pub(crate) inside: bool,
    pub(crate) entries: Vec<Entry>,
}

/// One thing in what is carried; the bytes of files follow in this order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Seen from the carried thing; empty for itself.
    pub(crate) path: String,
    pub(crate) what: What,
    pub(crate) mode: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Folder,
    File(u64),
    Link(String),
}

/// What the agent says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum Answer {
    Warn {
        message: String,
    },
    Deprecate {
        message: String,
    },
    Secret {
        text: String,
    },
    Progress {
        progress: Progress,
    },
    Ask {
        question: Question,
    },
    Done {
        outcome: Box<Outcome>,
    },
    Begun {
        job: String,
        file: String,
    },
    Content {
        base64: String,
    },
    /// What was asked for cannot be done; the number is the system's.
    Refused {
        message: String,
        errno: Option<i32>,
    },
}

/// What only the controller knows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub(super) enum Question {
    Owns { address: Address, realm: Realm },
    Own { address: Address, realm: Realm, stage: Ownership },
    Foretold { address: Address },
    Foretell { address: Address, what: Foretold },
    Token { purpose: String },
}
