//! A session: everything that clients of the same settings share.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::identity::IdentityCache;
use aws_config::profile::{self, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::EnvConfigValue;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;
use aws_smithy_runtime_api::shared::IntoShared;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::region::Region;
use rplay_module::{Cx, Failure, Result};
use tokio::sync::OnceCell;

use crate::credentials::{self, Source};
use crate::http_client::{self, Transport};
use crate::resend::WHEN_THROTTLED;
use crate::settings::Settings;

/// The pause before the second attempt is up to this long, and doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
const CONNECTING: Duration = Duration::from_secs(5);

/// The sessions of a run.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<Settings, Arc<OnceCell<Arc<Session>>>>>);

pub(crate) struct Session {
    pub(crate) settings: Settings,
    profiles: Option<ProfileSet>,
    source: Source,
    provider: SharedCredentialsProvider,
    identities: SharedIdentityCache,
    http: SharedHttpClient,
    /// Answers are played back: pauses between attempts would only cost time.
    played: bool,
    clients: Mutex<HashMap<(TypeId, String), Arc<dyn Any + Send + Sync>>>,
}

/// What a service's client is made for.
pub(crate) struct Target {
    pub(crate) region: String,
    pub(crate) endpoint: Option<String>,
    /// How long an answer may take.
    pub(crate) patience: Duration,
}

impl Session {
    /// Returns the session for these settings, opened at the first use.
    pub(crate) async fn of(cx: &Cx, settings: Settings) -> Result<Arc<Self>> {
        let sessions = cx.shared::<Sessions>();
        let cell = {
            let mut known = sessions.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(settings.clone()).or_default())
        };
        let session = cell.get_or_try_init(|| async { Self::open(cx, settings).await.map(Arc::new) }).await?;
        for secret in session.source.untold() {
            cx.world().secret(&secret);
        }
        Ok(Arc::clone(session))
    }

    async fn open(cx: &Cx, settings: Settings) -> Result<Self> {
        let http = http_client::build(cx, &settings).await?;
        let played = cx.shared::<Transport>().replaced().is_some();
        let files = credentials::profile_files(&settings);
        let profiles = if settings.sandbox { None } else { Some(profiles(&settings, &files).await?) };
        let region = settings.region.clone().or_else(|| from_profile(profiles.as_ref(), "region"));
        let machine = ProviderConfig::without_region()
            .with_region(region.map(Region::new))
            .with_behavior_version(Some(BehaviorVersion::latest()))
            .with_http_client(http.clone());
        let source = credentials::provider(&settings, &files, &machine).await?;
        Ok(Self {
            provider: SharedCredentialsProvider::new(source.clone()),
            source,
            profiles,
            identities: IdentityCache::lazy().build().into_shared(),
            http,
            played,
            clients: Mutex::default(),
            settings,
        })
    }

    /// Returns the region that the parameters, the environment or the profile name.
    pub(crate) fn region(&self) -> Option<String> {
        self.settings.region.clone().or_else(|| from_profile(self.profiles.as_ref(), "region"))
    }

    /// Returns the endpoint that something names for a service: the parameter for all, then the environment and the
    /// profile, the service's own before the general one.
    pub(crate) fn endpoint(&self, cx: &Cx, id: &str) -> Option<String> {
        if let Some(endpoint) = &self.settings.endpoint {
            return Some(endpoint.clone());
        }
        if self.settings.is_set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
            return None;
        }
        let own = format!("AWS_ENDPOINT_URL_{}", id.to_uppercase().replace([' ', '-'], "_"));
        let named = [own.as_str(), "AWS_ENDPOINT_URL"].into_iter().find_map(|name| cx.env(name));
        let empty = Env::from_slice(&[]);
        named.filter(|endpoint| !endpoint.is_empty()).or_else(|| {
            EnvConfigValue::new()
                .profile("endpoint_url")
                .service_id(id)
                .load(&empty, self.profiles.as_ref())
                .map(|(value, _)| value.into_owned())
        })
    }

    /// Returns the client of a type for a region and endpoint, built at the first use.
    pub(crate) fn client<C: Send + Sync + 'static>(
        &self,
        place: String,
        build: impl FnOnce() -> C,
    ) -> Arc<C> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry((TypeId::of::<C>(), place)).or_insert_with(|| Arc::new(build()));
        Arc::clone(client).downcast().expect("the key is the type")
    }

    pub(crate) fn sdk_config(&self, target: &Target) -> SdkConfig {
        let pause = if self.played { Duration::ZERO } else { FIRST_PAUSE };
        // Adaptive ones also hold calls back that were not throttled yet: for accounts that ask for it.
        let adaptive = self.settings.env("AWS_RETRY_MODE") == Some("adaptive");
        let retries = if adaptive { RetryConfig::adaptive() } else { RetryConfig::standard() }
            .with_max_attempts(self.attempts())
            .with_initial_backoff(pause)
            .with_max_backoff(LONGEST_PAUSE);
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECTING).read_timeout(target.patience).build();
        let mut builder = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(target.region.clone()))
            .credentials_provider(self.provider.clone())
            .identity_cache(self.identities.clone())
            .http_client(self.http.clone())
            .retry_config(retries)
            .timeout_config(timeouts)
            .use_fips(self.settings.is_set("AWS_USE_FIPS_ENDPOINT"))
            .use_dual_stack(self.settings.is_set("AWS_USE_DUALSTACK_ENDPOINT"));
        builder.set_endpoint_url(target.endpoint.clone());
        builder.build()
    }

    fn attempts(&self) -> u32 {
        self.settings.env("AWS_MAX_ATTEMPTS").and_then(|text| text.parse().ok()).unwrap_or(WHEN_THROTTLED)
    }
}

