//! An image in a repository, by its tag: pushed from this machine.

use std::sync::Arc;

use rplay_aws::{AwsParams, failing, optional};
use rplay_client_ecr::Ecr;
use rplay_client_ecr::sdk::types::{Image as Found, ImageFailureCode, ImageIdentifier};
use rplay_docker_client::{Auth, Moved, Reference};
use rplay_module::unknown::{self, Cause};
use rplay_module::{
    Address, Change, Cx, Fact, Failure, Ownership, Params, Progress, ProgressStep, Realm, Report, Resource,
    Result, State,
};
use serde_json::{Value, json};

use crate::local::{Local, engine};
use crate::place::{Place, home, image_address, repository_address, untagged_address};

/// What a manifest can be; without a list ECR turns some of them into older forms, which are other manifests.
const MANIFESTS: [&str; 4] = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
];

/// The image.
#[derive(Params, Clone, Debug)]
pub(crate) struct ImageParams {
    /// The image to push, as the engine calls it: `NAME:TAG`.
    pub(crate) image: String,
    /// The repository's name.
    #[param(identity)]
    pub(crate) repository: String,
    /// The tag in the repository. Omitted: the image's own.
    #[param(identity)]
    pub(crate) tag: Option<String>,
    /// Whether to push although the repository has the image.
    #[param(default = false)]
    pub(crate) force: bool,
    /// The engine.
    pub(crate) docker_host: Option<String>,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

impl ImageParams {
    pub(crate) fn tag(&self) -> String {
        match &self.tag {
            Some(tag) => tag.clone(),
            // A marker is no name that could be taken apart.
            None if unknown::is_unknown(&self.image) => self.image.clone(),
            None => Reference::parse(&self.image).tag,
        }
    }
}

/// An image as it is or shall be in the repository.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub(crate) struct ImageState {
    /// Of the manifest.
    digest: Fact<String>,
    /// Of the configuration: what the image is, wherever it is.
    id: String,
    /// By a stand-in on this machine images are run by the name that they have in AWS; the registry's own address is a
    /// name only while they are pushed, or when a push was cut off.
    named_in_engine: Option<bool>,
    /// False where `force` asks for a push that has not happened yet.
    #[state(hidden)]
    is_pushed: bool,
}

/// What has to be known besides.
#[derive(Default)]
pub(crate) struct Around {
    place: Option<Place>,
    local: Local,
    /// What the image is called while it goes to the registry of a stand-in on this machine, which does not answer to
    /// the name that it has in AWS.
    stand_in: Option<Reference>,
}

/// What a push tells.
#[derive(Default)]
pub(crate) struct Receipt {
    is_pushed: bool,
}

pub(crate) struct Image;

impl Resource for Image {
    type Params = ImageParams;
    type State = ImageState;
    type Around = Around;
    type Receipt = Receipt;

    fn address(&self, p: &ImageParams) -> Address {
        image_address(&p.repository, &p.tag())
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &ImageParams,
        receipt: Option<&Receipt>,
    ) -> Result<(Option<ImageState>, Around)> {
        let home = home(cx, &p.aws, &p.repository).await?;
        let home = home.ok_or_else(|| Failure::missing(repository_address(&p.repository)))?;
        let local = Local::look(cx, p.docker_host.as_deref(), &p.image).await?;
        let ecr = ecr(cx, p).await?;
        let around = Around { place: Some(home.place), local, stand_in: stand_in(&ecr, p) };
        let found = if home.is_there { pushed(&ecr, &p.repository, &p.tag()).await? } else { None };
        let is_pushed = !p.force || receipt.is_some_and(|receipt| receipt.is_pushed);
        let state = found.as_ref().map(|found| ImageState {
            named_in_engine: around.called(p),
            is_pushed,
            ..seen_state(found)
        });
        Ok((state, around))
    }

