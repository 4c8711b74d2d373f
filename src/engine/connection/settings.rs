use std::path::PathBuf;
use std::sync::Arc;

use rplay_config::Config;
use rplay_module::Secret;
use serde_json::Value;

use super::elevation::Method;
use crate::settings::{Connecting, Settings};

/// How hosts are reached and which user acts there, as the command line over the configuration says it.
///
/// Variables (`ansible_host` and the like) and keywords go before all of this.
pub(crate) struct ConnectionSettings {
    connecting: Connecting,
    config: Arc<Config>,
    pub(super) agent: AgentProgram,
}

/// The program that becomes an agent on a host.
#[derive(Clone, Debug, Default)]
pub struct AgentProgram {
    /// rplay itself; sent to hosts that do not have it yet.
    pub file: PathBuf,
    /// What makes it an agent.
    pub args: Vec<String>,
}

impl ConnectionSettings {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            connecting: settings.connecting.clone(),
            config: Arc::clone(&settings.config),
            agent: settings.agent.clone(),
        }
    }

    /// Returns what hosts are reached by that do not say it themselves.
    pub(super) fn transport(&self) -> String {
        let own = self.connecting.connection.clone();
        own.or_else(|| self.config.text("DEFAULT_TRANSPORT")).unwrap_or_else(|| "ssh".to_owned())
    }

    pub(super) fn remote_user(&self) -> Option<String> {
        self.connecting.user.clone().or_else(|| self.config.text("DEFAULT_REMOTE_USER"))
    }

    pub(super) fn port(&self) -> Option<u16> {
        self.config.int("DEFAULT_REMOTE_PORT").and_then(|port| u16::try_from(port).ok())
    }

    pub(super) fn private_key(&self) -> Option<PathBuf> {
        let own = self.connecting.private_key.clone();
        own.or_else(|| self.config.text("DEFAULT_PRIVATE_KEY_FILE").map(PathBuf::from))
    }

    /// Returns how many seconds a connection may take to stand.
    pub(super) fn timeout(&self) -> u64 {
        let own = self.connecting.timeout.map(u64::from);
        own.or_else(|| self.ssh_number("timeout")).unwrap_or(10)
    }

    pub(super) fn password(&self) -> Option<Secret<String>> {
        self.connecting.password.clone()
    }

    pub(super) fn elevates(&self) -> bool {
        self.connecting.become_enabled || self.config.flag("DEFAULT_BECOME")
    }

    pub(super) fn become_method(&self) -> String {
        let own = self.connecting.become_method.clone();
        own.or_else(|| self.config.text("DEFAULT_BECOME_METHOD")).unwrap_or_else(|| "sudo".to_owned())
    }

    pub(super) fn become_user(&self, method: Method) -> String {
        let own = self.connecting.become_user.clone();
        own.or_else(|| self.become_option(method, "become_user")).unwrap_or_else(|| "root".to_owned())
    }

    pub(super) fn become_password(&self, method: Method) -> Option<Secret<String>> {
        let own = self.connecting.become_password.clone();
        own.or_else(|| self.become_option(method, "become_pass").map(Secret::new))
    }

    pub(super) fn become_option(&self, method: Method, name: &str) -> Option<String> {
        self.option("become", method.name(), name)
    }

    /// Returns whether become is used even for the user one is.
    pub(super) fn becomes_same_user(&self) -> bool {
        self.config.flag("BECOME_ALLOW_SAME_USER")
    }

    /// Returns an option of ssh: the command line's, else the configuration's.
    pub(super) fn ssh(&self, name: &str) -> Option<String> {
        let own = match name {
            "ssh_common_args" => self.connecting.ssh_common_args.clone(),
            "ssh_extra_args" => self.connecting.ssh_extra_args.clone(),
            _ => None,
        };
        own.or_else(|| self.option("connection", "ssh", name))
    }

    pub(super) fn ssh_number(&self, name: &str) -> Option<u64> {
        self.config.option("connection", "ssh", name)?.value.as_u64()
    }

    pub(super) fn host_key_checking(&self) -> bool {
        let found = self.config.option("connection", "ssh", "host_key_checking");
        found.and_then(|found| found.value.as_bool()).unwrap_or(true)
    }

    pub(super) fn shell_option(&self, name: &str) -> Option<String> {
        self.option("shell", "sh", name)
    }

    /// Returns the shell of hosts.
    pub(super) fn shell(&self) -> String {
        self.config.text("DEFAULT_EXECUTABLE").unwrap_or_else(|| "/bin/sh".to_owned())
    }

    fn option(&self, kind: &str, plugin: &str, name: &str) -> Option<String> {
        match &self.config.option(kind, plugin, name)?.value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

/// Returns whether a text means yes, as Ansible's configuration reads it.
pub(super) fn is_true(text: &str) -> bool {
    matches!(text.trim().to_lowercase().as_str(), "yes" | "y" | "on" | "true" | "t" | "1" | "1.0")
}
