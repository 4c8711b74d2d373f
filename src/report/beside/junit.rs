//! A playbook's tasks as test cases, in the form that readers of `JUnit` take.

use std::fmt::Write as _;

use indexmap::IndexMap;
use rplay_event::{Kind, Span, Status, TaskInfo, TaskResult};
use serde_json::Value;

use super::Save;
use crate::failure;
use crate::result::{EVERYTHING, INDENT, cleaned, withhold};
use crate::settings::Settings;
use crate::text::{Layout, json};

/// What a report holds.
#[derive(Clone, Debug)]
pub struct JunitSettings {
    /// A class is a file, not a line of one.
    pub task_class: bool,
    /// The folder that the files are named from.
    pub relative_to: Option<String>,
    /// What stands in place of the folders of a file outside that folder.
    pub outside: Option<String>,
    pub fail_on_change: bool,
    pub fail_on_ignore: bool,
    pub include_setup: bool,
    /// Only tasks whose names begin so are test cases, and those that fail.
    pub prefix: String,
}

impl Default for JunitSettings {
    fn default() -> Self {
        Self {
            task_class: false,
            relative_to: None,
            outside: None,
            fail_on_change: false,
            fail_on_ignore: false,
            include_setup: true,
            prefix: String::new(),
        }
    }
}

/// The report of the playbook that runs.
pub(super) struct Junit {
    settings: JunitSettings,
    save: Save,
    playbook: String,
    play: String,
    tasks: IndexMap<u64, Case>,
}

struct Case {
    info: TaskInfo,
    play: String,
    since: f64,
    ends: IndexMap<String, End>,
}

struct End {
    seconds: f64,
    verdict: Verdict,
}

enum Verdict {
    Passed(String),
    Skipped(String),
    /// The kind (`failure` or `error`), its message, and what came out.
    Broken(&'static str, String, String),
}

impl Junit {
    pub(super) fn new(settings: JunitSettings, save: Save) -> Self {
        Self { settings, save, playbook: String::new(), play: String::new(), tasks: IndexMap::new() }
    }

    pub(super) fn event(&mut self, kind: &Kind, settings: &Settings, now: f64) -> Result<(), String> {
        match kind {
            Kind::PlaybookStarted { file, .. } => stem(file).clone_into(&mut self.playbook),
            Kind::PlayStarted { name, .. } => self.play.clone_from(name),
            Kind::TaskStarted { task } => {
                let case = || Case {
                    info: task.clone(),
                    play: self.play.clone(),
                    since: now,
                    ends: IndexMap::new(),
                };
                self.tasks.entry(task.id).or_insert_with(case);
            }
            Kind::TaskDone { result } => self.ended(result, settings, now),
            Kind::Included { task, file, hosts, .. } => self.included(*task, file, hosts, now),
            Kind::Recap { .. } => {
                let name = format!("{}-{now:.7}.xml", self.playbook);
                let report = self.report();
                return (self.save)(&name, &report);
            }
            _ => {}
        }
        Ok(())
    }

    fn ended(&mut self, result: &TaskResult, settings: &Settings, now: f64) {
        let rules = &self.settings;
        let Some(case) = self.tasks.get_mut(&result.task) else { return };
        let broken = match result.status {
            Status::Failed => !result.ignored || rules.fail_on_ignore,
            Status::Changed => rules.fail_on_change,
            // Who cannot be reached says nothing of the task.
            Status::Unreachable => return,
            Status::Ok | Status::Skipped => false,
        };
        let name = &case.info.name;
        let broken = match result.status {
            Status::Skipped => false,
            _ if broken && name.contains("EXPECTED FAILURE") => false,
            _ if name.contains("TOGGLE RESULT") => !broken,
            _ => broken,
        };
        if !broken && !name.starts_with(&rules.prefix) {
            return;
        }
        let verdict = match result.status {
            Status::Skipped => Verdict::Skipped(skip_reason(result)),
            _ if broken => judged(result, &case.info, settings),
            _ => Verdict::Passed(output(result, settings)),
        };
        case.ends.insert(result.host.clone(), End { seconds: now - case.since, verdict });
    }

    fn included(&mut self, task: u64, file: &str, hosts: &[String], now: f64) {
        let Some(case) = self.tasks.get_mut(&task) else { return };
        if !case.info.name.starts_with(&self.settings.prefix) {
            return;
        }
        let line = format!("{file} (args={{}} vars={{}}): {}", hosts.join(", "));
        let end = case
            .ends
            .entry("include".to_owned())
            .or_insert_with(|| End { seconds: now - case.since, verdict: Verdict::Passed(String::new()) });
        if let Verdict::Passed(said) = &mut end.verdict {
            if !said.is_empty() {
                said.push('\n');
            }
            said.push_str(&line);
        }
    }

