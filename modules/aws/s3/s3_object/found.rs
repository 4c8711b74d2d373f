//! What is there, and what it is to be compared with.

use std::collections::BTreeMap;
use std::time::Duration;

use rplay_aws::{Tags, client, failing, optional};
use rplay_client_s3::S3;
use rplay_client_s3::sdk::operation::head_object::HeadObjectOutput;
use rplay_client_s3::sdk::presigning::PresigningConfig;
use rplay_client_s3::sdk::primitives::DateTime;
use rplay_client_s3::sdk::types::ChecksumMode;
use rplay_module::{Cx, Fact, Failure, Result, unknown};

use super::{Encryption, ObjectMode, ObjectParams, ObjectState, Overwrite};
use crate::content::{Marks, etag_in_parts};
use crate::{keys, object};

/// What a HEAD request says when there is no such object; an answer without a body has no better code.
const NONE: &[&str] = &["NotFound", "404", "NoSuchKey", "NoSuchBucket", "NoSuchVersion"];

/// What an object shall consist of, and the links that lead to it.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub(super) etag: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) to_get: Option<String>,
    pub(super) to_put: Option<String>,
}

/// Reads an object: one call, and one more for tags that are managed. One that is not there costs another, for its
/// bucket: what hangs on nothing must not look like something to be created.
pub(super) async fn read(cx: &Cx, p: &ObjectParams, sent: bool) -> Result<(Option<ObjectState>, Wanted)> {
    let content = match p.content()? {
        Some(content) => content.bytes().await?,
        None => Vec::new(),
    };
    let marks = Marks::of(&content);
    let mut wanted = Wanted { etag: marks.md5.clone(), ..Wanted::default() };
    // A bucket of which nothing is foretold is found by the object's own HEAD: one call, not two.
    let bucket = keys::bucket(&p.bucket);
    match cx.world().foretold(&bucket) {
        Some(rplay_module::Foretold::Created(_)) => return Ok((None, wanted)),
        Some(rplay_module::Foretold::Deleted) => return Err(Failure::missing(bucket)),
        None if unknown::is_unknown(&p.bucket) => return Ok((None, wanted)),
        None => {}
    }
    let s3 = client::<S3>(cx, &p.aws).await?;
    let source = match p.mode {
        ObjectMode::Copy => Some(source(cx, &s3, p, &mut wanted).await?),
        _ => None,
    };
    let answer = head(&s3, p, p.key(), &p.bucket, None).await?;
    if answer.is_none() {
        let find = async { Ok(s3.bucket(&p.bucket).await?.map(|_| p.bucket.clone())) };
        cx.lookup(&bucket, find).await?.ok_or_else(|| Failure::missing(bucket.clone()))?;
    }
    if matches!(p.mode, ObjectMode::Put | ObjectMode::Create) {
        wanted.to_put = Some(link(cx, &s3, p, true).await?);
        wanted.to_get = Some(link(cx, &s3, p, false).await?);
    }
    let Some(answer) = answer else { return Ok((None, wanted)) };
    let same = match &source {
        Some(source) => is_copy(&answer, source.as_ref()),
        None => is_same(&s3, p, &answer, &marks, &content).await?,
    };
    let mut state = state(p, &answer);
    if same {
        state.etag.clone_from(&wanted.etag);
    }
    state.sent = (p.overwrite == Overwrite::Always && p.mode == ObjectMode::Put).then_some(sent);
    if p.tags.is_some() {
        state.tags = Some(if answer.tag_count() == Some(0) { Tags::default() } else { tags(&s3, p).await? });
    }
    Ok((Some(state), wanted))
}

fn state(p: &ObjectParams, answer: &HeadObjectOutput) -> ObjectState {
    let encrypted = |answer: &HeadObjectOutput| Encryption {
        mode: answer.server_side_encryption().map_or("AES256", |mode| mode.as_str()).to_owned(),
        key: answer.ssekms_key_id().map(str::to_owned),
    };
    ObjectState {
        etag: etag(answer),
        headers: object::headers(answer),
        metadata: answer.metadata().map(|own| own.clone().into_iter().collect()).unwrap_or_default(),
        tags: None,
        encryption: (p.encrypt && p.encryption_mode.is_some()).then(|| encrypted(answer)),
        sent: None,
        version: Fact::from_answer(answer.version_id().map(str::to_owned)),
        tag_count: answer.tag_count().unwrap_or(0).into(),
    }
}

fn etag(answer: &HeadObjectOutput) -> String {
    answer.e_tag().unwrap_or_default().trim_matches('"').to_owned()
}

/// Asks for an object, with the checksum where its `ETag` is none.
pub(super) async fn head(
    s3: &S3,
    p: &ObjectParams,
    key: String,
    bucket: &str,
    version: Option<&str>,
) -> Result<Option<HeadObjectOutput>> {
    let by_checksum = p.encryption_mode.as_deref() == Some("aws:kms") || !p.encrypt;
    let asked = s3
        .head_object()
        .bucket(bucket)
        .key(&key)
        .set_version_id(version.map(str::to_owned))
        .set_checksum_mode(by_checksum.then_some(ChecksumMode::Enabled))
        .send()
        .await;
    optional(asked.map_err(failing(format!("look at object {key} in bucket {bucket}"))), NONE)
}

