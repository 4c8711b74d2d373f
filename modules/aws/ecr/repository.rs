//! A repository of images.

use std::collections::BTreeMap;
use std::sync::Arc;

use rplay_aws::{AwsParams, Document, Tags, failing, optional, policy};
use rplay_client_ecr::sdk::types::{
    EncryptionConfiguration, EncryptionType, ImageScanningConfiguration, ImageTagMutability,
    Repository as Found,
};
use rplay_client_ecr::{Ecr, tag_list};
use rplay_module::params::{Json, ParamFault};
use rplay_module::unknown::{self, Cause};
use rplay_module::{
    Address, Change, Choice, Cx, Fact, Failure, Held, Params, Realm, Report, Resource, Result, State, Verdict,
};
use serde_json::{Value, json};

use crate::place::{Place, image_address, repository_address, untagged_address};

/// The repository.
#[derive(Params, Clone, Debug)]
pub(crate) struct RepositoryParams {
    /// The repository's name, such as `team/app`. Made where it is not there.
    #[param(identity)]
    pub(crate) repository: String,
    /// Whether images are looked through for known vulnerabilities when they arrive. Omitted: as it is, at first no.
    scan_on_push: Option<bool>,
    /// Whether a tag may be given to another image later. Omitted: as it is, at first mutable.
    image_tag_mutability: Option<Mutability>,
    /// How images are encrypted. Omitted: as it is, at first AES256. It cannot be changed: another one is another repository.
    encryption: Option<EncryptionParams>,
    /// The lifecycle policy, as JSON or data: which images go by themselves. Omitted: left alone.
    lifecycle_policy: Option<Json>,
    /// Whether the lifecycle policy is removed.
    #[param(default = false)]
    purge_lifecycle_policy: bool,
    /// Who else may use the repository: its policy, as JSON or data. Omitted: left alone.
    policy: Option<Json>,
    /// Whether the repository's policy is removed.
    #[param(default = false)]
    purge_policy: bool,
    /// The repository's tags. Omitted: left alone.
    tags: Option<BTreeMap<String, String>>,
    /// Whether tags that are not named are removed.
    #[param(default = true)]
    purge_tags: bool,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

impl RepositoryParams {
    /// Finds what only the parameters together tell: a policy cannot be set and removed.
    pub(crate) fn fault(&self) -> Option<ParamFault> {
        let both = [
            ("policy", self.policy.is_some() && self.purge_policy),
            ("lifecycle_policy", self.lifecycle_policy.is_some() && self.purge_lifecycle_policy),
        ];
        let (name, _) = both.into_iter().find(|(_, both)| *both)?;
        Some(ParamFault::new(name, format!("{name} and purge_{name} exclude each other")))
    }
}

/// Encryption.
#[derive(Params, Clone, Debug)]
pub(crate) struct EncryptionParams {
    /// By whose keys.
    #[param(name = "type", default = "AES256", choices("AES256", "KMS", "KMS_DSSE"))]
    kind: String,
    /// The key's id, ARN or alias, for KMS; an alias counts at creation only. Omitted: the account's key for ECR.
    kms_key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub(crate) enum Mutability {
    #[choice("MUTABLE", "mutable")]
    Mutable,
    #[choice("IMMUTABLE", "immutable")]
    Immutable,
}

/// A repository as it is or shall be.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub(crate) struct RepositoryState {
    arn: Fact<String>,
    uri: Fact<String>,
    scan_on_push: Option<bool>,
    image_tag_mutability: Option<String>,
    encryption: Encryption,
    lifecycle_policy: Option<Value>,
    policy: Option<Document>,
    tags: Tags,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
pub(crate) struct Encryption {
    #[state(name = "type")]
    kind: Option<String>,
    kms_key: Option<String>,
}

pub(crate) struct Repository;

impl Resource for Repository {
    type Params = RepositoryParams;
    type State = RepositoryState;
    /// Where it will be, while it is not there.
    type Around = Option<Place>;
    type Receipt = ();

