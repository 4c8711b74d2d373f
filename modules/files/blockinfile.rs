use std::path::PathBuf;

use rplay_module::pattern::{Flags, Pattern};
use rplay_module::{Action, Choice, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::json;

use crate::attributes::Attributes;
use crate::encoding::Text;
use crate::paths;
use crate::revision::{self, How, Revision, Told};

/// Keeps a block of lines between two markers in a text file.
#[derive(Params)]
#[params(mutually_exclusive("insertbefore", "insertafter"))]
pub(crate) struct BlockinfileParams {
    /// The file.
    #[param(alias = "dest", alias = "destfile", alias = "name")]
    path: PathBuf,
    /// Whether the block shall be there.
    #[param(default = "present")]
    state: State,
    /// The line before and after the block; `{mark}` is what `marker_begin` and `marker_end` say.
    #[param(default = "# {mark} ANSIBLE MANAGED BLOCK")]
    marker: String,
    /// The lines; without any the block is taken out.
    #[param(default = "", alias = "content")]
    block: String,
    /// Where a new block goes: behind the last line that matches this regular expression, or `EOF`.
    insertafter: Option<String>,
    /// Where a new block goes: before the last line that matches this regular expression, or `BOF`.
    insertbefore: Option<String>,
    /// Whether a file that is not there is made.
    #[param(default = false)]
    create: bool,
    /// Whether the file is kept under a name with the time in it before it is changed.
    #[param(default = false)]
    backup: bool,
    /// A command that has to accept the new file before it is put in its place; `%s` is its path.
    validate: Option<String>,
    /// What `{mark}` is before the block.
    #[param(default = "BEGIN")]
    marker_begin: String,
    /// What `{mark}` is after the block.
    #[param(default = "END")]
    marker_end: String,
    /// Whether an empty line follows the block, unless one does or the file ends.
    #[param(default = false)]
    append_newline: bool,
    /// Whether an empty line stands before the block, unless one does or the file begins.
    #[param(default = false)]
    prepend_newline: bool,
    #[param(flatten)]
    attributes: Attributes,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

/// Where a new block goes.
enum Place {
    Beginning,
    End,
    After(String),
    Before(String),
}

impl BlockinfileParams {
    fn how(&self) -> How<'_> {
        How { backup: self.backup, validate: self.validate.as_deref(), attributes: &self.attributes }
    }

    /// Returns the text as it shall be; `Err` in the answer says that there is no file, and none is needed.
    fn work(&self, cx: &Cx) -> Result<std::result::Result<Revision, Deed>> {
        let path = paths::expand(cx, &self.path);
        let there = revision::read(cx, &path, "file")?;
        if there.is_none() && !self.create {
            return Err(revision::missing("Path", &path));
        }
        if there.is_none() && self.state == State::Absent {
            return Ok(Err(Deed::new(false, json!({ "msg": format!("File {path} not present") }))));
        }
        let existed = there.is_some();
        let before = there.unwrap_or_default();
        let text = Text::of(&before);
        let block = self.block_lines(&text);
        let after = text.bytes(&self.revised(&text, &block)?);
        let changed = !existed || before != after;
        let msg = match () {
            () if !changed => "",
            () if !existed => "File created",
            () if block.is_empty() => "Block removed",
            () => "Block inserted",
        };
        Ok(Ok(Revision { path, existed, before, after, changed, msg: msg.to_owned() }))
    }

    fn markers(&self, text: &Text) -> [String; 2] {
        [&self.marker_begin, &self.marker_end]
            .map(|mark| text.same(&format!("{}\n", self.marker.replace("{mark}", mark))))
    }

    fn block_lines(&self, text: &Text) -> Vec<String> {
        if self.state == State::Absent || self.block.is_empty() {
            return Vec::new();
        }
        let mut block = text.same(&self.block);
        if !block.ends_with('\n') {
            block.push('\n');
        }
        let [begin, end] = self.markers(text);
        std::iter::once(begin).chain(lines(&block)).chain([end]).collect()
    }

    fn revised(&self, text: &Text, block: &[String]) -> Result<String> {
        let mut lines = lines(text.as_str());
        let [begin, end] = self.markers(text);
        let last = |marker: &str| lines.iter().rposition(|line| line == marker);
        let mut at = match (last(&begin), last(&end)) {
            (Some(begin), Some(end)) => {
                let (low, high) = (begin.min(end), begin.max(end));
                lines.drain(low..=high);
                low
            }
            _ => self.place(text, &lines)?,
        };
        if let Some(line) = at.checked_sub(1).and_then(|before| lines.get_mut(before))
            && !line.ends_with('\n')
        {
            line.push('\n');
        }
        let blank = |lines: &[String], at: usize| lines.get(at).is_some_and(|line| line == "\n");
        let present = self.state == State::Present;
        if self.prepend_newline && present && at != 0 && !blank(&lines, at - 1) {
            lines.insert(at, "\n".to_owned());
            at += 1;
        }
        lines.splice(at..at, block.iter().cloned());
        let behind = at + block.len();
        if self.append_newline && present && behind < lines.len() && !blank(&lines, behind) {
            lines.insert(behind, "\n".to_owned());
        }
        Ok(lines.concat())
    }

    fn wanted(&self) -> Place {
        match (&self.insertafter, &self.insertbefore) {
            (None, None) => Place::End,
            (Some(after), _) if after == "EOF" => Place::End,
            (Some(after), _) => Place::After(after.clone()),
            (None, Some(before)) if before == "BOF" => Place::Beginning,
            (None, Some(before)) => Place::Before(before.clone()),
        }
    }

    fn place(&self, text: &Text, lines: &[String]) -> Result<usize> {
        let (pattern, after) = match self.wanted() {
            Place::Beginning => return Ok(0),
            Place::End => return Ok(lines.len()),
            Place::After(pattern) => (pattern, true),
            Place::Before(pattern) => (pattern, false),
        };
        let written = text.same(&pattern);
        let pattern = Pattern::new(&written, Flags::default()).map_err(Failure::broken_off)?;
        let found = if Pattern::asks_for_lines(&written) {
            // Such a pattern may reach over several lines: it is looked for in the whole text.
            let found = pattern.search(text.as_str()).and_then(|captures| {
                let whole = captures.get(0)?;
                text.as_str().get(..if after { whole.end() } else { whole.start() })
            });
            found.map(|before| before.matches('\n').count())
        } else {
            lines.iter().rposition(|line| pattern.is_in(line))
        };
        Ok(found.map_or(lines.len(), |at| at + usize::from(after)).min(lines.len()))
    }
}

/// Cuts a text after each line end, as Python's `splitlines` of bytes does.
fn lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        let end = if rest.get(at..).is_some_and(|end| end.starts_with("\r\n")) { at + 2 } else { at + 1 };
        let (line, tail) = rest.split_at(end);
        lines.push(line.to_owned());
        rest = tail;
    }
    if !rest.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

