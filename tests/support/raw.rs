//! Calls of AWS without an SDK, to make what a test needs in the stand-in and to look at what is there afterwards.

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::net::TcpStream;

/// Makes calls in one account of a stand-in, which goes by the key's id and checks no signature.
#[derive(Clone, Debug)]
pub struct Raw {
    endpoint: String,
    account: String,
    region: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the JSON of the body; null where there is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Returns the text of the first XML element of this name.
    pub fn element(&self, name: &str) -> Option<String> {
        self.elements(name).into_iter().next()
    }

    /// Returns the text of every XML element of this name; good enough for the plain documents of AWS.
    pub fn elements(&self, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let text = self.text();
        let inside = text.split(&open).skip(1);
        inside.filter_map(|rest| Some(rest.split_once(&close)?.0.to_owned())).collect()
    }
}

impl Raw {
    /// Returns the caller for an account (12 digits) at an endpoint such as `http://127.0.0.1:4566`.
    pub fn new(endpoint: &str, account: &str, region: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), account: account.to_owned(), region: region.to_owned() }
    }

    /// Returns the account, which is the access key's id too.
    pub fn id(&self) -> &str {
        &self.account
    }

    pub fn ecs(&self, action: &str, body: &Value) -> Value {
        self.json("ecs", "AmazonEC2ContainerServiceV20141113", action, body)
    }

    pub fn ecr(&self, action: &str, body: &Value) -> Value {
        self.json("ecr", "AmazonEC2ContainerRegistry_V20150921", action, body)
    }

    pub fn logs(&self, action: &str, body: &Value) -> Value {
        self.json("logs", "Logs_20140328", action, body)
    }

    /// Calls EC2, IAM, ELBv2 (`elasticloadbalancing`) or STS: `query("ec2", "CreateVpc", &[("CidrBlock", "10.0.0.0/16")])`.
    ///
    /// # Panics
    /// Where the answer is no success.
    pub fn query(&self, service: &str, action: &str, parameters: &[(&str, &str)]) -> Answer {
        let version = match service {
            "ec2" => "2016-11-15",
            "elasticloadbalancing" => "2015-12-01",
            "iam" => "2010-05-08",
            _ => "2011-06-15",
        };
        let all = [("Action", action), ("Version", version)];
        let encoded = all.iter().chain(parameters).map(|(name, value)| {
            format!(
                "{}={}",
                utf8_percent_encode(name, NON_ALPHANUMERIC),
                utf8_percent_encode(value, NON_ALPHANUMERIC)
            )
        });
        let form = encoded.collect::<Vec<_>>().join("&");
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        self.succeed(action, self.send(service, "POST", "/", &[kind], form.into_bytes()))
    }

    /// Calls S3 or Route 53: `rest("s3", "PUT", "/bucket", b"")`.
    ///
    /// # Panics
    /// Where the answer is no success.
    pub fn rest(&self, service: &str, method: &str, path: &str, body: &[u8]) -> Answer {
        self.succeed(&format!("{method} {path}"), self.send(service, method, path, &[], body.to_vec()))
    }

    /// Sends any request as the account's, and returns whatever the answer is.
    ///
    /// # Panics
    /// Where there is none.
    pub fn send(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let scope = format!("{}/20240101/{}/{service}/aws4_request", self.account, self.region);
        let signed = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let headers: Vec<(&str, &str)> =
            headers.iter().copied().chain([("Authorization", signed.as_str())]).collect();
        send(method, &self.endpoint, path, &headers, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn json(&self, service: &str, family: &str, action: &str, body: &Value) -> Value {
        let target = format!("{family}.{action}");
        let headers = [("X-Amz-Target", target.as_str()), ("Content-Type", "application/x-amz-json-1.1")];
        self.succeed(action, self.send(service, "POST", "/", &headers, body.to_string().into_bytes())).json()
    }

    fn succeed(&self, what: &str, answer: Answer) -> Answer {
        let account = &self.account;
        assert!(answer.status < 300, "{what} in {account}: {} {}", answer.status, answer.text());
        answer
    }
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Sends one request and waits for the answer; on a thread of its own, as a test may be asynchronous itself.
pub(crate) fn send(
    method: &str,
    endpoint: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Answer, Failed> {
    let host = endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut request = hyper::Request::builder().method(method).uri(path).header("Host", &host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::<Bytes>::from(body))?;
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(exchange(host, request))
    })
    .join()
    .unwrap_or_else(|_| Err("the thread that calls ended".into()))
}

async fn exchange(host: String, request: hyper::Request<Full<Bytes>>) -> Result<Answer, Failed> {
    let stream = TcpStream::connect(&host).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    Ok(Answer { status, body: response.into_body().collect().await?.to_bytes().to_vec() })
}
