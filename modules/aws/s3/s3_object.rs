use std::collections::BTreeMap;

use indexmap::IndexMap;
use rplay_aws::{AwsParams, Tags, client, is_code};
use rplay_client_s3::S3;
use rplay_module::{
    Address, Change, Choice, ControllerFile, Cx, Fact, Failure, Params, Realm, Report, Resource, Result,
    State, unknown,
};
use serde_json::{Map, Value, json};

use crate::content::{Content, UNKNOWN_TYPE, media_type};
use crate::{keys, object};
use found::Wanted;

pub use reading::{GetObject, ListedKeys, ObjectUrl, ReadObject};

mod found;
mod reading;
mod sending;

/// Puts an object into a bucket, copies it there, takes it away, reads it, or lists what is there.
#[expect(clippy::duplicated_attributes, reason = "there are two rules about one mode")]
#[derive(Clone, Debug, Params)]
#[params(
    mutually_exclusive("content", "content_base64", "src"),
    required_if(mode = "put", needs("object")),
    required_if(mode = "put", any("content", "content_base64", "src")),
    required_if(mode = "create", needs("object")),
    required_if(mode = "get", needs("dest", "object")),
    required_if(mode = "getstr", needs("object")),
    required_if(mode = "geturl", needs("object")),
    required_if(mode = "copy", needs("copy_src")),
    required_if(mode = "delobj", needs("object")),
    unbuilt(
        "ceph",
        "dualstack",
        "expected_bucket_owner",
        "ignore_nonexistent_bucket",
        "retries",
        "retry",
        "rgw",
        "sig_v4"
    )
)]
pub struct ObjectParams {
    /// The bucket.
    #[param(identity)]
    pub bucket: String,
    /// The object's key; omitted only for `list`.
    #[param(identity)]
    pub object: Option<String>,
    /// What to do: `put`, `create` (a folder), `copy` or `delobj`; `get` a file, `getstr` a text, `geturl` a link, `list`
    /// keys.
    pub mode: ObjectMode,
    /// The file to send, looked for in `files` beside the playbook or role; omitted, the content is given.
    #[param(files = "files")]
    pub src: Option<ControllerFile>,
    /// The text to send; omitted, there is a file.
    pub content: Option<String>,
    /// The bytes to send, in base64; omitted, there is a file or a text.
    pub content_base64: Option<String>,
    /// The file to write, for `get`; omitted otherwise.
    #[param(path)]
    pub dest: Option<String>,
    /// When an object (for `get` a file) that is there is replaced.
    #[param(alias = "force", default = Overwrite::Different)]
    pub overwrite: Overwrite,
    /// Headers such as `Content-Type` and `Cache-Control`, and metadata of one's own; headers that are not named are left
    /// alone, and where this is omitted the metadata is too. A new object's type is told from its file's name.
    pub metadata: Option<IndexMap<String, String>>,
    /// Further headers and metadata, for `put`; omitted, there are none.
    pub headers: Option<IndexMap<String, String>>,
    /// The object's tags; omitted, they are left alone.
    #[param(alias = "resource_tags")]
    pub tags: Option<IndexMap<String, String>>,
    /// Whether tags that are not named are removed.
    #[param(default = true)]
    pub purge_tags: bool,
    /// Asks for encryption; without it the bucket's own setting decides.
    #[param(default = true)]
    pub encrypt: bool,
    /// How the object is encrypted; omitted, a new one with `AES256`, and one that is there is left as it is.
    #[param(choices("AES256", "aws:kms"))]
    pub encryption_mode: Option<String>,
    /// The key for `aws:kms`; omitted, AWS's own.
    pub encryption_kms_key_id: Option<String>,
    /// The canned ACLs of a new object, of which the last one holds; omitted, none is sent and only the owner may read.
    #[param(choices(
        "private",
        "public-read",
        "public-read-write",
        "aws-exec-read",
        "authenticated-read",
        "bucket-owner-read",
        "bucket-owner-full-control"
    ))]
    pub permission: Option<Vec<String>>,
    /// What is copied; omitted otherwise.
    pub copy_src: Option<CopySource>,
    /// Which version is read; omitted, the newest.
    pub version: Option<String>,
    /// How many seconds the returned link is good for.
    #[param(alias = "expiration", default = 600)]
    pub expiry: u64,
    /// Only keys that begin so, for `list`.
    #[param(default = "")]
    pub prefix: String,
    /// Only keys behind this one, for `list`; omitted, from the first.
    pub marker: Option<String>,
    /// At most so many keys, for `list`; omitted, all.
    pub max_keys: Option<i32>,
    /// Refuses names that S3 would refuse, before any call.
    #[param(default = true)]
    pub validate_bucket_name: bool,
    #[param(flatten)]
    pub aws: AwsParams,
}

/// What is copied.
#[derive(Clone, Debug, Params)]
pub struct CopySource {
    /// The bucket it is in.
    pub bucket: String,
    /// Its key; copying everything in the bucket, which omitting it means, is not built yet.
    pub object: Option<String>,
    /// Which version; omitted, the newest.
    pub version_id: Option<String>,
    /// Only keys that begin so, where everything is copied.
    #[param(default = "")]
    pub prefix: String,
}