async fn profiles(settings: &Settings, files: &EnvConfigFiles) -> Result<ProfileSet> {
    let env = Env::from_slice(&settings.variables());
    let selected = settings.profile().unwrap_or("default").to_owned();
    let read = profile::load(&Fs::real(), &env, files, Some(Cow::Owned(selected))).await;
    read.map_err(|error| {
        Failure::new(format!("could not read the AWS profile files: {error}")).hint(
            "see ~/.aws/config and ~/.aws/credentials (or AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE)",
        )
    })
}

fn from_profile(profiles: Option<&ProfileSet>, key: &str) -> Option<String> {
    profiles?.get(key).filter(|value| !value.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rplay_test_support::TestWorld;

    use super::*;
    use crate::{AwsParams, region};

    fn profiles(text: &str) -> (tempfile::TempDir, TestWorld) {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        fs::write(home.path().join(".aws/config"), text).unwrap();
        let world = TestWorld::new()
            .env("HOME", home.path().to_str().unwrap())
            .env("AWS_EC2_METADATA_DISABLED", "true");
        (home, world)
    }

    async fn session(cx: &Cx, p: &AwsParams) -> Result<Arc<Session>> {
        Session::of(cx, Settings::of(cx, p)?).await
    }

    const PROD: &str = "[profile prod]\nregion = eu-north-1\naws_access_key_id = AK\naws_secret_access_key = sk-of-prod\n\
        endpoint_url = http://127.0.0.1:7\nservices = own\n[services own]\necs =\n  endpoint_url = http://127.0.0.1:8\n";

    #[tokio::test]
    async fn a_profile_gives_keys_region_and_endpoints() {
        let (_home, world) = profiles(PROD);
        let world = world.env("AWS_PROFILE", "prod").start();
        let cx = world.cx();
        assert_eq!(region(&cx, &AwsParams::default()).await.unwrap(), "eu-north-1");
        let session = session(&cx, &AwsParams::default()).await.unwrap();
        assert_eq!(session.endpoint(&cx, "ECS").as_deref(), Some("http://127.0.0.1:8"));
        assert_eq!(session.endpoint(&cx, "EC2").as_deref(), Some("http://127.0.0.1:7"));
        assert_eq!(world.secrets(), ["sk-of-prod"]);
    }

    #[tokio::test]
    async fn the_environment_names_endpoints_for_all_and_for_one_service() {
        let world = TestWorld::aws()
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .env("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", "http://127.0.0.1:2")
            .start();
        let cx = world.cx();
        let session = session(&cx, &AwsParams::default()).await.unwrap();
        assert_eq!(session.endpoint(&cx, "EC2").as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(session.endpoint(&cx, "Elastic Load Balancing v2").as_deref(), Some("http://127.0.0.1:2"));
    }

    #[tokio::test]
    async fn equal_settings_share_a_session() {
        let world = TestWorld::aws().start();
        let p = AwsParams::default();
        let (one, other) = (session(&world.cx(), &p).await.unwrap(), session(&world.cx(), &p).await.unwrap());
        assert!(Arc::ptr_eq(&one, &other));
        let elsewhere = AwsParams { region: Some("us-west-1".to_owned()), ..p };
        assert!(!Arc::ptr_eq(&one, &session(&world.cx(), &elsewhere).await.unwrap()));
    }

    #[tokio::test]
    async fn no_credentials_say_where_they_were_looked_for() {
        let (_home, world) = profiles("");
        let failure = session(&world.start().cx(), &AwsParams::default()).await.err().unwrap();
        assert_eq!(failure.message, "could not log in to AWS: no credentials were found");
        assert!(failure.hint.unwrap().contains("AWS_ACCESS_KEY_ID"));
    }

    #[tokio::test]
    async fn a_profile_that_is_not_there_is_named() {
        let (_home, world) = profiles(PROD);
        let p = AwsParams { profile: Some("typo".to_owned()), ..AwsParams::default() };
        let failure = session(&world.start().cx(), &p).await.err().unwrap();
        assert!(
            failure.message.starts_with("could not log in to AWS: the profile 'typo' gives no credentials"),
            "{failure}"
        );
    }

    #[tokio::test]
    async fn no_region_is_said_before_any_call() {
        let world = TestWorld::new().env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b").start();
        let failure = region(&world.cx(), &AwsParams::default()).await.unwrap_err();
        assert_eq!(failure.message, "could not tell the AWS region: none is named");
    }
}
