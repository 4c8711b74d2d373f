use rplay_event::{Fault, Span, Status, TaskInfo, TaskResult};
use serde_json::Value;

use crate::messages::is_summary;

/// How long a line of source may be before it is cut, its number included.
const WIDEST: usize = 120;

/// Returns the text of the `[ERROR]` that stands before a failed result, or `None` where there is none.
///
/// A result brings it as `exception`: one [`Fault`], or several where each is caused by the next, as values. One without
/// a message only adds the place: the result's own message is told. An empty list says that it has been told already;
/// without any list the task's place is all that is known. A
/// loop's own result repeats what its items said, and has none.
pub(crate) fn failure(result: &TaskResult, task: Option<&TaskInfo>) -> Option<String> {
    if matches!(result.result.get("exception"), Some(Value::Array(faults)) if faults.is_empty()) {
        return None;
    }
    let mut faults = given(result.result.get("exception"));
    let action = task.map(|task| task.action.as_str()).unwrap_or_default();
    if let Some((first, rest)) = faults.split_first_mut() {
        if first.message.is_empty() {
            first.message = headline(result, action);
        }
        return Some(chained(first, rest));
    }
    let failed = matches!(result.status, Status::Failed | Status::Unreachable);
    let task = task.filter(|_| failed && !is_summary(result) && result.screen.is_none())?;
    let span = task.span.as_ref()?;
    Some(described(&Fault::new(headline(result, action)).at(span)))
}