    fn desired(
        &self,
        p: &ImageParams,
        around: &Around,
        have: Option<&ImageState>,
    ) -> Result<Option<ImageState>> {
        let same = have.filter(|have| {
            let is_it = |id: &str| id == have.id || have.digest.known().is_some_and(|digest| digest == id);
            // What is not here can neither be compared nor pushed.
            around.local.id().is_none_or(is_it) || around.local.is_tagged_by_content(&p.tag())
        });
        let id = match (same, &around.local) {
            (Some(same), _) => same.id.clone(),
            (None, Local::NoEngine(failure)) => return Err(failure.clone()),
            (None, Local::Absent) => return Err(nothing_to_push(p)),
            (None, Local::Foretold(id)) => id.clone(),
            (None, Local::Found(image)) => image.id.clone(),
        };
        Ok(Some(ImageState {
            digest: have.map(|have| have.digest.clone()).unwrap_or_default(),
            id,
            named_in_engine: have
                .map_or(around.stand_in.as_ref().map(|_| true), |have| have.named_in_engine.map(|_| true)),
            is_pushed: true,
        }))
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &ImageParams,
        around: &Around,
        change: Change<'_, ImageState>,
    ) -> Result<Receipt> {
        let place = around.place.as_ref().ok_or_else(|| Failure::bug("an image without a repository"))?;
        let name = Reference::new(place.uri.clone(), p.tag());
        match change {
            Change::Create { .. } => push(cx, p, around, &name).await,
            Change::Update { have, want } if have.id == want.id && have.is_pushed => {
                let engine = engine(cx, p.docker_host.as_deref()).await?;
                engine.tag(&p.image, &name).await?;
                if let Some(there) = &around.stand_in {
                    engine.untag(there).await?;
                }
                Ok(Receipt::default())
            }
            Change::Update { have, .. } => {
                let receipt = push(cx, p, around, &name).await?;
                self.own_untagged(cx, p, have).await?;
                Ok(receipt)
            }
            Change::Delete { .. } => {
                delete(&*ecr(cx, p).await?, p).await?;
                if around.stand_in.is_some()
                    && let Ok(engine) = engine(cx, p.docker_host.as_deref()).await
                {
                    engine.untag(&name).await?;
                }
                Ok(Receipt::default())
            }
        }
    }

    fn output(&self, p: &ImageParams, report: &Report<'_, Self>) -> Value {
        let label = |what: &str| format!("{}: {what}", self.address(p));
        let image = match &report.around.place {
            Some(place) => format!("{}:{}", place.uri, p.tag()),
            None => unknown::marker(Cause::Created, &label("image")),
        };
        let digest = report.state().map(|state| state.digest.json(&label("digest")));
        json!({ "image": image, "tag": p.tag(), "digest": digest })
    }

    async fn realm(&self, cx: &Cx, p: &ImageParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &p.aws).await
    }

    fn patience(&self, _p: &ImageParams) -> u64 {
        60
    }
}

impl Around {
    /// Returns whether the engine knows the image by its name in AWS, where that matters.
    fn called(&self, p: &ImageParams) -> Option<bool> {
        let (place, there) = (self.place.as_ref()?, self.stand_in.as_ref()?);
        let is_named = self.local.is_called(&format!("{}:{}", place.uri, p.tag()))?;
        Some(is_named && self.local.is_called(&there.to_string()) == Some(false))
    }
}

impl Image {
    /// An image of ours whose tag has moved on stays ours.
    async fn own_untagged(&self, cx: &Cx, p: &ImageParams, was: &ImageState) -> Result<()> {
        let realm = self.realm(cx, p).await?;
        if let Some(digest) = was.digest.known().filter(|_| cx.owns(&self.address(p), &realm)) {
            cx.world().own(&untagged_address(&p.repository, digest), &realm, Ownership::Created);
        }
        Ok(())
    }
}

async fn ecr(cx: &Cx, p: &ImageParams) -> Result<Arc<Ecr>> {
    rplay_aws::client(cx, &p.aws).await
}

fn nothing_to_push(p: &ImageParams) -> Failure {
    let name = Reference::parse(&p.image);
    Failure::new(format!("could not push the image {name}: the Docker engine does not have it"))
        .hint("build it first (docker_build), or give the name and tag that `docker images` shows")
}

