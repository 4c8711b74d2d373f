use rplay_event::Fault;
use rplay_syntax::Entry;
use serde_json::{Value, json};

use super::bare;
use super::tree::{Imported, LoadedPlay, Loader};
use crate::settings::Adhoc;

/// What the playbook of an ad-hoc task is called.
pub(crate) const PLAYBOOK: &str = "__adhoc_playbook__";

impl Loader {
    /// Makes the play that an ad-hoc task stands for; paths in it begin at `folder`.
    pub(crate) fn adhoc(&self, adhoc: &Adhoc, folder: &str) -> Result<Vec<LoadedPlay>, Vec<Fault>> {
        let name = format!("<adhoc '{}' task>", adhoc.module);
        // What is written as JSON reads the same as YAML.
        let text = json!([play(adhoc)]).to_string();
        // What Ansible shows of the task when it fails is what it has made of the command line.
        self.reader.sources.keep(&name, &format!("{}\n", shown(adhoc)));
        let loaded = rplay_syntax::parse_playbook(&name, &text, &*self.is_action)?;
        let plays = loaded.value.entries.into_iter().filter_map(|entry| match entry {
            Entry::Play(play) => Some(self.play(*play, &Imported::default(), folder, PLAYBOOK)),
            Entry::ImportPlaybook(_) => None,
        });
        plays.collect()
    }
}

fn shown(adhoc: &Adhoc) -> String {
    let args = match mapping(adhoc) {
        Some(args) => args,
        None if matches!(bare(&adhoc.module), "command" | "raw" | "script" | "shell") => {
            json!({ "_raw_params": adhoc.args })
        }
        None => {
            let pairs = rplay_syntax::key_values(&adhoc.args).unwrap_or_default();
            pairs.into_iter().map(|(name, value)| (name, Value::from(value))).collect()
        }
    };
    let mut task = json!({ "action": adhoc.module, "args": args, "timeout": adhoc.timeout });
    if let Some(task) = task.as_object_mut().filter(|_| adhoc.background > 0 || adhoc.poll > 0) {
        task.insert("async_val".to_owned(), adhoc.background.into());
        task.insert("poll".to_owned(), adhoc.poll.into());
    }
    rplay_template::Value::from_json(task).text()
}

/// The parameters, where they are given as a JSON mapping.
fn mapping(adhoc: &Adhoc) -> Option<Value> {
    let mapping = adhoc.args.starts_with('{') && adhoc.args.ends_with('}');
    mapping.then(|| serde_json::from_str(&adhoc.args).ok()).flatten()
}

fn play(adhoc: &Adhoc) -> Value {
    let args = match mapping(adhoc) {
        Some(args) => args,
        None if adhoc.args.trim().is_empty() => Value::Null,
        None => Value::from(adhoc.args.as_str()),
    };
    let mut task = json!({ adhoc.module.as_str(): args });
    if let Some(task) = task.as_object_mut() {
        if adhoc.background > 0 && !bare(&adhoc.module).starts_with("include_") {
            task.insert("async".to_owned(), adhoc.background.into());
            task.insert("poll".to_owned(), adhoc.poll.into());
        }
        if adhoc.timeout > 0 {
            task.insert("timeout".to_owned(), adhoc.timeout.into());
        }
    }
    json!({ "name": "Ansible Ad-Hoc", "hosts": adhoc.pattern, "gather_facts": false, "tasks": [task] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(module: &str, args: &str) -> Value {
        let adhoc = Adhoc {
            pattern: "all".to_owned(),
            module: module.to_owned(),
            args: args.to_owned(),
            background: 0,
            poll: 15,
            timeout: 0,
        };
        play(&adhoc)["tasks"][0].clone()
    }

    #[test]
    fn parameters_are_words_or_a_mapping_or_none() {
        assert_eq!(task("shell", "echo {{ a }}"), json!({ "shell": "echo {{ a }}" }));
        assert_eq!(task("debug", r#"{"msg": 1}"#), json!({ "debug": { "msg": 1 } }));
        assert_eq!(task("debug", "{{ x }}"), json!({ "debug": "{{ x }}" }));
        assert_eq!(task("ping", ""), json!({ "ping": null }));
    }
}
