use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;
use rplay_event::Span;
use rplay_syntax::{Mapping, Node};
use rplay_template::{Found, Scope, Value};

use super::{merge_nodes, plain_node};

/// Values that are never templates, by name.
pub(crate) type Data = IndexMap<Arc<str>, Value>;

/// Variables as the user wrote them, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    names: IndexMap<Arc<str>, Node>,
    /// They come from a vault or from a file called `secret.yml`.
    pub(crate) secret: bool,
    /// Where not all of them are secret: those that are.
    secrets: HashSet<Arc<str>>,
}

impl Written {
    pub(crate) fn new(mapping: &Mapping, secret: bool) -> Self {
        let entries = mapping.entries.iter();
        let names = entries.map(|(key, value)| (Arc::from(&*key.key_text()), value.clone())).collect();
        Self { names, secret, secrets: HashSet::new() }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.keys()
    }

    /// Returns names and values in the order of the names, to compare them.
    pub(crate) fn sorted(&self) -> String {
        let mut pairs: Vec<String> =
            self.names.iter().map(|(name, value)| format!("{name}={}", value.to_json())).collect();
        pairs.sort();
        pairs.join(",")
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Arc<str>, &Node)> {
        self.names.iter()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.names.get(name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn is_secret(&self, name: &str) -> bool {
        (self.secret && self.names.contains_key(name)) || self.secrets.contains(name)
    }

    /// Sets a variable that is no secret.
    pub(crate) fn set(&mut self, name: &str, value: Node) {
        self.names.insert(name.into(), value);
    }

    /// Lays other variables over these.
    pub(crate) fn lay(&mut self, over: &Self) {
        self.lay_merging(over, false);
    }

    /// Lays other variables over these; with `merge` mappings of one name are merged.
    pub(crate) fn lay_merging(&mut self, over: &Self, merge: bool) {
        self.lay_vars(&over.names, merge);
        let secret = over.names.keys().filter(|name| over.is_secret(name));
        self.secrets.extend(secret.cloned());
    }

    /// Lays variables that are no secrets over these.
    pub(crate) fn lay_vars(&mut self, over: &IndexMap<Arc<str>, Node>, merge: bool) {
        for (name, value) in over {
            match self.names.get_mut(name) {
                Some(below) if merge => *below = merge_nodes(below, value),
                Some(below) => *below = value.clone(),
                None => {
                    self.names.insert(Arc::clone(name), value.clone());
                }
            }
        }
    }
}

/// Ansible's levels of precedence, the strongest first.
///
/// Source: the list under "Understanding variable precedence" in Ansible's user guide, turned round; loop variables and
/// magic variables, which stand above them all, are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Magic,
    LoopVars,
    ExtraVars,
    IncludeParams,
    RoleParams,
    SetFactsAndRegistered,
    IncludeVars,
    TaskVars,
    BlockVars,
    RoleVars,
    VarsFiles,
    /// `vars_prompt` is laid over `vars` here.
    PlayVars,
    HostFacts,
    /// Of the host itself, in the inventory and in `host_vars/`: see [`crate::inventory::Layering`].
    Host,
    /// Of its groups, in the inventory and in `group_vars/`.
    Groups,
    RoleDefaults,
    /// What a task knows of its connection where nothing says it.
    Connection,
}

/// One layer of a scope.
#[derive(Clone)]
pub(crate) enum Layer {
    Written(Arc<Written>),
    Data(Arc<Data>),
    Magic(Arc<dyn Scope>),
}

impl Level {
    /// Returns what this level shares with others: of those only the strongest counts when mappings are merged.
    fn family(self) -> Option<u8> {
        match self {
            Self::IncludeParams => Some(1),
            Self::SetFactsAndRegistered => Some(2),
            Self::TaskVars | Self::BlockVars => Some(3),
            _ => None,
        }
    }
}

impl Layer {
    fn lookup(&self, name: &str) -> Option<Found> {
        match self {
            Self::Written(written) => written.names.get(name).cloned().map(Found::Written),
            Self::Data(data) => data.get(name).cloned().map(Found::Data),
            Self::Magic(scope) => scope.lookup(name),
        }
    }
}

/// The variables that one task sees on one host.
#[derive(Clone, Default)]
pub(crate) struct Stack {
    /// Sorted by level; within a level the one pushed last is the stronger.
    layers: Vec<(Level, Layer)>,
    folders: Arc<[String]>,
    /// `hash_behaviour = merge`: mappings of one name are merged, not replaced.
    merge: bool,
}

impl Stack {
    pub(crate) fn new(folders: Arc<[String]>) -> Self {
        Self { layers: Vec::new(), folders, merge: false }
    }

    /// Sets whether mappings of one name are merged.
    pub(crate) fn merge(&mut self, merge: bool) {
        self.merge = merge;
    }

    /// Returns what a name stands for, with mappings of weaker levels merged into that of the strongest.
    fn merged(&self, name: &str) -> Option<Found> {
        let mut merged: Option<Node> = None;
        let mut family = None;
        for (level, layer) in &self.layers {
            let here = level.family();
            if here.is_some() && family == here {
                continue;
            }
            let Some(found) = layer.lookup(name) else { continue };
            let node = match &found {
                Found::Written(node) => node.clone(),
                Found::Data(value) => plain_node(value, &Span::new("<data>", 0, 0)),
                Found::Scope(_) => return merged.map(Found::Written).or(Some(found)),
            };
            let is_mapping = matches!(node.data, rplay_syntax::Data::Map(_));
            match merged {
                None if !is_mapping || *level < Level::ExtraVars => return Some(found),
                None => merged = Some(node),
                Some(_) if !is_mapping => break,
                Some(over) => merged = Some(merge_nodes(&node, &over)),
            }
            family = here.or(family);
        }
        merged.map(Found::Written)
    }

