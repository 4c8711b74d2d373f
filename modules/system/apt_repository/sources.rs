//! The sources of apt: `sources.list` and what lies in `sources.list.d`, line by line.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rplay_module::{Cx, Failure, Result};

use crate::paths;
use crate::program::Order;

/// A line: a source, or a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    /// It names a source.
    valid: bool,
    enabled: bool,
    source: String,
    comment: String,
}

/// All of apt's sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sources {
    default: String,
    folder: String,
    files: BTreeMap<String, Vec<Line>>,
}

/// Returns the source of a line that the playbook gives; else what of the line is none.
pub(super) fn wanted(line: &str) -> std::result::Result<String, String> {
    let read = Line::read(line);
    if read.valid && read.enabled {
        return Ok(read.source);
    }
    let line = line.trim();
    let line = line.strip_prefix('#').unwrap_or(line);
    let end = line.match_indices('#').map(|(at, _)| at).find(|at| *at > 0);
    Err(end.and_then(|end| line.get(..end)).unwrap_or(line).to_owned())
}

impl Line {
    fn read(line: &str) -> Self {
        let line = line.trim();
        let (enabled, line) = line.strip_prefix('#').map_or((true, line), |rest| (false, rest));
        let (source, comment) = match line.find('#').filter(|at| *at > 0) {
            Some(at) => {
                let (source, comment) = line.split_at(at);
                (source, comment.trim_start_matches('#').trim())
            }
            None => (line, ""),
        };
        let words: Vec<&str> = source.split_whitespace().collect();
        let valid = words.first().is_some_and(|first| matches!(*first, "deb" | "deb-src"));
        let source = if valid { words.join(" ") } else { source.trim().to_owned() };
        Self { valid, enabled, source, comment: comment.to_owned() }
    }

    fn text(&self) -> String {
        let off = if self.enabled { "" } else { "# " };
        let comment = if self.comment.is_empty() { String::new() } else { format!(" # {}", self.comment) };
        format!("{off}{}{comment}\n", self.source)
    }
}

impl Sources {
    pub(super) async fn read(cx: &Cx) -> Result<Self> {
        let (default, folder) = places(cx).await;
        let mut files = vec![default.clone()];
        if let Ok(entries) = fs::read_dir(&folder) {
            let names = entries.filter_map(|entry| Some(entry.ok()?.path().to_string_lossy().into_owned()));
            files.extend(
                names.filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "list")),
            );
        }
        let mut sources = Self { default, folder, files: BTreeMap::new() };
        for file in files.into_iter().filter(|file| Path::new(file).is_file()) {
            let text = fs::read_to_string(&file)
                .map_err(|error| Failure::new(format!("could not read {file}: {error}")))?;
            sources.files.insert(file, text.lines().map(Line::read).collect());
        }
        Ok(sources)
    }

    /// Enables the source where it stands, else writes it into a file.
    pub(super) fn add(&mut self, source: &str, filename: Option<&str>) {
        let mut found = false;
        for line in self.files.values_mut().flatten().filter(|line| line.valid && line.source == source) {
            line.enabled = true;
            found = true;
        }
        if found {
            return;
        }
        let file = format!("{}.list", filename.map_or_else(|| name(source), str::to_owned));
        let file = if file.contains('/') { file } else { format!("{}/{file}", self.folder) };
        let line = Line { valid: true, enabled: true, source: source.to_owned(), comment: String::new() };
        self.files.entry(file).or_default().push(line);
    }

    pub(super) fn remove(&mut self, source: &str) {
        for lines in self.files.values_mut() {
            lines.retain(|line| !(line.valid && line.enabled && line.source == source));
        }
        self.files.retain(|_, lines| !lines.is_empty());
    }

    /// Returns the files that the other sources do not have.
    pub(super) fn beside(&self, other: &Self) -> Vec<String> {
        let full =
            |sources: &Self, file: &str| sources.files.get(file).is_some_and(|lines| !lines.is_empty());
        self.files.keys().filter(|file| full(self, file) && !full(other, file)).cloned().collect()
    }

    pub(super) fn text(&self, file: &str) -> Option<String> {
        let lines = self.files.get(file).filter(|lines| !lines.is_empty())?;
        Some(lines.iter().map(Line::text).collect())
    }

    /// Writes what differs from the sources that are there; `bits` are for files that are made.
    pub(super) fn write(&self, there: &Self, bits: Option<u32>) -> Result<()> {
        let failed =
            |file: &str, error: &std::io::Error| Failure::new(format!("could not write {file}: {error}"));
        for (file, lines) in &self.files {
            if there.files.get(file) == Some(lines) {
                continue;
            }
            let Some(text) = self.text(file) else { continue };
            let path = followed(file);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(|error| {
                    Failure::new(format!("Failed to create directory {}: {error}", folder.display()))
                })?;
            }
            paths::replace(&path, text.as_bytes()).map_err(|error| failed(file, &error))?;
            if let Some(bits) = bits.filter(|_| !there.files.contains_key(file)) {
                fs::set_permissions(&path, Permissions::from_mode(bits))
                    .map_err(|error| failed(file, &error))?;
            }
        }
        for file in there.files.keys().filter(|file| !self.files.contains_key(*file)) {
            super::remove(file).map_err(|error| failed(file, &error))?;
        }
        Ok(())
    }
}

