//! One field is edited at a time: foretold, called and changed is that field and nothing else.

use super::*;

const OTHER: &str = "arn:aws:iam::123456789012:policy/Other";

/// The role of [`everything`] is edited: what is called for it, what is read then, which fields differ.
async fn edit(args: Value, writes: Vec<Expected>, then: Vec<Expected>, changed: &[&str]) {
    let outcome = Task::new(whole()).ok(&args, Mode::Plan).await;
    assert_eq!(paths(&outcome), changed, "foretold: {args}");
    assert_eq!(outcome.planned[0].action, Intent::Update);
    let task = Task::new(whole().into_iter().chain(writes).chain(then));
    let outcome = task.ok(&args, Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(paths(&outcome), changed, "done: {args}");
}

fn edited(field: &str, value: Value) -> Value {
    let mut args = everything();
    args[field] = value;
    args
}

/// What is read of the role of [`everything`], with other elements of the role itself.
fn then(further: &str) -> Vec<Expected> {
    [role(further), attached(&[EXECUTION])]
        .into_iter()
        .chain(inline(&[("assets", assets("s3:GetObject"))]))
        .collect()
}

fn then_with(arns: &[&str], policies: &[(&str, Value)]) -> Vec<Expected> {
    let role = role(&format!("{}{TAGS}", description("Runs the web")));
    [role, attached(arns)].into_iter().chain(inline(policies)).collect()
}

/// AWS: what `UpdateRole` is not told is set back to its default.
#[tokio::test]
async fn description_and_session_always_go_together() {
    let update = Expected::query("UpdateRole")
        .parameter("Description", "Runs it all")
        .parameter("MaxSessionDuration", "3600");
    let now = then(&format!("{}{TAGS}", description("Runs it all")));
    edit(edited("description", json!("Runs it all")), vec![update], now, &["description"]).await;

    let update = Expected::query("UpdateRole")
        .parameter("Description", "Runs the web")
        .parameter("MaxSessionDuration", "7200");
    let session = "<MaxSessionDuration>7200</MaxSessionDuration>";
    let now = then(&format!("{}{TAGS}{session}", description("Runs the web")));
    edit(edited("max_session_duration", json!("7200")), vec![update], now, &["max_session_duration"]).await;

    let update = Expected::query("UpdateRole").parameter("Description", "");
    edit(edited("description", json!("")), vec![update], then(TAGS), &["description"]).await;
}

#[tokio::test]
async fn another_trust_policy_is_told_by_what_it_says() {
    let mut other = trust();
    other["Statement"][0]["Principal"]["Service"] = json!("ec2.amazonaws.com");
    let update = Expected::query("UpdateAssumeRolePolicy").parameter("PolicyDocument", &other.to_string());
    let described =
        format!("<Role>{}</Role>", described(&other, &format!("{}{TAGS}", description("Runs the web"))));
    let now = [Expected::query("GetRole").gives(&described), attached(&[EXECUTION])];
    let now = now.into_iter().chain(inline(&[("assets", assets("s3:GetObject"))])).collect();
    let field = "assume_role_policy_document.Statement.Principal.Service";
    edit(edited("assume_role_policy_document", other.to_string().into()), vec![update], now, &[field]).await;
}

#[tokio::test]
async fn a_boundary_is_put_and_removed() {
    let boundary = |arn: &str| {
        let element = format!(
            "<PermissionsBoundary><PermissionsBoundaryArn>{arn}</PermissionsBoundaryArn></PermissionsBoundary>"
        );
        format!("{}{TAGS}{element}", description("Runs the web"))
    };
    let put = Expected::query("PutRolePermissionsBoundary").parameter("PermissionsBoundary", OTHER);
    edit(edited("boundary", json!(OTHER)), vec![put], then(&boundary(OTHER)), &["boundary"]).await;

    let task = Task::new(
        then(&boundary(OTHER))
            .into_iter()
            .chain([Expected::query("DeleteRolePermissionsBoundary")])
            .chain(whole()),
    );
    assert_eq!(paths(&task.ok(&edited("boundary", json!("")), Mode::Apply).await), ["boundary"]);
}

#[tokio::test]
async fn managed_policies_are_attached_before_others_are_detached() {
    let attach = Expected::query("AttachRolePolicy").parameter("PolicyArn", OTHER);
    let detach = Expected::query("DetachRolePolicy").parameter("PolicyArn", EXECUTION);
    let now = then_with(&[OTHER], &[("assets", assets("s3:GetObject"))]);
    let args = edited("managed_policies", json!([OTHER]));
    let task = Task::new(whole().into_iter().chain([attach, detach]).chain(now));
    let outcome = task.ok(&args, Mode::Apply).await;
    assert_eq!(paths(&outcome), ["managed_policies"]);
    assert_eq!(task.calls.calls()[4..6], ["AttachRolePolicy", "DetachRolePolicy"]);

    let attach = Expected::query("AttachRolePolicy").parameter("PolicyArn", OTHER);
    let now = then_with(&[EXECUTION, OTHER], &[("assets", assets("s3:GetObject"))]);
    let mut args = edited("managed_policies", json!(OTHER));
    args["purge_policies"] = json!(false);
    edit(args, vec![attach], now, &["managed_policies"]).await;

    let detach = Expected::query("DetachRolePolicy").parameter("PolicyArn", EXECUTION);
    let now = then_with(&[], &[("assets", assets("s3:GetObject"))]);
    edit(edited("managed_policies", json!([])), vec![detach], now, &["managed_policies"]).await;
}

/// AWS: a role has ten managed policies at most, unless the quota was raised.
#[tokio::test]
async fn where_there_is_no_room_detaching_comes_first() {
    let refused = Expected::query("AttachRolePolicy")
        .refuses("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10");
    let writes = [
        refused,
        Expected::query("DetachRolePolicy").parameter("PolicyArn", EXECUTION),
        Expected::query("AttachRolePolicy").parameter("PolicyArn", OTHER),
    ];
    let now = then_with(&[OTHER], &[("assets", assets("s3:GetObject"))]);
    let task = Task::new(whole().into_iter().chain(writes).chain(now));
    let args = edited("managed_policies", json!([OTHER]));
    assert!(task.ok(&args, Mode::Apply).await.changed);
}

#[tokio::test]
async fn inline_policies_are_put_changed_and_deleted_by_what_they_say() {
    let put = Expected::query("PutRolePolicy")
        .parameter("PolicyName", "assets")
        .parameter("PolicyDocument", &assets("s3:*").to_string());
    let now = then_with(&[EXECUTION], &[("assets", assets("s3:*"))]);
    let args = edited("inline_policies", json!({ "assets": assets("s3:*") }));
    edit(args, vec![put], now, &["inline_policies.assets.Statement.Action"]).await;

    let writes = vec![
        Expected::query("PutRolePolicy").parameter("PolicyName", "other"),
        Expected::query("DeleteRolePolicy").parameter("PolicyName", "assets"),
    ];
    let now = then_with(&[EXECUTION], &[("other", assets("s3:GetObject"))]);
    let args = edited("inline_policies", json!({ "other": assets("s3:GetObject") }));
    let task = Task::new(whole().into_iter().chain(writes).chain(now));
    let outcome = task.ok(&args, Mode::Apply).await;
    assert!(paths(&outcome).iter().all(|path| path.starts_with("inline_policies.")), "{:?}", paths(&outcome));

    let put = Expected::query("PutRolePolicy").parameter("PolicyName", "other");
    let both = [("assets", assets("s3:GetObject")), ("other", assets("s3:GetObject"))];
    let mut args = edited("inline_policies", json!({ "other": assets("s3:GetObject").to_string() }));
    args["purge_policies"] = json!("no");
    let task = Task::new(whole().into_iter().chain([put]).chain(then_with(&[EXECUTION], &both)));
    assert!(task.ok(&args, Mode::Apply).await.changed);
}

#[tokio::test]
async fn tags_are_set_and_others_purged_unless_told_not_to() {
    let tags = |tags: &str| format!("{}<Tags>{tags}</Tags>", description("Runs the web"));
    let env = "<member><Key>env</Key><Value>prod</Value></member>";
    let app = "<member><Key>app</Key><Value>web</Value></member>";
    let set = || {
        Expected::query("TagRole")
            .parameter("Tags.member.1.Key", "env")
            .parameter("Tags.member.1.Value", "prod")
    };
    let remove = Expected::query("UntagRole").parameter("TagKeys.member.1", "app");
    let args = edited("tags", json!({ "env": "prod" }));
    edit(args.clone(), vec![set(), remove], then(&tags(env)), &["tags.env", "tags.app"]).await;
    let mut args = args;
    args["purge_tags"] = json!(false);
    edit(args, vec![set()], then(&tags(&format!("{app}{env}"))), &["tags.env"]).await;
}

/// Ansible's module says the same: the role stays where it is, and the run goes on.
#[tokio::test]
async fn another_path_is_a_warning() {
    let task = Task::new(whole());
    assert!(!task.ok(&edited("path", json!("/app/")), Mode::Apply).await.changed);
    assert_eq!(task.world.warnings(), ["AWS cannot change the path of role web from / to /app/"]);
}

#[tokio::test]
async fn a_diff_has_the_field_that_differs_on_both_sides() {
    let outcome = Task::new(whole()).ok(&edited("description", json!("new")), Mode::Check).await;
    let [diff] = outcome.diff.as_slice() else { panic!("{:?}", outcome.diff) };
    let rplay_module::DiffSide::Data(before) = &diff.before else { panic!("{diff:?}") };
    let rplay_module::DiffSide::Data(after) = &diff.after else { panic!("{diff:?}") };
    assert_eq!((&before["description"], &after["description"]), (&json!("Runs the web"), &json!("new")));
    assert_eq!(before["assume_role_policy_document"], after["assume_role_policy_document"]);
}
