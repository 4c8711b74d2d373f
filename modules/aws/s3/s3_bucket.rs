use std::collections::BTreeMap;

use indexmap::IndexMap;
use rplay_aws::{AwsParams, Tags, client, failing, is_code, optional, policy};
use rplay_client_s3::sdk::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, Delete, ObjectOwnership,
    OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    VersioningConfiguration,
};
use rplay_client_s3::{S3, sdk};
use rplay_module::params::Json;
use rplay_module::{
    Address, Change, Choice, Cx, Failure, Held, Params, Realm, Report, Resource, Result, State, Verdict,
};
use serde_json::{Value, json};

use crate::keys;

/// Keeps a bucket.
#[derive(Clone, Debug, Params)]
#[params(
    mutually_exclusive("public_access", "delete_public_access"),
    unbuilt(
        "accelerate_enabled",
        "account_regional",
        "acl",
        "ceph",
        "delete_object_ownership",
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
    /// The bucket's policy; `null` as text takes it away, omitted it is left alone.
    pub policy: Option<Json>,
    /// Whether versions are kept; omitted it is left alone.
    pub versioning: Option<bool>,
    /// How objects are encrypted; omitted it is left alone.
    #[param(choices("AES256", "aws:kms"))]
    pub encryption: Option<String>,
    /// The key for `aws:kms`; omitted, AWS's own.
    pub encryption_key_id: Option<String>,
    /// Asks KMS once for many objects; only with `aws:kms`.
    pub bucket_key_enabled: Option<bool>,
    /// What the public is kept from; omitted it is left alone.
    pub public_access: Option<PublicAccess>,
    /// Takes the public access block away.
    #[param(default = false)]
    pub delete_public_access: bool,
    /// Who owns what others put in; omitted it is left alone.
    #[param(choices("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"))]
    pub object_ownership: Option<String>,
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
    policy: Option<Value>,
    versioning: Option<String>,
    encryption: Option<Encryption>,
    public_access: Option<PublicAccess>,
    object_ownership: Option<String>,
    tags: Option<Tags>,
}

