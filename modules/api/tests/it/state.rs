//! States through the derive.

use rplay_module::{Fact, Part, Secret, State};
use serde_json::json;

#[derive(Clone, Debug, PartialEq, State)]
struct Service {
    name: String,
    #[state(name = "desired_count")]
    count: Option<i64>,
    launch: Launch,
    ports: Vec<Port>,
    token: Secret<String>,
    #[state(hidden)]
    internal: Option<String>,
    #[state(flatten)]
    times: Times,
    arn: Fact<String>,
    r#type: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, State)]
enum Launch {
    FargateSpot,
    #[state(rename = "ec2")]
    Ec2,
}

#[derive(Clone, Debug, PartialEq, State)]
struct Port {
    number: u16,
    id: Fact<String>,
}

#[derive(Clone, Debug, PartialEq, State)]
struct Times {
    grace: Seconds,
}

#[derive(Clone, Debug, PartialEq, State)]
struct Seconds(i64);

#[derive(Clone, Debug, PartialEq, State)]
struct Nothing;

fn service() -> Service {
    Service {
        name: "web".into(),
        count: Some(2),
        launch: Launch::FargateSpot,
        ports: vec![Port { number: 80, id: "p-1".to_owned().into() }],
        token: Secret::new("hush".into()),
        internal: Some("x".into()),
        times: Times { grace: Seconds(30) },
        arn: "arn:x".to_owned().into(),
        r#type: None,
    }
}

#[test]
fn a_state_is_shown_field_by_field_without_facts() {
    let shown = json!({
        "name": "web", "desired_count": 2, "launch": "FARGATE_SPOT", "ports": [{ "number": 80 }], "token": "********", "grace": 30
    });
    assert_eq!(service().shown(), Some(shown));
    assert_eq!(Launch::Ec2.shown(), Some(json!("ec2")));
    assert_eq!(Nothing.shown(), Some(json!({})));
}

#[test]
fn facts_are_forgotten_at_every_depth() {
    let mut service = service();
    service.forget();
    assert!(service.arn.known().is_none());
    assert!(service.ports[0].id.known().is_none());
    assert_eq!(service.name, "web");
}

#[test]
fn what_is_hidden_is_compared_all_the_same() {
    let other = Service { internal: None, ..service() };
    assert_ne!(service(), other);
    assert_eq!(service().shown(), other.shown());
}
