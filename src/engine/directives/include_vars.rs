use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use rplay_syntax::{Data, Mapping, Node};
use rplay_template::{Found, Scope, Value};
use serde_json::{Map, Value as Json, json};

use crate::load::files::VarsFile;
use crate::run::{Ended, Runner, TaskRun};
use crate::scopes::{Written, merge_nodes, plain_node};

const KNOWN: [&str; 10] = [
    "_raw_params",
    "depth",
    "dir",
    "extensions",
    "file",
    "files_matching",
    "hash_behaviour",
    "ignore_files",
    "ignore_unknown_extensions",
    "name",
];

/// What was asked for, in Ansible's terms.
struct Wanted {
    name: Option<String>,
    extensions: Vec<String>,
    ignore: Vec<fancy_regex::Regex>,
    matching: Option<fancy_regex::Regex>,
    depth: usize,
    skip_unknown: bool,
}

/// Reads variables from a file or a folder. Source of the results: `ansible/plugins/action/include_vars.py`.
pub(super) fn run(
    runner: &Runner,
    task: &TaskRun<'_>,
    scope: &Arc<dyn Scope>,
    args: &IndexMap<String, Value>,
) -> Ended {
    if let Some(unknown) = args.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        let message = format!("Task failed: {unknown} is not a valid option in include_vars");
        return Ended { headline: Some(message.clone()), ..Ended::failed(message) };
    }
    let text = |name: &str| args.get(name).filter(|value| !value.is_none()).map(Value::text);
    let file =
        text("file").or_else(|| text("_raw_params").map(|name| name.trim_end_matches('\n').to_owned()));
    let wanted = match wanted(args) {
        Ok(wanted) => wanted,
        Err(message) => return Ended::failed(message),
    };
    let given = args.contains_key("file") || args.contains_key("_raw_params");
    if text("dir").is_some() && given {
        let message = "Task failed: You are mixing file only and dir only arguments, these are incompatible";
        return Ended { headline: Some(message.to_owned()), ..Ended::failed(message) };
    }
    let mut files = Vec::new();
    let read = match (text("dir"), file) {
        (Some(folder), _) => read_folder(runner, task, &folder, &wanted, &mut files),
        (None, Some(file)) => runner
            .needle(task, "vars", &file)
            .map_err(|failure| Unread::from(failure.message))
            .and_then(|path| {
                let file = read_file(runner, &path)?;
                files.push((path, file));
                Ok(())
            }),
        (None, None) => Err(Unread::from(
            "Could not find file on the Ansible Controller.\nIf you are using a module and expect the file to exist on \
             the remote, see the remote_src option"
                .to_owned(),
        )),
    };
    match read {
        Ok(()) => {
            let over =
                args.get("hash_behaviour").is_some_and(|value| value.text() == "merge").then_some(scope);
            included(files, wanted.name.as_deref(), &task.item.task.span, over)
        }
        Err(unread) => unread.ended(&files),
    }
}

/// Why variables could not be read.
struct Unread {
    message: String,
    /// It was about what is encrypted.
    secret: bool,
}

impl From<String> for Unread {
    fn from(message: String) -> Self {
        Self { message, secret: false }
    }
}

impl Unread {
    fn ended(self, files: &[(PathBuf, VarsFile)]) -> Ended {
        let mut ended = Ended::failed("");
        ended.result.shift_remove("msg");
        ended.set("message", self.message);
        ended.set("ansible_facts", json!({}));
        let paths: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
        ended.set("ansible_included_var_files", paths);
        ended.no_log = self.secret || files.iter().any(|(_, file)| file.encrypted);
        ended.headline_of_action();
        ended
    }
}

/// Reads the variables of a file; an empty one has none.
fn read_file(runner: &Runner, path: &Path) -> Result<VarsFile, Unread> {
    let reader = &runner.loader.reader;
    let read = reader.parsed(path).and_then(|(parsed, encrypted)| {
        let mapping = match &parsed.node.data {
            Data::Null => Mapping::default(),
            Data::Map(mapping) => mapping.as_ref().clone(),
            _ => return Ok(Err(encrypted)),
        };
        reader.vars_file(path, mapping, encrypted, parsed.warnings).map(Ok)
    });
    match read {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(secret)) => {
            let message = format!("{} must be stored as a dictionary/hash", path.display());
            Err(Unread { message, secret })
        }
        Err(fault) => Err(fault.to_string().into()),
    }
}

