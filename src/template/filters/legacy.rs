//! Tests that were filters once: `result|failed`.

use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Args, Cx, Evaluated};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("failed", "result", |cx, given| as_test(cx, given, "failed")),
    builtin("success", "result", |cx, given| as_test(cx, given, "success")),
    builtin("succeeded", "result", |cx, given| as_test(cx, given, "succeeded")),
    builtin("changed", "result", |cx, given| as_test(cx, given, "changed")),
    builtin("skipped", "result", |cx, given| as_test(cx, given, "skipped")),
    builtin("version_compare", "value version operator= strict=", |cx, given| as_test(cx, given, "version")),
    builtin("match", "value pattern ignorecase= multiline=", |cx, given| as_test(cx, given, "match")),
    builtin("search", "value pattern ignorecase= multiline=", |cx, given| as_test(cx, given, "search")),
];

fn as_test(cx: &Cx<'_>, given: &Given, name: &str) -> Evaluated {
    cx.deprecate(format!(
        "Using tests as filters is deprecated. Instead of using `result|{name}` use `result is {name}`."
    ));
    let args = (0..4).map_while(|at| given.given(at).cloned()).collect();
    cx.test_named(name, Args::of(args))
}
