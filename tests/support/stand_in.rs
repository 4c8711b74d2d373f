//! A stand-in for AWS: one server for all tests of a process, each test in an account of its own.

mod install;

use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Raw;
use crate::raw::send;

const REGION: &str = "eu-west-1";
/// The account whose load balancers forward: the data plane knows no other.
const DEFAULT_ACCOUNT: &str = "000000000000";
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs the server until the test process is gone, however it went: then its end of the pipe is closed. Containers that
/// the server leaves behind are removed by their label.
const KEEPER: &str = "\
import os, subprocess, sys
server = subprocess.Popen([sys.executable, '-m', 'ministack'], stdin=subprocess.DEVNULL)
sys.stdin.buffer.read()
server.terminate()
try:
    server.wait(20)
except subprocess.TimeoutExpired:
    server.kill()
if os.environ.get('DOCKER_HOST') != 'unix:///nonexistent':
    label = 'label=ministack.instance=%s:%s' % (os.environ['MINISTACK_HOSTNAME'], os.environ['GATEWAY_PORT'])
    left = subprocess.run(['docker', 'ps', '-aq', '--filter', label], capture_output=True, text=True).stdout.split()
    if left:
        subprocess.run(['docker', 'rm', '-f', *left], capture_output=True)
";

/// A running stand-in; it ends with the test process, or when it is dropped.
pub struct StandIn {
    port: u16,
    accounts: AtomicU32,
    keeper: Child,
    folder: TempDir,
}

impl StandIn {
    /// Returns the one of this process, without containers: services reach their counts at once.
    ///
    /// # Panics
    /// Where it cannot be installed or does not start: with what it said.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<StandIn> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::start(false).unwrap_or_else(|error| panic!("no stand-in for AWS: {error}")))
    }

    /// Returns the one of this process whose tasks are containers of the Docker engine.
    ///
    /// # Panics
    /// Where it cannot be installed or does not start.
    pub fn with_containers() -> &'static Self {
        static SHARED: OnceLock<StandIn> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::start(true).unwrap_or_else(|error| panic!("no stand-in for AWS: {error}")))
    }

    /// Starts one of its own, for tests that reset or stop it.
    ///
    /// # Errors
    /// Where it cannot be installed or does not start.
    pub fn start(containers: bool) -> io::Result<Self> {
        let python = install::python()?;
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let keeper = command(&python, folder.path(), port, containers)?.spawn()?;
        let mut stand_in = Self { port, accounts: AtomicU32::new(0), keeper, folder };
        stand_in.wait()?;
        Ok(stand_in)
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn region(&self) -> &'static str {
        REGION
    }

    /// Returns an account that no other test uses; its id is the access key's.
    pub fn account(&self) -> Raw {
        let number = 100_000_000_001 + u64::from(self.accounts.fetch_add(1, Ordering::Relaxed));
        Raw::new(&self.endpoint(), &number.to_string(), REGION)
    }

    /// Returns the account that load balancers forward for.
    pub fn default_account(&self) -> Raw {
        Raw::new(&self.endpoint(), DEFAULT_ACCOUNT, REGION)
    }

    /// Empties every account.
    ///
    /// # Panics
    /// Where the server does not answer.
    pub fn reset(&self) {
        let answer = send("POST", &self.endpoint(), "/_ministack/reset", &[], Vec::new());
        assert_eq!(answer.expect("the stand-in answers").status, 200);
    }

    /// Returns what the server has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn wait(&mut self) -> io::Result<()> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if send("GET", &self.endpoint(), "/_ministack/health", &[], Vec::new())
                .is_ok_and(|answer| answer.status == 200)
            {
                return Ok(());
            }
            if self.keeper.try_wait()?.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        Err(io::Error::other(format!("it does not answer on port {}:\n{}", self.port, self.log())))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().ok();
    }
}

fn command(python: &Path, folder: &Path, port: u16, containers: bool) -> io::Result<Command> {
    let log = File::create(folder.join("log"))?;
    let docker = if containers {
        std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned())
    } else {
        "unix:///nonexistent".to_owned()
    };
    let mut command = Command::new(python);
    command
        .args(["-I", "-c", KEEPER])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .env("LANG", "C.UTF-8")
        .env("PYTHONUNBUFFERED", "1")
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("MINISTACK_HOSTNAME", format!("rplay-test-{}", std::process::id()))
        .env("MINISTACK_REGION", REGION)
        .env("SFTP_ENABLED", "0")
        .env("IOT_MTLS_ENABLED", "0")
        .env("DOCKER_HOST", docker)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C in a terminal is for the tests: the keeper ends after them.
        .process_group(0);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_test_has_an_account_of_its_own() {
        let stand_in = StandIn::shared();
        let (mine, other) = (stand_in.account(), stand_in.account());
        mine.ecs("CreateCluster", &json!({ "clusterName": "app" }));
        assert_eq!(mine.ecs("ListClusters", &json!({}))["clusterArns"].as_array().unwrap().len(), 1);
        assert_eq!(other.ecs("ListClusters", &json!({}))["clusterArns"].as_array().unwrap().len(), 0);
        let vpc = mine.query("ec2", "CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).element("vpcId").unwrap();
        assert!(vpc.starts_with("vpc-"), "{vpc}");
        let place = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
        mine.rest("s3", "PUT", "/a-bucket", place.as_bytes());
        assert!(mine.rest("s3", "GET", "/", b"").elements("Name").contains(&"a-bucket".to_owned()));
        let who = mine.query("sts", "GetCallerIdentity", &[]).element("Account");
        assert_eq!(who.as_deref(), Some(mine.id()));
    }

    #[test]
    fn nothing_is_left_when_it_is_dropped() {
        let stand_in = StandIn::start(false).unwrap();
        let endpoint = stand_in.endpoint();
        drop(stand_in);
        assert!(send("GET", &endpoint, "/_ministack/health", &[], Vec::new()).is_err());
    }
}
