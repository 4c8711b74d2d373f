//! Lookups of files and of what commands print.

use std::sync::Arc;

use rplay_event::Span;

use super::options::{Options, boolean};
use super::{Given, Items, fail};
use crate::engine::{Mode, Overrides, TEMPLATE};
use crate::eval::{Cx, restore_newlines};
use crate::filters::absolute;
use crate::methods::split_lines;
use crate::overlay::{Overlay, Place};
use crate::{Found, PathKind, TemplateError, Value};

const TEMPLATE_OPTIONS: &[&str] = &[
    "template_vars",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "trim_blocks",
    "convert_data",
    "jinja2_native",
];

/// Returns the first file of that name along the search path: below `subfolder` of each folder, then in it.
pub(super) fn search(cx: &Cx<'_>, subfolder: &str, name: &str) -> Option<String> {
    let exists = |path: &String| cx.world().path_kind(path, true).is_some();
    let name = crate::filters::expand_user(cx, name);
    if name.starts_with('/') {
        return Some(absolute(cx, &name)).filter(exists);
    }
    let names_it = subfolder.is_empty() || name.split('/').next() == Some(subfolder);
    let below = |folder: &str| {
        let sub = (!names_it).then(|| format!("{folder}/{subfolder}/{name}"));
        sub.into_iter().chain([format!("{folder}/{name}")])
    };
    let mut candidates = Vec::new();
    for folder in cx.scope.search_path() {
        let folder = folder.trim_end_matches('/');
        // Files of tasks may lie in folders of their own below those of a role.
        let parent = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        if let Some(role) = parent.strip_suffix("/tasks") {
            candidates.extend(below(role).next());
            candidates.push(format!("{parent}/{name}"));
        }
        candidates.extend(below(folder));
    }
    candidates.iter().map(|path| absolute(cx, path)).find(exists)
}

/// Says so where there is no such file, as most lookups do before they fail.
pub(super) fn search_or_warn(cx: &Cx<'_>, subfolder: &str, name: &str) -> Option<String> {
    let found = search(cx, subfolder, name);
    if found.is_none() {
        cx.warn(format!("Unable to find '{name}' in expected paths (use -vvvvv to see paths)"));
    }
    found
}

fn contents(cx: &Cx<'_>, given: &Given, refused: impl Fn(&str) -> TemplateError) -> Items {
    let (strip_left, strip_right) = (given.flag("lstrip", false), given.flag("rstrip", true));
    let mut items = Vec::new();
    for term in &given.terms {
        let name = term.text();
        let path = search(cx, "files", &name).ok_or_else(|| refused(&name))?;
        let text = read_text(cx, &path)?;
        let text = if strip_left { text.trim_start() } else { &text };
        items.push(Value::from(if strip_right { text.trim_end() } else { text }));
    }
    Ok(items)
}

pub(super) fn file(cx: &Cx<'_>, given: &Given) -> Items {
    contents(cx, given, |name| {
        TemplateError::runtime(format!(
            "Unable to access the file '{name}': File not found. Use -vvvvv to see paths searched."
        ))
    })
}

/// The same as `file`, without touching the white space at its end.
pub(super) fn unvault(cx: &Cx<'_>, given: &Given) -> Items {
    let options = vec![("rstrip".into(), Value::from(false))];
    let given = Given { terms: given.terms.clone(), options, folder: None };
    contents(cx, &given, |name| TemplateError::runtime(format!("Unable to find file matching \"{name}\"")))
}

fn read_text(cx: &Cx<'_>, path: &str) -> Result<String, TemplateError> {
    let bytes = cx.world().read_file(path).map_err(TemplateError::runtime)?;
    String::from_utf8(bytes)
        .map_err(|_| TemplateError::runtime(format!("The file '{path}' is not UTF-8 text.")))
}

/// Reads a text in an encoding by Python's name.
pub(super) fn read_encoded(cx: &Cx<'_>, path: &str, encoding: Option<&str>) -> Result<String, TemplateError> {
    let bytes = cx.world().read_file(path).map_err(TemplateError::runtime)?;
    crate::filters::decoded(&bytes, encoding.unwrap_or("utf-8"))
}

