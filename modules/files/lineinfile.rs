use std::path::PathBuf;

use rplay_module::pattern::{Flags, Pattern};
use rplay_module::{Action, Choice, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::json;

use crate::attributes::Attributes;
use crate::encoding::Text;
use crate::paths;
use crate::revision::{self, How, Revision, Told};

/// Keeps one line in a text file.
#[derive(Params)]
#[params(
    mutually_exclusive("insertbefore", "insertafter"),
    mutually_exclusive("regexp", "search_string"),
    mutually_exclusive("backrefs", "search_string")
)]
pub(crate) struct LineinfileParams {
    /// The file.
    #[param(alias = "dest", alias = "destfile", alias = "name")]
    path: PathBuf,
    /// Whether the line shall be there.
    #[param(default = "present")]
    state: State,
    /// The line that is replaced, or the lines that are taken out, as a regular expression; of several matches the last.
    #[param(alias = "regex")]
    regexp: Option<String>,
    /// The same as a plain text that the line has in it.
    search_string: Option<String>,
    /// The line as it shall be.
    #[param(alias = "value")]
    line: Option<String>,
    /// Where it goes when nothing is replaced: behind the last line that matches this regular expression, or `EOF`.
    insertafter: Option<String>,
    /// Where it goes when nothing is replaced: before the last line that matches this regular expression, or `BOF`.
    insertbefore: Option<String>,
    /// Whether `\1` and the like in `line` are filled from the match; then nothing is added where nothing matches.
    #[param(default = false)]
    backrefs: bool,
    /// Whether a file that is not there is made.
    #[param(default = false)]
    create: bool,
    /// Whether the file is kept under a name with the time in it before it is changed.
    #[param(default = false)]
    backup: bool,
    /// Whether the first match counts rather than the last.
    #[param(default = false)]
    firstmatch: bool,
    /// A command that has to accept the new file before it is put in its place; `%s` is its path.
    validate: Option<String>,
    #[param(flatten)]
    attributes: Attributes,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

/// What was worked out.
enum Work {
    /// There is no file, and none is needed.
    NoFile,
    Revised {
        revision: Revision,
        found: Option<usize>,
    },
}

impl LineinfileParams {
    fn how(&self) -> How<'_> {
        How { backup: self.backup, validate: self.validate.as_deref(), attributes: &self.attributes }
    }

    fn work(&self, cx: &Cx) -> Result<Work> {
        self.warn(cx);
        let path = paths::expand(cx, &self.path);
        let there = revision::read(cx, &path, "file")?;
        match self.state {
            State::Present => self.present(path, there),
            State::Absent => self.absent(path, there),
        }
    }

    fn warn(&self, cx: &Cx) {
        let warning = |what: &str, more: &str| {
            cx.warn(format!(
                "The {what} is an empty string, which will match every line in the file. This may have unintended \
                 consequences, such as replacing the last line in the file rather than appending.{more}"
            ));
        };
        if self.regexp.as_deref() == Some("") {
            warning(
                "regular expression",
                " If this is desired, use '^' to match every line in the file and avoid this warning.",
            );
        } else if self.search_string.as_deref() == Some("") {
            warning("search string", "");
        }
    }

    fn present(&self, path: String, there: Option<Vec<u8>>) -> Result<Work> {
        if self.backrefs && self.regexp.is_none() {
            return Err(Failure::new("regexp is required with backrefs=true"));
        }
        let Some(line) = &self.line else { return Err(Failure::new("line is required with state=present")) };
        if there.is_none() && !self.create {
            return Err(revision::missing("Destination", &path));
        }
        let existed = there.is_some();
        let before = there.unwrap_or_default();
        let text = Text::of(&before);
        let mut page = Page { lines: revision::lines(&text), line: text.same(line) };
        let msg = page.keep(&self.search(&text)?)?;
        let after = text.bytes(&page.lines.concat());
        let revision = Revision {
            path,
            existed,
            before,
            after,
            changed: msg.is_some(),
            msg: msg.unwrap_or_default().to_owned(),
        };
        Ok(Work::Revised { revision, found: None })
    }

    fn absent(&self, path: String, there: Option<Vec<u8>>) -> Result<Work> {
        if self.regexp.is_none() && self.search_string.is_none() && self.line.is_none() {
            let message = "one of line, search_string, or regexp is required with state=absent";
            return Err(Failure::new(message));
        }
        let Some(before) = there else { return Ok(Work::NoFile) };
        let text = Text::of(&before);
        let search = self.search(&text)?;
        let line = self.line.as_deref().map(|line| text.same(line));
        let meant = |current: &str| match (&search.regexp, &search.plain) {
            (Some(regexp), _) => regexp.is_in(current),
            (None, Some(plain)) => current.contains(plain.as_str()),
            (None, None) => line.as_deref() == Some(current.trim_end_matches(['\r', '\n'])),
        };
        let mut lines = revision::lines(&text);
        let many = lines.len();
        lines.retain(|current| !meant(current));
        let found = many - lines.len();
        let msg = if found > 0 { format!("{found} line(s) removed") } else { String::new() };
        let after = text.bytes(&lines.concat());
        let revision = Revision { path, existed: true, before, after, changed: found > 0, msg };
        Ok(Work::Revised { revision, found: Some(found) })
    }

