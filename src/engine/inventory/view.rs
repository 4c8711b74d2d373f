//! What an inventory comes to, as `ansible-inventory` shows it. Source of the forms: `ansible/cli/inventory.py`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use rplay_event::{Fault, FaultKind, Kind, Masker};
use rplay_syntax::{Data, Node, Origin};
use rplay_template::Engine;
use serde_json::{Map, Value as Json, json};

use super::data::{Entry, Group, Inventory};
use super::vars_files::Whose;
use crate::child::Children;
use crate::emit::{Emitter, Sink};
use crate::fallthrough::Fallthrough;
use crate::hosts::{Hosts, Tools};
use crate::load::{Duplicates, Reader, Sources};
use crate::outside::Outside;
use crate::scopes::Written;
use crate::settings::Settings;
use crate::vault;

/// What is Ansible's own and no inventory's.
const INTERNAL: [&str; 5] =
    ["group_names", "inventory_dir", "inventory_file", "inventory_hostname", "inventory_hostname_short"];

/// An inventory that was read to be shown.
pub struct InventoryView {
    hosts: Hosts,
    template: Engine,
    extra: Arc<Vec<Arc<Written>>>,
    sources: Vec<PathBuf>,
    /// The folder that stands for a playbook's.
    folder: String,
    /// Whether that folder was asked for: then `group_vars/` in it are exported too.
    asked: bool,
    /// Variables are shown where they were set, not where they end up.
    export: bool,
}

impl InventoryView {
    /// Reads the inventory.
    ///
    /// # Errors
    /// The exit code; the faults have been told to the sink.
    pub fn open(settings: &Settings, export: bool, sink: Sink) -> Result<Self, u8> {
        let emitter = Emitter::new(Masker::default(), sink);
        let sources = Arc::new(Sources::default());
        Self::read(settings, export, &emitter, &sources).map_err(|fault| {
            let code = fault.kind.exit_code();
            emitter.emit(Kind::Fault { fault: sources.explain(fault) });
            code
        })
    }

    fn read(
        settings: &Settings,
        export: bool,
        emitter: &Emitter,
        sources: &Arc<Sources>,
    ) -> Result<Self, Fault> {
        let children = Arc::new(Children::default());
        let (vaults, warnings) = vault::collect(settings, &children);
        warnings.into_iter().for_each(|warning| emitter.warn(warning));
        let vaults = Arc::new(vaults.map_err(|error| error.fault())?);
        let masker = emitter.masker().clone();
        let fallthrough = Arc::new(Fallthrough::new(settings, Arc::clone(&children), emitter.clone()));
        let outside =
            Outside::new(settings, fallthrough, Arc::clone(&children), Arc::clone(&vaults), masker.clone());
        let template = Engine::new(rplay_template::Settings::default(), Arc::new(outside));
        let duplicates = Duplicates::named(settings.config.text("DUPLICATE_YAML_DICT_KEY").as_deref());
        let reader = Reader { sources: Arc::clone(sources), vaults, masker, duplicates };
        let extra = Arc::new(reader.extra_vars(&settings.extra_vars, emitter)?);
        let tools = Tools {
            reader: &reader,
            emitter,
            template: &template,
            children: &children,
            extra: &extra,
            env: settings.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        };
        let hosts = Hosts::open(settings, &tools)?;
        let folder = settings.playbook_dir.as_ref().unwrap_or(&settings.folder);
        Ok(Self {
            hosts,
            template,
            extra,
            sources: super::folders(&settings.folder, &settings.inventory),
            folder: settings.folder.join(folder).display().to_string(),
            asked: settings.playbook_dir.is_some(),
            export,
        })
    }

    /// Returns the variables of the one host that a pattern means.
    ///
    /// # Errors
    /// A pattern that means no host or several; files of variables that cannot be read.
    pub fn host(&self, pattern: &str) -> Result<Json, Fault> {
        let found = self.hosts.matching_any(&[pattern.to_owned()])?;
        let [host] = found.as_slice() else {
            let message = "You must pass a single valid host to --host parameter";
            return Err(Fault::new(message).kind(FaultKind::Options));
        };
        Ok(plain(&self.host_vars(&host.name)?, false))
    }

