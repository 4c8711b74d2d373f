//! What Ansible's `ArgumentSpecValidator` does with the same arguments.

use std::collections::BTreeMap;
use std::path::PathBuf;

use indexmap::IndexMap;
use rplay_module::params::{Bytes, Json, Kind, ParamFault, invocation, parse, to_wire};
use rplay_module::{Choice, ControllerFile, Params, Part as _, Secret};
use serde_json::{Map, Value, json};

/// What shall be there.
#[derive(Clone, Copy, Debug, PartialEq, Choice)]
pub(crate) enum Presence {
    #[choice("present", "created")]
    Present,
    Absent,
    #[choice("FARGATE_SPOT")]
    FargateSpot,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Params)]
#[params(camel_case, pascal_case, mutually_exclusive("from_port", "icmp"))]
pub(crate) struct FirewallRule {
    /// The protocol. Omitted, all.
    #[param(default = "tcp", choices("tcp", "udp"))]
    pub(crate) proto: String,
    /// The first port.
    pub(crate) from_port: u16,
    /// The ICMP type.
    pub(crate) icmp: Option<i64>,
    /// Where from.
    #[param(alias = "cidr_ip")]
    pub(crate) cidrs: Option<Vec<String>>,
}

/// What every module takes.
#[derive(Clone, Debug, PartialEq, Params)]
pub(crate) struct Common {
    /// The region.
    #[param(alias = "aws_region")]
    pub(crate) region: Option<String>,
    /// The key.
    #[param(alias = "aws_secret_key")]
    pub(crate) secret_key: Option<Secret<String>>,
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
pub(crate) struct Thing {
    /// Which one.
    #[param(identity, alias = "title", deprecated_alias("label" => "Use name."))]
    pub(crate) name: Option<String>,
    /// Its id.
    #[param(identity)]
    pub(crate) id: Option<String>,
    /// What shall be.
    #[param(default = "absent")]
    pub(crate) state: Presence,
    /// How large.
    pub(crate) size: Option<i32>,
    /// What it is.
    #[param(name = "kind")]
    pub(crate) sort: Option<String>,
    /// Whether it works.
    #[param(default = false)]
    pub(crate) enabled: bool,
    /// Its ratio.
    pub(crate) ratio: Option<f64>,
    /// Who.
    pub(crate) user: Option<String>,
    /// Their password.
    #[param(secret)]
    pub(crate) password: Option<String>,
    /// Its labels.
    pub(crate) tags: Option<IndexMap<String, String>>,
    /// Its numbers.
    pub(crate) ports: Option<Vec<i64>>,
    /// Its words.
    pub(crate) words: Option<Vec<String>>,
    /// Its document.
    pub(crate) policy: Option<Json>,
    /// Anything.
    pub(crate) extra: Option<Value>,
    /// Its rules.
    pub(crate) rules: Option<Vec<FirewallRule>>,
    /// Its memory.
    pub(crate) memory: Option<Bytes>,
    /// Its file.
    pub(crate) path: Option<PathBuf>,
    /// Its choices.
    pub(crate) modes: Option<Vec<Presence>>,
    #[param(flatten)]
    pub(crate) common: Common,
}

pub(crate) fn read(args: &Value) -> Thing {
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

/// Goes.
#[derive(Debug, Params)]
#[params(
    required_one_of("reason", "who"),
    required_together("state", "who"),
    required_if(state = "absent", needs("reason"))
)]
pub(crate) struct Gone {
    /// What shall be.
    #[param(default = "absent", identity)]
    pub(crate) state: Presence,
    /// Why.
    pub(crate) reason: Option<String>,
    /// Who says so.
    pub(crate) who: Option<String>,
}

#[test]
fn rules_come_in_ansibles_order_not_in_that_of_the_attributes() {
    let found = parse::<Gone>(&json!({})).unwrap_err();
    let found: Vec<_> = found.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(
        found,
        [
            "parameters are required together: state, who",
            "one of the following is required: reason, who",
            "state is absent but all of the following are missing: reason",
        ]
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
