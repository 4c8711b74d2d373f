use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use rplay_aws::{AwsParams, Document, Tags, client, failing, is_code, retry_on};
use rplay_client_s3::S3;
use rplay_client_s3::sdk::types::{BucketLocationConstraint, CreateBucketConfiguration, ObjectIdentifier};
use rplay_module::{
    Address, Change, Choice, Cx, Fact, Failure, Held, Params, Realm, Report, Resource, Result, State, unknown,
};
use serde_json::{Map, Value, json};

use crate::{keys, versions};

mod parts;

/// Keeps a bucket.
#[derive(Clone, Debug, Params)]
#[params(
    mutually_exclusive("public_access", "delete_public_access"),
    mutually_exclusive("object_ownership", "delete_object_ownership"),
    required_by(encryption_key_id, needs("encryption")),
    unbuilt(
        "accelerate_enabled",
        "account_regional",
        "acl",
        "ceph",
        "dualstack",
        "inventory",
        "logging",
        "object_lock_default_retention",
        "object_lock_enabled",
        "requester_pays"
    )
)]
pub struct BucketParams {
    /// The bucket's name.
    #[param(identity)]
    pub name: String,
    /// Whether the bucket shall be there.
    #[param(default = BucketWish::Present)]
    pub state: BucketWish,
    /// Deletes what is in the bucket before it is deleted itself.
    #[param(default = false)]
    pub force: bool,
    /// The bucket's policy, as data or as JSON text; `"null"` and an empty one take it away, omitted it is left alone.
    pub policy: Option<Value>,
    /// Whether versions are kept; omitted it is left alone.
    pub versioning: Option<bool>,
    /// How objects are encrypted, `none` for S3's own default; omitted it is left alone.
    #[param(choices("none", "AES256", "aws:kms"))]
    pub encryption: Option<String>,
    /// The key for `aws:kms`; omitted, the one that is used already, else AWS's own.
    pub encryption_key_id: Option<String>,
    /// Asks KMS once for many objects; only with `aws:kms`. Omitted it is left alone.
    pub bucket_key_enabled: Option<bool>,
    /// What the public is kept from; omitted it is left alone.
    pub public_access: Option<PublicAccess>,
    /// Takes the public access block away, also the one that S3 gives a new bucket.
    #[param(default = false)]
    pub delete_public_access: bool,
    /// Who owns what others put in; omitted it is left alone.
    #[param(choices("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"))]
    pub object_ownership: Option<String>,
    /// Takes the ownership controls away, also those that S3 gives a new bucket.
    #[param(default = false)]
    pub delete_object_ownership: bool,
    /// The bucket's tags; omitted they are left alone.
    #[param(alias = "resource_tags")]
    pub tags: Option<IndexMap<String, String>>,
    /// Whether tags that are not named are removed.
    #[param(default = true)]
    pub purge_tags: bool,
    /// Refuses names that S3 would refuse, before any call.
    #[param(default = true)]
    pub validate_bucket_name: bool,
    #[param(flatten)]
    pub aws: AwsParams,
}

/// Whether a bucket shall be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum BucketWish {
    Present,
    Absent,
}

/// What the public is kept from.
#[derive(Clone, Debug, PartialEq, Params, State)]
pub struct PublicAccess {
    /// New public ACLs.
    #[param(default = false)]
    pub block_public_acls: bool,
    /// New public policies.
    #[param(default = false)]
    pub block_public_policy: bool,
    /// Public ACLs that are there count for nothing.
    #[param(default = false)]
    pub ignore_public_acls: bool,
    /// Buckets with a public policy are for AWS and the owner alone.
    #[param(default = false)]
    pub restrict_public_buckets: bool,
}

/// How objects are encrypted.
#[derive(Clone, Debug, PartialEq, State)]
pub(crate) struct Encryption {
    algorithm: String,
    key: Option<String>,
    bucket_key: bool,
}

/// What is managed of a bucket; `None` is what the parameters leave alone.
#[derive(Clone, Debug, PartialEq, State)]
pub struct BucketState {
    name: String,
    policy: Option<Document>,
    versioning: Option<String>,
    encryption: Option<Encryption>,
    public_access: Option<PublicAccess>,
    object_ownership: Option<String>,
    tags: Option<Tags>,
    /// Tags that only AWS may set; they have to be written back with the others.
    hidden_tags: Fact<BTreeMap<String, String>>,
}

/// A bucket.
#[derive(Clone, Copy, Debug, Default)]
pub struct BucketResource;

/// What S3 says while another change of the bucket is under way.
const BUSY: &[&str] = &["OperationAborted"];
/// And just after a bucket was created.
const NEW: &[&str] = &["OperationAborted", "NoSuchBucket"];