/// Returns the image that has the tag.
async fn pushed(ecr: &Ecr, repository: &str, tag: &str) -> Result<Option<Found>> {
    let asked = ecr
        .batch_get_image()
        .repository_name(repository)
        .image_ids(ImageIdentifier::builder().image_tag(tag).build())
        .set_accepted_media_types(Some(MANIFESTS.map(str::to_owned).to_vec()))
        .send()
        .await;
    let asked = asked.map_err(failing(format!("read image {repository}:{tag}")));
    let Some(answer) = optional(asked, &["RepositoryNotFoundException"])? else { return Ok(None) };
    let refused = answer
        .failures()
        .iter()
        .find(|failure| failure.failure_code() != Some(&ImageFailureCode::ImageNotFound));
    if let Some(refused) = refused {
        let code = refused.failure_code().map(ImageFailureCode::as_str).unwrap_or_default();
        let reason = refused.failure_reason().unwrap_or("the service gives no reason");
        return Err(Failure::new(format!("could not read image {repository}:{tag}: {code}: {reason}")));
    }
    Ok(answer.images.unwrap_or_default().into_iter().next())
}

/// An index of images for several platforms has no configuration: its digest is all there is to know it by.
fn seen_state(found: &Found) -> ImageState {
    let digest = found.image_id().and_then(ImageIdentifier::image_digest).map(str::to_owned);
    let manifest: Value =
        found.image_manifest().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let configuration = manifest.pointer("/config/digest").and_then(Value::as_str).map(str::to_owned);
    ImageState {
        id: configuration.or_else(|| digest.clone()).unwrap_or_default(),
        digest: Fact::from_answer(digest),
        ..ImageState::default()
    }
}

fn stand_in(ecr: &Ecr, p: &ImageParams) -> Option<Reference> {
    let endpoint = ecr.endpoint().filter(|_| ecr.is_local())?;
    let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host).trim_end_matches('/');
    Some(Reference::new(format!("{host}/{}", p.repository), p.tag()))
}

async fn push(cx: &Cx, p: &ImageParams, around: &Around, name: &Reference) -> Result<Receipt> {
    let (engine, ecr) = tokio::try_join!(engine(cx, p.docker_host.as_deref()), ecr(cx, p))?;
    let login = ecr.login(cx).await?;
    let auth = Auth { username: login.user, password: login.password.expose().clone() };
    let (image, mut bar) = (Reference::parse(&p.image).to_string(), Bar::new(cx, p));
    engine.tag(&image, name).await?;
    match &around.stand_in {
        None => engine.push(name, Some(&auth), |moved| bar.moved(moved)).await?,
        Some(there) => {
            engine.tag(&image, there).await?;
            let pushed = engine.push(there, Some(&auth), |moved| bar.moved(moved)).await;
            engine.untag(there).await?;
            pushed?
        }
    };
    Ok(Receipt { is_pushed: true })
}

async fn delete(ecr: &Ecr, p: &ImageParams) -> Result<()> {
    let (repository, tag) = (&p.repository, p.tag());
    let id = ImageIdentifier::builder().image_tag(&tag).build();
    let sent = ecr.batch_delete_image().repository_name(repository).image_ids(id).send().await;
    let sent = sent.map_err(failing(format!("delete image {repository}:{tag}")));
    let Some(answer) = optional(sent, &["RepositoryNotFoundException"])? else { return Ok(()) };
    let refused = answer
        .failures()
        .iter()
        .find(|failure| failure.failure_code() != Some(&ImageFailureCode::ImageNotFound));
    match refused {
        None => Ok(()),
        Some(refused) => {
            let reason = refused.failure_reason().unwrap_or("the service gives no reason");
            Err(Failure::new(format!("could not delete image {repository}:{tag}: {reason}")))
        }
    }
}

/// One bar for the whole push: the engine does not say which layer it tells of.
struct Bar<'a> {
    cx: &'a Cx,
    progress: Progress,
}

impl<'a> Bar<'a> {
    fn new(cx: &'a Cx, p: &ImageParams) -> Self {
        let headline = format!("pushing {} to {}:{}", p.image, p.repository, p.tag());
        let progress = Progress { headline, ..Progress::default() };
        cx.progress(progress.clone());
        Self { cx, progress }
    }

    fn moved(&mut self, moved: Moved) {
        let amount = moved.bytes.and_then(|(sent, whole)| Some((sent, whole?)));
        let step = ProgressStep { label: "layers".to_owned(), state: moved.status, amount };
        if self.progress.steps.first() != Some(&step) {
            self.progress.steps = vec![step];
            self.cx.progress(self.progress.clone());
        }
    }
}
