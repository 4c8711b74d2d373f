#![no_main]
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use rplay_template::{Engine, FileStamp, Found, Now, PathKind, Scope, Settings, Unfetched, Value, World};

/// There is nothing outside.
struct Nothing;

impl World for Nothing {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("no file {path}"))
    }

    fn write_private(&self, path: &str, _text: &str) -> Result<(), String> {
        Err(format!("no file {path}"))
    }

    fn path_kind(&self, _path: &str, _follow: bool) -> Option<PathKind> {
        None
    }

    fn list_folder(&self, path: &str) -> Result<Vec<String>, String> {
        Err(format!("no folder {path}"))
    }

    fn real_path(&self, path: &str) -> String {
        path.to_owned()
    }

    fn current_folder(&self) -> String {
        "/".to_owned()
    }

    fn home(&self, _user: Option<&str>) -> Option<String> {
        None
    }

    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    fn pipe(&self, _command: &str, _folder: Option<&str>) -> Result<String, String> {
        Err("no command".to_owned())
    }

    fn open_vault(&self, _envelope: &str) -> Result<String, String> {
        Err("no vault".to_owned())
    }

    fn open_vault_with(&self, _envelope: &str, _password: &str) -> Result<String, String> {
        Err("no vault".to_owned())
    }

    fn seal_vault(&self, _: &str, _: &str, _: Option<&str>, _: &str) -> Result<String, String> {
        Err("no vault".to_owned())
    }

    fn is_vault_file(&self, path: &str) -> Result<bool, String> {
        Err(format!("no file {path}"))
    }

    fn file_stamp(&self, _path: &str) -> Option<FileStamp> {
        None
    }

    fn host_name(&self) -> String {
        "here".to_owned()
    }

    fn setting(&self, _: &str, _: Option<(&str, &str)>) -> Option<(serde_json::Value, String)> {
        None
    }

    fn fetch(&self, _args: serde_json::Value) -> Result<String, Unfetched> {
        Err(Unfetched { status: -1, message: "no network".to_owned() })
    }

    fn now(&self) -> Now {
        Now { unix_seconds: 1_700_000_000, nanoseconds: 0, utc_offset_seconds: 0 }
    }

    fn random(&self) -> u64 {
        7
    }
}

/// A few variables; one is a template itself, and asks for itself.
struct Few;

impl Scope for Few {
    fn lookup(&self, name: &str) -> Option<Found> {
        let written = |text: &str| rplay_syntax::parse("f", text).ok().map(|parsed| Found::Written(parsed.node));
        match name {
            "s" => Some(Found::Data(Value::from("text é"))),
            "n" => Some(Found::Data(Value::from(-7_i64))),
            "l" => written("[1, b, {c: 2.5}, [null, true], \"{{ n }}\"]"),
            "d" => written("{a: 1, b: {c: [x, y]}, t: \"{{ d.a }}\"}"),
            "r" => written("\"{{ r }}\""),
            _ => None,
        }
    }

    fn names(&self) -> Vec<String> {
        ["d", "l", "n", "r", "s"].map(str::to_owned).to_vec()
    }
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(Settings::default(), Arc::new(Nothing)));

fuzz_target!(|text: &str| {
    let scope: Arc<dyn Scope> = Arc::new(Few);
    let _ = ENGINE.render_str(text, &scope);
    let _ = ENGINE.evaluate_str(text, &scope);
});
