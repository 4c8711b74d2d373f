//! Which operation of which service a request is, and whether it changes anything.

use crate::Request;

/// A call, by its service's and the API's own names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// As requests are signed for it: `ecs`, `elasticloadbalancing`, `route53`, `logs`.
    pub service: String,
    /// `CreateCluster`; where it has no name, method and path.
    pub action: String,
    pub effect: Effect,
    pub(crate) protocol: Protocol,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Read,
    Write,
}

/// How a service speaks, and so how it says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
    Ec2,
    Query,
    RestXml,
    S3,
    /// Not a call of AWS at all: a page behind a load balancer, an image layer.
    Plain,
}

/// Actions that change nothing begin with one of these.
const READS: [&str; 13] = [
    "Describe",
    "List",
    "Get",
    "Head",
    "BatchGet",
    "BatchCheck",
    "Lookup",
    "Test",
    "Filter",
    "Search",
    "Simulate",
    "AssumeRole",
    "Check",
];

impl Operation {
    pub fn of(request: &Request) -> Self {
        let service = request.signed_for().map(str::to_owned);
        if let Some((family, action)) = request.target() {
            return Self::named(service.unwrap_or_else(|| json_service(family)), action, Protocol::Json);
        }
        if let Some(action) = request.parameter("Action") {
            let service = service.unwrap_or_else(|| query_service(request));
            let protocol = if service == "ec2" { Protocol::Ec2 } else { Protocol::Query };
            let mut operation = Self::named(service, &action, protocol);
            if request.parameter("DryRun").as_deref() == Some("true") {
                operation.effect = Effect::Read;
            }
            return operation;
        }
        if request.path.starts_with("/2013-04-01/") {
            return Self::named("route53".to_owned(), &route53(request), Protocol::RestXml);
        }
        if service.as_deref() == Some("s3") {
            return Self::s3(request);
        }
        let action = format!("{} {}", request.method, request.path);
        let effect = if matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
            Effect::Read
        } else {
            Effect::Write
        };
        Self {
            service: service.unwrap_or_else(|| "http".to_owned()),
            action,
            effect,
            protocol: Protocol::Plain,
        }
    }

    fn named(service: String, action: &str, protocol: Protocol) -> Self {
        let effect =
            if READS.iter().any(|verb| action.starts_with(verb)) { Effect::Read } else { Effect::Write };
        Self { service, action: action.to_owned(), effect, protocol }
    }

    fn s3(request: &Request) -> Self {
        let effect =
            if matches!(request.method.as_str(), "GET" | "HEAD") { Effect::Read } else { Effect::Write };
        Self { service: "s3".to_owned(), action: s3(request), effect, protocol: Protocol::S3 }
    }
}

fn json_service(family: &str) -> String {
    [("AmazonEC2ContainerServiceV", "ecs"), ("AmazonEC2ContainerRegistry_V", "ecr"), ("Logs_", "logs")]
        .into_iter()
        .find(|(prefix, _)| family.starts_with(prefix))
        .map_or_else(|| family.to_lowercase(), |(_, service)| service.to_owned())
}

/// Unsigned calls of query services are told apart by the version of their API.
fn query_service(request: &Request) -> String {
    let version = request.parameter("Version");
    match version.as_deref() {
        Some("2016-11-15") => "ec2",
        Some("2015-12-01") => "elasticloadbalancing",
        Some("2010-05-08") => "iam",
        Some("2011-06-15") => "sts",
        _ => "query",
    }
    .to_owned()
}

fn route53(request: &Request) -> String {
    let parts: Vec<&str> = request.path.split('/').skip(2).collect();
    let action = match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["hostedzonesbyname"]) => "ListHostedZonesByName",
        ("GET", ["hostedzonesbyvpc"]) => "ListHostedZonesByVPC",
        ("GET", ["hostedzone"]) => "ListHostedZones",
        ("POST", ["hostedzone"]) => "CreateHostedZone",
        ("GET", ["hostedzone", _]) => "GetHostedZone",
        ("POST", ["hostedzone", _]) => "UpdateHostedZoneComment",
        ("DELETE", ["hostedzone", _]) => "DeleteHostedZone",
        ("GET", ["hostedzone", _, "rrset"]) => "ListResourceRecordSets",
        ("POST", ["hostedzone", _, "rrset"] | ["hostedzone", _, "rrset", ""]) => "ChangeResourceRecordSets",
        ("POST", ["hostedzone", _, "associatevpc"]) => "AssociateVPCWithHostedZone",
        ("POST", ["hostedzone", _, "disassociatevpc"]) => "DisassociateVPCFromHostedZone",
        ("GET", ["change", _]) => "GetChange",
        ("GET", ["tags", _, _]) => "ListTagsForResource",
        ("POST", ["tags", kind]) if !kind.is_empty() => "ListTagsForResources",
        ("POST", ["tags", _, _]) => "ChangeTagsForResource",
        _ => return format!("{} {}", request.method, request.path),
    };
    action.to_owned()
}

