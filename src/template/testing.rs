//! A world and variables for this crate's tests.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use rplay_event::Span;
use rplay_syntax::{Data, Mapping, Node, Origin, Text};
use serde_json::{Value as Json, json};

use crate::{
    Engine, FileStamp, Found, Now, PathKind, Scope, Settings, TemplateError, Unfetched, Value, World,
};

/// A world of three files, where time stands still and dice show the same face.
pub(crate) struct Still;

const FILES: [(&str, &str); 12] = [
    ("/play/files/motd", "  welcome \n\n"),
    ("/play/files/other.txt", "x"),
    ("/play/files/password", "kept salt=saltsalt\n"),
    ("/play/files/elements.csv", "name,number,mass\nLi,3,\"6,94 u\"\nBe,4,9\n"),
    (
        "/play/files/some.ini",
        "[DEFAULT]\nurl = x\n[a]\n; the user\nuser=me\nhome: /home/%(user)s 100%%\nmore = one\n  two\n",
    ),
    ("/play/files/some.properties", "a.b=c d\n"),
    ("/play/files/twice.properties", "a=1\na=2\n"),
    (
        "/play/templates/greeting.j2",
        "Hello {{ name | default('you') }}\\n!\n{% for i in l %}\n- {{ i }}\n{% endfor %}\n",
    ),
    ("/play/part.j2", "n={{ n | default('none') }} {{ here | default('-') }}\n"),
    ("/play/base.j2", "a\n{% block body %}base {{ n }}{% endblock %}\nz\n"),
    ("/play/broken.j2", "{{ 1 + 'a' }}\n"),
    (
        "/play/macros.j2",
        "{% macro box(x) %}[{{ x }}{{ n | default('') }}]{% endmacro %}\n{% set size = 3 %}\n",
    ),
];

thread_local! {
    static CONCEALED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Returns what templates have concealed since it was asked last.
pub(crate) fn concealed() -> Vec<String> {
    CONCEALED.take()
}

impl World for Still {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        let file = FILES.iter().find(|(name, _)| *name == path);
        file.map(|(_, text)| text.as_bytes().to_vec()).ok_or_else(|| format!("no file {path}"))
    }

    fn write_private(&self, path: &str, _text: &str) -> Result<(), String> {
        Err(format!("{path} cannot be written"))
    }

    fn path_kind(&self, path: &str, _follow: bool) -> Option<PathKind> {
        let is_file = FILES.iter().any(|(name, _)| *name == path);
        let is_folder = FILES.iter().any(|(name, _)| name.starts_with(&format!("{path}/")));
        if is_file { Some(PathKind::File) } else { is_folder.then_some(PathKind::Directory) }
    }

    fn list_folder(&self, path: &str) -> Result<Vec<String>, String> {
        let inside = |name: &str| name.strip_prefix(&format!("{path}/")).map(str::to_owned);
        Ok(FILES.iter().filter_map(|(name, _)| inside(name)).filter(|name| !name.contains('/')).collect())
    }

    fn real_path(&self, path: &str) -> String {
        path.to_owned()
    }

    fn current_folder(&self) -> String {
        "/play".into()
    }

    fn home(&self, user: Option<&str>) -> Option<String> {
        Some(format!("/home/{}", user.unwrap_or("me")))
    }

    fn file_stamp(&self, _path: &str) -> Option<FileStamp> {
        Some(FileStamp { modified: 1_600_000_000, nanoseconds: 0, owner: "me".into() })
    }

    fn host_name(&self) -> String {
        "here".into()
    }

    fn setting(&self, name: &str, _plugin: Option<(&str, &str)>) -> Option<(serde_json::Value, String)> {
        (name == "COLOR_OK").then(|| (json!("green"), "default".into()))
    }

    fn env(&self, name: &str) -> Option<String> {
        (name == "SHELL").then(|| "/bin/sh".into())
    }

    fn pipe(&self, command: &str, _folder: Option<&str>) -> Result<String, String> {
        Ok(format!("ran {command}\n"))
    }

    fn fetch(&self, args: serde_json::Value) -> Result<String, Unfetched> {
        if args["url"] == "http://here/page" {
            return Ok("one\ntwo\n".into());
        }
        Err(Unfetched { status: 404, message: "HTTP Error 404: Not Found".into() })
    }

    fn open_vault(&self, envelope: &str) -> Result<String, String> {
        envelope.strip_prefix("sealed:").map(str::to_owned).ok_or_else(|| "Decryption failed".into())
    }

    fn open_vault_with(&self, envelope: &str, _password: &str) -> Result<String, String> {
        envelope.strip_prefix("$ANSIBLE_VAULT:").map(str::to_owned).ok_or_else(|| "Decryption failed".into())
    }

    fn seal_vault(&self, plain: &str, _: &str, _: Option<&str>, _: &str) -> Result<String, String> {
        Ok(format!("$ANSIBLE_VAULT:{plain}"))
    }

    fn is_vault_file(&self, path: &str) -> Result<bool, String> {
        Ok(path.contains("/vaults/"))
    }

    fn now(&self) -> Now {
        Now { unix_seconds: 1_700_000_000, nanoseconds: 123_456_789, utc_offset_seconds: 3600 }
    }

    fn is_secret(&self, text: &str) -> bool {
        text.starts_with("S3cr3t")
    }

    fn conceal(&self, text: &str) {
        CONCEALED.with_borrow_mut(|concealed| concealed.push(text.to_owned()));
    }

    fn random(&self) -> u64 {
        0x4444_4444_4444_4444
    }
}

