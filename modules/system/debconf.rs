use rplay_module::{Action, Choice, Cx, Deed, Diff, DiffSide, Effect, Failure, InCheck, Params, Result};
use serde_json::{Map, Value, json};

use crate::program::{self, Order};

/// Answers a question of a Debian package before it is asked.
#[derive(Params)]
#[params(required_together("question", "vtype", "value"))]
pub(crate) struct DebconfParams {
    /// The package.
    #[param(alias = "pkg")]
    name: String,
    /// The question; omitted the package's answers are only told.
    #[param(alias = "selection", alias = "setting")]
    question: Option<String>,
    /// The kind of the answer.
    vtype: Option<Kind>,
    /// The answer; of several choices a list.
    #[param(alias = "answer")]
    value: Option<Value>,
    /// Whether the question counts as not yet asked.
    #[param(default = false)]
    unseen: bool,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Boolean,
    Error,
    Multiselect,
    Note,
    Password,
    Seen,
    Select,
    String,
    Text,
    Title,
}

/// An answer that differs from the one that is there.
struct Answer<'a> {
    question: &'a str,
    kind: Kind,
    /// As it is told, and as it is given to debconf.
    value: Value,
    text: String,
}

/// What debconf has, and what shall be otherwise.
struct Work<'a> {
    there: Map<String, Value>,
    answer: Option<Answer<'a>>,
}

impl DebconfParams {
    async fn work(&self, cx: &Cx) -> Result<Work<'_>> {
        let there = self.there(cx).await?;
        let (Some(question), Some(kind), Some(value)) = (&self.question, self.vtype, &self.value) else {
            return Ok(Work { there, answer: None });
        };
        let mut answer = Answer { question, kind, value: value.clone(), text: plain(value) };
        if kind == Kind::Boolean {
            answer.text = answer.text.to_lowercase();
            answer.value = Value::from(answer.text.as_str());
        }
        let several = value.as_array().filter(|_| kind == Kind::Multiselect);
        if let Some(choices) = several {
            let mut choices: Vec<String> = choices.iter().map(plain).collect();
            choices.sort();
            answer.text = choices.join(", ");
            answer.value = Value::from(answer.text.as_str());
        }
        let same = match there.get(question.as_str()).and_then(Value::as_str) {
            None => false,
            Some(existing) => match kind {
                Kind::Boolean => existing.to_lowercase() == answer.text,
                Kind::Password => self.password(cx, question).await? == answer.text,
                _ if several.is_some() => {
                    let mut existing: Vec<&str> = existing.split(',').map(str::trim).collect();
                    existing.sort_unstable();
                    existing.join(", ") == answer.text
                }
                _ => existing == answer.text,
            },
        };
        Ok(Work { there, answer: (!same).then_some(answer) })
    }

    /// Returns the package's answers by their question.
    async fn there(&self, cx: &Cx) -> Result<Map<String, Value>> {
        let ran = Order::new([program::require(cx, "debconf-show")?.as_str(), &self.name]).run(cx).await?;
        if !ran.ok() {
            return Err(Failure::new(ran.err));
        }
        let pairs = ran.out.lines().filter_map(|line| line.split_once(':'));
        Ok(pairs
            .map(|(key, value)| (key.trim_matches('*').trim().to_owned(), Value::from(value.trim())))
            .collect())
    }

    /// Returns a password, which `debconf-show` does not tell.
    async fn password(&self, cx: &Cx, question: &str) -> Result<String> {
        let ran = Order::new([program::require(cx, "debconf-get-selections")?]).run(cx).await?;
        if !ran.ok() {
            let message = format!("Failed to get the value '{question}' from '{}': {}", self.name, ran.err);
            return Err(Failure::new(message));
        }
        let lines = ran.out.lines().filter(|line| line.starts_with(&self.name));
        let fields = lines.map(|line| line.split('\t').collect::<Vec<_>>());
        Ok(fields
            .filter(|fields| fields.get(1) == Some(&question) && fields.get(2) == Some(&"password"))
            .find_map(|fields| fields.get(3).map(|&password| password.to_owned()))
            .unwrap_or_default())
    }

    async fn set(&self, cx: &Cx, answer: &Answer<'_>) -> Result<String> {
        let mut order = Order::new([program::require(cx, "debconf-set-selections")?]);
        if self.unseen {
            order = order.arg("-u");
        }
        let line = [&self.name, answer.question, answer.kind.as_str(), &answer.text].join(" ");
        let ran = order.stdin(line).run(cx).await?;
        if ran.ok() { Ok(ran.out) } else { Err(Failure::new(ran.err)) }
    }
}

