//! Managed policies that are called by name.

use super::*;

const OWN: &str = "arn:aws:iam::123456789012:policy/team/Deploy";

fn named(policy: &str) -> Value {
    web(&json!({ "managed_policies": [policy] }))
}

fn listed(scope: &str, policies: &[(&str, &str)]) -> Expected {
    let members = policies
        .iter()
        .map(|(name, arn)| format!("<member><PolicyName>{name}</PolicyName><Arn>{arn}</Arn></member>"));
    Expected::query("ListPolicies")
        .parameter("Scope", scope)
        .gives(&format!("<Policies>{}</Policies>", members.collect::<String>()))
}

fn nowhere(arn: &str) -> Expected {
    Expected::query("GetPolicy").parameter("PolicyArn", arn).refuses("NoSuchEntity", "none")
}

#[tokio::test]
async fn one_that_is_attached_is_not_looked_up() {
    let task = Task::new([role(""), attached(&[EXECUTION])]);
    assert!(!task.ok(&named("AmazonECSTaskExecutionRolePolicy"), Mode::Apply).await.changed);
    assert_eq!(task.calls.calls().len(), 2);
}

#[tokio::test]
async fn awss_own_are_found_in_three_calls() {
    let found = Expected::query("GetPolicy")
        .parameter("PolicyArn", EXECUTION)
        .gives(&format!("<Policy><PolicyName>x</PolicyName><Arn>{EXECUTION}</Arn></Policy>"));
    let task = Task::new([
        no_role(),
        listed("Local", &[]),
        nowhere("arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy"),
        found,
    ]);
    let outcome = task.ok(&named("AmazonECSTaskExecutionRolePolicy"), Mode::Check).await;
    assert_eq!(outcome.result["iam_role"]["attached_policies"][0]["policy_arn"], EXECUTION);
}

#[tokio::test]
async fn the_accounts_own_come_first_wherever_they_are() {
    let task = Task::new([
        role(""),
        attached(&[]),
        listed("Local", &[("Other", "arn:aws:iam::123456789012:policy/Other"), ("Deploy", OWN)]),
        Expected::query("AttachRolePolicy").parameter("PolicyArn", OWN),
        role(""),
        attached(&[OWN]),
    ]);
    assert!(task.ok(&named("Deploy"), Mode::Apply).await.changed);
}

#[tokio::test]
async fn one_that_is_nowhere_is_a_failure_before_anything_is_made() {
    for mode in [Mode::Apply, Mode::Check] {
        let folders = ["", "service-role/", "aws-service-role/", "job-function/"];
        let folders = folders.map(|folder| nowhere(&format!("arn:aws:iam::aws:policy/{folder}Nope")));
        let task = Task::new(
            [no_role(), listed("Local", &[]), listed("AWS", &[("Yes", EXECUTION)])]
                .into_iter()
                .chain(folders),
        );
        let failure = task.fails(&named("Nope"), mode).await;
        assert_eq!(failure.message, "could not find a managed policy named Nope");
    }
}

#[tokio::test]
async fn one_that_this_plan_creates_is_not_asked_for() {
    let task = Task::new([no_role()]);
    let marker = unknown::marker(unknown::Cause::Created, "iam.policy Deploy: id");
    let policy = Address::new("iam.policy", "Deploy");
    task.world.cx().world().foretell(policy, rplay_module::Foretold::Created(marker.clone()));
    let outcome = task.ok(&named("Deploy"), Mode::Plan).await;
    assert_eq!(outcome.result["iam_role"]["attached_policies"][0]["policy_arn"], Value::from(marker));
}

#[tokio::test]
async fn an_arn_that_is_not_known_yet_makes_an_attached_role_one_that_may_change() {
    let marker = unknown::marker(unknown::Cause::Open, "policy.arn");
    let task = Task::new([role(""), attached(&[EXECUTION])]);
    let outcome = task.ok(&named(&marker), Mode::Plan).await;
    assert_eq!(outcome.planned[0].action, Intent::MayChange);
}

#[tokio::test]
async fn a_role_whose_name_is_not_known_yet_is_foretold_without_a_call() {
    let mut args = named("AmazonECSTaskExecutionRolePolicy");
    args["name"] = Value::from(unknown::marker(unknown::Cause::Created, "ec2.vpc app: id"));
    let outcome = Task::new([]).ok(&args, Mode::Plan).await;
    assert_eq!(outcome.planned[0].action, Intent::Create);
}

#[tokio::test]
async fn a_document_with_an_unknown_inside_is_foretold() {
    let mut policy = assets("s3:GetObject");
    policy["Statement"][0]["Resource"] = unknown::marker(unknown::Cause::Created, "s3.bucket a: arn").into();
    let task = Task::new(whole());
    let mut args = everything();
    args["inline_policies"] = json!({ "assets": policy });
    let outcome = task.ok(&args, Mode::Plan).await;
    assert_eq!(paths(&outcome), ["inline_policies.assets.Statement.Resource"]);
    assert_eq!(outcome.planned[0].action, Intent::MayChange);
}