    /// Returns hosts, groups and `_meta.hostvars`, as a program that prints an inventory does.
    ///
    /// # Errors
    /// A limit that means nothing; files of variables that cannot be read.
    pub fn list(&self) -> Result<Json, Fault> {
        let available = self.available()?;
        let mut list = Map::new();
        self.list_group(0, &available, &mut HashSet::new(), &mut list)?;
        let mut hostvars = Map::new();
        for host in &available {
            let vars = self.host_vars(host)?;
            if !vars.is_empty() {
                hostvars.insert(host.to_string(), plain(&vars, true));
            }
        }
        list.insert("_meta".to_owned(), json!({ "hostvars": hostvars, "profile": "inventory_legacy" }));
        Ok(Json::Object(list))
    }

    fn list_group(
        &self,
        at: usize,
        available: &[Arc<str>],
        seen: &mut HashSet<usize>,
        list: &mut Map<String, Json>,
    ) -> Result<(), Fault> {
        let Some(group) = self.hosts.read(|inventory| inventory.group(at).cloned()) else { return Ok(()) };
        let mut shown = Map::new();
        if at != 0 {
            shown.insert("hosts".to_owned(), json!(self.members(&group, available)));
        }
        let children = self.hosts.read(|inventory| names_of(inventory, &group));
        shown.insert("children".to_owned(), json!(children));
        for child in &group.children {
            if !seen.contains(child) {
                self.list_group(*child, available, seen, list)?;
                seen.insert(*child);
            }
        }
        if self.export {
            shown.insert("vars".to_owned(), plain(&self.group_vars(&group)?, true));
        }
        shown.retain(|_, value| !is_empty(value));
        if !shown.is_empty() {
            list.insert(group.name.to_string(), Json::Object(shown));
        }
        Ok(())
    }

    /// Returns groups within groups, as an inventory in YAML has them; each host's variables stand where it comes first.
    ///
    /// # Errors
    /// A limit that means nothing; files of variables that cannot be read.
    pub fn tree(&self) -> Result<Json, Fault> {
        let available = self.available()?;
        let mut walk = Walk { available, hosts: HashSet::new(), groups: HashSet::new() };
        Ok(Json::Object(self.tree_group(0, &mut walk)?))
    }

    fn tree_group(&self, at: usize, walk: &mut Walk) -> Result<Map<String, Json>, Fault> {
        let Some(group) = self.hosts.read(|inventory| inventory.group(at).cloned()) else {
            return Ok(Map::new());
        };
        let mut children = Map::new();
        for child in &group.children {
            if walk.groups.contains(child) {
                let name =
                    self.hosts.read(|inventory| inventory.group(*child).map(|group| group.name.to_string()));
                children.insert(name.unwrap_or_default(), json!({}));
            } else {
                children.extend(self.tree_group(*child, walk)?);
                walk.groups.insert(*child);
            }
        }
        let mut shown = Map::from_iter([("children".to_owned(), Json::Object(children))]);
        if at != 0 {
            shown.insert("hosts".to_owned(), Json::Object(self.first_vars(&group, walk)?));
        }
        if self.export {
            shown.insert("vars".to_owned(), plain(&self.group_vars(&group)?, false));
        }
        shown.retain(|_, value| !is_empty(value));
        let named = (!shown.is_empty()).then(|| (group.name.to_string(), Json::Object(shown)));
        Ok(named.into_iter().collect())
    }

    /// Returns the hosts of a group, with variables where they were not shown before.
    fn first_vars(&self, group: &Group, walk: &mut Walk) -> Result<Map<String, Json>, Fault> {
        let mut hosts = Map::new();
        for host in self.members(group, &walk.available) {
            let vars = if walk.hosts.insert(Arc::clone(&host)) {
                plain(&self.host_vars(&host)?, false)
            } else {
                json!({})
            };
            hosts.insert(host.to_string(), vars);
        }
        Ok(hosts)
    }

