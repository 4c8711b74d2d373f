//! Parameters through the derives, against what Ansible's `ArgumentSpecValidator` does.

use std::collections::BTreeMap;
use std::path::PathBuf;

use indexmap::IndexMap;
use rplay_module::params::{
    Bytes, FaultKind, Json, Kind, ParamFault, check, invocation, message, parse, to_wire,
};
use rplay_module::unknown::{Cause, marker};
use rplay_module::{Choice, ControllerFile, Params, Part as _, Secret};
use serde_json::{Map, Value, json};

/// What shall be there.
#[derive(Clone, Copy, Debug, PartialEq, Choice)]
enum Presence {
    #[choice("present", "created")]
    Present,
    Absent,
    #[choice("FARGATE_SPOT")]
    FargateSpot,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Params)]
#[params(camel_case, pascal_case, mutually_exclusive("from_port", "icmp"))]
struct FirewallRule {
    /// The protocol. Omitted, all.
    #[param(default = "tcp", choices("tcp", "udp"))]
    proto: String,
    /// The first port.
    from_port: u16,
    /// The ICMP type.
    icmp: Option<i64>,
    /// Where from.
    #[param(alias = "cidr_ip")]
    cidrs: Option<Vec<String>>,
}

/// What every module takes.
#[derive(Clone, Debug, PartialEq, Params)]
struct Common {
    /// The region.
    #[param(alias = "aws_region")]
    region: Option<String>,
    /// The key.
    #[param(alias = "aws_secret_key")]
    secret_key: Option<Secret<String>>,
}

/// Keeps a thing.
#[derive(Clone, Debug, PartialEq, Params)]
#[params(
    required_if(state = "present", needs("size", "kind")),
    required_if(enabled = true, any("size", "ratio")),
    required_one_of("name", "id"),
    required_together("user", "password"),
    required_by(id, needs("kind")),
    mutually_exclusive("name", "id"),
    unbuilt("force", "purge")
)]
struct Thing {
    /// Which one.
    #[param(identity, alias = "title", deprecated_alias("label" => "Use name."))]
    name: Option<String>,
    /// Its id.
    #[param(identity)]
    id: Option<String>,
    /// What shall be.
    #[param(default = "absent")]
    state: Presence,
    /// How large.
    size: Option<i32>,
    /// What it is.
    #[param(name = "kind")]
    sort: Option<String>,
    /// Whether it works.
    #[param(default = false)]
    enabled: bool,
    /// Its ratio.
    ratio: Option<f64>,
    /// Who.
    user: Option<String>,
    /// Their password.
    #[param(secret)]
    password: Option<String>,
    /// Its labels.
    tags: Option<IndexMap<String, String>>,
    /// Its numbers.
    ports: Option<Vec<i64>>,
    /// Its words.
    words: Option<Vec<String>>,
    /// Its document.
    policy: Option<Json>,
    /// Anything.
    extra: Option<Value>,
    /// Its rules.
    rules: Option<Vec<FirewallRule>>,
    /// Its memory.
    memory: Option<Bytes>,
    /// Its file.
    path: Option<PathBuf>,
    /// Its choices.
    modes: Option<Vec<Presence>>,
    #[param(flatten)]
    common: Common,
}

fn read(args: &Value) -> Thing {
    parse::<Thing>(args).unwrap_or_else(|faults| panic!("{faults:?}")).params
}

fn faults(args: &Value) -> Vec<ParamFault> {
    parse::<Thing>(args).expect_err("faults are expected")
}

fn messages(args: &Value) -> Vec<String> {
    faults(args).iter().map(|fault| fault.render("thing")).collect()
}

