//! What rplay does not have and this machine does: modules of the playbook, of roles and of collections, and filters,
//! tests and lookups written for Ansible in Python.
//!
//! A module runs through the protocol that Ansible uses for its kind. Plugins run in one Python process, Ansible's own
//! templating around them; it is started when the first one is asked for.

mod foreign;
mod interpreter;
mod places;
mod plugin_host;
mod protocol;
mod routing;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rplay_template::{PluginCall, PluginKind};
use serde_json::Value as Json;

use crate::child::Children;
use crate::emit::Emitter;
use crate::settings::Settings;
pub(crate) use foreign::ForeignCall;
use interpreter::Interpreter;
pub(crate) use places::Foreign;
use places::{Places, own_name};
use plugin_host::PluginHost;
use routing::Routings;

/// Returns the Pythons that hosts are said to have.
type Pythons = Box<dyn Fn() -> BTreeSet<String> + Send + Sync>;

/// The modules and plugins of a run that are not rplay's own.
pub(crate) struct Fallthrough {
    places: Places,
    children: Arc<Children>,
    environment: Arc<BTreeMap<String, String>>,
    folder: PathBuf,
    emitter: Emitter,
    random: fn(&mut [u8]),
    says: bool,
    /// The Python that a setting names, which may be a way to find one.
    named: Option<String>,
    hosts: OnceLock<Pythons>,
    python: OnceLock<Option<Interpreter>>,
    modules: Mutex<HashMap<String, Option<Foreign>>>,
    routings: Routings,
    plugins: Mutex<HashMap<(PluginKind, String), bool>>,
    plugin_host: Mutex<Option<PluginHost>>,
    said: Mutex<BTreeSet<String>>,
}

impl Fallthrough {
    pub(crate) fn new(settings: &Settings, children: Arc<Children>, emitter: Emitter) -> Self {
        Self {
            places: Places::new(settings),
            children,
            environment: Arc::clone(&settings.environment),
            folder: settings.folder.clone(),
            emitter,
            random: settings.random,
            says: settings.verbosity > 0,
            named: settings.config.text("INTERPRETER_PYTHON"),
            hosts: OnceLock::new(),
            python: OnceLock::new(),
            modules: Mutex::default(),
            routings: Routings::default(),
            plugins: Mutex::default(),
            plugin_host: Mutex::default(),
            said: Mutex::default(),
        }
    }

    /// Lets the Pythons count that hosts are said to have; they are asked for when a Python is needed.
    pub(crate) fn among(&self, pythons: Pythons) {
        self.hosts.get_or_init(|| pythons);
    }

    /// Returns the module of that name, if there is one on this machine.
    pub(crate) fn module(&self, name: &str) -> Option<Foreign> {
        if let Some(known) = lock(&self.modules).get(name) {
            return known.clone();
        }
        let found = self.found(name, routing::LONGEST);
        lock(&self.modules).insert(name.to_owned(), found.clone());
        found
    }

    /// Looks for a module, following at most so many names that lead to others.
    fn found(&self, name: &str, steps: usize) -> Option<Foreign> {
        // What a collection says of its names counts before what lies in it; a short name is first one of a library's.
        if own_name(name).is_some()
            && let Some(module) = self.places.module(name)
        {
            return Some(module);
        }
        if let Some(next) = self.next(name) {
            return steps.checked_sub(1).and_then(|steps| self.found(&next, steps));
        }
        self.places.module(name).or_else(|| self.installed(name)?.module(name))
    }

    /// Returns the name that a module's name leads to by what ansible-core or its collection says of it.
    fn next(&self, name: &str) -> Option<String> {
        if let Some(bare) = own_name(name) {
            let routing = self.routings.of(&self.installed(name)?.routing());
            return routing.module(bare).map(str::to_owned);
        }
        let mut parts = name.splitn(3, '.');
        let (namespace, collection, inner) = (parts.next()?, parts.next()?, parts.next()?);
        let below = format!("ansible_collections/{namespace}/{collection}");
        let home = |folder: &PathBuf| Some(folder.join(&below)).filter(|home| home.is_dir());
        let here = self.places.collections().iter().find_map(home);
        let home = here.or_else(|| self.installed(name)?.collections.iter().find_map(home))?;
        self.routings.of(&home.join("meta/runtime.yml")).module(inner).map(str::to_owned)
    }