/// A bucket.
#[derive(Clone, Copy, Debug)]
pub struct BucketResource;

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
        let name = &p.name;
        Ok((
            Some(BucketState {
                name: name.clone(),
                policy: if p.policy.is_some() { read_policy(&s3, name).await? } else { None },
                versioning: if p.versioning.is_some() {
                    Some(read_versioning(&s3, name).await?)
                } else {
                    None
                },
                encryption: if p.encryption.is_some() { read_encryption(&s3, name).await? } else { None },
                public_access: if p.public_access.is_some() || p.delete_public_access {
                    read_public_access(&s3, name).await?
                } else {
                    None
                },
                object_ownership: if p.object_ownership.is_some() {
                    read_ownership(&s3, name).await?
                } else {
                    None
                },
                tags: if p.tags.is_some() { Some(read_tags(&s3, name).await?) } else { None },
            }),
            (),
        ))
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
        let was_versioned =
            have.and_then(|have| have.versioning.as_deref()).is_some_and(|state| state != "Disabled");
        Ok(Some(BucketState {
            name: p.name.clone(),
            policy: p.policy.as_ref().map(|json| json.0.clone()).filter(|policy| !policy.is_null()),
            versioning: p.versioning.map(|on| match (on, was_versioned) {
                (true, _) => "Enabled".to_owned(),
                (false, true) => "Suspended".to_owned(),
                (false, false) => "Disabled".to_owned(),
            }),
            encryption: p.encryption.clone().map(|algorithm| Encryption {
                algorithm,
                key: p.encryption_key_id.clone(),
                bucket_key: p.bucket_key_enabled.unwrap_or(false),
            }),
            public_access: p.public_access.clone(),
            object_ownership: p.object_ownership.clone(),
            tags: p.tags.as_ref().map(|tags| Tags::desired(Some(tags), p.purge_tags, have_tags)),
        }))
    }

    fn normal(&self, mut state: BucketState) -> BucketState {
        state.policy = state.policy.map(|document| policy::normal(&document));
        state
    }

    fn verdict(&self, _p: &BucketParams, have: &BucketState, want: &BucketState) -> Verdict {
        if have == want { Verdict::Keep } else { Verdict::Update }
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
                create(&s3, &p.name).await?;
                let bare = BucketState {
                    policy: None,
                    versioning: want.versioning.as_ref().map(|_| "Disabled".to_owned()),
                    encryption: None,
                    public_access: None,
                    object_ownership: None,
                    tags: want.tags.as_ref().map(|_| Tags::default()),
                    name: p.name.clone(),
                };
                update(&s3, p, &bare, want).await
            }
            Change::Update { have, want } => update(&s3, p, have, want).await,
            Change::Delete { .. } => delete(&s3, p).await,
        }
    }

    fn output(&self, p: &BucketParams, report: &Report<'_, Self>) -> Value {
        let Some(state) = report.after else { return json!({ "name": p.name }) };
        let mut output =
            json!({ "name": state.name, "tags": state.tags.as_ref().map_or(json!({}), Tags::json) });
        let mut set = |name: &str, value: Value| {
            if let Some(fields) = output.as_object_mut() {
                fields.insert(name.to_owned(), value);
            }
        };
        if p.policy.is_some() {
            set("policy", state.policy.clone().unwrap_or(Value::Null));
        }
        if let Some(versioning) = &state.versioning {
            set("versioning", json!({ "Versioning": versioning, "MfaDelete": "Disabled" }));
        }
        if let Some(encryption) = &state.encryption {
            set(
                "encryption",
                json!({ "SSEAlgorithm": encryption.algorithm, "KMSMasterKeyID": encryption.key }),
            );
        }
        if let Some(ownership) = &state.object_ownership {
            set("object_ownership", json!(ownership));
        }
        if let Some(access) = &state.public_access {
            set(
                "public_access_block",
                json!({
                    "BlockPublicAcls": access.block_public_acls,
                    "BlockPublicPolicy": access.block_public_policy,
                    "IgnorePublicAcls": access.ignore_public_acls,
                    "RestrictPublicBuckets": access.restrict_public_buckets,
                }),
            );
        }
        output
    }

    fn id(&self, state: &BucketState) -> Option<String> {
        Some(state.name.clone())
    }

    async fn holds(&self, cx: &Cx, p: &BucketParams, _have: &BucketState) -> Result<Vec<Held>> {
        if p.force {
            return Ok(Vec::new());
        }
        let s3 = client::<S3>(cx, &p.aws).await?;
        let objects = s3.objects(&p.name, None).await?;
        Ok(objects
            .iter()
            .filter_map(|object| object.key())
            .map(|key| Held { name: format!("object {key}"), address: Some(keys::object(&p.name, key)) })
            .collect())
    }

    async fn realm(&self, cx: &Cx, p: &BucketParams) -> Result<Realm, Failure> {
        rplay_client_sts::global_realm(cx, &p.aws).await
    }
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

async fn update(s3: &S3, p: &BucketParams, have: &BucketState, want: &BucketState) -> Result<()> {
    let name = &p.name;
    if have.public_access != want.public_access {
        write_public_access(s3, name, want.public_access.as_ref()).await?;
    }
    if have.object_ownership != want.object_ownership
        && let Some(ownership) = &want.object_ownership
    {
        write_ownership(s3, name, ownership).await?;
    }
    if have.policy != want.policy {
        write_policy(s3, name, want.policy.as_ref()).await?;
    }
    if have.versioning != want.versioning
        && let Some(versioning) = &want.versioning
    {
        let status = BucketVersioningStatus::from(versioning.as_str());
        let config = VersioningConfiguration::builder().status(status).build();
        let done = s3.put_bucket_versioning().bucket(name).versioning_configuration(config).send().await;
        done.map_err(failing(format!("set the versioning of bucket {name}")))?;
    }
    if have.encryption != want.encryption
        && let Some(encryption) = &want.encryption
    {
        write_encryption(s3, name, encryption).await?;
    }
    if have.tags != want.tags
        && let Some(tags) = &want.tags
    {
        write_tags(s3, name, tags).await?;
    }
    Ok(())
}

