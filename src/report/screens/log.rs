use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rplay_event::Kind;
use serde_json::json;

use super::task_done;
use crate::samples::{Written, event, ok, play, task};
use crate::{Log, Reporter, Settings};

/// Returns what the log holds after these events.
fn logged(verbosity: u8, events: Vec<Kind>) -> String {
    let file = Written::default();
    let count = Arc::new(AtomicU32::new(0));
    let stamp = move || format!("#{}", count.fetch_add(1, Ordering::Relaxed));
    let log = Log::new(Box::new(file.clone()), Box::new(stamp), verbosity);
    let settings = Settings { color: true, ..Settings::default() };
    let mut reporter =
        Reporter::new(settings, Box::new(Written::default()), Box::new(Written::default())).with_log(log);
    for kind in events {
        reporter.event(event(kind));
    }
    reporter.finish().expect("nothing ends these streams");
    file.text()
}

#[test]
fn a_log_has_what_the_screen_shows_without_colours() {
    let stars = |taken: usize| "*".repeat(79 - taken);
    assert_eq!(
        logged(
            0,
            vec![
                play("p"),
                task(1, "t", "ping"),
                task_done(ok(json!({}))),
                Kind::Warning { message: "mind".to_owned() }
            ]
        ),
        format!(
            "#0 n=ansible INFO| PLAY [p] {}\n#1 n=ansible INFO| TASK [t] {}\n#2 n=ansible INFO| ok: [web1]\n#3 n=ansible \
             WARNING| [WARNING]: mind\n",
            stars(8),
            stars(8)
        )
    );
}

#[test]
fn a_verbose_log_tells_what_was_run_where() {
    let text = logged(3, vec![play("p"), task(1, "t", "ping"), task_done(ok(json!({})))]);
    assert!(text.contains("INFO| <web1> EXEC task 1\n"), "{text}");
}
