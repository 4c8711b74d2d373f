//! Answers templates on standard input, a line of JSON each, after a first line of variables.
//!
//! `scripts/compare-templates` runs it beside ansible-core.

use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;

use rplay_event::Span;
use rplay_syntax::{Data, Mapping, Node, Origin, Text};
use rplay_template::{Engine, FileStamp, Found, Now, PathKind, Scope, Settings, Unfetched, World};
use serde_json::Value as Json;

/// The real files, and nothing else.
struct Files;

impl World for Files {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|error| error.to_string())
    }

    fn write_private(&self, path: &str, _text: &str) -> Result<(), String> {
        Err(format!("{path} is not to be written"))
    }

    fn path_kind(&self, path: &str, follow: bool) -> Option<PathKind> {
        let found = if follow { std::fs::metadata(path) } else { std::fs::symlink_metadata(path) }.ok()?;
        Some(match found.file_type() {
            kind if kind.is_file() => PathKind::File,
            kind if kind.is_dir() => PathKind::Directory,
            kind if kind.is_symlink() => PathKind::Link,
            _ => PathKind::Other,
        })
    }

    fn list_folder(&self, path: &str) -> Result<Vec<String>, String> {
        let entries = std::fs::read_dir(path).map_err(|error| error.to_string())?;
        Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
    }

    fn real_path(&self, path: &str) -> String {
        std::fs::canonicalize(path).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
    }

    fn current_folder(&self) -> String {
        std::env::current_dir().map(|folder| folder.display().to_string()).unwrap_or_default()
    }

    fn home(&self, _user: Option<&str>) -> Option<String> {
        None
    }

    fn file_stamp(&self, _path: &str) -> Option<FileStamp> {
        None
    }

    fn host_name(&self) -> String {
        "here".into()
    }

    fn setting(&self, _name: &str, _plugin: Option<(&str, &str)>) -> Option<(serde_json::Value, String)> {
        None
    }

    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    fn pipe(&self, command: &str, _folder: Option<&str>) -> Result<String, String> {
        Err(format!("{command} is not to be run"))
    }

    fn fetch(&self, _args: serde_json::Value) -> Result<String, Unfetched> {
        Err(Unfetched { status: -1, message: "there is no network".into() })
    }

    fn open_vault(&self, _envelope: &str) -> Result<String, String> {
        Err("there is no password".into())
    }

    fn open_vault_with(&self, envelope: &str, _password: &str) -> Result<String, String> {
        Err(format!("{envelope} is not to be opened"))
    }

    fn seal_vault(&self, plain: &str, _: &str, _: Option<&str>, _: &str) -> Result<String, String> {
        Err(format!("{plain} is not to be sealed"))
    }

    fn is_vault_file(&self, path: &str) -> Result<bool, String> {
        Err(format!("{path} is not to be read"))
    }

    fn now(&self) -> Now {
        Now { unix_seconds: 0, nanoseconds: 0, utc_offset_seconds: 0 }
    }

    fn random(&self) -> u64 {
        0
    }
}

struct Variables(serde_json::Map<String, Json>);

impl Scope for Variables {
    fn lookup(&self, name: &str) -> Option<Found> {
        self.0.get(name).map(|value| Found::Written(node(value)))
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

fn node(json: &Json) -> Node {
    let data = match json {
        Json::Null => Data::Null,
        Json::Bool(yes) => Data::Bool(*yes),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Data::Int(number),
            None if number.is_u64() => Data::BigInt(number.to_string().as_str().into()),
            None => Data::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Data::Text(Text { text: text.as_str().into(), origin: Origin::Template }),
        Json::Array(items) => Data::Seq(items.iter().map(node).collect::<Vec<_>>().into()),
        Json::Object(entries) => {
            let key = |key: &String| node(&Json::String(key.clone()));
            let entries = entries.iter().map(|(name, value)| (key(name), node(value))).collect();
            Data::Map(Arc::new(Mapping { entries }))
        }
    };
    Node { data, span: Span::new("expressions", 1, 1) }
}

fn main() -> io::Result<()> {
    let mut lines = io::stdin().lock().lines();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let first = lines.next().transpose()?.unwrap_or_default();
    let variables: serde_json::Map<String, Json> = serde_json::from_str(&first)?;
    let scope: Arc<dyn Scope> = Arc::new(Variables(variables));
    let engine = Engine::new(Settings::default(), Arc::new(Files));
    for line in lines {
        let template: Json = serde_json::from_str(&line?)?;
        let answer = match engine.render(&node(&template), &scope) {
            Ok(rendered) => serde_json::json!({ "value": rendered.value.repr() }),
            Err(error) => serde_json::json!({ "error": error.message }),
        };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}
