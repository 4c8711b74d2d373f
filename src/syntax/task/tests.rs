use serde_json::{Value, json};

use super::*;
use crate::testing::{assert_one, handler_faults, task, task_faults};
use crate::{WarningKind, parse_handlers};

fn named(task: &Task) -> Value {
    Node::map(Mapping::clone(&task.args.named), &task.span).to_json()
}

fn free_form(task: &Task) -> Option<&str> {
    task.args.free_form.as_ref().and_then(Node::as_str)
}

#[test]
fn every_form_of_a_call_gives_action_and_parameters() {
    let cases = [
        ("- copy: {src: a, dest: b}", "copy", json!({"src": "a", "dest": "b"}), None),
        ("- copy: src=a dest='b c'", "copy", json!({"src": "a", "dest": "b c"}), None),
        ("- action: copy src=a", "copy", json!({"src": "a"}), None),
        (
            "- action: {module: copy src=a, dest: b, args: mode=1}",
            "copy",
            json!({"dest": "b", "src": "a", "mode": "1"}),
            None,
        ),
        ("- command: ls a=b chdir=/tmp", "command", json!({"chdir": "/tmp"}), Some("ls a=b")),
        ("- ansible.builtin.shell: A=1 env", "ansible.builtin.shell", json!({}), Some("A=1 env")),
        ("- command: ls\n  args: {chdir: /tmp}", "command", json!({"chdir": "/tmp"}), Some("ls")),
        ("- copy: {src: a}\n  args: {src: b, dest: c}", "copy", json!({"src": "a", "dest": "c"}), None),
        ("- command:\n  args: {_raw_params: ls}", "command", json!({}), Some("ls")),
        ("- ping:", "ping", json!({}), None),
        ("- debug: '{{ all }}'", "debug", json!({}), None),
        ("- shell: '{{ all }}'", "shell", json!({}), Some("{{ all }}")),
        ("- no_such_module: {a: 1}", "no_such_module", json!({"a": 1}), None),
        ("- include_tasks: a b.yml", "include_tasks", json!({}), Some("a b.yml")),
        (
            "- include_tasks: {file: a.yml, apply: {tags: x}}",
            "include_tasks",
            json!({"apply": {"tags": "x"}}),
            Some("a.yml"),
        ),
    ];
    for (text, action, parameters, free) in cases {
        let (task, _) = task(text);
        assert_eq!(&*task.action.name, action, "{text}");
        assert_eq!(named(&task), parameters, "{text}");
        assert_eq!(free_form(&task), free, "{text}");
    }
}

#[test]
fn args_may_be_one_template() {
    let (task, _) = task("- copy: {src: a}\n  args: '{{ others }}'");
    assert_eq!(task.args.template.as_ref().and_then(Node::as_str), Some("{{ others }}"));
    assert_eq!(named(&task), json!({"src": "a"}));
}

#[test]
fn one_template_behind_an_action_is_all_its_parameters_or_its_command() {
    let (whole, _) = task("- assert: '{{ all }}'");
    assert_eq!(whole.args.template.as_ref().and_then(Node::as_str), Some("{{ all }}"));
    let (command, _) = task("- ansible.builtin.command: '{{ line }}'");
    assert_eq!(command.args.free_form.as_ref().and_then(Node::as_str), Some("{{ line }}"));
}

#[test]
fn an_action_stands_where_its_name_does() {
    let (task, _) = task("- name: x\n  copy: src=a\n");
    assert_eq!(task.action.span, Span::new("t.yml", 2, 3));
    assert_eq!(task.span, Span::new("t.yml", 1, 3));
    let (key, value) = task.args.named.entry("src").expect("src is given");
    assert_eq!((key.span.column, value.span.column), (9, 9));
}