impl BucketParams {
    fn reads_encryption(&self) -> bool {
        self.encryption.is_some() || self.bucket_key_enabled.is_some()
    }

    fn encryption(&self, have: Option<&Encryption>) -> Result<Option<Encryption>> {
        if self.encryption_key_id.is_some() && self.encryption.as_deref() != Some("aws:kms") {
            return Err(Failure::new(
                "Only 'aws:kms' is a valid option for encryption parameter when you specify encryption_key_id.",
            ));
        }
        let given = match self.encryption.as_deref() {
            None if self.bucket_key_enabled.is_none() => return Ok(None),
            // S3 encrypts everything by itself since it cannot be turned off any more.
            Some("none") => return Ok(have.filter(|have| **have == Encryption::default()).cloned()),
            given => given,
        };
        let algorithm = given.or(have.map(|have| have.algorithm.as_str())).unwrap_or("AES256");
        if algorithm != "aws:kms" && self.bucket_key_enabled == Some(true) {
            return Err(Failure::new(format!(
                "Unable to set bucket key: current encryption algorithm (\"{algorithm}\") is not \"aws:kms\""
            )));
        }
        let same = have.filter(|have| have.algorithm == algorithm);
        let key = self.encryption_key_id.clone().or_else(|| same.and_then(|same| same.key.clone()));
        let bucket_key = self.bucket_key_enabled.or(same.map(|same| same.bucket_key)).unwrap_or(false);
        Ok(Some(Encryption { algorithm: algorithm.to_owned(), key, bucket_key }))
    }

    fn policy(&self) -> Result<Option<Document>> {
        let document = match &self.policy {
            Some(Value::String(text)) if text.trim().is_empty() => Value::Null,
            Some(Value::String(text)) if unknown::is_unknown(text) => Value::from(text.as_str()),
            Some(Value::String(text)) => serde_json::from_str(text).map_err(|error| {
                Failure::new(format!("could not read the policy: it is no JSON: {error}"))
            })?,
            given => given.clone().unwrap_or_default(),
        };
        let empty = document.is_null() || document.as_object().is_some_and(Map::is_empty);
        Ok((!empty).then(|| Document::new(document)))
    }

    fn versioning(&self, have: Option<&str>) -> Option<String> {
        let word = match (self.versioning?, have) {
            (true, _) => "Enabled",
            // Once they were kept, it can only be suspended.
            (false, Some("Enabled" | "Suspended")) => "Suspended",
            (false, _) => "Disabled",
        };
        Some(word.to_owned())
    }

    /// What a bucket has that was just created, as far as it is managed.
    fn new_bucket(&self) -> BucketState {
        BucketState {
            name: self.name.clone(),
            policy: None,
            versioning: self.versioning.map(|_| "Disabled".to_owned()),
            encryption: None,
            // What S3 gives new buckets. What is asked for is written in any case: it costs a call once.
            public_access: self.delete_public_access.then_some(PublicAccess {
                block_public_acls: true,
                block_public_policy: true,
                ignore_public_acls: true,
                restrict_public_buckets: true,
            }),
            object_ownership: self.delete_object_ownership.then(|| "BucketOwnerEnforced".to_owned()),
            tags: self.tags.as_ref().map(|_| Tags::default()),
            hidden_tags: Fact::Unknown,
        }
    }
}

impl Default for Encryption {
    /// Returns what S3 does unless it is told otherwise.
    fn default() -> Self {
        Self { algorithm: "AES256".to_owned(), key: None, bucket_key: false }
    }
}

impl Resource for BucketResource {
    type Params = BucketParams;
    type State = BucketState;
    type Around = ();
    type Receipt = ();

    fn address(&self, p: &BucketParams) -> Address {
        keys::bucket(&p.name)
    }

    fn refers(&self, _p: &BucketParams) -> Option<Vec<Address>> {
        Some(Vec::new())
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &BucketParams,
        _receipt: Option<&()>,
    ) -> Result<(Option<BucketState>, ())> {
        if p.validate_bucket_name {
            keys::check(&p.name)?;
        }
        let s3 = client::<S3>(cx, &p.aws).await?;
        if s3.bucket(&p.name).await?.is_none() {
            return Ok((None, ()));
        }
        Ok((Some(state(&s3, p).await?), ()))
    }

