//! Talking with a process: become's questions first, then lines or whatever it has to say.

use std::time::Duration;

use rplay_module::Exit;
use rplay_module::{Child, Failure, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::oneshot;

use super::elevation::{Elevation, Prompt, find, strip_through};
use super::transport::{Line, Transport};
use crate::child::{Children, Open};

/// How much of what an agent says beside the protocol is kept for messages.
const KEPT: usize = 64 * 1024;
/// How long a process that has closed its output may keep its errors open: a kept connection of ssh does.
const LINGER: Duration = Duration::from_secs(1);
/// How long to listen to what a process that has ended left in its pipes.
const SILENCE: Duration = Duration::from_millis(50);

/// A process that is talked with.
pub(super) struct Dialogue {
    stdin: Option<Sender>,
    stdout: Option<Receiver>,
    stderr: Option<Receiver>,
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
    ended: oneshot::Receiver<i32>,
    _open: Open,
    /// Must stay until the connection stands.
    password: Option<super::ssh::PasswordFile>,
}

/// What to wait for before the command itself begins.
pub(super) struct Question<'a> {
    pub(super) elevation: &'a Elevation,
    pub(super) success: &'a str,
    pub(super) prompt: &'a Prompt,
}

impl Dialogue {
    pub(super) async fn start(children: &Children, line: Line, env: Vec<(String, String)>) -> Result<Self> {
        let Line { argv, env: own, folder, password } = line;
        let child = Child { argv, folder, env: own, stdin: Some(Vec::new()), timeout: None };
        let mut open = children.open(child, env).await?;
        let failed = |error: std::io::Error| Failure::new(format!("could not use a pipe: {error}"));
        let stdin = open.stdin.take().map(Sender::from_file).transpose().map_err(failed)?;
        let stdout = open.stdout.take().map(Receiver::from_file).transpose().map_err(failed)?;
        let stderr = open.stderr.take().map(Receiver::from_file).transpose().map_err(failed)?;
        let (_, nobody) = oneshot::channel();
        let ended = std::mem::replace(&mut open.ended, nobody);
        Ok(Self { stdin, stdout, stderr, out: Vec::new(), err: Vec::new(), ended, _open: open, password })
    }

    /// Reads more of either output; `false` when both are closed.
    async fn more(&mut self) -> bool {
        tokio::select! {
            read = next(self.stdout.as_mut(), &mut self.out), if self.stdout.is_some() => if read == 0 {
                self.stdout = None;
            },
            read = next(self.stderr.as_mut(), &mut self.err), if self.stderr.is_some() => if read == 0 {
                self.stderr = None;
            },
            else => return false,
        }
        true
    }

    /// Answers become's question, and waits until one is the other user.
    ///
    /// Source of the texts: `_ensure_become_success` of `ansible/plugins/connection/local.py`, and the state machine of
    /// `ssh.py`, which words them in another way.
    pub(super) async fn elevate(&mut self, question: &Question<'_>, transport: &Transport) -> Result<()> {
        let Question { elevation, success, prompt } = question;
        let local = *transport == Transport::Local;
        let deadline = tokio::time::Instant::now() + elevation.patience;
        let (mut sent, mut heard) = (false, (0, 0));
        loop {
            if find(&self.out, success.as_bytes())
                .is_some_and(|at| self.out.get(at..).is_some_and(|rest| rest.contains(&b'\n')))
            {
                break;
            }
            let fresh = |all: &[u8], from: usize| all.get(from..).unwrap_or_default().to_vec();
            let asked =
                prompt.asked_in(&fresh(&self.out, heard.0)) || prompt.asked_in(&fresh(&self.err, heard.1));
            if asked {
                if sent {
                    return Err(if local {
                        self.unanswered("Duplicate become password prompt encountered", prompt, sent)
                    } else {
                        Failure::new(format!("Incorrect {} password", elevation.method.name()))
                    });
                }
                heard = (self.out.len(), self.err.len());
                sent = true;
                if let Some(password) = &elevation.password {
                    self.write(format!("{}\n", password.expose()).as_bytes()).await?;
                }
            }
            if !local && let Some(failure) = self.refused(elevation) {
                return Err(failure);
            }
            match tokio::time::timeout_at(deadline, self.more()).await {
                Ok(true) => {}
                Ok(false) => return Err(self.closed(transport, prompt, sent).await),
                Err(_) => return Err(self.late(transport, elevation, prompt, sent)),
            }
        }
        if elevation.strip_preamble || !local {
            prompt.strip(&mut self.out);
            strip_through(success.as_bytes(), &mut self.out);
            prompt.strip(&mut self.err);
        }
        Ok(())
    }

