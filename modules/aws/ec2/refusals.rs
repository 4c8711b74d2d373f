//! What EC2 says no with, and what to do then.

use std::error::Error;

use rplay_aws::{HttpResponse, SdkError};
use rplay_client_ec2::sdk::error::ProvideErrorMetadata;
use rplay_module::params::ParamFault;
use rplay_module::{Cx, Failure, FailureKind, Result};

/// How long what was just made may be unknown to the calls after it, in seconds.
pub(crate) const UNSEEN: u64 = 60;
/// How long the interfaces of a deleted load balancer or a stopped task may stay, in seconds.
const RELEASE: u64 = 300;

/// Returns the function for `map_err`, as [`rplay_aws::failing`] does, with what to do about EC2's own refusals.
pub(crate) fn failing<E>(what: impl Into<String>) -> impl FnOnce(SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let quote = rplay_aws::failing(what);
    move |error| hinted(quote(error))
}

fn hinted(failure: Failure) -> Failure {
    match failure.code.as_deref().and_then(hint) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "VpcLimitExceeded"
        | "InternetGatewayLimitExceeded"
        | "SubnetLimitExceeded"
        | "RouteTableLimitExceeded" => {
            "the account may have no more of these in this region: delete one, or ask AWS for a higher quota"
        }
        "SecurityGroupLimitExceeded" | "RulesPerSecurityGroupLimitExceeded" => {
            "the account's quota is used up: fewer groups or rules, or ask AWS for a higher quota"
        }
        "InvalidSubnet.Conflict" => "another subnet of the VPC has these addresses: choose another cidr",
        "InvalidSubnet.Range" => "the cidr must lie inside one of the VPC's (cidr, additional_cidrs)",
        "DependencyViolation" => {
            "something still uses it: instances, load balancers, tasks, interfaces, or groups that name it in a rule"
        }
        _ => return None,
    })
}

/// Deletes what others may still hang on for a while; gone already is as good.
pub(crate) async fn release<F, C>(cx: &Cx, gone: &[&str], call: C) -> Result<()>
where
    F: Future<Output = Result<()>> + Send,
    C: FnMut() -> F + Send,
{
    let deleted = rplay_aws::retry_on(cx, &["DependencyViolation"], RELEASE, call).await;
    rplay_aws::optional(deleted, gone).map(drop)
}

/// Returns the failure of an argument that only this module can judge.
pub(crate) fn wrong(path: impl Into<String>, message: impl Into<String>) -> Failure {
    let message = message.into();
    let fault = ParamFault::new(path, message.clone());
    Failure { kind: FailureKind::Arguments(vec![fault]), ..Failure::new(message) }
}

/// Returns the one thing that is meant; that several are called the same is a failure that lists them.
pub(crate) fn the_one<T>(found: Vec<T>, what: &str, id: impl Fn(&T) -> Option<&str>) -> Result<Option<T>> {
    if found.len() > 1 {
        let ids: Vec<&str> = found.iter().filter_map(id).collect();
        let message = format!("could not tell which {what} is meant: there are {}", ids.join(", "));
        return Err(
            Failure::new(message).hint("give those that are not meant another Name tag, or delete them")
        );
    }
    Ok(found.into_iter().next())
}
