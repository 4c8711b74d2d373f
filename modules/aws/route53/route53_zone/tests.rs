//! What is called, how often, and what comes of it.

use std::sync::Arc;

use rplay_aws::Transport;
use rplay_module::{Intent, Mode, Outcome, Ownership, drive};
use rplay_test_support::TestWorld;
use rplay_test_support::recorded::{Expected, Recorded};

use super::*;

mod stand_in;

const BY_NAME: &str = "/2013-04-01/hostedzonesbyname";
const ZONES: &str = "/2013-04-01/hostedzone";
const ZONE: &str = "/2013-04-01/hostedzone/Z1";
const TAGS: &str = "/2013-04-01/tags/hostedzone/Z1";

struct Task {
    world: Arc<TestWorld>,
    calls: Recorded,
}

impl Task {
    fn new(expected: impl IntoIterator<Item = Expected>) -> Self {
        let (world, calls) = (TestWorld::aws().start(), Recorded::new(expected));
        world.cx().shared::<Transport>().replace(calls.client());
        Self { world, calls }
    }

    async fn run(&self, args: Value, mode: Mode) -> Outcome {
        Box::pin(drive::resource(&ZoneResource, &self.world.cx(), &args, mode)).await
    }

    /// Runs the task, which must not fail.
    async fn ok(&self, args: Value, mode: Mode) -> Outcome {
        let outcome = self.run(args, mode).await;
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        outcome
    }

    async fn fails(&self, args: Value) -> Failure {
        self.run(args, Mode::Apply).await.failure.expect("a failure")
    }
}

/// A zone as the list has it.
fn zone(id: &str, comment: &str, private: bool) -> String {
    format!(
        "<HostedZone><Id>/hostedzone/{id}</Id><Name>web.example.</Name><CallerReference>r</CallerReference>\
         <Config><Comment>{comment}</Comment><PrivateZone>{private}</PrivateZone></Config></HostedZone>"
    )
}

fn listed(zones: &str) -> Expected {
    Expected::rest("GET", BY_NAME).parameter("dnsname", "web.example.").answers_xml(&format!(
        "<ListHostedZonesByNameResponse><HostedZones>{zones}</HostedZones><IsTruncated>false</IsTruncated>\
         <MaxItems>100</MaxItems></ListHostedZonesByNameResponse>"
    ))
}

fn read_one(id: &str, vpcs: &[&str]) -> Expected {
    let vpc = |id: &&str| format!("<VPC><VPCRegion>eu-west-1</VPCRegion><VPCId>{id}</VPCId></VPC>");
    let vpcs: String = vpcs.iter().map(vpc).collect();
    Expected::rest("GET", &format!("{ZONES}/{id}")).answers_xml(&format!(
        "<GetHostedZoneResponse>{}<VPCs>{vpcs}</VPCs></GetHostedZoneResponse>",
        zone(id, "", true)
    ))
}

fn tagged(tags: &[(&str, &str)]) -> Expected {
    let tag = |(key, value): &(&str, &str)| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>");
    let tags: String = tags.iter().map(tag).collect();
    Expected::rest("GET", TAGS).answers_xml(&format!(
        "<ListTagsForResourceResponse><ResourceTagSet><ResourceType>hostedzone</ResourceType>\
         <ResourceId>Z1</ResourceId><Tags>{tags}</Tags></ResourceTagSet></ListTagsForResourceResponse>"
    ))
}

fn created() -> Expected {
    Expected::rest("POST", ZONES).answers_with(
        201,
        &[],
        &format!("<CreateHostedZoneResponse>{}</CreateHostedZoneResponse>", zone("Z1", "", false)),
    )
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity").gives("<Account>123456789012</Account>")
}

fn changed() -> Expected {
    Expected::rest("POST", TAGS)
        .answers_xml("<ChangeTagsForResourceResponse></ChangeTagsForResourceResponse>")
}

fn paths(outcome: &Outcome) -> Vec<&str> {
    outcome.planned.iter().flat_map(|planned| &planned.fields).map(|field| field.path.as_str()).collect()
}

fn public() -> Value {
    json!({ "zone": "Web.example" })
}

fn private(vpcs: &[&str]) -> Value {
    let vpcs: Vec<Value> = vpcs.iter().map(|id| json!({ "id": id, "region": "eu-west-1" })).collect();
    json!({ "zone": "web.example", "vpcs": vpcs })
}

#[tokio::test]
async fn a_check_foretells_a_zone_with_one_read() {
    let task = Task::new([listed("")]);
    let outcome = task.ok(public(), Mode::Check).await;
    assert!(outcome.changed);
    assert_eq!(outcome.planned[0].address, "route53.zone web.example");
    assert_eq!(outcome.planned[0].action, Intent::Create);
    assert!(unknown::is_unknown(outcome.result["zone_id"].as_str().unwrap()));
    assert_eq!(task.calls.calls().len(), 1);
}

