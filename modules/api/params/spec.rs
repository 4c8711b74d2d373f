use serde_json::Value;

/// What a module takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spec {
    /// The struct's doc comment: what the module does.
    pub doc: &'static str,
    pub params: Vec<ParamSpec>,
    pub rules: Vec<Rule>,
    /// Parameters of Ansible's that are not built yet: giving one is a fault that says so.
    pub unbuilt: Vec<&'static str>,
    /// Takes any further key (`set_fact`, `debug`'s extra vars are not such: they are directives).
    pub open: bool,
    /// The module takes a free-form text, which becomes this parameter (`_raw_params` of `command`).
    pub free_form: Option<&'static str>,
}

/// One parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParamSpec {
    pub name: &'static str,
    pub aliases: Vec<&'static str>,
    /// Aliases that are on their way out, each with what to say when one is given.
    pub deprecated: Vec<(&'static str, &'static str)>,
    /// The same name in another case (`portMappings`): taken, but not listed among the aliases.
    pub spellings: Vec<&'static str>,
    /// The field's doc comment: what it is, its unit, what omission means.
    pub doc: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// Read as if it had been given, so it may be written in any form that the kind takes.
    pub default: Option<Value>,
    /// Which thing is meant hangs on it: while it is unknown nothing can be read.
    pub identity: bool,
    /// Never shown.
    pub secret: bool,
    /// Not shown among the arguments of a result, though it may be seen elsewhere, as in a difference.
    pub censored: bool,
    /// What stands for it among the arguments of a result where it is not given and the environment decides.
    pub shown: Option<Value>,
}

/// What a parameter's value is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Kind {
    #[default]
    Text,
    Path,
    Bool,
    Int,
    Float,
    /// A size such as `1GB`.
    Bytes,
    /// A JSON document, given as text or as data.
    Json,
    /// Anything.
    Raw,
    Choice(Vec<&'static str>),
    List(Box<Kind>),
    /// Any keys, values of one kind.
    Dict(Box<Kind>),
    /// Named sub-options.
    Options(Box<Spec>),
    /// A file that the engine finds beside the playbook or role, in the folder of that name (`files`).
    ControllerFile(&'static str),
    /// A template that the engine finds and renders.
    ControllerTemplate,
}

/// A rule over several parameters, as in Ansible's argument specs.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// When `when` has the value, all of `needs` (or with `any` one of them) must be given.
    RequiredIf {
        when: &'static str,
        is: Value,
        needs: Vec<&'static str>,
        any: bool,
    },
    RequiredOneOf(Vec<&'static str>),
    RequiredTogether(Vec<&'static str>),
    /// When `given` is given, all of `needs` must be.
    RequiredBy {
        given: &'static str,
        needs: Vec<&'static str>,
    },
    MutuallyExclusive(Vec<&'static str>),
}

impl Spec {
    /// Returns the parameter of that name; aliases are not names.
    pub fn param(&self, name: &str) -> Option<&ParamSpec> {
        self.params.iter().find(|param| param.name == name)
    }

    /// Takes in the parameters and rules of a struct whose fields stand on the same level.
    #[must_use]
    pub fn flatten(mut self, other: Self) -> Self {
        self.params.extend(other.params);
        self.rules.extend(other.rules);
        self.unbuilt.extend(other.unbuilt);
        self.open |= other.open;
        self.free_form = self.free_form.or(other.free_form);
        self
    }
}

impl ParamSpec {
    /// Returns every spelling that is taken, the name first.
    pub fn spelled(&self) -> impl Iterator<Item = &'static str> {
        let aliases = self.aliases.iter().copied().chain(self.deprecated.iter().map(|(name, _)| *name));
        std::iter::once(self.name).chain(aliases).chain(self.spellings.iter().copied())
    }
}

impl Kind {
    /// Returns Ansible's name for the type, as its messages have it.
    pub fn wanted(&self) -> &'static str {
        match self {
            Self::Text | Self::Choice(_) => "str",
            Self::Path | Self::ControllerFile(_) | Self::ControllerTemplate => "path",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bytes => "bytes",
            Self::Json => "json",
            Self::Raw => "raw",
            Self::List(_) => "list",
            Self::Dict(_) | Self::Options(_) => "dict",
        }
    }

    /// Returns the kind with its innermost element replaced: what a field's attribute says of a list holds for its
    /// elements.
    #[must_use]
    pub fn of(self, leaf: Self) -> Self {
        match self {
            Self::List(inner) => Self::List(Box::new(inner.of(leaf))),
            Self::Dict(inner) => Self::Dict(Box::new(inner.of(leaf))),
            _ => leaf,
        }
    }

    /// Returns the empty value, which `default` alone stands for.
    #[doc(hidden)]
    pub fn blank(&self) -> Value {
        self.stand_in("")
    }

    /// Returns whether a text with an unknown marker in it is a value of this kind; any other kind counts as omitted.
    pub(super) fn carries_unknown(&self) -> bool {
        match self {
            Self::Text | Self::Path | Self::Json | Self::Raw | Self::ControllerFile(_) => true,
            Self::List(inner) => inner.carries_unknown(),
            Self::Bool
            | Self::Int
            | Self::Float
            | Self::Bytes
            | Self::Choice(_)
            | Self::Dict(_)
            | Self::Options(_)
            | Self::ControllerTemplate => false,
        }
    }

    /// Returns what stands in for a required value that is not known yet, where the kind cannot carry the marker. It is
    /// never acted on: nothing is read or written while the parameters have an unknown identity.
    pub(super) fn stand_in(&self, marker: &str) -> Value {
        match self {
            Self::Text | Self::Path | Self::Raw | Self::Json | Self::ControllerFile(_) => Value::from(marker),
            Self::ControllerTemplate => super::controller::to_wire(marker.as_ref(), Some(&[])),
            Self::Bool => Value::from(false),
            Self::Int | Self::Bytes => Value::from(0),
            Self::Float => Value::from(0.0),
            Self::Choice(texts) => Value::from(texts.first().copied().unwrap_or_default()),
            Self::List(_) => Value::Array(Vec::new()),
            Self::Dict(_) => Value::Object(serde_json::Map::new()),
            Self::Options(spec) => Value::Object(
                spec.params
                    .iter()
                    .filter(|param| param.required || param.default.is_some())
                    .map(|param| {
                        let value = param.default.clone().unwrap_or_else(|| param.kind.stand_in(marker));
                        (param.name.to_owned(), value)
                    })
                    .collect(),
            ),
        }
    }
}