/// What is no text is written as Python writes it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}

impl Work<'_> {
    fn deed(&self, msg: &str) -> Deed {
        let Some(answer) = &self.answer else {
            return Deed::new(false, json!({ "msg": msg, "current": self.there }));
        };
        let current = json!({ answer.question: answer.value });
        let mut before = self.there.clone();
        match self.there.get(answer.question) {
            Some(old) => before = Map::from_iter([(answer.question.to_owned(), old.clone())]),
            None => drop(before.insert(answer.question.to_owned(), Value::from(""))),
        }
        let mut after = before.clone();
        after.insert(answer.question.to_owned(), answer.value.clone());
        let mut deed = Deed::new(true, json!({ "msg": msg, "current": current, "previous": before }));
        deed.diff.push(Diff {
            before: DiffSide::Data(Value::Object(before)),
            after: DiffSide::Data(Value::Object(after)),
            before_header: None,
            after_header: None,
            prepared: None,
        });
        deed
    }
}

pub(crate) struct Debconf;

impl Action for Debconf {
    type Params = DebconfParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &DebconfParams) -> Result<Deed> {
        Ok(p.work(cx).await?.deed(""))
    }

    async fn perform(&self, cx: &Cx, p: &DebconfParams) -> Result<Deed> {
        let work = p.work(cx).await?;
        let msg = match &work.answer {
            Some(answer) => p.set(cx, answer).await?,
            None => String::new(),
        };
        Ok(work.deed(&msg))
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::{Exit, Mode};
    use serde_json::json;

    use crate::tests::Bench;

    fn bench() -> Bench {
        let shown = b"* p/ask: false\n  p/many: b, a\n* p/word: old\n".to_vec();
        let bench = Bench::answering("debconf-show", &Exit { stdout: shown, ..Exit::default() });
        let set = bench.path("set").display().to_string();
        bench.script("debconf-set-selections", &format!("cat > '{set}'"));
        bench
    }

    #[tokio::test]
    async fn an_answer_that_is_there_is_kept() {
        for (question, vtype, value) in [
            ("p/ask", "boolean", json!(false)),
            ("p/many", "multiselect", json!(["b", "a"])),
            ("p/word", "string", json!("old")),
        ] {
            let bench = bench();
            let args = json!({ "name": "p", "question": question, "vtype": vtype, "value": value });
            let kept = bench.run("debconf", &args, Mode::Apply).await;
            assert!(!kept.changed && !bench.path("set").exists(), "{question}: {:?}", kept.failure);
        }
    }

    #[tokio::test]
    async fn another_answer_is_foretold_and_given() {
        let bench = bench();
        let args = json!({ "pkg": "p", "question": "p/word", "vtype": "string", "value": "new" });
        let foretold = bench.run("debconf", &args, Mode::Check).await;
        assert!(foretold.changed && !bench.path("set").exists(), "{:?}", foretold.failure);
        let done = bench.run("debconf", &args, Mode::Apply).await;
        assert_eq!(bench.read("set"), "p p/word string new");
        assert_eq!(
            (&done.result["previous"], &done.result["current"]),
            (&json!({ "p/word": "old" }), &json!({ "p/word": "new" }))
        );
    }

    #[tokio::test]
    async fn without_a_question_the_answers_are_told() {
        let told = bench().run("debconf", &json!({ "name": "p" }), Mode::Apply).await;
        assert_eq!(told.result["current"]["p/many"], "b, a");
        let half = bench().run("debconf", &json!({ "name": "p", "question": "q" }), Mode::Apply).await;
        assert_eq!(half.failure.unwrap().message, "parameters are required together: question, vtype, value");
    }
}
