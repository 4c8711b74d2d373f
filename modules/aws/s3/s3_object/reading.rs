//! What only reads from a bucket: an object into a file or a text, a link to it, a list of keys.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rplay_aws::{Tags, client, failing, is_code};
use rplay_client_s3::S3;
use rplay_client_s3::sdk::operation::get_object::GetObjectOutput;
use rplay_client_s3::sdk::operation::head_object::HeadObjectOutput;
use rplay_client_s3::sdk::operation::list_objects_v2::ListObjectsV2Output;
use rplay_client_s3::sdk::primitives::DateTime;
use rplay_module::{Action, Address, Cx, Deed, Effect, Failure, Foretold, InCheck, Result, unknown, words};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::{ObjectParams, Overwrite, found, missing};
use crate::content::{Marks, etag_in_parts};
use crate::keys;

const GONE: &[&str] = &["NoSuchKey", "NoSuchVersion", "404"];

fn named(p: &ObjectParams) -> Vec<Address> {
    vec![keys::bucket(&p.bucket), keys::object(&p.bucket, &p.key())]
}

/// Returns whether the object is only to be made yet, so that nothing can be said of it.
fn is_foretold(cx: &Cx, p: &ObjectParams) -> Result<bool> {
    let foretold: Vec<Foretold> =
        named(p).iter().filter_map(|address| cx.world().foretold(address)).collect();
    if foretold.contains(&Foretold::Deleted) {
        return Err(missing(p));
    }
    Ok(!foretold.is_empty() || unknown::is_unknown(&p.bucket) || unknown::is_unknown(&p.key()))
}

fn marker(p: &ObjectParams, what: &str) -> String {
    unknown::marker(unknown::Cause::Created, &format!("{}: {what}", keys::object(&p.bucket, &p.key())))
}

async fn get(s3: &S3, p: &ObjectParams) -> Result<GetObjectOutput> {
    let asked = s3.get_object().bucket(&p.bucket).key(p.key()).set_version_id(p.version.clone()).send().await;
    asked
        .map_err(failing(format!("read object {} in bucket {}", p.key(), p.bucket)))
        .map_err(|failure| if is_code(&failure, GONE) { missing(p) } else { failure })
}

async fn there(s3: &S3, p: &ObjectParams) -> Result<HeadObjectOutput> {
    let found = found::head(s3, p, p.key(), &p.bucket, p.version.as_deref()).await?;
    found.ok_or_else(|| missing(p))
}

/// Writes an object into a file.
#[derive(Clone, Copy, Debug)]
pub struct GetObject;

impl Action for GetObject {
    type Params = ObjectParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    fn refers(&self, p: &ObjectParams) -> Option<Vec<Address>> {
        Some(named(p))
    }

    async fn needless(&self, cx: &Cx, p: &ObjectParams) -> Result<Option<Deed>> {
        p.check()?;
        if is_foretold(cx, p)? {
            return Ok(None);
        }
        let s3 = client::<S3>(cx, &p.aws).await?;
        let answer = there(&s3, p).await?;
        let dest = destination(cx, p);
        let Ok(metadata) = dest.metadata() else { return Ok(None) };
        let message = match p.overwrite {
            Overwrite::Always => None,
            Overwrite::Never => Some("Local object already exists and overwrite is disabled."),
            Overwrite::Different => is_same(&s3, p, &answer, &dest).await?.then_some(
                "Local and remote object are identical, ignoring. Use overwrite=always parameter to force.",
            ),
            Overwrite::Latest => {
                let local = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                let remote = answer.last_modified().map(DateTime::secs);
                let newer = local.and_then(|time| i64::try_from(time.as_secs()).ok()) >= remote;
                newer.then_some("Local object is latest, ignoreing. Use overwrite=always parameter to force.")
            }
        };
        Ok(message.map(|message| Deed::new(false, json!({ "msg": message }))))
    }

    async fn foretell(&self, _cx: &Cx, _p: &ObjectParams) -> Result<Deed> {
        Ok(Deed::new(true, json!({ "msg": "GET operation skipped - running in check mode" })))
    }

    async fn perform(&self, cx: &Cx, p: &ObjectParams) -> Result<Deed> {
        let s3 = client::<S3>(cx, &p.aws).await?;
        let answer = get(&s3, p).await?;
        let dest = destination(cx, p);
        write(answer, &dest).await.map_err(|error| {
            Failure::new(format!(
                "could not write object {} in bucket {} to {}: {error}",
                p.key(),
                p.bucket,
                dest.display()
            ))
        })?;
        Ok(Deed::new(true, json!({ "msg": "GET operation complete" })))
    }
}

fn destination(cx: &Cx, p: &ObjectParams) -> PathBuf {
    let given = p.dest.as_deref().unwrap_or_default();
    let home = |user: &str| if user.is_empty() { cx.env("HOME") } else { None };
    cx.world().folder().join(words::expand(given, |name| cx.env(name), home))
}

