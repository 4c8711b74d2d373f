//! What is at a path, on the machine that rplay runs on.

use crate::PathKind;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};

pub(super) const TESTS: &[Builtin] = &[
    builtin("file", "path", |cx, given| is(cx, given, PathKind::File)),
    builtin("is_file", "path", |cx, given| is(cx, given, PathKind::File)),
    builtin("directory", "path", |cx, given| is(cx, given, PathKind::Directory)),
    builtin("is_dir", "path", |cx, given| is(cx, given, PathKind::Directory)),
    builtin("link", "path", is_link),
    builtin("is_link", "path", is_link),
    builtin("exists", "path", |cx, given| Ok(cx.world().path_kind(&given.text(0), true).is_some().into())),
    builtin("link_exists", "path", |cx, given| {
        Ok(cx.world().path_kind(&given.text(0), false).is_some().into())
    }),
    builtin("abs", "path", |_, given| Ok(given.text(0).starts_with('/').into())),
    builtin("is_abs", "path", |_, given| Ok(given.text(0).starts_with('/').into())),
    builtin("same_file", "path other", same_file),
    builtin("is_same_file", "path other", same_file),
];

fn is(cx: &Cx<'_>, given: &Given, kind: PathKind) -> Evaluated {
    Ok((cx.world().path_kind(&given.text(0), true) == Some(kind)).into())
}

fn is_link(cx: &Cx<'_>, given: &Given) -> Evaluated {
    Ok((cx.world().path_kind(&given.text(0), false) == Some(PathKind::Link)).into())
}

fn same_file(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let real = |at: usize| cx.world().real_path(&crate::filters::absolute(cx, &given.text(at)));
    Ok((real(0) == real(1)).into())
}