async fn delete(s3: &S3, p: &BucketParams) -> Result<()> {
    let name = &p.name;
    if p.force {
        let versions = s3.versions(name).await?;
        // One call takes at most a thousand.
        for chunk in versions.chunks(1000) {
            let batch = Delete::builder().set_objects(Some(chunk.to_vec())).quiet(true).build();
            let batch = batch.map_err(|error| Failure::bug(format!("bucket {name}: {error}")))?;
            let done = s3.delete_objects().bucket(name).delete(batch).send().await;
            let answer = done.map_err(failing(format!("empty bucket {name}")))?;
            if let Some(error) = answer.errors().first() {
                return Err(Failure::new(format!(
                    "could not delete {} in bucket {name}: {}: {}",
                    error.key().unwrap_or_default(),
                    error.code().unwrap_or_default(),
                    error.message().unwrap_or_default()
                )));
            }
        }
    }
    let done = s3.delete_bucket().bucket(name).send().await.map_err(failing(format!("delete bucket {name}")));
    match done {
        Err(failure) if is_code(&failure, &["BucketNotEmpty"]) => {
            Err(failure.hint("force: true deletes what is in it as well"))
        }
        done => done.map(|_| ()),
    }
}

async fn read_policy(s3: &S3, name: &str) -> Result<Option<Value>> {
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
    policy::parse(&text)
        .map(Some)
        .map_err(|error| Failure::new(format!("could not read the policy of bucket {name}: {error}")))
}

async fn write_policy(s3: &S3, name: &str, policy: Option<&Value>) -> Result<()> {
    let what = format!("set the policy of bucket {name}");
    match policy {
        Some(policy) => {
            let sent = s3.put_bucket_policy().bucket(name).policy(policy.to_string()).send().await;
            sent.map(|_| ()).map_err(failing(what))
        }
        None => s3.delete_bucket_policy().bucket(name).send().await.map(|_| ()).map_err(failing(what)),
    }
}

async fn read_versioning(s3: &S3, name: &str) -> Result<String> {
    let asked = s3.get_bucket_versioning().bucket(name).send().await;
    let answer = asked.map_err(failing(format!("read the versioning of bucket {name}")))?;
    Ok(answer.status().map_or_else(|| "Disabled".to_owned(), |status| status.as_str().to_owned()))
}

async fn read_encryption(s3: &S3, name: &str) -> Result<Option<Encryption>> {
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

async fn write_encryption(s3: &S3, name: &str, encryption: &Encryption) -> Result<()> {
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
    done.map(|_| ()).map_err(failing(format!("set the encryption of bucket {name}")))
}

async fn read_public_access(s3: &S3, name: &str) -> Result<Option<PublicAccess>> {
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

async fn write_public_access(s3: &S3, name: &str, access: Option<&PublicAccess>) -> Result<()> {
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

async fn read_ownership(s3: &S3, name: &str) -> Result<Option<String>> {
    let asked = s3.get_bucket_ownership_controls().bucket(name).send().await;
    let asked = asked.map_err(failing(format!("read the ownership of bucket {name}")));
    let answer = optional(asked, &["OwnershipControlsNotFoundError"])?;
    let controls = answer.and_then(|answer| answer.ownership_controls);
    Ok(controls.and_then(|controls| {
        controls.rules().first().map(|rule| rule.object_ownership().as_str().to_owned())
    }))
}

async fn write_ownership(s3: &S3, name: &str, ownership: &str) -> Result<()> {
    let bug = |error: sdk::error::BuildError| Failure::bug(format!("bucket {name}: {error}"));
    let rule = OwnershipControlsRule::builder()
        .object_ownership(ObjectOwnership::from(ownership))
        .build()
        .map_err(bug)?;
    let controls = OwnershipControls::builder().rules(rule).build().map_err(bug)?;
    let done = s3.put_bucket_ownership_controls().bucket(name).ownership_controls(controls).send().await;
    done.map(|_| ()).map_err(failing(format!("set the ownership of bucket {name}")))
}

async fn read_tags(s3: &S3, name: &str) -> Result<Tags> {
    let asked = s3.get_bucket_tagging().bucket(name).send().await;
    let answer =
        optional(asked.map_err(failing(format!("read the tags of bucket {name}"))), &["NoSuchTagSet"])?;
    let tags = answer.map(|answer| answer.tag_set).unwrap_or_default();
    Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

async fn write_tags(s3: &S3, name: &str, tags: &Tags) -> Result<()> {
    let bug = |error: sdk::error::BuildError| Failure::bug(format!("bucket {name}: {error}"));
    let pairs: BTreeMap<&str, &str> = tags.iter().collect();
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
