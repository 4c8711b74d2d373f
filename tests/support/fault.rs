//! Trouble that the proxy makes, and how services word it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::classify::{Effect, Operation, Protocol};
use crate::proxy::Call;

/// Which calls something happens to, and what.
#[derive(Clone)]
pub struct Rule {
    service: Option<String>,
    action: Option<String>,
    effect: Option<Effect>,
    /// The first matching call it happens to, and the last; counted from 1.
    from: u32,
    to: u32,
    pub(crate) trouble: Trouble,
    seen: u32,
}

#[derive(Clone, Default)]
pub(crate) enum Trouble {
    #[default]
    None,
    Delay(Duration),
    Throttle,
    Answer(u16, String),
    Refuse(u16, String, String),
    /// The connection ends before the request reaches the upstream.
    Reset,
    /// The request reaches the upstream, the answer does not come back.
    Lose,
    Tell(Listener),
    /// Tells, then does as `Reset`.
    TellAndReset(Listener),
    /// Does as `Lose`, and tells before the connection ends.
    LoseAndTell(Listener),
}

pub(crate) type Listener = Arc<dyn Fn(&Call) + Send + Sync>;

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("service", &self.service)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

impl Rule {
    /// Returns a rule for one operation: `Rule::on("ecs", "CreateService")`. It does nothing until told what.
    pub fn on(service: &str, action: &str) -> Self {
        Self { service: Some(service.to_owned()), action: Some(action.to_owned()), ..Self::any() }
    }

    /// Returns a rule for all operations of a service.
    pub fn to(service: &str) -> Self {
        Self { service: Some(service.to_owned()), ..Self::any() }
    }

    /// Returns a rule for every call.
    pub fn any() -> Self {
        Self {
            service: None,
            action: None,
            effect: None,
            from: 1,
            to: u32::MAX,
            trouble: Trouble::None,
            seen: 0,
        }
    }

    /// Returns a rule for the calls that change nothing, or for those that do.
    pub fn every(effect: Effect) -> Self {
        Self { effect: Some(effect), ..Self::any() }
    }

    /// Only the nth matching call, counted from 1.
    #[must_use]
    pub fn nth(mut self, number: u32) -> Self {
        (self.from, self.to) = (number, number);
        self
    }

    /// Only the first so many matching calls.
    #[must_use]
    pub fn first(mut self, calls: u32) -> Self {
        (self.from, self.to) = (1, calls);
        self
    }

    #[must_use]
    pub fn delay(self, time: Duration) -> Self {
        self.making(Trouble::Delay(time))
    }

    /// Answers that there were too many calls, in the service's own form.
    #[must_use]
    pub fn throttle(self) -> Self {
        self.making(Trouble::Throttle)
    }

    /// Answers with a status and a body that no service would send.
    #[must_use]
    pub fn answer(self, status: u16, body: &str) -> Self {
        self.making(Trouble::Answer(status, body.to_owned()))
    }

    /// Refuses in the service's own form.
    #[must_use]
    pub fn refuse(self, status: u16, code: &str, message: &str) -> Self {
        self.making(Trouble::Refuse(status, code.to_owned(), message.to_owned()))
    }

    /// Ends the connection before the upstream sees the request.
    #[must_use]
    pub fn reset(self) -> Self {
        self.making(Trouble::Reset)
    }

    /// Lets the upstream do it and ends the connection without the answer.
    #[must_use]
    pub fn lose_the_answer(self) -> Self {
        self.making(Trouble::Lose)
    }

    /// Calls a function before the request goes on to the upstream.
    #[must_use]
    pub fn tell(self, listener: impl Fn(&Call) + Send + Sync + 'static) -> Self {
        self.making(Trouble::Tell(Arc::new(listener)))
    }

    /// Calls a function instead of the upstream, and ends the connection.
    #[must_use]
    pub fn tell_and_reset(self, listener: impl Fn(&Call) + Send + Sync + 'static) -> Self {
        self.making(Trouble::TellAndReset(Arc::new(listener)))
    }

    /// Lets the upstream do it, calls a function, and ends the connection without the answer.
    #[must_use]
    pub fn lose_and_tell(self, listener: impl Fn(&Call) + Send + Sync + 'static) -> Self {
        self.making(Trouble::LoseAndTell(Arc::new(listener)))
    }

    fn making(mut self, trouble: Trouble) -> Self {
        self.trouble = trouble;
        self
    }

    /// Counts the call if it is one of the rule's; returns whether it happens to this one.
    pub(crate) fn strikes(&mut self, operation: &Operation) -> bool {
        let is =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        let matches = is(&self.service, &operation.service)
            && is(&self.action, &operation.action)
            && self.effect.is_none_or(|effect| effect == operation.effect);
        self.seen += u32::from(matches);
        matches && (self.from..=self.to).contains(&self.seen)
    }
}

/// Returns how a service says that there were too many calls.
pub(crate) fn throttling(protocol: Protocol) -> (u16, String) {
    let (status, code) = match protocol {
        Protocol::Json => (400, "ThrottlingException"),
        Protocol::Ec2 => (503, "RequestLimitExceeded"),
        Protocol::Query | Protocol::RestXml => (400, "Throttling"),
        Protocol::S3 => (503, "SlowDown"),
        Protocol::Plain => return (429, "Too Many Requests".to_owned()),
    };
    (status, refusal(protocol, code, "Rate exceeded"))
}

/// Returns how a service says no.
pub(crate) fn refusal(protocol: Protocol, code: &str, message: &str) -> String {
    match protocol {
        Protocol::Json => serde_json::json!({ "__type": code, "message": message }).to_string(),
        Protocol::Ec2 => format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
             <RequestID>test-request</RequestID></Response>"
        ),
        Protocol::Query | Protocol::RestXml => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>test-request</RequestId></ErrorResponse>"
        ),
        Protocol::S3 => format!(
            "<Error><Code>{code}</Code><Message>{message}</Message><RequestId>test-request</RequestId></Error>"
        ),
        Protocol::Plain => format!("{code}: {message}"),
    }
}
