use rplay_module::{FailureKind, Intent, Mode, Outcome};
use serde_json::{Value, json};

use crate::tests::Bench;

async fn run(bench: &Bench, args: Value) -> Outcome {
    bench.run("command", &args, Mode::Apply).await
}

#[tokio::test]
async fn a_line_is_split_into_words_and_run_without_a_shell() {
    let bench = Bench::new();
    let ran = run(&bench, json!({ "_raw_params": "echo 'a  b' \"c\" | cat" })).await;
    assert!(ran.changed && ran.failure.is_none());
    assert_eq!(ran.result["stdout"], "a  b c | cat");
    assert_eq!(ran.result["cmd"], json!(["echo", "a  b", "c", "|", "cat"]));
    assert_eq!((ran.result["rc"].clone(), ran.result["msg"].clone()), (json!(0), json!("")));
    assert_eq!(ran.result["stderr_lines"], json!([]));
    for stamp in ["start", "end", "delta"] {
        assert!(ran.result[stamp].is_string(), "{stamp}");
    }
}

#[tokio::test]
async fn homes_and_variables_are_expanded_unless_that_is_switched_off() {
    let bench = Bench::new();
    let argv = json!(["echo", "$HOME", "~/x", "${NOT_SET_ANYWHERE}"]);
    let expanded = run(&bench, json!({ "argv": argv })).await;
    assert_eq!(expanded.result["stdout"], format!("{0} {0}/x ${{NOT_SET_ANYWHERE}}", bench.home()));
    assert_eq!(expanded.result["cmd"], argv);
    let plain = run(&bench, json!({ "argv": argv, "expand_argument_vars": false })).await;
    assert_eq!(plain.result["stdout"], "$HOME ~/x ${NOT_SET_ANYWHERE}");
}

#[tokio::test]
async fn it_runs_in_the_tasks_folder_or_where_it_is_told_to() {
    let bench = Bench::new();
    std::fs::create_dir(bench.folder().join("inner")).unwrap();
    assert_eq!(run(&bench, json!({ "cmd": "pwd" })).await.result["stdout"], bench.folder().to_str().unwrap());
    let inner = run(&bench, json!({ "cmd": "pwd", "chdir": "inner" })).await;
    assert_eq!(inner.result["stdout"], bench.folder().join("inner").to_str().unwrap());
}

#[tokio::test]
async fn a_folder_that_is_not_there_fails_with_the_whole_result() {
    let bench = Bench::new();
    for mode in [Mode::Apply, Mode::Check] {
        let failure =
            bench.run("command", &json!({ "cmd": "cat", "chdir": "/nosuch" }), mode).await.failure.unwrap();
        assert_eq!(failure.message, "Unable to change directory before execution.");
        assert_eq!(failure.result["cmd"], json!(["cat"]));
        assert_eq!(
            (failure.result["rc"].clone(), failure.result["stdout"].clone()),
            (Value::Null, json!(""))
        );
    }
}

#[tokio::test]
async fn what_exists_already_is_not_made_again() {
    let bench = Bench::new();
    let args = json!({ "cmd": "touch made", "creates": "m*e" });
    assert!(run(&bench, args.clone()).await.changed);
    let second = run(&bench, args.clone()).await;
    assert!(!second.changed && !second.skipped);
    assert_eq!(second.result["stdout"], "skipped, since m*e exists");
    assert_eq!(second.result["msg"], "Did not run command since 'm*e' exists");
    assert_eq!(second.result["rc"], 0);
    let checked = bench.run("command", &args, Mode::Check).await;
    assert_eq!(checked.result["msg"], "Would not run command since 'm*e' exists");
    assert_eq!(bench.run("command", &args, Mode::Plan).await.planned[0].action, Intent::Keep);
}

#[tokio::test]
async fn what_is_gone_already_is_not_removed_again() {
    let bench = Bench::new();
    std::fs::write(bench.folder().join("old"), "").unwrap();
    let args = json!({ "cmd": "rm old", "removes": "old" });
    assert!(run(&bench, args.clone()).await.changed);
    let second = run(&bench, args).await;
    assert!(!second.changed);
    assert_eq!(second.result["msg"], "Did not run command since 'old' does not exist");
    assert_eq!(second.result["stdout_lines"], json!(["skipped, since old does not exist"]));
}

