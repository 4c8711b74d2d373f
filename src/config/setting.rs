use std::fmt;
use std::path::PathBuf;

/// One row of the table: a setting by name, where it may be set, and what it is otherwise.
///
/// Source: `config/base.yml` and the documentation of the plugins of ansible-core.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub name: &'static str,
    pub kind: Kind,
    /// The default as JSON; `{{ANSIBLE_HOME}}` stands for that setting.
    pub default: &'static str,
    /// Environment variables, the last one that is set wins.
    pub env: &'static [&'static str],
    /// Sections and keys of the file, the last one that is set wins.
    pub ini: &'static [(&'static str, &'static str)],
    /// The only values there are; empty where anything goes.
    pub choices: &'static [&'static str],
    /// The kind and name of the plugin whose option this is.
    pub plugin: Option<(&'static str, &'static str)>,
}

/// What a setting's text is made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As it is written.
    Raw,
    Text,
    /// `yes`, `on`, `1`, `true` and the like; everything else is false.
    Bool,
    Int,
    Float,
    /// Words between commas.
    List,
    Dict,
    /// A path, made absolute; one of a file is relative to that file.
    Path,
    /// Paths between colons.
    PathSpec,
    /// Paths between commas.
    PathList,
}

impl Kind {
    /// Returns the word that `ansible-config list` has for it.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Raw => None,
            Self::Text => Some("string"),
            Self::Bool => Some("boolean"),
            Self::Int => Some("integer"),
            Self::Float => Some("float"),
            Self::List => Some("list"),
            Self::Dict => Some("dict"),
            Self::Path => Some("path"),
            Self::PathSpec => Some("pathspec"),
            Self::PathList => Some("pathlist"),
        }
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    Env(&'static str),
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Env(name) => write!(f, "env: {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}
