//! Everything that the main job makes, as the stand-in itself lists it.

use std::collections::BTreeMap;

use rplay_test_support::Raw;
use serde_json::{Map, Value, json};

use crate::xml::{self, list};

/// By kind, each thing as it is listed.
pub(crate) type Seen = BTreeMap<&'static str, Vec<Value>>;

/// Reads it by raw calls.
pub(crate) fn seen(raw: &Raw) -> Seen {
    let mut seen = Seen::new();
    network(raw, &mut seen);
    roles(raw, &mut seen);
    images(raw, &mut seen);
    logs(raw, &mut seen);
    buckets(raw, &mut seen);
    balancers(raw, &mut seen);
    containers(raw, &mut seen);
    zones(raw, &mut seen);
    seen
}

fn query(raw: &Raw, service: &str, action: &str, parameters: &[(&str, &str)], name: &str) -> Vec<Value> {
    list(&xml::parse(&raw.query(service, action, parameters).text()), name)
}

/// Returns a REST answer whatever its status: a bucket without tags says so with an error.
fn rest(raw: &Raw, service: &str, path: &str) -> Value {
    xml::parse(&raw.send(service, "GET", path, &[], Vec::new()).text())
}

fn network(raw: &Raw, seen: &mut Seen) {
    let kinds = [
        ("vpc", "DescribeVpcs", "vpcSet"),
        ("subnet", "DescribeSubnets", "subnetSet"),
        ("internet gateway", "DescribeInternetGateways", "internetGatewaySet"),
        ("route table", "DescribeRouteTables", "routeTableSet"),
        ("security group", "DescribeSecurityGroups", "securityGroupInfo"),
        ("security group rule", "DescribeSecurityGroupRules", "securityGroupRuleSet"),
        ("address", "DescribeAddresses", "addressesSet"),
        ("NAT gateway", "DescribeNatGateways", "natGatewaySet"),
    ];
    for (kind, action, name) in kinds {
        seen.insert(kind, query(raw, "ec2", action, &[], name));
    }
    for vpc in seen.get_mut("vpc").into_iter().flatten() {
        for attribute in ["enableDnsSupport", "enableDnsHostnames"] {
            let id = text(vpc, "vpcId");
            let asked = [("VpcId", id.as_str()), ("Attribute", attribute)];
            vpc[attribute] = raw.query("ec2", "DescribeVpcAttribute", &asked).element("value").into();
        }
    }
}

fn roles(raw: &Raw, seen: &mut Seen) {
    let mut roles = query(raw, "iam", "ListRoles", &[], "Roles");
    for role in &mut roles {
        let name = text(role, "RoleName");
        let of_it = [("RoleName", name.as_str())];
        let names = query(raw, "iam", "ListRolePolicies", &of_it, "PolicyNames");
        role["inline"] = names
            .iter()
            .filter_map(Value::as_str)
            .map(|policy| {
                let asked = [of_it[0], ("PolicyName", policy)];
                xml::parse(&raw.query("iam", "GetRolePolicy", &asked).text())["GetRolePolicyResponse"]
                    ["GetRolePolicyResult"]
                    .clone()
            })
            .collect();
        role["attached"] = query(raw, "iam", "ListAttachedRolePolicies", &of_it, "AttachedPolicies").into();
        role["tags"] = query(raw, "iam", "ListRoleTags", &of_it, "Tags").into();
    }
    seen.insert("role", roles);
    seen.insert("policy", query(raw, "iam", "ListPolicies", &[("Scope", "Local")], "Policies"));
    seen.insert("instance profile", query(raw, "iam", "ListInstanceProfiles", &[], "InstanceProfiles"));
}

fn images(raw: &Raw, seen: &mut Seen) {
    let mut repositories = elements(&raw.ecr("DescribeRepositories", &json!({})), "repositories");
    let mut images = Vec::new();
    for repository in &mut repositories {
        let (name, arn) = (text(repository, "repositoryName"), text(repository, "repositoryArn"));
        repository["tags"] = raw.ecr("ListTagsForResource", &json!({ "resourceArn": arn }))["tags"].take();
        let listed = raw.ecr("DescribeImages", &json!({ "repositoryName": name }));
        images.extend(elements(&listed, "imageDetails"));
    }
    seen.insert("repository", repositories);
    seen.insert("image", images);
}

fn logs(raw: &Raw, seen: &mut Seen) {
    let mut groups = elements(&raw.logs("DescribeLogGroups", &json!({})), "logGroups");
    for group in &mut groups {
        let name = text(group, "logGroupName");
        group["tags"] = raw.logs("ListTagsLogGroup", &json!({ "logGroupName": name }))["tags"].take();
        // How much the containers have written by now is theirs.
        forget(group, &["storedBytes"]);
    }
    seen.insert("log group", groups);
}

fn buckets(raw: &Raw, seen: &mut Seen) {
    let mut buckets = list(&rest(raw, "s3", "/"), "Buckets");
    let mut objects = Vec::new();
    for bucket in &mut buckets {
        let path = format!("/{}", text(bucket, "Name"));
        bucket["tags"] = rest(raw, "s3", &format!("{path}?tagging"))["Tagging"].clone();
        let listed = rest(raw, "s3", &format!("{path}?list-type=2"));
        match &listed["ListBucketResult"]["Contents"] {
            Value::Array(several) => objects.extend(several.iter().cloned()),
            Value::Null => {}
            one => objects.push(one.clone()),
        }
    }
    seen.insert("bucket", buckets);
    seen.insert("object", objects);
}

