//! What a task says of where and as whom it calls AWS: parameters first, then the environment.

use rplay_module::params::ParamFault;
use rplay_module::{Cx, Failure, FailureKind, Result};

use crate::AwsParams;

/// The variables that are looked at, by us and through us by the SDK. Read by way of the task's `environment:`, so that
/// it overrides the process's.
const VARIABLES: [&str; 27] = [
    "HOME",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_MAX_ATTEMPTS",
    "AWS_RETRY_MODE",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Where and as whom. Equal settings share one session.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Settings {
    pub(crate) region: Option<String>,
    /// For every service, as the parameter or `AWS_URL` says.
    pub(crate) endpoint: Option<String>,
    pub(crate) identity: Identity,
    pub(crate) ca_bundle: Option<String>,
    pub(crate) sandbox: bool,
    env: Vec<(&'static str, String)>,
}

/// As whom.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    Keys(Keys),
    /// A profile that the task names: the environment's keys do not count then.
    Profile(String),
    /// Whoever the environment, the profile files and the machine make it.
    Chain,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Keys {
    pub(crate) access: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

impl Settings {
    /// Under `--sandbox` nothing but the stand-in's own endpoint, region and keys: a key that a playbook names is a
    /// real account's and is not sent anywhere.
    pub(crate) fn of(cx: &Cx, p: &AwsParams) -> Result<Self> {
        if let Some(sandbox) = cx.world().sandbox() {
            let keys = Keys { access: sandbox.access_key, secret: sandbox.secret_key, token: None };
            return Ok(Self {
                region: Some(sandbox.region),
                endpoint: Some(sandbox.endpoint),
                identity: Identity::Keys(keys),
                ca_bundle: None,
                sandbox: true,
                env: Vec::new(),
            });
        }
        let env = |name: &str| cx.env(name).filter(|value| !value.is_empty());
        let settings = Self {
            region: given(p.region.as_ref()).or_else(|| first(env, &["AWS_REGION", "AWS_DEFAULT_REGION"])),
            endpoint: given(p.endpoint_url.as_ref()).or_else(|| env("AWS_URL")),
            identity: identity(p, env)?,
            ca_bundle: given(p.aws_ca_bundle.as_ref()).or_else(|| env("AWS_CA_BUNDLE")),
            sandbox: false,
            env: VARIABLES.into_iter().filter_map(|name| Some((name, env(name)?))).collect(),
        };
        settings.refuse_unchecked_certificates(p)?;
        Ok(settings)
    }

    /// Returns a variable as it was when the session was asked for.
    pub(crate) fn env(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.env(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Returns all variables, for the readers of profile files.
    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        self.env.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Returns the profile in use; `None` for the default one.
    pub(crate) fn profile(&self) -> Option<&str> {
        match &self.identity {
            Identity::Profile(name) => Some(name),
            Identity::Keys(_) | Identity::Chain => {
                self.env("AWS_PROFILE").or_else(|| self.env("AWS_DEFAULT_PROFILE"))
            }
        }
    }

    /// The TLS layer cannot leave certificates unchecked: better refused than checked against the playbook's word.
    fn refuse_unchecked_certificates(&self, p: &AwsParams) -> Result<()> {
        let plain = self.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        if p.validate_certs || plain {
            return Ok(());
        }
        Err(arguments("validate_certs", "validate_certs: false is not built yet for https endpoints")
            .hint("name the certificate authority with aws_ca_bundle, or use an http:// endpoint_url"))
    }
}

fn identity(p: &AwsParams, env: impl Fn(&str) -> Option<String> + Copy) -> Result<Identity> {
    let access = given(p.access_key.as_ref());
    let secret = given(p.secret_key.as_ref().map(rplay_module::Secret::expose));
    let token = given(p.session_token.as_ref().map(rplay_module::Secret::expose));
    if let Some(profile) = given(p.profile.as_ref()) {
        if access.is_some() || secret.is_some() || token.is_some() {
            // Ansible's words: people match on them.
            return Err(arguments("profile", "Passing both a profile and access tokens is not supported."));
        }
        return Ok(Identity::Profile(profile));
    }
    let from_environment = access.is_none() && secret.is_none();
    let access = access.or_else(|| first(env, &["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"]));
    let secret = secret.or_else(|| first(env, &["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"]));
    let token = token.or_else(|| from_environment.then(|| env("AWS_SESSION_TOKEN")).flatten());
    match (access, secret) {
        (Some(access), Some(secret)) => Ok(Identity::Keys(Keys { access, secret, token })),
        (Some(_), None) => Err(half("an access key and no secret key")),
        (None, Some(_)) => Err(half("a secret key and no access key")),
        (None, None) => Ok(Identity::Chain),
    }
}

fn half(what: &str) -> Failure {
    Failure::new(format!("could not log in to AWS: there is {what}"))
        .hint("give both access_key and secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
}

fn arguments(path: &str, message: &str) -> Failure {
    let fault = ParamFault::new(path, message);
    Failure { kind: FailureKind::Arguments(vec![fault]), ..Failure::new(message) }
}

/// Botocore takes an empty text for a missing one, and so do playbooks.
fn given(value: Option<&String>) -> Option<String> {
    value.filter(|value| !value.is_empty()).cloned()
}

fn first(env: impl Fn(&str) -> Option<String>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| env(name))
}

#[cfg(test)]
mod tests {
    use rplay_module::{Sandbox, Secret};
    use rplay_test_support::TestWorld;

    use super::*;

    fn settings(world: &std::sync::Arc<TestWorld>, p: &AwsParams) -> Settings {
        Settings::of(&world.cx(), p).unwrap()
    }

    fn keys(settings: &Settings) -> (&str, &str, Option<&str>) {
        match &settings.identity {
            Identity::Keys(keys) => (&keys.access, &keys.secret, keys.token.as_deref()),
            Identity::Profile(_) | Identity::Chain => panic!("no keys"),
        }
    }

    #[test]
    fn parameters_come_before_the_environment() {
        let world = TestWorld::new()
            .env("AWS_ACCESS_KEY_ID", "env-key")
            .env("AWS_SECRET_ACCESS_KEY", "env-secret")
            .env("AWS_SESSION_TOKEN", "env-token")
            .env("AWS_REGION", "eu-west-1")
            .start();
        let found = settings(&world, &AwsParams::default());
        assert_eq!(keys(&found), ("env-key", "env-secret", Some("env-token")));
        assert_eq!(found.region.as_deref(), Some("eu-west-1"));
        let p = AwsParams {
            access_key: Some("key".to_owned()),
            secret_key: Some(Secret::new("secret".to_owned())),
            region: Some("us-west-2".to_owned()),
            ..AwsParams::default()
        };
        let found = settings(&world, &p);
        assert_eq!(
            keys(&found),
            ("key", "secret", None),
            "the environment's token belongs to the environment's keys"
        );
        assert_eq!(found.region.as_deref(), Some("us-west-2"));
    }

    #[test]
    fn a_named_profile_comes_before_the_environments_keys() {
        let world = TestWorld::new()
            .env("AWS_ACCESS_KEY_ID", "env-key")
            .env("AWS_SECRET_ACCESS_KEY", "env-secret")
            .start();
        let p = AwsParams { profile: Some("prod".to_owned()), ..AwsParams::default() };
        assert_eq!(settings(&world, &p).profile(), Some("prod"));
        assert!(matches!(settings(&world, &p).identity, Identity::Profile(_)));
    }

    #[test]
    fn a_profile_and_keys_do_not_go_together() {
        let p = AwsParams {
            profile: Some("prod".to_owned()),
            access_key: Some("key".to_owned()),
            ..AwsParams::default()
        };
        let failure = Settings::of(&TestWorld::new().start().cx(), &p).err().unwrap();
        assert_eq!(failure.message, "Passing both a profile and access tokens is not supported.");
    }

    #[test]
    fn the_sandbox_reads_nothing_of_the_environment_or_the_playbook() {
        let world = TestWorld::new()
            .env("AWS_ACCESS_KEY_ID", "env-key")
            .env("AWS_SECRET_ACCESS_KEY", "env-secret")
            .env("AWS_ENDPOINT_URL", "https://elsewhere")
            .env("AWS_PROFILE", "prod")
            .sandbox(Sandbox {
                endpoint: "http://127.0.0.1:4566".to_owned(),
                region: "us-east-1".to_owned(),
                access_key: "000000000000".to_owned(),
                secret_key: "sandbox".to_owned(),
            })
            .start();
        let p = AwsParams { endpoint_url: Some("https://real".to_owned()), ..AwsParams::default() };
        let found = settings(&world, &p);
        assert_eq!(keys(&found), ("000000000000", "sandbox", None));
        assert_eq!(found.endpoint.as_deref(), Some("http://127.0.0.1:4566"));
        assert_eq!(found.profile(), None);
        assert!(found.variables().is_empty());
    }

    #[test]
    fn half_a_key_is_said_before_any_call() {
        let world = TestWorld::new().env("AWS_ACCESS_KEY_ID", "env-key").start();
        let failure = Settings::of(&world.cx(), &AwsParams::default()).err().unwrap();
        assert_eq!(failure.message, "could not log in to AWS: there is an access key and no secret key");
    }

    #[test]
    fn unchecked_certificates_are_refused_where_they_would_matter() {
        let world = TestWorld::new().start();
        let p = AwsParams { validate_certs: false, ..AwsParams::default() };
        assert!(Settings::of(&world.cx(), &p).is_err());
        let p = AwsParams { endpoint_url: Some("http://127.0.0.1:1".to_owned()), ..p };
        assert!(Settings::of(&world.cx(), &p).is_ok());
    }
}