fn wanted(args: &IndexMap<String, Value>) -> Result<Wanted, String> {
    let list = |name: &str| -> Option<Vec<String>> {
        let value = args.get(name)?;
        match value.as_items() {
            Some(items) => Some(items.iter().map(Value::text).collect()),
            None => Some(value.text().split_whitespace().map(str::to_owned).collect()),
        }
    };
    let pattern =
        |text: &str| fancy_regex::Regex::new(text).map_err(|_| format!("Invalid regular expression: {text}"));
    let matching = args.get("files_matching").map(|value| pattern(&value.text())).transpose()?;
    let ignore: Result<Vec<_>, String> =
        list("ignore_files").unwrap_or_default().iter().map(|text| pattern(&format!("{text}$"))).collect();
    // A text is taken for the list of its characters.
    let extensions = match args.get("extensions") {
        Some(value) if value.as_items().is_none() => {
            Some(value.text().chars().map(|character| character.to_string()).collect())
        }
        _ => list("extensions"),
    };
    Ok(Wanted {
        name: args.get("name").map(Value::text),
        extensions: extensions.unwrap_or_else(|| vec!["yaml".into(), "yml".into(), "json".into()]),
        ignore: ignore?,
        matching,
        depth: args.get("depth").and_then(|value| value.text().parse().ok()).unwrap_or(0),
        skip_unknown: args.get("ignore_unknown_extensions").is_some_and(Value::is_truthy),
    })
}

fn read_folder(
    runner: &Runner,
    task: &TaskRun<'_>,
    folder: &str,
    wanted: &Wanted,
    files: &mut Vec<(PathBuf, VarsFile)>,
) -> Result<(), Unread> {
    let root = root(runner, task, folder);
    if !root.exists() {
        return Err(format!("{} directory does not exist", root.display()).into());
    }
    if !root.is_dir() {
        return Err(format!("{} is not a directory", root.display()).into());
    }
    let mut paths = Vec::new();
    walk(&root, 1, wanted.depth, &mut paths)
        .map_err(|error| format!("could not read {}: {error}", root.display()))?;
    for path in paths {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is = |pattern: &fancy_regex::Regex| pattern.is_match(&name).unwrap_or(false);
        if wanted.matching.as_ref().is_some_and(|pattern| !is(pattern)) || wanted.ignore.iter().any(is) {
            continue;
        }
        let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned()).unwrap_or_default();
        if !wanted.extensions.contains(&ending) {
            if wanted.skip_unknown {
                continue;
            }
            return Err(format!(
                "{} does not have a valid extension: {}",
                path.display(),
                wanted.extensions.join(", ")
            )
            .into());
        }
        let vars = read_file(runner, &path)?;
        files.push((path, vars));
    }
    Ok(())
}

/// Returns where a folder lies: in the variables of the role, else beside the file of the task.
fn root(runner: &Runner, task: &TaskRun<'_>, folder: &str) -> PathBuf {
    let Some(role) = &task.item.context.role else {
        let file = Path::new(task.item.task.span.file.as_ref());
        return file.parent().unwrap_or(Path::new(".")).join(folder);
    };
    let home = Path::new(&role.definition.path);
    if folder.split('/').next() != Some("vars") {
        return home.join("vars").join(folder);
    }
    let inside = home.join(folder);
    if inside.exists() { inside } else { runner.settings.folder.join(folder) }
}

/// Folders in the order of their paths, files by name, as Ansible reads them.
fn walk(folder: &Path, depth: usize, deepest: usize, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    entries.sort();
    paths.extend(entries.iter().filter(|path| path.is_file()).cloned());
    if deepest == 0 || depth < deepest {
        for inner in entries.iter().filter(|path| path.is_dir()) {
            walk(inner, depth + 1, deepest, paths)?;
        }
    }
    Ok(())
}

/// `known` is what variables are merged into; without it they replace those of their names.
fn included(
    files: Vec<(PathBuf, VarsFile)>,
    name: Option<&str>,
    span: &rplay_event::Span,
    known: Option<&Arc<dyn Scope>>,
) -> Ended {
    let mut ended = Ended::default();
    let mut all = Mapping::default();
    let mut paths = Vec::new();
    let mut secret = false;
    for (path, file) in files {
        paths.push(path.display().to_string());
        ended.no_log |= file.encrypted;
        secret |= file.written.secret;
        file.mapping.iter().for_each(|(key, value)| all.set(key.clone(), value.clone()));
    }
    if let Some(name) = name {
        let whole = Node::map(all, span);
        all = Mapping::default();
        all.set(Node::text(name, span), whole);
    }
    if let Some(known) = known {
        all = all.iter().map(|(key, value)| (key.clone(), merged(known, key, value))).collect();
    }
    let facts: Map<String, Json> =
        all.iter().map(|(key, value)| (key.key_text().into_owned(), value.to_json())).collect();
    ended.included.push(Arc::new(Written::new(&all, secret)));
    ended.set("changed", false);
    ended.set("failed", false);
    ended.set("ansible_facts", Json::Object(facts));
    ended.set("ansible_included_var_files", paths);
    ended
}

/// Returns a variable merged into what has its name.
fn merged(known: &Arc<dyn Scope>, key: &Node, value: &Node) -> Node {
    match known.lookup(&key.key_text()) {
        Some(Found::Written(below)) => merge_nodes(&below, value),
        Some(Found::Data(below)) => merge_nodes(&plain_node(&below, &value.span), value),
        Some(Found::Scope(_)) | None => value.clone(),
    }
}
