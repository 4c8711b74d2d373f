//! What is sent again, and how often.
//!
//! The SDK has one number of attempts for everything. Here it hangs on what went wrong: throttled calls are worth
//! waiting for, a refused connection is not, and a creation whose answer was lost must not be sent twice.

use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextMut,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use aws_smithy_types::retry::RetryConfig;

use crate::failure::{causes, innermost};

/// With pauses that double up to eight seconds: about half a minute for a service that throttles.
pub(crate) const WHEN_THROTTLED: u32 = 12;
/// A server error or a broken connection.
const WHEN_BROKEN: u32 = 5;
/// Nobody listens, or there is no such host: a second try covers a server that is just restarting.
const WHEN_UNREACHED: u32 = 2;

/// Decides after each attempt how many there may be. Part of every client; [`once`] is added to single calls.
#[derive(Clone, Copy, Debug)]
pub struct Resend {
    once: bool,
}

/// Returns what a creation without a client token is sent with (`.customize().interceptor(once())`): when its answer is
/// lost it fails as [`rplay_module::FailureKind::Lost`] and the driver reads before it decides. Throttled calls, which
/// did not happen, are sent again as ever.
pub fn once() -> Resend {
    Resend { once: true }
}

impl Resend {
    pub(crate) fn usual() -> Self {
        Self { once: false }
    }

    fn attempts(self, trouble: &Trouble) -> u32 {
        match trouble {
            Trouble::Throttled => WHEN_THROTTLED,
            Trouble::Unreached => WHEN_UNREACHED,
            Trouble::Broken if self.once => 1,
            Trouble::Broken => WHEN_BROKEN,
            Trouble::AtLimit => 1,
        }
    }
}

/// What kept an attempt from succeeding, as far as it matters for another one.
#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    Throttled,
    /// The request was not sent.
    Unreached,
    /// It was sent; whether anything happened is not known.
    Broken,
    /// The account may have no more of these: the SDK takes that for throttling.
    AtLimit,
}

/// The endpoint of the call in flight.
#[derive(Debug)]
struct Endpoint(String);

impl Storable for Endpoint {
    type Storer = StoreReplace<Self>;
}

/// A connection that could not be made or broke, with what the SDK's own error does not say: where to.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) endpoint: String,
    /// The request was sent, at least in part.
    pub(crate) sent: bool,
    pub(crate) why: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.endpoint, self.why)
    }
}

impl std::error::Error for Broken {}

impl Intercept for Resend {
    fn name(&self) -> &'static str {
        "Resend"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let uri = context.request().uri();
        let endpoint = uri.split('/').take(3).collect::<Vec<_>>().join("/");
        cfg.interceptor_state().store_put(Endpoint(endpoint));
        Ok(())
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let endpoint = cfg.load::<Endpoint>().map(|endpoint| endpoint.0.clone()).unwrap_or_default();
        let answer = context.response().and_then(answered_with);
        let Some(Err(error)) = context.output_or_error_mut() else { return Ok(()) };
        let trouble = match error.as_connector_error() {
            Some(cause) => {
                let broken = broken(cause, endpoint);
                let sent = broken.sent;
                *error = OrchestratorError::connector(with_source(cause, broken));
                Some(if sent { Trouble::Broken } else { Trouble::Unreached })
            }
            None if error.is_timeout_error() || error.is_response_error() => answer.or(Some(Trouble::Broken)),
            None => answer,
        };
        if let (Some(trouble), Some(usual)) = (trouble, cfg.load::<RetryConfig>()) {
            let allowed = usual.clone().with_max_attempts(self.attempts(&trouble));
            cfg.interceptor_state().store_put(allowed);
        }
        Ok(())
    }
}

/// The error's own kind decides whether the SDK takes it for one that passes: it is kept.
fn with_source(cause: &ConnectorError, broken: Broken) -> ConnectorError {
    let source: BoxError = Box::new(broken);
    if cause.is_timeout() {
        ConnectorError::timeout(source)
    } else if cause.is_io() {
        ConnectorError::io(source)
    } else if cause.is_user() {
        ConnectorError::user(source)
    } else {
        ConnectorError::other(source, cause.as_other())
    }
}

fn broken(cause: &ConnectorError, endpoint: String) -> Broken {
    // A client's second interceptor (`once`) finds what its first one made.
    if let Some(made) = causes(cause).find_map(|cause| cause.downcast_ref::<Broken>()) {
        return Broken { endpoint: made.endpoint.clone(), sent: made.sent, why: made.why.clone() };
    }
    let connecting = causes(cause).any(|cause| {
        let client = cause.downcast_ref::<hyper_util::client::legacy::Error>();
        let io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        client.is_some_and(hyper_util::client::legacy::Error::is_connect)
            || io == Some(std::io::ErrorKind::ConnectionRefused)
    });
    Broken { endpoint, sent: !connecting && !cause.is_user(), why: innermost(cause) }
}

/// What the answer says of the attempt; `None` where it is a plain yes or no.
fn answered_with(response: &HttpResponse) -> Option<Trouble> {
    let status = response.status().as_u16();
    if status < 400 {
        return None;
    }
    let kind = response.headers().get("x-amzn-errortype").unwrap_or_default();
    let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
    let says = |code: &str| kind.contains(code) || body.contains(code);
    let throttling = |code: &str| code != "LimitExceededException" && says(code);
    if status == 429 || THROTTLING_ERRORS.iter().any(|code| throttling(code)) {
        return Some(Trouble::Throttled);
    }
    if says("LimitExceededException") {
        return Some(Trouble::AtLimit);
    }
    (status >= 500).then_some(Trouble::Broken)
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn answer(status: u16, body: &str) -> Option<Trouble> {
        answered_with(&HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body)))
    }

    #[test]
    fn throttling_is_known_in_every_protocol() {
        assert_eq!(
            answer(400, r#"{"__type":"ThrottlingException","message":"slow"}"#),
            Some(Trouble::Throttled)
        );
        assert_eq!(answer(503, "<Error><Code>RequestLimitExceeded</Code></Error>"), Some(Trouble::Throttled));
        assert_eq!(answer(503, "<Error><Code>SlowDown</Code></Error>"), Some(Trouble::Throttled));
    }

    #[test]
    fn an_accounts_limit_is_no_throttling() {
        assert_eq!(answer(400, r#"{"__type":"LimitExceededException"}"#), Some(Trouble::AtLimit));
    }

    #[test]
    fn a_server_error_leaves_open_what_happened() {
        assert_eq!(answer(500, "<html>"), Some(Trouble::Broken));
        assert_eq!(answer(404, "NoSuchBucket"), None);
        assert_eq!(answer(200, "Throttling"), None);
    }

    #[test]
    fn a_creation_is_sent_once_unless_it_did_not_happen() {
        assert_eq!(once().attempts(&Trouble::Broken), 1);
        assert_eq!(once().attempts(&Trouble::Throttled), WHEN_THROTTLED);
        assert!(Resend::usual().attempts(&Trouble::Broken) > 1);
    }
}
