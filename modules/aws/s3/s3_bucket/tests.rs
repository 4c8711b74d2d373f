//! What is called, how often, and what comes of it.

use rplay_module::{Intent, Mode, Outcome, Ownership, drive};
use rplay_test_support::TestWorld;
use rplay_test_support::recorded::Expected;

use super::*;
use crate::testing;

mod stand_in;

type Task = testing::Task<BucketResource>;

fn none() -> Expected {
    Expected::rest("HEAD", "/web").answers_with(404, &[], "")
}

fn there() -> Expected {
    Expected::rest("HEAD", "/web").answers_with(200, &[("x-amz-bucket-region", "eu-west-1")], "")
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity").gives("<Account>123456789012</Account>")
}

fn create() -> Expected {
    Expected::rest("PUT", "/web").without("tagging").without("policy")
}

fn read(part: &str) -> Expected {
    Expected::rest("GET", "/web").parameter(part, "")
}

fn write(part: &str) -> Expected {
    Expected::rest("PUT", "/web").parameter(part, "")
}

fn delete(part: &str) -> Expected {
    Expected::rest("DELETE", "/web").parameter(part, "").answers_with(204, &[], "")
}

fn tags(pairs: &[(&str, &str)]) -> String {
    let tag = |(key, value): &(&str, &str)| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>");
    let inside: String = pairs.iter().map(tag).collect();
    format!("<Tagging><TagSet>{inside}</TagSet></Tagging>")
}

fn encryption(algorithm: &str, further: &str, bucket_key: bool) -> String {
    format!(
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
         <SSEAlgorithm>{algorithm}</SSEAlgorithm>{further}</ApplyServerSideEncryptionByDefault>\
         <BucketKeyEnabled>{bucket_key}</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>"
    )
}

fn access(acls: bool, policy: bool) -> String {
    format!(
        "<PublicAccessBlockConfiguration><BlockPublicAcls>{acls}</BlockPublicAcls><IgnorePublicAcls>false</IgnorePublicAcls>\
         <BlockPublicPolicy>{policy}</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets>\
         </PublicAccessBlockConfiguration>"
    )
}

fn paths(outcome: &Outcome) -> Vec<&str> {
    outcome.planned.iter().flat_map(|planned| &planned.fields).map(|field| field.path.as_str()).collect()
}

fn web(further: &Value) -> Value {
    let mut args = json!({ "name": "web" });
    args.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    args
}

#[tokio::test]
async fn a_check_foretells_a_bucket_with_one_read() {
    let task = Task::new([none()]);
    let outcome = task.ok(web(&json!({ "tags": { "app": "web" } })), Mode::Check).await;
    assert_eq!(outcome.planned[0].address, "s3.bucket web");
    assert_eq!(outcome.planned[0].action, Intent::Create);
    assert_eq!(paths(&outcome), ["name", "tags.app"]);
    assert_eq!(outcome.result["name"], "web");
}

