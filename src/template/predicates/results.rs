//! What became of a task.

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::{TemplateError, Value};

pub(super) const TESTS: &[Builtin] = &[
    builtin("failed", "result", |_, given| flag(given, "failed")).moves(),
    builtin("failure", "result", |_, given| flag(given, "failed")).moves(),
    builtin("succeeded", "result", |_, given| not(flag(given, "failed")?)).moves(),
    builtin("success", "result", |_, given| not(flag(given, "failed")?)).moves(),
    builtin("successful", "result", |_, given| not(flag(given, "failed")?)).moves(),
    builtin("unreachable", "result", |_, given| flag(given, "unreachable")).moves(),
    builtin("reachable", "result", |_, given| not(flag(given, "unreachable")?)).moves(),
    builtin("skipped", "result", |_, given| flag(given, "skipped")).moves(),
    builtin("skip", "result", |_, given| flag(given, "skipped")).moves(),
    builtin("changed", "result", changed).moves(),
    builtin("change", "result", changed).moves(),
    builtin("finished", "result", |cx, given| asynchronous(cx, given, "finished")).moves(),
    builtin("started", "result", |cx, given| asynchronous(cx, given, "started")).moves(),
    builtin("timedout", "result", timed_out).moves(),
];

fn dictionary<'a>(given: &'a Given, test: &str) -> Result<&'a Value, TemplateError> {
    let result = given.value(0);
    if result.is_mapping() { Ok(result) } else { fail(format!("The '{test}' test expects a dictionary")) }
}

fn flag(given: &Given, name: &str) -> Result<Value, TemplateError> {
    let value = dictionary(given, name)?.get(name).cloned().unwrap_or_default();
    Ok(if value.is_unknown() { value } else { value.is_truthy().into() })
}

/// Returns the opposite of a flag; of what is unknown nothing is known.
fn not(flag: Value) -> Evaluated {
    Ok(if flag.is_unknown() { flag } else { (!flag.is_truthy()).into() })
}

fn changed(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let result = dictionary(given, "changed")?;
    if let Some(changed) = result.get("changed") {
        return Ok(if changed.is_unknown() { changed.clone() } else { changed.is_truthy().into() });
    }
    let results = result.get("results").and_then(Value::as_items).unwrap_or_default();
    let changed = |result: &Value| result.get("changed").is_some_and(Value::is_truthy);
    Ok((results.first().is_some_and(Value::is_mapping) && results.iter().any(changed)).into())
}

fn asynchronous(cx: &Cx<'_>, given: &Given, name: &str) -> Evaluated {
    if let Some(value) = dictionary(given, name)?.get(name) {
        return Ok(value.is_truthy().into());
    }
    cx.warn(format!("The '{name}' test expects an async task, but a non-async task was tested"));
    Ok(true.into())
}

fn timed_out(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let timed_out = dictionary(given, "timedout")?.get("timedout");
    Ok(timed_out.and_then(|timed_out| timed_out.get("period")).is_some_and(Value::is_truthy).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn results_tell_what_became_of_a_task() {
        give(&[
            ("{'failed': true} is failed", json!(true)),
            ("{'rc': 0} is succeeded", json!(true)),
            ("{'changed': true} is changed", json!(true)),
            ("{'results': [{'changed': false}, {'changed': true}]} is changed", json!(true)),
            ("{'skipped': true} is skipped", json!(true)),
            ("{'unreachable': true} is reachable", json!(false)),
            ("{'finished': 1} is finished", json!(true)),
            ("{'failed': true} | failed", json!(true)),
        ]);
    }

    #[test]
    fn what_is_no_result_is_refused() {
        refuse(&[
            (
                "s is failed",
                "The test plugin 'ansible.builtin.failed' failed: The 'failed' test expects a dictionary",
            ),
            (
                "s is changed",
                "The test plugin 'ansible.builtin.changed' failed: The 'changed' test expects a dictionary",
            ),
        ]);
    }
}
