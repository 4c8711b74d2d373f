//! Lookups, called as `lookup('name', ...)`, `query` and `with_name`.

mod config;
mod csvfile;
mod files;
mod general;
mod ini;
mod lists;
mod options;
mod passwords;
mod sequence;
mod url;
mod variables;

use std::sync::Arc;

use crate::engine::nearest;
use crate::eval::{Args, Cx, Evaluated};
use crate::{ErrorKind, PluginKind, TemplateError, Value};

pub(crate) use files::glob_files;
pub(crate) use ini::sections as ini_sections;

type Items = Result<Vec<Value>, TemplateError>;

/// A lookup: its name and what it does with its terms.
pub(crate) struct Lookup {
    name: &'static str,
    run: fn(&Cx<'_>, &Given) -> Items,
    /// Undefined terms do not stop it.
    takes_undefined: bool,
}

/// What a lookup was given.
pub(crate) struct Given {
    pub(crate) terms: Vec<Value>,
    pub(crate) options: Vec<(Arc<str>, Value)>,
    /// Where `with_NAME` looks for files besides the folders themselves: what its action works on.
    pub(crate) folder: Option<&'static str>,
}

impl Given {
    pub(crate) fn option(&self, name: &str) -> Option<&Value> {
        self.options.iter().find(|(known, _)| &**known == name).map(|(_, value)| value)
    }

    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.option(name).map_or(default, Value::is_truthy)
    }
}

const fn lookup(name: &'static str, run: fn(&Cx<'_>, &Given) -> Items) -> Lookup {
    Lookup { name, run, takes_undefined: false }
}

const LOOKUPS: &[Lookup] = &[
    lookup("config", config::config),
    lookup("csvfile", csvfile::csvfile),
    lookup("dict", lists::dict),
    lookup("env", variables::env),
    lookup("file", files::file),
    lookup("fileglob", files::fileglob),
    Lookup { name: "first_found", run: files::first_found, takes_undefined: true },
    lookup("flattened", lists::flattened),
    lookup("indexed_items", lists::indexed_items),
    lookup("ini", ini::ini),
    lookup("inventory_hostnames", variables::inventory_hostnames),
    lookup("items", lists::items),
    lookup("lines", files::lines),
    lookup("list", lists::list),
    lookup("merge_variables", general::merge_variables),
    lookup("nested", lists::nested),
    lookup("cartesian", lists::nested),
    lookup("password", passwords::password),
    lookup("pipe", files::pipe),
    lookup("random_choice", lists::random_choice),
    lookup("random_string", general::random_string),
    lookup("sequence", sequence::sequence),
    lookup("subelements", lists::subelements),
    lookup("template", files::template),
    lookup("together", lists::together),
    lookup("unvault", files::unvault),
    lookup("url", url::url),
    lookup("varnames", variables::varnames),
    lookup("vars", variables::vars),
];

fn find(name: &str) -> Option<&'static Lookup> {
    let prefixes = ["ansible.builtin.", "ansible.legacy.", "community.general."];
    let short = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    LOOKUPS.iter().find(|lookup| lookup.name == short)
}

pub(crate) fn exists(name: &str) -> bool {
    find(name).is_some()
}

fn fail<T>(message: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError::runtime(message))
}

/// The collections of which rplay has no lookups yet, though playbooks for AWS may use them.
const UNBUILT: [&str; 2] = ["amazon.aws.", "community.aws."];

/// Stands for every lookup that the world has.
const FOREIGN: &Lookup = &lookup("", |_, _| Ok(Vec::new()));

