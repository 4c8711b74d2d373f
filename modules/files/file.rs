use std::path::PathBuf;

use rplay_module::{Address, Change, Choice, Cx, Diff, Foretold, Held, Params, Report, Resource, Result};
use serde_json::{Map, Value};

use crate::attributes::{Attributes, Wish};
use crate::seen::{self, Kind, Seen};
use crate::times::Times;
use crate::tree::{Entry, Tree};
use crate::{paths, write};

mod desired;
mod found;
mod shown;

use found::Contents;
pub(crate) use shown::fields;

/// Keeps a file, folder or link, and its attributes.
#[derive(Params)]
pub(crate) struct FileParams {
    /// The path of the thing.
    #[param(alias = "dest", alias = "name", identity)]
    path: PathBuf,
    /// What shall be there: nothing (`absent`), a folder with those on the way to it (`directory`), a file that is there
    /// already (`file`), a link (`link`, `hard`), or a file with the time of now (`touch`). Omitted it is what is there.
    state: Option<State>,
    /// Whether the attributes are set on everything in the folder, too.
    #[param(default = false)]
    recurse: bool,
    /// Whether a link may lead to nothing, and may take the place of what is there.
    #[param(default = false)]
    force: bool,
    /// Whether the attributes are meant for what a link leads to.
    #[param(default = true)]
    follow: bool,
    /// Where the link leads: a path that is seen from the link's folder, or for `state: hard` the other file.
    src: Option<PathBuf>,
    /// When it was last changed: `preserve`, `now`, or a time. Omitted it is `now` with `state: touch`.
    modification_time: Option<String>,
    /// How `modification_time` is written.
    #[param(default = "%Y%m%d%H%M.%S")]
    modification_time_format: String,
    /// When it was last read: `preserve`, `now`, or a time. Omitted it is `now` with `state: touch`.
    access_time: Option<String>,
    /// How `access_time` is written.
    #[param(default = "%Y%m%d%H%M.%S")]
    access_time_format: String,
    #[param(flatten)]
    attributes: Attributes,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Directory,
    File,
    Hard,
    Link,
    Touch,
}

/// What was found, beside the thing itself.
#[derive(Default)]
pub(crate) struct Around {
    /// The path that results name.
    shown: String,
    /// The thing that is managed: for a touched link what it leads to.
    subject: String,
    state: Option<State>,
    wish: Wish,
    times: Times,
    /// What is at the subject.
    there: Option<Seen>,
    /// What was there before this run.
    before: Option<Kind>,
    /// Folders on the way that are not there.
    missing: Vec<String>,
    /// What the attributes are for besides the subject: all in a folder, or what a link leads to.
    further: Vec<(String, Seen)>,
    link: Link,
    /// Everything in a folder that is to go.
    contents: Option<Contents>,
    /// What every result says of the path.
    info: Map<String, Value>,
    /// An earlier task will have made it by then.
    promised: bool,
}

/// Where a link shall lead.
#[derive(Default)]
struct Link {
    /// As the playbook writes it; omitted for a link that stays what it is.
    src: Option<String>,
    /// Where that is, seen from here.
    from_here: Option<String>,
    /// The thing there.
    source: Option<Seen>,
    /// A folder that is in the way has something in it.
    blocked: bool,
    /// The attributes are meant for what it leads to.
    followed: bool,
}

/// What only the write knows.
#[derive(Default)]
pub(crate) struct Receipt {
    written: bool,
    before: Option<Kind>,
    contents: Option<Contents>,
    /// When a file that was touched came to be: it had these times before it was given others.
    born: Option<(f64, f64)>,
}

/// What two tasks that name the same path mean.
pub(crate) fn address(path: &str) -> Address {
    Address::new("file", path)
}

pub(crate) struct File;

impl Resource for File {
    type Params = FileParams;
    type State = Tree;
    type Around = Around;
    type Receipt = Receipt;

    fn address(&self, p: &FileParams) -> Address {
        address(&p.path.to_string_lossy())
    }