    /// Puts a layer at its level, above what is there at the same level.
    pub(crate) fn push(&mut self, level: Level, layer: Layer) {
        let at = self.layers.partition_point(|(other, _)| *other < level);
        self.layers.insert(at, (level, layer));
    }

    pub(crate) fn data(&mut self, level: Level, data: &Arc<Data>) {
        if !data.is_empty() {
            self.push(level, Layer::Data(Arc::clone(data)));
        }
    }

    pub(crate) fn written(&mut self, level: Level, written: &Arc<Written>) {
        if !written.is_empty() {
            self.push(level, Layer::Written(Arc::clone(written)));
        }
    }

    /// Returns the same variables with one layer more.
    pub(crate) fn with(&self, level: Level, data: Data) -> Self {
        let mut stack = self.clone();
        stack.push(level, Layer::Data(Arc::new(data)));
        stack
    }

    /// Returns the data layers of a level.
    pub(crate) fn at(&self, level: Level) -> Vec<Arc<Data>> {
        let layers = self.layers.iter().filter(|(other, _)| *other == level);
        layers
            .filter_map(
                |(_, layer)| if let Layer::Data(data) = layer { Some(Arc::clone(data)) } else { None },
            )
            .collect()
    }

    pub(crate) fn shared(self) -> Arc<dyn Scope> {
        Arc::new(self)
    }
}

impl Scope for Stack {
    fn lookup(&self, name: &str) -> Option<Found> {
        if self.merge {
            return self.merged(name);
        }
        self.layers.iter().find_map(|(_, layer)| layer.lookup(name))
    }

    fn hosts_matching(&self, patterns: &[String]) -> Option<Result<Vec<String>, String>> {
        self.layers.iter().find_map(|(_, layer)| match layer {
            Layer::Magic(scope) => scope.hosts_matching(patterns),
            _ => None,
        })
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (_, layer) in &self.layers {
            match layer {
                Layer::Written(written) => names.extend(written.names().map(ToString::to_string)),
                Layer::Data(data) => names.extend(data.keys().map(ToString::to_string)),
                Layer::Magic(scope) => names.extend(scope.names()),
            }
        }
        names.sort();
        names.dedup();
        names
    }

    fn is_secret(&self, name: &str) -> bool {
        let holder = self.layers.iter().find(|(_, layer)| match layer {
            Layer::Written(written) => written.names.contains_key(name),
            Layer::Data(data) => data.contains_key(name),
            Layer::Magic(scope) => scope.lookup(name).is_some(),
        });
        matches!(holder, Some((_, Layer::Written(written))) if written.is_secret(name))
    }

    fn search_path(&self) -> Vec<String> {
        self.folders.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(value: i64) -> Layer {
        let value = Value::from_json(serde_json::json!(value));
        Layer::Data(Arc::new(Data::from_iter([(Arc::from("name"), value)])))
    }

    fn seen(stack: &Stack) -> Option<i64> {
        match stack.lookup("name") {
            Some(Found::Data(value)) => value.as_i64(),
            _ => None,
        }
    }

    const LEVELS: [Level; 17] = [
        Level::Magic,
        Level::LoopVars,
        Level::ExtraVars,
        Level::IncludeParams,
        Level::RoleParams,
        Level::SetFactsAndRegistered,
        Level::IncludeVars,
        Level::TaskVars,
        Level::BlockVars,
        Level::RoleVars,
        Level::VarsFiles,
        Level::PlayVars,
        Level::HostFacts,
        Level::Host,
        Level::Groups,
        Level::RoleDefaults,
        Level::Connection,
    ];

    #[test]
    fn of_two_neighbouring_levels_the_stronger_is_seen_in_whichever_order_they_come() {
        for pair in LEVELS.windows(2) {
            let [strong, weak] = pair else { continue };
            for order in [[(*strong, 1), (*weak, 2)], [(*weak, 2), (*strong, 1)]] {
                let mut stack = Stack::default();
                order.into_iter().for_each(|(level, value)| stack.push(level, layer(value)));
                assert_eq!(seen(&stack), Some(1), "{strong:?} over {weak:?}");
            }
        }
    }

    #[test]
    fn mappings_are_merged_where_the_settings_say_so_but_not_those_of_tasks_and_blocks() {
        let layer = |json: serde_json::Value| {
            Layer::Data(Arc::new(Data::from_iter([(Arc::from("name"), Value::from_json(json))])))
        };
        let mut stack = Stack::default();
        stack.merge(true);
        stack.push(Level::Groups, layer(serde_json::json!({"a": 1, "b": {"x": 1}})));
        stack.push(Level::BlockVars, layer(serde_json::json!({"block": 1})));
        stack.push(Level::TaskVars, layer(serde_json::json!({"b": {"y": 2}})));
        let Some(Found::Written(node)) = stack.lookup("name") else { panic!("a merged mapping") };
        assert_eq!(node.to_json(), serde_json::json!({"a": 1, "b": {"x": 1, "y": 2}}));
    }

    #[test]
    fn within_a_level_the_last_one_is_seen() {
        let mut stack = Stack::default();
        stack.push(Level::BlockVars, layer(1));
        stack.push(Level::BlockVars, layer(2));
        assert_eq!(seen(&stack), Some(2));
    }
}
