use rplay_event::{Fault, FaultKind, Kind, Progress, Span, Status, TaskResult};
use serde_json::json;

use crate::samples::{Written, ended, event, ok, progress, shown, task};
use crate::{Live, Reporter, Settings};

fn err(settings: Settings, events: Vec<Kind>) -> String {
    shown(settings, events).1
}

#[test]
fn warnings_go_to_stderr_once() {
    let warning = |message: &str| Kind::Warning { message: message.to_owned() };
    let warned = ok(json!({"warnings": ["careful", "again"]}));
    assert_eq!(
        err(
            Settings { color_stderr: true, ..Settings::default() },
            vec![
                warning("careful"),
                warning("two\nlines"),
                task(1, "t", "command"),
                Kind::TaskDone { result: warned },
                warning("careful"),
            ]
        )
        .replace('\x1b', "^"),
        "^[1;35m[WARNING]: careful^[0m
^[1;35m[WARNING]: two^[0m
^[1;35mlines^[0m
^[1;35m^[0m
^[1;35m[WARNING]: again^[0m
"
    );
}

#[test]
fn deprecations_say_how_to_be_rid_of_them_and_can_be_switched_off() {
    let old = || {
        let result = json!({"deprecations": [
            {"msg": "old thing", "version": "5.0.0", "collection_name": "amazon.aws"},
            {"msg": "older thing.", "collection_name": "ansible.builtin", "date": "2027-01-01"},
            {"msg": "oldest"},
        ]});
        vec![
            Kind::Deprecated { message: "`include` is `include_tasks` now.".to_owned() },
            task(1, "t", "command"),
            Kind::TaskDone { result: ok(result) },
        ]
    };
    assert_eq!(
        err(Settings::default(), old()),
        "[WARNING]: Deprecation warnings can be disabled by setting `deprecation_warnings=False` in ansible.cfg.
[DEPRECATION WARNING]: `include` is `include_tasks` now.
[DEPRECATION WARNING]: old thing. This feature will be removed from collection 'amazon.aws' version 5.0.0.
[DEPRECATION WARNING]: older thing. This feature will be removed from ansible-core in a release after 2027-01-01.
[DEPRECATION WARNING]: oldest. This feature will be removed in the future.
"
    );
    assert_eq!(err(Settings { deprecation_warnings: false, ..Settings::default() }, old()), "");
}

#[test]
fn a_notice_goes_to_stderr_as_it_is() {
    let notice = Kind::Notice { message: "open http://127.0.0.1:4566/_alb/app/".to_owned() };
    assert_eq!(
        shown(Settings::default(), vec![notice]),
        (String::new(), "open http://127.0.0.1:4566/_alb/app/\n".to_owned())
    );
}

const SOURCE: &str = "- hosts: all\n  tasks:\n    - debgu: {msg: a}\n    - debug:\n";

fn typo() -> Fault {
    Fault::new("couldn't resolve module/action 'debgu'. This often indicates a misspelling.")
        .at(&Span::new("site.yml", 3, 7))
        .with_source(SOURCE, "no such module")
        .help("did you mean `debug`?")
}

#[test]
fn a_fault_is_a_line_of_ansibles_with_the_place_marked_below() {
    let out_and_err = shown(Settings::default(), vec![Kind::Fault { fault: typo() }]);
    assert_eq!(
        out_and_err,
        (
            String::new(),
            "[ERROR]: couldn't resolve module/action 'debgu'. This often indicates a misspelling.
 --> site.yml:3:7
  |
1 | - hosts: all
2 |   tasks:
3 |     - debgu: {msg: a}
  |       ^^^^^ no such module
4 |     - debug:
  |
  = help: did you mean `debug`?
"
            .to_owned()
        )
    );
}

#[test]
fn a_fault_without_source_or_place_is_as_short_as_it_can_be() {
    let placed = Fault::new("no such file").at(&Span::new("site.yml", 3, 7));
    let bare = Fault::new("Attempting to decrypt but no vault secrets found.").kind(FaultKind::Setup);
    let helped = Fault::new("no such option").help("see --help");
    assert_eq!(
        err(Settings::default(), [placed, bare, helped].map(|fault| Kind::Fault { fault }).into()),
        "[ERROR]: no such file
--> site.yml:3:7
[ERROR]: Attempting to decrypt but no vault secrets found.
[ERROR]: no such option
 = help: see --help
"
    );
}

#[test]
fn a_fault_is_coloured_only_where_stderr_takes_colours() {
    let text =
        err(Settings { color_stderr: true, ..Settings::default() }, vec![Kind::Fault { fault: typo() }]);
    assert!(text.starts_with("\x1b[0;31m[ERROR]: couldn't"), "{text}");
    assert!(text.contains("\x1b[1m") || text.contains("\x1b[91m"), "{text}");
    assert!(
        !err(Settings { color: true, ..Settings::default() }, vec![Kind::Fault { fault: typo() }])
            .contains('\x1b')
    );
}

fn at_work(host: &str, progress: Progress) -> Kind {
    Kind::Progress { task: 1, host: host.to_owned(), progress }
}

#[test]
fn progress_is_a_line_per_change_from_one_v_on() {
    let events = || {
        vec![
            task(1, "t", "ecs_service"),
            at_work("web1", progress("rolling out web:7", &[("task 1", "PENDING 1s")], None)),
            at_work("web2", progress("rolling out web:7", &[], None)),
            at_work("web1", progress("rolling out web:7", &[("task 1", "PENDING 2s")], None)),
            at_work("web1", progress("rolling out web:7", &[("task 1", "RUNNING 3s")], None)),
        ]
    };
    assert_eq!(err(Settings::default(), events()), "");
    assert_eq!(
        err(Settings { verbosity: 1, ..Settings::default() }, events()),
        "[web1] rolling out web:7
[web1] rolling out web:7: task 1: PENDING 1s
[web2] rolling out web:7
[web1] rolling out web:7: task 1: RUNNING 3s
"
    );
}

/// Takes the rest of a sequence, up to and with the letter that ends it.
fn sequence(chars: &mut std::str::Chars<'_>) -> String {
    let mut sequence = String::new();
    for char in chars.skip(1) {
        sequence.push(char);
        if char.is_alphabetic() {
            break;
        }
    }
    sequence
}

const WIDTH: usize = 80;

/// What a terminal shows in the end: the few sequences that the live lines use, played.
fn played(text: &str) -> String {
    let (mut lines, mut row): (Vec<Vec<char>>, usize) = (vec![Vec::new()], 0);
    let mut column = 0;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\n' => (row, column) = (row + 1, 0),
            '\r' => column = 0,
            '\x1b' => {
                let sequence = sequence(&mut chars);
                let count: usize = sequence.trim_end_matches(char::is_alphabetic).parse().unwrap_or(1);
                match sequence.chars().last() {
                    Some('A') => row = row.saturating_sub(count),
                    Some('B') => row += count,
                    Some('K') => lines[row].clear(),
                    other => panic!("an unknown sequence: {other:?}"),
                }
            }
            char => {
                if column == WIDTH {
                    (row, column) = (row + 1, 0);
                    lines.resize(lines.len().max(row + 1), Vec::new());
                }
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = char;
                column += 1;
            }
        }
        lines.resize(lines.len().max(row + 1), Vec::new());
    }
    let lines: Vec<String> =
        lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned()).collect();
    lines.join("\n").trim_end().to_owned()
}

#[test]
fn on_a_terminal_progress_is_live_and_gone_when_the_task_is_done() {
    let settings =
        Settings { live: Live::Terminal { width: 80, height: 24, turning: false }, ..Settings::default() };
    let terminal = Written::default();
    let mut reporter = Reporter::new(settings, Box::new(terminal.clone()), Box::new(terminal.clone()));
    let mut show = |kind| {
        reporter.event(event(kind));
        played(&terminal.text())
    };
    let mut push = progress("pushing web", &[("layer", "uploading")], None);
    push.steps.iter_mut().for_each(|step| step.amount = Some((1, 4)));
    let heading = format!("\nTASK [t] {}", "*".repeat(71));
    assert_eq!(show(task(1, "t", "ecr_push")), heading);
    assert_eq!(
        show(at_work("web1", push)),
        format!("{heading}\n⠁ pushing web\n    [======>                 ]  25% layer uploading")
    );
    let rollout =
        progress("rolling out web:7", &[("task 1", "PENDING"), ("task 2", "PENDING")], Some("has started"));
    let live = show(at_work("web2", rollout));
    assert!(
        live.contains("\nhas started\n")
            && live.contains("rolling out web:7\n    task 1 PENDING\n    task 2 PENDING"),
        "{live}"
    );
    let failed = TaskResult { delegated_to: None, ..ended(Status::Changed, json!({})) };
    let live = show(Kind::TaskDone { result: failed.clone() });
    assert!(live.contains("\nchanged: [web1]\n") && !live.contains("pushing web"), "{live}");
    let last = show(Kind::TaskDone { result: TaskResult { host: "web2".to_owned(), ..failed } });
    assert_eq!(last, format!("{heading}\nhas started\nchanged: [web1]\nchanged: [web2]"));
}