    fn search(&self, text: &Text) -> Result<Search> {
        let compiled =
            |pattern: &str| Pattern::new(&text.same(pattern), Flags::default()).map_err(Failure::broken_off);
        let regexp = self.regexp.as_deref().map(compiled).transpose()?;
        let end = "EOF".to_owned();
        let after = match (&self.insertafter, &self.insertbefore) {
            (None, None) => Some(&end),
            (after, _) => after.as_ref(),
        };
        let place = match (after.map(String::as_str), self.insertbefore.as_deref()) {
            (Some("EOF"), _) => Place::End,
            (Some("BOF"), _) | (None, Some("BOF")) => Place::Beginning,
            (Some(""), _) | (None, Some("") | None) => Place::Nowhere,
            (Some(after), _) => Place::After(compiled(after)?),
            (None, Some(before)) => Place::Before(compiled(before)?),
        };
        Ok(Search {
            regexp,
            plain: self.search_string.as_deref().map(|plain| text.same(plain)),
            place,
            first: self.firstmatch,
            backrefs: self.backrefs,
        })
    }
}

fn deed(told: Told, found: Option<usize>, path: &str) -> Deed {
    let mut more = json!({ "backup": told.backup.clone().unwrap_or_default() });
    if let (Some(found), Some(fields)) = (found, more.as_object_mut()) {
        fields.insert("found".to_owned(), found.into());
    }
    told.deed(path, more)
}

/// What is looked for, and where the line goes.
struct Search {
    regexp: Option<Pattern>,
    plain: Option<String>,
    place: Place,
    first: bool,
    backrefs: bool,
}

enum Place {
    Beginning,
    End,
    After(Pattern),
    Before(Pattern),
    /// An empty text: neither before nor after anything.
    Nowhere,
}

/// The lines of a file, and the one that is kept in them.
struct Page {
    lines: Vec<String>,
    line: String,
}

/// What was found on a page.
#[derive(Default)]
struct Found {
    /// The line that is replaced, and what stands in its place.
    replaced: Option<(usize, String)>,
    /// The line is there word for word.
    exact: Option<usize>,
    /// Where the line goes.
    place: Option<usize>,
}

impl Page {
    /// Puts the line where it shall be, and tells what was done; `None` where nothing had to be.
    fn keep(&mut self, search: &Search) -> Result<Option<&'static str>> {
        let found = self.find(search)?;
        if let Some((at, new)) = found.replaced.or_else(|| found.exact.map(|at| (at, self.line.clone()))) {
            let new = ended(new);
            let Some(old) = self.lines.get_mut(at).filter(|old| **old != new) else { return Ok(None) };
            *old = new;
            return Ok(Some("line replaced"));
        }
        if search.backrefs {
            // Without a match there is nothing to fill the line with.
            return Ok(None);
        }
        let added = match (&search.place, found.place) {
            (Place::Beginning, _) => {
                self.lines.insert(0, ended_always(&self.line));
                true
            }
            (Place::End, _) | (_, None) => {
                if self.lines.last().is_some_and(|last| !last.ends_with(['\n', '\r'])) {
                    self.lines.push("\n".to_owned());
                }
                self.lines.push(ended_always(&self.line));
                true
            }
            (Place::After(_), Some(at)) => self.insert_after(at),
            (_, Some(at)) => {
                self.lines.insert(at, ended_always(&self.line));
                true
            }
        };
        Ok(added.then_some("line added"))
    }

    /// Inserts the line unless it stands there already.
    fn insert_after(&mut self, at: usize) -> bool {
        let there = if at == self.lines.len() { at.checked_sub(1) } else { Some(at) };
        let same = there.and_then(|at| self.lines.get(at)).is_some_and(|line| bare(line) == self.line);
        if !same {
            self.lines.insert(at, ended_always(&self.line));
        }
        !same
    }

    fn find(&self, search: &Search) -> Result<Found> {
        let mut found = Found { replaced: self.replaced(search)?, ..Found::default() };
        if found.replaced.is_some() {
            return Ok(found);
        }
        for (at, current) in self.lines.iter().enumerate() {
            if bare(current) == self.line {
                found.exact = Some(at);
                continue;
            }
            let place = match &search.place {
                Place::After(pattern) if pattern.is_in(current) => at + 1,
                Place::Before(pattern) if pattern.is_in(current) => at,
                _ => continue,
            };
            found.place = Some(place);
            if search.first {
                break;
            }
        }
        Ok(found)
    }

    fn replaced(&self, search: &Search) -> Result<Option<(usize, String)>> {
        let mut found = None;
        for (at, current) in self.lines.iter().enumerate() {
            let new = match (&search.regexp, &search.plain) {
                (Some(regexp), _) => match regexp.search(current) {
                    Some(captures) if search.backrefs => {
                        let filled = regexp.expand(&self.line, &captures);
                        Some(filled.map_err(Failure::broken_off)?)
                    }
                    Some(_) => Some(self.line.clone()),
                    None => None,
                },
                (None, Some(plain)) => current.contains(plain.as_str()).then(|| self.line.clone()),
                (None, None) => None,
            };
            if let Some(new) = new {
                found = Some((at, new));
                if search.first {
                    break;
                }
            }
        }
        Ok(found)
    }
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

