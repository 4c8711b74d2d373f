//! The programs that unpack.

use rplay_module::{Child, Cx, Result};
use serde_json::{Value, json};

/// How a program ended, with what it was called with.
pub(super) struct Ran {
    pub(super) argv: Vec<String>,
    pub(super) rc: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Ran {
    /// Returns it as results have it.
    pub(super) fn shown(&self) -> Value {
        json!({ "cmd": self.argv, "rc": self.rc, "out": self.out, "err": self.err })
    }
}

/// Runs a program in a folder, with messages in no language but C's.
pub(super) async fn run(cx: &Cx, argv: Vec<String>, folder: Option<&str>) -> Result<Ran> {
    let env =
        ["LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE"].map(|name| (name.to_owned(), "C.UTF-8".to_owned()));
    let child =
        Child { argv: argv.clone(), folder: folder.map(Into::into), env: env.to_vec(), ..Child::default() };
    let exit = cx.spawn(child).await?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ran { argv, rc: exit.rc, out: text(&exit.stdout), err: text(&exit.stderr) })
}

/// Finds a program where programs are looked for, and where those of the system are.
pub(super) fn program(cx: &Cx, name: &str) -> Option<String> {
    let path = cx.env("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/sbin", "/usr/sbin", "/usr/local/sbin"])
        .filter(|folder| !folder.is_empty())
        .map(|folder| format!("{folder}/{name}"))
        .find(|path| rustix::fs::access(path.as_str(), rustix::fs::Access::EXEC_OK).is_ok())
}