fn given(exception: Option<&Value>) -> Vec<Fault> {
    let fault = |value: &Value| serde_json::from_value(value.clone()).ok();
    match exception {
        Some(Value::Array(faults)) => faults.iter().filter_map(fault).collect(),
        Some(value) => fault(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn headline(result: &TaskResult, action: &str) -> String {
    let message = result.result.get("msg").and_then(Value::as_str).unwrap_or_default();
    if message.starts_with("Task failed") {
        return message.to_owned();
    }
    if message.starts_with("Invalid options for ") {
        return format!("Task failed: {message}");
    }
    let who = if is_action(action) { "Action" } else { "Module" };
    if message.is_empty() {
        return format!("Task failed: {who} failed.");
    }
    format!("Task failed: {who} failed: {message}")
}

/// What Ansible runs without a module behind it.
fn is_action(action: &str) -> bool {
    let name =
        action.strip_prefix("ansible.builtin.").or(action.strip_prefix("ansible.legacy.")).unwrap_or(action);
    matches!(
        name,
        "add_host"
            | "assert"
            | "debug"
            | "fail"
            | "group_by"
            | "include_vars"
            | "pause"
            | "set_fact"
            | "set_stats"
            | "validate_argument_spec"
            | "wait_for_connection"
    )
}

/// Returns the whole chain in one line, then each place with what was wrong there.
fn chained(first: &Fault, rest: &[Fault]) -> String {
    let mut steps: Vec<(Fault, Vec<&str>)> = Vec::new();
    for fault in std::iter::once(first).chain(rest) {
        match steps.last_mut().filter(|(step, _)| adds_nothing(fault, step)) {
            Some((_, messages)) => messages.push(&fault.message),
            None => steps.push((fault.clone(), vec![&fault.message])),
        }
    }
    let told: Vec<String> = steps
        .iter()
        .map(|(fault, messages)| described(&Fault { message: joined(messages), ..fault.clone() }))
        .collect();
    if let [only] = told.as_slice() {
        return only.clone();
    }
    let all: Vec<&str> = std::iter::once(first).chain(rest).map(|fault| fault.message.as_str()).collect();
    format!("{}\n\n{}\n", joined(&all), told.join("\n\n<<< caused by >>>\n\n"))
}

/// Whether a cause has no place and no help of its own.
fn adds_nothing(cause: &Fault, step: &Fault) -> bool {
    if cause.apart {
        return false;
    }
    (cause.span.is_none() && cause.help.is_none()) || (place(cause) == place(step) && cause.help == step.help)
}

/// Returns where a fault is and what stands there: what stands in no file has only that.
fn place(fault: &Fault) -> (Option<&Span>, Option<&str>) {
    (fault.span.as_ref(), fault.excerpt.as_ref().map(|excerpt| excerpt.text.as_str()))
}

/// Returns messages as one; what ends with its cause's message already says it once.
fn joined(messages: &[&str]) -> String {
    let mut whole = String::new();
    for (at, message) in messages.iter().rev().enumerate() {
        if at == 0 || message.ends_with(&whole) {
            (*message).clone_into(&mut whole);
        } else {
            whole = format!("{}: {whole}", message.trim_end_matches(['.', ' ']));
        }
    }
    whole
}

/// Returns the message, where it comes from, the lines up to there, and the help.
fn described(fault: &Fault) -> String {
    let Some(span) = &fault.span else {
        return match &fault.help {
            Some(help) if !help.contains('\n') && !fault.message.contains('\n') => {
                format!("{} {help}", fault.message)
            }
            Some(help) => format!("{}\n\n{help}", fault.message),
            None => fault.message.clone(),
        };
    };
    let mut out = format!("{}\nOrigin: {}", fault.message, origin(span));
    let source = source(fault);
    if !source.is_empty() {
        out.push_str("\n\n");
        out.push_str(&source.join("\n"));
    }
    if let Some(help) = &fault.help {
        out.push_str("\n\n");
        out.push_str(help);
    }
    out
}

/// What stands in no file has no lines; of a whole file none is meant.
fn origin(span: &Span) -> String {
    if is_file(span) && span.line > 0 { span.to_string() } else { span.file.to_string() }
}

fn is_file(span: &Span) -> bool {
    !span.file.starts_with("<adhoc ") && &*span.file != "<unknown>"
}

/// The numbered lines up to the fault's, and the mark under its column.
fn source(fault: &Fault) -> Vec<String> {
    let (Some(span), Some(excerpt)) = (&fault.span, &fault.excerpt) else { return Vec::new() };
    if !is_file(span) {
        return excerpt.text.lines().map(str::to_owned).collect();
    }
    let margin = span.line.to_string().len();
    let room = WIDEST - margin - 1;
    let mut lines: Vec<String> = excerpt
        .text
        .lines()
        .zip(excerpt.first_line..=span.line)
        .map(|(line, number)| numbered(&cut(&line.replace('\t', " "), room), number, margin))
        .collect();
    let column = usize::try_from(span.column).unwrap_or(usize::MAX);
    if column > 0 && column <= room {
        lines.push(format!("{} {}", " ".repeat(margin), mark(column, room)));
    }
    lines
}

fn numbered(line: &str, number: u32, margin: usize) -> String {
    let space = if line.is_empty() { "" } else { " " };
    format!("{number:>margin$}{space}{line}")
}

fn cut(line: &str, room: usize) -> String {
    const MARK: &str = "...";
    if line.chars().count() <= room {
        return line.to_owned();
    }
    line.chars().take(room - MARK.len()).chain(MARK.chars()).collect()
}

/// The name of the column stands behind the mark, or before it where the screen ends.
fn mark(column: usize, room: usize) -> String {
    let name = format!("column {column}");
    let before = column - 1;
    if before + 2 + name.len() > room {
        return format!("{}{name} ^", " ".repeat(before.saturating_sub(name.len() + 1)));
    }
    format!("{}^ {name}", " ".repeat(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, column: u32) -> String {
        let source = format!("{}{line}\n", "\n".repeat(99));
        described(&Fault::new("no").at(&Span::new("a.yml", 100, column)).with_source(&source, ""))
    }

    #[test]
    fn a_long_line_is_cut_and_tabs_are_single_spaces() {
        assert_eq!(
            shown(&format!("\t{}", "x".repeat(200)), 2),
            format!("no\nOrigin: a.yml:100:2\n\n 98\n 99\n100  {}...\n     ^ column 2", "x".repeat(112))
        );
    }

    #[test]
    fn a_mark_near_the_edge_has_its_name_before_it_and_one_beyond_it_is_left_out() {
        let line = "x".repeat(116);
        let head = format!("no\nOrigin: a.yml:100:110\n\n 98\n 99\n100 {line}\n");
        assert_eq!(shown(&line, 110), format!("{head}    {}column 110 ^", " ".repeat(98)));
        assert_eq!(shown(&line, 117), head.replace("110", "117").trim_end());
    }

    #[test]
    fn what_stands_in_no_file_is_shown_without_lines() {
        let fault = Fault::new("no")
            .at(&Span::new("<adhoc 'ping' task>", 1, 9))
            .with_source("{'action': 'ping'}\n", "");
        assert_eq!(described(&fault), "no\nOrigin: <adhoc 'ping' task>\n\n{'action': 'ping'}");
    }

    #[test]
    fn why_a_plugin_refused_is_told_apart() {
        let refused = Fault::new("The test plugin 'version' failed.").at(&Span::new("a.yml", 1, 1));
        let why = Fault::new("invalid version number 'nope'");
        assert!(!chained(&refused, std::slice::from_ref(&why)).contains("<<< caused by >>>"));
        let told = chained(&refused, &[why.apart()]);
        assert!(told.contains("\n\n<<< caused by >>>\n\ninvalid version number 'nope'\n"), "{told}");
    }

    #[test]
    fn causes_at_one_place_are_told_as_one() {
        let at = |message: &str, line| Fault::new(message).at(&Span::new("a.yml", line, 1));
        assert_eq!(
            chained(&at("Task failed.", 1), &[at("Args failed.", 1), at("no", 2), Fault::new("no")]),
            "Task failed: Args failed: no\n\nTask failed: Args failed.\nOrigin: a.yml:1:1\n\n<<< caused by >>>\n\nno\n\
             Origin: a.yml:2:1\n"
        );
        assert_eq!(chained(&at("A.", 1), &[at("b", 1)]), "A: b\nOrigin: a.yml:1:1");
    }

    #[test]
    fn help_follows_on_the_line_where_there_is_no_place() {
        assert_eq!(described(&Fault::new("no.").help("Try again.")), "no. Try again.");
        assert_eq!(described(&Fault::new("no.").help("Try\nagain.")), "no.\n\nTry\nagain.");
    }
}