#[tokio::test]
async fn a_zone_is_created_in_four_calls_and_kept_with_one() {
    let task = Task::new([
        listed(""),
        who(),
        created().containing("<Name>web.example.</Name>").containing("<CallerReference>"),
        listed(&zone("Z1", "", false)).repeatedly(),
    ]);
    let outcome = task.ok(public(), Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(task.calls.calls().len(), 4);
    assert_eq!(outcome.result["zone_id"], "Z1");
    assert_eq!(outcome.result["name"], "web.example.");
    assert_eq!(outcome.result["private_zone"], false);
    assert_eq!(outcome.result["result"]["zone_id"], "Z1");
    assert_eq!(
        task.world.ownership().iter().map(|(_, _, stage)| *stage).collect::<Vec<_>>(),
        [Ownership::Intended, Ownership::Created]
    );
    assert!(!task.ok(public(), Mode::Apply).await.changed);
    assert_eq!(task.calls.calls().len(), 5);
}

#[tokio::test]
async fn an_edited_comment_and_tags_are_the_only_change() {
    let args =
        |comment: &str| json!({ "zone": "web.example", "comment": comment, "tags": { "a": "2", "c": "3" } });
    let task = Task::new([
        listed(&zone("Z1", "old", false)),
        tagged(&[("a", "1"), ("b", "1"), ("aws:x", "y")]),
        Expected::rest("POST", ZONE).containing("<Comment>new</Comment>").answers_xml(&format!(
            "<UpdateHostedZoneCommentResponse>{}</UpdateHostedZoneCommentResponse>",
            zone("Z1", "new", false)
        )),
        changed()
            .containing("<Key>a</Key><Value>2</Value>")
            .containing("<RemoveTagKeys><Key>b</Key></RemoveTagKeys>"),
        listed(&zone("Z1", "new", false)).repeatedly(),
        tagged(&[("a", "2"), ("c", "3"), ("aws:x", "y")]).repeatedly(),
    ]);
    let outcome = task.ok(args("new"), Mode::Apply).await;
    assert_eq!(paths(&outcome), ["comment", "tags.a", "tags.c", "tags.b"]);
    assert_eq!(outcome.result["tags"], json!({ "a": "2", "c": "3" }));
    assert!(!task.ok(args("new"), Mode::Apply).await.changed);
}

#[tokio::test]
async fn tags_that_are_not_named_stay_where_that_is_asked_for() {
    let args = json!({ "zone": "web.example", "tags": { "a": "1" }, "purge_tags": false });
    let task = Task::new([listed(&zone("Z1", "", false)), tagged(&[("a", "1"), ("b", "2")])]);
    assert!(!task.ok(args, Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_lost_answer_of_the_creation_makes_no_second_zone() {
    // Sent again by the SDK under the same reference, of which Route 53 knows that it has a zone.
    let task = Task::new([
        listed(""),
        who(),
        created().loses_the_answer(),
        Expected::rest("POST", ZONES).refuses("HostedZoneAlreadyExists", "already created"),
        listed(&zone("Z1", "", false)).repeatedly(),
    ]);
    assert!(task.ok(public(), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_reference_that_was_used_for_a_deleted_zone_is_not_used_again() {
    // A rule of Route 53 that a stand-in may not know: a reference is good for one zone, for ever.
    let task = Task::new([
        listed(""),
        who(),
        Expected::rest("POST", ZONES).refuses("HostedZoneAlreadyExists", "already created"),
        listed(""),
        created().containing("-1700000000</CallerReference>"),
        listed(&zone("Z1", "", false)).repeatedly(),
    ]);
    assert!(task.ok(public(), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_private_zone_is_told_from_one_of_the_same_name_in_another_vpc() {
    let others = || listed(&(zone("Z0", "", false) + &zone("Z9", "", true)));
    let task = Task::new([
        others(),
        read_one("Z9", &["vpc-other"]),
        who(),
        created().containing("<VPCId>vpc-1</VPCId>"),
        Expected::rest("POST", &format!("{ZONE}/associatevpc"))
            .containing("<VPCId>vpc-2</VPCId>")
            .answers_xml("<AssociateVPCWithHostedZoneResponse></AssociateVPCWithHostedZoneResponse>"),
        listed(&(zone("Z1", "", true) + &zone("Z9", "", true))).repeatedly(),
        read_one("Z9", &["vpc-other"]).repeatedly(),
        read_one("Z1", &["vpc-2", "vpc-1"]).repeatedly(),
    ]);
    let outcome = task.ok(private(&["vpc-1", "vpc-2"]), Mode::Apply).await;
    assert_eq!(outcome.planned[0].address, "route53.private_zone web.example");
    assert_eq!(outcome.result["vpc_id"], "vpc-1");
    assert!(!task.ok(private(&["vpc-1", "vpc-2"]), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_private_zone_moves_without_ever_being_in_no_vpc() {
    // Route 53 refuses to take the last VPC out of a zone.
    let info = "<ChangeInfo><Id>C1</Id><Status>PENDING</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo>";
    let move_vpc = |what: &str, action: &str, id: &str| {
        let answer = format!("<{action}Response>{info}</{action}Response>");
        Expected::rest("POST", &format!("{ZONE}/{what}")).containing(id).answers_xml(&answer)
    };
    let task = Task::new([
        listed(&zone("Z1", "", true)).repeatedly(),
        read_one("Z1", &["vpc-1", "vpc-2"]),
        move_vpc("associatevpc", "AssociateVPCWithHostedZone", "vpc-3"),
        move_vpc("disassociatevpc", "DisassociateVPCFromHostedZone", "vpc-1"),
        read_one("Z1", &["vpc-2", "vpc-3"]).repeatedly(),
    ]);
    let outcome = task.ok(private(&["vpc-2", "vpc-3"]), Mode::Apply).await;
    assert_eq!(paths(&outcome), ["vpcs.0.id", "vpcs.1.id"]);
    let calls = task.calls.calls();
    let at = |what: &str| calls.iter().position(|call| call.ends_with(what)).unwrap();
    assert!(at("/associatevpc") < at("/disassociatevpc"));
}

#[tokio::test]
async fn a_zone_is_deleted_and_then_there_is_none() {
    let args = || json!({ "zone": "web.example", "state": "absent" });
    let task = Task::new([
        listed(&zone("Z1", "", false)),
        who(),
        Expected::rest("DELETE", ZONE).answers_xml("<DeleteHostedZoneResponse></DeleteHostedZoneResponse>"),
        listed("").repeatedly(),
    ]);
    let outcome = task.ok(args(), Mode::Apply).await;
    assert_eq!(outcome.result["result"], "Successfully deleted web.example.");
    assert!(!task.ok(args(), Mode::Apply).await.changed);
}

#[tokio::test]
async fn only_the_zone_in_exactly_the_named_vpcs_is_deleted() {
    let args = json!({
        "zone": "web.example", "state": "absent", "vpc_id": "vpc-1", "vpc_region": "eu-west-1",
    });
    let task = Task::new([listed(&zone("Z1", "", true)), read_one("Z1", &["vpc-1", "vpc-2"])]);
    assert!(!task.ok(args, Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_zone_that_is_not_empty_says_what_to_do() {
    let task = Task::new([
        listed(&zone("Z1", "", false)).repeatedly(),
        who(),
        Expected::rest("DELETE", ZONE).refuses("HostedZoneNotEmpty", "it has records"),
    ]);
    let failure = task.fails(json!({ "zone": "web.example", "state": "absent" })).await;
    assert_eq!(failure.message, "could not delete zone web.example.: HostedZoneNotEmpty: it has records");
    assert_eq!(failure.hint.as_deref(), Some("delete its records first"));
}

#[tokio::test]
async fn several_zones_of_a_name_need_an_id() {
    let both = zone("Z1", "", false) + &zone("Z2", "", false);
    let task = Task::new([listed(&both).repeatedly()]);
    let failure = task.fails(public()).await;
    assert_eq!(
        failure.message,
        "could not tell which zone Web.example is meant: Z2, Z1".replace("Z2, Z1", "Z1, Z2")
    );
    let args = json!({ "zone": "web.example", "hosted_zone_id": "Z2" });
    assert_eq!(task.ok(args, Mode::Apply).await.result["zone_id"], "Z2");
    let args = json!({ "zone": "web.example", "hosted_zone_id": "Z3" });
    assert_eq!(task.fails(args).await.message, "could not find zone web.example with the id Z3");
    let args = json!({ "zone": "web.example", "hosted_zone_id": "all", "state": "absent" });
    assert_eq!(task.fails(args).await.message, "could not delete all zones of a name: that is not built yet");
}

#[tokio::test]
async fn a_vpc_that_is_to_be_created_is_not_asked_for() {
    let vpc = unknown::marker(unknown::Cause::Created, "ec2.vpc web: id");
    let task = Task::new([]);
    let outcome = task.ok(private(&[&vpc]), Mode::Check).await;
    assert_eq!(outcome.planned[0].action, Intent::Create);
}

#[tokio::test]
async fn each_wrong_argument_is_named() {
    let task = Task::new([]);
    for (args, expected) in [
        (json!({}), "missing required arguments: zone"),
        (json!({ "zone": "a", "vpc_id": "v" }), "parameters are required together: vpc_id, vpc_region"),
        (
            json!({ "zone": "a", "vpc_id": "v", "vpc_region": "r", "vpcs": [] }),
            "parameters are mutually exclusive: vpcs|vpc_id",
        ),
        (
            json!({ "zone": "a", "state": "here" }),
            "value of state must be one of: present, absent, got: here",
        ),
        (json!({ "zone": "a", "dnssec": true }), "dnssec"),
    ] {
        let message = task.fails(args).await.message;
        assert!(message.contains(expected), "{message}");
    }
}
