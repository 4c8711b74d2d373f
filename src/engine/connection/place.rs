use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rplay_module::{Failure, Secret};
use rplay_template::{Engine, Found, Scope, TemplateError, Value};

use super::elevation::{Elevation, Method};
use super::settings::{AgentProgram, ConnectionSettings, is_true};
use super::ssh::Ssh;
use super::transport::{Docker, Transport};
use crate::load::{Context, Inherited, bare};
use crate::machine;

/// Where a call runs, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) transport: Transport,
    /// `None` where one stays who one is.
    pub(crate) elevation: Option<Elevation>,
    pub(crate) shell: String,
    pub(crate) remote_tmp: String,
    pub(crate) async_dir: String,
    /// Of local connections: the playbook's.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) agent: AgentProgram,
    environment: Arc<BTreeMap<String, String>>,
    random: fn(&mut [u8]),
}

/// What decides where a task runs: variables of the host it runs on, and the task's own keywords.
pub(crate) struct Wish<'a> {
    pub(crate) template: &'a Engine,
    /// The variables of the host that it runs on: the delegate's, where there is one.
    pub(crate) scope: &'a Arc<dyn Scope>,
    /// The task's own.
    pub(crate) own: &'a Arc<dyn Scope>,
    pub(crate) context: &'a Context,
    pub(crate) settings: &'a crate::settings::Settings,
    pub(crate) reaching: &'a ConnectionSettings,
    pub(crate) host: &'a str,
    pub(crate) folder: &'a Path,
}

/// Why it cannot be said where a task runs.
pub(crate) enum Unclear {
    Template(TemplateError),
    Failure(Failure),
}

impl From<TemplateError> for Unclear {
    fn from(error: TemplateError) -> Self {
        Self::Template(error)
    }
}

impl From<Failure> for Unclear {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

type Answer<T> = Result<T, Unclear>;

/// Who one is before one becomes another user.
enum Login {
    /// Whoever runs rplay.
    Here,
    /// Whoever the host lets in; not known where nothing says it.
    There(Option<String>),
}

/// Programs that are reached in the same way.
const LOCAL: &str = "local";

impl Place {
    /// Returns whether a module can run in this very process.
    pub(crate) fn is_here(&self) -> bool {
        self.transport == Transport::Local && self.elevation.is_none()
    }

    /// Returns what tells an agent from another: the way to it, and the user.
    pub(super) fn key(&self) -> String {
        let user = self.elevation.as_ref().map(|elevation| {
            format!("{:?} {} {:?} {:?}", elevation.method, elevation.user, elevation.exe, elevation.flags)
        });
        format!("{} as {}", self.transport.key(), user.unwrap_or_default())
    }

    /// Returns whether a way leads to that user by becoming them.
    pub(super) fn is_as(key: &str, user: &str) -> bool {
        let becomes = key.rsplit_once(" as ").map(|(_, becomes)| becomes);
        becomes.and_then(|becomes| becomes.split(' ').nth(1)) == Some(user)
    }

