use std::path::Path;
use std::time::Duration;

use super::folder::Record;
use super::http::{Request, ask};
use super::{ACCOUNT, DEFAULT_FOLDER, Error, Result};

const PATIENCE: Duration = Duration::from_secs(10);

/// A load balancer of the sandbox, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoadBalancer {
    pub(crate) name: String,
    pub(crate) dns_name: String,
    /// What a browser opens: names under amazonaws.com lead nowhere outside rplay.
    pub(crate) address: String,
}

/// Returns the load balancers that forward, by name.
pub(crate) async fn load_balancers(record: &Record) -> Result<Vec<LoadBalancer>> {
    let deed = "list the sandbox's load balancers";
    // Only the scope is read: account and region.
    let scope = format!("{ACCOUNT}/20000101/{}/elasticloadbalancing/aws4_request", record.region);
    let authorization =
        format!("Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
    let request = Request {
        method: "POST",
        path: "/",
        headers: &[&authorization, "Content-Type: application/x-www-form-urlencoded"],
        body: "Action=DescribeLoadBalancers&Version=2015-12-01&PageSize=400",
    };
    let (status, body) = ask(record.port, request, PATIENCE).await.map_err(Error::io(deed))?;
    if status != 200 {
        return Err(Error::Answer { deed, reason: format!("it answered {status}") });
    }
    let mut found: Vec<LoadBalancer> = parse(&body)
        .map(|(name, dns_name)| LoadBalancer {
            address: format!("{}/_alb/{name}/", record.endpoint()),
            name: name.to_owned(),
            dns_name: dns_name.to_owned(),
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Returns what a run says at its end: where each load balancer answers, and how to stop.
pub(crate) fn farewell(balancers: &[LoadBalancer], folder: &Path) -> Vec<String> {
    let folder =
        if folder == Path::new(DEFAULT_FOLDER) { String::new() } else { format!(" {}", folder.display()) };
    let mut lines: Vec<String> =
        balancers.iter().map(|one| format!("load balancer {} is at {}", one.name, one.address)).collect();
    lines.push(format!("the sandbox stays up; to stop it: rplay sandbox down{folder}"));
    lines
}

/// Finds names and DNS names; neither can hold a character that XML escapes.
fn parse(xml: &str) -> impl Iterator<Item = (&str, &str)> {
    let members = xml.split("<member>").skip(1);
    members.filter_map(|member| Some((element(member, "LoadBalancerName")?, element(member, "DNSName")?)))
}

fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let rest = xml.split_once(&format!("<{name}>"))?.1;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_among_other_members() {
        let xml = "<LoadBalancers><member><LoadBalancerArn>x</LoadBalancerArn><DNSName>web-1.elb</DNSName>\
                   <LoadBalancerName>web</LoadBalancerName><AvailabilityZones><member><ZoneName>a</ZoneName></member>\
                   </AvailabilityZones></member></LoadBalancers>";
        assert_eq!(parse(xml).collect::<Vec<_>>(), [("web", "web-1.elb")]);
    }

    #[test]
    fn the_end_of_a_run_says_where_to_look_and_how_to_stop() {
        let balancer = LoadBalancer {
            name: "web".to_owned(),
            dns_name: "web-1.elb".to_owned(),
            address: "http://127.0.0.1:1/_alb/web/".to_owned(),
        };
        assert_eq!(
            farewell(std::slice::from_ref(&balancer), Path::new(".rplay/sandbox")),
            [
                "load balancer web is at http://127.0.0.1:1/_alb/web/",
                "the sandbox stays up; to stop it: rplay sandbox down"
            ]
        );
        assert_eq!(farewell(&[], Path::new("x")), ["the sandbox stays up; to stop it: rplay sandbox down x"]);
    }

    #[test]
    fn no_load_balancer_is_no_error() {
        assert_eq!(parse("<LoadBalancers></LoadBalancers>").count(), 0);
    }
}
