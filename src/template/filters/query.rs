//! `json_query` of community.general, which many playbooks for AWS use.

use super::fail;
use crate::Value;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};

pub(super) const FILTERS: &[Builtin] =
    &[builtin("json_query", "data expr", json_query).of("community.general")];

fn json_query(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let text = given.text(1);
    let found = jmespath::compile(&text).and_then(|expression| expression.search(given.value(0).to_json()));
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            return fail(format!(
                "JMESPathError in json_query filter plugin:\n{error}\nHint: Check argument types"
            ));
        }
    };
    match serde_json::to_value(&*found) {
        Ok(json) => Ok(Value::from_json(json)),
        Err(error) => fail(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, render};

    #[test]
    fn queries_find_what_jmespath_finds() {
        give(&[
            ("d | json_query('c.d')", json!(3)),
            ("d | json_query('zz')", json!(null)),
            ("ld | json_query('[*].n')", json!(["x", "y", "z"])),
            ("ld | json_query('[?v > `1`].o.k')", json!([1, 3])),
            (r#"ld | json_query("[?g == 'p'] | [0].n")"#, json!("x")),
            ("ld | community.general.json_query('length(@)')", json!(3)),
            ("ld | json_query('[].{name: n}') | first", json!({"name": "x"})),
        ]);
    }

    #[test]
    fn a_query_that_cannot_be_read_is_refused() {
        let error = render("{{ d | json_query('[') }}").expect_err("it has no end");
        assert!(error.message.contains("JMESPathError in json_query filter plugin"), "{}", error.message);
    }
}