fn output(cx: &Cx<'_>, command: &str) -> Result<String, TemplateError> {
    let folder = cx.scope.search_path().pop();
    cx.world().pipe(command, folder.as_deref()).map_err(TemplateError::runtime)
}

pub(super) fn pipe(cx: &Cx<'_>, given: &Given) -> Items {
    let run = |term: &Value| output(cx, &term.text()).map(|text| Value::from(text.trim_end()));
    given.terms.iter().map(run).collect()
}

pub(super) fn lines(cx: &Cx<'_>, given: &Given) -> Items {
    let mut lines = Vec::new();
    for term in &given.terms {
        let text = output(cx, &term.text()).map_err(|mut error| {
            if let Some(rest) = error.message.strip_prefix("lookup_plugin.pipe(") {
                error.message = format!("lookup_plugin.lines({rest}");
            }
            error
        })?;
        lines.extend(split_lines(&text, false));
    }
    Ok(lines)
}

/// Returns the files that a pattern of the shell fits, in their order.
pub(crate) fn glob_files(cx: &Cx<'_>, pattern: &str) -> Vec<String> {
    let (folder, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let shown = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let mut names = cx.world().list_folder(if folder.is_empty() { "." } else { folder }).unwrap_or_default();
    names.sort();
    let fits =
        |found: &String| fits_pattern(name, found) && (name.starts_with('.') || !found.starts_with('.'));
    let paths = names.iter().filter(|found| fits(found)).map(|found| shown(found));
    paths.filter(|path| cx.world().path_kind(path, true) == Some(PathKind::File)).collect()
}

/// Returns whether a name fits a pattern of `*`, `?` and `[...]`.
fn fits_pattern(pattern: &str, name: &str) -> bool {
    let mut regex = String::from(r"\A");
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' if chars.as_str().contains(']') => {
                regex.push('[');
                for inner in chars.by_ref() {
                    regex.push(if inner == '!' && regex.ends_with('[') { '^' } else { inner });
                    if inner == ']' {
                        break;
                    }
                }
            }
            _ if c.is_alphanumeric() || c == '_' => regex.push(c),
            _ => regex.extend(['\\', c]),
        }
    }
    regex.push_str(r"\z");
    fancy_regex::Regex::new(&regex).is_ok_and(|regex| regex.is_match(name).unwrap_or(false))
}

fn path_of(term: &Value) -> Result<String, TemplateError> {
    if term.is_text() {
        return Ok(term.text());
    }
    fail(format!("expected str, bytes or os.PathLike object, not {}", term.class_name()))
}

pub(super) fn fileglob(cx: &Cx<'_>, given: &Given) -> Items {
    let mut found = Vec::new();
    for term in &given.terms {
        let pattern = path_of(term)?;
        let (folder, name) = match pattern.rsplit_once('/') {
            Some((folder, name)) => (Some(folder), name),
            None => (None, &*pattern),
        };
        let folders: Vec<String> = if let Some(folder) = folder {
            search(cx, "files", folder).into_iter().collect()
        } else {
            let below = |folder: String| [format!("{folder}/files"), folder];
            cx.scope.search_path().into_iter().flat_map(below).collect()
        };
        let matches = folders.iter().map(|folder| glob_files(cx, &format!("{folder}/{name}")));
        found.extend(matches.into_iter().find(|paths| !paths.is_empty()).unwrap_or_default());
    }
    Ok(found.into_iter().map(Value::from).collect())
}

pub(super) fn first_found(cx: &Cx<'_>, given: &Given) -> Items {
    // Terms may be undefined, what is said beside them may not.
    if let Some((_, undefined)) = given.options.iter().find(|(_, value)| value.is_undefined()) {
        return Ok(vec![undefined.clone()]);
    }
    let mut wanted = Wanted { skip: given.flag("skip", false), names: Vec::new() };
    let paths = texts(given.option("paths"), ",:;");
    if given.terms.is_empty() {
        wanted.add(&texts(given.option("files"), ",;"), &paths);
    }
    for term in &given.terms {
        wanted.add_term(term, &paths)?;
    }
    for name in &wanted.names {
        if let Some(path) = search(cx, given.folder.unwrap_or(""), name) {
            return Ok(vec![path.into()]);
        }
    }
    if wanted.skip { Ok(Vec::new()) } else { fail("No file was found when using first_found.") }
}

