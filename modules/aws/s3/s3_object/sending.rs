//! What changes an object.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rplay_aws::{Tags, failing};
use rplay_client_s3::S3;
use rplay_client_s3::sdk::primitives::ByteStream;
use rplay_client_s3::sdk::types::{
    ChecksumAlgorithm, MetadataDirective, ObjectCannedAcl, ServerSideEncryption, StorageClass, Tag, Tagging,
    TaggingDirective,
};
use rplay_module::{Failure, Result};

use super::found;
use super::{ObjectMode, ObjectParams, ObjectState};
use crate::versions;

/// What stands for itself in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How the object is to be encrypted, as a request says it.
struct Asked {
    mode: Option<ServerSideEncryption>,
    key: Option<String>,
}

impl Asked {
    fn of(p: &ObjectParams) -> Self {
        let mode = p.encryption_mode.as_deref().unwrap_or("AES256");
        Self {
            mode: p.encrypt.then(|| ServerSideEncryption::from(mode)),
            key: p.encryption_kms_key_id.clone().filter(|_| p.encrypt && mode == "aws:kms"),
        }
    }
}

fn acl(p: &ObjectParams) -> Option<ObjectCannedAcl> {
    Some(ObjectCannedAcl::from(p.permission.as_ref()?.last()?.as_str()))
}

pub(super) async fn put(
    s3: &S3,
    p: &ObjectParams,
    have: Option<&ObjectState>,
    want: &ObjectState,
) -> Result<()> {
    let Some(content) = p.content()? else {
        return Err(Failure::bug("an object is put without content"));
    };
    let header = |name: &str| want.headers.get(name).cloned();
    let encryption = Asked::of(p);
    // Where the ETag says nothing of the content, this does.
    let by_checksum = p.encryption_mode.as_deref() == Some("aws:kms") || !p.encrypt;
    let sent = s3
        .put_object()
        .bucket(&p.bucket)
        .key(p.key())
        .body(ByteStream::from(content.bytes().await?))
        .set_checksum_algorithm(by_checksum.then_some(ChecksumAlgorithm::Sha256))
        .set_content_type(header("Content-Type"))
        .set_cache_control(header("Cache-Control"))
        .set_content_encoding(header("Content-Encoding"))
        .set_content_language(header("Content-Language"))
        .set_content_disposition(header("Content-Disposition"))
        .set_storage_class(header("Storage-Class").as_deref().map(StorageClass::from))
        .set_website_redirect_location(header("Website-Redirect-Location"))
        .set_metadata((!want.metadata.is_empty()).then(|| want.metadata.clone().into_iter().collect()))
        .set_server_side_encryption(encryption.mode)
        .set_ssekms_key_id(encryption.key)
        .set_acl(acl(p))
        .set_tagging(tagging(s3, p, have, want).await?)
        .send()
        .await;
    sent.map(|_| ()).map_err(failing(format!("put object {} into bucket {}", p.key(), p.bucket)))
}

/// Returns the tags as a request has them. What is sent again loses those that are not sent with it.
async fn tagging(
    s3: &S3,
    p: &ObjectParams,
    have: Option<&ObjectState>,
    want: &ObjectState,
) -> Result<Option<String>> {
    let tags = match (&want.tags, have.and_then(|have| have.tag_count.known())) {
        (Some(tags), _) => tags.clone(),
        (None, Some(&count)) if count > 0 => found::tags(s3, p).await?,
        (None, _) => Tags::default(),
    };
    let encoded = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
    let pairs: Vec<String> =
        tags.iter().map(|(key, value)| format!("{}={}", encoded(key), encoded(value))).collect();
    Ok((!pairs.is_empty()).then(|| pairs.join("&")))
}

pub(super) async fn copy(
    s3: &S3,
    p: &ObjectParams,
    have: Option<&ObjectState>,
    want: &ObjectState,
) -> Result<()> {
    let Some(from) = &p.copy_src else { return Err(Failure::bug("a copy without a source")) };
    let key = from.object.as_deref().unwrap_or_default();
    let path: Vec<String> = key.split('/').map(|part| utf8_percent_encode(part, PLAIN).to_string()).collect();
    let version = from.version_id.as_ref().map(|id| format!("?versionId={id}")).unwrap_or_default();
    let header = |name: &str| want.headers.get(name).cloned();
    let encryption = Asked::of(p);
    let replaces = p.metadata.is_some();
    let tags = if p.tags.is_some() { tagging(s3, p, have, want).await? } else { None };
    let mut request = s3
        .copy_object()
        .bucket(&p.bucket)
        .key(p.key())
        .copy_source(format!("{}/{}{version}", from.bucket, path.join("/")))
        .set_server_side_encryption(encryption.mode)
        .set_ssekms_key_id(encryption.key)
        .set_acl(acl(p))
        .set_tagging_directive(p.tags.is_some().then_some(TaggingDirective::Replace))
        .set_tagging(tags);
    if replaces {
        request = request
            .metadata_directive(MetadataDirective::Replace)
            .set_content_type(header("Content-Type"))
            .set_cache_control(header("Cache-Control"))
            .set_content_encoding(header("Content-Encoding"))
            .set_content_language(header("Content-Language"))
            .set_content_disposition(header("Content-Disposition"))
            .set_storage_class(header("Storage-Class").as_deref().map(StorageClass::from))
            .set_website_redirect_location(header("Website-Redirect-Location"))
            .set_metadata((!want.metadata.is_empty()).then(|| want.metadata.clone().into_iter().collect()));
    }
    let what = format!("copy object {key} from bucket {} to {} in bucket {}", from.bucket, p.key(), p.bucket);
    request.send().await.map(|_| ()).map_err(failing(what))
}

pub(super) async fn write_tags(s3: &S3, p: &ObjectParams, tags: Option<&Tags>) -> Result<()> {
    let what = format!("tag object {} in bucket {}", p.key(), p.bucket);
    let built = tags
        .into_iter()
        .flat_map(Tags::iter)
        .map(|(key, value)| Tag::builder().key(key).value(value).build());
    let built = built.collect::<Result<Vec<Tag>, _>>();
    let tagging = built.and_then(|tags| Tagging::builder().set_tag_set(Some(tags)).build());
    let tagging = tagging.map_err(|error| Failure::bug(format!("{what}: {error}")))?;
    let sent = s3.put_object_tagging().bucket(&p.bucket).key(p.key()).tagging(tagging).send().await;
    sent.map(|_| ()).map_err(failing(what))
}

/// Deletes an object. One that a task only takes away keeps its old versions, where the bucket keeps any; one that rplay
/// made and now destroys leaves nothing behind.
pub(super) async fn delete(s3: &S3, p: &ObjectParams, have: &ObjectState) -> Result<()> {
    let (key, what) = (p.key(), format!("delete object {} in bucket {}", p.key(), p.bucket));
    if p.mode == ObjectMode::Delobj || have.version.known().is_none() {
        return s3.delete_object().bucket(&p.bucket).key(key).send().await.map(|_| ()).map_err(failing(what));
    }
    let mut versions = s3.versions_under(&p.bucket, &key).await?;
    versions.retain(|version| version.key() == key);
    versions::delete(s3, &p.bucket, &versions).await
}
