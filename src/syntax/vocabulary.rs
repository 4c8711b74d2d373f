//! Every keyword of the language, and where it may stand: the field attributes of ansible-core's `playbook/*.py`.

use crate::nearest;

/// What a keyword may stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Play,
    Block,
    Task,
    Handler,
    Role,
    ImportPlaybook,
    LoopControl,
    RoleMeta,
}

/// What is written behind a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Judged by whoever reads it.
    Any,
    Text,
    Flag,
    Whole,
    Number,
    Percent,
    /// A list, or one element of it.
    List,
    /// A list of texts that are no templates.
    Names,
    /// A list of expressions.
    Conditions,
    /// Numbers of hosts, or percentages.
    Batches,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Form {
    /// Returns whether Ansible brings the value into this form when a task runs, not before.
    pub(crate) fn is_converted(self) -> bool {
        matches!(self, Self::Flag | Self::Whole | Self::Number | Self::Conditions)
    }
}

/// A keyword of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keyword {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    levels: u8,
}

impl Level {
    /// Returns the name of Ansible's class for it, which its messages use.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Play => "Play",
            Self::Block => "Block",
            Self::Task => "Task",
            Self::Handler => "Handler",
            Self::Role => "RoleInclude",
            Self::ImportPlaybook => "PlaybookInclude",
            Self::LoopControl => "LoopControl",
            Self::RoleMeta => "RoleMetadata",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Play => "a play",
            Self::Block => "a block",
            Self::Task => "a task",
            Self::Handler => "a handler",
            Self::Role => "a role",
            Self::ImportPlaybook => "`import_playbook`",
            Self::LoopControl => "`loop_control`",
            Self::RoleMeta => "a role's meta file",
        }
    }

    fn bit(self) -> u8 {
        1 << (self as u8)
    }

    /// Returns whether what is written here is evaluated task by task.
    pub(crate) fn is_run(self) -> bool {
        matches!(self, Self::Block | Self::Task | Self::Handler)
    }

    /// Returns the keyword of this name at this level.
    pub(crate) fn keyword(self, name: &str) -> Option<&'static Keyword> {
        KEYWORDS.iter().find(|keyword| keyword.name == name && keyword.levels & self.bit() != 0)
    }

    /// Returns every keyword that may stand at this level.
    pub(crate) fn keywords(self) -> impl Iterator<Item = &'static Keyword> {
        KEYWORDS.iter().filter(move |keyword| keyword.levels & self.bit() != 0)
    }

    /// Says what may have been meant by a word that is no keyword at this level.
    pub(crate) fn advice(self, word: &str) -> Option<String> {
        if let Some(keyword) = nearest(word, self.keywords().map(|keyword| keyword.name)) {
            return Some(format!("did you mean `{keyword}`?"));
        }
        let homes: Vec<&str> =
            LEVELS.iter().filter(|level| level.keyword(word).is_some()).map(|level| level.noun()).collect();
        match homes.as_slice() {
            [] => None,
            [home] => Some(format!("`{word}` stands in {home}")),
            [homes @ .., last] => Some(format!("`{word}` stands in {} or {last}", homes.join(", "))),
        }
    }
}

const LEVELS: [Level; 8] = [
    Level::Play,
    Level::Block,
    Level::Task,
    Level::Handler,
    Level::Role,
    Level::ImportPlaybook,
    Level::LoopControl,
    Level::RoleMeta,
];

const PLAY: u8 = 1;
const BLOCK: u8 = 1 << 1;
const TASK: u8 = 1 << 2 | HANDLER;
const HANDLER: u8 = 1 << 3;
const ROLE: u8 = 1 << 4;
const IMPORT: u8 = 1 << 5;
const LOOP: u8 = 1 << 6;
const META: u8 = 1 << 7;
/// What every object of a playbook has.
const BASE: u8 = PLAY | BLOCK | TASK | ROLE | IMPORT | META;

const fn keyword(name: &'static str, form: Form, levels: u8) -> Keyword {
    Keyword { name, form, levels }
}

const DEBUGGER: Form = Form::OneOf(&["always", "never", "on_failed", "on_skipped", "on_unreachable"]);
const ORDER: Form = Form::OneOf(&["inventory", "sorted", "reverse_sorted", "reverse_inventory", "shuffle"]);