    fn desired(
        &self,
        p: &BucketParams,
        _around: &(),
        have: Option<&BucketState>,
    ) -> Result<Option<BucketState>> {
        if p.state == BucketWish::Absent {
            return Ok(None);
        }
        let have_tags = have.and_then(|have| have.tags.as_ref());
        Ok(Some(BucketState {
            name: p.name.clone(),
            policy: p.policy()?,
            versioning: p.versioning(have.and_then(|have| have.versioning.as_deref())),
            encryption: p.encryption(have.and_then(|have| have.encryption.as_ref()))?,
            public_access: p.public_access.clone(),
            object_ownership: p.object_ownership.clone(),
            tags: p.tags.as_ref().map(|tags| Tags::desired(Some(tags), p.purge_tags, have_tags)),
            hidden_tags: have.map(|have| have.hidden_tags.clone()).unwrap_or_default(),
        }))
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &BucketParams,
        _around: &(),
        change: Change<'_, BucketState>,
    ) -> Result<()> {
        let s3 = client::<S3>(cx, &p.aws).await?;
        match change {
            Change::Create { want } => {
                retry_on(cx, BUSY, 120, || create(&s3, &p.name)).await?;
                let new = p.new_bucket();
                retry_on(cx, NEW, 60, || update(&s3, &new, want)).await
            }
            Change::Update { have, want } => retry_on(cx, BUSY, 60, || update(&s3, have, want)).await,
            Change::Delete { .. } => {
                if p.force {
                    versions::delete(&s3, &p.name, &s3.versions(&p.name).await?).await?;
                }
                retry_on(cx, BUSY, 60, || delete(&s3, &p.name)).await
            }
        }
    }

    fn output(&self, p: &BucketParams, report: &Report<'_, Self>) -> Value {
        let Some(state) = report.after else { return json!({}) };
        // What was not read is not told.
        let managed = [
            (
                "policy",
                p.policy
                    .as_ref()
                    .map(|_| state.policy.as_ref().map_or(Value::Null, |policy| policy.json().clone())),
            ),
            (
                "versioning",
                state.versioning.as_ref().map(|word| json!({ "Versioning": word, "MfaDelete": "Disabled" })),
            ),
            ("encryption", p.reads_encryption().then(|| shown_encryption(state.encryption.as_ref()))),
            (
                "object_ownership",
                (p.object_ownership.is_some() || p.delete_object_ownership)
                    .then(|| json!(state.object_ownership)),
            ),
            (
                "public_access_block",
                (p.public_access.is_some() || p.delete_public_access)
                    .then(|| shown_access(state.public_access.as_ref())),
            ),
            ("tags", state.tags.as_ref().map(Tags::json)),
        ];
        let managed = managed.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(
            Map::from_iter([("name".to_owned(), json!(state.name))]).into_iter().chain(managed).collect(),
        )
    }

    fn id(&self, state: &BucketState) -> Option<String> {
        Some(state.name.clone())
    }

    /// Old versions and markers of deleted objects keep a bucket from being deleted as well.
    async fn holds(&self, cx: &Cx, p: &BucketParams, _have: &BucketState) -> Result<Vec<Held>> {
        if p.force {
            return Ok(Vec::new());
        }
        let s3 = client::<S3>(cx, &p.aws).await?;
        let versions = s3.versions(&p.name).await?;
        let found: BTreeSet<&str> = versions.iter().map(ObjectIdentifier::key).collect();
        let held =
            |key: &str| Held { name: format!("object {key}"), address: Some(keys::object(&p.name, key)) };
        Ok(found.into_iter().map(held).collect())
    }

    /// With `force`, whatever is in it.
    async fn along(
        &self,
        cx: &Cx,
        p: &BucketParams,
        _have: &BucketState,
        _unlisted: &[Held],
    ) -> Result<Option<String>> {
        if !p.force {
            return Ok(None);
        }
        let s3 = client::<S3>(cx, &p.aws).await?;
        let asked = s3.list_object_versions().bucket(&p.name).send().await;
        let page = asked.map_err(failing(format!("list the versions of bucket {}", p.name)))?;
        let versions = page.versions().iter().filter_map(|version| version.key());
        let keys = versions.chain(page.delete_markers().iter().filter_map(|marker| marker.key()));
        let keys: BTreeSet<&str> = keys.collect();
        let more = if page.is_truncated() == Some(true) { "more than " } else { "" };
        Ok(match keys.len() {
            0 => None,
            1 if more.is_empty() => Some("the object in it".to_owned()),
            count => Some(format!("{more}{count} objects")),
        })
    }

    async fn realm(&self, cx: &Cx, p: &BucketParams) -> Result<Realm, Failure> {
        rplay_client_sts::global_realm(cx, &p.aws).await
    }
}