/// Variables, some of them results.
#[derive(Default)]
pub(crate) struct Variables {
    pub(crate) found: HashMap<String, Found>,
    pub(crate) secret: Vec<String>,
}

impl Scope for Variables {
    fn lookup(&self, name: &str) -> Option<Found> {
        self.found.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.found.keys().cloned().collect();
        names.sort();
        names
    }

    fn is_secret(&self, name: &str) -> bool {
        self.secret.iter().any(|secret| secret == name)
    }

    fn search_path(&self) -> Vec<String> {
        vec!["/play".into()]
    }
}

/// Returns variables that the user wrote.
pub(crate) fn written(variables: &Json) -> Variables {
    let entries = variables.as_object().into_iter().flatten();
    let found = entries.map(|(name, value)| (name.clone(), Found::Written(node(value)))).collect();
    Variables { found, secret: Vec::new() }
}

/// Returns a node as if the JSON stood in a playbook; a text that begins with `sealed:` is a vault string.
pub(crate) fn node(json: &Json) -> Node {
    let data = match json {
        Json::Null => Data::Null,
        Json::Bool(yes) => Data::Bool(*yes),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Data::Int(number),
            None if number.is_u64() => Data::BigInt(number.to_string().as_str().into()),
            None => Data::Float(number.as_f64().unwrap()),
        },
        Json::String(text) => {
            let origin = if text.starts_with("sealed:") { Origin::Vault } else { Origin::Template };
            Data::Text(Text { text: text.as_str().into(), origin })
        }
        Json::Array(items) => Data::Seq(items.iter().map(node).collect::<Vec<_>>().into()),
        Json::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| (node(&json!(key)), node(value))).collect();
            Data::Map(Arc::new(Mapping { entries }))
        }
    };
    Node { data, span: Span::new("play.yml", 3, 7) }
}

pub(crate) fn engine() -> Engine {
    Engine::new(Settings::default(), Arc::new(Still))
}

/// The variables that the tables of cases use.
pub(crate) fn examples() -> Json {
    json!({
        "n": 5, "f": 2.5, "s": "hello", "e": "", "t": true, "none": null,
        "l": [3, 1, 2], "ls": ["b", "A", "c", "a"], "ll": [[1, 2], [3, [4, null]], 5],
        "d": {"b": 1, "a": 2, "c": {"d": 3}},
        "ld": [
            {"n": "x", "v": 2, "g": "p", "o": {"k": 1}},
            {"n": "y", "v": 1, "g": "q", "o": {"k": 2}},
            {"n": "z", "v": 3, "g": "p", "o": {"k": 3}},
        ],
        "lines": "one\ntwo\n\nfour",
        "indirect": "{{ n }}-{{ s }}", "deep": {"x": "{{ n + 1 }}", "y": ["{{ s }}"]},
    })
}

/// Renders a template with the example variables.
pub(crate) fn render(template: &str) -> Result<Value, TemplateError> {
    let scope: Arc<dyn Scope> = Arc::new(written(&examples()));
    engine().render(&node(&json!(template)), &scope).map(|rendered| rendered.value)
}

/// Checks expressions against what they give.
pub(crate) fn give(cases: &[(&str, Json)]) {
    for (expression, expected) in cases {
        match render(&format!("{{{{ {expression} }}}}")) {
            Ok(value) => assert_eq!(value.to_json(), *expected, "{expression}"),
            Err(error) => panic!("{expression}: {error}"),
        }
    }
}

/// Checks templates against the texts they give.
pub(crate) fn print(cases: &[(&str, &str)]) {
    for (template, expected) in cases {
        match render(template) {
            Ok(value) => assert_eq!(value.to_json(), json!(expected), "{template}"),
            Err(error) => panic!("{template}: {error}"),
        }
    }
}

/// Checks expressions against the messages they fail with.
pub(crate) fn refuse(cases: &[(&str, &str)]) {
    for (expression, message) in cases {
        match render(&format!("{{{{ {expression} }}}}")) {
            Ok(value) => panic!("{expression} gives {value}"),
            Err(error) => assert_eq!(error.message, *message, "{expression}"),
        }
    }
}