#[test]
fn a_local_action_is_delegated_to_localhost() {
    let (task, warnings) = task("- local_action: copy src=a\n");
    assert_eq!(task.keywords.delegate_to.as_ref().and_then(Node::as_str), Some("localhost"));
    assert_eq!(warnings.iter().map(|warning| warning.kind).collect::<Vec<_>>(), [WarningKind::Hint]);
}

#[test]
fn keywords_are_kept_as_they_are_written() {
    let text = "- debug:\n  name: n\n  when: [a, b]\n  loop: '{{ l }}'\n  loop_control: {loop_var: v, break_when: x}\n  register: r\n  \
                until: u\n  retries: '3'\n  delay: 1\n  failed_when: f\n  changed_when: false\n  notify: h\n  ignore_errors: '{{ i }}'\n  \
                delegate_to: d\n  run_once: yes\n  async: 10\n  poll: 0\n  vars: {a: 1}\n  environment: {B: c}\n  tags: 'x, y'\n  \
                become: true\n  become_user: root\n  no_log: true\n  check_mode: no\n  diff: yes\n  throttle: 1\n  timeout: 5\n";
    let (task, warnings) = task(text);
    let json = |node: &Option<Node>| node.as_ref().map(Node::to_json);
    let list = |nodes: &[Node]| nodes.iter().map(Node::to_json).collect::<Vec<_>>();
    assert_eq!(warnings, []);
    assert_eq!(list(&task.keywords.when), [json!("a"), json!("b")]);
    assert_eq!(list(&task.keywords.tags), [json!("x"), json!("y")]);
    assert_eq!(list(&task.keywords.environment), [json!({"B": "c"})]);
    assert_eq!(list(&task.keywords.notify), [json!("h")]);
    assert_eq!(
        (list(&task.until), list(&task.failed_when), list(&task.changed_when)),
        (vec![json!("u")], vec![json!("f")], vec![json!(false)])
    );
    assert_eq!(json(&task.retries), Some(json!("3")));
    assert_eq!((json(&task.async_seconds), json(&task.poll)), (Some(json!(10)), Some(json!(0))));
    assert_eq!(json(&task.keywords.ignore_errors), Some(json!("{{ i }}")));
    assert_eq!(
        (json(&task.keywords.become_enabled), json(&task.keywords.become_user)),
        (Some(json!(true)), Some(json!("root")))
    );
    assert_eq!(json(&task.loop_control.loop_var), Some(json!("v")));
    assert_eq!(list(&task.loop_control.break_when), [json!("x")]);
    assert_eq!(task.keywords.vars.get("a").map(Node::to_json), Some(json!(1)));
    let looping = task.looping.expect("there is a loop");
    assert_eq!(
        (looping.source, looping.node.to_json(), looping.span.line),
        (LoopSource::List, json!("{{ l }}"), 4)
    );
}

#[test]
fn a_lookup_is_a_loop() {
    let (task, _) = task("- debug:\n  with_community.general.flattened: [a]\n");
    assert_eq!(
        task.looping.map(|looping| looping.source),
        Some(LoopSource::Lookup("community.general.flattened".into()))
    );
}

#[test]
fn a_null_loop_and_a_null_register_are_none() {
    let (task, _) = task("- debug:\n  loop:\n  register:\n");
    assert_eq!((task.looping, task.register), (None, None));
}

#[test]
fn commas_inside_a_template_part_no_tags() {
    let (task, _) = task("- debug:\n  tags: \"{{ ['a', 'b'] | first }}, c\"\n");
    let tags: Vec<_> = task.keywords.tags.iter().filter_map(Node::as_str).collect();
    assert_eq!(tags, ["{{ ['a', 'b'] | first }}", "c"]);
}