#[test]
fn a_struct_is_read_with_coercions_aliases_and_defaults() {
    let thing = read(&json!({
        "title": 30, "size": "30", "kind": "x", "state": "created", "enabled": "yes", "ratio": "1.5", "tags": "a=1 b='x y'",
        "ports": ["1", 2.0], "words": "a,b", "policy": " {\"a\": 1} ", "memory": "1K", "path": "/x",
        "modes": "absent,FARGATE_SPOT", "rules": [{ "fromPort": "80", "cidr_ip": "10.0.0.0/8" }],
        "aws_region": "eu-west-1", "extra": { "b": [null] }, "_ansible_check_mode": true
    }));
    assert_eq!(thing.name.as_deref(), Some("30"));
    assert_eq!(
        (thing.size, thing.sort.as_deref(), thing.state, thing.enabled),
        (Some(30), Some("x"), Presence::Present, true)
    );
    assert_eq!(thing.ratio, Some(1.5));
    assert_eq!(thing.tags.as_ref().and_then(|tags| tags.get("b")).map(String::as_str), Some("x y"));
    assert_eq!(thing.ports, Some(vec![1, 2]));
    assert_eq!(thing.words, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(thing.policy, Some(Json(json!({ "a": 1 }))));
    assert_eq!(thing.extra, Some(json!({ "b": [null] })));
    assert_eq!((thing.memory, thing.path), (Some(Bytes(1024)), Some("/x".into())));
    assert_eq!(thing.modes, Some(vec![Presence::Absent, Presence::FargateSpot]));
    assert_eq!(thing.common.region.as_deref(), Some("eu-west-1"));
    let rule = FirewallRule {
        proto: "tcp".into(),
        from_port: 80,
        icmp: None,
        cidrs: Some(vec!["10.0.0.0/8".into()]),
    };
    assert_eq!(thing.rules, Some(vec![rule]));
}

#[test]
fn null_counts_as_omitted() {
    let thing = read(&json!({ "name": "a", "state": null, "size": null, "tags": null }));
    assert_eq!((thing.state, thing.size, thing.tags), (Presence::Absent, None, None));
    assert_eq!(messages(&json!({ "name": null })), ["one of the following is required: name, id"]);
}

#[test]
fn all_faults_come_at_once_in_ansibles_order_and_words() {
    let found = faults(&json!({
        "name": "a", "id": "b", "state": "gone", "size": "x", "ports": ["1", "y"], "user": "me", "nme": 1, "force": true,
        "modes": ["present", "never"], "rules": [{ "proto": "tpc" }, { "from_port": "z", "colour": 3 }],
    }));
    let found: Vec<(&str, String)> =
        found.iter().map(|fault| (fault.path.as_str(), fault.render("thing"))).collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(path, message)| (*path, message.as_str())).collect();
    assert_eq!(
        found,
        [
            ("id", "parameters are mutually exclusive: name|id"),
            (
                "size",
                "argument 'size' is of type str and we were unable to convert to int: \"'x'\" cannot be converted to an int"
            ),
            (
                "ports[1]",
                "Elements value for option 'ports' is of type str and we were unable to convert to int: \"'y'\" cannot be converted to an int"
            ),
            ("state", "value of state must be one of: present, created, absent, FARGATE_SPOT, got: gone"),
            (
                "modes",
                "value of modes must be one or more of: present, created, absent, FARGATE_SPOT. Got no match for: never"
            ),
            ("user", "parameters are required together: user, password"),
            ("id", "missing parameter(s) required by 'id': kind"),
            ("rules[0]", "missing required arguments: from_port found in rules"),
            ("rules[0].proto", "value of proto must be one of: tcp, udp, got: tpc found in rules"),
            (
                "rules[1].from_port",
                "argument 'from_port' is of type str found in 'rules'. and we were unable to convert to int: \"'z'\" cannot be converted to an int"
            ),
            (
                "nme",
                "Unsupported parameters for (thing) module: nme. Supported parameters include: enabled, extra, id, kind, memory, modes, name, password, path, policy, ports, ratio, region, rules, secret_key, size, state, tags, user, words (aws_region, aws_secret_key, label, title)."
            ),
            ("force", "parameter 'force' is not supported by rplay yet"),
            (
                "rules[1].colour",
                "Unsupported parameters for (thing) module: rules.colour. Supported parameters include: cidrs, from_port, icmp, proto (cidr_ip)."
            ),
        ]
    );
}

