//! The client of STS, and who it says we are: asked once a run.
//!
//! **Invariant:** this is the one place where an account's id comes from; every family's ownership lines use it.

use std::ops::Deref;
use std::sync::Arc;

pub use aws_sdk_sts as sdk;
use rplay_aws::{AwsParams, Config, Service, failing};
use rplay_module::{Cx, Failure, Realm, Result, Secret};
use tokio::sync::OnceCell;

/// STS, for some credentials in some region.
pub struct Sts {
    client: sdk::Client,
    config: Config,
    identity: OnceCell<Identity>,
}

/// As whom the calls are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Twelve digits.
    pub account: String,
    pub arn: String,
    pub user_id: String,
}

impl Identity {
    /// Returns what ARNs begin with after `arn:`, such as `aws` or `aws-cn`.
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }
}

impl Service for Sts {
    const ID: &'static str = "STS";
    const GLOBAL: bool = true;

    fn build(config: &Config) -> Self {
        let built = sdk::config::Builder::from(&config.sdk).interceptor(config.resend).build();
        Self { client: sdk::Client::from_conf(built), config: config.clone(), identity: OnceCell::new() }
    }
}

impl Deref for Sts {
    type Target = sdk::Client;

    fn deref(&self) -> &sdk::Client {
        &self.client
    }
}

impl Sts {
    /// Returns as whom the calls are made; remembered for the run.
    pub async fn identity(&self) -> Result<&Identity> {
        self.identity.get_or_try_init(|| self.ask()).await
    }

    async fn ask(&self) -> Result<Identity> {
        let answer = self
            .get_caller_identity()
            .send()
            .await
            .map_err(failing("tell who the AWS credentials belong to"))?;
        let account = answer.account.ok_or_else(|| Failure::bug("GetCallerIdentity names no account"))?;
        Ok(Identity {
            account,
            arn: answer.arn.unwrap_or_default(),
            user_id: answer.user_id.unwrap_or_default(),
        })
    }
}

/// Returns what calls as a role: the same region and endpoint, with the role's own temporary keys.
///
/// # Errors
/// When the role may not be assumed.
pub async fn assumed(cx: &Cx, p: &AwsParams, role: &str, session: &str) -> Result<AwsParams> {
    let sts: Arc<Sts> = rplay_aws::client(cx, p).await?;
    let asked = sts.assume_role().role_arn(role).role_session_name(session).send().await;
    let asked = asked.map_err(failing(format!("assume role {role}")))?;
    let Some(keys) = asked.credentials else {
        return Err(Failure::new(format!("could not assume role {role}: the answer has no keys")));
    };
    cx.world().secret(&keys.secret_access_key);
    cx.world().secret(&keys.session_token);
    Ok(AwsParams {
        profile: None,
        access_key: Some(keys.access_key_id),
        secret_key: Some(Secret::new(keys.secret_access_key)),
        session_token: Some(Secret::new(keys.session_token)),
        ..p.clone()
    })
}

/// Returns as whom calls with these parameters are made.
pub async fn identity(cx: &Cx, p: &AwsParams) -> Result<Identity> {
    let sts: Arc<Sts> = rplay_aws::client(cx, p).await?;
    sts.identity().await.cloned()
}

/// Returns where things of a regional service live, for [`rplay_module::Resource::realm`].
pub async fn realm(cx: &Cx, p: &AwsParams) -> Result<Realm> {
    let sts: Arc<Sts> = rplay_aws::client(cx, p).await?;
    Ok(sts.config.realm(&sts.identity().await?.account))
}

/// Returns where things of a service live that is the same in every region: IAM, Route 53, the names of buckets.
pub async fn global_realm(cx: &Cx, p: &AwsParams) -> Result<Realm> {
    Ok(Realm { region: String::new(), ..realm(cx, p).await? })
}

#[cfg(test)]
mod tests;