    /// Returns what sudo and su say of a password, in Ansible's words for connections other than local ones.
    fn refused(&self, elevation: &Elevation) -> Option<Failure> {
        use super::elevation::Method;
        let said =
            |what: &str| find(&self.err, what.as_bytes()).or(find(&self.out, what.as_bytes())).is_some();
        let (incorrect, missing) = match elevation.method {
            Method::Sudo => (
                said("Sorry, try again."),
                said("Sorry, a password is required to run sudo") || said("sudo: a password is required"),
            ),
            Method::Su => (said("Authentication failure"), false),
        };
        let name = elevation.method.name();
        if incorrect {
            return Some(Failure::new(format!("Incorrect {name} password")));
        }
        missing.then(|| Failure::new(format!("Missing {name} password")))
    }

    async fn closed(&mut self, transport: &Transport, prompt: &Prompt, sent: bool) -> Failure {
        let rc = self.rc().await;
        match transport {
            Transport::Local => self.unanswered("Premature end of stream", prompt, sent),
            other => other.refusal(rc, &self.err).unwrap_or_else(|| {
                let said = String::from_utf8_lossy(&self.err);
                Failure::new(said.trim_end().to_owned()).field("rc", rc)
            }),
        }
    }

    fn late(&self, transport: &Transport, elevation: &Elevation, prompt: &Prompt, sent: bool) -> Failure {
        let failure = if *transport == Transport::Local {
            self.unanswered("Timed out", prompt, sent)
        } else {
            let said = String::from_utf8_lossy(&self.out);
            let seconds = elevation.patience.as_secs();
            Failure::new(format!("Timeout ({seconds}s) waiting for privilege escalation prompt: {said}"))
        };
        Failure { kind: rplay_module::FailureKind::Unreachable, ..failure }
    }

    fn unanswered(&self, reason: &str, prompt: &Prompt, sent: bool) -> Failure {
        let mut message = format!("{reason} waiting for become success");
        if prompt.is_expected() && !sent {
            message.push_str(" or become password prompt");
        }
        message.push('.');
        for (name, said) in [("Output", &self.out), ("Error", &self.err)] {
            if !said.is_empty() {
                let said = String::from_utf8_lossy(said);
                message.extend(["\n>>> Standard ", name, "\n", &*said]);
            }
        }
        Failure::new(message)
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(stdin) = &mut self.stdin else { return Err(Failure::bug("a process without stdin")) };
        let written = async {
            stdin.write_all(bytes).await?;
            stdin.flush().await
        };
        written.await.map_err(|error| Failure::new(format!("the connection was lost: {error}")))
    }

    /// Returns the next line without its end; `None` when there is none any more.
    pub(super) async fn line(&mut self) -> Option<Vec<u8>> {
        let mut looked = 0;
        loop {
            let fresh = self.out.get(looked..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.out.drain(..=looked + at).collect();
                line.pop();
                return Some(line);
            }
            looked = self.out.len();
            if self.stdout.is_none() || !self.more().await {
                return None;
            }
            if self.err.len() > KEPT {
                self.err.drain(..self.err.len() - KEPT);
            }
        }
    }

    /// The connection stands: what only its making needed goes.
    pub(super) fn connected(&mut self) {
        self.password = None;
    }

    /// Closes what the process reads, and listens until it has said everything.
    pub(super) async fn finish(mut self, input: Option<&[u8]>) -> Result<Exit> {
        if let Some(input) = input {
            // A command that does not read its input is no failure.
            let _ = self.write(input).await;
        }
        self.stdin = None;
        while self.stdout.is_some() && self.more().await {}
        let _ = tokio::time::timeout(LINGER, async { while self.more().await {} }).await;
        let rc = self.rc().await;
        Ok(Exit {
            rc,
            stdout: std::mem::take(&mut self.out),
            stderr: std::mem::take(&mut self.err),
            timed_out: false,
        })
    }

    /// Waits for the end; what is still said meanwhile is kept.
    pub(super) async fn rc(&mut self) -> i32 {
        let mut ended = std::mem::replace(&mut self.ended, oneshot::channel().1);
        let rc = loop {
            tokio::select! {
                rc = &mut ended => break rc.unwrap_or(-1),
                true = self.more() => {}
                else => break ended.await.unwrap_or(-1),
            }
        };
        // What it wrote last may not have been read; a kept connection may hold the pipe open for long.
        while let Ok(true) = tokio::time::timeout(SILENCE, self.more()).await {}
        rc
    }
}

/// Reads from a pipe; what cannot be read any more is over.
async fn next(from: Option<&mut Receiver>, into: &mut Vec<u8>) -> usize {
    match from {
        Some(from) => from.read_buf(into).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}
