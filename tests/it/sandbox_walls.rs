use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rplay_test_support::Play;

use crate::rplay;

/// Somebody who answers on loopback, and nobody should ask.
struct Trap {
    address: String,
    asked: Arc<AtomicUsize>,
}

impl Trap {
    fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address").to_string();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        // It ends with the process of the test.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let mut request = vec![0; 65_536];
                if stream.read(&mut request).is_err() {
                    continue;
                }
                stream
                    .write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                    .ok();
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Stops the sandbox of a play, however the test ends.
struct Stopped<'a>(&'a Play);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.run_with(["sandbox", "down"]);
    }
}

const TASKS: &str = "\
- hosts: localhost
  gather_facts: false
  tasks:
    - aws_caller_info:
      register: who
    - ecs_cluster: {name: app}
    - command: env
      register: env
    - shell: test $AWS_SECRET_ACCESS_KEY = sandbox-secret-key
    - debug: {msg: \"{{ who.account }} {{ env.stdout_lines | select('match', 'AWS_|.*trapped') | sort | join(' ') }}\"}
";

/// Returns a run in an environment where everything that AWS's tools read leads into the trap.
fn trapped(trap: &Trap) -> Play {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let url = format!("http://{}", trap.address);
    let profile = format!(
        "region = trapped\nendpoint_url = {url}\naws_access_key_id = trapped\naws_secret_access_key = trapped\n\
         credential_process = /bin/sh -c 'echo trapped > trapped'\n"
    );
    let play = rplay();
    let (config, credentials) = (play.folder().join("config"), play.folder().join("home/.aws/credentials"));
    let mut play = play
        .file("playbook.yml", TASKS)
        .file("config", format!("[default]\n{profile}[profile trapped]\n{profile}"))
        .file("home/.aws/config", format!("[default]\n{profile}"))
        .file("home/.aws/credentials", format!("[default]\n{profile}[trapped]\n{profile}"))
        .env("XDG_CACHE_HOME", cache.expect("there is a HOME"))
        .env("AWS_CONFIG_FILE", config)
        .env("AWS_SHARED_CREDENTIALS_FILE", credentials)
        .env("AWS_REGION", "eu-west-1");
    for name in ["URL", "URL_STS", "URL_ECS"] {
        play = play.env(&format!("AWS_ENDPOINT_{name}"), &url);
    }
    for name in
        ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "DEFAULT_PROFILE", "ROLE_ARN"]
    {
        play = play.env(&format!("AWS_{name}"), "trapped");
    }
    play.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url)
}

#[test]
fn a_sandbox_reads_nothing_of_aws_in_the_environment() {
    let trap = Trap::set();
    let play = trapped(&trap);
    let stopped = Stopped(&play);
    let ran = play.run_with(["--sandbox", "playbook.yml"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(trap.asked(), 0, "{}", ran.stdout);
    assert!(!play.folder().join("trapped").exists());
    assert!(!ran.stdout.contains("trapped"), "{}", ran.stdout);

    let status = play.run_with(["sandbox", "env"]).stdout;
    let endpoint = status
        .lines()
        .find_map(|line| line.strip_prefix("export AWS_ENDPOINT_URL="))
        .map(|quoted| quoted.trim_matches('\''))
        .expect("the sandbox is up");
    let wanted = format!(
        "\"msg\": \"000000000000 AWS_ACCESS_KEY_ID=000000000000 AWS_CONFIG_FILE=/dev/null \
         AWS_DEFAULT_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true AWS_ENDPOINT_URL={endpoint} \
         AWS_REGION=eu-west-1 AWS_SECRET_ACCESS_KEY=******** AWS_SHARED_CREDENTIALS_FILE=/dev/null\""
    );
    assert!(ran.stdout.contains(&wanted), "{wanted} is not in\n{}", ran.stdout);
    drop(stopped);
}

/// The control: without a sandbox the same environment leads into the trap.
#[test]
fn without_a_sandbox_the_environment_is_read() {
    let trap = Trap::set();
    let ran = trapped(&trap).run_with(["playbook.yml"]);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(trap.asked() > 0, "{}", ran.stdout);
}
