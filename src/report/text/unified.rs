use std::collections::HashMap;
use std::ops::Range;

/// Returns the lines of a unified diff as `difflib.unified_diff` of Python gives them, headings included.
///
/// Written after the algorithm that Python's manual describes (the longest run that both sides share, then the same to its
/// left and right) and not taken from a diff library: another algorithm finds other, equally short differences, and
/// `--diff` is to read as Ansible's does.
pub(crate) fn unified(before: &str, after: &str, headings: (&str, &str), context: usize) -> Vec<String> {
    let (before, after) = (lines(before), lines(after));
    let groups = grouped(edits(&before, &after), context);
    let mut out = Vec::new();
    if !groups.is_empty() {
        out.push(format!("--- {}\n", headings.0));
        out.push(format!("+++ {}\n", headings.1));
    }
    for group in groups {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (old, new) = (first.old.start..last.old.end, first.new.start..last.new.end);
        out.push(format!("@@ -{} +{} @@\n", place(&old), place(&new)));
        for edit in &group {
            push_lines(&mut out, edit, &before, &after);
        }
    }
    out
}

fn push_lines(out: &mut Vec<String>, edit: &Edit, before: &[String], after: &[String]) {
    if edit.equal {
        out.extend(before.get(edit.old.clone()).unwrap_or_default().iter().map(|line| format!(" {line}")));
        return;
    }
    out.extend(before.get(edit.old.clone()).unwrap_or_default().iter().map(|line| format!("-{line}")));
    out.extend(after.get(edit.new.clone()).unwrap_or_default().iter().map(|line| format!("+{line}")));
}

/// A range in a hunk's heading: lines count from 1, an empty range names the line before it.
fn place(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        length => format!("{},{length}", range.start + 1),
    }
}

/// The lines with their ends, split where `str.splitlines` splits; a last line without an end says so.
fn lines(text: &str) -> Vec<String> {
    const ENDS: [char; 10] =
        ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = match rest.find(ENDS) {
            Some(at) if rest.get(at..).is_some_and(|rest| rest.starts_with("\r\n")) => at + 2,
            Some(at) => at + rest.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8),
            None => rest.len(),
        };
        let (line, after) = rest.split_at(end);
        lines.push(line.to_owned());
        rest = after;
    }
    if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
        last.push_str("\n\\ No newline at end of file\n");
    }
    lines
}

/// A stretch of both sides that is equal, or that replaces one by the other.
#[derive(Clone, Debug)]
struct Edit {
    equal: bool,
    old: Range<usize>,
    new: Range<usize>,
}

/// A run of lines that both sides share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    old: usize,
    new: usize,
    length: usize,
}

fn edits(before: &[String], after: &[String]) -> Vec<Edit> {
    let mut edits = Vec::new();
    let (mut old, mut new) = (0, 0);
    let end = Run { old: before.len(), new: after.len(), length: 0 };
    for run in shared(before, after).into_iter().chain([end]) {
        if old < run.old || new < run.new {
            edits.push(Edit { equal: false, old: old..run.old, new: new..run.new });
        }
        (old, new) = (run.old + run.length, run.new + run.length);
        if run.length > 0 {
            edits.push(Edit { equal: true, old: run.old..old, new: run.new..new });
        }
    }
    edits
}

fn shared(before: &[String], after: &[String]) -> Vec<Run> {
    let places = places(after);
    let mut runs = Vec::new();
    let mut open = vec![(0..before.len(), 0..after.len())];
    while let Some((old, new)) = open.pop() {
        let run = longest(before, after, &places, &old, &new);
        if run.length == 0 {
            continue;
        }
        open.push((old.start..run.old, new.start..run.new));
        open.push((run.old + run.length..old.end, run.new + run.length..new.end));
        runs.push(run);
    }
    runs.sort_unstable();
    let mut joined: Vec<Run> = Vec::new();
    for run in runs {
        match joined.last_mut() {
            Some(last) if last.old + last.length == run.old && last.new + last.length == run.new => {
                last.length += run.length;
            }
            _ => joined.push(run),
        }
    }
    joined
}

/// Where each line stands in the new text, without those that are so frequent that they tell nothing.
fn places(after: &[String]) -> HashMap<&str, Vec<usize>> {
    const LONG: usize = 200;
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, line) in after.iter().enumerate() {
        places.entry(line).or_default().push(index);
    }
    if after.len() >= LONG {
        let frequent = after.len() / 100 + 1;
        places.retain(|_, places| places.len() <= frequent);
    }
    places
}