#[test]
fn a_rule_holds_for_the_value_after_coercion_and_default() {
    assert_eq!(
        messages(&json!({ "name": "a", "state": "present" })),
        ["state is present but all of the following are missing: size, kind"]
    );
    assert_eq!(
        messages(&json!({ "name": "a", "enabled": "yes" })),
        ["enabled is True but any of the following are missing: size, ratio"]
    );
    assert_eq!(messages(&json!({})), ["one of the following is required: name, id"]);
    read(&json!({ "name": "a", "enabled": "yes", "ratio": 1 }));
}

#[test]
fn a_close_name_is_suggested() {
    let help = |args: Value| faults(&args).remove(0).help;
    assert_eq!(help(json!({ "name": "a", "enabeld": true })).as_deref(), Some("did you mean 'enabled'?"));
    assert_eq!(help(json!({ "name": "a", "state": "absnet" })).as_deref(), Some("did you mean 'absent'?"));
    assert_eq!(help(json!({ "name": "a", "zzzzz": 1 })), None);
    let of_a_rule = json!({ "name": "a", "rules": [{ "from_port": 1, "Proto_": "tcp" }] });
    assert_eq!(help(of_a_rule).as_deref(), Some("did you mean 'proto'?"));
}

#[test]
fn what_is_no_mapping_is_refused_as_sub_options() {
    assert_eq!(
        messages(&json!({ "name": "a", "rules": { "from_port": 1 } })),
        [
            "argument 'rules' is of type dict and we were unable to convert to list: <class 'dict'> cannot be converted to a list"
        ]
    );
    assert_eq!(
        messages(&json!({ "name": "a", "rules": [3, { "from_port": "q" }] })),
        [
            "Elements value for option 'rules' is of type int and we were unable to convert to dict: <class 'int'> cannot be converted to a dict",
            "argument 'from_port' is of type str found in 'rules'. and we were unable to convert to int: \"'q'\" cannot be converted to an int",
        ]
    );
    let rules = read(&json!({ "name": "a", "rules": ["from_port=1 proto=udp"] })).rules.unwrap();
    assert_eq!((rules[0].from_port, rules[0].proto.as_str()), (1, "udp"));
}

#[test]
fn a_number_beyond_its_type_is_refused_with_its_path() {
    let found =
        faults(&json!({ "name": "a", "size": 3_000_000_000_u64, "rules": [{ "from_port": 70_000 }] }));
    let found: Vec<_> = found.iter().map(|fault| (fault.path.as_str(), fault.message.as_str())).collect();
    assert_eq!(
        found,
        [
            ("size", "value of size must be from -2147483648 to 2147483647, got: 3000000000"),
            ("rules[0].from_port", "value of rules[0].from_port must be from 0 to 65535, got: 70000"),
        ]
    );
}

#[test]
fn an_alias_beside_its_name_wins_with_a_warning() {
    let parsed = parse::<Thing>(&json!({ "name": "a", "title": "b" })).unwrap();
    assert_eq!(parsed.params.name.as_deref(), Some("b"));
    assert_eq!(parsed.warnings, ["Both option name and its alias title are set."]);
    let nested = json!({ "name": "a", "rules": [{ "from_port": 1, "cidrs": "a", "cidr_ip": "b" }] });
    let parsed = parse::<Thing>(&nested).unwrap();
    assert_eq!(parsed.warnings, ["Both option rules[0].cidrs and its alias rules[0].cidr_ip are set."]);
}

#[test]
fn a_deprecated_alias_says_what_to_write() {
    let parsed = parse::<Thing>(&json!({ "label": "a" })).unwrap();
    assert_eq!(parsed.params.name.as_deref(), Some("a"));
    assert_eq!(parsed.deprecated, ["Alias 'label' is deprecated. Use name."]);
}

