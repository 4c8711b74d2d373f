use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use rplay_event::Span;

use super::ranges::expand_pattern;
use super::{Inventory, InventoryError, literal, words};

/// What a section of an inventory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Hosts,
    Children,
    Vars,
}

/// A group that something names and nothing has declared yet.
struct Pending {
    line: u32,
    section: Section,
    parents: Vec<String>,
}

struct Ini<'a> {
    inventory: &'a mut Inventory,
    file: Arc<str>,
    pending: IndexMap<String, Pending>,
    group: String,
    section: Section,
    line: u32,
}

/// Reads an inventory in INI. Source of the rules: `ansible/plugins/inventory/ini.py`.
pub(super) fn parse(inventory: &mut Inventory, path: &Path, bytes: &[u8]) -> Result<(), InventoryError> {
    let mut ini = Ini {
        inventory,
        file: path.display().to_string().into(),
        pending: IndexMap::new(),
        group: "ungrouped".to_owned(),
        section: Section::Hosts,
        line: 0,
    };
    for line in lines(bytes) {
        ini.line += 1;
        let read = line.and_then(|line| ini.line(line.trim()));
        read.map_err(|error| error.at(&ini.span()))?;
    }
    ini.nothing_pending()
}

/// Returns the lines; only a comment may be other than UTF-8.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Result<&str, InventoryError>> {
    bytes.split(|byte| *byte == b'\n').flat_map(|line| line.split(|byte| *byte == b'\r')).map(|line| {
        match std::str::from_utf8(line) {
            Ok(line) => Ok(line),
            Err(_) if matches!(line.first(), Some(b'#' | b';')) => Ok(""),
            Err(error) => Err(InventoryError::new(format!("not UTF-8 text: {error}"))),
        }
    })
}

