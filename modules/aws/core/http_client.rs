//! The one HTTP client of a session: TLS roots, proxies, timeouts, kept connections.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpClient};
use rplay_module::{Cx, Failure, Result};

use crate::settings::Settings;

/// How long an unused connection is kept: shorter than AWS keeps its end, so that no request meets a closed one.
const IDLE: Duration = Duration::from_secs(15);

/// What tests put in place of the network: answers that were recorded. Lives in the run's shared things.
#[derive(Debug, Default)]
pub struct Transport(Mutex<Option<SharedHttpClient>>);

impl Transport {
    /// Makes every client that is built from now on use this in place of the network.
    pub fn replace(&self, client: impl HttpClient + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(SharedHttpClient::new(client));
    }

    pub(crate) fn replaced(&self) -> Option<SharedHttpClient> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns the HTTP client for these settings.
pub(crate) async fn build(cx: &Cx, settings: &Settings) -> Result<SharedHttpClient> {
    if let Some(client) = cx.shared::<Transport>().replaced() {
        return Ok(client);
    }
    let plain = settings.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let kept = Builder::new().pool_idle_timeout(IDLE);
    // Reading the system's certificates takes longer than a call to a stand-in does.
    if settings.sandbox || (plain && settings.proxy().is_none()) {
        return Ok(kept.build_with_connector_fn(|timeouts, _| connector(timeouts).build_http()));
    }
    let (tls, proxy) = (tls(settings).await?, proxy(settings)?);
    Ok(kept.build_with_connector_fn(move |timeouts, _| match timeouts {
        Some(_) => connector(timeouts)
            .proxy_config(proxy.clone())
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(tls.clone())
            .build(),
        // Asked for once a client only to see that it can be built: without reading all certificates again.
        None => connector(None).build_http(),
    }))
}

fn connector(timeouts: Option<&HttpConnectorSettings>) -> aws_smithy_http_client::ConnectorBuilder {
    let builder = Connector::builder().sleep_impl(TokioSleep::new()).pool_idle_timeout(IDLE);
    match timeouts {
        Some(timeouts) => builder.connector_settings(timeouts.clone()),
        None => builder,
    }
}

async fn tls(settings: &Settings) -> Result<TlsContext> {
    let store = match &settings.ca_bundle {
        None => TrustStore::default(),
        Some(path) => {
            let read = tokio::fs::read(path).await;
            let pem =
                read.map_err(|error| Failure::new(format!("could not read aws_ca_bundle {path}: {error}")))?;
            TrustStore::empty().with_pem_certificate(pem)
        }
    };
    TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|error| Failure::new(format!("could not prepare TLS for AWS: {error}")))
}

fn proxy(settings: &Settings) -> Result<ProxyConfig> {
    let Some(url) = settings.proxy() else { return Ok(ProxyConfig::disabled()) };
    let config = ProxyConfig::all(url)
        .map_err(|error| Failure::new(format!("could not use the proxy of HTTPS_PROXY: {error}")))?;
    let exceptions = settings.env("NO_PROXY").or_else(|| settings.env("no_proxy"));
    // A stand-in on this machine is never behind a proxy, whatever NO_PROXY leaves out.
    let exceptions =
        [Some("localhost,127.0.0.1,::1"), exceptions].into_iter().flatten().collect::<Vec<_>>().join(",");
    Ok(config.no_proxy(exceptions))
}

impl Settings {
    /// Returns the proxy in use; services are asked over https unless an endpoint says otherwise.
    fn proxy(&self) -> Option<&str> {
        let plain = self.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let names = if plain {
            ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"]
        } else {
            ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        };
        names.into_iter().find_map(|name| self.env(name))
    }
}
