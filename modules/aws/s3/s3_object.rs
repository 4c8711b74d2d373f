use std::collections::BTreeMap;

use indexmap::IndexMap;
use rplay_aws::{AwsParams, client, failing, optional};
use rplay_client_s3::S3;
use rplay_client_s3::sdk::primitives::ByteStream;
use rplay_client_s3::sdk::types::{ObjectCannedAcl, ServerSideEncryption};
use rplay_module::params::Spec;
use rplay_module::{
    Action, Address, Change, Choice, ControllerFile, Cx, Deed, Effect, Fact, Failure, InCheck, Params, Realm,
    Report, Resource, Result, State, Verdict, unknown,
};
use serde_json::{Value, json};

use crate::content::{Content, media_type};
use crate::{keys, object};

/// What a HEAD request says when there is no such object; an answer without a body has no better code.
const NONE: &[&str] = &["NotFound", "404", "NoSuchKey", "NoSuchBucket"];

/// Puts an object into a bucket, takes it away, reads it, or lists what is there.
#[derive(Clone, Debug, Params)]
#[params(
    mutually_exclusive("src", "content", "content_base64"),
    required_if(mode = "put", any("src", "content", "content_base64")),
    unbuilt(
        "ceph",
        "copy_src",
        "dest",
        "dualstack",
        "expected_bucket_owner",
        "expiry",
        "ignore_nonexistent_bucket",
        "marker",
        "max_keys",
        "prefix",
        "purge_tags",
        "retries",
        "sig_v4",
        "tags",
        "version"
    )
)]
pub struct ObjectParams {
    /// The bucket.
    #[param(identity)]
    pub bucket: String,
    /// The object's key.
    #[param(identity)]
    pub object: String,
    /// What to do.
    pub mode: ObjectMode,
    /// The file to send, looked for in `files` beside the playbook or role.
    #[param(files = "files")]
    pub src: Option<ControllerFile>,
    /// The text to send.
    pub content: Option<String>,
    /// The bytes to send, in base64.
    pub content_base64: Option<String>,
    /// When an object that is there is replaced.
    #[param(alias = "force", default = Overwrite::Different)]
    pub overwrite: Overwrite,
    /// Headers such as `Content-Type` and `Cache-Control`, and metadata of one's own; omitted they are left alone, and
    /// a new object's type is told from its name.
    pub metadata: Option<IndexMap<String, String>>,
    /// Headers of the object; the same as `metadata`.
    pub headers: Option<IndexMap<String, String>>,
    /// Encrypts the object.
    #[param(default = true)]
    pub encrypt: bool,
    /// How the object is encrypted.
    #[param(choices("AES256", "aws:kms"), default = "AES256")]
    pub encryption_mode: String,
    /// The key for `aws:kms`; omitted, AWS's own.
    pub encryption_kms_key_id: Option<String>,
    /// A canned ACL for a new object; omitted, none is sent.
    pub permission: Option<Vec<String>>,
    /// Refuses names that S3 would refuse, before any call.
    #[param(default = true)]
    pub validate_bucket_name: bool,
    #[param(flatten)]
    pub aws: AwsParams,
}

/// What is done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum ObjectMode {
    Put,
    Delobj,
    Getstr,
    List,
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
}

/// What is managed of an object.
#[derive(Clone, Debug, PartialEq, State)]
pub struct ObjectState {
    etag: String,
    headers: BTreeMap<String, String>,
    metadata: BTreeMap<String, String>,
    version: Fact<String>,
}

/// What an object shall consist of.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    etag: Option<String>,
}

/// An object in a bucket.
#[derive(Clone, Copy, Debug)]
pub struct ObjectResource;

impl ObjectParams {
    fn key(&self) -> &str {
        self.object.trim_start_matches('/')
    }

    fn given(&self) -> Option<IndexMap<String, String>> {
        let mut all = self.metadata.clone().unwrap_or_default();
        all.extend(self.headers.clone().unwrap_or_default());
        (self.metadata.is_some() || self.headers.is_some()).then_some(all)
    }

    fn content(&self) -> Result<Option<Content>> {
        Content::of(self.src.as_ref(), self.content.as_deref(), self.content_base64.as_deref())
    }
}

impl Resource for ObjectResource {
    type Params = ObjectParams;
    type State = ObjectState;
    type Around = Wanted;
    type Receipt = ();

