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
#[derive(Clone, Debug, PartialEq)]
pub struct ParamSpec {
    pub name: &'static str,
    pub aliases: Vec<&'static str>,
    /// The field's doc comment: what it is, its unit, what omission means.
    pub doc: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub default: Option<Value>,
    /// Which thing is meant hangs on it: while it is unknown nothing can be read.
    pub identity: bool,
    /// Never shown.
    pub secret: bool,
}

/// What a parameter's value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
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
    RequiredIf { when: &'static str, is: Value, needs: Vec<&'static str>, any: bool },
    RequiredOneOf(Vec<&'static str>),
    RequiredTogether(Vec<&'static str>),
    /// When `given` is given, all of `needs` must be.
    RequiredBy { given: &'static str, needs: Vec<&'static str> },
    MutuallyExclusive(Vec<&'static str>),
}
