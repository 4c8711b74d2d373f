use std::fmt;

use serde_json::{Value, json};

use crate::Request;
use crate::classify::{Operation, Protocol};
use crate::fault::{refusal, throttling};

/// A call that is expected, and its answer.
#[derive(Clone, Debug)]
pub struct Expected {
    call: Call,
    checks: Vec<Check>,
    reply: Reply,
    repeated: bool,
}

#[derive(Clone, Debug)]
enum Call {
    /// By the API's own name.
    Action { name: String, protocol: Protocol },
    /// By method and path.
    Path { method: String, path: String },
}

#[derive(Clone, Debug)]
enum Check {
    /// The JSON body has at least these fields.
    Has(Value),
    /// The JSON body is this.
    Is(Value),
    Parameter(String, String),
    Without(String),
    Contains(String),
    Header(String, String),
}

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Answer { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    Lost,
    Refused,
}

impl Expected {
    /// Expects a call of a JSON service: ECS, ECR, CloudWatch Logs. Answered with `{}` unless told otherwise.
    pub fn json(action: &str) -> Self {
        Self::action(action, Protocol::Json, b"{}".to_vec())
    }

    /// Expects a call of EC2.
    pub fn ec2(action: &str) -> Self {
        Self::action(
            action,
            Protocol::Ec2,
            format!("<{action}Response><return>true</return></{action}Response>").into(),
        )
    }

    /// Expects a call of another query service: IAM, ELBv2, STS.
    pub fn query(action: &str) -> Self {
        let empty = format!("<{action}Response><{action}Result></{action}Result></{action}Response>");
        Self::action(action, Protocol::Query, empty.into())
    }

    /// Expects a call of S3 or Route 53 by method and path, such as `GET` and `/bucket`.
    pub fn rest(method: &str, path: &str) -> Self {
        Self::new(Call::Path { method: method.to_owned(), path: path.to_owned() }, Vec::new())
    }

    fn action(name: &str, protocol: Protocol, body: Vec<u8>) -> Self {
        Self::new(Call::Action { name: name.to_owned(), protocol }, body)
    }

    fn new(call: Call, body: Vec<u8>) -> Self {
        let reply = Reply::Answer { status: 200, headers: Vec::new(), body };
        Self { call, checks: Vec::new(), reply, repeated: false }
    }

    /// The JSON body must have at least these fields; mappings are looked into, everything else must be equal.
    #[must_use]
    pub fn body(self, fields: Value) -> Self {
        self.check(Check::Has(fields))
    }

    /// The JSON body must be this.
    #[must_use]
    pub fn whole_body(self, body: Value) -> Self {
        self.check(Check::Is(body))
    }

    /// The form or the query must have this parameter, such as `Filter.1.Name`.
    #[must_use]
    pub fn parameter(self, name: &str, value: &str) -> Self {
        self.check(Check::Parameter(name.to_owned(), value.to_owned()))
    }

    /// Neither the form or the query nor the JSON body may have this parameter.
    #[must_use]
    pub fn without(self, name: &str) -> Self {
        self.check(Check::Without(name.to_owned()))
    }

    /// The body must contain this text.
    #[must_use]
    pub fn containing(self, text: &str) -> Self {
        self.check(Check::Contains(text.to_owned()))
    }