#[test]
fn what_is_no_task_is_told_at_the_word() {
    let mapping = "parameters are a mapping: write `name: value`, one line each";
    let cases = [
        (
            "- debug: msg=a\n  wehn: x\n",
            2,
            3,
            "'wehn' is not a valid attribute for a Task",
            Some("did you mean `when`?"),
        ),
        (
            "- debug: msg=a\n  hosts: x\n",
            2,
            3,
            "'hosts' is not a valid attribute for a Task",
            Some("`hosts` stands in a play"),
        ),
        ("- debug: msg=a\n  5: x\n", 2, 3, "'5' is not a valid attribute for a Task", None),
        (
            "- dbeug: msg=a\n  wehn: x\n",
            2,
            3,
            "'wehn' is not a valid attribute for a Task",
            Some("did you mean `when`?"),
        ),
        (
            "- debug:\n  copy:\n",
            2,
            3,
            "conflicting action statements: debug, copy",
            Some("a task calls one module: begin another task with `- `"),
        ),
        (
            "- foo:\n  baz:\n",
            2,
            3,
            "conflicting action statements: foo, baz",
            Some("a task calls one module: begin another task with `- `"),
        ),
        (
            "- action: debug\n  copy:\n",
            2,
            3,
            "conflicting action statements: debug, copy",
            Some("a task calls one module: begin another task with `- `"),
        ),
        (
            "- action: debug\n  local_action: ping\n",
            2,
            3,
            "action and local_action are mutually exclusive",
            None,
        ),
        ("- name: x\n", 1, 3, "no module/action detected in task.", None),
        ("- action: ''\n", 1, 11, "no module/action detected in task.", None),
        ("- action: {src: a}\n", 1, 3, "no module/action detected in task.", Some("name it under `module:`")),
        ("- copy: [a]\n", 1, 9, "unexpected parameter type in action: list", Some(mapping)),
        (
            "- command: true\n",
            1,
            12,
            "unexpected parameter type in action: bool",
            Some("put quotes around it, for a command is a text: command: \"true\""),
        ),
        (
            "- copy: src='a\n",
            1,
            9,
            "failed at splitting arguments, either an unbalanced jinja2 block or quotes: src='a",
            Some("a ' has no other to close it; write it as \\' if it is meant"),
        ),
        (
            "- copy: {_ansible_x: 1}\n",
            1,
            10,
            "Invalid parameter specified beginning with keyword '_ansible_' for action 'copy': '_ansible_x'. The prefix '_ansible_' is reserved for internal use only.",
            None,
        ),
        (
            "- debug:\n  args: [a]\n",
            2,
            9,
            "The value of the task `args` keyword is invalid.",
            Some("A mapping or template which resolves to a mapping is required."),
        ),
        (
            "- debug:\n  listen: x\n",
            2,
            3,
            "'listen' is not a valid attribute for a Task",
            Some("`listen` stands in a handler"),
        ),
    ];
    for (text, line, column, message, help) in cases {
        assert_one(&task_faults(text), text, (line, column, message, help));
    }
}

#[test]
fn a_value_that_no_template_can_help_is_a_fault() {
    let cases = [
        (
            "delegate_to: [a]",
            16,
            "The field 'delegate_to' is supposed to be a string type, however the incoming data structure is a list",
            None,
        ),
        (
            "register: a-b",
            13,
            "Invalid 'register' specified: Invalid variable name 'a-b'.",
            Some("a name is a letter or `_`, and then letters, digits and `_`"),
        ),
        (
            "vars: [a]",
            9,
            "Vars in a Task must be specified as a dictionary.",
            Some("write `name: value`, one line each, below `vars:`"),
        ),
        (
            "vars: {not: a}",
            10,
            "Invalid variable name 'not'.",
            Some("a name is a letter or `_`, and then letters, digits and `_`"),
        ),
        (
            "tags: 5",
            9,
            "tags must be specified as a list",
            Some("write `[one, another]`, or a text with commas: `one, another`"),
        ),
        ("tags: [{a: b}]", 10, "Keyword 'tags' items must be of type 'str' or 'int', not 'dict'.", None),
        ("collections: [5]", 17, "Keyword 'collections' items must be of type 'str', not 'int'.", None),
        (
            "debugger: on_fail",
            13,
            "Error processing keyword 'debugger': 'on_fail' is not a valid value for debugger. Must be one of always, never, on_failed, on_skipped, on_unreachable",
            Some("did you mean `on_failed`?"),
        ),
        ("with_items:", 3, "you must specify a value when using with_items", None),
        (
            "loop_control: x",
            17,
            "the `loop_control` value must be specified as a dictionary and cannot be a variable itself (though it can contain variables)",
            Some("for example: `loop_control: {loop_var: thing}`"),
        ),
        (
            "loop_control: {lop_var: x}",
            18,
            "'lop_var' is not a valid attribute for a LoopControl",
            Some("did you mean `loop_var`?"),
        ),
        (
            "module_defaults: x",
            20,
            "The field 'module_defaults' is supposed to be a dictionary or list of dictionaries, the keys of which must be static action, module, or group names. Only the values may contain templates.",
            Some("for example: `module_defaults: {copy: {mode: \"0644\"}}`"),
        ),
    ];
    for (keyword, column, message, help) in cases {
        let text = format!("- debug:\n  {keyword}\n");
        assert_one(&task_faults(&text), &text, (2, column, message, help));
    }
}

