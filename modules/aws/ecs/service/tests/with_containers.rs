//! Deployments of real containers, and what a user is told when one goes wrong.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use rplay_module::{Cx, Failure, Mode};

use super::world::RealTime;
use super::*;

const IMAGE: &str = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/rplay-test-of-ecs-service:1";

/// A cluster with a log group and a target group, and an image of the demo application in the engine.
struct Containers {
    place: Place,
    group: String,
}

impl Containers {
    fn new() -> Self {
        static MADE: OnceLock<()> = OnceLock::new();
        MADE.get_or_init(|| {
            let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../playbooks/app");
            assert!(app.join("demo-app").exists(), "the demo application is not built: make app");
            let built =
                Command::new("docker").args(["build", "--quiet", "--tag", IMAGE]).arg(&app).output().unwrap();
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        });
        let place = Place::new(StandIn::with_containers());
        place.raw.logs("CreateLogGroup", &json!({ "logGroupName": "/ecs/web" }));
        let vpc =
            place.raw.query("ec2", "CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).element("vpcId").unwrap();
        let group =
            [("Name", "web"), ("Protocol", "HTTP"), ("Port", "8080"), ("VpcId", &vpc), ("TargetType", "ip")];
        let group = place.raw.query("elasticloadbalancing", "CreateTargetGroup", &group);
        Self { place, group: group.element("TargetGroupArn").unwrap() }
    }

    /// Registers a revision with an image and a port to listen on.
    fn revision(&self, image: &str, port: &str) {
        let container = json!({
            "name": "web", "image": image, "essential": true, "portMappings": [{ "containerPort": 8080 }],
            "environment": [{ "name": "PORT", "value": port }],
            "logConfiguration": { "logDriver": "awslogs", "options": {
                "awslogs-group": "/ecs/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web" } },
        });
        self.place.raw.ecs(
            "RegisterTaskDefinition",
            &json!({
                "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
                "memory": "512", "containerDefinitions": [container],
            }),
        );
    }

    fn service(revision: u32, count: u32) -> Value {
        json!({
            "name": "web", "cluster": "app", "task_definition": format!("web:{revision}"), "desired_count": count,
            "launch_type": "FARGATE", "network_configuration": { "subnets": ["subnet-1"] },
            "load_balancers": [{ "target_group": "web", "container_name": "web", "container_port": 8080 }],
            "wait_timeout": 60,
        })
    }

    async fn run(&self, args: &Value) -> Outcome {
        self.place.proxy.clear_calls();
        let cx = Cx::new(Arc::new(RealTime(Arc::clone(&self.place.world))), false);
        Box::pin(drive::resource(&Services, &cx, args, Mode::Apply)).await
    }

    async fn failure(&self, args: &Value) -> Failure {
        self.run(args).await.failure.expect("the deployment fails")
    }

    fn running(&self) -> (i64, String) {
        let described = json!({ "cluster": "app", "services": ["web"] });
        let service = &self.place.raw.ecs("DescribeServices", &described)["services"][0];
        let revision =
            service["taskDefinition"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        (service["runningCount"].as_i64().unwrap_or_default(), revision.to_owned())
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        self.place.raw.ecs("DeleteService", &json!({ "cluster": "app", "service": "web", "force": true }));
    }
}

#[tokio::test]
async fn a_service_is_rolled_out_kept_and_resized() {
    let containers = Containers::new();
    containers.revision(IMAGE, "8080");
    containers.revision(IMAGE, "8081");
    assert!(done(&containers.run(&Containers::service(1, 2)).await));
    assert_eq!(containers.running(), (2, "web:1".to_owned()));
    assert!(!done(&containers.run(&Containers::service(1, 2)).await));
    let calls: Vec<String> =
        containers.place.proxy.calls().into_iter().map(|call| call.operation.action).collect();
    assert_eq!(calls.len(), 3, "{}", containers.place.proxy.log());
    for action in ["DescribeServices", "DescribeTargetGroups", "DescribeTargetHealth"] {
        assert!(calls.contains(&action.to_owned()), "{calls:?}");
    }
    let resized = containers.run(&Containers::service(1, 3)).await;
    assert!(done(&resized));
    assert_eq!(containers.place.proxy.written(), ["ecs UpdateService"]);
    assert_eq!(containers.running(), (3, "web:1".to_owned()));
    assert_eq!(resized.result["service"]["runningCount"], 3, "the result is what was settled");
    assert!(done(&containers.run(&Containers::service(2, 1)).await));
    assert_eq!(containers.running(), (1, "web:2".to_owned()));
    assert!(containers.group.contains("targetgroup/web/"));
}

#[tokio::test]
async fn an_image_that_cannot_listen_is_told_with_its_log_and_the_old_one_runs_on() {
    let containers = Containers::new();
    containers.revision(IMAGE, "8080");
    containers.revision(IMAGE, "not a port");
    assert!(done(&containers.run(&Containers::service(1, 1)).await));
    let failure = containers.failure(&Containers::service(2, 1)).await;
    assert!(
        failure.message.starts_with("could not deploy web:2 to service app/web: "),
        "{}",
        failure.message
    );
    assert!(failure.message.contains("container web exits at once with code 1"), "{}", failure.message);
    assert!(
        failure.message.contains("web:1 runs with 1 task, 1 healthy target: it still answers"),
        "{}",
        failure.message
    );
    let screen = failure.screen.unwrap();
    for part in
        ["EssentialContainerExited", "exit code 1", "| demo-app: PORT must be a number", "web:2 PRIMARY"]
    {
        assert!(screen.contains(part), "{part} is not in\n{screen}");
    }
    assert_eq!(failure.result["failures"][0]["containers"][0]["exit_code"], 1);
    // Nothing differs now, and it still does not work.
    let again = containers.failure(&Containers::service(2, 1)).await;
    assert!(again.message.contains("container web exits at once with code 1"), "{}", again.message);
    assert!(containers.place.proxy.writes().is_empty(), "{}", containers.place.proxy.log());
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_told() {
    let containers = Containers::new();
    containers
        .revision("000000000000.dkr.ecr.eu-west-1.amazonaws.com/rplay-test-of-ecs-service:none", "8080");
    let failure = containers.failure(&Containers::service(1, 1)).await;
    assert!(
        failure.message.contains("rplay-test-of-ecs-service:none cannot be pulled"),
        "{}",
        failure.message
    );
    assert!(failure.message.ends_with("no task of the service runs"), "{}", failure.message);
}

#[tokio::test]
async fn a_rollback_by_the_circuit_breaker_is_a_failure() {
    let containers = Containers::new();
    containers.revision(IMAGE, "8080");
    containers.revision(IMAGE, "not a port");
    let breaking = |revision| {
        let mut args = Containers::service(revision, 1);
        args["deployment_configuration"] =
            json!({ "deployment_circuit_breaker": { "enable": true, "rollback": true } });
        args
    };
    assert!(done(&containers.run(&breaking(1)).await));
    let failure = containers.failure(&breaking(2)).await;
    assert!(failure.message.contains("container web exits at once with code 1"), "{}", failure.message);
    // The next run finds the old revision back, and says so once more.
    let again = containers.failure(&breaking(2)).await;
    assert!(again.message.contains("web:1 runs with 1 task"), "{}", again.message);
    assert!(done(&containers.run(&breaking(1)).await) || containers.running() == (1, "web:1".to_owned()));
}
