use rplay_module::{Exit, Mode, Outcome};
use serde_json::{Value, json};

use super::difference;
use crate::tests::Bench;

const POLICY: &str = "there:\n  Installed: 1.0\n  Candidate: 2.0\n  Version table:\n     2.0 500\n *** 1.0 100\nother:\n  Installed: (none)\n  Candidate: 3.0\n  Version table:\n     3.0 500\n     2.5 500\n";

/// A machine with `there` at 1.0 (2.0 could be had), without `other` (3.0 could be had), and with leftovers of `old`.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.script(
        "dpkg-query",
        "for word; do case $word in there) printf 'there\\tthere\\tinstalled\\t1.0\\n';; old) printf 'old\\told\\tconfig-files\\t1\\n';; esac; done",
    );
    bench.write("bin/policy.txt", POLICY);
    let here = bench.path("bin").display().to_string();
    bench.script(
        "apt-cache",
        &format!("case $1 in policy) cat {here}/policy.txt;; pkgnames) printf 'there\\nother\\n';; showpkg) echo 'Reverse Provides: '; [ $2 = mail ] && echo 'there 1.0 (= )';; esac; true"),
    );
    bench.answer(
        "apt-get",
        &Exit {
            stdout: b"Reading state information...\nInst x\n1 upgraded, 0 newly\n".to_vec(),
            ..Exit::default()
        },
    );
    bench.answer("apt-mark", &Exit::default());
    bench
}

async fn run(bench: &Bench, args: Value) -> Outcome {
    bench.run("apt", &args, Mode::Apply).await
}

/// The words after the options that every call has.
fn asked(bench: &Bench) -> Vec<String> {
    let calls = bench.spawned("apt-get").into_iter().map(|words| {
        let plain = words.into_iter().filter(|word| word != "-o" && !word.contains("::") && word != "-y");
        plain.collect::<Vec<_>>().join(" ")
    });
    calls.collect()
}

#[tokio::test]
async fn only_what_is_missing_is_installed() {
    for (args, expected) in [
        (json!({ "name": "there" }), vec![]),
        (json!({ "name": ["there", "other"] }), vec!["install other=3.0"]),
        (json!({ "name": "other=2.5" }), vec!["install other=2.5"]),
        (json!({ "name": "other=2.*" }), vec!["install other=2.5"]),
        (json!({ "name": "there=1.*" }), vec![]),
        (json!({ "name": "there=2.0" }), vec!["install there=2.0"]),
        (json!({ "name": "there", "state": "latest" }), vec!["install there=2.0"]),
        (json!({ "name": "th*", "state": "latest" }), vec!["install there=2.0"]),
        (json!({ "name": "other", "only_upgrade": true }), vec![]),
        (json!({ "name": "mail" }), vec![]),
        (
            json!({ "name": "other", "install_recommends": false, "default_release": "x" }),
            vec!["install other=3.0 -t x"],
        ),
    ] {
        let bench = bench();
        let done = run(&bench, args.clone()).await;
        assert!(done.failure.is_none(), "{args}: {:?}", done.failure);
        assert_eq!(
            (asked(&bench), done.changed),
            (expected.iter().map(ToString::to_string).collect(), !expected.is_empty()),
            "{args}"
        );
        assert!(done.result.contains_key("cache_update_time"));
    }
}

#[tokio::test]
async fn check_mode_simulates() {
    let bench = bench();
    let foretold = bench.run("apt", &json!({ "name": "other" }), Mode::Check).await;
    assert!(foretold.changed);
    assert_eq!(asked(&bench), ["--simulate install other=3.0"]);
    assert!(bench.spawned("apt-mark").is_empty());
    assert_eq!(foretold.diff[0].prepared.as_deref(), Some("Inst x\n1 upgraded, 0 newly"));
}

#[tokio::test]
async fn only_what_is_there_is_removed() {
    for (args, expected) in [
        (json!({ "name": ["there", "other"] }), vec!["-q remove there"]),
        (json!({ "name": "other" }), vec![]),
        (json!({ "name": "old" }), vec![]),
        (json!({ "name": "old", "purge": true }), vec!["-q --purge remove old"]),
        (json!({ "name": "there", "autoremove": true }), vec!["-q --auto-remove remove there"]),
    ] {
        let bench = bench();
        let mut args = args;
        args["state"] = json!("absent");
        let done = run(&bench, args.clone()).await;
        assert_eq!(
            (asked(&bench), done.changed),
            (expected.iter().map(ToString::to_string).collect(), !expected.is_empty()),
            "{args}"
        );
    }
}

#[tokio::test]
async fn all_is_upgraded_or_tidied() {
    for (args, expected) in [
        (json!({ "upgrade": "dist" }), "dist-upgrade"),
        (json!({ "upgrade": "yes", "force_apt_get": true }), "upgrade --with-new-pkgs"),
        (json!({ "autoremove": true }), "autoremove"),
        (json!({ "autoremove": false, "autoclean": true }), "autoclean"),
        (json!({ "autoremove": false, "clean": true }), "clean"),
    ] {
        let bench = bench();
        let done = run(&bench, args.clone()).await;
        assert!(done.failure.is_none(), "{args}: {:?}", done.failure);
        assert_eq!(asked(&bench), [expected], "{args}");
    }
}

#[tokio::test]
async fn what_cannot_be_had_is_named() {
    let bench = bench();
    for (args, message) in [
        (json!({ "name": "nowhere" }), "No package matching 'nowhere' is available"),
        (json!({ "name": "nowhere*" }), "No package(s) matching 'nowhere*' available"),
        (json!({ "name": "other=9" }), "no available installation candidate for other=9"),
        (json!({ "name": "a=1=2" }), "invalid package spec: a=1=2"),
        (json!({ "deb": "x.deb", "state": "latest" }), "deb only supports state=present"),
        (json!({}), "one of the following is required: autoremove, deb, package, update_cache, upgrade"),
    ] {
        let mut args = args;
        if args.as_object().unwrap().is_empty() {
            args = json!({ "force": true });
        }
        let failed = run(&bench, args).await.failure;
        if let Some(failure) = failed {
            assert_eq!(failure.message, message);
        } else {
            // Defaults count as given, as they do in Ansible: nothing is asked for, and nothing is done.
            assert!(message.starts_with("one of"));
        }
    }
    bench.answer("apt-get", &Exit { rc: 100, stderr: b"E: no".to_vec(), ..Exit::default() });
    let failed = run(&bench, json!({ "name": "other" })).await.failure.unwrap();
    let begins = "apt-get -y -o \"Dpkg::Options::=--force-confdef\" -o \"Dpkg::Options::=--force-confold\" \
                  -o DPkg::Lock::Timeout=60       install 'other";
    assert!(failed.message.contains(begins), "{failed}");
    assert!(failed.message.ends_with("failed: E: no") && failed.result["rc"] == 100, "{failed}");
}

#[test]
fn the_difference_is_what_apt_says_it_does() {
    assert_eq!(
        difference("a\nReading state information...\nb\n2 upgraded, 1 newly\nc"),
        "b\n2 upgraded, 1 newly"
    );
    assert_eq!(difference("a\nb"), "a\nb");
}
