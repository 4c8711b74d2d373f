//! Clients: one per service, credentials, region and endpoint.

use std::sync::Arc;
use std::time::Duration;

use aws_types::SdkConfig;
use rplay_module::{Cx, Failure, Realm, Result};

use crate::session::{Session, Target};
use crate::settings::Settings;
use crate::{AwsParams, Resend};

/// A service's client: says what it is called and how it is built, nothing else.
pub trait Service: Sized + Send + Sync + 'static {
    /// The service's id, as botocore's `serviceId`: `ECS`, `Elastic Load Balancing v2`. Variables and profiles name
    /// endpoints by it.
    const ID: &'static str;
    /// The service is the same in every region: one that is not named is no fault.
    const GLOBAL: bool = false;
    /// How long an answer may take, in seconds, the sending of the request included.
    const PATIENCE: u64 = 60;

    fn build(config: &Config) -> Self;
}

/// What a client is built from.
#[derive(Clone, Debug)]
pub struct Config {
    pub sdk: SdkConfig,
    /// Goes into the client's own configuration: `.interceptor(config.resend)`.
    pub resend: Resend,
    pub region: String,
    /// `None` for AWS itself.
    pub endpoint: Option<String>,
    /// Buckets stand in the path, not in the host's name: a stand-in has no DNS.
    pub path_style: bool,
    sandbox: bool,
}

impl Config {
    /// Returns where things live that are made through this client, for the ownership file.
    pub fn realm(&self, account: &str) -> Realm {
        let endpoint = match &self.endpoint {
            // Its port is another one each time it starts.
            Some(_) if self.sandbox => "sandbox".to_owned(),
            Some(endpoint) => endpoint.clone(),
            None => String::new(),
        };
        Realm { account: account.to_owned(), region: self.region.clone(), endpoint }
    }
}

/// Returns the service's client for these parameters.
///
/// # Errors
/// No region, no credentials, half a key: said before any call.
pub async fn client<C: Service>(cx: &Cx, p: &AwsParams) -> Result<Arc<C>> {
    let session = Session::of(cx, Settings::of(cx, p)?).await?;
    let region = match session.region() {
        Some(region) => region,
        // Where the global services are signed for.
        None if C::GLOBAL => "us-east-1".to_owned(),
        None => return Err(no_region()),
    };
    let endpoint = session.endpoint(cx, C::ID);
    let place = format!("{region} {}", endpoint.as_deref().unwrap_or_default());
    Ok(session.client(place, || {
        let patience = Duration::from_secs(C::PATIENCE);
        let target = Target { region: region.clone(), endpoint: endpoint.clone(), patience };
        C::build(&Config {
            sdk: session.sdk_config(&target),
            resend: Resend::usual(),
            path_style: endpoint.as_deref().is_some_and(is_loopback),
            sandbox: session.settings.sandbox,
            region,
            endpoint,
        })
    }))
}

/// Returns the region that calls with these parameters go to.
pub async fn region(cx: &Cx, p: &AwsParams) -> Result<String> {
    Session::of(cx, Settings::of(cx, p)?).await?.region().ok_or_else(no_region)
}

fn no_region() -> Failure {
    Failure::new("could not tell the AWS region: none is named")
        .hint("set region, AWS_REGION or AWS_DEFAULT_REGION, or a region in the profile of ~/.aws/config")
}

/// Returns whether an endpoint is on this machine.
pub(crate) fn is_loopback(endpoint: &str) -> bool {
    let Ok(uri) = endpoint.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_on_this_machine_is_known() {
        for endpoint in
            ["http://127.0.0.1:4566", "http://localhost:1", "https://[::1]:2", "http://s3.localhost"]
        {
            assert!(is_loopback(endpoint), "{endpoint}");
        }
        for endpoint in ["https://ecs.eu-west-1.amazonaws.com", "http://10.0.0.1:4566", "nonsense"] {
            assert!(!is_loopback(endpoint), "{endpoint}");
        }
    }
}