#[test]
fn yaml_booleans_are_the_one_choice_that_they_can_mean() {
    /// Modes.
    #[derive(Debug, Params)]
    struct Modes {
        /// One that a boolean can mean.
        #[param(choices("yes", "no", "force"))]
        pull: Option<String>,
        /// One that it cannot.
        #[param(choices("yes", "on"))]
        push: Option<String>,
    }
    let pull = |value: Value| parse::<Modes>(&json!({ "pull": value })).unwrap().params.pull.unwrap();
    assert_eq!((pull(json!(true)), pull(json!(false))), ("yes".to_owned(), "no".to_owned()));
    let push = parse::<Modes>(&json!({ "push": "on" })).unwrap().params.push;
    assert_eq!(push.as_deref(), Some("on"));
    let found = parse::<Modes>(&json!({ "push": true })).unwrap_err();
    assert_eq!(found[0].message, "value of push must be one of: yes, on, got: True");
}

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
    let args = json!({ "port": 80, "weight": unknown.as_str(), "rule": { "from_port": 1 } });
    assert_eq!(parse::<Listener>(&args).unwrap().unknown_identity.as_deref(), Some(unknown.as_str()));
    let parsed = parse::<Listener>(&json!(unknown.as_str())).unwrap();
    assert_eq!(parsed.unknown, ["port", "weight", "rule"]);
    assert_eq!(parsed.unknown_identity.as_deref(), Some(unknown.as_str()));
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
        "missing required arguments: port, rule, weight"
    );
}

#[test]
fn the_invocation_has_every_parameter_and_no_secret() {
    let args = json!({
        "label": "a", "aws_secret_key": "abc", "password": "hush", "user": "me", "enabled": "yes", "policy": { "a": [1, "é"] },
        "rules": [{ "from_port": "80" }], "size": "3", "_ansible_check_mode": true,
    });
    assert_eq!(
        invocation(&Thing::spec(), &args),
        json!({
            "label": "a", "aws_secret_key": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "name": "a", "id": null, "state": "absent",
            "size": 3, "kind": null, "enabled": true, "ratio": null, "user": "me",
            "password": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "tags": null, "ports": null, "words": null,
            "policy": "{\"a\": [1, \"\\u00e9\"]}", "extra": null,
            "rules": [{ "proto": "tcp", "from_port": 80, "icmp": null, "cidrs": null }], "memory": null, "path": null,
            "modes": null, "region": null, "secret_key": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",
        })
    );
}

#[test]
fn a_secret_is_shown_by_no_debug() {
    let parsed = parse::<Common>(&json!({ "secret_key": "hush-hush" })).unwrap();
    assert!(!format!("{parsed:?}").contains("hush"), "{parsed:?}");
    assert_eq!(parsed.params.secret_key.unwrap().expose(), "hush-hush");
}

/// Runs a line.
#[derive(Debug, Params)]
#[params(free_form = "cmd")]
struct Line {
    /// The line.
    cmd: Option<String>,
    /// Where.
    #[param(path)]
    chdir: Option<String>,
}

#[test]
fn a_free_form_is_a_parameter() {
    let line = |args: Value| parse::<Line>(&args).unwrap().params.cmd;
    assert_eq!(line(json!("ls -l")).as_deref(), Some("ls -l"));
    assert_eq!(line(json!({ "_raw_params": "ls a=b", "chdir": "/" })).as_deref(), Some("ls a=b"));
    assert_eq!(line(json!({ "cmd": "ls" })).as_deref(), Some("ls"));
    assert_eq!(parse::<Line>(&json!({ "chdir": "~" })).unwrap().params.chdir.as_deref(), Some("~"));
    assert_eq!(faults(&json!({ "_raw_params": "x" }))[1].path, "_raw_params");
}

/// Takes anything.
#[derive(Debug, Params)]
struct Anything {
    /// Which.
    #[param(default = "x")]
    name: String,
    #[param(rest)]
    further: Map<String, Value>,
}

