//! Ends of tasks that failed before anything was run.

use rplay_template::Value;
use serde_json::Value as Json;

use super::item::Ended;

impl Ended {
    /// The end of a task whose action refused it: told as it is, without who failed.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        let message = message.into();
        let headline = if message.starts_with("Task failed") {
            message.clone()
        } else {
            format!("Task failed: {message}")
        };
        Self { headline: Some(headline), ..Self::failed(message) }
    }

    /// Says what a message that is no text is: as Python shows it.
    pub(crate) fn headline_of_data(&mut self) {
        let told = match self.result.get("msg") {
            None | Some(Json::String(_) | Json::Null) => return,
            Some(data) => Value::from_json(data.clone()).text(),
        };
        self.headline = Some(format!("Task failed: Action failed: {told}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Ended;

    #[test]
    fn a_message_that_is_no_text_is_told_as_python_shows_it() {
        let mut ended = Ended::failed("");
        ended.set("msg", json!(["one", 2]));
        ended.headline_of_data();
        assert_eq!(ended.headline.as_deref(), Some("Task failed: Action failed: ['one', 2]"));
        assert_eq!(Ended::refused("no").headline.as_deref(), Some("Task failed: no"));
    }

    #[test]
    fn each_action_words_what_it_refuses_in_its_own_way() {
        for (task, message) in [
            ("fail: {bogus: 1}", "Invalid options for fail: bogus"),
            ("set_stats: {bogus: 1}", "Invalid options for set_stats: bogus"),
            ("add_host: {groups: x}", "name, host or hostname needs to be provided"),
            ("add_host: {name: h, groups: {a: b}}", "Groups must be specified as a list."),
            (
                "debug: {var: [a]}",
                "argument 'var' is of type list and we were unable to convert to _check_type_str_no_conversion: '['a']' is \
                 not a string and conversion is not allowed",
            ),
            (
                "assert: {that: false, fail_msg: {x: 1}}",
                "argument 'fail_msg' is of type dict and we were unable to convert to str_or_list_of_str: a string or list \
                 of strings is required",
            ),
            ("wait_for_connection: {delay: x}", "Task failed: invalid literal for int() with base 10: 'x'"),
            (
                "validate_argument_spec: {argument_spec: {}, provided_arguments: x}",
                "Task failed: Incorrect type for provided_arguments, expected dict and got <class \
                 'ansible.module_utils._internal._datatag._AnsibleTaggedStr'>",
            ),
        ] {
            let text = format!(
                "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {task}\n      ignore_errors: true\n"
            );
            let lines = crate::testing::told(&[("p.yml", &text)]);
            assert!(lines.contains(&format!("failed: {message}")), "{task}: {lines:#?}");
        }
    }
}
