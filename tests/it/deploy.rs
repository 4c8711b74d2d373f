use std::fs::File;
use std::path::Path;
use std::process::Command;

use rplay_test_support::{Play, Proxy, Raw, StandIn};
use serde_json::json;

use crate::rplay;

/// The account whose load balancers the stand-in forwards for.
const ACCOUNT: &str = "000000000000";

/// Returns the project's own playbook, its variables and its application in a folder, pointed at an endpoint.
pub(crate) fn the_demo(endpoint: &str) -> Play {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let app = root.join("playbooks/app/demo-app");
    assert!(app.is_file(), "the demo application is not built: make app");
    let mut play = rplay();
    for name in [
        "playbooks/provision-and-deploy.yml",
        "playbooks/files/assets/index.html",
        "playbooks/files/assets/style.css",
        "playbooks/app/Dockerfile",
        "playbooks/app/.dockerignore",
        "vars/all.yml",
        "vars/secret.example.yml",
    ] {
        let text = std::fs::read(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        play = play.file(name, text);
    }
    std::fs::copy(app, play.folder().join("playbooks/app/demo-app")).expect("the program can be copied");
    play.aws(endpoint, ACCOUNT)
}

/// Lets one test deploy the demo at a time: in the engine its image has one name for all, and a destroy takes it away.
pub(crate) fn alone() -> File {
    let lock =
        File::create(std::env::temp_dir().join("rplay-demo-tests.lock")).expect("a lock file can be made");
    lock.lock().expect("a file can be locked");
    lock
}

fn recap(stdout: &str) -> &str {
    stdout.lines().rfind(|line| line.starts_with("localhost")).unwrap_or_default()
}

pub(crate) fn ask(endpoint: &str, path: &str) -> String {
    let url = format!("{endpoint}/_alb/web{path}");
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "10", "--write-out", " %{http_code}", &url])
        .output()
        .expect("curl runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The names of the tasks that changed something.
fn changed(stdout: &str) -> Vec<String> {
    let mut task = String::new();
    let mut names = Vec::new();
    for line in stdout.lines() {
        if let Some(heading) = line.strip_prefix("TASK [") {
            heading.split(']').next().unwrap_or_default().clone_into(&mut task);
        } else if line.starts_with("changed: ") && names.last() != Some(&task) {
            names.push(task.clone());
        }
    }
    names
}

#[test]
fn the_main_job_from_nothing_to_answers_and_back() {
    let _alone = alone();
    let stand_in = StandIn::with_containers();
    let proxy = Proxy::start(&stand_in.endpoint());
    let play = the_demo(&proxy.endpoint());
    let name = ["provision-and-deploy.yml"];

    let checked = play.run_with(["--check", name[0]]);
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
    assert!(proxy.writes().is_empty(), "a check writes nothing: {}", proxy.log());

    let planned = play.run_with(["plan", name[0]]);
    assert_eq!(planned.code, 0, "{}{}", planned.stdout, planned.stderr);
    assert!(proxy.writes().is_empty(), "a plan writes nothing: {}", proxy.log());

    let first = play.run_with(["-v", name[0]]);
    assert_eq!(first.code, 0, "{}{}", first.stdout, first.stderr);
    assert_eq!(changed(&first.stdout), changed(&checked.stdout), "a check says what the run then does");
    for path in ["/", "/_health", "/now"] {
        assert!(
            ask(&stand_in.endpoint(), path).ends_with(" 200"),
            "{path}: {}",
            ask(&stand_in.endpoint(), path)
        );
    }
    assert_eq!(addresses(&planned.stdout), owned(play.folder()), "a plan names what the run then owns");
    let account = stand_in.default_account();
    assert_eq!(listed(&account), KINDS, "the stand-in lists one thing of every kind, at least");

    proxy.clear_calls();
    let again = play.run_with(name);
    assert!(
        recap(&again.stdout).contains("changed=0 ") && again.code == 0,
        "{}{}",
        again.stdout,
        again.stderr
    );
    assert!(proxy.writes().is_empty(), "a rerun writes nothing: {}", proxy.log());

    let larger = play.run_with(["-e", "size_of_cluster=3", name[0]]);
    assert!(
        recap(&larger.stdout).contains("changed=1 ") && larger.code == 0,
        "{}{}",
        larger.stdout,
        larger.stderr
    );
    assert_eq!(changed(&larger.stdout), ["Run it"]);

    let destroyed = play.run_with(["destroy", "-y", name[0]]);
    assert_eq!(destroyed.code, 0, "{}{}", destroyed.stdout, destroyed.stderr);
    assert_eq!(listed(&account), [""; 0], "the stand-in lists nothing of the demo any more");
    let nothing = play.run_with(["destroy", "-y", name[0]]);
    assert!(nothing.stdout.contains("Plan: 0 to add, 0 to change, 0 to destroy."), "{}", nothing.stdout);
    let replanned = play.run_with(["plan", name[0]]);
    assert_eq!(
        addresses(&replanned.stdout),
        addresses(&planned.stdout),
        "after a destroy a plan says the first again"
    );
}

/// The kinds of things that the demo makes, as the stand-in's listings call them.
const KINDS: [&str; 17] = [
    "bucket",
    "cluster",
    "internet gateway",
    "listener",
    "load balancer",
    "log group",
    "record",
    "repository",
    "role",
    "route table",
    "security group",
    "service",
    "subnet",
    "target group",
    "task definition",
    "vpc",
    "zone",
];

/// Returns the kinds of which the stand-in's own listings show something of the demo.
fn listed(account: &Raw) -> Vec<&'static str> {
    let ec2 = |action: &str| account.query("ec2", action, &[]).text();
    let elb = |action: &str, parameters: &[(&str, &str)]| {
        account.query("elasticloadbalancing", action, parameters).text()
    };
    let balancers = elb("DescribeLoadBalancers", &[]);
    let balancer = between(&balancers, "<LoadBalancerArn>", "</LoadBalancerArn>");
    let listeners = match balancer {
        Some(arn) => elb("DescribeListeners", &[("LoadBalancerArn", arn)]),
        None => String::new(),
    };
    let zones = account.rest("route53", "GET", "/2013-04-01/hostedzone", b"").text();
    let zone = between(&zones, "<Id>/hostedzone/", "</Id>");
    let records = match zone {
        Some(id) => account.rest("route53", "GET", &format!("/2013-04-01/hostedzone/{id}/rrset"), b"").text(),
        None => String::new(),
    };
    let clusters = account.ecs("ListClusters", &json!({})).to_string();
    let services = if clusters.contains(":cluster/web") {
        account.ecs("ListServices", &json!({ "cluster": "web" })).to_string()
    } else {
        String::new()
    };
    let tagged = "<key>app</key><value>web</value>";
    let seen = [
        account.rest("s3", "GET", "/", b"").text().contains("<Name>web-assets-"),
        clusters.contains(":cluster/web"),
        ec2("DescribeInternetGateways").contains(tagged),
        listeners.contains("<ListenerArn>"),
        balancers.contains("<LoadBalancerName>web<"),
        account.logs("DescribeLogGroups", &json!({})).to_string().contains("/ecs/web"),
        records.contains("<Type>A</Type>"),
        account.ecr("DescribeRepositories", &json!({})).to_string().contains("repository/web"),
        account.query("iam", "ListRoles", &[]).text().contains("<RoleName>web-tasks<"),
        ec2("DescribeRouteTables").contains(tagged),
        ec2("DescribeSecurityGroups").contains("<groupName>web-"),
        services.contains(":service/web/web"),
        ec2("DescribeSubnets").contains(tagged),
        elb("DescribeTargetGroups", &[]).contains("<TargetGroupName>web<"),
        account.ecs("ListTaskDefinitions", &json!({ "status": "ACTIVE" })).to_string().contains("/web:"),
        ec2("DescribeVpcs").contains(tagged),
        zones.contains("<Name>web.example.<"),
    ];
    KINDS.into_iter().zip(seen).filter(|(_, seen)| *seen).map(|(kind, _)| kind).collect()
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    Some(text.split_once(open)?.1.split_once(close)?.0)
}

/// The addresses that a plan creates.
fn addresses(plan: &str) -> Vec<String> {
    let mut found: Vec<String> = plan
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("+ create "))
        .map(str::to_owned)
        .collect();
    found.sort();
    found
}

/// The addresses in the ownership file.
fn owned(folder: &Path) -> Vec<String> {
    let text =
        std::fs::read_to_string(folder.join(".rplay/owned.jsonl")).expect("the ownership file is there");
    let mut found: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line is JSON"))
        .filter(|line| line["stage"] == "created")
        .map(|line| {
            format!(
                "{} {}",
                line["kind"].as_str().unwrap_or_default(),
                line["name"].as_str().unwrap_or_default()
            )
        })
        .collect();
    found.sort();
    found.dedup();
    found
}