fn balancers(raw: &Raw, seen: &mut Seen) {
    let ask = |action: &str, parameter: &str, value: &str, name: &str| {
        query(raw, "elasticloadbalancing", action, &[(parameter, value)], name)
    };
    let all = |action: &str, name: &str| query(raw, "elasticloadbalancing", action, &[], name);
    let tags = |arn: &str| ask("DescribeTags", "ResourceArns.member.1", arn, "Tags");
    let mut balancers = all("DescribeLoadBalancers", "LoadBalancers");
    let (mut listeners, mut rules) = (Vec::new(), Vec::new());
    for balancer in &mut balancers {
        let arn = text(balancer, "LoadBalancerArn");
        balancer["attributes"] =
            ask("DescribeLoadBalancerAttributes", "LoadBalancerArn", &arn, "Attributes").into();
        balancer["tags"] = tags(&arn).into();
        for mut listener in ask("DescribeListeners", "LoadBalancerArn", &arn, "Listeners") {
            let arn = text(&listener, "ListenerArn");
            listener["tags"] = tags(&arn).into();
            rules.extend(ask("DescribeRules", "ListenerArn", &arn, "Rules"));
            listeners.push(listener);
        }
    }
    let mut groups = all("DescribeTargetGroups", "TargetGroups");
    for group in &mut groups {
        let arn = text(group, "TargetGroupArn");
        group["attributes"] =
            ask("DescribeTargetGroupAttributes", "TargetGroupArn", &arn, "Attributes").into();
        group["tags"] = tags(&arn).into();
        group["targets"] =
            ask("DescribeTargetHealth", "TargetGroupArn", &arn, "TargetHealthDescriptions").into();
    }
    seen.insert("load balancer", balancers);
    seen.insert("listener", listeners);
    seen.insert("listener rule", rules);
    seen.insert("target group", groups);
}

fn containers(raw: &Raw, seen: &mut Seen) {
    // An empty list of names would be refused, or would mean all.
    let described = |action: &str, names: &str, arns: Vec<Value>, mut asked: Value, found: &str| {
        if arns.is_empty() {
            return Vec::new();
        }
        asked[names] = arns.into();
        elements(&raw.ecs(action, &asked), found)
    };
    let clusters = elements(&raw.ecs("ListClusters", &json!({})), "clusterArns");
    let (mut services, mut tasks, mut dead) = (Vec::new(), Vec::new(), Vec::new());
    for cluster in &clusters {
        let of_it = json!({ "cluster": cluster });
        let arns = elements(&raw.ecs("ListServices", &of_it), "serviceArns");
        let asked = json!({ "cluster": cluster, "include": ["TAGS"] });
        services.extend(described("DescribeServices", "services", arns, asked, "services"));
        for (status, list) in [("RUNNING", &mut tasks), ("STOPPED", &mut dead)] {
            let asked = json!({ "cluster": cluster, "desiredStatus": status });
            let arns = elements(&raw.ecs("ListTasks", &asked), "taskArns");
            list.extend(described("DescribeTasks", "tasks", arns, of_it.clone(), "tasks").iter().map(task));
        }
    }
    for service in &mut services {
        forget(service, &["events"]);
    }
    let arns = elements(&raw.ecs("ListTaskDefinitions", &json!({})), "taskDefinitionArns");
    let definition = |arn: &Value| {
        raw.ecs("DescribeTaskDefinition", &json!({ "taskDefinition": arn, "include": ["TAGS"] }))
    };
    let asked = json!({ "include": ["TAGS", "SETTINGS"] });
    seen.insert("cluster", described("DescribeClusters", "clusters", clusters, asked, "clusters"));
    seen.insert("service", services);
    seen.insert("task", tasks);
    seen.insert("stopped task", dead);
    seen.insert("task definition", arns.iter().map(definition).collect());
}

/// Of a task what the service decides; the rest is the container's own life.
fn task(task: &Value) -> Value {
    let fields = ["taskDefinitionArn", "desiredStatus", "lastStatus", "group", "launchType", "cpu", "memory"];
    let kept: Map<String, Value> =
        fields.iter().map(|&field| (field.to_owned(), task[field].clone())).collect();
    kept.into()
}

fn zones(raw: &Raw, seen: &mut Seen) {
    let zones = list(&rest(raw, "route53", "/2013-04-01/hostedzone"), "HostedZones");
    let mut records = Vec::new();
    for zone in &zones {
        let path = format!("/2013-04-01{}/rrset", text(zone, "Id"));
        records.extend(list(&rest(raw, "route53", &path), "ResourceRecordSets"));
    }
    seen.insert("zone", zones);
    seen.insert("record", records);
}

fn text(thing: &Value, field: &str) -> String {
    thing[field].as_str().unwrap_or_default().to_owned()
}

fn elements(answer: &Value, name: &str) -> Vec<Value> {
    answer[name].as_array().cloned().unwrap_or_default()
}

fn forget(thing: &mut Value, fields: &[&str]) {
    if let Some(thing) = thing.as_object_mut() {
        thing.retain(|field, _| !fields.contains(&field.as_str()));
    }
}
