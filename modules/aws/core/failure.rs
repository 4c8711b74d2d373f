//! What the other side said, as a [`Failure`]: its own code and text, what it means to the driver, what to do next.

use std::error::Error;
use std::iter::successors;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use rplay_module::{Failure, FailureKind, Result};
use serde_json::{Value, json};

use crate::resend::Broken;

/// How much of an answer that makes no sense is shown.
const EXCERPT: usize = 200;

/// Returns the function for `map_err`: `.send().await.map_err(failing("create cluster app"))`.
pub fn failing<E>(what: impl Into<String>) -> impl FnOnce(SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let what = what.into();
    move |error| failure(&what, &error)
}

/// Returns why `what` (as in "create cluster app") could not be done.
///
/// Of kind [`FailureKind::Lost`] where the request was sent and no answer says whether anything happened.
pub fn failure<E>(what: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match error {
        // Where the SDK finds no error in the body it gives one without a code.
        SdkError::ServiceError(answer) => match answer.err().code() {
            Some(code) => refused(what, code, answer.err(), error),
            None => unreadable(what, answer.raw(), error),
        },
        SdkError::ResponseError(answer) => unreadable(what, answer.raw(), error),
        SdkError::TimeoutError(_) => lost(what, "no answer came in time"),
        _ => unsent(what, error),
    }
}

/// Returns whether the service answered with one of these codes.
pub fn is_code(failure: &Failure, codes: &[&str]) -> bool {
    failure.code.as_deref().is_some_and(|code| codes.contains(&code))
}

/// Returns `None` for an answer that only says that there is none, such as `NoSuchTagSet`.
pub fn optional<T>(result: Result<T>, absent: &[&str]) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(failure) if is_code(&failure, absent) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn refused<E>(what: &str, code: &str, answer: &E, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    let text = answer.message().unwrap_or("the service gives no reason");
    let request_id = error.request_id().or_else(|| answer.meta().request_id()).map(str::to_owned);
    let failure = Failure {
        kind: if status.is_some_and(|status| status >= 500) && !throttled(code) {
            FailureKind::Lost
        } else {
            FailureKind::Refused
        },
        code: Some(code.to_owned()),
        request_id: request_id.clone(),
        hint: hint(code, text),
        ..Failure::new(format!("could not {what}: {code}: {text}"))
    };
    // The fields of a boto3 error that Ansible's AWS modules return, for playbooks that look at them.
    failure.field("error", json!({ "code": code, "message": text })).field(
        "response_metadata",
        json!({ "http_status_code": status, "request_id": request_id.map(Value::from) }),
    )
}

fn throttled(code: &str) -> bool {
    aws_runtime::retries::classifiers::THROTTLING_ERRORS.contains(&code)
}