/// The longest run in both stretches; of equally long ones the first in the old, then the first in the new.
fn longest(
    before: &[String],
    after: &[String],
    places: &HashMap<&str, Vec<usize>>,
    old: &Range<usize>,
    new: &Range<usize>,
) -> Run {
    let mut best = Run { old: old.start, new: new.start, length: 0 };
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for (index, line) in before.iter().enumerate().take(old.end).skip(old.start) {
        let mut longer = HashMap::new();
        let candidates = places.get(line.as_str()).map_or(&[][..], Vec::as_slice);
        for &place in candidates.iter().filter(|place| new.contains(place)) {
            let length = place.checked_sub(1).and_then(|left| lengths.get(&left)).copied().unwrap_or(0) + 1;
            longer.insert(place, length);
            if length > best.length {
                best = Run { old: index + 1 - length, new: place + 1 - length, length };
            }
        }
        lengths = longer;
    }
    widen(before, after, best, old, new)
}

/// Frequent lines start no run, but continue one.
fn widen(before: &[String], after: &[String], mut run: Run, old: &Range<usize>, new: &Range<usize>) -> Run {
    while run.old > old.start && run.new > new.start && before.get(run.old - 1) == after.get(run.new - 1) {
        run = Run { old: run.old - 1, new: run.new - 1, length: run.length + 1 };
    }
    while run.old + run.length < old.end
        && run.new + run.length < new.end
        && before.get(run.old + run.length) == after.get(run.new + run.length)
    {
        run.length += 1;
    }
    run
}

/// The edits in groups, each with `context` equal lines around it.
fn grouped(mut edits: Vec<Edit>, context: usize) -> Vec<Vec<Edit>> {
    if let Some(first) = edits.first_mut().filter(|first| first.equal) {
        keep_last(first, context);
    }
    if let Some(last) = edits.last_mut().filter(|last| last.equal) {
        keep_first(last, context);
    }
    let mut groups = Vec::new();
    let mut group = Vec::new();
    for mut edit in edits {
        if edit.equal && edit.old.len() > 2 * context {
            let mut end = edit.clone();
            keep_first(&mut end, context);
            group.push(end);
            groups.push(std::mem::take(&mut group));
            keep_last(&mut edit, context);
        }
        group.push(edit);
    }
    groups.push(group);
    groups.retain(|group| group.iter().any(|edit| !edit.equal));
    groups
}

fn keep_last(edit: &mut Edit, lines: usize) {
    edit.old.start = edit.old.start.max(edit.old.end.saturating_sub(lines));
    edit.new.start = edit.new.start.max(edit.new.end.saturating_sub(lines));
}

fn keep_first(edit: &mut Edit, lines: usize) {
    edit.old.end = edit.old.end.min(edit.old.start + lines);
    edit.new.end = edit.new.end.min(edit.new.start + lines);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(before: &str, after: &str) -> String {
        unified(before, after, ("before", "after"), 3).concat()
    }

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(diff("a\nb\n", "a\nb\n"), "");
    }

    #[test]
    fn a_created_text_starts_at_line_zero() {
        assert_eq!(diff("", "a\nb\n"), "--- before\n+++ after\n@@ -0,0 +1,2 @@\n+a\n+b\n");
    }

    #[test]
    fn a_missing_last_newline_is_said_on_its_side() {
        assert_eq!(
            diff("a\nb", "a\nb\n"),
            "--- before\n+++ after\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"
        );
    }

    #[test]
    fn distant_changes_stand_in_hunks_of_their_own() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        let after = before.replacen("1\n", "one\n", 1).replace("12\n", "twelve\n");
        assert_eq!(
            diff(before, &after),
            "--- before\n+++ after\n@@ -1,4 +1,4 @@\n-1\n+one\n 2\n 3\n 4\n@@ -9,4 +9,4 @@\n 9\n 10\n 11\n-12\n+twelve\n"
        );
    }

    #[test]
    fn the_longest_shared_run_wins_over_the_shortest_script() {
        // A shortest edit script would keep `x`, three times; the longest run is `p q`.
        let before = "x\np\nq\nx\nx\n";
        let after = "p\nq\ny\nx\n";
        assert_eq!(diff(before, after), "--- before\n+++ after\n@@ -1,5 +1,4 @@\n-x\n p\n q\n+y\n x\n-x\n");
    }

    #[test]
    fn carriage_returns_and_form_feeds_end_lines_as_in_python() {
        assert_eq!(lines("a\r\nb\rc\u{c}d\n"), ["a\r\n", "b\r", "c\u{c}", "d\n"]);
    }
}