    pub(super) fn environment(&self) -> Vec<(String, String)> {
        self.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Returns the environment of the program that reaches the host.
    pub(crate) fn outer_environment(&self) -> Vec<(String, String)> {
        self.environment()
    }

    /// Returns the temporary folder as a shell on the host reads it.
    pub(crate) fn remote_tmp_words(&self) -> String {
        super::shell::path(&self.remote_tmp)
    }

    /// Returns a text that nothing says by chance.
    pub(super) fn mark(&self) -> String {
        let mut bytes = [0; 32];
        (self.random)(&mut bytes);
        bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect()
    }

    pub(super) fn retries(&self) -> u32 {
        match &self.transport {
            Transport::Ssh(ssh) => ssh.retries,
            _ => 0,
        }
    }

    /// Returns how long to wait before the next try, as Ansible does: 0, 1, 3, 7 ... seconds.
    pub(super) fn pause(attempt: u32) -> Duration {
        Duration::from_secs(2_u64.saturating_pow(attempt).saturating_sub(1).min(30))
    }

    /// Returns the commands that let a kept connection go; `None` where none is kept.
    pub(crate) fn control(&self) -> Option<[Vec<String>; 2]> {
        match &self.transport {
            Transport::Ssh(ssh) => Some([ssh.control("check"), ssh.control("stop")]),
            _ => None,
        }
    }
}

#[cfg(test)]
impl Place {
    /// Returns a place whose temporary files lie in a folder of the test's.
    pub(super) fn plain(
        transport: Transport,
        elevation: Option<Elevation>,
        folder: &Path,
        agent: AgentProgram,
        environment: BTreeMap<String, String>,
        random: fn(&mut [u8]),
    ) -> Self {
        Self {
            transport,
            elevation,
            shell: "/bin/sh".to_owned(),
            remote_tmp: folder.join("tmp").display().to_string(),
            async_dir: folder.join("async").display().to_string(),
            folder: None,
            agent,
            environment: Arc::new(environment),
            random,
        }
    }
}

impl Wish<'_> {
    /// Returns whether the task can run in this very process; what is plain costs nothing.
    pub(crate) fn is_here(&self) -> Answer<bool> {
        Ok(bare(&self.connection()?) == LOCAL && !(self.becomes()? && self.changes_user(&Login::Here)?))
    }

    /// Returns where the task runs.
    pub(crate) fn place(&self) -> Answer<Place> {
        let connection = self.connection()?;
        let (transport, login) = match connection.as_str() {
            "local" | "ansible.builtin.local" | "ansible.legacy.local" => (Transport::Local, Login::Here),
            "ssh"
            | "smart"
            | "paramiko"
            | "paramiko_ssh"
            | "ansible.builtin.ssh"
            | "ansible.legacy.ssh"
            | "ansible.builtin.paramiko_ssh"
            | "ansible.netcommon.libssh" => {
                let ssh = self.ssh()?;
                let login = ssh.user.clone();
                (Transport::Ssh(Box::new(ssh)), Login::There(login))
            }
            "docker" | "community.docker.docker" | "community.general.docker" => {
                let docker = self.docker()?;
                let login = docker.user.clone();
                (Transport::Docker(docker), Login::There(login))
            }
            other => {
                return Err(Failure::new(format!("the connection plugin '{other}' was not found")).into());
            }
        };
        let local = transport == Transport::Local;
        let elevation =
            if self.becomes()? && self.changes_user(&login)? { Some(self.elevation(local)?) } else { None };
        let shell = self.text(&["ansible_shell_executable"])?.unwrap_or_else(|| self.reaching.shell());
        let remote_tmp = self
            .text(&["ansible_remote_tmp"])?
            .or_else(|| self.reaching.shell_option("remote_tmp"))
            .unwrap_or_else(|| "~/.ansible/tmp".to_owned());
        Ok(Place {
            transport,
            elevation,
            shell,
            remote_tmp,
            async_dir: self.async_dir()?,
            folder: local.then(|| self.folder.to_owned()),
            agent: self.reaching.agent.clone(),
            environment: Arc::clone(&self.settings.environment),
            random: self.settings.random,
        })
    }

    /// Returns where results of asynchronous tasks are.
    pub(crate) fn async_dir(&self) -> Answer<String> {
        let own = self.text(&["ansible_async_dir"])?;
        let set = || self.reaching.shell_option("async_dir");
        Ok(own.or_else(set).unwrap_or_else(|| "~/.ansible_async".to_owned()))
    }

    /// Returns what the host is reached by.
    pub(crate) fn connection(&self) -> Answer<String> {
        if let Some(name) = self.text(&["ansible_connection"])? {
            return Ok(name);
        }
        if let Some(name) = self.keyword(|context| context.connection.as_ref())? {
            return Ok(name);
        }
        Ok(self.reaching.transport())
    }

    fn becomes(&self) -> Answer<bool> {
        if let Some(value) = self.variable(&["ansible_become"])? {
            return Ok(truth(&value));
        }
        let said = self.inherited(|context| context.become_enabled.as_ref())?;
        Ok(said.map_or_else(|| self.reaching.elevates(), |value| truth(&value)))
    }