const KEYWORDS: [Keyword; 75] = [
    keyword("action", Form::Any, TASK),
    keyword("allow_duplicates", Form::Flag, META),
    keyword("always", Form::Any, BLOCK),
    keyword("any_errors_fatal", Form::Flag, BASE),
    keyword("args", Form::Any, TASK),
    keyword("argument_specs", Form::Any, META),
    keyword("async", Form::Whole, TASK),
    keyword("become", Form::Flag, BASE),
    keyword("become_exe", Form::Text, BASE),
    keyword("become_flags", Form::Text, BASE),
    keyword("become_method", Form::Text, BASE),
    keyword("become_user", Form::Text, BASE),
    keyword("block", Form::Any, BLOCK),
    keyword("break_when", Form::Conditions, LOOP),
    keyword("changed_when", Form::Conditions, TASK),
    keyword("check_mode", Form::Flag, BASE),
    keyword("collections", Form::Names, PLAY | BLOCK | TASK | ROLE | META),
    keyword("connection", Form::Text, BASE),
    keyword("debugger", DEBUGGER, BASE),
    keyword("delay", Form::Number, TASK),
    keyword("delegate_facts", Form::Flag, BLOCK | TASK | ROLE),
    keyword("delegate_to", Form::Text, BLOCK | TASK | ROLE),
    keyword("dependencies", Form::Any, META),
    keyword("diff", Form::Flag, BASE),
    keyword("environment", Form::List, BASE),
    keyword("extended", Form::Flag, LOOP),
    keyword("extended_allitems", Form::Flag, LOOP),
    keyword("fact_path", Form::Text, PLAY),
    keyword("failed_when", Form::Conditions, TASK),
    keyword("force_handlers", Form::Flag, PLAY),
    keyword("galaxy_info", Form::Any, META),
    keyword("gather_facts", Form::Flag, PLAY),
    keyword("gather_subset", Form::List, PLAY),
    keyword("gather_timeout", Form::Whole, PLAY),
    keyword("handlers", Form::Any, PLAY),
    keyword("hosts", Form::Any, PLAY),
    keyword("ignore_errors", Form::Flag, BASE),
    keyword("ignore_unreachable", Form::Flag, BASE),
    keyword("import_playbook", Form::Text, IMPORT),
    keyword("index_var", Form::Text, LOOP),
    keyword("label", Form::Text, LOOP),
    keyword("listen", Form::Names, HANDLER),
    keyword("local_action", Form::Any, TASK),
    keyword("loop", Form::Any, TASK),
    keyword("loop_control", Form::Any, TASK),
    keyword("loop_var", Form::Text, LOOP),
    keyword("max_fail_percentage", Form::Percent, PLAY),
    keyword("module_defaults", Form::Any, BASE),
    keyword("name", Form::Text, BASE),
    keyword("no_log", Form::Flag, BASE),
    keyword("notify", Form::List, BLOCK | TASK),
    keyword("order", ORDER, PLAY),
    keyword("pause", Form::Number, LOOP),
    keyword("poll", Form::Whole, TASK),
    keyword("port", Form::Whole, BASE),
    keyword("post_tasks", Form::Any, PLAY),
    keyword("pre_tasks", Form::Any, PLAY),
    keyword("register", Form::Any, TASK),
    keyword("remote_user", Form::Text, BASE),
    keyword("rescue", Form::Any, BLOCK),
    keyword("retries", Form::Whole, TASK),
    keyword("role", Form::Any, ROLE),
    keyword("roles", Form::Any, PLAY),
    keyword("run_once", Form::Flag, BASE),
    keyword("serial", Form::Batches, PLAY),
    keyword("strategy", Form::Text, PLAY),
    keyword("tags", Form::Any, PLAY | BLOCK | TASK | ROLE | IMPORT),
    keyword("tasks", Form::Any, PLAY),
    keyword("throttle", Form::Whole, BASE),
    keyword("timeout", Form::Whole, BASE),
    keyword("until", Form::Conditions, TASK),
    keyword("vars", Form::Any, BASE),
    keyword("vars_files", Form::Any, PLAY),
    keyword("vars_prompt", Form::Any, PLAY),
    keyword("when", Form::Conditions, BLOCK | TASK | ROLE | IMPORT),
];
