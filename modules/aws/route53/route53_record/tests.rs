//! What is called, how often, and what comes of it.

use std::sync::Arc;

use rplay_aws::Transport;
use rplay_module::{Intent, Mode, Outcome, drive};
use rplay_test_support::TestWorld;
use rplay_test_support::recorded::{Expected, Recorded};

use super::*;
use crate::route53_zone::ZoneResource;

mod stand_in;

const BY_NAME: &str = "/2013-04-01/hostedzonesbyname";
const RECORDS: &str = "/2013-04-01/hostedzone/Z1/rrset";

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
        Box::pin(drive::resource(&Record, &self.world.native_cx(), &args, mode)).await
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

fn zones(inside: &str) -> Expected {
    Expected::rest("GET", BY_NAME).answers_xml(&format!(
        "<ListHostedZonesByNameResponse><HostedZones>{inside}</HostedZones><IsTruncated>false</IsTruncated>\
         <MaxItems>100</MaxItems></ListHostedZonesByNameResponse>"
    ))
}

fn zone() -> Expected {
    zones(
        "<HostedZone><Id>/hostedzone/Z1</Id><Name>web.example.</Name><CallerReference>r</CallerReference></HostedZone>",
    )
    .repeatedly()
}

fn records(sets: &str) -> Expected {
    Expected::rest("GET", RECORDS).answers_xml(&format!(
        "<ListResourceRecordSetsResponse><ResourceRecordSets>{sets}</ResourceRecordSets>\
         <IsTruncated>false</IsTruncated><MaxItems>300</MaxItems></ListResourceRecordSetsResponse>"
    ))
}

fn set(name: &str, kind: &str, further: &str, values: &[&str]) -> String {
    let value = |value: &&str| format!("<ResourceRecord><Value>{value}</Value></ResourceRecord>");
    let values: String = values.iter().map(value).collect();
    format!(
        "<ResourceRecordSet><Name>{name}</Name><Type>{kind}</Type>{further}<TTL>300</TTL>\
         <ResourceRecords>{values}</ResourceRecords></ResourceRecordSet>"
    )
}

fn alias(name: &str) -> String {
    format!(
        "<ResourceRecordSet><Name>web.example.</Name><Type>A</Type><AliasTarget><HostedZoneId>ZLB</HostedZoneId>\
         <DNSName>{name}</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget></ResourceRecordSet>"
    )
}

fn sent(action: &str) -> Expected {
    Expected::rest("POST", RECORDS).containing(&format!("<Action>{action}</Action>")).answers_xml(
        "<ChangeResourceRecordSetsResponse><ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status>\
         <SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo></ChangeResourceRecordSetsResponse>",
    )
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity").gives("<Account>123456789012</Account>")
}

fn paths(outcome: &Outcome) -> Vec<&str> {
    outcome.planned.iter().flat_map(|planned| &planned.fields).map(|field| field.path.as_str()).collect()
}

fn www(values: &[&str]) -> Value {
    json!({ "zone": "web.example", "record": "www", "type": "A", "values": values })
}

fn load_balancer(dns_name: &str) -> Value {
    json!({
        "zone": "web.example", "record": "web.example", "type": "A",
        "alias": { "dns_name": dns_name, "hosted_zone_id": "ZLB" },
    })
}