    /// Returns groups beside each other, as an inventory in TOML has them.
    ///
    /// # Errors
    /// A limit that means nothing; files of variables that cannot be read.
    pub fn tables(&self) -> Result<Json, Fault> {
        let mut walk = Walk { available: self.available()?, hosts: HashSet::new(), groups: HashSet::new() };
        let mut tables = Map::new();
        self.table(0, &mut walk, &mut tables)?;
        Ok(Json::Object(tables))
    }

    fn table(&self, at: usize, walk: &mut Walk, tables: &mut Map<String, Json>) -> Result<(), Fault> {
        let Some(group) = self.hosts.read(|inventory| inventory.group(at).cloned()) else { return Ok(()) };
        let lonely =
            self.hosts.read(|inventory| inventory.group(1).is_some_and(|group| !group.hosts.is_empty()));
        let mut below = Map::new();
        let shown_children = group.children.iter().filter(|child| **child != 1 || lonely);
        let mut children = Vec::new();
        for child in shown_children {
            if at != 0 {
                children.extend(
                    self.hosts.read(|inventory| inventory.group(*child).map(|group| Arc::clone(&group.name))),
                );
            }
            self.table(*child, walk, &mut below)?;
        }
        let mut shown = Map::from_iter([("children".to_owned(), json!(children))]);
        if at != 0 {
            shown.insert("hosts".to_owned(), Json::Object(self.first_vars(&group, walk)?));
        }
        if self.export {
            shown.insert("vars".to_owned(), plain(&self.group_vars(&group)?, false));
        }
        shown.retain(|_, value| !is_empty(value));
        if !shown.is_empty() {
            tables.insert(group.name.to_string(), Json::Object(shown));
        }
        tables.extend(below);
        Ok(())
    }

    /// Returns a drawing of a group and what is below it.
    ///
    /// # Errors
    /// A group that is not there; files of variables that cannot be read.
    pub fn graph(&self, group: &str, vars: bool) -> Result<String, Fault> {
        let Some(at) = self.hosts.read(|inventory| inventory.groups.get_index_of(group)) else {
            let message = "Pattern must be valid group name when using --graph";
            return Err(Fault::new(message).kind(FaultKind::Options));
        };
        let mut lines = Vec::new();
        self.draw(at, 0, vars, &mut lines)?;
        Ok(lines.join("\n"))
    }

    fn draw(&self, at: usize, depth: usize, vars: bool, lines: &mut Vec<String>) -> Result<(), Fault> {
        let Some(group) = self.hosts.read(|inventory| inventory.group(at).cloned()) else { return Ok(()) };
        lines.push(branch(&format!("@{}:", group.name), depth));
        for child in &group.children {
            self.draw(*child, depth + 1, vars, lines)?;
        }
        let hosts =
            if at == 0 { Vec::new() } else { self.hosts.read(|inventory| hosts_of(inventory, &group)) };
        for host in hosts {
            lines.push(branch(&host, depth + 1));
            if vars {
                draw_vars(&self.host_vars(&host)?, depth + 2, lines);
            }
        }
        if vars {
            draw_vars(&self.group_vars(&group)?, depth + 1, lines);
        }
        Ok(())
    }

    /// Returns the hosts that the limit leaves.
    fn available(&self) -> Result<Vec<Arc<str>>, Fault> {
        let matched = self.hosts.matching(&["all".to_owned()])?;
        Ok(matched.hosts.iter().map(|host| Arc::clone(&host.name)).collect())
    }

    fn members(&self, group: &Group, available: &[Arc<str>]) -> Vec<Arc<str>> {
        let available: HashSet<&Arc<str>> = available.iter().collect();
        let hosts = self.hosts.read(|inventory| hosts_of(inventory, group));
        hosts.into_iter().filter(|host| available.contains(host)).collect()
    }

    fn host_vars(&self, name: &str) -> Result<Vec<(Arc<str>, Node)>, Fault> {
        let Some(host) = self.hosts.get(name) else { return Ok(Vec::new()) };
        let mut laid = Written::default();
        if self.export {
            let entry: Option<Entry> = self.hosts.read(|inventory| inventory.hosts.get(&host.name).cloned());
            entry.iter().for_each(|entry| laid.lay_vars(&entry.vars, self.hosts.files().merge()));
            self.lay_files(Whose::Host, &host.name, &mut laid)?;
        } else {
            let layers = self.hosts.inventory_layers(&host, Some(&self.folder))?;
            laid.lay_merging(&layers.groups, false);
            laid.lay_merging(&layers.host, self.hosts.files().merge());
            self.extra.iter().for_each(|extra| laid.lay_merging(extra, self.hosts.files().merge()));
        }
        Ok(sorted(&laid))
    }

