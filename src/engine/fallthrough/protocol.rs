//! How Ansible hands arguments to a module of each kind, and reads what it prints: `lib/ansible/executor/module_common.py`
//! and `lib/ansible/plugins/action/__init__.py`.

use std::path::Path;

use serde_json::{Map, Value as Json};

/// What stands in a script in place of its arguments.
const ARGUMENTS: &str = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>";

/// How much of a file tells whether it is text.
const LOOKED_AT: usize = 1024;

/// The kinds of modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Python that imports Ansible's `module_utils`.
    Python,
    /// A script that holds a mark for its arguments.
    JsonInside,
    /// A script that is given a file of JSON.
    JsonFile,
    /// A script that is given a file of `k=v`.
    Words,
    /// A program, which is given a file of JSON.
    Binary,
}

impl Style {
    pub(super) fn of(module: &[u8]) -> Self {
        let text_byte = |byte: &u8| matches!(*byte, 7..=10 | 12 | 13 | 27 | 0x20..=0x7e | 0x80..);
        if !module.iter().take(LOOKED_AT).all(text_byte) {
            return Self::Binary;
        }
        let text = String::from_utf8_lossy(module);
        if text.contains("#<<INCLUDE_ANSIBLE_MODULE_COMMON>>") || text.lines().any(imports_module_utils) {
            Self::Python
        } else if text.contains(ARGUMENTS) {
            Self::JsonInside
        } else if text.contains("WANT_JSON") {
            Self::JsonFile
        } else {
            Self::Words
        }
    }
}

fn imports_module_utils(line: &str) -> bool {
    let line = line.trim_start();
    let Some(rest) = line.strip_prefix("from ").or_else(|| line.strip_prefix("import ")) else {
        return false;
    };
    let rest = rest.trim_start();
    rest.starts_with("ansible.module_utils")
        || (rest.starts_with("ansible_collections.") && rest.contains(".module_utils"))
        || (rest.starts_with('.') && rest.contains("module_utils"))
}

/// Returns a script with its arguments in the place of their mark.
pub(super) fn with_arguments(module: &[u8], args: &Json) -> Vec<u8> {
    String::from_utf8_lossy(module).replace(ARGUMENTS, &args.to_string()).into_bytes()
}

/// Returns arguments as `k=v` words, quoted for a shell.
pub(super) fn words(args: &[(String, String)]) -> String {
    let word = |(name, value): &(String, String)| {
        format!("{name}={} ", crate::python::command_line(std::slice::from_ref(value)))
    };
    args.iter().map(word).collect()
}

/// Returns the program of a script's first line, and what that line says besides.
pub(super) fn interpreter(module: &[u8]) -> Option<Vec<String>> {
    let line = module.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line.strip_prefix(b"#!")?).into_owned();
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty()).then_some(words)
}

/// Returns whether a first line means Python, which may be elsewhere on this machine.
pub(super) fn is_python(words: &[String]) -> bool {
    let last = words.iter().find(|word| !word.ends_with("/env"));
    let name = last.and_then(|word| Path::new(word).file_name()).and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("python"))
}

/// Returns the result that a module printed: the JSON object in its output, whatever stands around it.
pub(super) fn result(stdout: &str) -> Result<Map<String, Json>, &'static str> {
    let lines: Vec<&str> = stdout.lines().collect();
    let Some(start) = lines.iter().position(|line| line.trim_start().starts_with('{')) else {
        return Err("No start of json char found");
    };
    let Some(end) = lines.iter().rposition(|line| line.trim_end().ends_with('}')) else {
        return Err("No end of json char found");
    };
    let text = lines.get(start..=end).map(|lines| lines.join("\n")).unwrap_or_default();
    match serde_json::from_str(&text) {
        Ok(Json::Object(result)) => Ok(result),
        _ => Err("No start of json char found"),
    }
}

/// Returns the text of a warning, which today's Ansible wraps in an object that says more.
pub(super) fn message(warning: &Json) -> Option<String> {
    let text = warning.as_str().or_else(|| warning.get("msg")?.as_str());
    text.or_else(|| warning.pointer("/event/msg")?.as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_modules_kind_is_told_by_what_it_holds() {
        let style = |text: &str| Style::of(text.as_bytes());
        assert_eq!(
            style("#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n"),
            Style::Python
        );
        assert_eq!(style("from ansible_collections.a.b.plugins.module_utils.c import d\n"), Style::Python);
        assert_eq!(style("from ..module_utils import x\n"), Style::Python);
        assert_eq!(style("a = '<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'\n"), Style::JsonInside);
        assert_eq!(style("#!/bin/sh\n# WANT_JSON\n"), Style::JsonFile);
        assert_eq!(style("#!/bin/sh\n. $1\n"), Style::Words);
        assert_eq!(Style::of(b"\x7fELF\x02\x01\x00"), Style::Binary);
    }

    #[test]
    fn arguments_are_quoted_words_for_a_script_that_wants_no_json() {
        let args = [("a".to_owned(), "it's".to_owned()), ("b".to_owned(), "plain".to_owned())];
        assert_eq!(words(&args), r#"a='it'"'"'s' b=plain "#);
    }

    #[test]
    fn a_result_is_found_among_other_lines() {
        assert_eq!(result("junk\n{\"a\": 1}\nmore\n").unwrap(), *json!({"a": 1}).as_object().unwrap());
        assert_eq!(result("nothing"), Err("No start of json char found"));
        assert_eq!(result("{ no end"), Err("No end of json char found"));
    }

    #[test]
    fn a_python_of_another_place_is_known_by_its_name() {
        let python = |line: &[u8]| is_python(&interpreter(line).unwrap_or_default());
        assert!(python(b"#!/usr/bin/python\n") && python(b"#!/usr/bin/env python3.11\nx"));
        assert!(!python(b"#!/bin/sh -e\n") && !python(b"no script"));
    }

    #[test]
    fn a_warning_may_be_wrapped() {
        let wrapped = json!({"event": {"msg": "careful"}, "__ansible_type": "WarningSummary"});
        assert_eq!(message(&wrapped).as_deref(), Some("careful"));
        assert_eq!(message(&json!("careful")).as_deref(), Some("careful"));
    }
}
