//! `state: absent` and destruction.

use rplay_module::{KeptWhy, Realm};

use super::*;

fn absent(further: &Value) -> Value {
    let mut args = json!({ "name": "web", "state": "absent" });
    args.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    args
}

fn profiles(names: &[&str]) -> Expected {
    let members = names.iter().map(|name| {
        format!(
            "<member><InstanceProfileName>{name}</InstanceProfileName><InstanceProfileId>AIPA</InstanceProfileId>\
             <Arn>arn:aws:iam::1:instance-profile/{name}</Arn><Path>/</Path>\
             <CreateDate>2024-05-06T07:08:09Z</CreateDate><Roles></Roles></member>"
        )
    });
    let members = members.collect::<String>();
    Expected::query("ListInstanceProfilesForRole")
        .gives(&format!("<InstanceProfiles>{members}</InstanceProfiles>"))
}

fn taken_out(profile: &str) -> Expected {
    Expected::query("RemoveRoleFromInstanceProfile").parameter("InstanceProfileName", profile)
}

fn names(names: &[&str]) -> Expected {
    let names = names.iter().map(|name| format!("<member>{name}</member>")).collect::<Vec<_>>().concat();
    Expected::query("ListRolePolicies").gives(&format!("<PolicyNames>{names}</PolicyNames>"))
}

#[tokio::test]
async fn a_role_is_emptied_and_deleted_and_its_profile_stays() {
    let task = Task::new([
        role(""),
        attached(&[EXECUTION]),
        who(),
        profiles(&["web", "other"]),
        taken_out("web"),
        taken_out("other"),
        Expected::query("DetachRolePolicy").parameter("PolicyArn", EXECUTION),
        names(&["assets"]),
        Expected::query("DeleteRolePolicy").parameter("PolicyName", "assets"),
        // IAM: what was taken away a moment ago may still be in the way.
        Expected::query("DeleteRole").refuses("DeleteConflict", "must detach all policies first"),
        Expected::query("DeleteRole"),
        no_role(),
    ]);
    let outcome = task.ok(&absent(&json!({})), Mode::Apply).await;
    assert!(outcome.changed && outcome.result.is_empty());
    assert_eq!(task.stages(), [("iam.role web".to_owned(), Ownership::Gone)]);
}

#[tokio::test]
async fn only_the_profile_of_the_same_name_goes_with_the_role() {
    let task = Task::new([
        role(""),
        attached(&[]),
        who(),
        profiles(&["web", "other"]),
        taken_out("web"),
        Expected::query("DeleteInstanceProfile").parameter("InstanceProfileName", "web"),
        taken_out("other"),
        names(&[]),
        Expected::query("DeleteRole"),
        no_role(),
    ]);
    assert!(task.ok(&absent(&json!({ "delete_instance_profile": true })), Mode::Apply).await.changed);
}

#[tokio::test]
async fn what_is_gone_is_no_change_and_a_check_deletes_nothing() {
    assert!(!Task::new([no_role()]).ok(&absent(&json!({})), Mode::Apply).await.changed);
    let task = Task::new([role(""), attached(&[])]);
    let outcome = task.ok(&absent(&json!({})), Mode::Check).await;
    assert_eq!((outcome.changed, outcome.planned[0].action), (true, Intent::Delete));
}

/// Others delete the same at the same time, or the answer to the first request was lost.
#[tokio::test]
async fn what_goes_while_it_is_deleted_is_no_failure() {
    let gone = |action: &str| Expected::query(action).refuses("NoSuchEntity", "none");
    let task = Task::new([
        role(""),
        attached(&[EXECUTION]),
        who(),
        profiles(&["web"]),
        gone("RemoveRoleFromInstanceProfile"),
        gone("DetachRolePolicy"),
        names(&["assets"]),
        gone("DeleteRolePolicy"),
        Expected::query("DeleteRole").loses_the_answer(),
        gone("DeleteRole"),
        no_role(),
    ]);
    assert!(task.ok(&absent(&json!({})), Mode::Apply).await.changed);
}

fn realm() -> Realm {
    Realm { account: "123456789012".to_owned(), region: String::new(), endpoint: String::new() }
}

fn owning(addresses: &[Address], expected: impl IntoIterator<Item = Expected>) -> Task {
    let world =
        addresses.iter().fold(TestWorld::aws(), |world, address| world.owning(address.clone(), realm()));
    let (world, calls) = (world.start(), Recorded::new(expected));
    world.cx().shared::<Transport>().replace(calls.client());
    Task { world, calls }
}

#[tokio::test]
async fn a_destroy_deletes_what_we_made() {
    let task = owning(
        &[crate::role::address("web")],
        whole().into_iter().chain([
            who(),
            profiles(&[]),
            profiles(&[]),
            Expected::query("DetachRolePolicy"),
            Expected::query("DeleteRolePolicy").parameter("PolicyName", "assets"),
            Expected::query("DeleteRole"),
            no_role(),
        ]),
    );
    let outcome = task.ok(&everything(), Mode::Destroy).await;
    assert!(outcome.changed && outcome.kept.is_empty());
    assert_eq!(task.stages().last().unwrap().1, Ownership::Gone);
    let task = Task::new([no_role()]);
    assert!(!task.ok(&everything(), Mode::Destroy).await.changed);
}

#[tokio::test]
async fn a_destroy_leaves_alone_what_others_made_or_what_carries_it() {
    let task = Task::new(whole().into_iter().chain([who()]));
    let outcome = task.ok(&everything(), Mode::Destroy).await;
    assert_eq!(outcome.kept[0].why, KeptWhy::NotOurs);
    let own = [crate::role::address("web")];
    let task = owning(&own, whole().into_iter().chain([who(), profiles(&["machines"])]));
    let outcome = task.ok(&everything(), Mode::Destroy).await;
    assert_eq!(outcome.kept[0].why, KeptWhy::Holds(vec!["instance profile machines".to_owned()]));
}