/// What is done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum ObjectMode {
    Get,
    Put,
    Create,
    Geturl,
    Getstr,
    Delobj,
    List,
    Copy,
}

/// When an object that is there is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Overwrite {
    #[choice("different")]
    Different,
    #[choice("always", "yes", "true", "True")]
    Always,
    #[choice("never", "no", "false", "False")]
    Never,
    /// For `get`: when the object is newer than the file.
    Latest,
}

/// What is managed of an object.
#[derive(Clone, Debug, PartialEq, State)]
pub struct ObjectState {
    /// The `ETag`; of an object that was found to be the same, the one that it would have if it were sent again.
    etag: String,
    headers: BTreeMap<String, String>,
    metadata: BTreeMap<String, String>,
    /// `None` where the parameters leave them alone: then they are not read.
    tags: Option<Tags>,
    /// `None` where the parameters leave it alone.
    encryption: Option<Encryption>,
    /// Set where it is to be sent in any case: whether it was.
    sent: Option<bool>,
    version: Fact<String>,
    /// Tags that are to be kept when the object is sent again.
    tag_count: Fact<i32>,
}

/// How an object is encrypted.
#[derive(Clone, Debug, PartialEq, State)]
pub(crate) struct Encryption {
    mode: String,
    key: Option<String>,
}

/// An object in a bucket.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObjectResource;

impl ObjectParams {
    /// A folder is an empty object whose key ends in a slash.
    fn key(&self) -> String {
        let key = self.object.as_deref().unwrap_or_default();
        if self.mode == ObjectMode::Create && !key.ends_with('/') {
            format!("{key}/")
        } else {
            key.to_owned()
        }
    }

    /// Says no to what S3 or Ansible would refuse, before any call.
    fn check(&self) -> Result<()> {
        if self.validate_bucket_name && !unknown::is_unknown(&self.bucket) {
            keys::check(&self.bucket)?;
        }
        if self.object.as_deref().is_some_and(|key| key.starts_with('/')) {
            return Err(Failure::new(
                "Parameter 'object' should not start with a leading '/'. See \
                 https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html",
            ));
        }
        Ok(())
    }

    fn given(&self) -> Option<IndexMap<String, String>> {
        let mut all = self.metadata.clone().unwrap_or_default();
        all.extend(self.headers.clone().unwrap_or_default());
        (self.metadata.is_some() || self.headers.is_some()).then_some(all)
    }

    fn content(&self) -> Result<Option<Content>> {
        match self.mode {
            ObjectMode::Put => {
                Content::of(self.src.as_ref(), self.content.as_deref(), self.content_base64.as_deref())
            }
            ObjectMode::Create => Ok(Some(Content::Bytes(Vec::new()))),
            _ => Ok(None),
        }
    }

    /// What is given as text has no name that would tell its type.
    fn media_type(&self) -> &'static str {
        let name = self.src.as_ref().map(|src| src.path.to_string_lossy());
        name.map_or(UNKNOWN_TYPE, |name| media_type(&name))
    }

    fn encryption(&self, have: Option<&Encryption>) -> Option<Encryption> {
        let mode = self.encryption_mode.clone().filter(|_| self.encrypt)?;
        let kept = have.filter(|have| have.mode == mode).and_then(|have| have.key.clone());
        let same = |given: &String, kept: &String| {
            // An alias stands for a key that only KMS knows.
            given == kept || given.contains("alias/") || kept.ends_with(&format!("/{given}"))
        };
        let key = match (self.encryption_kms_key_id.clone().filter(|_| mode == "aws:kms"), kept) {
            (Some(given), Some(kept)) if same(&given, &kept) => Some(kept),
            (Some(given), _) => Some(given),
            (None, kept) => kept,
        };
        Some(Encryption { mode, key })
    }
}

impl Resource for ObjectResource {
    type Params = ObjectParams;
    type State = ObjectState;
    type Around = Wanted;
    type Receipt = ();

    fn address(&self, p: &ObjectParams) -> Address {
        keys::object(&p.bucket, &p.key())
    }

    fn refers(&self, p: &ObjectParams) -> Option<Vec<Address>> {
        let mut named = vec![keys::bucket(&p.bucket)];
        if let Some(source) = &p.copy_src {
            named.push(keys::bucket(&source.bucket));
            named.extend(source.object.as_deref().map(|key| keys::object(&source.bucket, key)));
        }
        Some(named)
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &ObjectParams,
        receipt: Option<&()>,
    ) -> Result<(Option<ObjectState>, Wanted)> {
        p.check()?;
        found::read(cx, p, receipt.is_some()).await
    }