#[test]
fn an_open_struct_has_whatever_else_was_given() {
    let parsed = parse::<Anything>(&json!({ "a": [1], "b": null, "_ansible_x": 1 })).unwrap().params;
    assert_eq!((parsed.name.as_str(), Value::Object(parsed.further)), ("x", json!({ "a": [1], "b": null })));
}

/// Defaults in every form.
#[derive(Debug, PartialEq, Params)]
struct Defaults {
    /// A word of an enum.
    #[param(default = Presence::FargateSpot)]
    presence: Presence,
    /// A list.
    #[param(default = ["a", "b"])]
    list: Vec<String>,
    /// An empty list.
    #[param(default = [])]
    empty: Vec<FirewallRule>,
    /// An empty dict.
    #[param(default)]
    dict: BTreeMap<String, String>,
    /// A negative number.
    #[param(default = -1)]
    number: i64,
    /// A fraction.
    #[param(default = 0.5)]
    fraction: f64,
    /// Sub-options.
    #[param(default = {})]
    sub: Sub,
    /// A reserved word.
    r#type: Option<String>,
    /// An option with a default.
    #[param(default = "1K", bytes)]
    size: Option<u64>,
    /// A document kept as text.
    #[param(json)]
    text: Option<String>,
}

/// Sub-options.
#[derive(Debug, PartialEq, Params)]
struct Sub {
    /// Deep.
    #[param(default = true)]
    deep: bool,
}

#[test]
fn a_default_is_read_as_if_it_had_been_given() {
    let parsed = parse::<Defaults>(&json!({ "type": "t", "text": " {\"a\": 1}" })).unwrap().params;
    assert_eq!(
        parsed,
        Defaults {
            presence: Presence::FargateSpot,
            list: vec!["a".to_owned(), "b".to_owned()],
            empty: Vec::new(),
            dict: BTreeMap::new(),
            number: -1,
            fraction: 0.5,
            sub: Sub { deep: true },
            r#type: Some("t".to_owned()),
            size: Some(1024),
            text: Some("{\"a\":1}".to_owned()),
        }
    );
}

/// Copies.
#[derive(Debug, Params)]
struct Copied {
    /// From where.
    #[param(files = "templates")]
    src: ControllerFile,
}

#[test]
fn the_engine_hands_files_over_in_one_form() {
    assert_eq!(Copied::spec().params[0].kind, Kind::ControllerFile("templates"));
    let read = |args: Value| parse::<Copied>(&args).unwrap().params.src;
    let file = ControllerFile { path: "/x/motd".into(), content: Some(b"hi".to_vec()) };
    assert_eq!(read(json!({ "src": to_wire(&file.path, Some(b"hi")) })), file);
    assert_eq!(read(json!({ "src": "motd" })), ControllerFile { path: "motd".into(), content: None });
}

#[test]
fn a_spec_says_what_the_struct_says() {
    let spec = Thing::spec();
    assert_eq!(spec.doc, "Keeps a thing.");
    assert_eq!(spec.unbuilt, ["force", "purge"]);
    let name = spec.param("name").unwrap();
    assert_eq!((name.doc, name.required, name.identity), ("Which one.", false, true));
    assert_eq!(spec.param("state").unwrap().default, Some(json!("absent")));
    assert!(spec.param("secret_key").unwrap().secret);
    let rule = FirewallRule::spec();
    assert_eq!(rule.param("from_port").unwrap().spellings, ["fromPort", "FromPort"]);
    assert!(rule.param("from_port").unwrap().required);
}

#[test]
fn a_choice_is_a_text_and_back() {
    assert_eq!(Presence::FargateSpot.as_str(), "FARGATE_SPOT");
    assert_eq!(Presence::from_text("created"), Some(Presence::Present));
    assert_eq!(Presence::from_text("PRESENT"), None);
    assert_eq!(Presence::Present.shown(), Some(json!("present")));
}
