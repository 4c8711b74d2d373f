use crate::testing::{assert_one, handler_faults, steps, task_faults};
use crate::{Block, Step, parse_tasks};

fn names(steps: &[Step]) -> Vec<&str> {
    steps
        .iter()
        .map(|step| match step {
            Step::Task(task) => task.action.name.as_ref(),
            Step::Block(_) => "block",
        })
        .collect()
}

#[test]
fn a_block_has_three_lists_and_its_keywords() {
    let text = "- block: [{debug: }, {block: [{ping: }]}]\n  rescue: [{copy: }]\n  always: [{shell: x}]\n  name: b\n  when: a\n  notify: h\n";
    let (steps, _) = steps(text);
    let [Step::Block(block)] = steps.as_slice() else { panic!("one block") };
    let Block { keywords, block, rescue, always, span } = &**block;
    assert_eq!(
        (names(block), names(rescue), names(always)),
        (vec!["debug", "block"], vec!["copy"], vec!["shell"])
    );
    assert_eq!((keywords.when.len(), keywords.notify.len(), span.line), (1, 1, 1));
}

#[test]
fn nothing_is_an_empty_list_of_tasks() {
    for text in ["", "[]", "- \n"] {
        assert_eq!(steps(text).0, [], "{text:?}");
    }
}

#[test]
fn what_is_no_list_of_tasks_is_a_fault() {
    let dash = Some("begin every task with `- `");
    let cases = [
        (
            "- block: foo\n",
            1,
            10,
            "A malformed block was encountered while loading a block: The ds (foo) should be a list but was a str",
            dash,
        ),
        (
            "- block:\n",
            1,
            9,
            "A malformed block was encountered while loading a block: The ds (null) should be a list but was a NoneType",
            dash,
        ),
        (
            "- block: []\n  rescue: {}\n",
            2,
            11,
            "A malformed block was encountered while loading rescue: should be a list but was a dict",
            dash,
        ),
        (
            "- foo\n",
            1,
            3,
            "A malformed block was encountered while loading tasks: 'foo' should be a dict but was a str",
            Some("a task is a mapping: `module:` and its parameters, and keywords beside it"),
        ),
        (
            "- block: [{debug: }]\n  loop: [1]\n",
            2,
            3,
            "'loop' is not a valid attribute for a Block",
            Some("`loop` stands in a task or a handler"),
        ),
        (
            "- block: []\n  rescu: []\n",
            2,
            3,
            "'rescu' is not a valid attribute for a Block",
            Some("did you mean `rescue`?"),
        ),
        ("- rescue: [{debug: }]\n", 1, 3, "'rescue' keyword cannot be used without 'block'", None),
        ("debug: x\n", 1, 1, "included task files must contain a list of tasks", dash),
        (
            "hosts: x\n",
            1,
            1,
            "included task files must contain a list of tasks",
            Some("this is a play: `import_playbook` brings in a playbook"),
        ),
    ];
    for (text, line, column, message, help) in cases {
        assert_one(&task_faults(text), text, (line, column, message, help));
    }
}

#[test]
fn handlers_may_stand_in_one_block_but_not_in_two() {
    let text = "- block:\n    - block: [{debug: }]\n";
    assert_one(&handler_faults(text), text, (2, 7, "Using a block as a handler is not supported.", None));
}

#[test]
fn blocks_as_deep_as_a_document_may_be_are_read() {
    let blocks: String =
        (0..120).map(|level| ["  ".repeat(level), "- block:\n".to_owned()].concat()).collect();
    let text = [blocks, "  ".repeat(120), "- debug:\n".to_owned()].concat();
    assert!(parse_tasks("t.yml", &text, &|_| true).is_ok());
}