    fn address(&self, p: &ObjectParams) -> Address {
        keys::object(&p.bucket, p.key())
    }

    fn refers(&self, p: &ObjectParams) -> Option<Vec<Address>> {
        Some(vec![keys::bucket(&p.bucket)])
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &ObjectParams,
        _receipt: Option<&()>,
    ) -> Result<(Option<ObjectState>, Wanted)> {
        if p.validate_bucket_name {
            keys::check(&p.bucket)?;
        }
        let wanted = Wanted {
            etag: match p.content()? {
                Some(content) if p.mode == ObjectMode::Put => Some(content.etag().await?),
                _ => None,
            },
        };
        // A bucket of which nothing is foretold is found by the object's own HEAD: one call, not two.
        let bucket = cx.lookup(&keys::bucket(&p.bucket), async { Ok(Some(p.bucket.clone())) }).await?;
        if bucket.as_deref().is_none_or(unknown::is_unknown) {
            return Ok((None, wanted));
        }
        let s3 = client::<S3>(cx, &p.aws).await?;
        let asked = s3.head_object().bucket(&p.bucket).key(p.key()).send().await;
        let asked = asked.map_err(failing(format!("look at object {} in bucket {}", p.key(), p.bucket)));
        let state = optional(asked, NONE)?.map(|answer| ObjectState {
            etag: answer.e_tag().unwrap_or_default().trim_matches('"').to_owned(),
            headers: object::headers(&answer),
            metadata: answer.metadata().map(|own| own.clone().into_iter().collect()).unwrap_or_default(),
            version: Fact::from_answer(answer.version_id().map(str::to_owned)),
        });
        Ok((state, wanted))
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
        if let (Overwrite::Never, Some(have)) = (p.overwrite, have) {
            return Ok(Some(have.clone()));
        }
        let (mut headers, metadata) = match (p.given(), have) {
            (Some(given), _) => object::parted(&given),
            (None, Some(have)) => (have.headers.clone(), have.metadata.clone()),
            (None, None) => (BTreeMap::new(), BTreeMap::new()),
        };
        headers.entry("Content-Type".to_owned()).or_insert_with(|| {
            have.and_then(|have| have.headers.get("Content-Type").cloned())
                .unwrap_or_else(|| media_type(p.key()).to_owned())
        });
        Ok(Some(ObjectState {
            etag: wanted.etag.clone().unwrap_or_default(),
            headers,
            metadata,
            version: have.map(|have| have.version.clone()).unwrap_or_default(),
        }))
    }

    fn verdict(&self, p: &ObjectParams, have: &ObjectState, want: &ObjectState) -> Verdict {
        // Under a KMS key, and in parts, the ETag is no MD5: what it stands for cannot be compared.
        let comparable = have.etag.len() == want.etag.len() && p.encryption_mode == "AES256";
        let same = have.headers == want.headers
            && have.metadata == want.metadata
            && (have.etag == want.etag || !comparable);
        if same { Verdict::Keep } else { Verdict::Update }
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &ObjectParams,
        _wanted: &Wanted,
        change: Change<'_, ObjectState>,
    ) -> Result<()> {
        let s3 = client::<S3>(cx, &p.aws).await?;
        match change {
            Change::Create { want } | Change::Update { want, .. } => put(&s3, p, want).await,
            Change::Delete { .. } => {
                let done = s3.delete_object().bucket(&p.bucket).key(p.key()).send().await;
                done.map(|_| ()).map_err(failing(format!("delete object {} in bucket {}", p.key(), p.bucket)))
            }
        }
    }

    fn output(&self, p: &ObjectParams, report: &Report<'_, Self>) -> Value {
        let message = match (p.mode, report.changed, report.after.is_some()) {
            (ObjectMode::Delobj, true, _) => format!("Object deleted from bucket {}.", p.bucket),
            (ObjectMode::Delobj, false, _) => "Object does not exist.".to_owned(),
            (_, true, _) => "PUT operation complete".to_owned(),
            (_, false, _) => "Bucket and key exist and match".to_owned(),
        };
        json!({ "msg": message, "tags": {} })
    }

    async fn realm(&self, cx: &Cx, p: &ObjectParams) -> Result<Realm, Failure> {
        rplay_client_sts::global_realm(cx, &p.aws).await
    }
}