    /// Returns whether one would be another user than before; `login` is who one is on the host, where that is known.
    fn changes_user(&self, login: &Login) -> Answer<bool> {
        let wanted = self.become_user()?;
        let is = match login {
            Login::Here => Some(machine::user(&self.settings.environment)),
            Login::There(user) => user.clone(),
        };
        Ok(self.reaching.becomes_same_user() || is.as_deref() != Some(wanted.as_str()))
    }

    fn become_user(&self) -> Answer<String> {
        let method = self.method()?;
        let names: &[&str] = match method {
            Method::Sudo => &["ansible_become_user", "ansible_sudo_user"],
            Method::Su => &["ansible_become_user", "ansible_su_user"],
        };
        let user = self.text(names)?.or(self.keyword(|context| context.become_user.as_ref())?);
        Ok(user.unwrap_or_else(|| self.reaching.become_user(method)))
    }

    fn method(&self) -> Answer<Method> {
        let name = self.text(&["ansible_become_method"])?.filter(|name| !name.is_empty());
        let name = name.or(self.keyword(|context| context.become_method.as_ref())?);
        let name = name.unwrap_or_else(|| self.reaching.become_method());
        Method::named(&name).ok_or_else(|| {
            Unclear::Failure(Failure::new(format!(
                "Invalid become method specified, could not find matching plugin: '{name}'. Use `ansible-doc -t become \
                 -l` to list available plugins."
            )))
        })
    }

    fn elevation(&self, local: bool) -> Answer<Elevation> {
        let method = self.method()?;
        let name = method.name();
        let of = |option: &str| [format!("ansible_become_{option}"), format!("ansible_{name}_{option}")];
        let read = |option: &str| {
            let names = of(option);
            self.text(&names.each_ref().map(String::as_str))
        };
        let password = [
            "ansible_become_password".to_owned(),
            "ansible_become_pass".to_owned(),
            format!("ansible_{name}_pass"),
        ];
        let password = self.text(&password.each_ref().map(String::as_str))?.map(Secret::new);
        let password = password.or_else(|| self.reaching.become_password(method));
        // An empty password is none.
        let password = password.filter(|password| !password.expose().is_empty());
        let exe = read("exe")?.or(self.keyword(|context| context.become_exe.as_ref())?);
        let flags = read("flags")?.or(self.keyword(|context| context.become_flags.as_ref())?);
        let prompts = match self.variable(&["ansible_su_prompt_l10n"])? {
            Some(value) => {
                value.as_items().map(|items| items.iter().map(Value::text).collect()).unwrap_or_default()
            }
            None => Vec::new(),
        };
        let strip = self.variable(&["ansible_local_become_strip_preamble"])?;
        let patience = self.text(&["ansible_local_become_success_timeout"])?;
        let patience = patience.and_then(|seconds| seconds.parse().ok()).filter(|seconds| *seconds >= 1);
        Ok(Elevation {
            method,
            user: self.become_user()?,
            exe: exe.or_else(|| self.reaching.become_option(method, "become_exe")),
            flags: flags.or_else(|| self.reaching.become_option(method, "become_flags")),
            password,
            prompts,
            chdir: self.text(&["ansible_sudo_chdir"])?,
            strip_preamble: strip.is_none_or(|value| truth(&value)),
            patience: Duration::from_secs(if local {
                patience.unwrap_or(10)
            } else {
                self.reaching.timeout() + 2
            }),
        })
    }

