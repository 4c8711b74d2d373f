//! Where credentials come from, in botocore's order: the task's, the environment's, web identity, profile files (SSO,
//! assumed roles, processes), the container's, the machine's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;

use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use rplay_module::{Failure, Result};

use crate::failure::innermost;
use crate::settings::{Identity, Keys, Settings};

/// Botocore's patience with a machine that has no metadata service.
const METADATA_PATIENCE: Duration = Duration::from_secs(1);

/// Returns who provides the credentials, after having asked once: an expired login is said before the first call.
pub(crate) async fn provider(
    settings: &Settings,
    files: &EnvConfigFiles,
    machine: &ProviderConfig,
) -> Result<Source> {
    let inner = match &settings.identity {
        Identity::Keys(keys) => SharedCredentialsProvider::new(fixed(keys)),
        Identity::Profile(_) => SharedCredentialsProvider::new(profile(settings, files, machine)),
        Identity::Chain => SharedCredentialsProvider::new(chain(settings, files, machine)),
    };
    let first = inner.provide_credentials().await.map_err(|error| not_found(settings, &error))?;
    Ok(Source::new(first, inner))
}

fn fixed(keys: &Keys) -> Credentials {
    Credentials::new(&keys.access, &keys.secret, keys.token.clone(), None, "rplay")
}

fn profile(
    settings: &Settings,
    files: &EnvConfigFiles,
    machine: &ProviderConfig,
) -> ProfileFileCredentialsProvider {
    let builder = ProfileFileCredentialsProvider::builder().configure(machine).profile_files(files.clone());
    // Named even where it is the default: the provider would look at the process's own AWS_PROFILE.
    builder.profile_name(settings.profile().unwrap_or("default")).build()
}

fn chain(settings: &Settings, files: &EnvConfigFiles, machine: &ProviderConfig) -> CredentialsProviderChain {
    let profile = profile(settings, files, machine);
    let mut chain = match web_identity(settings) {
        Some(configuration) => {
            let provider = WebIdentityTokenCredentialsProvider::builder()
                .configure(machine)
                .static_configuration(configuration)
                .build();
            CredentialsProviderChain::first_try("web identity", provider).or_else("profile", profile)
        }
        None => CredentialsProviderChain::first_try("profile", profile),
    };
    chain = chain.or_else("container", EcsCredentialsProvider::builder().configure(machine).build());
    if settings.is_set("AWS_EC2_METADATA_DISABLED") {
        return chain;
    }
    let client = imds::Client::builder()
        .configure(machine)
        .connect_timeout(METADATA_PATIENCE)
        .read_timeout(METADATA_PATIENCE)
        .max_attempts(1)
        .build();
    chain
        .or_else("machine", imds::credentials::ImdsCredentialsProvider::builder().imds_client(client).build())
}

fn web_identity(settings: &Settings) -> Option<StaticConfiguration> {
    Some(StaticConfiguration {
        web_identity_token_file: settings.env("AWS_WEB_IDENTITY_TOKEN_FILE")?.into(),
        role_arn: settings.env("AWS_ROLE_ARN")?.to_owned(),
        session_name: settings.env("AWS_ROLE_SESSION_NAME").unwrap_or("rplay").to_owned(),
    })
}

/// Returns the profile files that the settings name, else the usual ones of the user; missing ones are left out.
pub(crate) fn profile_files(settings: &Settings) -> EnvConfigFiles {
    let mut builder = EnvConfigFiles::builder();
    let home = settings.env("HOME");
    for (kind, variable, usual) in [
        (EnvConfigFileKind::Config, "AWS_CONFIG_FILE", ".aws/config"),
        (EnvConfigFileKind::Credentials, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
    ] {
        let named = settings.env(variable).map(|path| expanded(path, home));
        let path = named.or_else(|| Some(std::path::Path::new(home?).join(usual)));
        builder = match path.filter(|path| path.is_file()) {
            Some(path) => builder.with_file(kind, path),
            // The builder wants one of each kind; no contents say nothing.
            None => builder.with_contents(kind, ""),
        };
    }
    builder.build()
}

fn expanded(path: &str, home: Option<&str>) -> std::path::PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => std::path::Path::new(home).join(rest),
        _ => path.into(),
    }
}

fn not_found(settings: &Settings, error: &CredentialsError) -> Failure {
    let why = innermost(error);
    if let CredentialsError::CredentialsNotLoaded(_) = error {
        return match settings.profile() {
            Some(name) => Failure::new(format!("could not log in to AWS: the profile '{name}' gives no credentials: {why}"))
                .hint("look for its section in ~/.aws/config and ~/.aws/credentials (or AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE)"),
            None => Failure::new("could not log in to AWS: no credentials were found").hint(
                "looked in access_key and secret_key, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, \
                 ~/.aws/config and ~/.aws/credentials, the container's and the machine's role; \
                 `--sandbox` needs none",
            ),
        };
    }
    Failure::new(format!("could not log in to AWS: {why}"))
        .hint("if the login has expired, log in again (`aws sso login`)")
}

/// The credentials that were found first, then whoever gives fresh ones; what is secret in them is kept to be told.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    inner: SharedCredentialsProvider,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    first: Option<Credentials>,
    untold: Vec<String>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl Source {
    fn new(first: Credentials, inner: SharedCredentialsProvider) -> Self {
        let kept = Kept { untold: secrets(&first), first: Some(first) };
        Self { inner, kept: Arc::new(Mutex::new(kept)) }
    }

    /// Returns the secrets that have turned up since the last call.
    pub(crate) fn untold(&self) -> Vec<String> {
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner).untold)
    }

    async fn provide(&self) -> std::result::Result<Credentials, CredentialsError> {
        if let Some(first) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).first.take() {
            return Ok(first);
        }
        let fresh = self.inner.provide_credentials().await?;
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).untold.extend(secrets(&fresh));
        Ok(fresh)
    }
}

impl ProvideCredentials for Source {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }
}

fn secrets(credentials: &Credentials) -> Vec<String> {
    let token = credentials.session_token().map(str::to_owned);
    std::iter::once(credentials.secret_access_key().to_owned()).chain(token).collect()
}