struct Wanted {
    skip: bool,
    names: Vec<String>,
}

impl Wanted {
    fn add_term(&mut self, term: &Value, paths: &[String]) -> Result<(), TemplateError> {
        if let Some(items) = term.as_items() {
            return items.iter().try_for_each(|item| self.add_term(item, paths));
        }
        if term.is_mapping() {
            self.skip = term.get("skip").is_some_and(Value::is_truthy);
            self.add(&texts(term.get("files"), ",;"), &texts(term.get("paths"), ",:;"));
            return Ok(());
        }
        if term.is_undefined() {
            return Ok(());
        }
        if !term.is_text() {
            return fail(format!(
                "Invalid term supplied. A string, dict or list is required, not '{}').",
                term.type_name()
            ));
        }
        self.add(&texts(Some(term), ",;"), paths);
        Ok(())
    }

    fn add(&mut self, files: &[String], paths: &[String]) {
        if paths.is_empty() {
            self.names.extend_from_slice(files);
        }
        for path in paths {
            self.names.extend(files.iter().map(|file| format!("{}/{file}", path.trim_end_matches('/'))));
        }
    }
}

/// Returns one text or several, cut at the separators.
fn texts(value: Option<&Value>, separators: &str) -> Vec<String> {
    match value {
        None => Vec::new(),
        Some(value) => match value.as_items() {
            Some(items) => items.iter().flat_map(|item| texts(Some(item), separators)).collect(),
            None if value.is_none() || value.is_undefined() => Vec::new(),
            None => value.text().split(|c| separators.contains(c)).map(str::to_owned).collect(),
        },
    }
}

pub(super) fn template(cx: &Cx<'_>, given: &Given) -> Items {
    let options = Options::new("template", TEMPLATE_OPTIONS, given);
    if let Some(wrong) = options.value("template_vars").filter(|value| !value.is_mapping()) {
        return Err(options.invalid("template_vars", "dict", wrong));
    }
    let overrides = Arc::new(Overrides {
        variable_start_string: options.text("variable_start_string"),
        variable_end_string: options.text("variable_end_string"),
        comment_start_string: options.text("comment_start_string"),
        comment_end_string: options.text("comment_end_string"),
        trim_blocks: options.value("trim_blocks").map(boolean),
        ..Overrides::default()
    });
    given.terms.iter().map(|term| rendered(cx, &term.text(), &options, &overrides)).collect()
}

fn rendered(
    cx: &Cx<'_>,
    name: &str,
    options: &Options,
    overrides: &Arc<Overrides>,
) -> Result<Value, TemplateError> {
    let Some(path) = search_or_warn(cx, "templates", name) else {
        return fail(format!("the template file {name} could not be found for the lookup"));
    };
    let mut folders: Vec<String> =
        path.rsplit_once('/').map(|(folder, _)| folder.to_owned()).into_iter().collect();
    let beside = |folder: String| [format!("{folder}/templates"), folder];
    folders.extend(cx.scope.search_path().into_iter().flat_map(beside));
    let mut own = cx.file_variables(&Place { given: name, path: &path, dest: None });
    let further = options.value("template_vars").into_iter().flat_map(Value::entries);
    own.extend(further.map(|(key, value)| (Arc::from(key.text()), Found::Data(value.clone()))));
    let scope = cx.keep(Overlay::over(&cx.scope, own));
    let source: Arc<str> = read_text(cx, &path)?.into();
    let place = Some(Span::new(path.as_str(), 0, 0));
    // What is wrong in the file is the file's error, and not the lookup's.
    let failed = |error: TemplateError| Value::error(error.in_template(&source, place.as_ref()));
    let program = match cx.shared.compile(&source, &Mode::File(Arc::clone(overrides))) {
        Ok(program) => program,
        Err(error) => return Ok(failed(error.context("Syntax error in template"))),
    };
    let inner = Cx {
        run: Arc::default(),
        folders: Some(Arc::new(folders)),
        overrides: Arc::clone(overrides),
        source: Arc::clone(&program.source),
        span: place.clone(),
        ..cx.in_scope(&scope)
    };
    let value = cx.guarded(|| inner.program(&program));
    let value = value.unwrap_or_else(|error| failed(error.framed_by(TEMPLATE)));
    Ok(restore_newlines(&source, value, "\n"))
}