#[tokio::test]
async fn check_mode_starts_nothing_and_says_what_would_have_run() {
    let bench = Bench::new();
    let skipped = bench.run("command", &json!({ "cmd": "touch made" }), Mode::Check).await;
    assert!(skipped.skipped && !skipped.changed);
    assert_eq!(skipped.result["msg"], "Command would have run if not in check mode");
    assert_eq!((skipped.result["rc"].clone(), skipped.result["start"].clone()), (json!(0), Value::Null));
    let changed = bench.run("command", &json!({ "cmd": "touch made", "creates": "made" }), Mode::Check).await;
    assert!(changed.changed && !changed.skipped);
    assert!(!bench.folder().join("made").exists());
}

#[tokio::test]
async fn a_plan_knows_nothing_of_what_a_command_will_say() {
    let bench = Bench::new();
    for args in [json!({ "cmd": "touch made" }), json!({ "cmd": "touch made", "creates": "made" })] {
        let planned = bench.run("command", &args, Mode::Plan).await;
        assert!(planned.unknown && planned.result.is_empty());
        assert_eq!(planned.planned[0].action, Intent::WillRun);
    }
    assert!(!bench.folder().join("made").exists());
}

#[tokio::test]
async fn a_program_that_is_not_there_fails_with_the_systems_number() {
    let bench = Bench::new();
    let failure = run(&bench, json!({ "argv": ["nosuchprogram", "a b"] })).await.failure.unwrap();
    assert_eq!(failure.message, "Error executing command.");
    assert_eq!(failure.result["rc"], 2);
    assert_eq!(failure.result["cmd"], "nosuchprogram 'a b'");
    assert_eq!(
        failure.told.unwrap().to_string(),
        "Module failed: Error executing command: [Errno 2] No such file or directory: b'nosuchprogram'"
    );
    let folder = run(&bench, json!({ "cmd": "/tmp x" })).await.failure.unwrap();
    assert_eq!(folder.result["rc"], 13);
}

#[tokio::test]
async fn what_it_reads_ends_with_a_newline_unless_that_is_switched_off() {
    let bench = Bench::new();
    let args = |newline| json!({ "cmd": "cat", "stdin": "hey", "stdin_add_newline": newline, "strip_empty_ends": false });
    assert_eq!(run(&bench, args(true)).await.result["stdout"], "hey\n");
    assert_eq!(run(&bench, args(false)).await.result["stdout"], "hey");
    assert_eq!(run(&bench, json!({ "cmd": "cat" })).await.result["stdout"], "");
}

#[tokio::test]
async fn line_ends_are_cut_off_unless_that_is_switched_off() {
    let bench = Bench::new();
    let cut = run(&bench, json!({ "argv": ["printf", "a\\n\\r\\n"] })).await;
    assert_eq!(
        (cut.result["stdout"].clone(), cut.result["stdout_lines"].clone()),
        (json!("a"), json!(["a"]))
    );
    let kept = run(&bench, json!({ "argv": ["printf", "a\\n\\n"], "strip_empty_ends": false })).await;
    assert_eq!(
        (kept.result["stdout"].clone(), kept.result["stdout_lines"].clone()),
        (json!("a\n\n"), json!(["a", ""]))
    );
}

#[tokio::test]
async fn an_executable_is_not_used_and_that_is_said() {
    let bench = Bench::new();
    assert_eq!(
        run(&bench, json!({ "cmd": "echo x", "executable": "/bin/bash" })).await.result["stdout"],
        "x"
    );
    assert!(bench.warnings()[0].ends_with("Not using '/bin/bash'."));
}

#[tokio::test]
async fn a_line_that_cannot_be_split_fails() {
    let bench = Bench::new();
    let failure = run(&bench, json!({ "cmd": "echo \"a" })).await.failure.unwrap();
    assert_eq!(failure.message, "No closing quotation");
    let empty = run(&bench, json!({ "cmd": "  " })).await.failure.unwrap();
    assert_eq!(empty.message, "Argument 'args' to run_command must be list or string");
    assert_eq!((empty.result["rc"].clone(), empty.result["cmd"].clone()), (json!(257), Value::Null));
}

#[tokio::test]
async fn each_wrong_argument_is_named() {
    let bench = Bench::new();
    for (args, message) in [
        (json!({ "chdir": "/" }), "one of the following is required: _raw_params, cmd, argv"),
        (json!({ "cmd": "x", "argv": ["x"] }), "parameters are mutually exclusive: _raw_params|cmd|argv"),
        (json!({ "cmd": "x", "stdin_add_newline": "maybe" }), "The value 'maybe' is not a valid boolean"),
        (json!({ "cmd": "x", "foo": 1 }), "foo"),
    ] {
        let failure = run(&bench, args).await.failure.unwrap();
        assert!(matches!(failure.kind, FailureKind::Arguments(_)));
        assert!(failure.message.contains(message), "{}", failure.message);
    }
}