    /// Returns the full name that Ansible means by a module's name, whether it is on this machine or not.
    pub(crate) fn meant(&self, name: &str) -> Option<String> {
        let first = self.next(name)?;
        let names = std::iter::successors(Some(first), |name| self.next(name));
        names.take(routing::LONGEST).last()
    }

    /// Returns Ansible's package where it may have what a name means; asking Python costs a process.
    fn installed(&self, name: &str) -> Option<&Interpreter> {
        Places::may_be_installed(name).then(|| self.python()).flatten()
    }

    /// Returns the Python that has Ansible's package.
    fn python(&self) -> Option<&Interpreter> {
        let find = || {
            let of_hosts = self.hosts.get().map(|pythons| pythons()).unwrap_or_default();
            interpreter::find(
                &self.children,
                &self.environment,
                self.named.clone().into_iter().chain(of_hosts),
            )
        };
        self.python.get_or_init(find).as_ref()
    }

    /// Returns whether Ansible has a plugin of that name here.
    pub(crate) fn has_plugin(&self, kind: PluginKind, name: &str) -> bool {
        if !self.places.may_have_plugin(kind, name) && !self.leads_on(kind, name) {
            return false;
        }
        let key = (kind, name.to_owned());
        if let Some(known) = lock(&self.plugins).get(&key) {
            return *known;
        }
        let asked = serde_json::json!({ "ask": "has", "kind": kind.name(), "name": name });
        let has = self.ask(&asked).is_ok_and(|has| has == Json::Bool(true));
        lock(&self.plugins).insert(key, has);
        has
    }

    /// Returns whether ansible-core says of a short name that a collection has the plugin.
    fn leads_on(&self, kind: PluginKind, name: &str) -> bool {
        let routing = own_name(name).and_then(|bare| {
            let routing = self.routings.of(&self.installed(name)?.routing());
            routing.plugin(kind, bare).map(str::to_owned)
        });
        routing.is_some()
    }

    /// Calls a plugin.
    pub(crate) fn call_plugin(&self, call: &PluginCall) -> Result<Json, String> {
        self.say(&format!("{} '{}' runs in Python, by Ansible's package", call.kind.name(), call.name));
        self.ask(&serde_json::json!({
            "ask": "call", "kind": call.kind.name(), "name": call.name,
            "args": call.args, "named": call.named, "variables": call.variables,
        }))
    }

    fn ask(&self, asked: &Json) -> Result<Json, String> {
        let mut plugin_host = lock(&self.plugin_host);
        if plugin_host.is_none() {
            let python = self.python().ok_or_else(interpreter::missing)?;
            let folders = self.places.plugin_folders();
            let collections = self.collections(Some(python));
            let hello = serde_json::json!({ "collections": collections, "folders": folders });
            let started =
                PluginHost::start(python, &self.children, self.env(), &self.folder, &hello, self.random);
            *plugin_host = Some(started?);
        }
        let answer = plugin_host.as_mut().map(|host| host.ask(asked));
        match answer {
            Some(Ok(answer)) => answer,
            Some(Err(ended)) => {
                *plugin_host = None;
                Err(ended)
            }
            None => Err(interpreter::missing()),
        }
    }

    /// Says at -v that something runs in Ansible's way, once.
    fn say(&self, message: &str) {
        if self.says && lock(&self.said).insert(message.to_owned()) {
            self.emitter.emit(rplay_event::Kind::Notice { message: message.to_owned() });
        }
    }

    fn env(&self) -> Vec<(String, String)> {
        self.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Returns the folders that hold `ansible_collections`.
    fn collections(&self, python: Option<&Interpreter>) -> Vec<PathBuf> {
        let installed = python.map(|python| python.collections.clone()).unwrap_or_default();
        self.places.collections().iter().cloned().chain(installed).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
