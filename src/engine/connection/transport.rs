use std::path::PathBuf;

use rplay_module::{Failure, Result};

use super::shell::{quote, split};
use super::ssh::Ssh;

/// The way to a host, as a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// The machine that rplay runs on.
    Local,
    Ssh(Box<Ssh>),
    Docker(Docker),
}

/// A container that is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Docker {
    pub(crate) container: String,
    pub(crate) user: Option<String>,
    pub(crate) extra_args: Option<String>,
}

/// A program to start on this machine.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) argv: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) folder: Option<PathBuf>,
    /// A file that must stay as long as the program starts.
    pub(super) password: Option<super::ssh::PasswordFile>,
}

impl Transport {
    /// Returns what tells one way from another.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Local => "local".to_owned(),
            Self::Ssh(ssh) => format!("ssh {}", ssh.words().join(" ")),
            Self::Docker(docker) => {
                format!("docker {} {}", docker.container, docker.user.as_deref().unwrap_or_default())
            }
        }
    }

    /// Returns what Ansible says of a host that is reached so by a command, a line each.
    pub(super) fn told(&self, command: &str) -> Vec<String> {
        let (host, established, by) = match self {
            Self::Local => ("localhost", None, "EXEC"),
            Self::Ssh(ssh) => (&*ssh.host, Some(("SSH", &ssh.user)), "SSH: EXEC"),
            Self::Docker(docker) => (&*docker.container, Some(("DOCKER", &docker.user)), "EXEC"),
        };
        let established = established.map(|(way, user)| {
            let user = user.as_deref().unwrap_or("None");
            format!("<{host}> ESTABLISH {way} CONNECTION FOR USER: {user}")
        });
        established.into_iter().chain([format!("<{host}> {by} {command}")]).collect()
    }

    /// Returns the program that has a shell on the host run a command.
    pub(super) fn line(&self, command: &str, shell: &str) -> Result<Line> {
        let local = |argv: Vec<String>| Line { argv, ..Line::default() };
        match self {
            Self::Local => Ok(local(vec!["/bin/sh".to_owned(), "-c".to_owned(), command.to_owned()])),
            Self::Ssh(ssh) => ssh.line(&format!("{shell} -c {}", quote(command))),
            Self::Docker(docker) => {
                let mut argv = vec!["docker".to_owned()];
                argv.extend(docker.extra_args.iter().flat_map(|args| split(args)));
                argv.extend(["exec".to_owned()]);
                if let Some(user) = &docker.user {
                    argv.extend(["-u".to_owned(), user.clone()]);
                }
                argv.extend(["-i", docker.container.as_str(), shell, "-c", command].map(str::to_owned));
                Ok(local(argv))
            }
        }
    }

    /// Returns why a program that ended so did not reach the host; `None` where it did.
    pub(super) fn refusal(&self, rc: i32, stderr: &[u8]) -> Option<Failure> {
        let said = String::from_utf8_lossy(stderr);
        let said = said.trim_end();
        match self {
            Self::Ssh(_) if rc == 255 => {
                Some(Failure::unreachable(format!("Failed to connect to the host via ssh: {said}")))
            }
            Self::Docker(_)
                if matches!(rc, 1 | 125) && said.contains("rror") && said.contains("ontainer") =>
            {
                Some(Failure::unreachable(format!("Failed to connect to the container: {said}")))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_a_command_line_too() {
        let docker = Docker { container: "web".to_owned(), user: Some("app".to_owned()), extra_args: None };
        let line = Transport::Docker(docker).line("id -u", "/bin/sh").unwrap();
        assert_eq!(line.argv, ["docker", "exec", "-u", "app", "-i", "web", "/bin/sh", "-c", "id -u"]);
    }
}