/// A link stays one.
fn followed(file: &str) -> PathBuf {
    fs::canonicalize(file).unwrap_or_else(|_| PathBuf::from(file))
}

/// Returns where apt is told to look for sources.
async fn places(cx: &Cx) -> (String, String) {
    let asked = ["shell", "FILE", "Dir::Etc::sourcelist/f", "FOLDER", "Dir::Etc::sourceparts/d"];
    let ran = Order::new(["apt-config"]).args(asked).run(cx).await.unwrap_or_default();
    let told = |name: &str, usual: &str| {
        let line = ran.out.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let path = line.map(|path| path.trim_matches('\'')).filter(|path| !path.is_empty());
        path.unwrap_or(usual).trim_end_matches('/').to_owned()
    };
    (told("FILE", "/etc/apt/sources.list"), told("FOLDER", "/etc/apt/sources.list.d"))
}

/// Returns what a source's file is called: its address without protocol and password, in letters and digits.
fn name(source: &str) -> String {
    let mut plain = String::new();
    let mut inside = false;
    for character in source.chars() {
        inside = (inside || character == '[') && character != ']';
        if !inside && character != ']' {
            plain.push(character);
        }
    }
    let address =
        plain.split_whitespace().find(|word| !matches!(*word, "deb" | "deb-src")).unwrap_or_default();
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let address = address.split_once('@').map_or(address, |(_, rest)| rest);
    let words = address.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::{Line, name, wanted};

    #[test]
    fn files_are_called_after_their_address() {
        for (source, file) in [
            ("deb http://deb.debian.org/debian stable main", "deb_debian_org_debian"),
            ("deb [arch=amd64 signed-by=/k] https://u:p@h.example/x/ ./", "h_example_x"),
        ] {
            assert_eq!(name(source), file);
        }
    }

    #[test]
    fn lines_are_read_and_written() {
        for (line, text) in [
            ("deb  http://h/  x   main # why", "deb http://h/ x main # why\n"),
            ("#deb http://h/ x main", "# deb http://h/ x main\n"),
            ("", "\n"),
            ("# a remark", "# a remark\n"),
        ] {
            assert_eq!(Line::read(line).text(), text);
        }
        assert_eq!(wanted("deb http://h/  x main"), Ok("deb http://h/ x main".to_owned()));
        assert_eq!(wanted("http://h/ x # y"), Err("http://h/ x ".to_owned()));
    }
}
