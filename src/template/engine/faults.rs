//! Where errors are told, what they come from, and what stands for them where something is only shown.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::testing::{engine, node, written};
use crate::{Found, Notice, Scope, ScopeClass, Value};

fn scope(variables: &Json) -> Arc<dyn Scope> {
    Arc::new(written(variables))
}

#[test]
fn what_a_call_refused_is_told_of_the_template_that_is_finished() {
    let variables =
        json!({"call": "{{ 'a' | log }}", "operator": "{{ 1 + 'a' }}", "function": "{{ range('a') }}"});
    for (template, place, message) in [
        (
            "{{ call }}",
            "{{ call }}",
            "The filter plugin 'ansible.builtin.log' failed: log() can only be used on numbers: must be real number, not str",
        ),
        (
            "{{ call ~ 1 }}",
            "{{ call ~ 1 }}",
            "The filter plugin 'ansible.builtin.log' failed: log() can only be used on numbers: must be real number, not str",
        ),
        (
            "{{ function }}",
            "{{ function }}",
            "Error rendering template: 'str' object cannot be interpreted as an integer",
        ),
        (
            "{{ operator }}",
            "{{ 1 + 'a' }}",
            "Error rendering template: unsupported operand type(s) for +: 'int' and 'str'",
        ),
    ] {
        let error = engine().render(&node(&json!(template)), &scope(&variables)).expect_err("it is refused");
        assert_eq!((error.template.as_deref(), error.message.as_str()), (Some(place), message));
    }
}

#[test]
fn what_a_macro_refuses_is_told_as_of_any_call() {
    let variables = scope(&json!({"inner": "{% macro m(a) %}{{ a + 1 }}{% endmacro %}{{ m('x') }}"}));
    let error = engine().render(&node(&json!("{{ inner }}")), &variables).expect_err("it is refused");
    assert_eq!(error.template.as_deref(), Some("{{ inner }}"));
    assert_eq!(error.message, "Error rendering template: can only concatenate str (not \"int\") to str");
}

#[test]
fn what_an_error_is_about_is_a_cause_of_its_own() {
    let refused = |template: &str| {
        let error = engine().render(&node(&json!(template)), &scope(&json!({}))).expect_err("it is refused");
        *error.cause.expect("it has a cause")
    };
    let cause = refused("{{ [{'a': 1}] | rekey_on_member('b') }}");
    assert_eq!(
        (cause.message.as_str(), cause.shown.as_deref()),
        ("Key 'b' was not found.", Some("{'a': 1}"))
    );
    let cause = refused("{{ 'x' | comment('y') }}");
    assert_eq!(cause.help.as_deref(), Some("Available styles: plain, erlang, c, cblock, xml"));
    let long = format!("{{{{ [{{'a': '{}'}}] | rekey_on_member('b') }}}}", "words ".repeat(40));
    let shown = refused(&long).shown.expect("it is shown");
    assert!(shown.ends_with("words [...]") && shown.len() <= 120, "{shown}");
}

#[test]
fn texts_stand_for_what_cannot_be_shown() {
    let variables =
        scope(&json!({"a": "/x/{{ no }}", "b": "{{ no }}", "c": "{{ 1 + 'a' }}", "l": ["{{ no }}", 2]}));
    let undefined = "error 1 - 'no' is undefined";
    for (template, expected) in [
        ("one {{ a }}", json!(format!("one /x/<< {undefined} >>"))),
        ("{{ b }}", json!(format!("<< {undefined} >>"))),
        ("{{ l }}", json!([format!("<< {undefined} >>"), 2])),
        ("{{ no | default('d') }} {{ no.x | upper }}", json!(format!("d << {undefined} >>"))),
        ("{{ no }} {{ no2 }}", json!(format!("<< {undefined} >> << error 2 - 'no2' is undefined >>"))),
        (
            "a{{ no ~ 1 }}b",
            json!(format!("a<< {undefined} >><< error 2 - template potentially truncated >>")),
        ),
        ("{{ 'a' | uper }}", json!("<< error 1 - Syntax error in template: No filter named 'uper'. >>")),
    ] {
        let shown = engine().render_shown(&node(&json!(template)), &variables).expect("it is shown");
        assert_eq!(shown.value.to_json(), expected, "{template}");
        let warns =
            matches!(shown.marks.notices.as_slice(), [Notice::Warning(told)] if told.contains(undefined));
        assert!(warns || template.contains("uper"), "{:?}", shown.marks.notices);
    }
    let evaluated = |text: &str| engine().evaluate_shown(&node(&json!(text)), &variables);
    let shown = evaluated("[a, 1]").expect("what is undefined is shown");
    assert_eq!(shown.value.to_json(), json!([format!("/x/<< {undefined} >>"), 1]));
    assert!(evaluated("c").is_err(), "what is wrong is not");
}

