//! The parts of a bucket: each is read and written by calls of its own.

use std::collections::BTreeMap;

use rplay_aws::{Document, Tags, failing, is_code, optional};
use rplay_client_s3::sdk::types::{
    BucketVersioningStatus, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
};
use rplay_client_s3::{S3, sdk};
use rplay_module::{Failure, Result};

use super::{Encryption, PublicAccess};

pub(super) async fn read_policy(s3: &S3, name: &str) -> Result<Option<Document>> {
    let asked = s3
        .get_bucket_policy()
        .bucket(name)
        .send()
        .await
        .map_err(failing(format!("read the policy of bucket {name}")));
    let answer = optional(asked, &["NoSuchBucketPolicy"])?;
    let text = answer.and_then(|answer| answer.policy).unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    Document::parse(&text, &format!("policy of bucket {name}")).map(Some)
}

pub(super) async fn write_policy(s3: &S3, name: &str, policy: Option<&Document>) -> Result<()> {
    let what = format!("set the policy of bucket {name}");
    match policy {
        Some(policy) => {
            let sent = s3.put_bucket_policy().bucket(name).policy(policy.text()).send().await;
            sent.map(|_| ()).map_err(failing(what)).map_err(public)
        }
        None => s3.delete_bucket_policy().bucket(name).send().await.map(|_| ()).map_err(failing(what)),
    }
}

/// Where S3 keeps the public out, the policies of who calls have no say.
fn public(failure: Failure) -> Failure {
    if is_code(&failure, &["AccessDenied"]) && failure.message.contains("BlockPublicPolicy") {
        return failure.hint(
            "`public_access: {block_public_policy: false}` beside the policy lets this bucket have a public one, unless \
             the account's own public access block keeps it from that",
        );
    }
    failure
}

pub(super) async fn write_versioning(s3: &S3, name: &str, status: &str) -> Result<()> {
    let config = VersioningConfiguration::builder().status(BucketVersioningStatus::from(status)).build();
    let done = s3.put_bucket_versioning().bucket(name).versioning_configuration(config).send().await;
    done.map(|_| ()).map_err(failing(format!("set the versioning of bucket {name}")))
}

pub(super) async fn read_versioning(s3: &S3, name: &str) -> Result<String> {
    let asked = s3.get_bucket_versioning().bucket(name).send().await;
    let answer = asked.map_err(failing(format!("read the versioning of bucket {name}")))?;
    Ok(answer.status().map_or_else(|| "Disabled".to_owned(), |status| status.as_str().to_owned()))
}

pub(super) async fn read_encryption(s3: &S3, name: &str) -> Result<Option<Encryption>> {
    let asked = s3.get_bucket_encryption().bucket(name).send().await;
    let asked = asked.map_err(failing(format!("read the encryption of bucket {name}")));
    let answer = optional(asked, &["ServerSideEncryptionConfigurationNotFoundError"])?;
    let config = answer.and_then(|answer| answer.server_side_encryption_configuration);
    Ok(config.and_then(|config| {
        let rule = config.rules().first()?;
        let default = rule.apply_server_side_encryption_by_default()?;
        Some(Encryption {
            algorithm: default.sse_algorithm().as_str().to_owned(),
            key: default.kms_master_key_id().map(str::to_owned),
            bucket_key: rule.bucket_key_enabled().unwrap_or(false),
        })
    }))
}

pub(super) async fn write_encryption(s3: &S3, name: &str, encryption: Option<&Encryption>) -> Result<()> {
    let what = format!("set the encryption of bucket {name}");
    let Some(encryption) = encryption else {
        let done = s3.delete_bucket_encryption().bucket(name).send().await;
        return done.map(|_| ()).map_err(failing(what));
    };
    let bug = |error: sdk::error::BuildError| Failure::bug(format!("bucket {name}: {error}"));
    let default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::from(encryption.algorithm.as_str()))
        .set_kms_master_key_id(encryption.key.clone())
        .build()
        .map_err(bug)?;
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .bucket_key_enabled(encryption.bucket_key)
        .build();
    let config = ServerSideEncryptionConfiguration::builder().rules(rule).build().map_err(bug)?;
    let done =
        s3.put_bucket_encryption().bucket(name).server_side_encryption_configuration(config).send().await;
    done.map(|_| ()).map_err(failing(what))
}