async fn put(s3: &S3, p: &ObjectParams, want: &ObjectState) -> Result<()> {
    let Some(content) = p.content()? else {
        return Err(Failure::bug("an object is put without content"));
    };
    let header = |name: &str| want.headers.get(name).cloned();
    let encryption = p.encrypt.then(|| ServerSideEncryption::from(p.encryption_mode.as_str()));
    let acl = p.permission.as_ref().and_then(|permissions| permissions.first());
    let sent = s3
        .put_object()
        .bucket(&p.bucket)
        .key(p.key())
        .body(ByteStream::from(content.bytes().await?))
        .set_content_type(header("Content-Type"))
        .set_cache_control(header("Cache-Control"))
        .set_content_encoding(header("Content-Encoding"))
        .set_content_language(header("Content-Language"))
        .set_content_disposition(header("Content-Disposition"))
        .set_metadata((!want.metadata.is_empty()).then(|| want.metadata.clone().into_iter().collect()))
        .set_server_side_encryption(encryption)
        .set_ssekms_key_id(p.encryption_kms_key_id.clone())
        .set_acl(acl.map(|acl| ObjectCannedAcl::from(acl.as_str())))
        .send()
        .await;
    sent.map(|_| ()).map_err(failing(format!("put object {} into bucket {}", p.key(), p.bucket)))
}

/// What reading an object takes.
#[derive(Clone, Debug, Params)]
pub struct ReadParams {
    /// The bucket.
    pub bucket: String,
    /// The object's key.
    pub object: String,
    /// `getstr`.
    pub mode: ObjectMode,
    /// Which version; omitted, the newest.
    pub version: Option<String>,
    #[param(flatten)]
    pub aws: AwsParams,
}

/// Reads an object as text.
#[derive(Clone, Copy, Debug)]
pub struct ReadObject;

impl Action for ReadObject {
    type Params = ReadParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &ReadParams) -> Result<Deed> {
        let s3 = client::<S3>(cx, &p.aws).await?;
        let key = p.object.trim_start_matches('/');
        let what = format!("read object {key} in bucket {}", p.bucket);
        let asked = s3.get_object().bucket(&p.bucket).key(key).set_version_id(p.version.clone()).send().await;
        let answer = asked.map_err(failing(what.clone()))?;
        let body = answer
            .body
            .collect()
            .await
            .map_err(|error| Failure::new(format!("could not {what}: {error}")))?;
        let text = String::from_utf8(body.to_vec())
            .map_err(|_| Failure::new(format!("could not {what}: it is no UTF-8 text")))?;
        Ok(Deed::new(true, json!({ "msg": "GET operation complete", "contents": text, "tags": {} })))
    }
}

/// What listing a bucket takes.
#[derive(Clone, Debug, Params)]
pub struct ListParams {
    /// The bucket.
    pub bucket: String,
    /// `list`.
    pub mode: ObjectMode,
    /// Only keys that begin so.
    #[param(default = "")]
    pub prefix: String,
    /// Only keys behind this one.
    #[param(default = "")]
    pub marker: String,
    /// At most so many keys.
    #[param(default = 1000)]
    pub max_keys: usize,
    #[param(flatten)]
    pub aws: AwsParams,
}

/// Lists the keys in a bucket.
#[derive(Clone, Copy, Debug)]
pub struct ListedKeys;

impl Action for ListedKeys {
    type Params = ListParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &ListParams) -> Result<Deed> {
        let s3 = client::<S3>(cx, &p.aws).await?;
        let objects = s3.objects(&p.bucket, Some(&p.prefix)).await?;
        let listed = objects.iter().filter_map(|object| object.key()).filter(|key| *key > p.marker.as_str());
        let found: Vec<&str> = listed.take(p.max_keys).collect();
        Ok(Deed::new(false, json!({ "msg": "LIST operation complete", "s3_keys": found })))
    }
}

/// Returns what any mode takes, for the check before the run: each mode judges its own parameters again.
pub(crate) fn spec() -> Spec {
    let mut all = ObjectParams::spec();
    for other in [ReadParams::spec(), ListParams::spec()] {
        for param in other.params {
            if all.param(param.name).is_none() {
                all.unbuilt.retain(|name| *name != param.name);
                all.params.push(param);
            }
        }
    }
    for param in &mut all.params {
        param.required &= param.name != "object";
    }
    all
}
