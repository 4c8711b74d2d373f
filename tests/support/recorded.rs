//! Answers of AWS that were recorded (or written down from its documentation), played back to the SDK.
//!
//! A test lists what will be asked and what is answered. Any other call fails the test, and so does an answer that was
//! not asked for. Calls that match the same expectation are answered in the order listed.
//!
//! ```ignore
//! let world = TestWorld::aws().start();
//! let recorded = Recorded::new([
//!     Expected::json("DescribeClusters").body(json!({"clusters": ["app"]})).answers(&json!({"clusters": []})),
//!     Expected::json("CreateCluster").body(json!({"clusterName": "app"})).loses_the_answer(),
//! ]);
//! world.cx().shared::<rplay_aws::Transport>().replace(recorded.client());
//! // ... run the module ...
//! recorded.done();
//! ```

mod expected;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;

pub use expected::Expected;
use expected::Reply;

use crate::Request;

/// The answers of one test. Checks when it is dropped that all of them were asked for and nothing else was.
pub struct Recorded(Playback);

/// The end of it that the SDK calls.
#[derive(Clone, Debug)]
pub struct Playback(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    expected: Vec<Expected>,
    /// How often each was asked for.
    asked: Vec<u32>,
    calls: Vec<String>,
    unexpected: Vec<String>,
}

impl Recorded {
    pub fn new(expected: impl IntoIterator<Item = Expected>) -> Self {
        let expected: Vec<Expected> = expected.into_iter().collect();
        let asked = vec![0; expected.len()];
        Self(Playback(Arc::new(Mutex::new(Script { expected, asked, ..Script::default() }))))
    }

    /// Returns the HTTP client for the SDK.
    pub fn client(&self) -> Playback {
        self.0.clone()
    }

    /// Adds what the test expects from here on.
    pub fn expect(&self, expected: impl IntoIterator<Item = Expected>) {
        let mut script = self.0.script();
        script.expected.extend(expected);
        let length = script.expected.len();
        script.asked.resize(length, 0);
    }

    /// Returns the names of the calls so far, such as `DescribeVpcs`.
    pub fn calls(&self) -> Vec<String> {
        self.0.script().calls.clone()
    }

    /// Fails the test unless exactly the expected calls were made so far.
    ///
    /// # Panics
    /// Where a call was not expected, or an expected one not made.
    pub fn done(&self) {
        let complaint = self.0.script().complaint();
        assert!(complaint.is_empty(), "{complaint}");
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.done();
        }
    }
}

impl Script {
    fn complaint(&self) -> String {
        let unasked = self.expected.iter().zip(&self.asked).filter(|(_, asked)| **asked == 0);
        let unasked = unasked.map(|(expected, _)| format!("was not asked for: {expected}"));
        let unexpected = self.unexpected.iter().map(|call| format!("was not expected: {call}"));
        unexpected.chain(unasked).collect::<Vec<_>>().join("\n")
    }

    fn answer(&mut self, request: &Request) -> Option<Reply> {
        let found =
            self.expected.iter().zip(&mut self.asked).find(|(expected, asked)| {
                (expected.is_repeated() || **asked == 0) && expected.matches(request)
            });
        if let Some((expected, asked)) = found {
            *asked += 1;
            self.calls.push(expected.name().to_owned());
            return Some(expected.reply());
        }
        self.unexpected.push(expected::described(request));
        None
    }
}

impl Playback {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn play(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = read(request).await?;
        let reply = self.script().answer(&request);
        match reply {
            Some(Reply::Answer { status, headers, body }) => {
                let status = status.try_into().map_err(|_| unplayable("no such status"))?;
                let mut response = HttpResponse::new(status, SdkBody::from(body));
                for (name, value) in headers {
                    response.headers_mut().insert(name, value);
                }
                Ok(response)
            }
            Some(Reply::Lost) => {
                let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                Err(ConnectorError::io(Box::new(reset)))
            }
            Some(Reply::Refused) => {
                let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
                Err(ConnectorError::io(Box::new(refused)))
            }
            // No kind of error that the SDK would try again.
            None => Err(unplayable(&format!("the test did not expect {}", expected::described(&request)))),
        }
    }
}

async fn read(request: HttpRequest) -> Result<Request, ConnectorError> {
    let headers =
        request.headers().iter().map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let (method, uri) = (request.method().to_owned(), request.uri().to_owned());
    let body = request.into_body().collect().await.map_err(|error| unplayable(&error.to_string()))?;
    Ok(Request::new(&method, &uri, headers, body.to_bytes().to_vec()))
}

fn unplayable(why: &str) -> ConnectorError {
    ConnectorError::user(why.to_owned().into())
}

impl HttpConnector for Playback {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().play(request))
    }
}

impl HttpClient for Playback {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