#[tokio::test]
async fn a_bucket_is_created_where_the_client_is_and_kept_with_one_call() {
    let task = Task::new([
        none(),
        who(),
        create().containing("<LocationConstraint>eu-west-1</LocationConstraint>"),
        there().repeatedly(),
    ]);
    let outcome = task.ok(web(&json!({})), Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(outcome.result.keys().collect::<Vec<_>>(), ["name"]);
    assert_eq!(task.calls.calls(), ["/web", "GetCallerIdentity", "/web", "/web"]);
    let stages: Vec<Ownership> = task.world.ownership().iter().map(|(_, _, stage)| *stage).collect();
    assert_eq!(stages, [Ownership::Intended, Ownership::Created]);
    assert!(!task.ok(web(&json!({})), Mode::Apply).await.changed);
    assert_eq!(task.calls.calls().len(), 5);
}

#[tokio::test]
async fn the_first_region_must_not_be_named() {
    // A rule of S3: us-east-1 is no location constraint.
    let task = Task::within("us-east-1", [none(), who(), create(), there().repeatedly()]);
    assert!(task.ok(web(&json!({})), Mode::Apply).await.changed);
}

#[tokio::test]
async fn what_is_just_being_made_is_waited_for() {
    let task = Task::new([
        none(),
        who(),
        create().refuses("OperationAborted", "a conflicting operation is in progress"),
        create(),
        write("versioning").refuses("NoSuchBucket", "not seen everywhere yet"),
        write("versioning").containing("<Status>Enabled</Status>"),
        there().repeatedly(),
        read("versioning")
            .answers_xml("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
    ]);
    let outcome = task.ok(web(&json!({ "versioning": true })), Mode::Apply).await;
    assert_eq!(outcome.result["versioning"], json!({ "Versioning": "Enabled", "MfaDelete": "Disabled" }));
}

#[tokio::test]
async fn a_lost_answer_of_the_creation_is_a_creation() {
    let task = Task::new([
        none(),
        who(),
        create().loses_the_answer(),
        create().answers_with(
            409,
            &[],
            "<Error><Code>BucketAlreadyOwnedByYou</Code><Message>yours</Message></Error>",
        ),
        there().repeatedly(),
    ]);
    assert!(task.ok(web(&json!({})), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_name_that_somebody_else_has_says_so() {
    let task = Task::new([
        none().repeatedly(),
        who(),
        create().refuses("BucketAlreadyExists", "The requested bucket name is not available."),
    ]);
    let failure = task.fails(web(&json!({}))).await;
    assert!(failure.message.starts_with("could not create bucket web: BucketAlreadyExists"), "{failure}");
    assert!(failure.hint.unwrap().contains("once in the whole world"));
}

#[tokio::test]
async fn a_bucket_of_somebody_else_or_elsewhere_is_not_taken_for_none() {
    for (status, said) in [(403, "403: Forbidden"), (301, "301: it is in another region")] {
        let task = Task::new([Expected::rest("HEAD", "/web").answers_with(status, &[], "")]);
        assert_eq!(
            task.fails(web(&json!({}))).await.message,
            format!("could not look at bucket web: {said}")
        );
    }
}

#[tokio::test]
async fn tags_are_written_whole_with_those_that_only_aws_may_set() {
    // A rule of S3: the system's tags must be written back, or it refuses to remove them.
    let task = Task::new([
        there().repeatedly(),
        read("tagging").answers_xml(&tags(&[("a", "1"), ("b", "1"), ("aws:x", "y")])),
        write("tagging").containing("<Key>aws:x</Key>").containing("<Key>a</Key><Value>2</Value>"),
        read("tagging").answers_xml(&tags(&[("a", "2"), ("aws:x", "y")])).repeatedly(),
    ]);
    let args = || web(&json!({ "tags": { "a": "2" } }));
    let outcome = task.ok(args(), Mode::Apply).await;
    assert_eq!(paths(&outcome), ["tags.a", "tags.b"]);
    assert_eq!(outcome.result["tags"], json!({ "a": "2" }));
    assert!(!task.ok(args(), Mode::Apply).await.changed);
}

#[tokio::test]
async fn tags_are_taken_away_where_none_are_left() {
    let task = Task::new([
        there().repeatedly(),
        read("tagging").answers_xml(&tags(&[("a", "1")])),
        delete("tagging"),
        read("tagging").refuses("NoSuchTagSet", "none").repeatedly(),
    ]);
    assert_eq!(task.ok(web(&json!({ "tags": {} })), Mode::Apply).await.result["tags"], json!({}));
}

#[tokio::test]
async fn a_policy_is_compared_by_what_it_says() {
    let have = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Resource": ["arn:aws:s3:::web/*"], "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "s3:GetObject" }],
    });
    let want = |action: &str| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": [action], "Resource": "arn:aws:s3:::web/*" }],
        })
    };
    let task = Task::new([
        there().repeatedly(),
        read("policy").answers_with(200, &[], &have.to_string()).repeatedly(),
    ]);
    assert!(!task.ok(web(&json!({ "policy": want("s3:GetObject") })), Mode::Apply).await.changed);
    let text = want("s3:GetObject").to_string();
    assert!(!task.ok(web(&json!({ "policy": text })), Mode::Apply).await.changed);
    let outcome = task.ok(web(&json!({ "policy": want("s3:PutObject") })), Mode::Check).await;
    assert!(
        outcome.changed && paths(&outcome).iter().all(|path| path.starts_with("policy")),
        "{:?}",
        paths(&outcome)
    );
}

#[tokio::test]
async fn a_policy_goes_to_s3_as_it_is_written_and_comes_back_as_s3_has_it() {
    let written = json!({
        "Version": "2012-10-17",
        "Statement": { "Sid": "Read", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::web/*" },
    });
    let theirs = json!({ "Version": "2012-10-17", "Statement": [written["Statement"]] });
    let task = Task::new([
        there().repeatedly(),
        read("policy").refuses("NoSuchBucketPolicy", "none"),
        write("policy").containing(&written.to_string()),
        read("policy").answers_with(200, &[], &theirs.to_string()).repeatedly(),
    ]);
    let args = || web(&json!({ "policy": written }));
    assert_eq!(task.ok(args(), Mode::Apply).await.result["policy"], theirs);
    let again = task.ok(args(), Mode::Apply).await;
    assert!(!again.changed);
    assert_eq!(again.result["policy"], theirs);
}

#[tokio::test]
async fn a_public_policy_that_is_kept_out_says_what_keeps_it_out() {
    // Since 2023 every new bucket blocks public policies.
    let said = "User: arn:aws:iam::123456789012:user/me is not authorized to perform: s3:PutBucketPolicy on resource: \
                \"arn:aws:s3:::web\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block \
                Public Access";
    let task = Task::new([
        there().repeatedly(),
        read("policy").refuses("NoSuchBucketPolicy", "none"),
        write("policy").refuses("AccessDenied", said),
    ]);
    let failure = task.fails(web(&json!({ "policy": { "Statement": { "Principal": "*" } } }))).await;
    assert!(failure.message.contains(said), "{failure}");
    assert!(failure.hint.unwrap().starts_with("`public_access: {block_public_policy: false}`"));
}

#[tokio::test]
async fn a_policy_is_taken_away_by_null_and_by_an_empty_one() {
    for gone in [json!("null"), json!({})] {
        let task = Task::new([
            there().repeatedly(),
            read("policy").answers_with(200, &[], r#"{"Statement": []}"#),
            delete("policy"),
            read("policy").refuses("NoSuchBucketPolicy", "none"),
        ]);
        let outcome = task.ok(web(&json!({ "policy": gone })), Mode::Apply).await;
        assert!(outcome.changed);
        assert_eq!(outcome.result["policy"], Value::Null);
    }
}

#[tokio::test]
async fn what_aws_gives_every_new_bucket_is_taken_away_where_that_is_asked_for() {
    // Since 2023 a new bucket has a public access block and its owner's ownership, unlike in a stand-in.
    let task = Task::new([
        none(),
        who(),
        create(),
        delete("publicAccessBlock"),
        delete("ownershipControls"),
        there().repeatedly(),
        read("publicAccessBlock").refuses("NoSuchPublicAccessBlockConfiguration", "none").repeatedly(),
        read("ownershipControls")
            .answers_with(404, &[], "<Error><Code>OwnershipControlsNotFoundError</Code></Error>")
            .repeatedly(),
    ]);
    let args = || web(&json!({ "delete_public_access": true, "delete_object_ownership": true }));
    assert!(task.ok(args(), Mode::Apply).await.changed);
    assert!(!task.ok(args(), Mode::Apply).await.changed);
}

#[tokio::test]
async fn the_public_access_block_is_compared_field_by_field_and_written_before_the_policy() {
    let task = Task::new([
        there().repeatedly(),
        read("publicAccessBlock").answers_xml(&access(true, true)),
        read("policy").refuses("NoSuchBucketPolicy", "none"),
        write("publicAccessBlock").containing("<BlockPublicPolicy>false</BlockPublicPolicy>"),
        write("policy"),
        read("publicAccessBlock").answers_xml(&access(true, false)),
        read("policy").answers_with(200, &[], r#"{"Version": "2012-10-17", "Statement": []}"#),
    ]);
    let args = web(&json!({
        "public_access": { "block_public_acls": true }, "policy": { "Version": "2012-10-17", "Statement": [] },
    }));
    let outcome = task.ok(args, Mode::Apply).await;
    assert!(paths(&outcome).contains(&"public_access.block_public_policy"));
    assert_eq!(outcome.result["public_access_block"]["block_public_acls"], true);
    assert_eq!(
        outcome.result["public_access_block"]["PublicAccessBlockConfiguration"]["BlockPublicPolicy"],
        false
    );
}

#[tokio::test]
async fn each_part_is_edited_alone() {
    let kms = "<KMSMasterKeyID>k1</KMSMasterKeyID>";
    let rules = |ownership: &str| {
        format!(
            "<OwnershipControls><Rule><ObjectOwnership>{ownership}</ObjectOwnership></Rule></OwnershipControls>"
        )
    };
    let versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let aes = encryption("AES256", "", false);
    let cases = [
        (json!({ "versioning": false }), read("versioning").answers_xml(versioning), vec!["versioning"]),
        (json!({ "versioning": true }), read("versioning").answers_xml(versioning), vec![]),
        (
            json!({ "versioning": false }),
            read("versioning").answers_xml("<VersioningConfiguration/>"),
            vec![],
        ),
        (
            json!({ "encryption": "aws:kms" }),
            read("encryption").answers_xml(&aes),
            vec!["encryption.algorithm"],
        ),
        (json!({ "encryption": "AES256" }), read("encryption").answers_xml(&aes), vec![]),
        (json!({ "encryption": "none" }), read("encryption").answers_xml(&aes), vec![]),
        (
            json!({ "encryption": "aws:kms" }),
            read("encryption").answers_xml(&encryption("aws:kms", kms, true)),
            vec![],
        ),
        (
            json!({ "encryption": "aws:kms", "encryption_key_id": "k2" }),
            read("encryption").answers_xml(&encryption("aws:kms", kms, true)),
            vec!["encryption.key"],
        ),
        (
            json!({ "bucket_key_enabled": false }),
            read("encryption").answers_xml(&encryption("aws:kms", kms, true)),
            vec!["encryption.bucket_key"],
        ),
        (
            json!({ "object_ownership": "ObjectWriter" }),
            read("ownershipControls").answers_xml(&rules("BucketOwnerEnforced")),
            vec!["object_ownership"],
        ),
        (
            json!({ "object_ownership": "ObjectWriter" }),
            read("ownershipControls").answers_xml(&rules("ObjectWriter")),
            vec![],
        ),
    ];
    for (edit, answer, expected) in cases {
        let task = Task::new([there(), answer]);
        assert_eq!(paths(&task.ok(web(&edit), Mode::Check).await), expected, "{edit}");
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_empty_is_deleted_only_by_force() {
    let absent = |force: bool| web(&json!({ "state": "absent", "force": force }));
    let task = Task::new([
        there().repeatedly(),
        who(),
        Expected::rest("DELETE", "/web").refuses("BucketNotEmpty", "not empty"),
    ]);
    let failure = task.fails(absent(false)).await;
    assert_eq!(failure.hint.as_deref(), Some("force: true deletes what is in it as well"));

    let versions = "<ListVersionsResult><IsTruncated>false</IsTruncated><Version><Key>a</Key><VersionId>1</VersionId></Version>\
                    <DeleteMarker><Key>b</Key><VersionId>2</VersionId></DeleteMarker></ListVersionsResult>";
    let task = Task::new([
        there(),
        who(),
        read("versions").answers_xml(versions),
        Expected::rest("POST", "/web")
            .parameter("delete", "")
            .containing("<Key>a</Key><VersionId>1</VersionId>")
            .containing("<Key>b</Key><VersionId>2</VersionId>")
            .answers_xml("<DeleteResult></DeleteResult>"),
        Expected::rest("DELETE", "/web").answers_with(204, &[], ""),
        none().repeatedly(),
    ]);
    assert!(task.ok(absent(true), Mode::Apply).await.changed);
    assert!(!task.ok(absent(true), Mode::Apply).await.changed);
}

#[tokio::test]
async fn each_wrong_argument_is_named_before_any_call() {
    let task = Task::new([]);
    for (args, expected) in [
        (json!({}), "missing required arguments: name"),
        (json!({ "name": "Web" }), "only lower-case letters, digits, dots and hyphens"),
        (
            json!({ "name": "web", "public_access": {}, "delete_public_access": true }),
            "parameters are mutually exclusive: public_access|delete_public_access",
        ),
        (
            json!({ "name": "web", "encryption_key_id": "k" }),
            "missing parameter(s) required by 'encryption_key_id': encryption",
        ),
        (
            json!({ "name": "web", "encryption": "x" }),
            "value of encryption must be one of: none, AES256, aws:kms",
        ),
        (json!({ "name": "web", "acl": "private" }), "acl"),
    ] {
        let message = task.fails(args).await.message;
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn a_policy_that_is_no_json_is_refused_without_a_write() {
    let task = Task::new([there(), read("policy").refuses("NoSuchBucketPolicy", "none")]);
    let failure = task.fails(web(&json!({ "policy": "{" }))).await;
    assert!(failure.message.starts_with("could not read the policy: it is no JSON: "), "{failure}");
}

#[tokio::test]
async fn keys_are_for_kms_only() {
    let refused = async |further: Value| {
        let task = Task::new([none()]);
        let failure = task.run(web(&further), Mode::Check).await.failure.expect("a failure");
        failure.message
    };
    assert_eq!(
        refused(json!({ "encryption": "AES256", "encryption_key_id": "k" })).await,
        "Only 'aws:kms' is a valid option for encryption parameter when you specify encryption_key_id."
    );
    assert_eq!(
        refused(json!({ "encryption": "AES256", "bucket_key_enabled": true })).await,
        "Unable to set bucket key: current encryption algorithm (\"AES256\") is not \"aws:kms\""
    );
}
