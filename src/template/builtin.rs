//! Filters and tests: how they are declared, and how their arguments reach them.

use std::sync::Arc;

use crate::eval::{Args, Cx, Evaluated};
use crate::{TemplateError, Value};

/// A filter or a test.
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    pub(crate) collection: &'static str,
    /// The parameters' names; `name=` may be left out, `*` takes all others, `**` all others by name.
    params: &'static str,
    pub(crate) run: fn(&Cx<'_>, &Given) -> Evaluated,
    /// It is given undefined values, where others are not even asked.
    pub(crate) takes_undefined: bool,
    /// It does not look into its arguments: what is undefined in them stays in them.
    pub(crate) shallow: bool,
    pub(crate) unknowns: Unknowns,
}

/// What a part that is unknown means to a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknowns {
    /// The result is unknown.
    Infect,
    /// Only an argument that is unknown itself makes the result unknown; those inside are moved along.
    Inside,
    /// It knows what to do.
    Take,
}

/// Declares a filter or test; see [`Builtin::params`].
pub(crate) const fn builtin(
    name: &'static str,
    params: &'static str,
    run: fn(&Cx<'_>, &Given) -> Evaluated,
) -> Builtin {
    Builtin {
        name,
        collection: "ansible.builtin",
        params,
        run,
        takes_undefined: false,
        shallow: false,
        unknowns: Unknowns::Infect,
    }
}

impl Builtin {
    /// It is a collection's.
    pub(crate) const fn of(self, collection: &'static str) -> Self {
        Self { collection, ..self }
    }

    pub(crate) const fn takes_undefined(self) -> Self {
        Self { takes_undefined: true, shallow: true, unknowns: Unknowns::Take, ..self }
    }

    pub(crate) const fn shallow(self) -> Self {
        Self { shallow: true, unknowns: Unknowns::Inside, ..self }
    }

    /// It moves parts along without looking at them.
    pub(crate) const fn moves(self) -> Self {
        Self { unknowns: Unknowns::Inside, ..self }
    }

    pub(crate) const fn takes_unknown(self) -> Self {
        Self { unknowns: Unknowns::Take, ..self }
    }

    pub(crate) fn bind(&self, args: Args) -> Result<Given, TemplateError> {
        Given::bind(function_name(self.name), self.params, args)
    }
}

/// Returns what the function behind a filter is called, which Python's messages name.
fn function_name(filter: &'static str) -> &'static str {
    match filter {
        "attr" => "do_attr",
        "batch" => "do_batch",
        "capitalize" => "do_capitalize",
        "center" => "do_center",
        "checksum" | "sha1" => "secure_hash_s",
        "default" | "d" => "do_default",
        "dict2items" => "dict_to_list_of_dict_key_value_elements",
        "dictsort" => "do_dictsort",
        "filesizeformat" => "do_filesizeformat",
        "first" => "sync_do_first",
        "float" => "do_float",
        "groupby" => "_cleansed_groupby",
        "hash" => "get_hash",
        "indent" => "do_indent",
        "int" => "do_int",
        "items" => "do_items",
        "items2dict" => "list_of_dict_key_value_elements_to_dict",
        "join" => "sync_do_join",
        "last" => "do_last",
        "list" => "sync_do_list",
        "log" => "logarithm",
        "lower" => "do_lower",
        "md5" => "md5s",
        "password_hash" => "get_encrypted_password",
        "pow" => "power",
        "pprint" => "do_pprint",
        "random" => "rand",
        "replace" => "do_replace",
        "reverse" => "do_reverse",
        "root" => "inversepower",
        "round" => "do_round",
        "shuffle" => "randomize_list",
        "slice" => "sync_do_slice",
        "sort" => "do_sort",
        "striptags" => "do_striptags",
        "sum" => "sync_do_sum",
        "title" => "do_title",
        "tojson" => "do_tojson",
        "trim" => "do_trim",
        "truncate" => "do_truncate",
        "upper" => "do_upper",
        "urlencode" => "do_urlencode",
        "urlize" => "do_urlize",
        "wordcount" => "do_wordcount",
        "wordwrap" => "do_wordwrap",
        "xmlattr" => "do_xmlattr",
        name => name,
    }
}

/// Arguments, each at its parameter's place.
pub(crate) struct Given {
    values: Vec<Option<Value>>,
    /// What `*` took.
    pub(crate) rest: Vec<Value>,
    /// What `**` took.
    pub(crate) named: Vec<(Arc<str>, Value)>,
}

static NONE: Value = Value::NONE;

impl Given {
    pub(crate) fn bind(function: &str, params: &'static str, args: Args) -> Result<Self, TemplateError> {
        let fail = |message: String| TemplateError::runtime(format!("{function}() {message}"));
        let (mut names, mut required) = (Vec::new(), Vec::new());
        let (mut takes_rest, mut takes_named) = (false, false);
        for param in params.split_ascii_whitespace() {
            match param {
                "*" => takes_rest = true,
                "**" => takes_named = true,
                _ => {
                    names.push(param.trim_end_matches('='));
                    required.push(!param.ends_with('='));
                }
            }
        }
        let given = args.positional.len();
        let mut positional = args.positional.into_iter();
        let mut values: Vec<Option<Value>> = names.iter().map(|_| positional.next()).collect();
        let rest: Vec<Value> = positional.collect();
        if !rest.is_empty() && !takes_rest {
            return Err(fail(too_many(
                required.iter().filter(|required| **required).count(),
                names.len(),
                given,
            )));
        }
        let mut others = Vec::new();
        for (name, value) in args.named {
            match names.iter().position(|known| *known == &*name).and_then(|at| values.get_mut(at)) {
                Some(Some(_)) => return Err(fail(format!("got multiple values for argument '{name}'"))),
                Some(slot) => *slot = Some(value),
                None if takes_named => others.push((name, value)),
                None => return Err(fail(format!("got an unexpected keyword argument '{name}'"))),
            }
        }
        let lacking = names
            .iter()
            .zip(&values)
            .zip(&required)
            .find(|((_, value), required)| **required && value.is_none());
        if let Some(((name, _), _)) = lacking {
            return Err(fail(format!("missing 1 required positional argument: '{name}'")));
        }
        Ok(Self { values, rest, named: others })
    }

    /// Returns an argument, or none where it was left out.
    pub(crate) fn value(&self, at: usize) -> &Value {
        self.given(at).unwrap_or(&NONE)
    }

    /// Returns an argument that was given.
    pub(crate) fn given(&self, at: usize) -> Option<&Value> {
        self.values.get(at)?.as_ref()
    }

    /// Returns an argument that was given and is not none.
    pub(crate) fn some(&self, at: usize) -> Option<&Value> {
        self.given(at).filter(|value| !value.is_none())
    }

    /// Returns Python's `str` of an argument.
    pub(crate) fn text(&self, at: usize) -> String {
        self.value(at).text()
    }

    pub(crate) fn text_or(&self, at: usize, default: &str) -> String {
        self.some(at).map_or_else(|| default.to_owned(), Value::text)
    }

    /// Returns an argument that has to be a text.
    pub(crate) fn str(&self, at: usize) -> Result<&str, TemplateError> {
        self.value(at).as_str().ok_or_else(|| {
            TemplateError::runtime(format!(
                "expected string or bytes-like object, got '{}'",
                self.value(at).type_name()
            ))
        })
    }

    /// Returns an argument of which Python calls a method of texts.
    pub(crate) fn method(&self, at: usize, method: &str) -> Result<&str, TemplateError> {
        self.value(at).as_str().ok_or_else(|| {
            let kind = self.value(at).type_name();
            TemplateError::runtime(format!("'{kind}' object has no attribute '{method}'"))
        })
    }

    pub(crate) fn flag(&self, at: usize, default: bool) -> bool {
        self.given(at).map_or(default, Value::is_truthy)
    }

    pub(crate) fn int(&self, at: usize, default: i128) -> Result<i128, TemplateError> {
        let Some(value) = self.some(at) else { return Ok(default) };
        value.as_int().ok_or_else(|| {
            let kind = value.type_name();
            TemplateError::runtime(format!("'{kind}' object cannot be interpreted as an integer"))
        })
    }

    /// Refuses none for an argument that Python compares or counts with, in the words that Python has for it.
    pub(crate) fn refuse_none(&self, at: usize, message: &str) -> Result<(), TemplateError> {
        match self.given(at) {
            Some(value) if value.is_none() => Err(TemplateError::runtime(message)),
            _ => Ok(()),
        }
    }

    pub(crate) fn size(&self, at: usize, default: usize) -> Result<usize, TemplateError> {
        let number = self.int(at, i128::try_from(default).unwrap_or(0))?;
        Ok(usize::try_from(number.max(0)).unwrap_or(usize::MAX))
    }

    /// Returns the elements of an argument that can be iterated.
    pub(crate) fn items(&self, cx: &Cx<'_>, at: usize) -> Result<Vec<Value>, TemplateError> {
        cx.items(self.value(at))
    }

    /// Returns an argument that was given by name to `**`.
    pub(crate) fn option(&self, name: &str) -> Option<&Value> {
        self.named.iter().find(|(known, _)| &**known == name).map(|(_, value)| value)
    }
}

/// Words the refusal of too many arguments as Python does.
fn too_many(required: usize, allowed: usize, given: usize) -> String {
    let takes =
        if required == allowed { allowed.to_string() } else { format!("from {required} to {allowed}") };
    let arguments = if required == allowed && allowed == 1 { "argument" } else { "arguments" };
    let were = if given == 1 { "was" } else { "were" };
    format!("takes {takes} positional {arguments} but {given} {were} given")
}