impl Ini<'_> {
    fn span(&self) -> Span {
        Span::new(Arc::clone(&self.file), self.line, 1)
    }

    fn line(&mut self, line: &str) -> Result<(), InventoryError> {
        if line.is_empty() || line.starts_with(['#', ';']) {
            return Ok(());
        }
        if let Some((name, kind)) = section(line) {
            return self.begin(name, kind);
        }
        if line.starts_with('[') && line.ends_with(']') {
            return Err(InventoryError::new(format!(
                "Invalid section entry: '{line}'. Please make sure that there are no spaces in the section entry, and that \
                 there are no other invalid characters"
            )));
        }
        match self.section {
            Section::Hosts => self.hosts(line),
            Section::Vars => self.variable(line),
            Section::Children => self.child(line),
        }
    }

    fn begin(&mut self, name: &str, kind: Option<&str>) -> Result<(), InventoryError> {
        self.section = match kind {
            None | Some("hosts") => Section::Hosts,
            Some("children") => Section::Children,
            Some("vars") => Section::Vars,
            Some(other) => {
                return Err(InventoryError::new(format!(
                    "Section [{name}:{other}] has unknown type: {other}"
                )));
            }
        };
        self.group = self.inventory.safe_name(name);
        let group = self.group.clone();
        if !self.inventory.groups.contains_key(group.as_str()) {
            if self.section == Section::Vars && !self.pending.contains_key(&group) {
                let pending = Pending { line: self.line, section: Section::Vars, parents: Vec::new() };
                self.pending.insert(group.clone(), pending);
            }
            self.inventory.add_group(&group)?;
        }
        if self.section != Section::Vars {
            match self.pending.get(&group).map(|pending| pending.section) {
                Some(Section::Children) => self.adopt(&group)?,
                Some(_) => {
                    self.pending.shift_remove(&group);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Hands a group to the parents that named it before it was declared.
    fn adopt(&mut self, group: &str) -> Result<(), InventoryError> {
        let Some(pending) = self.pending.shift_remove(group) else { return Ok(()) };
        for parent in pending.parents {
            self.inventory.add_child(&parent, group)?;
            if self.pending.get(&parent).is_some_and(|pending| pending.section == Section::Children) {
                self.adopt(&parent)?;
            }
        }
        Ok(())
    }

    fn hosts(&mut self, line: &str) -> Result<(), InventoryError> {
        let words = words::split(line)
            .map_err(|why| InventoryError::new(format!("Error parsing host definition '{line}': {why}")))?;
        let Some((pattern, assignments)) = words.split_first() else {
            return Err(InventoryError::new(format!("Error parsing host definition '{line}'")));
        };
        let (hosts, port) = expand_pattern(pattern)?;
        if pattern.trim().ends_with(':') && port.is_none() {
            return Err(InventoryError::new(format!(
                "Invalid host pattern '{pattern}' supplied, ending in ':' is not allowed, this character is reserved to \
                 provide a port."
            )));
        }
        if hosts.iter().any(|host| host.trim() == "---") {
            return Err(InventoryError::new(format!(
                "Invalid host pattern '{pattern}' supplied, '---' is normally a sign this is a YAML file."
            )));
        }
        let span = self.span();
        let mut vars = IndexMap::new();
        for assignment in assignments {
            let Some((name, value)) = assignment.split_once('=') else {
                let message = format!("Expected key=value host variable assignment, got: {assignment}");
                return Err(InventoryError::new(message));
            };
            vars.insert(name, literal::value(value, &span));
        }
        for host in hosts {
            self.inventory.add_host(&host, Some(&self.group), port)?;
            for (name, value) in &vars {
                self.inventory.set_variable(&host, name, value.clone())?;
            }
        }
        Ok(())
    }

    fn variable(&mut self, line: &str) -> Result<(), InventoryError> {
        let Some((name, value)) = line.split_once('=') else {
            return Err(InventoryError::new(format!("Expected key=value, got: {line}")));
        };
        let value = literal::value(value.trim(), &self.span());
        self.inventory.set_variable(&self.group, name.trim(), value)
    }

    fn child(&mut self, line: &str) -> Result<(), InventoryError> {
        let Some(child) = group_name(line) else {
            return Err(InventoryError::new(format!("Expected group name, got: {line}")));
        };
        if self.inventory.groups.contains_key(child) {
            return self.inventory.add_child(&self.group, child).map(drop);
        }
        let (line, parent) = (self.line, self.group.clone());
        let pending = || Pending { line, section: Section::Children, parents: Vec::new() };
        self.pending.entry(child.to_owned()).or_insert_with(pending).parents.push(parent);
        Ok(())
    }

    fn nothing_pending(&self) -> Result<(), InventoryError> {
        let Some((name, pending)) = self.pending.first() else { return Ok(()) };
        let message = match pending.section {
            Section::Children => {
                let parent = pending.parents.last().map(String::as_str).unwrap_or_default();
                format!("Section [{parent}:children] includes undefined group '{name}'.")
            }
            _ => format!("Section [{name}:vars] not valid for undefined group '{name}'."),
        };
        Err(InventoryError::new(message).at(&Span::new(Arc::clone(&self.file), pending.line, 1)))
    }
}

/// Returns name and kind of `[name:kind]`, with a comment or nothing behind it.
fn section(line: &str) -> Option<(&str, Option<&str>)> {
    let (inner, rest) = line.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start();
    if !(rest.is_empty() || rest.starts_with('#')) {
        return None;
    }
    let (name, kind) = match inner.split_once(':') {
        Some((name, kind)) => (name, Some(kind)),
        None => (inner, None),
    };
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    let is_kind =
        kind.is_none_or(|kind| !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || c == '_'));
    (is_name && is_kind).then_some((name, kind))
}

/// Returns the name on a line of `:children`, which may have a comment behind it.
fn group_name(line: &str) -> Option<&str> {
    let end = line.find(|c: char| c.is_whitespace() || matches!(c, ':' | ']')).unwrap_or(line.len());
    let (name, rest) = line.split_at_checked(end)?;
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        return Some(name).filter(|name| !name.is_empty());
    }
    // The comment began within the word.
    name.rsplit_once('#').map(|(name, _)| name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::GroupNames;

    fn read(text: &str) -> Result<Inventory, InventoryError> {
        let mut inventory = Inventory::new(GroupNames::Never, false, "");
        parse(&mut inventory, Path::new("hosts"), text.as_bytes())?;
        inventory.reconcile();
        Ok(inventory)
    }

    fn vars(vars: &super::super::data::Vars) -> serde_json::Value {
        let own = vars.iter().filter(|(name, _)| !name.starts_with("inventory_"));
        own.map(|(name, value)| (name.to_string(), value.to_json())).collect::<serde_json::Map<_, _>>().into()
    }

    #[test]
    fn hosts_have_their_variables_typed_and_groups_as_literals_too() {
        let text = "a:2222 x=1 y='{{ z }}' l=\"['p', 2]\" # why\n[web]\nb[1:2]\n[web:vars]\nport=80 # c\nname = a b\n";
        let inventory = read(text).expect("an inventory");
        assert_eq!(
            vars(&inventory.hosts["a"].vars),
            json!({"ansible_port": 2222, "x": 1, "y": "{{ z }}", "l": ["p", 2]})
        );
        assert_eq!(vars(&inventory.groups["web"].vars), json!({"port": 80, "name": "a b"}));
        assert_eq!(inventory.hosts.keys().map(|name| &**name).collect::<Vec<_>>(), ["a", "b1", "b2"]);
    }

    #[test]
    fn children_may_be_declared_after_their_parents() {
        let text = "[top:children]\nmid\n[mid:children]\nlow # below\n[low]\na\n";
        let inventory = read(text).expect("an inventory");
        let groups = inventory.groups_of(&inventory.hosts["a"]);
        let names = inventory.group_names(&groups);
        assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), ["low", "mid", "top"]);
        assert_eq!(inventory.groups["low"].depth, 3);
    }

    #[test]
    fn what_cannot_be_read_says_where_and_why() {
        for (text, line, why) in [
            ("[a:what]\n", 1, "Section [a:what] has unknown type: what"),
            ("\n[a:vars]\nx=1\n", 2, "Section [a:vars] not valid for undefined group 'a'."),
            ("[a:children]\nb\n", 2, "Section [a:children] includes undefined group 'b'."),
            ("a b\n", 1, "Expected key=value host variable assignment, got: b"),
            ("[a]\n[a:vars]\nx\n", 3, "Expected key=value, got: x"),
            ("a x='1\n", 1, "Error parsing host definition 'a x='1': No closing quotation"),
            (
                "---\n",
                1,
                "Invalid host pattern '---' supplied, '---' is normally a sign this is a YAML file.",
            ),
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.message, why);
            assert_eq!(error.span.map(|span| span.line), Some(line), "{text}");
        }
    }

    #[test]
    fn a_comment_may_be_of_any_bytes_and_nothing_else() {
        let mut inventory = Inventory::new(GroupNames::Never, false, "");
        parse(&mut inventory, Path::new("hosts"), b"# \xff\na\n").expect("a comment");
        parse(&mut inventory, Path::new("hosts"), b"\xff\n").expect_err("no text");
    }
}