#[tokio::test]
async fn a_record_is_created_in_seven_calls_and_kept_with_two() {
    let task = Task::new([
        zone(),
        records(&set("other.web.example.", "A", "", &["10.0.0.9"])),
        who(),
        sent("UPSERT")
            .containing("<Name>www.web.example.</Name>")
            .containing("<TTL>300</TTL>")
            .containing("<Value>10.0.0.1</Value>"),
        records(&set("www.web.example.", "A", "", &["10.0.0.1"])).repeatedly(),
    ]);
    let outcome = task.ok(www(&["10.0.0.1"]), Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(outcome.planned[0].address, "route53.record web.example/www.web.example A");
    assert_eq!(outcome.result["name"], "www.web.example");
    assert_eq!(outcome.result["zone_id"], "Z1");
    // The zone is found once per task.
    assert_eq!(task.calls.calls(), [BY_NAME, RECORDS, "GetCallerIdentity", RECORDS, RECORDS]);
    assert!(!task.ok(www(&["10.0.0.1"]), Mode::Apply).await.changed);
    assert_eq!(task.calls.calls().len(), 7);
}

#[tokio::test]
async fn an_alias_is_the_same_however_its_name_is_written() {
    let task = Task::new([zone(), records(&alias("web-1.elb.amazonaws.com.")).repeatedly()]);
    assert!(!task.ok(load_balancer("Web-1.elb.amazonaws.com"), Mode::Apply).await.changed);
    let outcome = task.ok(load_balancer("web-2.elb.amazonaws.com"), Mode::Check).await;
    assert_eq!(paths(&outcome), ["alias.dns_name"]);
}

#[tokio::test]
async fn a_record_of_a_zone_and_a_load_balancer_to_be_created_is_foretold_without_asking_for_it() {
    let task = Task::new([zones("")]);
    let zone = json!({ "zone": "web.example" });
    let foretold = Box::pin(drive::resource(&ZoneResource, &task.world.cx(), &zone, Mode::Check)).await;
    assert!(foretold.changed);
    let name = unknown::marker(unknown::Cause::Created, "elb.load_balancer web: dns_name");
    let outcome = task.ok(load_balancer(&name), Mode::Check).await;
    assert_eq!(outcome.planned[0].action, Intent::Create);
    assert_eq!(task.calls.calls().len(), 1);
}

#[tokio::test]
async fn a_record_of_no_zone_fails() {
    let task = Task::new([zones("")]);
    let failure = task.fails(www(&["10.0.0.1"])).await;
    assert_eq!(failure.message, "could not find route53.zone web.example");
}

#[tokio::test]
async fn each_edit_changes_what_was_edited() {
    let have = || records(&set("www.web.example.", "A", "", &["10.0.0.1", "10.0.0.2"]));
    for (edit, expected) in [
        (json!({ "values": ["10.0.0.2", "10.0.0.1"] }), vec![]),
        (json!({ "values": ["10.0.0.2", "10.0.0.3"] }), vec!["values"]),
        (json!({ "values": ["10.0.0.2", "10.0.0.1"], "ttl": 60 }), vec!["ttl"]),
        (json!({ "values": ["10.0.0.2", "10.0.0.1"], "health_check": "h1" }), vec!["health_check"]),
    ] {
        let task = Task::new([zone(), have()]);
        let mut args = www(&[]);
        args.as_object_mut().unwrap().extend(edit.as_object().unwrap().clone());
        assert_eq!(paths(&task.ok(args, Mode::Check).await), expected, "{edit}");
    }
}

#[tokio::test]
async fn what_is_omitted_is_left_alone() {
    let further = "<SetIdentifier>blue</SetIdentifier><Weight>10</Weight><HealthCheckId>h1</HealthCheckId>";
    let task =
        Task::new([zone(), records(&set("www.web.example.", "A", further, &["10.0.0.1"])).repeatedly()]);
    let args = |further: Value| {
        let mut args = www(&["10.0.0.1"]);
        args["identifier"] = json!("blue");
        args.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        args
    };
    assert!(!task.ok(args(json!({})), Mode::Apply).await.changed);
    assert_eq!(paths(&task.ok(args(json!({ "weight": 20 })), Mode::Check).await), ["weight"]);
    assert_eq!(paths(&task.ok(args(json!({ "health_check": "" })), Mode::Check).await), ["health_check"]);
}

#[tokio::test]
async fn records_of_one_name_are_told_apart_by_their_identifier() {
    let one = |id: &str, weight: u8| {
        let further = format!("<SetIdentifier>{id}</SetIdentifier><Weight>{weight}</Weight>");
        set("www.web.example.", "A", &further, &["10.0.0.1"])
    };
    let task = Task::new([zone(), records(&(one("blue", 1) + &one("green", 2)))]);
    let mut args = www(&["10.0.0.1"]);
    args["identifier"] = json!("green");
    args["weight"] = json!(2);
    let outcome = task.ok(args, Mode::Apply).await;
    assert!(!outcome.changed);
    assert_eq!(outcome.planned[0].address, "route53.record web.example/www.web.example A/green");
}

#[tokio::test]
async fn a_record_is_deleted_to_the_letter() {
    // Route 53 deletes a record only where the values are written as it has them.
    let args = || json!({ "zone": "web.example", "record": "www", "type": "CNAME", "state": "absent" });
    let task = Task::new([
        zone(),
        records(&set("www.web.example.", "CNAME", "", &["Target.example"])),
        who(),
        sent("DELETE").containing("<Value>Target.example</Value>"),
        records("").repeatedly(),
    ]);
    assert!(task.ok(args(), Mode::Apply).await.changed);
    assert!(!task.ok(args(), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_lost_answer_of_a_deletion_is_a_deletion() {
    let args = json!({ "zone": "web.example", "record": "www", "type": "A", "state": "absent" });
    let refused =
        "Tried to delete resource record set [name='www.web.example.', type='A'] but it was not found";
    let task = Task::new([
        zone(),
        records(&set("www.web.example.", "A", "", &["10.0.0.1"])),
        who(),
        sent("DELETE").loses_the_answer(),
        sent("DELETE").refuses("InvalidChangeBatch", refused),
        records("").repeatedly(),
    ]);
    assert!(task.ok(args, Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_change_that_is_still_being_made_is_waited_for() {
    let task = Task::new([
        zone(),
        records(""),
        who(),
        sent("UPSERT").refuses("PriorRequestNotComplete", "wait"),
        sent("UPSERT"),
        records(&set("www.web.example.", "A", "", &["10.0.0.1"])).repeatedly(),
    ]);
    assert!(task.ok(www(&["10.0.0.1"]), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_wait_ends_when_all_name_servers_know() {
    let status = |status: &str| {
        Expected::rest("GET", "/2013-04-01/change/C1").answers_xml(&format!(
            "<GetChangeResponse><ChangeInfo><Id>/change/C1</Id><Status>{status}</Status>\
             <SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo></GetChangeResponse>"
        ))
    };
    let task = Task::new([
        zone(),
        records(""),
        who(),
        sent("UPSERT"),
        records(&set("www.web.example.", "A", "", &["10.0.0.1"])).repeatedly(),
        status("PENDING"),
        status("INSYNC"),
    ]);
    let mut args = www(&["10.0.0.1"]);
    args["wait"] = json!(true);
    assert!(task.ok(args.clone(), Mode::Apply).await.changed);
    assert_eq!(task.world.progress().len(), 1);
    // Nothing was changed: nothing is on its way.
    assert!(!task.ok(args, Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_text_is_quoted_and_a_quoted_one_left_as_it_is() {
    let task = Task::new([
        zone(),
        records(&set("web.example.", "TXT", "", &["&quot;v=spf1 -all&quot;"])).repeatedly(),
    ]);
    for value in ["v=spf1 -all", "\"v=spf1 -all\""] {
        let args = json!({ "zone": "web.example", "record": "web.example", "type": "TXT", "value": value });
        assert!(!task.ok(args, Mode::Apply).await.changed);
    }
}

#[tokio::test]
async fn each_wrong_argument_is_named() {
    let task = Task::new([]);
    for (args, expected) in [
        (json!({ "zone": "a", "type": "A", "values": ["x"] }), "missing required arguments: record"),
        (
            json!({ "record": "r", "type": "A", "values": ["x"] }),
            "one of the following is required: zone, hosted_zone_id",
        ),
        (
            json!({ "zone": "a", "record": "r", "type": "A" }),
            "state is present but any of the following are missing: values, alias",
        ),
        (
            json!({ "zone": "a", "record": "r", "type": "A", "values": ["x"], "alias": { "dns_name": "d", "hosted_zone_id": "z" } }),
            "parameters are mutually exclusive: values|alias",
        ),
        (
            json!({ "zone": "a", "record": "r", "type": "A", "values": ["x"], "weight": 1 }),
            "missing parameter(s) required by 'weight': identifier",
        ),
        (json!({ "zone": "a", "record": "r", "type": "B", "values": ["x"] }), "value of type must be one of"),
    ] {
        let message = task.fails(args).await.message;
        assert!(message.contains(expected), "{message}");
    }
}