    fn address(&self, p: &RepositoryParams) -> Address {
        repository_address(&p.repository)
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &RepositoryParams,
        _receipt: Option<&()>,
    ) -> Result<(Option<RepositoryState>, Option<Place>)> {
        let ecr = ecr(cx, p).await?;
        let Some(found) = ecr.repository(&p.repository).await? else {
            return Ok((None, Some(Place::to_come(cx, &p.aws, &p.repository).await?)));
        };
        let (tags, lifecycle_policy, policy) = tokio::try_join!(
            ecr.tags_of(found.repository_arn().unwrap_or_default()),
            lifecycle_policy(&ecr, p),
            repository_policy(&ecr, p)
        )?;
        let state = RepositoryState { lifecycle_policy, policy, tags, ..seen_state(&found) };
        Ok((Some(state), None))
    }

    fn desired(
        &self,
        p: &RepositoryParams,
        _around: &Option<Place>,
        have: Option<&RepositoryState>,
    ) -> Result<Option<RepositoryState>> {
        let base = have.cloned().unwrap_or_default();
        let policy = p.policy.as_ref().map(|Json(document)| Document::new(document.clone()));
        let lifecycle = p.lifecycle_policy.as_ref().map(|Json(document)| document.clone());
        Ok(Some(RepositoryState {
            scan_on_push: p.scan_on_push.or(base.scan_on_push),
            image_tag_mutability: p
                .image_tag_mutability
                .map(|mutability| mutability.as_str().to_owned())
                .or(base.image_tag_mutability),
            encryption: base.encryption.with(p.encryption.as_ref()),
            lifecycle_policy: lifecycle.or(base.lifecycle_policy).filter(|_| !p.purge_lifecycle_policy),
            policy: policy.or(base.policy).filter(|_| !p.purge_policy),
            tags: Tags::desired(p.tags.as_ref(), p.purge_tags, have.map(|have| &have.tags)),
            ..base
        }))
    }

    fn normal(&self, mut state: RepositoryState) -> RepositoryState {
        if let Some(rules) =
            state.lifecycle_policy.as_mut().and_then(|policy| policy.get_mut("rules")?.as_array_mut())
        {
            rules.sort_by_key(|rule| rule.get("rulePriority").and_then(Value::as_i64));
        }
        state
    }

    fn verdict(&self, _p: &RepositoryParams, have: &RepositoryState, want: &RepositoryState) -> Verdict {
        match () {
            () if have == want => Verdict::Keep,
            () if have.encryption != want.encryption => {
                Verdict::Replace("encryption cannot be changed in place".to_owned())
            }
            () => Verdict::Update,
        }
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &RepositoryParams,
        _around: &Option<Place>,
        change: Change<'_, RepositoryState>,
    ) -> Result<()> {
        let ecr = ecr(cx, p).await?;
        match change {
            Change::Create { want } => create(cx, &ecr, p, want).await,
            Change::Update { have, want } => update(&ecr, p, have, want).await,
            // The driver has asked what it holds: what is left was pushed by rplay.
            Change::Delete { .. } => {
                let sent = ecr.delete_repository().repository_name(&p.repository).force(true).send().await;
                let deleted = sent.map_err(failing(format!("delete image repository {}", p.repository)));
                optional(deleted, &["RepositoryNotFoundException"]).map(drop)
            }
        }
    }

    fn output(&self, p: &RepositoryParams, report: &Report<'_, Self>) -> Value {
        let state = report.state();
        let known =
            |fact: fn(&RepositoryState) -> &Fact<String>, place: fn(&Place) -> &String, what: &str| {
                let fact = state.and_then(|state| fact(state).known().cloned());
                let to_come = || unknown::marker(Cause::Created, &format!("{}: {what}", self.address(p)));
                fact.or_else(|| report.around.as_ref().map(place).cloned()).unwrap_or_else(to_come)
            };
        json!({
            "repository_arn": known(|state| &state.arn, |place| &place.arn, "arn"),
            "repository_uri": known(|state| &state.uri, |place| &place.uri, "uri"),
        })
    }

    fn id(&self, state: &RepositoryState) -> Option<String> {
        state.arn.known().cloned()
    }

    fn ours(&self, have: &RepositoryState) -> bool {
        have.tags.owned()
    }

    async fn holds(&self, cx: &Cx, p: &RepositoryParams, _have: &RepositoryState) -> Result<Vec<Held>> {
        let images = ecr(cx, p).await?.images(&p.repository).await?;
        let held = images.iter().flat_map(|image| {
            let tags = image.image_tags().iter().map(|tag| image_address(&p.repository, tag));
            let untagged = image.image_tags().is_empty().then(|| image.image_digest()).flatten();
            tags.chain(untagged.map(|digest| untagged_address(&p.repository, digest))).collect::<Vec<_>>()
        });
        Ok(held
            .map(|address| Held { name: format!("image {}", address.name), address: Some(address) })
            .collect())
    }

