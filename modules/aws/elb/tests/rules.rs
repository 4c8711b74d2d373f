//! Rules of a listener.

use super::stand_in::{Place, args};
use super::*;

fn with_rules(rules: &Value) -> Value {
    but(
        &args(),
        &json!({
            "target_groups": [
                { "name": "web", "protocol": "HTTP", "port": 8080, "target_type": "ip" },
                { "name": "api", "protocol": "HTTP", "port": 8081, "target_type": "ip" },
            ],
            "listeners": [{ "protocol": "HTTP", "port": 80, "target_group": "web", "rules": rules }],
        }),
    )
}

fn two_rules() -> Value {
    json!([
        { "priority": 1, "conditions": { "path": ["/api/*"] }, "target_group": "api" },
        { "priority": 2, "conditions": { "host": ["old.example.com"] },
          "actions": [{ "redirect": { "host": "new.example.com" } }] },
    ])
}

#[tokio::test]
async fn rules_are_made_kept_and_destroyed() {
    let place = Place::with_network();
    let args = with_rules(&two_rules());
    let foretold = done(&place.world, &args, Mode::Check).await;
    place.world.next_run();
    let made = done(&place.world, &args, Mode::Apply).await;
    assert_eq!(planned(&foretold), planned(&made));
    assert_eq!(
        planned(&made)[4..],
        [(Intent::Create, "elb.rule web/80/1"), (Intent::Create, "elb.rule web/80/2")]
    );
    assert_eq!(made.result["listeners"][0]["rules"][1]["priority"], 2);
    place.keeps(&args).await;
    let asked =
        |action: &str| place.proxy.calls().iter().filter(|call| call.operation.action == action).count();
    assert_eq!((asked("DescribeRules"), asked("DescribeTags"), asked("DescribeTargetGroups")), (1, 1, 1));
    done(&place.world, &args, Mode::Destroy).await;
    assert!(place.names("DescribeRules", "RuleArn").is_empty());
}

#[tokio::test]
async fn an_edit_of_a_rule_changes_one_field() {
    let place = Place::with_network();
    let mut args = with_rules(&two_rules());
    done(&place.world, &args, Mode::Apply).await;
    let rules = |change: Value| json!({ "listeners": [{ "rules": [{}, change] }] });
    let conditions = |change: Value| rules(json!({ "conditions": change }));
    let redirect = |change: Value| rules(json!({ "actions": [{ "redirect": change }] }));
    for (change, field) in [
        (conditions(json!({ "host": ["old.example.com", "older.example.com"] })), "conditions.host"),
        (conditions(json!({ "path": ["/old"] })), "conditions.path"),
        (conditions(json!({ "header": { "X-Old": ["1", "2"] } })), "conditions.header.x-old"),
        (conditions(json!({ "source_ip": ["10.0.0.0/8"] })), "conditions.source_ip"),
        (conditions(json!({ "method": ["GET"] })), "conditions.method"),
        (conditions(json!({ "path": null })), "conditions.path"),
        (redirect(json!({ "host": "newer.example.com" })), "actions.0.redirect.host"),
        (redirect(json!({ "path": "/new/#{path}" })), "actions.0.redirect.path"),
        (redirect(json!({ "port": 8443 })), "actions.0.redirect.port"),
        (redirect(json!({ "protocol": "HTTPS" })), "actions.0.redirect.protocol"),
        (redirect(json!({ "query": "from=old" })), "actions.0.redirect.query"),
        (redirect(json!({ "status_code": 302 })), "actions.0.redirect.status_code"),
    ] {
        args = but(&args, &change);
        let foretold = done(&place.world, &args, Mode::Check).await;
        place.world.next_run();
        let changed = done(&place.world, &args, Mode::Apply).await;
        assert_eq!(fields(&changed), [field], "{change}");
        assert_eq!(fields(&foretold), [field], "{change}");
        place.keeps(&args).await;
    }
}

#[tokio::test]
async fn the_case_of_hosts_and_headers_makes_no_difference() {
    let place = Place::with_network();
    let rule = |host: &str, header: &str| {
        let conditions = json!({ "host": [host], "header": { header: ["1"] } });
        with_rules(&json!([{ "priority": 1, "conditions": conditions, "target_group": "api" }]))
    };
    done(&place.world, &rule("A.example.com", "X-One"), Mode::Apply).await;
    place.keeps(&rule("a.example.com", "x-one")).await;
}

#[tokio::test]
async fn a_rule_that_is_not_named_is_purged_unless_told_otherwise() {
    let place = Place::with_network();
    done(&place.world, &with_rules(&two_rules()), Mode::Apply).await;
    let rules = two_rules();
    let one = with_rules(&json!([rules[0]]));
    place.keeps(&but(&one, &json!({ "purge_rules": false }))).await;
    let unsaid = but(&one, &json!({ "listeners": [{ "rules": null }] }));
    place.keeps(&unsaid).await;
    let asked = place.proxy.calls();
    assert!(asked.iter().all(|call| call.operation.action != "DescribeRules"), "{}", place.proxy.log());

    let foretold = done(&place.world, &one, Mode::Check).await;
    assert_eq!(planned(&foretold), [(Intent::Delete, "elb.rules web/80 (not named)")]);
    place.world.next_run();
    done(&place.world, &one, Mode::Apply).await;
    place.keeps(&one).await;
    let none = with_rules(&json!([]));
    done(&place.world, &none, Mode::Apply).await;
    assert_eq!(place.names("DescribeRules", "Priority"), ["default"]);
    place.keeps(&none).await;
}

#[tokio::test]
async fn a_target_group_that_nobody_makes_is_missing() {
    let place = Place::with_network();
    let args = but(&args(), &json!({ "listeners": [{ "target_group": "nowhere" }] }));
    let failure = run(&place.world, &args, Mode::Apply).await.failure.unwrap();
    assert_eq!(failure.message, "could not find elb.target_group nowhere");
}
