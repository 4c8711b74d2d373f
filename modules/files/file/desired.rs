//! What shall be there, and what must not be replaced by it.

use rplay_module::{Failure, Result};

use super::{Around, FileParams, State};
use crate::seen::Kind;
use crate::tree::{Entry, Tree};

impl Around {
    pub(super) fn want(&self, p: &FileParams) -> Result<Option<Tree>> {
        // Nothing could be looked for: the path is only known after the run.
        if self.subject.is_empty() {
            let state = p.state.unwrap_or(State::File);
            let made = |state: State| Tree::from_one(p.path.to_string_lossy(), Entry::of(made_as(state)));
            return Ok((state != State::Absent).then(|| made(state)));
        }
        match self.state.unwrap_or(State::File) {
            State::Absent => Ok(None),
            State::File => self.file(),
            State::Directory => self.directory(),
            State::Touch => self.touched(),
            State::Link => self.link(p),
            State::Hard => self.hard(p),
        }
    }

    fn file(&self) -> Result<Option<Tree>> {
        match &self.there {
            Some(seen) if matches!(seen.kind, Kind::File | Kind::Hard) => self.as_is(),
            None if self.promised => self.touched(),
            there => {
                let state = there.as_ref().map_or("absent", |seen| seen.kind.text());
                let message = format!("file ({}) is {state}, cannot continue", self.shown);
                Err(self.fail(message).field("state", state))
            }
        }
    }

    fn directory(&self) -> Result<Option<Tree>> {
        match &self.there {
            Some(seen) if seen.kind == Kind::Directory => self.as_is(),
            Some(seen) => Err(self.fail(format!("{} already exists as a {}", self.shown, seen.kind.text()))),
            None => {
                let mut tree = Tree::default();
                for path in &self.missing {
                    tree.put(path, self.times.want(self.placed(self.wish.fresh(Kind::Directory))?));
                }
                Ok(tree.some())
            }
        }
    }

    fn touched(&self) -> Result<Option<Tree>> {
        if self.there.is_some() {
            return self.as_is();
        }
        let fresh = self.placed(self.wish.fresh(Kind::File))?;
        Ok(Some(Tree::from_one(self.subject.as_str(), self.times.want(fresh))))
    }

    /// The things that are there, with the attributes that are asked for.
    fn as_is(&self) -> Result<Option<Tree>> {
        let mut tree = Tree::default();
        let subject = self.there.iter().map(|seen| (&self.subject, seen));
        for (path, seen) in subject.chain(self.further.iter().map(|(path, seen)| (path, seen))) {
            tree.put(path, self.times.want(self.placed(self.wish.want(seen))?));
        }
        Ok(tree.some())
    }

    fn link(&self, p: &FileParams) -> Result<Option<Tree>> {
        if let (Some(src), Some(path), None, false) =
            (&self.link.src, &self.link.from_here, &self.link.source, p.force)
        {
            let message = format!(
                "src file does not exist, use 'force=yes' if you really want to create the link: {path}"
            );
            return Err(self.fail(message).field("src", src.as_str()));
        }
        let kind = self.there.as_ref().map(|seen| seen.kind);
        match kind {
            Some(Kind::Directory | Kind::File | Kind::Hard) if !p.force => {
                let kind = kind.map_or("absent", Kind::text);
                let message = format!("refusing to convert from {kind} to symlink for {}", self.shown);
                return Err(self.fail(message));
            }
            Some(Kind::Directory) if self.link.blocked => {
                let message = format!("the directory {} is not empty, refusing to convert it", self.shown);
                return Err(self.fail(message));
            }
            Some(Kind::Link) => {}
            _ if self.link.src.is_none() => {
                return Err(Failure::new("src is required for creating new symlinks"));
            }
            _ => {}
        }
        let own = match &self.there {
            _ if self.link.followed => Entry::default(),
            Some(seen) if seen.kind == Kind::Link => self.times.want(self.placed(self.wish.want(seen))?),
            _ => self.times.want(self.placed(self.wish.fresh(Kind::Link))?),
        };
        let mut tree = Tree::default();
        tree.put(&self.subject, Entry { state: "link".to_owned(), src: self.link.src.clone(), ..own });
        for (path, seen) in &self.further {
            tree.put(path, self.times.want(self.placed(self.wish.want(seen))?));
        }
        Ok(tree.some())
    }

    fn hard(&self, p: &FileParams) -> Result<Option<Tree>> {
        let kind = self.there.as_ref().map(|seen| seen.kind);
        let refuse = |message: String| {
            let failure = Failure::new(message).field("dest", self.shown.as_str());
            Err(failure.field("src", self.link.src.as_deref().unwrap_or_default()))
        };
        if self.link.src.is_none() {
            return if kind == Some(Kind::Hard) {
                self.as_hard()
            } else {
                Err(Failure::new("src is required for creating new hardlinks"))
            };
        }
        let Some(source) = &self.link.source else { return refuse("src does not exist".to_owned()) };
        let same = self.there.as_ref().is_some_and(|seen| seen.identity == source.identity);
        match kind {
            Some(Kind::Hard) if !same && !p.force => {
                refuse("Cannot link, different hard link exists at destination".to_owned())
            }
            Some(Kind::File) if !same && !p.force => {
                refuse("Cannot link, file exists at destination".to_owned())
            }
            Some(Kind::Directory) if !same && !p.force => {
                refuse("Cannot link: different hard link exists at destination".to_owned())
            }
            _ => self.as_hard(),
        }
    }

    fn as_hard(&self) -> Result<Option<Tree>> {
        // The attributes of a new name are those of the file.
        let seen = self.link.source.as_ref().or(self.there.as_ref());
        let own = match seen {
            Some(seen) => self.times.want(self.placed(self.wish.want(seen))?),
            None => Entry::default(),
        };
        let entry = Entry { state: "hard".to_owned(), src: self.link.src.clone(), ..own };
        Ok(Some(Tree::from_one(self.subject.as_str(), entry)))
    }

    fn fail(&self, message: String) -> Failure {
        Failure::new(message).field("path", self.shown.as_str())
    }

    fn placed(&self, entry: Result<Entry>) -> Result<Entry> {
        entry.map_err(|failure| failure.field("path", self.shown.as_str()))
    }
}

fn made_as(state: State) -> &'static str {
    match state {
        State::Directory => "directory",
        State::Link => "link",
        State::Hard => "hard",
        State::Absent | State::File | State::Touch => "file",
    }
}