    fn desired(
        &self,
        p: &ObjectParams,
        wanted: &Wanted,
        have: Option<&ObjectState>,
    ) -> Result<Option<ObjectState>> {
        if p.mode == ObjectMode::Delobj {
            return Ok(None);
        }
        let have_tags = have.and_then(|have| have.tags.as_ref());
        let tags = p.tags.as_ref().map(|tags| Tags::desired(Some(tags), p.purge_tags, have_tags));
        let kept = p.mode == ObjectMode::Create || p.overwrite == Overwrite::Never;
        if let (true, Some(have)) = (kept, have) {
            let tags = if p.mode == ObjectMode::Create { have.tags.clone() } else { tags };
            return Ok(Some(ObjectState { tags, ..have.clone() }));
        }
        let have_headers = have.map(|have| have.headers.clone()).unwrap_or_default();
        let mut headers = have_headers;
        let mut metadata = have.map(|have| have.metadata.clone()).unwrap_or_default();
        if let Some(given) = p.given() {
            let given = object::parted(&given)?;
            headers.extend(given.headers);
            metadata = given.own;
        }
        if p.mode == ObjectMode::Copy {
            if p.metadata.is_none() {
                (headers, metadata) = (wanted.headers.clone(), wanted.metadata.clone());
            }
        } else {
            headers.entry("Content-Type".to_owned()).or_insert_with(|| p.media_type().to_owned());
        }
        Ok(Some(ObjectState {
            etag: wanted.etag.clone(),
            headers,
            metadata,
            tags,
            encryption: p.encryption(have.and_then(|have| have.encryption.as_ref())),
            sent: (p.overwrite == Overwrite::Always && p.mode == ObjectMode::Put).then_some(true),
            version: have.map(|have| have.version.clone()).unwrap_or_default(),
            tag_count: have.map(|have| have.tag_count.clone()).unwrap_or_default(),
        }))
    }

    fn normal(&self, mut state: ObjectState) -> ObjectState {
        object::normal(&mut state.headers);
        state
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &ObjectParams,
        _wanted: &Wanted,
        change: Change<'_, ObjectState>,
    ) -> Result<()> {
        let s3 = client::<S3>(cx, &p.aws).await?;
        let (have, want) = match change {
            Change::Create { want } => (None, want),
            Change::Update { have, want } => (Some(have), want),
            Change::Delete { have } => return sending::delete(&s3, p, have).await,
        };
        let only_tags = have.is_some_and(|have| {
            ObjectState { tags: None, ..have.clone() } == ObjectState { tags: None, ..want.clone() }
        });
        let done = match p.mode {
            _ if only_tags => return sending::write_tags(&s3, p, want.tags.as_ref()).await,
            ObjectMode::Copy => sending::copy(&s3, p, have, want).await,
            _ => sending::put(&s3, p, have, want).await,
        };
        done.map_err(|failure| {
            if is_code(&failure, &["NoSuchBucket"]) {
                failure.hint("s3_bucket makes buckets")
            } else {
                failure
            }
        })
    }

    fn output(&self, p: &ObjectParams, report: &Report<'_, Self>) -> Value {
        let (bucket, key) = (&p.bucket, p.key());
        let links = report.around;
        let mut output = Map::new();
        let mut set = |name: &str, value: Value| output.insert(name.to_owned(), value);
        let (message, url) = match (p.mode, report.changed) {
            (ObjectMode::Delobj, true) => (format!("Object {key} deleted from bucket {bucket}."), None),
            (ObjectMode::Delobj, false) => (format!("Object {key} is not in bucket {bucket}."), None),
            (ObjectMode::Create, true) => {
                (format!("Virtual directory {key} created in bucket {bucket}"), links.to_put.clone())
            }
            (ObjectMode::Create, false) => (format!("Bucket {bucket} and key {key} already exists."), None),
            (ObjectMode::Copy, true) => {
                let source = p.copy_src.as_ref().map(|source| source.bucket.as_str()).unwrap_or_default();
                (format!("Object copied from bucket {source} to bucket {bucket}."), None)
            }
            (ObjectMode::Copy, false) => ("ETag from source and destination are the same".to_owned(), None),
            (_, true) => ("PUT operation complete".to_owned(), links.to_put.clone()),
            (_, false) => {
                set("expiry", json!(p.expiry));
                ("Download url:".to_owned(), links.to_get.clone())
            }
        };
        set("msg", json!(message));
        if let Some(url) = url {
            set("url", json!(url));
        }
        // Tags that were not read are told only where it is known that there are none.
        let state = report.after;
        let none = state.is_some_and(|state| state.tag_count.known() == Some(&0));
        if let Some(tags) =
            state.and_then(|state| state.tags.as_ref()).map(Tags::json).or(none.then(|| json!({})))
        {
            set("tags", tags);
        }
        Value::Object(output)
    }

    async fn realm(&self, cx: &Cx, p: &ObjectParams) -> Result<Realm, Failure> {
        rplay_client_sts::global_realm(cx, &p.aws).await
    }
}

/// Returns the failure of an object that is not there, in Ansible's words.
fn missing(p: &ObjectParams) -> Failure {
    let key = p.key();
    Failure::new(match &p.version {
        Some(version) => format!("Key {key} with version id {version} does not exist."),
        None => format!("Key {key} does not exist."),
    })
}

#[cfg(test)]
mod tests;