fn found(cx: &Cx<'_>, name: &str) -> Result<&'static Lookup, TemplateError> {
    let foreign = || cx.world().has_plugin(PluginKind::Lookup, name).then_some(FOREIGN);
    find(name).or_else(foreign).ok_or_else(|| {
        if UNBUILT.iter().any(|collection| name.starts_with(collection)) {
            let message = format!("The lookup plugin '{name}' is not built yet.");
            return TemplateError::runtime(message)
                .help(Some("use the *_info module that reads the same, and register its result".into()))
                .framed();
        }
        let hint = nearest(name, LOOKUPS.iter().map(|lookup| lookup.name));
        TemplateError::runtime(format!("The lookup plugin '{name}' was not found."))
            .help(hint.map(|hint| format!("did you mean '{hint}'?")))
            .framed()
    })
}

/// Runs `lookup(...)`, or `query(...)` when a list is wanted.
pub(crate) fn call(cx: &Cx<'_>, mut args: Args, wants_list: bool) -> Evaluated {
    if args.positional.is_empty() {
        let function = if wants_list { "_query" } else { "_lookup" };
        return fail(format!("{function}() missing 1 required positional argument: 'plugin_name'"));
    }
    let name = args.positional.remove(0);
    if name.is_undefined() {
        return Ok(name);
    }
    let name = name.text();
    let lookup = found(cx, &name)?;
    let undefined = match lookup.name {
        _ if lookup.takes_undefined => None,
        // What stands for a variable that is not there may be undefined itself, and often is.
        "env" => args.positional.iter().find(|term| term.is_undefined()),
        _ => args.first_undefined(),
    };
    if let Some(undefined) = undefined {
        return Ok(undefined.clone());
    }
    let mut wants_list = wants_list;
    let mut errors = "strict".to_owned();
    let mut options = Vec::new();
    for (option, value) in args.named {
        match &*option {
            "wantlist" => wants_list |= value.is_truthy(),
            "errors" => errors = value.text(),
            _ if value.is_undefined() => options.push((option, value)),
            _ => options.push((option, cx.known_all(&value)?)),
        }
    }
    let terms: Vec<Value> = args.positional.iter().map(|term| cx.forced(term)).collect();
    if let Some(unknown) = terms
        .iter()
        .chain(options.iter().map(|(_, value)| value))
        .find(|term| term.is_unknown() || term.is_text() && term.contains_unknown())
    {
        return Ok(cx.seen(Value::unknown(crate::eval::unknown_label(unknown))));
    }
    let items = match run(cx, lookup, &name, &Given { terms, options, folder: None }) {
        Ok(items) => items,
        Err(error) if error.kind == ErrorKind::Undefined => return Err(error),
        Err(error) if !matches!(errors.as_str(), "warn" | "ignore") => return Err(refused(error, &name)),
        Err(error) => {
            if errors == "warn" {
                cx.warn(format!(
                    "An error occurred while running the lookup plugin '{name}': {}",
                    error.message
                ));
            }
            return Ok(if wants_list { Value::list(Vec::new()) } else { Value::NONE });
        }
    };
    Ok(if wants_list { items.into() } else { single(items) })
}

/// One item stands for itself, several texts become one with commas between.
fn single(mut items: Vec<Value>) -> Value {
    if items.len() == 1 {
        return items.pop().unwrap_or_default();
    }
    let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
    match texts {
        Some(texts) if !texts.is_empty() => texts.join(",").into(),
        _ => items.into(),
    }
}

fn run(cx: &Cx<'_>, lookup: &Lookup, name: &str, given: &Given) -> Items {
    if lookup.name.is_empty() {
        let args = Args { positional: given.terms.clone(), named: given.options.clone() };
        let items = cx.plugin(PluginKind::Lookup, name, &args)?;
        return Ok(items.as_items().map_or_else(|| vec![items.clone()], <[Value]>::to_vec));
    }
    (lookup.run)(cx, given)
}

/// Says which lookup it was that refused; what has a place of its own is told apart.
fn refused(error: TemplateError, name: &str) -> TemplateError {
    let doing = format!("The lookup plugin '{name}' failed");
    match error.kind {
        ErrorKind::Undefined => error,
        _ if error.template.is_some() => error.nested().context(&doing).framed(),
        _ if error.framed => error,
        _ => error.context(&doing).framed(),
    }
}

/// Returns the items of `with_NAME: terms` beside an action.
pub(crate) fn with_loop(cx: &Cx<'_>, name: &str, terms: &Value, action: &str) -> Evaluated {
    let lookup = found(cx, name)?;
    if terms.is_unknown() {
        return Ok(terms.clone());
    }
    let terms = match terms.as_items() {
        Some(items) => items.to_vec(),
        None => vec![terms.clone()],
    };
    let folder = match action {
        action if action.contains("template") => "templates",
        action if action.contains("var") => "vars",
        _ => "files",
    };
    let given = Given { terms, options: Vec::new(), folder: Some(folder) };
    run(cx, lookup, name, &given).map(Value::list).map_err(|error| refused(error, name))
}