/// S3's operations have no names on the wire: the method, what stands in the path, and a key of the query.
fn s3(request: &Request) -> String {
    let key = request.path.trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let bucket = !request.path.trim_matches('/').is_empty();
    let asks = |name: &str| request.query.iter().any(|(known, _)| known == name);
    let verb = match request.method.as_str() {
        "PUT" => "Put",
        "DELETE" => "Delete",
        "POST" => "Post",
        "HEAD" => "Head",
        _ => "Get",
    };
    let part = request.query.iter().find(|(name, value)| {
        value.is_empty() && !matches!(name.as_str(), "delimiter" | "prefix" | "marker" | "x-id")
    });
    let noun = if key { "Object" } else { "Bucket" };
    match (verb, part.map(|(name, _)| name.as_str())) {
        ("Post", Some("delete")) => "DeleteObjects".to_owned(),
        ("Post", Some("uploads")) => "CreateMultipartUpload".to_owned(),
        (_, Some("versions")) => "ListObjectVersions".to_owned(),
        (_, Some("publicAccessBlock")) => format!("{verb}PublicAccessBlock"),
        (_, Some(name)) => format!("{verb}{noun}{}", capitalized(name)),
        ("Get", None) if !bucket => "ListBuckets".to_owned(),
        ("Get", None) if asks("list-type") => "ListObjectsV2".to_owned(),
        ("Get", None) if !key => "ListObjects".to_owned(),
        ("Put", None) if asks("partNumber") => "UploadPart".to_owned(),
        ("Post", None) if asks("uploadId") => "CompleteMultipartUpload".to_owned(),
        ("Put", None) if key && request.header("x-amz-copy-source").is_some() => "CopyObject".to_owned(),
        ("Put", None) if !key => "CreateBucket".to_owned(),
        (_, None) => format!("{verb}{noun}"),
    }
}

fn capitalized(name: &str) -> String {
    name.split('-')
        .map(|word| {
            let mut characters = word.chars();
            characters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(characters)
                .collect::<String>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, target: &str, service: &str) -> Request {
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=AKID/20240101/eu-west-1/{service}/aws4_request, Signature=x"
        );
        Request::new(method, target, vec![("authorization".to_owned(), scope)], Vec::new())
    }

    fn named(request: &Request) -> (String, String, Effect) {
        let operation = Operation::of(request);
        (operation.service, operation.action, operation.effect)
    }

    fn is(service: &str, action: &str, effect: Effect) -> (String, String, Effect) {
        (service.to_owned(), action.to_owned(), effect)
    }

    #[test]
    fn json_services_say_it_in_a_header() {
        let mut call = request("POST", "/", "ecs");
        call.headers
            .push(("x-amz-target".to_owned(), "AmazonEC2ContainerServiceV20141113.CreateCluster".to_owned()));
        assert_eq!(named(&call), is("ecs", "CreateCluster", Effect::Write));
        call.headers.remove(0);
        assert_eq!(named(&call), is("ecs", "CreateCluster", Effect::Write));
    }

    #[test]
    fn query_services_say_it_in_the_form() {
        let mut call = request("POST", "/", "elasticloadbalancing");
        call.headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        call.body = b"Action=DescribeTargetGroups&Version=2015-12-01".to_vec();
        assert_eq!(named(&call), is("elasticloadbalancing", "DescribeTargetGroups", Effect::Read));
        call.headers.remove(0);
        assert_eq!(named(&call), is("elasticloadbalancing", "DescribeTargetGroups", Effect::Read));
    }

    #[test]
    fn rest_services_are_told_by_method_and_path() {
        let cases = [
            (
                "GET",
                "/2013-04-01/hostedzonesbyname?dnsname=a",
                "route53",
                "ListHostedZonesByName",
                Effect::Read,
            ),
            ("POST", "/2013-04-01/hostedzone/Z1/rrset", "route53", "ChangeResourceRecordSets", Effect::Write),
            (
                "POST",
                "/2013-04-01/hostedzone/Z1/rrset/",
                "route53",
                "ChangeResourceRecordSets",
                Effect::Write,
            ),
            ("PUT", "/bucket", "s3", "CreateBucket", Effect::Write),
            ("PUT", "/bucket?tagging", "s3", "PutBucketTagging", Effect::Write),
            ("PUT", "/bucket/a/b.css?x-id=PutObject", "s3", "PutObject", Effect::Write),
            ("HEAD", "/bucket/a/b.css", "s3", "HeadObject", Effect::Read),
            ("HEAD", "/bucket/", "s3", "HeadBucket", Effect::Read),
            ("GET", "/bucket?list-type=2&prefix=", "s3", "ListObjectsV2", Effect::Read),
            ("POST", "/bucket?delete", "s3", "DeleteObjects", Effect::Write),
            ("GET", "/bucket?publicAccessBlock", "s3", "GetPublicAccessBlock", Effect::Read),
            ("GET", "/", "s3", "ListBuckets", Effect::Read),
        ];
        for (method, target, service, action, effect) in cases {
            assert_eq!(
                named(&request(method, target, service)),
                is(service, action, effect),
                "{method} {target}"
            );
        }
    }

    #[test]
    fn a_dry_run_writes_nothing() {
        let call = request("GET", "/?Action=CreateVpc&DryRun=true", "ec2");
        assert_eq!(Operation::of(&call).effect, Effect::Read);
    }
}