pub(crate) struct Blockinfile;

impl Action for Blockinfile {
    type Params = BlockinfileParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &BlockinfileParams) -> Result<Deed> {
        match p.work(cx)? {
            Err(deed) => Ok(deed),
            Ok(revision) => Ok(deed(revision.foretold(cx, p.how()).await?, &revision.path)),
        }
    }

    async fn perform(&self, cx: &Cx, p: &BlockinfileParams) -> Result<Deed> {
        match p.work(cx)? {
            Err(deed) => Ok(deed),
            Ok(revision) => Ok(deed(revision.written(cx, p.how()).await?, &revision.path)),
        }
    }
}

fn deed(told: Told, path: &str) -> Deed {
    let more = told.backup.clone().map_or_else(|| json!({}), |backup| json!({ "backup_file": backup }));
    told.deed(path, more)
}

#[cfg(test)]
mod tests {
    use rplay_module::Mode;
    use serde_json::{Value, json};

    use crate::tests::Bench;

    async fn revised(text: &str, mut args: Value) -> (String, String) {
        let bench = Bench::new();
        bench.write("f", text);
        args["path"] = json!("f");
        let foretold = bench.run("blockinfile", &args, Mode::Check).await;
        assert_eq!(bench.read("f"), text, "a check writes nothing");
        let done = bench.run("blockinfile", &args, Mode::Apply).await;
        assert!(done.failure.is_none(), "{:?}", done.failure);
        assert_eq!((foretold.changed, &foretold.result["msg"]), (done.changed, &done.result["msg"]));
        let again = bench.run("blockinfile", &args, Mode::Apply).await;
        assert!(!again.changed, "{args}");
        (bench.read("f"), done.result["msg"].as_str().unwrap().to_owned())
    }

    const B: &str = "# BEGIN ANSIBLE MANAGED BLOCK\n";
    const E: &str = "# END ANSIBLE MANAGED BLOCK\n";

    #[tokio::test]
    async fn a_block_goes_where_it_is_told_to() {
        for (text, args, after) in [
            ("a\nb", json!({ "block": "x\ny" }), format!("a\nb\n{B}x\ny\n{E}")),
            ("a\nb\n", json!({ "block": "x\n", "insertbefore": "BOF" }), format!("{B}x\n{E}a\nb\n")),
            ("a\nb\n", json!({ "block": "x", "insertafter": "^a" }), format!("a\n{B}x\n{E}b\n")),
            ("a\nb\n", json!({ "block": "x", "insertbefore": "b" }), format!("a\n{B}x\n{E}b\n")),
            (
                "a\nb\nc\n",
                json!({ "block": "x", "insertafter": "(?m)a\nb\n" }),
                format!("a\nb\n\n{B}").replace("\n\n", "\nc\n") + &format!("x\n{E}"),
            ),
            (
                "a\nb\n",
                json!({ "block": "x", "insertafter": "a", "prepend_newline": true, "append_newline": true }),
                format!("a\n\n{B}x\n{E}\nb\n"),
            ),
            (
                "a\n",
                json!({ "block": "x", "marker": "<{mark}>", "marker_begin": "1", "marker_end": "2" }),
                "a\n<1>\nx\n<2>\n".to_owned(),
            ),
        ] {
            assert_eq!(revised(text, args.clone()).await, (after, "Block inserted".to_owned()), "{args}");
        }
    }

    #[tokio::test]
    async fn a_block_that_is_there_is_replaced_or_taken_out() {
        let text = format!("a\n{B}old\n{E}b\n");
        assert_eq!(
            revised(&text, json!({ "block": "new" })).await,
            (format!("a\n{B}new\n{E}b\n"), "Block inserted".to_owned())
        );
        for args in [json!({ "state": "absent" }), json!({ "block": "" })] {
            assert_eq!(revised(&text, args).await, ("a\nb\n".to_owned(), "Block removed".to_owned()));
        }
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_refused_made_or_not_needed() {
        let bench = Bench::new();
        let run = async |args: Value| bench.run("blockinfile", &args, Mode::Apply).await;
        let missing = run(json!({ "path": "f", "block": "x" })).await.failure.unwrap();
        assert_eq!(missing.message, "Path f does not exist !");
        let absent = run(json!({ "path": "f", "state": "absent", "create": true })).await;
        assert_eq!(absent.result["msg"], "File f not present");
        let made = run(json!({ "path": "f", "block": "x", "create": true })).await;
        assert_eq!(
            (made.result["msg"].as_str(), bench.read("f")),
            (Some("File created"), format!("{B}x\n{E}"))
        );
    }
}
