use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// The dependencies of our own crates, by crate, as the manifests have them.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo is there: it runs this test");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let normal = |package: &serde_json::Value| -> BTreeSet<String> {
        let all = package["dependencies"].as_array().expect("dependencies").iter();
        let normal = all.filter(|dependency| dependency["kind"].is_null());
        normal.map(|dependency| dependency["name"].as_str().expect("a name").to_owned()).collect()
    };
    packages
        .iter()
        .map(|package| (package["name"].as_str().expect("a name").to_owned(), normal(package)))
        .collect()
}

/// Returns each arrow from a crate to another for which `wrong` says yes.
fn arrows(wrong: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (from, all) in dependencies() {
        found.extend(all.iter().filter(|to| wrong(&from, to)).map(|to| format!("{from} -> {to}")));
    }
    found
}

const INTERPRETER: [&str; 6] =
    ["rplay-config", "rplay-engine", "rplay-event", "rplay-report", "rplay-syntax", "rplay-template"];

fn is_module_crate(name: &str) -> bool {
    name.starts_with("rplay-aws")
        || name.starts_with("rplay-client")
        || matches!(
            name,
            "rplay-core"
                | "rplay-files"
                | "rplay-system"
                | "rplay-http"
                | "rplay-docker"
                | "rplay-docker-client"
        )
}

fn is_family(name: &str) -> bool {
    is_module_crate(name)
        && name != "rplay-aws"
        && !name.starts_with("rplay-client")
        && name != "rplay-docker-client"
        && name != "rplay-http"
}

#[test]
fn the_interpreter_knows_no_module() {
    let none: Vec<String> = arrows(|from, to| INTERPRETER.contains(&from) && is_module_crate(to));
    assert_eq!(none, Vec::<String>::new());
}

#[test]
fn a_module_knows_nothing_of_the_interpreter() {
    let none = arrows(|from, to| is_module_crate(from) && (INTERPRETER.contains(&to) || to == "rplay"));
    assert_eq!(none, Vec::<String>::new());
}

#[test]
fn no_family_knows_another() {
    assert_eq!(arrows(|from, to| is_family(from) && is_family(to)), Vec::<String>::new());
}

#[test]
fn the_traits_know_no_runtime_and_no_service() {
    let heavy = ["tokio", "minijinja", "clap", "aws-config", "bollard", "reqwest"];
    assert_eq!(arrows(|from, to| from == "rplay-module" && heavy.contains(&to)), Vec::<String>::new());
}

#[test]
fn the_engine_emits_and_the_report_reads() {
    let none = arrows(|from, to| {
        (from == "rplay-engine" && to == "rplay-report")
            || (from == "rplay-report" && matches!(to, "rplay-engine" | "rplay-syntax" | "rplay-template"))
    });
    assert_eq!(none, Vec::<String>::new());
}

#[test]
fn each_library_is_known_in_one_place() {
    let places: [(&str, &[&str]); 4] = [
        ("minijinja", &["rplay-template"]),
        ("libyaml-safer", &["rplay-syntax"]),
        ("aws-config", &["rplay-aws"]),
        ("bollard", &["rplay-docker-client"]),
    ];
    for (library, places) in places {
        let elsewhere = arrows(|from, to| to == library && !places.contains(&from));
        assert_eq!(elsewhere, Vec::<String>::new(), "{library}");
    }
    let sdk = arrows(|from, to| to.starts_with("aws-sdk-") && !from.starts_with("rplay-client"));
    assert_eq!(sdk, Vec::<String>::new());
}

#[test]
fn the_interpreter_builds_without_any_aws_crate() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--no-default-features",
            "-p",
            "rplay",
            "-e",
            "normal",
            "--prefix",
            "none",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo is there: it runs this test");
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(tree.contains("rplay-engine"), "{}", String::from_utf8_lossy(&output.stderr));
    let aws: Vec<&str> =
        tree.lines().filter(|line| line.starts_with("aws-sdk") || line.starts_with("aws-config")).collect();
    assert_eq!(aws, Vec::<&str>::new());
}
