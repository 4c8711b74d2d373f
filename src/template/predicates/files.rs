//! What is at a path, on the machine that rplay runs on.

use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::{PathKind, TemplateError, Value};

pub(super) const TESTS: &[Builtin] = &[
    builtin("file", "path", |cx, given| is(cx, given, PathKind::File)),
    builtin("is_file", "path", |cx, given| is(cx, given, PathKind::File)),
    builtin("directory", "path", |cx, given| is(cx, given, PathKind::Directory)),
    builtin("is_dir", "path", |cx, given| is(cx, given, PathKind::Directory)),
    builtin("link", "path", is_link),
    builtin("is_link", "path", is_link),
    builtin("exists", "path", |cx, given| {
        Ok(cx.world().path_kind(&path(given, "stat")?, true).is_some().into())
    }),
    builtin("link_exists", "path", |cx, given| {
        Ok(cx.world().path_kind(&path(given, "lstat")?, false).is_some().into())
    }),
    builtin("abs", "path", |_, given| Ok(plain_path(given)?.starts_with('/').into())),
    builtin("is_abs", "path", |_, given| Ok(plain_path(given)?.starts_with('/').into())),
    builtin("mount", "path", is_mount),
    builtin("is_mount", "path", is_mount),
    builtin("vaulted_file", "path", |cx, given| {
        let path = given.text(0);
        cx.world().is_vault_file(&path).map(Value::from).map_err(|why| {
            let quoted = Value::from(&*path).repr();
            let why = why.replace(&quoted, &format!("b{quoted}"));
            TemplateError::runtime(format!("Cannot test if the file {quoted} is a vault: {why}"))
        })
    }),
    builtin("same_file", "path other", same_file),
    builtin("is_same_file", "path other", same_file),
];

/// Returns a path for the system call that Python makes, for which a number is an open file.
fn path(given: &Given, call: &str) -> Result<String, TemplateError> {
    let value = given.value(0);
    if value.is_text() {
        return Ok(value.text());
    }
    if let (true, Some(number)) = (call == "stat", value.as_int()) {
        return Ok(format!("/proc/self/fd/{number}"));
    }
    let integer = if call == "stat" { ", os.PathLike or integer" } else { " or os.PathLike" };
    super::fail(format!("{call}: path should be string, bytes{integer}, not {}", value.type_name()))
}

fn plain_path(given: &Given) -> Result<&str, TemplateError> {
    let value = given.value(0);
    value.as_str().ok_or_else(|| {
        let kind = value.type_name();
        TemplateError::runtime(format!("expected str, bytes or os.PathLike object, not {kind}"))
    })
}

fn is(cx: &Cx<'_>, given: &Given, kind: PathKind) -> Evaluated {
    Ok((cx.world().path_kind(&path(given, "stat")?, true) == Some(kind)).into())
}

fn is_link(cx: &Cx<'_>, given: &Given) -> Evaluated {
    Ok((cx.world().path_kind(&path(given, "lstat")?, false) == Some(PathKind::Link)).into())
}

/// Where the kernel lists what is mounted.
const MOUNTS: &str = "/proc/self/mounts";

fn is_mount(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let path = crate::filters::absolute(cx, &given.text(0));
    let is_link = cx.world().path_kind(&path, false) == Some(PathKind::Link);
    if is_link || cx.world().path_kind(&path, true).is_none() {
        return Ok(false.into());
    }
    let mounts = cx.world().read_file(MOUNTS).unwrap_or_default();
    let mounts = String::from_utf8_lossy(&mounts);
    let real = cx.world().real_path(&path);
    let place = |line: &str| line.split(' ').nth(1).map(|place| place.replace("\\040", " "));
    Ok(mounts.lines().filter_map(place).any(|place| place == real).into())
}

fn same_file(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let real = |at: usize| {
        let (path, shown) = (crate::filters::absolute(cx, &given.text(at)), given.value(at).repr());
        let missing = || TemplateError::runtime(format!("[Errno 2] No such file or directory: {shown}"));
        cx.world().path_kind(&path, true).ok_or_else(missing).map(|_| cx.world().real_path(&path))
    };
    Ok((real(0)? == real(1)?).into())
}