pub(super) async fn read_public_access(s3: &S3, name: &str) -> Result<Option<PublicAccess>> {
    let asked = s3.get_public_access_block().bucket(name).send().await;
    let asked = asked.map_err(failing(format!("read the public access of bucket {name}")));
    let answer = optional(asked, &["NoSuchPublicAccessBlockConfiguration"])?;
    Ok(answer.and_then(|answer| answer.public_access_block_configuration).map(|block| PublicAccess {
        block_public_acls: block.block_public_acls().unwrap_or(false),
        block_public_policy: block.block_public_policy().unwrap_or(false),
        ignore_public_acls: block.ignore_public_acls().unwrap_or(false),
        restrict_public_buckets: block.restrict_public_buckets().unwrap_or(false),
    }))
}

pub(super) async fn write_public_access(s3: &S3, name: &str, access: Option<&PublicAccess>) -> Result<()> {
    let what = format!("set the public access of bucket {name}");
    let Some(access) = access else {
        return s3.delete_public_access_block().bucket(name).send().await.map(|_| ()).map_err(failing(what));
    };
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(access.block_public_acls)
        .block_public_policy(access.block_public_policy)
        .ignore_public_acls(access.ignore_public_acls)
        .restrict_public_buckets(access.restrict_public_buckets)
        .build();
    let done =
        s3.put_public_access_block().bucket(name).public_access_block_configuration(block).send().await;
    done.map(|_| ()).map_err(failing(what))
}

pub(super) async fn read_ownership(s3: &S3, name: &str) -> Result<Option<String>> {
    let asked = s3.get_bucket_ownership_controls().bucket(name).send().await;
    let asked = asked.map_err(failing(format!("read the ownership of bucket {name}")));
    let answer = optional(asked, &["OwnershipControlsNotFoundError"])?;
    let controls = answer.and_then(|answer| answer.ownership_controls);
    Ok(controls.and_then(|controls| {
        controls.rules().first().map(|rule| rule.object_ownership().as_str().to_owned())
    }))
}

pub(super) async fn write_ownership(s3: &S3, name: &str, ownership: Option<&str>) -> Result<()> {
    let what = format!("set the ownership of bucket {name}");
    let Some(ownership) = ownership else {
        let done = s3.delete_bucket_ownership_controls().bucket(name).send().await;
        return done.map(|_| ()).map_err(failing(what));
    };
    let bug = |error: sdk::error::BuildError| Failure::bug(format!("bucket {name}: {error}"));
    let rule = OwnershipControlsRule::builder()
        .object_ownership(ObjectOwnership::from(ownership))
        .build()
        .map_err(bug)?;
    let controls = OwnershipControls::builder().rules(rule).build().map_err(bug)?;
    let done = s3.put_bucket_ownership_controls().bucket(name).ownership_controls(controls).send().await;
    done.map(|_| ()).map_err(failing(what))
}

/// Returns the tags, and those among them that are neither compared nor shown.
pub(super) async fn read_tags(s3: &S3, name: &str) -> Result<(Tags, BTreeMap<String, String>)> {
    let asked = s3.get_bucket_tagging().bucket(name).send().await;
    let answer =
        optional(asked.map_err(failing(format!("read the tags of bucket {name}"))), &["NoSuchTagSet"])?;
    let pairs = answer.map(|answer| answer.tag_set).unwrap_or_default();
    let pairs: Vec<(String, String)> = pairs.into_iter().map(|tag| (tag.key, tag.value)).collect();
    let tags: Tags = pairs.iter().cloned().collect();
    let shown: Vec<String> = tags.iter().map(|(key, _)| key.to_owned()).collect();
    let hidden = pairs.into_iter().filter(|(key, _)| !shown.contains(key)).collect();
    Ok((tags, hidden))
}

/// Writes all tags at once, which is the only way: those of AWS's own must be among them, or S3 refuses.
pub(super) async fn write_tags(
    s3: &S3,
    name: &str,
    tags: &Tags,
    hidden: &BTreeMap<String, String>,
) -> Result<()> {
    let bug = |error: sdk::error::BuildError| Failure::bug(format!("bucket {name}: {error}"));
    let hidden = hidden.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let pairs: BTreeMap<&str, &str> = hidden.chain(tags.iter()).collect();
    if pairs.is_empty() {
        let done = s3.delete_bucket_tagging().bucket(name).send().await;
        return done.map(|_| ()).map_err(failing(format!("untag bucket {name}")));
    }
    let built: Vec<Tag> = pairs
        .into_iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(bug)?;
    let tagging = Tagging::builder().set_tag_set(Some(built)).build().map_err(bug)?;
    let done = s3.put_bucket_tagging().bucket(name).tagging(tagging).send().await;
    done.map(|_| ()).map_err(failing(format!("tag bucket {name}")))
}
