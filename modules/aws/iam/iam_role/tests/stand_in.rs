//! The same against a stand-in, with trouble on the way.

use rplay_test_support::{Proxy, Raw, Rule, StandIn};

use super::*;

struct Place {
    proxy: Proxy,
    raw: Raw,
    world: Arc<TestWorld>,
}

impl Place {
    fn new() -> Self {
        let stand_in = StandIn::shared();
        let (proxy, raw) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
        let world = TestWorld::aws()
            .env("AWS_ENDPOINT_URL", &proxy.endpoint())
            .env("AWS_ACCESS_KEY_ID", raw.id())
            .start();
        Self { proxy, raw, world }
    }

    async fn run(&self, args: &Value, mode: Mode) -> Outcome {
        self.proxy.clear_calls();
        self.world.next_run();
        let outcome = pick(args).run(&self.world.cx(), args, mode).await;
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        outcome
    }

    fn count(&self, action: &str, element: &str) -> usize {
        self.raw.query("iam", action, &[]).elements(element).len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_lives_from_check_to_destroy() {
    let place = Place::new();
    let mut args = everything();
    args["managed_policies"] = json!(["AmazonECSTaskExecutionRolePolicy"]);
    assert!(place.run(&args, Mode::Check).await.changed);
    assert!(place.proxy.writes().is_empty(), "{}", place.proxy.log());

    place.proxy.add_rule(Rule::on("iam", "CreateRole").nth(1).lose_the_answer());
    place.proxy.add_rule(Rule::on("iam", "ListAttachedRolePolicies").nth(1).throttle());
    place.proxy.add_rule(Rule::on("iam", "PutRolePolicy").nth(1).lose_the_answer());
    let outcome = place.run(&args, Mode::Apply).await;
    assert!(outcome.changed);
    let arn = format!("arn:aws:iam::{}:role/web", place.raw.id());
    assert_eq!(outcome.result["iam_role"]["arn"], Value::from(arn));
    assert_eq!(
        place.proxy.written(),
        ["iam CreateRole", "iam AttachRolePolicy", "iam PutRolePolicy", "iam PutRolePolicy"]
    );
    assert_eq!(place.count("ListRoles", "RoleName"), 1);

    assert!(!place.run(&args, Mode::Apply).await.changed);
    assert!(place.proxy.writes().is_empty(), "{}", place.proxy.log());
    assert_eq!(place.proxy.calls().len(), 4, "{}", place.proxy.log());

    for (field, value, writes) in [
        ("description", json!("Runs it all"), vec!["iam UpdateRole"]),
        ("max_session_duration", json!(7200), vec!["iam UpdateRole"]),
        ("boundary", json!("arn:aws:iam::aws:policy/ReadOnlyAccess"), vec!["iam PutRolePermissionsBoundary"]),
        ("inline_policies", json!({ "assets": assets("s3:*") }), vec!["iam PutRolePolicy"]),
        ("managed_policies", json!([]), vec!["iam DetachRolePolicy"]),
        ("tags", json!({ "env": "prod" }), vec!["iam UntagRole", "iam TagRole"]),
    ] {
        let mut edited = args.clone();
        edited[field] = value;
        let outcome = place.run(&edited, Mode::Apply).await;
        assert!(outcome.changed, "{field}");
        assert!(paths(&outcome).iter().all(|path| path.starts_with(field)), "{:?}", paths(&outcome));
        assert_eq!(place.proxy.written(), writes, "{field}");
        assert!(!place.run(&edited, Mode::Apply).await.changed, "{field}");
        let mut back = args.clone();
        if field == "boundary" {
            back[field] = json!("");
        }
        if field == "max_session_duration" {
            back[field] = json!(3600);
        }
        assert!(place.run(&back, Mode::Apply).await.changed, "{field}");
    }

    let outcome = place.run(&args, Mode::Destroy).await;
    assert!(outcome.changed && outcome.kept.is_empty(), "{:?}", outcome.kept);
    assert_eq!(place.count("ListRoles", "RoleName"), 0);
    assert!(!place.run(&args, Mode::Destroy).await.changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_and_its_profile_live_through_lost_answers() {
    let place = Place::new();
    let args = json!({ "name": "web", "assume_role_policy_document": trust() });
    for action in ["CreateRole", "CreateInstanceProfile", "AddRoleToInstanceProfile"] {
        place.proxy.add_rule(Rule::on("iam", action).nth(1).lose_the_answer());
    }
    assert!(place.run(&args, Mode::Apply).await.changed);
    assert_eq!(
        place.proxy.written(),
        ["iam CreateRole", "iam CreateInstanceProfile", "iam AddRoleToInstanceProfile"]
    );
    assert!(!place.run(&args, Mode::Apply).await.changed);
    assert_eq!(place.proxy.calls().len(), 3, "{}", place.proxy.log());

    let absent = json!({ "name": "web", "state": "absent", "delete_instance_profile": true });
    assert!(place.run(&absent, Mode::Apply).await.changed);
    assert_eq!(
        place.count("ListRoles", "RoleName") + place.count("ListInstanceProfiles", "InstanceProfileName"),
        0
    );
}

/// A run that ends at any of its writes is finished by the next one, and what it made is still ours to destroy.
#[tokio::test(flavor = "multi_thread")]
async fn whichever_write_is_refused_the_next_run_goes_on_from_there() {
    let mut args = everything();
    args["create_instance_profile"] = json!(true);
    for (number, refused) in [
        "CreateRole",
        "AttachRolePolicy",
        "PutRolePolicy",
        "CreateInstanceProfile",
        "AddRoleToInstanceProfile",
    ]
    .into_iter()
    .enumerate()
    {
        let place = Place::new();
        place.proxy.add_rule(Rule::on("iam", refused).refuse(403, "AccessDenied", "not now"));
        let outcome = pick(&args).run(&place.world.cx(), &args, Mode::Apply).await;
        assert_eq!(outcome.failure.expect(refused).code.as_deref(), Some("AccessDenied"));
        assert_eq!(place.proxy.writes().len(), number + 1, "{}", place.proxy.log());
        place.proxy.clear_rules();
        assert!(place.run(&args, Mode::Apply).await.changed, "{refused}");
        assert_eq!(place.proxy.writes().len(), 5 - number, "{refused}: {}", place.proxy.log());
        assert!(!place.run(&args, Mode::Apply).await.changed, "{refused}");
        let outcome = place.run(&args, Mode::Destroy).await;
        assert!(outcome.changed && outcome.kept.is_empty(), "{refused}: {:?}", outcome.kept);
        assert_eq!(place.count("ListRoles", "RoleName"), 0, "{refused}");
        assert_eq!(place.count("ListInstanceProfiles", "InstanceProfileName"), 0, "{refused}");
    }
}