fn shown_encryption(encryption: Option<&Encryption>) -> Value {
    let Some(encryption) = encryption else { return Value::Null };
    let mut shown = json!({ "SSEAlgorithm": encryption.algorithm });
    if let (Some(key), Some(fields)) = (&encryption.key, shown.as_object_mut()) {
        fields.insert("KMSMasterKeyID".to_owned(), json!(key));
    }
    shown
}

/// In all the spellings that Ansible's result has.
fn shown_access(access: Option<&PublicAccess>) -> Value {
    let Some(access) = access else { return Value::Null };
    let fields = [
        ("block_public_acls", "BlockPublicAcls", access.block_public_acls),
        ("ignore_public_acls", "IgnorePublicAcls", access.ignore_public_acls),
        ("block_public_policy", "BlockPublicPolicy", access.block_public_policy),
        ("restrict_public_buckets", "RestrictPublicBuckets", access.restrict_public_buckets),
    ];
    let theirs: Map<String, Value> =
        fields.iter().map(|(_, name, on)| ((*name).to_owned(), json!(on))).collect();
    let mut shown: Map<String, Value> =
        fields.iter().map(|(name, _, on)| ((*name).to_owned(), json!(on))).collect();
    shown.extend(theirs.clone());
    shown.insert("PublicAccessBlockConfiguration".to_owned(), Value::Object(theirs));
    Value::Object(shown)
}

/// Reads what the parameters manage: a call for each part.
async fn state(s3: &S3, p: &BucketParams) -> Result<BucketState> {
    let name = &p.name;
    let mut state = BucketState {
        policy: None,
        versioning: None,
        public_access: None,
        object_ownership: None,
        tags: None,
        ..p.new_bucket()
    };
    if p.policy.is_some() {
        state.policy = parts::read_policy(s3, name).await?;
    }
    if p.versioning.is_some() {
        state.versioning = Some(parts::read_versioning(s3, name).await?);
    }
    if p.reads_encryption() {
        state.encryption = parts::read_encryption(s3, name).await?;
    }
    if p.public_access.is_some() || p.delete_public_access {
        state.public_access = parts::read_public_access(s3, name).await?;
    }
    if p.object_ownership.is_some() || p.delete_object_ownership {
        state.object_ownership = parts::read_ownership(s3, name).await?;
    }
    if p.tags.is_some() {
        let (tags, hidden) = parts::read_tags(s3, name).await?;
        (state.tags, state.hidden_tags) = (Some(tags), hidden.into());
    }
    Ok(state)
}

async fn create(s3: &S3, name: &str) -> Result<()> {
    // The first region is the one that S3 does not want to be told.
    let place = (s3.region() != "us-east-1").then(|| {
        CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(s3.region()))
            .build()
    });
    let created = s3.create_bucket().bucket(name).set_create_bucket_configuration(place).send().await;
    match created.map_err(failing(format!("create bucket {name}"))) {
        Err(failure) if is_code(&failure, &["BucketAlreadyOwnedByYou"]) => Ok(()),
        Err(failure) if is_code(&failure, &["BucketAlreadyExists"]) => {
            Err(failure.hint("bucket names are taken once in the whole world: choose another one"))
        }
        created => created.map(|_| ()),
    }
}

/// The public access block comes first: it decides which policies may be set.
async fn update(s3: &S3, have: &BucketState, want: &BucketState) -> Result<()> {
    let name = &want.name;
    if have.public_access != want.public_access {
        parts::write_public_access(s3, name, want.public_access.as_ref()).await?;
    }
    if have.object_ownership != want.object_ownership {
        parts::write_ownership(s3, name, want.object_ownership.as_deref()).await?;
    }
    if have.policy != want.policy {
        parts::write_policy(s3, name, want.policy.as_ref()).await?;
    }
    if have.versioning != want.versioning
        && let Some(versioning) = &want.versioning
    {
        parts::write_versioning(s3, name, versioning).await?;
    }
    if have.encryption != want.encryption {
        parts::write_encryption(s3, name, want.encryption.as_ref()).await?;
    }
    if have.tags != want.tags
        && let Some(tags) = &want.tags
    {
        let none = BTreeMap::new();
        parts::write_tags(s3, name, tags, have.hidden_tags.known().unwrap_or(&none)).await?;
    }
    Ok(())
}

async fn delete(s3: &S3, name: &str) -> Result<()> {
    let done = s3.delete_bucket().bucket(name).send().await.map_err(failing(format!("delete bucket {name}")));
    match done {
        Err(failure) if is_code(&failure, &["NoSuchBucket"]) => Ok(()),
        Err(failure) if is_code(&failure, &["BucketNotEmpty"]) => {
            Err(failure.hint("force: true deletes what is in it as well"))
        }
        done => done.map(|_| ()),
    }
}

#[cfg(test)]
mod tests;