#[test]
fn what_a_loop_cannot_have_is_its_lookups_error_unless_one_template_gives_it() {
    let variables = scope(&json!({}));
    let refused = |terms: Json| engine().render_terms(&node(&terms), &variables).expect_err("it is refused");
    assert_eq!(refused(json!(["{{ 'a' | log }}"])).template.as_deref(), Some("invoke_lookup()"));
    assert_eq!(refused(json!("{{ 'a' | log }}")).template.as_deref(), Some("{{ 'a' | log }}"));
    assert_eq!(refused(json!(["{{ no }}"])).template.as_deref(), Some("{{ no }}"));
    let found = engine().lookup("together", &Value::list(Vec::new()), "debug", &variables);
    let error = found.expect_err("there is no list");
    assert_eq!(error.span.map(|span| span.file.to_string()), Some("<unknown>".to_owned()));
}

#[test]
fn hosts_and_their_variables_are_called_by_their_classes() {
    struct Hosts;
    impl Scope for Hosts {
        fn lookup(&self, name: &str) -> Option<Found> {
            (name == "hostvars").then(|| Found::Scope(Arc::new(Self)))
        }
        fn names(&self) -> Vec<String> {
            Vec::new()
        }
        fn class(&self) -> ScopeClass {
            ScopeClass::Hosts
        }
    }
    let scope: Arc<dyn Scope> = Arc::new(Hosts);
    let error = engine().render_str("{{ hostvars['b'].x }}", &scope).expect_err("there is no such host");
    assert_eq!(error.message, "hostvars['b']");
}

#[test]
fn what_is_wrong_in_a_file_is_not_the_fault_of_the_lookup_that_reads_it() {
    let file = |name: &str| format!("{{{{ lookup('template', '{name}') }}}}");
    let error = engine().render_str(&file("broken.j2"), &scope(&json!({}))).expect_err("it is broken");
    assert_eq!(error.message, "Error rendering template: unsupported operand type(s) for +: 'int' and 'str'");
    assert_eq!(error.span.map(|span| span.to_string()), Some("/play/broken.j2:0:0".to_owned()));
}

#[test]
fn a_condition_that_is_no_boolean_says_where_the_value_was_written() {
    let variables = scope(&json!({"s": "text", "nothing": null, "a": "{{ no }}"}));
    let refused = |text: &str| {
        let conditional =
            rplay_syntax::Node { span: rplay_event::Span::new("tasks.yml", 7, 9), ..node(&json!(text)) };
        engine().condition(&conditional, &variables).expect_err("it is no boolean")
    };
    let told = |text: &str| refused(text).message.split('\'').nth(3).map(str::to_owned);
    assert_eq!(told("s ~ 'x'").as_deref(), Some("tasks.yml:7:9"));
    assert_eq!(told("nothing").as_deref(), Some("<unknown>"));
    let of_variable = told("s").expect("a place");
    assert!(
        of_variable != "tasks.yml:7:9" && told("s is defined and s") == Some(of_variable.clone()),
        "{of_variable}"
    );
    let error = refused("a");
    assert_eq!(error.message, "Error while evaluating conditional: 'no' is undefined");
    let cause = error.cause.expect("what is undefined stands elsewhere");
    assert_eq!((cause.message.as_str(), cause.apart), ("'no' is undefined", false));
    assert_eq!(error.span.map(|span| span.line), Some(7));
}