#[test]
fn a_template_may_stand_for_any_value() {
    let keywords = [
        "ignore_errors",
        "retries",
        "port",
        "delay",
        "loop",
        "when",
        "vars: {a",
        "environment",
        "become_user",
        "debugger",
    ];
    for keyword in keywords {
        let close = if keyword.contains('{') { "}" } else { "" };
        let (_, warnings) = task(&format!("- debug:\n  {keyword}: '{{{{ x }}}}'{close}\n"));
        assert_eq!(warnings, [], "{keyword}");
    }
}

#[test]
fn two_loops_are_one_too_many() {
    let text = "- debug:\n  with_items: [1]\n  loop: [1]\n";
    let help = Some("a task has one loop: `loop`, or one `with_`");
    assert_one(&task_faults(text), text, (2, 3, "duplicate loop in task: items", help));
}

#[test]
fn all_faults_of_a_file_come_at_once_in_their_order() {
    let found = task_faults("- debug:\n  wehn: x\n  vars: [x]\n- name: y\n- copy: [z]\n");
    let lines: Vec<_> = found.iter().map(|fault| fault.0).collect();
    assert_eq!(lines, [2, 3, 4, 5]);
}

#[test]
fn handlers_listen_to_topics() {
    let loaded =
        parse_handlers("t.yml", "- debug:\n  listen: [a, b]\n", &|_| true).expect("the handler is right");
    let [crate::Step::Task(handler)] = loaded.value.as_slice() else { panic!("one handler") };
    assert_eq!(handler.listen.iter().filter_map(Node::as_str).collect::<Vec<_>>(), ["a", "b"]);
    let text = "- debug:\n  listen: [5]\n";
    assert_one(
        &handler_faults(text),
        text,
        (2, 12, "Keyword 'listen' items must be of type 'str', not 'int'.", None),
    );
}

#[test]
fn old_parameters_beside_args_are_deprecated() {
    let (_, warnings) = task("- copy: src=a dest=b\n  args: {mode: 1}\n");
    assert_eq!(warnings[0].message, "Merging legacy k=v args ('dest', 'src') into task args.");
    let (_, warnings) = task("- copy: src=a\n  args:\n");
    assert_eq!(warnings[0].message, "Ignoring empty task `args` keyword.");
    let (_, warnings) = task("- action: {module: copy, src: a}\n");
    assert_eq!(warnings[0].message, "Using a mapping for `action` is deprecated.");
}

#[test]
fn an_environment_that_is_none_is_skipped_with_a_warning() {
    let (task, warnings) = task("- debug:\n  environment: [A, {B: c}]\n");
    assert_eq!(task.keywords.environment.len(), 1);
    assert_eq!(warnings[0].message, "could not parse environment value, skipping: 'A'");
}