    fn ssh(&self) -> Answer<Ssh> {
        let reaching = self.reaching;
        let host = self.text(&["ansible_host", "ansible_ssh_host"])?.unwrap_or_else(|| self.host.to_owned());
        let user = self.text(&["ansible_user", "ansible_ssh_user"])?;
        let user =
            user.or(self.keyword(|context| context.remote_user.as_ref())?).or_else(|| reaching.remote_user());
        let key =
            self.text(&["ansible_private_key_file", "ansible_ssh_private_key_file"])?.map(PathBuf::from);
        let password = self.text(&["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"])?;
        let checking = self.variable(&["ansible_host_key_checking", "ansible_ssh_host_key_checking"])?;
        let option = |variable: &str, name: &str| -> Answer<Option<String>> {
            Ok(self.text(&[variable])?.or_else(|| reaching.ssh(name)).filter(|text| !text.is_empty()))
        };
        let number = |variable: &str| -> Answer<Option<u64>> {
            Ok(self.text(&[variable])?.and_then(|text| text.trim().parse().ok()))
        };
        let folder = option("ansible_control_path_dir", "control_path_dir")?;
        let retries = number("ansible_ssh_retries")?.or_else(|| reaching.ssh_number("reconnection_retries"));
        let temporary =
            self.settings.environment.get("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
        Ok(Ssh {
            host,
            port: self.port()?,
            user: user.filter(|user| !user.is_empty()),
            key: key.or_else(|| reaching.private_key()).map(|key| self.at_home(&key)),
            password: password.map(Secret::new).or_else(|| reaching.password()),
            executable: option("ansible_ssh_executable", "ssh_executable")?
                .unwrap_or_else(|| "ssh".to_owned()),
            args: self.text(&["ansible_ssh_args"])?.or_else(|| reaching.ssh("ssh_args")),
            common_args: option("ansible_ssh_common_args", "ssh_common_args")?,
            extra_args: option("ansible_ssh_extra_args", "ssh_extra_args")?,
            host_key_checking: checking.map_or_else(|| reaching.host_key_checking(), |value| truth(&value)),
            control_path: option("ansible_control_path", "control_path")?,
            control_path_dir: self.at_home(Path::new(&folder.unwrap_or_else(|| "~/.ansible/cp".to_owned()))),
            timeout: number("ansible_ssh_timeout")?.unwrap_or_else(|| reaching.timeout()),
            retries: retries.and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
            askpass: reaching.agent.file.clone(),
            temporary,
        })
    }

    fn port(&self) -> Answer<Option<u16>> {
        let port = self.text(&["ansible_port", "ansible_ssh_port"])?;
        let Some(port) = port.or(self.keyword(|context| context.port.as_ref())?) else {
            return Ok(self.reaching.port());
        };
        match port.trim().parse() {
            Ok(port) => Ok(Some(port)),
            Err(_) => Err(Failure::new(format!("the port {port:?} is not a number")).into()),
        }
    }

    fn docker(&self) -> Answer<Docker> {
        let user = self.text(&["ansible_user"])?.or(self.keyword(|context| context.remote_user.as_ref())?);
        Ok(Docker {
            container: self
                .text(&["inventory_hostname", "ansible_host", "ansible_docker_host"])?
                .unwrap_or_else(|| self.host.to_owned()),
            user: user.or_else(|| self.reaching.remote_user()),
            extra_args: self.text(&["ansible_docker_extra_args"])?,
        })
    }

    fn at_home(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), &self.settings.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        }
    }

    /// Returns the value of the last of these variables that is set; null is not.
    fn variable(&self, names: &[&str]) -> Answer<Option<Value>> {
        for name in names.iter().rev() {
            let value = match self.scope.lookup(name) {
                Some(Found::Data(value)) => value,
                Some(Found::Written(node)) => match self.template.render(&node, self.scope) {
                    Ok(rendered) => rendered.value,
                    Err(error) if error.kind == rplay_template::ErrorKind::Omitted => continue,
                    Err(error) => return Err(error.into()),
                },
                Some(Found::Scope(_)) | None => continue,
            };
            if !value.is_none() && !value.is_omit() {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn text(&self, names: &[&str]) -> Answer<Option<String>> {
        Ok(self.variable(names)?.map(|value| value.text()))
    }

    fn inherited(&self, keyword: Inherited) -> Answer<Option<Value>> {
        Ok(self.context.keyword(keyword, |node| Ok(self.template.render(node, self.own)?.value))?)
    }

    fn keyword(&self, keyword: Inherited) -> Answer<Option<String>> {
        Ok(self.inherited(keyword)?.map(|value| value.text()))
    }
}

fn truth(value: &Value) -> bool {
    value.as_str().map_or_else(|| value.is_truthy(), is_true)
}
