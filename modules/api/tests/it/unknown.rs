//! Values that are not known yet: markers in a plan, templates before they are rendered.

use rplay_module::Params;
use rplay_module::params::{FaultKind, Json, check, message, parse};
use rplay_module::unknown::{Cause, marker};
use serde_json::json;

use crate::params::{FirewallRule, Gone, Presence, Thing, read};

#[test]
fn unknown_text_is_carried_and_anything_else_unknown_counts_as_omitted() {
    let unknown = marker(Cause::Created, "vpc app, west: id");
    let parsed = parse::<Thing>(&json!({
        "name": "a", "kind": format!("x-{unknown}"), "words": format!("a,{unknown}"), "policy": { "a": [unknown.as_str()] },
        "tags": { "vpc": unknown.as_str() }, "state": unknown.as_str(), "size": unknown.as_str(), "ports": [1, unknown.as_str()],
        "modes": ["absent", unknown.as_str()], "rules": [{ "from_port": 1, "cidrs": [unknown.as_str()] }], "enabled": unknown.as_str(),
    }))
    .unwrap();
    let thing = parsed.params;
    assert_eq!(thing.sort, Some(format!("x-{unknown}")));
    assert_eq!(thing.words, Some(vec!["a".to_owned(), unknown.clone()]));
    assert_eq!(thing.policy, Some(Json(json!({ "a": [unknown.as_str()] }))));
    assert_eq!(thing.tags.unwrap()["vpc"], unknown);
    assert_eq!(thing.rules.unwrap()[0].cidrs, Some(vec![unknown.clone()]));
    assert_eq!(
        (thing.state, thing.size, thing.ports, thing.modes, thing.enabled),
        (Presence::Absent, None, None, None, false)
    );
    assert_eq!(
        parsed.unknown,
        [
            "state",
            "size",
            "kind",
            "enabled",
            "tags.vpc",
            "ports[1]",
            "words",
            "policy",
            "modes[1]",
            "rules[0].cidrs[0]"
        ]
    );
    assert_eq!(parsed.unknown_identity, None);
}

#[test]
fn an_unknown_identity_is_handed_out() {
    let unknown = marker(Cause::Open, "command: stdout");
    let parsed = parse::<Thing>(&json!({ "title": format!("app-{unknown}") })).unwrap();
    assert_eq!(parsed.unknown_identity, Some(format!("app-{unknown}")));
    assert_eq!(parsed.unknown, ["title"]);
}

#[test]
fn an_unknown_counts_as_given_and_no_rule_is_applied_to_it() {
    let unknown = marker(Cause::Created, "x: id");
    read(&json!({ "name": unknown.as_str(), "id": "b", "kind": "c", "state": unknown.as_str() }));
    read(&json!({ "name": "a", "state": "present", "size": unknown.as_str(), "kind": unknown.as_str() }));
}

#[test]
fn an_unknown_sub_option_that_must_be_there_makes_the_whole_list_unknown() {
    let unknown = marker(Cause::Created, "x: port");
    let parsed = parse::<Thing>(&json!({ "name": "a", "rules": [{ "from_port": unknown }] })).unwrap();
    assert_eq!(parsed.params.rules, None);
    assert_eq!(parsed.unknown, ["rules[0].from_port"]);
}

/// A listener.
#[derive(Debug, PartialEq, Params)]
struct Listener {
    /// Its name.
    name: String,
    /// Its port.
    #[param(identity)]
    port: u16,
    /// Its weight.
    weight: i64,
    /// Its rule.
    rule: FirewallRule,
}

#[test]
fn nothing_stands_in_for_an_unknown_that_must_be_there_and_so_the_thing_is_unknown() {
    let unknown = marker(Cause::Created, "x: port");
    let args = json!({ "name": "a", "port": 80, "weight": unknown.as_str(), "rule": { "from_port": 1 } });
    assert_eq!(parse::<Listener>(&args).unwrap().unknown_identity.as_deref(), Some(unknown.as_str()));
    let parsed = parse::<Listener>(&json!(unknown.as_str())).unwrap();
    assert_eq!(parsed.unknown, ["name", "port", "weight", "rule"]);
    assert_eq!(parsed.unknown_identity.as_deref(), Some(unknown.as_str()));
}

#[test]
fn a_default_in_the_place_of_an_unknown_is_bound_by_no_rule() {
    let unknown = marker(Cause::Open, "x: state");
    let parsed = parse::<Gone>(&json!({ "state": unknown.as_str(), "who": "me" })).unwrap();
    assert_eq!(
        (parsed.params.state, parsed.params.reason, parsed.params.who.as_deref()),
        (Presence::Absent, None, Some("me"))
    );
    assert_eq!(parsed.unknown_identity, Some(unknown));
}

#[test]
fn templates_are_not_judged_before_they_are_rendered() {
    let args = json!({
        "name": "{{ name }}", "state": "{{ state }}", "size": "{{ size }}", "enabled": "maybe", "nmae": "{{ x }}",
        "force": "{{ x | default(omit) }}", "rules": ["{{ rule }}", { "from_port": "{{ port }}", "proto": "tpc" }], "ports": "{{ ports }}",
    });
    let dynamic = |path: &str| {
        ["name", "state", "size", "nmae", "force", "rules[0]", "rules[1].from_port", "ports"].contains(&path)
    };
    let found = check(&Thing::spec(), &args, &dynamic);
    let found: Vec<_> = found.iter().map(|fault| (fault.path.as_str(), fault.kind.clone())).collect();
    assert!(matches!(
        found.as_slice(),
        [
            ("enabled", FaultKind::Value),
            ("rules[1].proto", FaultKind::Value),
            ("nmae", FaultKind::Unsupported(_))
        ]
    ));
    assert_eq!(check(&Thing::spec(), &json!("{{ settings }}"), &|path| path.is_empty()), []);
    assert_eq!(
        message(&check(&Listener::spec(), &json!({}), &|_| false), "l"),
        "missing required arguments: name, port, rule, weight"
    );
}