/// A line that is replaced ends once, one that is added has its newline behind whatever it ends with.
fn ended(line: String) -> String {
    if line.ends_with('\n') { line } else { line + "\n" }
}

fn ended_always(line: &str) -> String {
    format!("{line}\n")
}

pub(crate) struct Lineinfile;

impl Action for Lineinfile {
    type Params = LineinfileParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &LineinfileParams) -> Result<Deed> {
        match p.work(cx)? {
            Work::NoFile => Ok(no_file()),
            Work::Revised { revision, found } => {
                let told = revision.foretold(cx, p.how()).await?;
                Ok(deed(told, found, &revision.path))
            }
        }
    }

    async fn perform(&self, cx: &Cx, p: &LineinfileParams) -> Result<Deed> {
        match p.work(cx)? {
            Work::NoFile => Ok(no_file()),
            Work::Revised { revision, found } => {
                let told = revision.written(cx, p.how()).await?;
                Ok(deed(told, found, &revision.path))
            }
        }
    }
}

fn no_file() -> Deed {
    Deed::new(false, json!({ "msg": "file not present" }))
}

#[cfg(test)]
mod tests {
    use rplay_module::{DiffSide, Mode, Outcome};
    use serde_json::{Value, json};

    use crate::tests::Bench;

    async fn run(bench: &Bench, args: Value) -> Outcome {
        bench.run("lineinfile", &args, Mode::Apply).await
    }

