use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::settings::{ResultFormat, Settings};
use crate::text::{Layout, json, label, yaml};

/// How many `-v` show a result with everything in it, indented.
pub(crate) const EVERYTHING: u8 = 3;

/// Returns the result without what the line says already and without what is Ansible's own business.
pub(crate) fn cleaned(result: &Map<String, Value>, action: &str) -> Map<String, Value> {
    let mut result = public(result);
    for said in ["failed", "skipped"] {
        result.shift_remove(said);
    }
    if is_debug(action) {
        keep_what_debug_shows(&mut result);
    }
    result
}

pub(crate) fn public(fields: &Map<String, Value>) -> Map<String, Value> {
    fields
        .iter()
        .filter(|(key, _)| !key.starts_with("_ansible_"))
        .map(|(key, value)| (key.clone(), public_value(value)))
        .collect()
}

fn public_value(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(public(fields)),
        Value::Array(items) => Value::Array(items.iter().map(public_value).collect()),
        other => other.clone(),
    }
}

pub(crate) fn is_debug(action: &str) -> bool {
    matches!(action, "debug" | "ansible.builtin.debug" | "ansible.legacy.debug")
}

/// A message stands alone; a variable stands without what surrounds every result.
fn keep_what_debug_shows(result: &mut Map<String, Value>) {
    const AROUND: [&str; 6] =
        ["changed", "invocation", "skip_reason", "ansible_loop_var", "ansible_index_var", "ansible_loop"];
    if result.contains_key("msg") {
        result.retain(|key, _| key == "msg");
    } else {
        result.retain(|key, _| !AROUND.contains(&key.as_str()));
    }
}

/// Returns the result as it stands after ` => `. `always` is a result that is printed at any verbosity (`debug`).
pub(crate) fn dumped(mut result: Map<String, Value>, settings: &Settings, always: bool) -> String {
    let pretty = settings.pretty_results;
    let implied = pretty.is_none() && settings.result_format != ResultFormat::Json;
    let indented = always || implied || pretty == Some(true) || settings.verbosity >= EVERYTHING;
    let indent = (indented && pretty != Some(false)).then_some(INDENT);
    withhold(&mut result, settings.verbosity);
    let texts = if settings.texts_apart { texts_of(&mut result) } else { String::new() };
    written(result, settings, indent) + &texts
}

/// Takes the texts out of a result; returns them each below its name.
fn texts_of(result: &mut Map<String, Value>) -> String {
    let mut out = String::new();
    for name in ["stdout", "stderr", "msg", "module_stdout", "module_stderr"] {
        result.shift_remove(&format!("{name}_lines"));
        match result.shift_remove(name) {
            Some(Value::String(text)) if !text.is_empty() => {
                let _ = write!(out, "\n\n{}:\n\n{text}\n", name.to_uppercase());
            }
            None | Some(Value::String(_) | Value::Null) => {}
            Some(other) => {
                let _ = write!(out, "\n\n{}:\n\n{}\n", name.to_uppercase(), label(&other));
            }
        }
    }
    out
}

/// Returns the result as `minimal` prints it: indented whatever the verbosity is.
pub(crate) fn dumped_indented(mut result: Map<String, Value>, settings: &Settings) -> String {
    let indent = (settings.pretty_results != Some(false)).then_some(INDENT);
    withhold(&mut result, settings.verbosity);
    written(result, settings, indent)
}

pub(crate) const INDENT: usize = 4;

/// Takes out what is told in other ways, or only where everything is.
pub(crate) fn withhold(result: &mut Map<String, Value>, verbosity: u8) {
    // Warnings and errors have been printed as messages of their own.
    result.retain(|key, _| match key.as_str() {
        "exception" | "warnings" | "deprecations" => false,
        "invocation" | "diff" => verbosity >= EVERYTHING,
        _ => true,
    });
}

fn written(mut result: Map<String, Value>, settings: &Settings, indent: Option<usize>) -> String {
    if settings.result_format == ResultFormat::Json {
        return json(&Value::Object(result), Layout { indent, ascii: false });
    }
    let lossy = settings.pretty_results != Some(false);
    if lossy {
        for stream in ["stdout", "stderr"] {
            let lines = format!("{stream}_lines");
            if result.contains_key(stream) && result.contains_key(&lines) {
                result.insert(lines, Value::from("<omitted>"));
            }
        }
    }
    let text = yaml(&result, indent.unwrap_or(LIBYAML_INDENT), lossy);
    format!("\n{}", indented(&text, indent.unwrap_or(INDENT)))
}

/// What libyaml takes where it is told nothing.
const LIBYAML_INDENT: usize = 2;

/// Puts spaces before every line that is not blank.
pub(crate) fn indented(text: &str, spaces: usize) -> String {
    let margin = " ".repeat(spaces);
    text.split_inclusive('\n')
        .map(|line| if line.trim().is_empty() { line.to_owned() } else { format!("{margin}{line}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;

    fn fields(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).expect("the tests give mappings")
    }

    #[test]
    fn below_three_v_a_result_is_one_sorted_line_without_invocation_and_diff() {
        let result = fields(value!({
            "rc": 0, "changed": true, "invocation": {"module_args": {}}, "diff": {}, "warnings": ["w"], "exception": "e",
            "_ansible_no_log": false, "failed": false, "nested": {"_ansible_x": 1, "b": [{"_ansible_y": 2}]},
        }));
        let settings = Settings { verbosity: 1, ..Settings::default() };
        assert_eq!(
            dumped(cleaned(&result, "command"), &settings, false),
            r#"{"changed": true, "nested": {"b": [{}]}, "rc": 0}"#
        );
    }

    #[test]
    fn three_v_indent_and_show_the_invocation() {
        let result = fields(value!({"invocation": {"module_args": {"a": 1}}}));
        let settings = Settings { verbosity: 3, ..Settings::default() };
        assert_eq!(
            dumped(cleaned(&result, "command"), &settings, false),
            "{\n    \"invocation\": {\n        \"module_args\": {\n            \"a\": 1\n        }\n    }\n}"
        );
    }

    #[test]
    fn the_message_of_debug_stands_alone_and_its_variable_without_its_surroundings() {
        let settings = Settings::default();
        let message = cleaned(&fields(value!({"msg": "hi", "changed": false, "item": 1})), "debug");
        assert_eq!(dumped(message, &settings, true), "{\n    \"msg\": \"hi\"\n}");
        let variable =
            cleaned(&fields(value!({"x": 2, "changed": false, "item": 1})), "ansible.builtin.debug");
        assert_eq!(dumped(variable, &settings, true), "{\n    \"item\": 1,\n    \"x\": 2\n}");
    }

    #[test]
    fn texts_stand_apart_where_they_shall() {
        let result = fields(value!({"stdout": "a\nb", "stdout_lines": ["a", "b"], "stderr": "", "rc": 0}));
        let settings = Settings { texts_apart: true, ..Settings::default() };
        assert_eq!(dumped(result, &settings, false), "{\"rc\": 0}\n\nSTDOUT:\n\na\nb\n");
    }

    #[test]
    fn yaml_omits_lines_that_stand_there_already() {
        let result = fields(value!({"stdout": "a\n\nb", "stdout_lines": ["a", "", "b"], "rc": 0}));
        let settings = Settings { result_format: ResultFormat::Yaml, verbosity: 1, ..Settings::default() };
        assert_eq!(
            dumped(result, &settings, false),
            "\n    rc: 0\n    stdout: |-\n        a\n\n        b\n    stdout_lines: <omitted>\n"
        );
    }
}