    /// Images of earlier runs.
    async fn along(
        &self,
        _cx: &Cx,
        _p: &RepositoryParams,
        _have: &RepositoryState,
        unlisted: &[Held],
    ) -> Result<Option<String>> {
        Ok(match unlisted {
            [] => None,
            [only] => Some(only.name.clone()),
            several => Some(format!("{} images", several.len())),
        })
    }

    async fn realm(&self, cx: &Cx, p: &RepositoryParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &p.aws).await
    }
}

impl Encryption {
    fn with(self, p: Option<&EncryptionParams>) -> Self {
        let Some(p) = p else { return self };
        let same_kind = self.kind.as_ref() == Some(&p.kind);
        let kms_key = match (&p.kms_key, self.kms_key) {
            // AWS tells the key's ARN whatever it was called by.
            (Some(given), Some(found)) if same_kind && may_be(given, &found) => Some(found),
            (None, found) if same_kind => found,
            (given, _) => given.clone(),
        };
        Self { kind: Some(p.kind.clone()), kms_key }
    }
}

fn may_be(given: &str, arn: &str) -> bool {
    let is_alias = given.contains("alias/");
    is_alias || arn == given || arn.rsplit('/').next() == Some(given)
}

async fn ecr(cx: &Cx, p: &RepositoryParams) -> Result<Arc<Ecr>> {
    rplay_aws::client(cx, &p.aws).await
}

fn seen_state(found: &Found) -> RepositoryState {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let encryption = found.encryption_configuration();
    RepositoryState {
        arn: Fact::from_answer(text(found.repository_arn())),
        uri: Fact::from_answer(text(found.repository_uri())),
        scan_on_push: found.image_scanning_configuration().map(ImageScanningConfiguration::scan_on_push),
        image_tag_mutability: text(found.image_tag_mutability().map(ImageTagMutability::as_str)),
        encryption: Encryption {
            kind: text(encryption.map(|encryption| encryption.encryption_type().as_str())),
            kms_key: text(encryption.and_then(EncryptionConfiguration::kms_key)),
        },
        ..RepositoryState::default()
    }
}

async fn lifecycle_policy(ecr: &Ecr, p: &RepositoryParams) -> Result<Option<Value>> {
    if p.lifecycle_policy.is_none() && !p.purge_lifecycle_policy {
        return Ok(None);
    }
    let asked = ecr.get_lifecycle_policy().repository_name(&p.repository).send().await;
    let asked = asked.map_err(failing(format!("read the lifecycle policy of {}", p.repository)));
    let found = optional(asked, &["LifecyclePolicyNotFoundException"])?;
    let text = found.and_then(|answer| answer.lifecycle_policy_text);
    let parsed = text.map(|text| policy::parse(&text)).transpose();
    parsed.map_err(|error| {
        Failure::new(format!(
            "could not read the lifecycle policy of {}: it is no JSON: {error}",
            p.repository
        ))
    })
}

async fn repository_policy(ecr: &Ecr, p: &RepositoryParams) -> Result<Option<Document>> {
    if p.policy.is_none() && !p.purge_policy {
        return Ok(None);
    }
    let asked = ecr.get_repository_policy().repository_name(&p.repository).send().await;
    let asked = asked.map_err(failing(format!("read the policy of {}", p.repository)));
    let found = optional(asked, &["RepositoryPolicyNotFoundException"])?;
    let text = found.and_then(|answer| answer.policy_text);
    text.map(|text| Document::parse(&text, &format!("policy of {}", p.repository))).transpose()
}

async fn create(cx: &Cx, ecr: &Ecr, p: &RepositoryParams, want: &RepositoryState) -> Result<()> {
    let encryption = want.encryption.kind.as_deref().map(|kind| {
        let kind = EncryptionType::from(kind);
        EncryptionConfiguration::builder()
            .encryption_type(kind)
            .set_kms_key(want.encryption.kms_key.clone())
            .build()
    });
    let scanning = |scan| ImageScanningConfiguration::builder().scan_on_push(scan).build();
    // The name is the client's: a second creation is refused, and what is there then is read.
    let sent = ecr
        .create_repository()
        .repository_name(&p.repository)
        .set_image_scanning_configuration(want.scan_on_push.map(scanning))
        .set_image_tag_mutability(want.image_tag_mutability.as_deref().map(ImageTagMutability::from))
        .set_encryption_configuration(encryption.transpose().map_err(Failure::bug)?)
        .set_tags(Some(tag_list(&want.tags.for_creation(cx))?))
        .customize()
        .interceptor(rplay_aws::once())
        .send()
        .await;
    sent.map_err(failing(format!("create image repository {}", p.repository)))?;
    set_policies(ecr, p, &RepositoryState::default(), want).await
}

async fn update(
    ecr: &Ecr,
    p: &RepositoryParams,
    have: &RepositoryState,
    want: &RepositoryState,
) -> Result<()> {
    let name = &p.repository;
    if let Some(scan) = want.scan_on_push.filter(|_| have.scan_on_push != want.scan_on_push) {
        let scanning = ImageScanningConfiguration::builder().scan_on_push(scan).build();
        let put = ecr
            .put_image_scanning_configuration()
            .repository_name(name)
            .image_scanning_configuration(scanning);
        put.send().await.map_err(failing(format!("set scan_on_push of {name}")))?;
    }
    let mutability = want.image_tag_mutability.as_deref();
    if let Some(mutability) = mutability.filter(|_| have.image_tag_mutability != want.image_tag_mutability) {
        let put =
            ecr.put_image_tag_mutability().repository_name(name).image_tag_mutability(mutability.into());
        put.send().await.map_err(failing(format!("set image_tag_mutability of {name}")))?;
    }
    set_policies(ecr, p, have, want).await?;
    retag(ecr, have, want).await
}

async fn set_policies(
    ecr: &Ecr,
    p: &RepositoryParams,
    have: &RepositoryState,
    want: &RepositoryState,
) -> Result<()> {
    if have.lifecycle_policy != want.lifecycle_policy {
        // As it is written: what is wanted has its rules in order, for comparing.
        let given = p.lifecycle_policy.as_ref().map(|Json(document)| document);
        let text = want.lifecycle_policy.as_ref().map(|wanted| given.unwrap_or(wanted).to_string());
        set_lifecycle_policy(ecr, &p.repository, text).await?;
    }
    if have.policy != want.policy {
        set_policy(ecr, &p.repository, want.policy.as_ref().map(Document::text)).await?;
    }
    Ok(())
}

async fn set_lifecycle_policy(ecr: &Ecr, name: &str, policy: Option<String>) -> Result<()> {
    let what = format!("set the lifecycle policy of {name}");
    if let Some(policy) = policy {
        let put = ecr.put_lifecycle_policy().repository_name(name).lifecycle_policy_text(policy);
        return put.send().await.map(drop).map_err(failing(what));
    }
    let deleted = ecr.delete_lifecycle_policy().repository_name(name).send().await.map_err(failing(what));
    optional(deleted, &["LifecyclePolicyNotFoundException"]).map(drop)
}

async fn set_policy(ecr: &Ecr, name: &str, policy: Option<String>) -> Result<()> {
    let what = format!("set the policy of {name}");
    if let Some(policy) = policy {
        let set = ecr.set_repository_policy().repository_name(name).policy_text(policy);
        return set.send().await.map(drop).map_err(failing(what));
    }
    let deleted = ecr.delete_repository_policy().repository_name(name).send().await.map_err(failing(what));
    optional(deleted, &["RepositoryPolicyNotFoundException"]).map(drop)
}

async fn retag(ecr: &Ecr, have: &RepositoryState, want: &RepositoryState) -> Result<()> {
    let arn = have.arn.known().ok_or_else(|| Failure::bug("a repository without an ARN"))?;
    let change = have.tags.change(&want.tags);
    if !change.set.is_empty() {
        let sent = ecr.tag_resource().resource_arn(arn).set_tags(Some(tag_list(&change.set)?)).send().await;
        sent.map_err(failing(format!("tag {arn}")))?;
    }
    if !change.remove.is_empty() {
        let sent = ecr.untag_resource().resource_arn(arn).set_tag_keys(Some(change.remove)).send().await;
        sent.map_err(failing(format!("remove tags of {arn}")))?;
    }
    Ok(())
}
