use rplay_event::{Diff, DiffSide};
use serde_json::Value;

use crate::paint::Paint;
use crate::result::indented;
use crate::screen::Screen;
use crate::settings::{ResultFormat, Settings};
use crate::text::{Layout, json, unified, yaml};

/// Returns what `--diff` shows; empty where nothing differs.
pub(crate) fn differences(diffs: &[Diff], settings: &Settings, screen: &Screen) -> String {
    diffs.iter().map(|diff| difference(diff, settings, screen)).collect()
}

fn difference(diff: &Diff, settings: &Settings, screen: &Screen) -> String {
    let headings =
        (heading("before", diff.before_header.as_deref()), heading("after", diff.after_header.as_deref()));
    let (before, after) = (text(&diff.before, settings), text(&diff.after, settings));
    let lines = unified(&before, &after, (&headings.0, &headings.1), settings.diff_context);
    let mut out: String = lines.iter().map(|line| painted(line, screen)).collect();
    if !lines.is_empty() {
        out.push('\n');
    }
    out.push_str(diff.prepared.as_deref().unwrap_or_default());
    out
}

fn heading(side: &str, header: Option<&str>) -> String {
    header.map_or_else(|| side.to_owned(), |header| format!("{side}: {header}"))
}

fn text(side: &DiffSide, settings: &Settings) -> String {
    match side {
        DiffSide::Absent => String::new(),
        DiffSide::Text(text) => text.clone(),
        DiffSide::Data(Value::Object(fields)) if settings.result_format == ResultFormat::Yaml => {
            format!("{}\n", indented(&yaml(fields, 4, settings.pretty_results != Some(false)), 4))
        }
        DiffSide::Data(value) => format!("{}\n", json(value, Layout { indent: Some(4), ascii: true })),
    }
}

fn painted(line: &str, screen: &Screen) -> String {
    let paint = match line.chars().next() {
        Some('+') => Paint::Added,
        Some('-') => Paint::Removed,
        Some('@') if line.starts_with("@@") => Paint::Hunk,
        _ => return line.to_owned(),
    };
    screen.painted(paint, line)
}
