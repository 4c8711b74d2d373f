//! Lost answers, late sight, refusals.

use super::*;

fn created() -> Expected {
    Expected::query("CreateRole").gives(&format!("<Role>{}</Role>", described(&trust(), "")))
}

#[tokio::test]
async fn a_lost_answer_of_the_creation_is_looked_after_and_the_rest_is_done() {
    let half = || [role(&format!("{}{TAGS}", description("Runs the web"))), attached(&[])];
    let task = Task::new(
        [no_role(), who(), Expected::query("CreateRole").loses_the_answer()]
            .into_iter()
            .chain(half())
            .chain(inline(&[]))
            .chain([Expected::query("AttachRolePolicy"), Expected::query("PutRolePolicy")])
            .chain(whole()),
    );
    assert!(task.ok(&everything(), Mode::Apply).await.changed);
    assert_eq!(task.calls.calls().iter().filter(|call| *call == "CreateRole").count(), 1);
}

#[tokio::test]
async fn a_role_that_is_not_seen_at_once_is_not_made_twice() {
    let task = Task::new([
        no_role(),
        who(),
        Expected::query("CreateRole").loses_the_answer(),
        no_role(),
        no_role(),
        no_role(),
        no_role(),
        Expected::query("CreateRole").refuses("EntityAlreadyExists", "Role with name web already exists."),
        role(""),
        attached(&[]),
    ]);
    assert!(task.ok(&web(&json!({})), Mode::Apply).await.changed);
}

/// IAM: what was just created is not seen everywhere at once.
#[tokio::test]
async fn a_role_that_is_seen_late_is_waited_for() {
    let task = Task::new(
        [no_role(), who(), created()]
            .into_iter()
            .chain([
                Expected::query("AttachRolePolicy")
                    .refuses("NoSuchEntity", "The role with name web cannot be found."),
                Expected::query("AttachRolePolicy"),
                no_role(),
                role(""),
                attached(&[]),
            ])
            .chain([role(""), attached(&[EXECUTION])]),
    );
    let args = web(&json!({ "managed_policies": [EXECUTION] }));
    assert!(task.ok(&args, Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_role_that_is_never_seen_fails_after_wait_timeout() {
    let task = Task::new([no_role().repeatedly(), who(), created()]);
    let failure = task.fails(&web(&json!({ "wait_timeout": 20 })), Mode::Apply).await;
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert!((20..25).contains(&task.world.slept().as_secs()), "{:?}", task.world.slept());
}

/// IAM: a role named in a trust policy must be known to it, and one that was just made is not yet.
#[tokio::test]
async fn a_principal_that_was_just_made_is_waited_for() {
    let mut args = web(&json!({}));
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::123456789012:role/ci" }, "Action": "sts:AssumeRole" }] });
    args["assume_role_policy_document"] = trust.clone();
    let invalid =
        || Expected::query("CreateRole").refuses("MalformedPolicyDocument", "Invalid principal in policy");
    let found = format!("<Role>{}</Role>", described(&trust, ""));
    let task = Task::new([
        no_role(),
        who(),
        invalid(),
        invalid(),
        Expected::query("CreateRole").gives(&found),
        Expected::query("GetRole").gives(&found),
        attached(&[]),
    ]);
    assert!(task.ok(&args, Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_malformed_document_is_refused_at_once_in_iams_words() {
    let task = Task::new([
        no_role(),
        who(),
        Expected::query("CreateRole").refuses("MalformedPolicyDocument", "Has prohibited field Resource"),
        no_role(),
    ]);
    let failure = task.fails(&web(&json!({})), Mode::Apply).await;
    assert_eq!(
        failure.message,
        "could not create role web: MalformedPolicyDocument: Has prohibited field Resource"
    );
    assert_eq!(task.stages().last().unwrap().1, Ownership::Gone);
}

/// What has been made so far stays owned, and the next run goes on from there.
#[tokio::test]
async fn a_policy_that_does_not_exist_leaves_an_owned_role_behind() {
    let refused =
        Expected::query("AttachRolePolicy").refuses("NoSuchEntity", "Policy does not exist").repeatedly();
    let task = Task::new([no_role(), who(), created(), refused, role(""), attached(&[])]);
    let failure = task.fails(&web(&json!({ "managed_policies": [EXECUTION] })), Mode::Apply).await;
    assert_eq!(
        failure.message,
        format!("could not attach policy {EXECUTION} to role web: NoSuchEntity: Policy does not exist")
    );
    assert_eq!(task.stages(), [("iam.role web".to_owned(), Ownership::Intended)]);
}

#[tokio::test]
async fn throttled_reads_and_two_writes_at_once_are_waited_out() {
    let task = Task::new(
        [Expected::query("GetRole").throttles()]
            .into_iter()
            .chain(whole())
            .chain([
                Expected::query("UpdateRole").refuses("ConcurrentModification", "busy"),
                Expected::query("UpdateRole"),
            ])
            .chain([role(&format!("{}{TAGS}", description("new"))), attached(&[EXECUTION])])
            .chain(inline(&[("assets", assets("s3:GetObject"))])),
    );
    let mut args = everything();
    args["description"] = json!("new");
    assert!(task.ok(&args, Mode::Apply).await.changed);
}

#[tokio::test]
async fn who_may_not_read_is_told_so() {
    let task = Task::new([
        Expected::query("GetRole").refuses("AccessDenied", "not authorized to perform: iam:GetRole")
    ]);
    let failure = task.fails(&web(&json!({})), Mode::Check).await;
    assert_eq!(
        failure.message,
        "could not read role web: AccessDenied: not authorized to perform: iam:GetRole"
    );
    assert!(failure.hint.is_some());
}
