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