    /// The request must have this header; the name in lower case.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.check(Check::Header(name.to_owned(), value.to_owned()))
    }

    fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Answers 200 with a JSON document.
    #[must_use]
    pub fn answers(self, body: &Value) -> Self {
        self.answers_with(200, &[], &body.to_string())
    }

    /// Answers 200 with what stands inside the answer of a query service: the elements around it are made here.
    #[must_use]
    pub fn gives(self, inside: &str) -> Self {
        let body = match &self.call {
            Call::Action { name, protocol: Protocol::Ec2 } => {
                format!("<{name}Response>{inside}</{name}Response>")
            }
            Call::Action { name, .. } => {
                format!("<{name}Response><{name}Result>{inside}</{name}Result></{name}Response>")
            }
            Call::Path { .. } => inside.to_owned(),
        };
        self.answers_with(200, &[], &body)
    }

    /// Answers 200 with a whole XML document; the SDK looks at the name of its root.
    #[must_use]
    pub fn answers_xml(self, body: &str) -> Self {
        self.answers_with(200, &[], body)
    }

    /// Answers with status, headers and body.
    #[must_use]
    pub fn answers_with(mut self, status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.reply = Reply::Answer { status, headers, body: body.as_bytes().to_vec() };
        self
    }

    /// Refuses in the service's own form: a code such as `ClusterNotFoundException`, and a message.
    #[must_use]
    pub fn refuses(self, code: &str, message: &str) -> Self {
        let status = if code.starts_with("NoSuch") { 404 } else { 400 };
        let body = refusal(self.protocol(), code, message);
        self.answers_with(status, &[("x-amzn-requestid", "test-request")], &body)
    }

    /// Refuses because there were too many calls.
    #[must_use]
    pub fn throttles(self) -> Self {
        let (status, body) = throttling(self.protocol());
        self.answers_with(status, &[], &body)
    }

    /// The request arrives, the answer does not.
    #[must_use]
    pub fn loses_the_answer(mut self) -> Self {
        self.reply = Reply::Lost;
        self
    }

    /// Nobody listens.
    #[must_use]
    pub fn refuses_the_connection(mut self) -> Self {
        self.reply = Reply::Refused;
        self
    }

    /// May be asked for any number of times, but at least once.
    #[must_use]
    pub fn repeatedly(mut self) -> Self {
        self.repeated = true;
        self
    }

    fn protocol(&self) -> Protocol {
        match &self.call {
            Call::Action { protocol, .. } => *protocol,
            Call::Path { path, .. } if path.starts_with("/2013-04-01/") => Protocol::RestXml,
            Call::Path { .. } => Protocol::S3,
        }
    }

    pub(super) fn is_repeated(&self) -> bool {
        self.repeated
    }

    pub(super) fn reply(&self) -> Reply {
        self.reply.clone()
    }

    pub(super) fn name(&self) -> &str {
        match &self.call {
            Call::Action { name, .. } => name,
            Call::Path { path, .. } => path,
        }
    }

    pub(super) fn matches(&self, request: &Request) -> bool {
        let called = match &self.call {
            Call::Action { name, .. } => Operation::of(request).action == *name,
            Call::Path { method, path } => {
                request.method == *method && trimmed(&request.path) == trimmed(path)
            }
        };
        called && self.checks.iter().all(|check| check.holds(request))
    }
}

impl Check {
    fn holds(&self, request: &Request) -> bool {
        match self {
            Self::Has(fields) => request.json().is_some_and(|body| has(&body, fields)),
            Self::Is(whole) => request.json().as_ref() == Some(whole),
            Self::Parameter(name, value) => {
                let inside = |(known, found): &(String, String)| known == name && found == value;
                request.parameters().iter().chain(&request.query).any(inside)
            }
            Self::Without(name) => {
                request.parameter(name).is_none()
                    && request.json().is_none_or(|body| body.get(name).is_none())
            }
            Self::Contains(text) => String::from_utf8_lossy(&request.body).contains(text.as_str()),
            Self::Header(name, value) => request.header(name) == Some(value),
        }
    }
}

/// The SDK asks for a bucket as `/bucket/`.
fn trimmed(path: &str) -> &str {
    path.trim_end_matches('/')
}

fn has(body: &Value, fields: &Value) -> bool {
    match (body, fields) {
        (Value::Object(body), Value::Object(fields)) => {
            fields.iter().all(|(key, field)| body.get(key).is_some_and(|value| has(value, field)))
        }
        _ => body == fields,
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.call {
            Call::Action { name, .. } => f.write_str(name)?,
            Call::Path { method, path } => write!(f, "{method} {path}")?,
        }
        self.checks.iter().try_for_each(|check| write!(f, " {check:?}"))
    }
}

/// Returns a request as a complaint shows it.
pub(super) fn described(request: &Request) -> String {
    let action = Operation::of(request).action;
    let said = match request.json() {
        Some(body) => body.to_string(),
        None if !request.parameters().is_empty() => {
            let shown =
                request.parameters().into_iter().filter(|(name, _)| name != "Action" && name != "Version");
            json!(shown.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()).to_string()
        }
        None => String::from_utf8_lossy(&request.body).into_owned(),
    };
    format!("{action} ({} {}) {said}", request.method, request.path)
}