    /// Runs it on a file, and returns what the file is then and what was said.
    async fn revised(text: &str, mut args: Value) -> (String, String) {
        let bench = Bench::new();
        bench.write("f", text);
        args["path"] = json!("f");
        let foretold = bench.run("lineinfile", &args, Mode::Check).await;
        assert_eq!(bench.read("f"), text, "a check writes nothing");
        let done = run(&bench, args.clone()).await;
        assert!(done.failure.is_none(), "{:?}", done.failure);
        assert_eq!((foretold.changed, &foretold.result["msg"]), (done.changed, &done.result["msg"]));
        assert_eq!(done.changed, bench.read("f") != text);
        (bench.read("f"), done.result["msg"].as_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn a_line_goes_where_it_is_told_to() {
        for (text, args, after, msg) in [
            ("a\nb\n", json!({ "line": "c" }), "a\nb\nc\n", "line added"),
            ("a\nb", json!({ "line": "c" }), "a\nb\nc\n", "line added"),
            ("a\nb\n", json!({ "line": "b" }), "a\nb\n", ""),
            ("a\nb\n", json!({ "line": "c", "insertbefore": "BOF" }), "c\na\nb\n", "line added"),
            ("a\nb\n", json!({ "line": "c", "insertafter": "^a$" }), "a\nc\nb\n", "line added"),
            ("a\nb\na\n", json!({ "line": "c", "insertafter": "a" }), "a\nb\na\nc\n", "line added"),
            (
                "a\nb\na\n",
                json!({ "line": "c", "insertafter": "a", "firstmatch": true }),
                "a\nc\nb\na\n",
                "line added",
            ),
            ("a\nb\n", json!({ "line": "c", "insertbefore": "b" }), "a\nc\nb\n", "line added"),
            ("a\nb\n", json!({ "line": "c", "insertbefore": "x" }), "a\nb\nc\n", "line added"),
            ("a=1\nb\na=2\n", json!({ "line": "a=3", "regexp": "^a=" }), "a=1\nb\na=3\n", "line replaced"),
            (
                "a=1\na=2\n",
                json!({ "line": "a=3", "regexp": "^a=", "firstmatch": true }),
                "a=3\na=2\n",
                "line replaced",
            ),
            (
                "k=v\n",
                json!({ "line": r"\1=w", "regexp": "^(k)=", "backrefs": true }),
                "k=w\n",
                "line replaced",
            ),
            ("k=v\n", json!({ "line": r"\1=w", "regexp": "^(x)=", "backrefs": true }), "k=v\n", ""),
            ("a b\nc\n", json!({ "line": "d", "search_string": "a " }), "d\nc\n", "line replaced"),
        ] {
            assert_eq!(revised(text, args.clone()).await, (after.to_owned(), msg.to_owned()), "{args}");
        }
    }

    #[tokio::test]
    async fn lines_are_taken_out() {
        for (args, after, msg) in [
            (json!({ "state": "absent", "line": "a" }), "ab\n", "2 line(s) removed"),
            (json!({ "state": "absent", "regexp": "^a" }), "", "3 line(s) removed"),
            (json!({ "state": "absent", "search_string": "b" }), "a\na\n", "1 line(s) removed"),
            (json!({ "state": "absent", "line": "x" }), "a\nab\na\n", ""),
        ] {
            assert_eq!(
                revised("a\nab\na\n", args.clone()).await,
                (after.to_owned(), msg.to_owned()),
                "{args}"
            );
        }
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_stay_as_they_are() {
        let bench = Bench::new();
        std::fs::write(bench.path("f"), b"\xff\nkey=1\n").unwrap();
        run(&bench, json!({ "path": "f", "regexp": "^key", "line": "key=ä" })).await;
        assert_eq!(
            std::fs::read(bench.path("f")).unwrap(),
            [b"\xff\nkey=".as_slice(), "ä\n".as_bytes()].concat()
        );
    }

    #[tokio::test]
    async fn a_file_is_made_only_when_asked_for() {
        let bench = Bench::new();
        let missing = run(&bench, json!({ "path": "d/f", "line": "a" })).await.failure.unwrap();
        assert_eq!(missing.message, "Destination d/f does not exist !");
        assert_eq!(missing.result["rc"], 257);
        let args = json!({ "path": "d/f", "line": "a", "create": true, "mode": "0600" });
        let foretold = bench.run("lineinfile", &args, Mode::Check).await;
        assert!(foretold.changed && !bench.path("d").exists());
        let made = run(&bench, args.clone()).await;
        assert_eq!(made.result["msg"], "line added and ownership, perms or SE linux context changed");
        assert_eq!((bench.read("d/f").as_str(), bench.mode("d/f")), ("a\n", 0o600));
        assert!(!run(&bench, args).await.changed);
    }

    #[tokio::test]
    async fn both_differences_are_shown_and_the_old_text_is_kept() {
        let bench = Bench::new();
        bench.write("f", "a\n");
        let done = run(&bench, json!({ "path": "f", "line": "b", "backup": true })).await;
        assert_eq!(done.diff[0].before, DiffSide::Text("a\n".to_owned()));
        assert_eq!(done.diff[0].after, DiffSide::Text("a\nb\n".to_owned()));
        assert_eq!(done.diff[0].before_header.as_deref(), Some("f (content)"));
        assert_eq!(done.diff[1].before_header.as_deref(), Some("f (file attributes)"));
        assert_eq!(bench.read(done.result["backup"].as_str().unwrap()), "a\n");
    }

    #[tokio::test]
    async fn a_text_that_is_refused_is_not_written() {
        let bench = Bench::new();
        bench.write("f", "a\n");
        let refused = run(&bench, json!({ "path": "f", "line": "b", "validate": "/bin/false %s" })).await;
        assert_eq!(refused.failure.unwrap().message, "failed to validate: rc:1 error:");
        assert_eq!(bench.read("f"), "a\n");
    }

    #[tokio::test]
    async fn each_wrong_argument_is_named() {
        let bench = Bench::new();
        bench.write("f", "");
        for (args, message) in [
            (json!({ "path": "f" }), "line is required with state=present"),
            (json!({ "path": "f", "line": "a", "backrefs": true }), "regexp is required with backrefs=true"),
            (
                json!({ "path": "f", "state": "absent" }),
                "one of line, search_string, or regexp is required with state=absent",
            ),
            (json!({ "path": ".", "line": "a" }), "Path . is a directory !"),
            (
                json!({ "path": "f", "line": "a", "insertafter": "b", "insertbefore": "c" }),
                "parameters are mutually exclusive: insertbefore|insertafter",
            ),
        ] {
            assert_eq!(run(&bench, args).await.failure.unwrap().message, message);
        }
    }

    #[tokio::test]
    async fn an_empty_pattern_is_warned_of() {
        let bench = Bench::new();
        bench.write("f", "a\n");
        run(&bench, json!({ "path": "f", "line": "b", "regexp": "" })).await;
        assert!(bench.warnings()[0].starts_with("The regular expression is an empty string"));
    }
}
