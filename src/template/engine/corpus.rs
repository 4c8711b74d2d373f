//! Expressions with what ansible-core made of them; `scripts/compare-templates --corpus` writes them.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::Scope;
use crate::testing::{engine, node, written};

const CORPUS: &str = include_str!("corpus.json");

#[test]
fn expressions_have_the_values_that_ansible_gives_them() {
    let corpus: Json = serde_json::from_str(CORPUS).expect("the corpus is JSON");
    let scope: Arc<dyn Scope> = Arc::new(written(&corpus["variables"]));
    let engine = engine();
    let mut wrong = Vec::new();
    for case in corpus["cases"].as_array().expect("a list") {
        let expression = case[0].as_str().expect("a text");
        let template = json!(format!("{{{{ {expression} }}}}"));
        let got = engine.render(&node(&template), &scope).map(|rendered| rendered.value.repr());
        let same = match (&case[1], &got) {
            (Json::Null, got) => got.is_err(),
            (wanted, Ok(got)) => wanted.as_str() == Some(got),
            (_, Err(_)) => false,
        };
        if !same {
            wrong.push(format!("{expression}: {got:?} instead of {}", case[1]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