    fn refers(&self, p: &FileParams) -> Option<Vec<Address>> {
        let folder = paths::folder_of(&p.path.to_string_lossy()).to_owned();
        let src = p.src.iter().map(|src| src.to_string_lossy().into_owned());
        Some(std::iter::once(folder).chain(src).map(|path| address(&path)).collect())
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &FileParams,
        receipt: Option<&Receipt>,
    ) -> Result<(Option<Tree>, Around)> {
        let mut around = found::around(cx, p, receipt).await?;
        if around.there.is_none() {
            around.promised = matches!(cx.world().foretold(&self.address(p)), Some(Foretold::Created(_)));
        }
        let have = around.have();
        Ok((have, around))
    }

    fn desired(&self, p: &FileParams, around: &Around, _have: Option<&Tree>) -> Result<Option<Tree>> {
        around.want(p).map_err(|failure| seen::beside(failure, &around.info))
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &FileParams,
        around: &Around,
        change: Change<'_, Tree>,
    ) -> Result<Receipt> {
        around.applied(cx, p, change).await.map_err(|failure| seen::beside(failure, &around.info))
    }

    fn output(&self, p: &FileParams, report: &Report<'_, Self>) -> Value {
        shown::output(p, report)
    }

    fn diff(&self, _p: &FileParams, report: &Report<'_, Self>) -> Option<Vec<Diff>> {
        Some(shown::diff(report).into_iter().collect())
    }

    async fn holds(&self, cx: &Cx, p: &FileParams, _have: &Tree) -> Result<Vec<Held>> {
        let path = p.path.to_string_lossy().into_owned();
        let Ok(inside) = paths::real(cx, &paths::expand(cx, &p.path)).read_dir() else {
            return Ok(Vec::new());
        };
        Ok(inside
            .filter_map(std::result::Result::ok)
            .map(|entry| paths::join(&path, &entry.file_name().to_string_lossy()))
            .map(|inner| Held { name: inner.clone(), address: Some(address(&inner)) })
            .collect())
    }

    /// A file is what it was made at once, or never.
    fn patience(&self, _p: &FileParams) -> u64 {
        0
    }
}

impl Around {
    async fn applied(&self, cx: &Cx, p: &FileParams, change: Change<'_, Tree>) -> Result<Receipt> {
        let (have, want) = match change {
            Change::Delete { .. } => {
                write::remove(cx, &self.subject)?;
                return Ok(self.receipt());
            }
            Change::Create { want } => (None, want),
            Change::Update { have, want } => (Some(have), want),
        };
        self.wish.refusal(&self.shown)?;
        let mut born = None;
        for (path, entry) in &want.0 {
            let old = have.and_then(|have| have.get(path));
            if old != Some(entry) {
                self.make(cx, path, old, entry)?;
                if old.is_none() && self.state == Some(State::Touch) {
                    born = seen::look(&paths::real(cx, path)).map(|seen| (seen.accessed, seen.modified));
                }
                write::attributes(cx, path, entry).await?;
                self.times.set(cx, path, entry)?;
            }
        }
        if p.follow && self.state == Some(State::Link) {
            found::warn_of_nothing(cx, &self.subject);
        }
        Ok(Receipt { born, ..self.receipt() })
    }

    fn receipt(&self) -> Receipt {
        Receipt { written: true, before: self.before, contents: self.contents.clone(), born: None }
    }

    /// Makes the thing itself where it is not there, or is another thing.
    fn make(&self, cx: &Cx, path: &str, old: Option<&Entry>, want: &Entry) -> Result<()> {
        let same = old.is_some_and(|old| old.state == want.state && old.src == want.src);
        let src = self.link.src.as_deref().unwrap_or_default();
        match want.state.as_str() {
            _ if same => Ok(()),
            "directory" => write::folder(cx, path),
            "link" => write::link(cx, path, src.as_ref(), false, self.before),
            "hard" => {
                // The name is given to the file itself, not to a link that leads to it.
                let source = paths::real(cx, src);
                let source = std::fs::canonicalize(&source).unwrap_or(source);
                write::link(cx, path, &source, true, self.before)
            }
            _ => write::touch(cx, path),
        }
    }
}

#[cfg(test)]
mod tests;