/// A gateway's page, a stand-in's stack trace, or half an answer.
fn unreadable<E>(what: &str, raw: &HttpResponse, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: Error + Send + Sync + 'static,
{
    let status = raw.status().as_u16();
    let body = String::from_utf8_lossy(raw.body().bytes().unwrap_or_default()).trim().to_owned();
    if body.is_empty() && (300..500).contains(&status) {
        return bodiless(what, status);
    }
    let said = if body.is_empty() { innermost(error) } else { body.chars().take(EXCERPT).collect() };
    let failure = Failure {
        request_id: error.request_id().map(str::to_owned),
        ..Failure::new(format!("could not {what}: the answer (HTTP {status}) makes no sense: {said}"))
    };
    let kind = if (400..500).contains(&status) { FailureKind::Refused } else { FailureKind::Lost };
    Failure { kind, ..failure.field("response_metadata", json!({ "http_status_code": status })) }
}

/// A HEAD request is answered by status alone; botocore makes that the code, and so do playbooks that look at it.
fn bodiless(what: &str, status: u16) -> Failure {
    let said = match status {
        301 | 307 => "it is in another region",
        403 => "Forbidden",
        404 => "Not Found",
        _ => "refused without a word",
    };
    let code = if status == 403 { "AccessDenied" } else { "" };
    Failure {
        code: Some(status.to_string()),
        hint: hint(code, said),
        ..Failure::new(format!("could not {what}: {status}: {said}"))
    }
}

fn unsent<E>(what: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: Error + Send + Sync + 'static,
{
    let broken = causes(error).find_map(|cause| cause.downcast_ref::<Broken>());
    match broken {
        Some(broken) if broken.sent => lost(what, &format!("the connection to {broken}")),
        Some(broken) => {
            Failure::new(format!("could not {what}: could not connect to {broken}")).hint(unreached(broken))
        }
        None => {
            let credentials = causes(error).any(<dyn Error>::is::<CredentialsError>);
            let failure = Failure::new(format!("could not {what}: {}", innermost(error)));
            if credentials {
                failure.hint("if the login has expired, log in again (`aws sso login`)")
            } else {
                failure
            }
        }
    }
}

fn lost(what: &str, why: &str) -> Failure {
    let message = format!("could not {what}: {why}: whether it happened is not known");
    Failure { kind: FailureKind::Lost, ..Failure::new(message) }
}

fn unreached(broken: &Broken) -> String {
    let own = ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| broken.endpoint.contains(host));
    if own {
        "nothing listens there: start the stand-in, or check endpoint_url and AWS_ENDPOINT_URL".to_owned()
    } else {
        "check the region's name (region, AWS_REGION), endpoint_url and AWS_ENDPOINT_URL, the network and its proxy"
            .to_owned()
    }
}

fn hint(code: &str, text: &str) -> Option<String> {
    let hint = match code {
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
            "the session token has expired: log in again (`aws sso login`) or give fresh keys"
        }
        "InvalidClientTokenId" | "UnrecognizedClientException" | "AuthFailure" | "InvalidAccessKeyId" => {
            "AWS does not know these keys: check access_key or the profile, and that the region is switched on for \
             the account"
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" | "RequestExpired" | "RequestTimeTooSkewed" => {
            "the secret key does not belong to the access key, or this machine's clock is wrong"
        }
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "UnauthorizedAccess" => {
            return denied(text);
        }
        "OptInRequired" => "the account has not signed up for this service or switched this region on",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Says whose policy stands in the way, as far as the answer tells; nothing where it gives a reason of another kind.
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>.
fn denied(text: &str) -> Option<String> {
    let kind = |before: &str, after: &[&str]| {
        let (_, rest) = text.split_once(before)?;
        let rest = rest.strip_prefix("an ").or_else(|| rest.strip_prefix("a ")).unwrap_or(rest);
        let end = after.iter().filter_map(|after| rest.find(after)).min().unwrap_or(rest.len());
        rest.get(..end).map(|kind| kind.trim_end_matches('.'))
    };
    if let Some(kind) = kind("with an explicit deny in ", &[".", ":"]) {
        return Some(format!("the {kind} denies the call: to allow it elsewhere does not help"));
    }
    match kind("because no ", &[" allows"]) {
        Some(kind) if kind != "identity-based policy" => {
            Some(format!("the {kind} that is in effect must allow the call as well"))
        }
        None if text.contains(" because ") => None,
        Some(_) | None => {
            let who = "the identity in use (`aws_caller_info` shows it)";
            Some(format!("{who} may not do this: its policies must allow the call"))
        }
    }
}

/// Returns an error and what caused it, outermost first.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&error| error.source())
}

/// Returns the text of the last cause: the one that says something, such as `Connection refused (os error 111)`.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    type Refusal = SdkError<ErrorMetadata, HttpResponse>;

    fn raw(status: u16, body: &str) -> HttpResponse {
        let mut raw = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        raw.headers_mut().insert("x-amzn-requestid", "req-1");
        raw
    }

    fn refusal(status: u16, code: &str, message: &str) -> Refusal {
        let meta = ErrorMetadata::builder().code(code).message(message).build();
        SdkError::service_error(meta, raw(status, ""))
    }

    fn unsent(sent: bool, endpoint: &str) -> Refusal {
        let broken = Broken {
            endpoint: endpoint.to_owned(),
            sent,
            why: "Connection refused (os error 111)".to_owned(),
        };
        SdkError::dispatch_failure(ConnectorError::io(Box::new(broken)))
    }

    #[test]
    fn a_refusal_quotes_the_service() {
        let failure = failure("create cluster app", &refusal(400, "LimitExceededException", "too many"));
        assert_eq!(failure.message, "could not create cluster app: LimitExceededException: too many");
        assert_eq!(
            (failure.kind.clone(), failure.request_id.as_deref()),
            (FailureKind::Refused, Some("req-1"))
        );
        assert!(is_code(&failure, &["Other", "LimitExceededException"]));
        assert_eq!(
            failure.result["error"],
            json!({ "code": "LimitExceededException", "message": "too many" })
        );
        assert_eq!(failure.result["response_metadata"]["http_status_code"], 400);
    }

    #[test]
    fn what_a_server_error_did_is_not_known_but_throttling_did_nothing() {
        assert_eq!(failure("x", &refusal(500, "InternalFailure", "oops")).kind, FailureKind::Lost);
        assert_eq!(failure("x", &refusal(503, "RequestLimitExceeded", "slow")).kind, FailureKind::Refused);
    }

    #[test]
    fn an_answer_without_sense_is_lost_unless_it_is_a_refusal() {
        let nonsense =
            |status| SdkError::<ErrorMetadata, _>::response_error("no xml", raw(status, "<html>oops</html>"));
        let failed = failure("read zone a", &nonsense(502));
        assert_eq!(
            failed.message,
            "could not read zone a: the answer (HTTP 502) makes no sense: <html>oops</html>"
        );
        assert_eq!(failed.kind, FailureKind::Lost);
        assert_eq!(failure("x", &nonsense(404)).kind, FailureKind::Refused);
        let silent = SdkError::<ErrorMetadata, _>::response_error("no xml", raw(403, ""));
        assert_eq!(
            failure("look at bucket b", &silent).message,
            "could not look at bucket b: 403: Forbidden"
        );
    }

    #[test]
    fn what_was_not_sent_did_not_happen() {
        let failed = failure("list vpcs", &unsent(false, "http://127.0.0.1:1"));
        assert_eq!(
            failed.message,
            "could not list vpcs: could not connect to http://127.0.0.1:1: Connection refused (os error 111)"
        );
        assert_eq!(failed.kind, FailureKind::Refused);
        assert!(failed.hint.unwrap().contains("start the stand-in"));
        let failed = failure("create vpc", &unsent(true, "https://ec2.eu-west-1.amazonaws.com"));
        assert_eq!(failed.kind, FailureKind::Lost);
    }

    #[test]
    fn what_is_denied_says_who_has_to_allow_it() {
        let hint = |text: &str| failure("x", &refusal(403, "AccessDenied", text)).hint;
        let call = "User: arn:aws:iam::1:user/me is not authorized to perform: s3:PutBucketPolicy on resource: \"r\"";
        let own = "the identity in use (`aws_caller_info` shows it) may not do this: its policies must allow the call";
        let cases = [
            (String::from("Access Denied"), Some(own)),
            (call.to_owned(), Some(own)),
            (
                format!("{call} because no identity-based policy allows the s3:PutBucketPolicy action"),
                Some(own),
            ),
            (
                format!("{call} because no permissions boundary allows the s3:PutBucketPolicy action"),
                Some("the permissions boundary that is in effect must allow the call as well"),
            ),
            (
                format!("{call} with an explicit deny in a service control policy"),
                Some("the service control policy denies the call: to allow it elsewhere does not help"),
            ),
            (format!("{call} because public policies are prevented by the BlockPublicPolicy setting"), None),
        ];
        for (text, expected) in cases {
            assert_eq!(hint(&text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn an_expired_token_says_what_to_do() {
        let failed = failure("list vpcs", &refusal(403, "ExpiredToken", "expired"));
        assert!(failed.hint.unwrap().contains("aws sso login"));
    }
}
