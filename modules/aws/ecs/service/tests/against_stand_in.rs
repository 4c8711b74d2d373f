use rplay_test_support::Rule;

use super::*;

fn revision(raw: &Raw, tag: &str) {
    let container = json!({ "name": "web", "image": format!("web:{tag}"), "essential": true });
    raw.ecs(
        "RegisterTaskDefinition",
        &json!({
            "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
            "containerDefinitions": [container],
        }),
    );
}

fn service() -> Value {
    json!({
        "name": "web", "cluster": "app", "task_definition": "web:1", "desired_count": 1, "launch_type": "FARGATE",
        "network_configuration": { "subnets": ["subnet-1"], "assign_public_ip": true }, "wait": false,
        "deployment_configuration": { "deployment_circuit_breaker": { "enable": true, "rollback": true } },
        "tags": { "a": "b" },
    })
}

#[tokio::test]
async fn a_service_is_made_kept_changed_and_deleted() {
    let place = Place::new(StandIn::shared());
    revision(&place.raw, "1");
    revision(&place.raw, "2");
    let mut args = service();
    assert!(done(&place.run(&args, Mode::Check).await));
    assert!(place.proxy.writes().is_empty(), "{}", place.proxy.log());
    assert!(done(&place.run(&args, Mode::Apply).await));
    assert_eq!(place.proxy.written(), ["ecs CreateService"]);
    assert!(!done(&place.run(&args, Mode::Apply).await));
    assert_eq!(place.proxy.calls().len(), 1, "{}", place.proxy.log());
    args["task_definition"] = json!("web");
    let updated = place.run(&args, Mode::Apply).await;
    assert!(done(&updated));
    let fields: Vec<_> = updated.planned[0].fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(fields, ["task_definition"]);
    assert_eq!(
        updated.result["service"]["taskDefinition"].as_str().unwrap().rsplit('/').next(),
        Some("web:2")
    );
    args["state"] = json!("absent");
    args["force_deletion"] = json!(true);
    assert!(done(&place.run(&args, Mode::Apply).await));
    assert!(!done(&place.run(&args, Mode::Apply).await));
}

#[tokio::test]
async fn trouble_on_the_way_changes_nothing_of_the_end() {
    let place = Place::new(StandIn::shared());
    revision(&place.raw, "1");
    place.proxy.add_rule(Rule::on("ecs", "DescribeServices").nth(1).throttle());
    place.proxy.add_rule(Rule::on("ecs", "CreateService").nth(1).reset());
    assert!(done(&place.run(&service(), Mode::Apply).await), "{}", place.proxy.log());
    place.proxy.clear_rules();
    assert!(!done(&place.run(&service(), Mode::Apply).await));
    place.proxy.add_rule(Rule::on("ecs", "UpdateService").nth(1).lose_the_answer());
    let mut args = service();
    args["desired_count"] = json!(2);
    assert!(done(&place.run(&args, Mode::Apply).await), "{}", place.proxy.log());
    assert!(!done(&place.run(&args, Mode::Apply).await));
    let services = place.raw.ecs("ListServices", &json!({ "cluster": "app" }));
    assert_eq!(services["serviceArns"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_destruction_leaves_nothing() {
    let place = Place::new(StandIn::shared());
    revision(&place.raw, "1");
    assert!(done(&place.run(&service(), Mode::Apply).await));
    assert!(done(&place.run(&service(), Mode::PlanDestroy).await));
    assert!(place.proxy.writes().is_empty(), "{}", place.proxy.log());
    assert!(done(&place.run(&service(), Mode::Destroy).await));
    assert_eq!(place.proxy.written(), ["ecs DeleteService"]);
    let again = place.run(&service(), Mode::Destroy).await;
    assert!(!done(&again) && again.kept.is_empty());
}
