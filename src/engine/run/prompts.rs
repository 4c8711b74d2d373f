use std::io::IsTerminal as _;
use std::sync::Arc;

use rplay_event::Fault;
use rplay_syntax::{Node, VarsPrompt};
use rplay_template::Value;
use serde_json::json;

use super::task::is_true;
use super::{Runner, Stop};
use crate::load::LoadedPlay;
use crate::scopes::Data;

/// One question, with its words rendered.
struct Question {
    name: String,
    prompt: Option<String>,
    default: Option<Value>,
    private: bool,
    confirm: bool,
    encrypt: Option<String>,
    salt_size: Option<String>,
    salt: Option<String>,
    takes_templates: bool,
}

impl Runner {
    /// Asks for the variables of `vars_prompt` that the command line does not set.
    ///
    /// Source of the rules: `do_var_prompt` of `ansible/utils/display.py`.
    pub(super) fn prompts(&self, loaded: &LoadedPlay) -> Result<Data, Stop> {
        let mut typed = Data::new();
        for prompt in &loaded.head.play.vars_prompt {
            let question = self.question(loaded, prompt)?;
            if self.extra.iter().any(|extra| extra.names().any(|name| **name == *question.name)) {
                continue;
            }
            let answer = self.answer(loaded, prompt, &question)?;
            typed.insert(question.name.as_str().into(), answer);
        }
        Ok(typed)
    }

    fn question(&self, loaded: &LoadedPlay, prompt: &VarsPrompt) -> Result<Question, Stop> {
        let nothing = Arc::new(Data::new());
        let value = |node: &Option<Node>| -> Result<Option<Value>, Stop> {
            let value = node.as_ref().map(|node| self.in_play(loaded, &nothing, node)).transpose()?;
            Ok(value.filter(|value| !value.is_none()))
        };
        let text = |node: &Option<Node>| Ok::<_, Stop>(value(node)?.map(|value| value.text()));
        let flag = |node: &Option<Node>, default: bool| {
            Ok::<_, Stop>(value(node)?.map_or(default, |value| is_true(&value)))
        };
        let name = self.in_play(loaded, &nothing, &prompt.name)?.text();
        Ok(Question {
            prompt: text(&prompt.prompt)?.or_else(|| Some(name.clone())),
            default: value(&prompt.default)?,
            private: flag(&prompt.private, true)?,
            confirm: flag(&prompt.confirm, false)?,
            encrypt: text(&prompt.encrypt)?,
            salt_size: text(&prompt.salt_size)?,
            salt: text(&prompt.salt)?,
            takes_templates: !flag(&prompt.unsafe_text, false)?,
            name,
        })
    }

    fn answer(&self, loaded: &LoadedPlay, prompt: &VarsPrompt, question: &Question) -> Result<Value, Stop> {
        let typed = if std::io::stdin().is_terminal() {
            self.typed(question)
        } else {
            self.emitter.warn("Not prompting as we are not in interactive mode");
            None
        };
        let answer = match (typed.filter(|typed| !typed.is_empty()), &question.default) {
            (Some(typed), _) => typed,
            (None, Some(default)) => default.text(),
            // What is not answered is what Python makes a text of nothing.
            (None, None) if std::io::stdin().is_terminal() => String::new(),
            (None, None) => "None".to_owned(),
        };
        let answer = match &question.encrypt {
            Some(method) => self.encrypted(&answer, method, question, prompt)?,
            None => answer,
        };
        if question.private {
            self.emitter.masker().add(&answer);
        }
        if question.takes_templates && answer.contains("{{") {
            let node = Node::text(answer, &prompt.span);
            return self.in_play(loaded, &Arc::new(Data::new()), &node);
        }
        Ok(Value::from_json(json!(answer)))
    }

    fn typed(&self, question: &Question) -> Option<String> {
        let words = match (&question.prompt, &question.default) {
            (Some(prompt), Some(default)) => format!("{prompt} [{}]: ", default.text()),
            (Some(prompt), None) => format!("{prompt}: "),
            (None, _) => format!("input for {}: ", question.name),
        };
        loop {
            let first = self.ask(&words, question.private)?;
            if !question.confirm {
                return Some(first);
            }
            if self.ask(&format!("confirm {words}"), question.private)? == first {
                return Some(first);
            }
            self.emit(rplay_event::Kind::Said {
                message: "***** VALUES ENTERED DO NOT MATCH ****".to_owned(),
            });
        }
    }

    fn ask(&self, words: &str, hidden: bool) -> Option<String> {
        (self.settings.ask)(words, hidden)
    }

    /// Hashes an answer with `password_hash`, as templates have it.
    fn encrypted(
        &self,
        answer: &str,
        method: &str,
        question: &Question,
        prompt: &VarsPrompt,
    ) -> Result<String, Stop> {
        let mut options = vec![format!("{}", json!(method))];
        if let Some(salt) = &question.salt {
            options.push(format!("salt={}", json!(salt)));
        }
        if let Some(size) = &question.salt_size {
            options.push(format!("salt_size={size}"));
        }
        let expression = format!("{{{{ rplay_answer | password_hash({}) }}}}", options.join(", "));
        let mut stack = crate::scopes::Stack::default();
        let data = Data::from_iter([(Arc::from("rplay_answer"), Value::from_json(json!(answer)))]);
        stack.data(crate::scopes::Level::PlayVars, &Arc::new(data));
        let rendered = self.template.render(&Node::text(expression, &prompt.span), &stack.shared());
        let rendered = rendered.map_err(|error| {
            let span = prompt.encrypt.as_ref().map_or(&prompt.span, |node| &node.span);
            Stop::from(Fault::new(error.to_string()).at(span).kind(rplay_event::FaultKind::Setup))
        })?;
        Ok(rendered.value.text())
    }
}
