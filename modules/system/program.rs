//! The programs of the system that these modules work through.

use std::path::{Path, PathBuf};

use rplay_module::{Child, Cx, Failure, Result, words};
use rustix::fs::{Access, access};

/// How a program ended, its words as texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ran {
    pub(crate) rc: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn ok(&self) -> bool {
        self.rc == 0
    }

    /// Returns the failure of a program that had to succeed, with everything it said.
    pub(crate) fn failure(&self, message: impl Into<String>) -> Failure {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        Failure::new(message)
            .field("rc", self.rc)
            .field("stdout", self.out.as_str())
            .field("stdout_lines", lines(&self.out))
            .field("stderr", self.err.as_str())
            .field("stderr_lines", lines(&self.err))
    }
}

/// A program to run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    argv: Vec<String>,
    env: Vec<(String, String)>,
    folder: Option<PathBuf>,
    stdin: Option<Vec<u8>>,
}

impl Order {
    pub(crate) fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    pub(crate) fn arg(mut self, arg: impl Into<String>) -> Self {
        self.argv.push(arg.into());
        self
    }

    pub(crate) fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.argv.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds an option and its value where there is one.
    pub(crate) fn option(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.arg(name).arg(value),
            None => self,
        }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Asks for messages in no language but C's.
    pub(crate) fn plain(mut self) -> Self {
        for name in ["LANG", "LC_ALL", "LC_MESSAGES", "LC_CTYPE"] {
            self = self.env(name, "C.UTF-8");
        }
        self
    }

    pub(crate) fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Gives the program something to read.
    pub(crate) fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(text.into());
        self
    }

    pub(crate) fn words(&self) -> &[String] {
        &self.argv
    }

    /// Returns the command line as a shell would take it.
    pub(crate) fn line(&self) -> String {
        self.argv.iter().map(|word| words::quote(word)).collect::<Vec<_>>().join(" ")
    }

    pub(crate) async fn run(self, cx: &Cx) -> Result<Ran> {
        let Self { argv, env, folder, stdin } = self;
        let child = Child { argv, env, folder, stdin, ..Child::default() };
        let exit = cx.spawn(child).await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ran { rc: exit.rc, out: text(&exit.stdout), err: text(&exit.stderr) })
    }
}

fn places(cx: &Cx) -> Vec<String> {
    let path = cx.env("PATH").unwrap_or_default();
    let mut places: Vec<String> =
        path.split(':').filter(|place| !place.is_empty()).map(str::to_owned).collect();
    for place in ["/sbin", "/usr/sbin", "/usr/local/sbin"] {
        if !places.iter().any(|known| known == place) && Path::new(place).exists() {
            places.push(place.to_owned());
        }
    }
    places
}

/// Finds a program where programs are looked for, and where those of the system are.
pub(crate) fn find(cx: &Cx, name: &str) -> Option<String> {
    let there = |path: &String| {
        let path = Path::new(path);
        path.is_file() && access(path, Access::EXEC_OK).is_ok()
    };
    places(cx).into_iter().map(|place| format!("{place}/{name}")).find(there)
}

/// Finds a program that has to be there.
pub(crate) fn require(cx: &Cx, name: &str) -> Result<String> {
    find(cx, name).ok_or_else(|| {
        let places = places(cx).join(":");
        Failure::new(format!("Failed to find required executable \"{name}\" in paths: {places}"))
    })
}
