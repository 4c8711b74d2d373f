//! A role with the instance profile of its name: two resources, each planned and counted alone.

use rplay_module::Realm;

use super::*;

fn args() -> Value {
    json!({ "name": "web", "assume_role_policy_document": trust() })
}

/// What IAM says of the profile; it carries that role.
fn profile(role: Option<&str>) -> Expected {
    let role = role.map(|role| {
        format!(
            "<member><RoleName>{role}</RoleName><RoleId>AROA</RoleId><Arn>{ARN}</Arn><Path>/</Path>\
             <CreateDate>2024-05-06T07:08:09Z</CreateDate></member>"
        )
    });
    Expected::query("GetInstanceProfile").parameter("InstanceProfileName", "web").gives(&format!(
        "<InstanceProfile><InstanceProfileName>web</InstanceProfileName><InstanceProfileId>AIPA</InstanceProfileId>\
         <Arn>arn:aws:iam::123456789012:instance-profile/web</Arn><Path>/</Path>\
         <CreateDate>2024-05-06T07:08:09Z</CreateDate><Roles>{}</Roles></InstanceProfile>",
        role.unwrap_or_default()
    ))
}

fn no_profile() -> Expected {
    Expected::query("GetInstanceProfile").refuses("NoSuchEntity", "none")
}

fn added() -> Expected {
    Expected::query("AddRoleToInstanceProfile")
        .parameter("InstanceProfileName", "web")
        .parameter("RoleName", "web")
}

#[tokio::test]
async fn role_and_profile_are_foretold_and_made() {
    let task = Task::new([no_role(), no_profile()]);
    let outcome = task.ok(&args(), Mode::Plan).await;
    let planned: Vec<_> = outcome.planned.iter().map(|planned| planned.address.as_str()).collect();
    assert_eq!(planned, ["iam.role web", "iam.instance_profile web"]);
    assert_eq!(outcome.result["iam_role"]["role_name"], "web");

    let task = Task::new([
        no_role(),
        who(),
        Expected::query("CreateRole"),
        role(""),
        attached(&[]),
        no_profile(),
        Expected::query("CreateInstanceProfile").parameter("Path", "/"),
        added(),
        profile(Some("web")),
    ]);
    let outcome = task.ok(&args(), Mode::Apply).await;
    assert_eq!(outcome.result["arn"], ARN);
    assert_eq!(task.stages().len(), 4);
}

#[tokio::test]
async fn a_rerun_costs_three_reads() {
    let task = Task::new([role(""), attached(&[]), profile(Some("web"))]);
    assert!(!task.ok(&args(), Mode::Apply).await.changed);
}

/// A run that ended between the two calls is finished by the next one.
#[tokio::test]
async fn an_empty_profile_gets_the_role() {
    let task = Task::new([role(""), attached(&[]), profile(None), added(), profile(Some("web"))]);
    let outcome = task.ok(&args(), Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(paths(&outcome), ["role"]);
}

#[tokio::test]
async fn a_profile_that_carries_another_role_keeps_it_with_a_warning() {
    let task = Task::new([role(""), attached(&[]), profile(Some("other"))]);
    assert!(!task.ok(&args(), Mode::Apply).await.changed);
    assert_eq!(
        task.world.warnings(),
        ["profile web already exists and will not be updated: it carries other"]
    );
}

/// AWS: a profile carries one role, and refuses the second request for the same one.
#[tokio::test]
async fn lost_answers_are_looked_after() {
    let task = Task::new([
        role(""),
        attached(&[]),
        no_profile(),
        who(),
        Expected::query("CreateInstanceProfile").loses_the_answer(),
        profile(None),
        added().loses_the_answer(),
        profile(Some("web")),
    ]);
    assert!(task.ok(&args(), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_role_that_the_profile_does_not_know_yet_is_waited_for() {
    let task = Task::new([
        role(""),
        attached(&[]),
        profile(None),
        added().refuses("NoSuchEntity", "The role with name web cannot be found."),
        added(),
        profile(Some("web")),
    ]);
    assert!(task.ok(&args(), Mode::Apply).await.changed);
}

/// A world in which earlier runs made both.
fn owning(expected: impl IntoIterator<Item = Expected>) -> Task {
    let realm = Realm { account: "123456789012".to_owned(), region: String::new(), endpoint: String::new() };
    let world = TestWorld::aws()
        .owning(crate::role::address("web"), realm.clone())
        .owning(crate::instance_profile::address("web"), realm)
        .start();
    let calls = Recorded::new(expected);
    world.cx().shared::<Transport>().replace(calls.client());
    Task { world, calls }
}

fn carried_by(profile: &str) -> Expected {
    Expected::query("ListInstanceProfilesForRole")
        .gives(&format!("<InstanceProfiles>{profile}</InstanceProfiles>"))
}

/// Our own profile is in the role's way only until it is deleted itself.
#[tokio::test]
async fn a_plan_of_a_destroy_lists_both() {
    let profile_of_ours = "<member><InstanceProfileName>web</InstanceProfileName>\
         <InstanceProfileId>AIPA</InstanceProfileId><Arn>arn</Arn><Path>/</Path>\
         <CreateDate>2024-05-06T07:08:09Z</CreateDate><Roles></Roles></member>";
    let task = owning([profile(Some("web")), who(), role(""), attached(&[]), carried_by(profile_of_ours)]);
    let outcome = task.ok(&args(), Mode::PlanDestroy).await;
    let planned: Vec<_> =
        outcome.planned.iter().map(|planned| (planned.address.as_str(), planned.action)).collect();
    assert_eq!(planned, [("iam.instance_profile web", Intent::Delete), ("iam.role web", Intent::Delete)]);
    assert!(outcome.kept.is_empty());
}

#[tokio::test]
async fn a_destroy_takes_the_profile_first() {
    let task = owning([
        profile(Some("web")),
        who(),
        Expected::query("RemoveRoleFromInstanceProfile"),
        Expected::query("DeleteInstanceProfile"),
        no_profile(),
        role(""),
        attached(&[]),
        carried_by(""),
        carried_by(""),
        Expected::query("ListRolePolicies").gives("<PolicyNames></PolicyNames>"),
        Expected::query("DeleteRole"),
        no_role(),
    ]);
    let outcome = task.ok(&args(), Mode::Destroy).await;
    assert!(outcome.changed && outcome.kept.is_empty(), "{:?}", outcome.kept);
    assert_eq!(task.stages().iter().filter(|(_, stage)| *stage == Ownership::Gone).count(), 2);
}
