//! What playbooks were once written with, in today's words.

use rplay_event::Span;

use crate::reading::Reading;
use crate::words;
use crate::{Data, Mapping, Node, Warning};

/// Returns the entries of a task or a block with old words replaced.
pub(crate) fn task(reading: &mut Reading<'_>, mapping: &Mapping) -> Option<Mapping> {
    let mut entries = Entries::new(reading, mapping)?;
    entries.privileges();
    entries.always_run();
    entries.include();
    Some(Mapping { entries: entries.entries })
}

/// Returns the entries of a play with old words replaced.
pub(crate) fn play(reading: &mut Reading<'_>, mapping: &Mapping) -> Option<Mapping> {
    let mut entries = Entries::new(reading, mapping)?;
    entries.privileges();
    entries.rename("user", "remote_user");
    entries.include_playbook();
    Some(Mapping { entries: entries.entries })
}

/// The words that are replaced here.
const OLD: [&str; 8] = ["sudo", "sudo_user", "su", "su_user", "always_run", "include", "static", "user"];

struct Entries<'a, 'b> {
    reading: &'a mut Reading<'b>,
    entries: Vec<(Node, Node)>,
}

impl<'a, 'b> Entries<'a, 'b> {
    /// Takes the entries, unless there is nothing old in them.
    fn new(reading: &'a mut Reading<'b>, mapping: &Mapping) -> Option<Self> {
        let is_old = |key: &Node| key.as_str().is_some_and(|name| OLD.contains(&name));
        mapping.iter().any(|(key, _)| is_old(key)).then(|| Self { reading, entries: mapping.entries.clone() })
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|(key, _)| key.as_str() == Some(name))
    }

    fn has(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    fn take(&mut self, name: &str) -> Option<(Node, Node)> {
        Some(self.entries.remove(self.position(name)?))
    }

    fn deprecated(&mut self, message: &str, span: &Span, help: &str) {
        self.reading.warn(Warning::deprecated(message, span).help(help));
    }

    /// Writes a word as today's, where that is not there as well.
    fn rename(&mut self, old: &str, new: &str) -> Option<Span> {
        let at = self.position(old).filter(|_| !self.has(new))?;
        let (key, _) = self.entries.get_mut(at)?;
        let span = key.span.clone();
        *key = Node::text(new, &span);
        if old == "user" {
            let message = "The use of 'user' is deprecated, and should be removed";
            self.reading.warn(Warning::hint(message, &span).help("write `remote_user`"));
        } else {
            self.deprecated(&format!("`{old}` is an old form of `{new}`"), &span, &format!("write `{new}`"));
        }
        Some(span)
    }

    fn privileges(&mut self) {
        for (old, new) in
            [("sudo", "become"), ("su", "become"), ("sudo_user", "become_user"), ("su_user", "become_user")]
        {
            let renamed = self.rename(old, new);
            if let Some(span) = renamed.filter(|_| old == "su" && !self.has("become_method")) {
                self.entries.push((Node::text("become_method", &span), Node::text("su", &span)));
            }
        }
    }

    /// Reads `always_run: yes`, which is to run in check mode as well.
    fn always_run(&mut self) {
        let flag = self.position("always_run").and_then(|at| self.entries.get(at)?.1.to_flag());
        let Some(flag) = flag.filter(|_| !self.has("check_mode")) else { return };
        let Some((key, value)) = self.take("always_run") else { return };
        self.deprecated(
            "`always_run: true` is an old form of `check_mode: false`",
            &key.span,
            "write `check_mode`",
        );
        if flag {
            self.entries.push((Node::text("check_mode", &key.span), Node::bool(false, &value.span)));
        }
    }

    /// Reads `include:` in a list of tasks: an import, but for what is only known when the task runs.
    fn include(&mut self) {
        let is_static = self.position("static").and_then(|at| self.entries.get(at)?.1.to_flag());
        let Some(at) = self.position("include") else { return self.replace_static() };
        let loops = self
            .entries
            .iter()
            .any(|(key, _)| key.as_str().is_some_and(|name| name == "loop" || name.starts_with("with_")));
        let Some((key, value)) = self.entries.get(at).cloned() else { return };
        let dynamic = loops || value.may_be_template() || is_static == Some(false);
        let action = if dynamic && is_static != Some(true) { "include_tasks" } else { "import_tasks" };
        let file = self.included(&value);
        let message = "`include` is an old form of `include_tasks` and `import_tasks`";
        self.deprecated(message, &key.span, &format!("write `{action}`"));
        if let Some(entry) = self.entries.get_mut(at) {
            *entry = (Node::text(action, &key.span), file);
        }
        self.take("static");
    }

    /// Reads `static:` beside an action that is one of two: its name says today whether it is static.
    fn replace_static(&mut self) {
        const PAIRS: [(&str, &str); 2] = [("include_tasks", "import_tasks"), ("include_role", "import_role")];
        let pair = PAIRS.iter().find_map(|(include, import)| {
            let at = self.position(include).or_else(|| self.position(import))?;
            Some((at, *include, *import))
        });
        let Some((at, include, import)) = pair else { return };
        let Some(flag) = self.position("static").and_then(|at| self.entries.get(at)?.1.to_flag()) else {
            return;
        };
        let action = if flag { import } else { include };
        if let Some((key, _)) = self.entries.get_mut(at) {
            *key = Node::text(action, &key.span.clone());
        }
        if let Some((key, _)) = self.take("static") {
            self.deprecated(
                &format!("`static: {flag}` is an old form of `{action}`"),
                &key.span,
                &format!("write `{action}`"),
            );
        }
    }

    /// Reads `include:` in a playbook.
    fn include_playbook(&mut self) {
        let Some(at) = self.position("include") else { return };
        let Some((key, value)) = self.entries.get(at).cloned() else { return };
        let file = self.included(&value);
        self.deprecated(
            "`include` is an old form of `import_playbook`",
            &key.span,
            "write `import_playbook`",
        );
        if let Some(entry) = self.entries.get_mut(at) {
            *entry = (Node::text("import_playbook", &key.span), file);
        }
    }

    /// Returns the file of an old include; the `key=value` words behind it become tags and variables.
    fn included(&mut self, value: &Node) -> Node {
        let Some(found) = value.as_str().and_then(|text| words::words(text, false).ok()) else {
            return value.clone();
        };
        if found.named.is_empty() {
            return value.clone();
        }
        let node = |text: String| Node::text(text, &value.span);
        let mut vars = match self.take("vars").map(|(_, vars)| vars.data) {
            Some(Data::Map(mapping)) => Mapping::clone(&mapping),
            _ => Mapping::default(),
        };
        for (name, word) in found.named {
            if name == "tags" {
                self.entries.push((node(name), node(word)));
            } else {
                vars.set(node(name), node(word));
            }
        }
        self.entries.push((node("vars".to_owned()), Node::map(vars, &value.span)));
        found.free_form.map_or_else(|| Node::null(&value.span), node)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{is_action, task};
    use crate::{Entry, Node, WarningKind, parse_playbook};

    #[test]
    fn an_old_include_is_an_import_unless_it_depends_on_the_run() {
        let cases = [
            ("- include: x.yml", "import_tasks"),
            ("- include: x.yml\n  with_items: [1]", "include_tasks"),
            ("- include: '{{ x }}.yml'", "include_tasks"),
            ("- include: '{{ x }}.yml'\n  static: yes", "import_tasks"),
            ("- include: x.yml\n  static: no", "include_tasks"),
            ("- include_tasks: x.yml\n  static: yes", "import_tasks"),
            ("- import_role: {name: x}\n  static: no", "include_role"),
        ];
        for (text, action) in cases {
            let (task, warnings) = task(text);
            assert_eq!(&*task.action.name, action, "{text}");
            assert_eq!(warnings.len(), 1, "{text}");
            assert_eq!(warnings[0].kind, WarningKind::Deprecated);
            assert_eq!(warnings[0].help.as_deref(), Some(&*format!("write `{action}`")), "{text}");
        }
    }

    #[test]
    fn words_behind_an_old_include_are_variables_and_tags() {
        let (task, _) = task("- include: x.yml a=1 b='c d' tags=t\n  vars: {e: f}\n");
        assert_eq!(task.args.free_form.as_ref().and_then(Node::as_str), Some("x.yml"));
        let vars = Node::map(crate::Mapping::clone(&task.keywords.vars), &task.span).to_json();
        assert_eq!(vars, json!({"e": "f", "a": "1", "b": "c d"}));
        assert_eq!(task.keywords.tags.iter().filter_map(Node::as_str).collect::<Vec<_>>(), ["t"]);
    }

    #[test]
    fn privileges_have_new_names() {
        let (task, warnings) = task("- debug:\n  sudo: yes\n  sudo_user: a\n");
        assert_eq!(task.keywords.become_enabled.as_ref().map(Node::to_json), Some(json!(true)));
        assert_eq!(task.keywords.become_user.as_ref().map(Node::to_json), Some(json!("a")));
        let said: Vec<_> = warnings.iter().map(|warning| (&*warning.message, warning.span.line)).collect();
        assert_eq!(
            said,
            [("`sudo` is an old form of `become`", 2), ("`sudo_user` is an old form of `become_user`", 3)]
        );
        let (task, _) = crate::testing::task("- debug:\n  su: yes\n");
        assert_eq!(task.keywords.become_method.as_ref().map(Node::to_json), Some(json!("su")));
    }

    #[test]
    fn what_always_ran_is_never_only_checked() {
        let (task, _) = task("- debug:\n  always_run: yes\n");
        assert_eq!(task.keywords.check_mode.as_ref().map(Node::to_json), Some(json!(false)));
    }

    #[test]
    fn an_old_include_in_a_playbook_brings_in_a_playbook() {
        let text = "- include: x.yml a=1\n  when: b\n- hosts: c\n  user: d\n";
        let loaded = parse_playbook("p.yml", text, &is_action).expect("the playbook is right");
        let [Entry::ImportPlaybook(import), Entry::Play(play)] = loaded.value.entries.as_slice() else {
            panic!("an import and a play")
        };
        assert_eq!((import.path.as_str(), import.keywords.when.len()), (Some("x.yml"), 1));
        assert_eq!(import.keywords.vars.get("a").and_then(Node::as_str), Some("1"));
        assert_eq!(play.keywords.remote_user.as_ref().and_then(Node::as_str), Some("d"));
    }
}