async fn is_same(s3: &S3, p: &ObjectParams, answer: &HeadObjectOutput, dest: &Path) -> Result<bool> {
    let fail = |error: std::io::Error| Failure::new(format!("could not read {}: {error}", dest.display()));
    let content = tokio::fs::read(dest).await.map_err(fail)?;
    let etag = answer.e_tag().unwrap_or_default().trim_matches('"');
    if !etag.contains('-') {
        return Ok(etag == Marks::of(&content).md5);
    }
    let asked = s3.head_object().bucket(&p.bucket).key(p.key()).set_version_id(p.version.clone());
    let first = asked.part_number(1).send().await;
    let first =
        first.map_err(failing(format!("look at the parts of object {} in bucket {}", p.key(), p.bucket)))?;
    let part = first.content_length().and_then(|size| usize::try_from(size).ok());
    Ok(part.is_some_and(|part| etag_in_parts(&content, part) == etag))
}

/// Writes beside the file first: half an object is none.
async fn write(answer: GetObjectOutput, dest: &Path) -> std::io::Result<()> {
    let mut name = dest.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    let beside = dest.with_file_name(name);
    let written = async {
        let mut file = tokio::fs::File::create(&beside).await?;
        tokio::io::copy(&mut answer.body.into_async_read(), &mut file).await?;
        file.flush().await?;
        tokio::fs::rename(&beside, dest).await
    };
    let done = written.await;
    if done.is_err() {
        // What went wrong is told; that the rest of it stays is not worth more words.
        let _ = tokio::fs::remove_file(&beside).await;
    }
    done
}

/// Reads an object as text.
#[derive(Clone, Copy, Debug)]
pub struct ReadObject;

impl Action for ReadObject {
    type Params = ObjectParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    fn refers(&self, p: &ObjectParams) -> Option<Vec<Address>> {
        Some(named(p))
    }

    /// Says `changed`, as Ansible does.
    async fn perform(&self, cx: &Cx, p: &ObjectParams) -> Result<Deed> {
        p.check()?;
        if is_foretold(cx, p)? {
            let contents = marker(p, "contents");
            return Ok(Deed::new(true, json!({ "msg": "GET operation complete", "contents": contents })));
        }
        let s3 = client::<S3>(cx, &p.aws).await?;
        let what = format!("read object {} in bucket {}", p.key(), p.bucket);
        let body = get(&s3, p).await?.body.collect().await;
        let body = body.map_err(|error| Failure::new(format!("could not {what}: {error}")))?;
        let text = String::from_utf8(body.to_vec());
        let text = text.map_err(|_| Failure::new(format!("could not {what}: it is no UTF-8 text")))?;
        Ok(Deed::new(true, json!({ "msg": "GET operation complete", "contents": text })))
    }
}

/// Makes a link by which anyone can read an object for a while.
#[derive(Clone, Copy, Debug)]
pub struct ObjectUrl;

impl Action for ObjectUrl {
    type Params = ObjectParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    fn refers(&self, p: &ObjectParams) -> Option<Vec<Address>> {
        Some(named(p))
    }

    /// Says `changed`, as Ansible does.
    async fn perform(&self, cx: &Cx, p: &ObjectParams) -> Result<Deed> {
        p.check()?;
        if is_foretold(cx, p)? {
            let result = json!({ "msg": "Download url:", "url": marker(p, "url"), "expiry": p.expiry });
            return Ok(Deed::new(true, result));
        }
        let s3 = client::<S3>(cx, &p.aws).await?;
        let tagged = there(&s3, p).await?.tag_count().is_some_and(|count| count > 0);
        let tags = if tagged { found::tags(&s3, p).await? } else { Tags::default() };
        let url = found::link(cx, &s3, p, false).await?;
        let result = json!({ "msg": "Download url:", "url": url, "tags": tags.json(), "expiry": p.expiry });
        Ok(Deed::new(true, result))
    }
}

/// Lists the keys in a bucket.
#[derive(Clone, Copy, Debug)]
pub struct ListedKeys;

impl Action for ListedKeys {
    type Params = ObjectParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    fn refers(&self, _p: &ObjectParams) -> Option<Vec<Address>> {
        // Everything in the bucket counts.
        None
    }

    async fn perform(&self, cx: &Cx, p: &ObjectParams) -> Result<Deed> {
        p.check()?;
        cx.world().deprecate(
            "Support for 'list' mode has been deprecated and will be removed in a release after 2026-11-01.  Please \
             use the amazon.aws.s3_object_info module instead."
                .to_owned(),
        );
        let to_be_made = matches!(cx.world().foretold(&keys::bucket(&p.bucket)), Some(Foretold::Created(_)));
        if to_be_made || unknown::is_unknown(&p.bucket) {
            let keys = marker(p, "keys");
            return Ok(Deed::new(false, json!({ "msg": "LIST operation complete", "s3_keys": keys })));
        }
        let s3 = client::<S3>(cx, &p.aws).await?;
        let asked = s3
            .list_objects_v2()
            .bucket(&p.bucket)
            .set_prefix(Some(p.prefix.clone()).filter(|prefix| !prefix.is_empty()))
            .set_start_after(p.marker.clone());
        let what = format!("list the objects of bucket {}", p.bucket);
        let pages = match p.max_keys {
            // As many as asked for fit into one answer, and no more than a thousand do.
            Some(most) => vec![asked.max_keys(most).send().await.map_err(failing(what))?],
            None => asked.into_paginator().send().try_collect().await.map_err(failing(what))?,
        };
        let keys: Vec<&str> =
            pages.iter().flat_map(ListObjectsV2Output::contents).filter_map(|it| it.key()).collect();
        Ok(Deed::new(false, json!({ "msg": "LIST operation complete", "s3_keys": keys })))
    }
}