/// Returns what is to be copied: `None` while it is still to be made.
async fn source(cx: &Cx, s3: &S3, p: &ObjectParams, wanted: &mut Wanted) -> Result<Option<HeadObjectOutput>> {
    let bug = || Failure::bug("a copy without a source");
    let from = p.copy_src.as_ref().ok_or_else(bug)?;
    let Some(key) = from.object.clone() else {
        return Err(Failure::new("could not copy everything in a bucket: that is not built yet")
            .hint("name the object in copy_src, in a loop if there are several"));
    };
    let addresses = [keys::bucket(&from.bucket), keys::object(&from.bucket, &key)];
    let to_be_made =
        |address| matches!(cx.world().foretold(address), Some(rplay_module::Foretold::Created(_)));
    if addresses.iter().any(to_be_made) || unknown::is_unknown(&from.bucket) || unknown::is_unknown(&key) {
        wanted.etag =
            unknown::marker(unknown::Cause::Created, &format!("{}: etag", keys::object(&from.bucket, &key)));
        return Ok(None);
    }
    let found = head(s3, p, key.clone(), &from.bucket, from.version_id.as_deref()).await?;
    let found = found.ok_or_else(|| Failure::missing(keys::object(&from.bucket, &key)))?;
    wanted.etag = etag(&found);
    wanted.headers = object::headers(&found);
    // A copy lies in the usual storage class unless it is told otherwise.
    wanted.headers.remove("Storage-Class");
    wanted.headers.remove("Website-Redirect-Location");
    wanted.metadata = found.metadata().map(|own| own.clone().into_iter().collect()).unwrap_or_default();
    Ok(Some(found))
}

/// Returns whether an object is the copy of another one. Where the `ETag` is no checksum (of parts, under a key of KMS) a
/// copy has another one: then it is of the same size, and made after the other one was last written.
fn is_copy(answer: &HeadObjectOutput, source: Option<&HeadObjectOutput>) -> bool {
    let Some(source) = source else { return false };
    let plain = |answer: &HeadObjectOutput| {
        let kms = answer.server_side_encryption().is_some_and(|mode| mode.as_str() != "AES256");
        !kms && !etag(answer).contains('-')
    };
    if plain(answer) && plain(source) {
        return etag(answer) == etag(source);
    }
    let written = |answer: &HeadObjectOutput| answer.last_modified().map(DateTime::secs);
    answer.content_length() == source.content_length() && written(answer) >= written(source)
}

/// Returns whether an object has this content, by whatever S3 tells of it.
async fn is_same(
    s3: &S3,
    p: &ObjectParams,
    answer: &HeadObjectOutput,
    marks: &Marks,
    content: &[u8],
) -> Result<bool> {
    let etag = etag(answer);
    if etag == marks.md5 || answer.checksum_sha256() == Some(marks.sha256.as_str()) {
        return Ok(true);
    }
    let size = answer.content_length().and_then(|size| u64::try_from(size).ok());
    let Some((_, parts)) = etag.split_once('-').filter(|_| size == Some(marks.size)) else {
        return Ok(false);
    };
    // Sent in parts: as large as the first one, as all tools do it.
    let asked = s3.head_object().bucket(&p.bucket).key(p.key()).part_number(1).send().await;
    let first =
        asked.map_err(failing(format!("look at the parts of object {} in bucket {}", p.key(), p.bucket)))?;
    let Some(part) = first.content_length().and_then(|size| usize::try_from(size).ok()) else {
        return Ok(false);
    };
    let expected = etag_in_parts(content, part);
    Ok(expected == etag && expected.ends_with(parts))
}

/// Returns a link to an object that is good for a while; made here, without a call.
pub(super) async fn link(cx: &Cx, s3: &S3, p: &ObjectParams, to_put: bool) -> Result<String> {
    let what = format!("make a link to object {} in bucket {}", p.key(), p.bucket);
    let good_for = PresigningConfig::builder()
        .start_time(cx.now())
        .expires_in(Duration::from_secs(p.expiry))
        .build()
        .map_err(|error| Failure::new(format!("could not {what}: {error}")))?;
    let made = if to_put {
        s3.put_object().bucket(&p.bucket).key(p.key()).presigned(good_for).await.map_err(failing(what))
    } else {
        s3.get_object().bucket(&p.bucket).key(p.key()).presigned(good_for).await.map_err(failing(what))
    };
    Ok(made?.uri().to_owned())
}

/// Returns the tags of an object.
pub(super) async fn tags(s3: &S3, p: &ObjectParams) -> Result<Tags> {
    let asked = s3.get_object_tagging().bucket(&p.bucket).key(p.key()).send().await;
    let answer =
        asked.map_err(failing(format!("read the tags of object {} in bucket {}", p.key(), p.bucket)))?;
    Ok(answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect())
}