    fn group_vars(&self, group: &Group) -> Result<Vec<(Arc<str>, Node)>, Fault> {
        let mut laid = Written::default();
        laid.lay_vars(&group.vars, self.hosts.files().merge());
        self.lay_files(Whose::Group, &group.name, &mut laid)?;
        let mut vars = sorted(&laid);
        if group.priority != 1 {
            let span = rplay_event::Span::new(Arc::clone(&group.name), 0, 0);
            vars.push(("ansible_group_priority".into(), Node::int(group.priority, &span)));
            vars.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        Ok(vars)
    }

    fn lay_files(&self, whose: Whose, name: &str, laid: &mut Written) -> Result<(), Fault> {
        let asked = PathBuf::from(&self.folder);
        for base in self.sources.iter().chain(self.asked.then_some(&asked)) {
            let base = std::fs::canonicalize(base).unwrap_or_else(|_| base.clone());
            for file in self.hosts.files().vars(&base, whose, name)? {
                laid.lay_merging(&file, self.hosts.files().merge());
            }
        }
        Ok(())
    }

    /// Returns the engine of templates, which also writes YAML.
    pub fn engine(&self) -> &Engine {
        &self.template
    }
}

/// What a walk through the groups has shown.
struct Walk {
    available: Vec<Arc<str>>,
    hosts: HashSet<Arc<str>>,
    groups: HashSet<usize>,
}

fn names_of(inventory: &Inventory, group: &Group) -> Vec<Arc<str>> {
    group
        .children
        .iter()
        .filter_map(|child| inventory.group(*child))
        .map(|child| Arc::clone(&child.name))
        .collect()
}

fn hosts_of(inventory: &Inventory, group: &Group) -> Vec<Arc<str>> {
    let hosts = group.hosts.iter().filter_map(|host| inventory.hosts.get_index(*host));
    hosts.map(|(name, _)| Arc::clone(name)).collect()
}

/// Returns the variables that are an inventory's, by name.
fn sorted(laid: &Written) -> Vec<(Arc<str>, Node)> {
    let own = laid.entries().filter(|(name, _)| !INTERNAL.contains(&&***name));
    let mut vars: Vec<(Arc<str>, Node)> =
        own.map(|(name, value)| (Arc::clone(name), value.clone())).collect();
    vars.sort_by(|(one, _), (other, _)| one.cmp(other));
    vars
}

fn is_empty(value: &Json) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

fn branch(text: &str, depth: usize) -> String {
    if depth == 0 { text.to_owned() } else { format!("{}--{text}", "  |".repeat(depth)) }
}

fn draw_vars(vars: &[(Arc<str>, Node)], depth: usize, lines: &mut Vec<String>) {
    for (name, value) in vars {
        let value = rplay_template::Value::from_json(value.to_json()).text();
        lines.push(branch(&format!("{{{name} = {value}}}"), depth));
    }
}

fn plain(vars: &[(Arc<str>, Node)], marked: bool) -> Json {
    Json::Object(vars.iter().map(|(name, value)| (name.to_string(), shown(value, marked))).collect())
}

/// Returns a value as JSON; with `marked`, what is no template says so. The envelope of a vault always does.
fn shown(node: &Node, marked: bool) -> Json {
    match &node.data {
        Data::Text(text) => match text.origin {
            Origin::Vault => json!({ "__ansible_vault": &*text.text }),
            Origin::Unsafe if marked => json!({ "__ansible_unsafe": &*text.text }),
            _ => Json::from(&*text.text),
        },
        Data::Seq(items) => items.iter().map(|item| shown(item, marked)).collect(),
        Data::Map(mapping) => Json::Object(
            mapping.iter().map(|(key, value)| (key.key_text().into_owned(), shown(value, marked))).collect(),
        ),
        _ => node.to_json(),
    }
}