    fn report(&self) -> String {
        let cases: Vec<(&Case, &str, &End)> = self
            .tasks
            .values()
            .filter(|case| self.settings.include_setup || !is_setup(&case.info.action))
            .flat_map(|case| case.ends.iter().map(move |(host, end)| (case, host.as_str(), end)))
            .collect();
        let count =
            |wanted: fn(&Verdict) -> bool| cases.iter().filter(|(.., end)| wanted(&end.verdict)).count();
        let errors = count(|verdict| matches!(verdict, Verdict::Broken("error", ..)));
        let failures = count(|verdict| matches!(verdict, Verdict::Broken("failure", ..)));
        let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
        let tests = cases.len();
        let time: f64 = cases.iter().map(|(.., end)| end.seconds).sum();
        let totals = format!("disabled=\"0\" errors=\"{errors}\" failures=\"{failures}\"");
        let mut out =
            format!("<?xml version=\"1.0\" ?>\n<testsuites {totals} tests=\"{tests}\" time=\"{time}\">\n");
        let name = attribute(&self.playbook);
        let _ = writeln!(
            out,
            "\t<testsuite {totals} name=\"{name}\" skipped=\"{skipped}\" tests=\"{tests}\" time=\"{time}\"{}",
            if cases.is_empty() { "/>" } else { ">" }
        );
        for (case, host, end) in &cases {
            self.case(&mut out, case, host, end);
        }
        if !cases.is_empty() {
            out.push_str("\t</testsuite>\n");
        }
        out + "</testsuites>\n"
    }

    fn case(&self, out: &mut String, case: &Case, host: &str, end: &End) {
        let class = case.info.span.as_ref().map(|span| self.class(span)).unwrap_or_default();
        let name = format!("[{host}] {}: {}", case.play, case.info.name.trim());
        let inside = match &end.verdict {
            Verdict::Passed(said) if said.is_empty() => String::new(),
            Verdict::Passed(said) => format!("<system-out>{}</system-out>", text(said)),
            Verdict::Skipped(reason) => format!("<skipped>{}</skipped>", text(reason)),
            Verdict::Broken(kind, message, said) => {
                format!("<{kind} message=\"{}\" type=\"{kind}\">{}</{kind}>", attribute(message), text(said))
            }
        };
        let _ = write!(
            out,
            "\t\t<testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
            attribute(&class),
            attribute(&name),
            end.seconds
        );
        let _ = if inside.is_empty() {
            writeln!(out, "/>")
        } else {
            writeln!(out, ">\n\t\t\t{inside}\n\t\t</testcase>")
        };
    }

    fn class(&self, span: &Span) -> String {
        let file = match &self.settings.relative_to {
            Some(folder) => relative(&span.file, folder),
            None => span.file.to_string(),
        };
        let file = match &self.settings.outside {
            Some(outside) if file.starts_with("../") => {
                format!("{outside}{}", file.rsplit('/').next().unwrap_or_default())
            }
            _ => file,
        };
        match file.strip_suffix(".yml").filter(|_| self.settings.task_class) {
            Some(file) => file.to_owned(),
            None => format!("{file}:{}", span.line),
        }
    }
}

fn judged(result: &TaskResult, task: &TaskInfo, settings: &Settings) -> Verdict {
    let said = output(result, settings);
    if let Some(error) = failure::failure(result, Some(task)) {
        let brief = error.lines().next().unwrap_or_default().to_owned();
        return Verdict::Broken("error", brief, error);
    }
    let message = result.result.get("msg").and_then(Value::as_str).map(str::to_owned);
    let code = result.result.get("rc").cloned().unwrap_or_else(|| Value::from(0));
    Verdict::Broken("failure", message.unwrap_or_else(|| format!("rc={code}")), said)
}

fn output(result: &TaskResult, settings: &Settings) -> String {
    let mut fields = cleaned(&result.result, "");
    withhold(&mut fields, settings.verbosity);
    let indented = result.verbose_always || settings.verbosity >= EVERYTHING;
    let layout = Layout { indent: Some(if indented { INDENT } else { 0 }), ascii: false };
    json(&Value::Object(fields), layout)
}

fn skip_reason(result: &TaskResult) -> String {
    result.result.get("skip_reason").and_then(Value::as_str).unwrap_or("skipped").to_owned()
}

fn is_setup(action: &str) -> bool {
    matches!(action, "setup" | "gather_facts" | "ansible.builtin.setup" | "ansible.builtin.gather_facts")
}

fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Returns the way from a folder to a file.
fn relative(file: &str, folder: &str) -> String {
    let words = |path: &str| -> Vec<String> {
        path.split('/').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let (file, folder) = (words(file), words(folder));
    let same = file.iter().zip(&folder).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), folder.len() - same);
    up.chain(file.into_iter().skip(same)).collect::<Vec<_>>().join("/")
}

fn text(text: &str) -> String {
    let text: String = text.chars().filter(|sign| is_of_xml(*sign)).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn attribute(value: &str) -> String {
    text(value).replace('\n', "&#10;").replace('\t', "&#9;").replace('\r', "&#13;")
}

/// What XML has no way to write is left out.
fn is_of_xml(sign: char) -> bool {
    matches!(sign, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
