use std::fs::{self, Metadata};
use std::io::BufRead as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rplay_module::pattern::{Flags, Pattern};
use rplay_module::{Action, Choice, Cx, Deed, Effect, Failure, InCheck, Params, Result, fnmatch};
use serde_json::{Map, Value, json};

use crate::accounts::Table;
use crate::charset::Charset;
use crate::mode::{Ground, Mode};
use crate::paths;
use crate::seen::{self, system_words};
use crate::stat::Algorithm;

/// Lists the files, folders or links in some folders that meet every condition.
#[derive(Params)]
pub(crate) struct FindParams {
    /// The folders to look in.
    #[param(alias = "name", alias = "path")]
    paths: Vec<PathBuf>,
    /// Patterns of names (or regular expressions, see `use_regex`), any of which has to match; omitted all do.
    #[param(default = [], alias = "pattern")]
    patterns: Vec<String>,
    /// Patterns of names, none of which may match.
    #[param(alias = "exclude")]
    excludes: Option<Vec<String>>,
    /// A regular expression that a line of the file has to begin with.
    contains: Option<String>,
    /// Whether `contains` is looked for anywhere in the whole file.
    #[param(default = false)]
    read_whole_file: bool,
    /// What kind of thing.
    #[param(default = "file")]
    file_type: FileType,
    /// At least this old: seconds, or with `s`, `m`, `h`, `d`, `w`; negative at most this old.
    age: Option<String>,
    /// Which time the age is counted from.
    #[param(default = "mtime")]
    age_stamp: Stamp,
    /// At least this large: bytes, or with `b`, `k`, `m`, `g`, `t`; negative at most this large.
    size: Option<String>,
    /// Whether folders in the folders are looked through.
    #[param(default = false)]
    recurse: bool,
    /// Whether names that begin with a dot count.
    #[param(default = false)]
    hidden: bool,
    /// Whether links to folders are followed.
    #[param(default = false)]
    follow: bool,
    /// Whether the checksum of each file is told.
    #[param(default = false)]
    get_checksum: bool,
    /// Which checksum.
    #[param(default = "sha1", alias = "checksum", alias = "checksum_algo")]
    checksum_algorithm: Algorithm,
    /// Whether patterns are regular expressions.
    #[param(default = false)]
    use_regex: bool,
    /// How many folders deep; omitted there is no bound.
    depth: Option<i64>,
    /// Permissions, octal or as `chmod` takes them.
    mode: Option<Value>,
    /// Whether the permissions have to be exactly these, rather than any of them.
    #[param(default = true)]
    exact_mode: bool,
    /// How the characters of files are written that `contains` is looked for in.
    encoding: Option<String>,
    /// How many are enough.
    limit: Option<i64>,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum FileType {
    Any,
    Directory,
    File,
    Link,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    Atime,
    Ctime,
    Mtime,
}

/// The conditions, made ready.
struct Wanted<'a> {
    p: &'a FindParams,
    names: Names,
    /// A pattern that cannot be read is told of the folders that are looked through, as is an encoding that nobody knows.
    contains: Option<std::result::Result<Pattern, String>>,
    charset: std::result::Result<Charset, String>,
    age: Option<i64>,
    size: Option<i64>,
    /// As with patterns, symbols that mean nothing are told of the folders that are looked through.
    mode: std::result::Result<Option<u32>, String>,
    now: f64,
}

/// What names are asked for.
enum Names {
    Globs(Vec<String>, Vec<String>),
    Patterns(Vec<Pattern>, Vec<Pattern>),
    /// Why they cannot be read: told of the folders that are looked through.
    Unreadable(String),
}

impl Names {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::Unreadable(_) => false,
            Self::Globs(wanted, not) => {
                let any = |globs: &[String]| globs.iter().any(|glob| fnmatch::matches(glob, name));
                any(wanted) && !any(not)
            }
            Self::Patterns(wanted, not) => {
                let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.is_in(name));
                any(wanted) && !any(not)
            }
        }
    }
}

/// What was found so far.
#[derive(Default)]
struct Haul {
    files: Vec<Value>,
    examined: usize,
    skipped: Map<String, Value>,
    reached: bool,
    warned: bool,
}

fn number(text: &str, units: &[(char, i64)]) -> Option<i64> {
    let text = text.to_lowercase();
    let unit = text.chars().last().and_then(|last| units.iter().find(|(unit, _)| *unit == last));
    let digits = if unit.is_some() { text.get(..text.len() - 1)? } else { text.as_str() };
    let plain = digits.strip_prefix('-').unwrap_or(digits);
    if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i64>().ok()?.checked_mul(unit.map_or(1, |(_, many)| *many))
}

impl<'a> Wanted<'a> {
    fn of(cx: &Cx, p: &'a FindParams) -> Result<Self> {
        let compiled =
            |text: &String, flags: Flags| Pattern::new(text, flags).map_err(|error| error.to_string());
        let anchored = Flags { anchored: true, ..Flags::default() };
        let excludes = p.excludes.clone().unwrap_or_default();
        let patterns = match (p.patterns.is_empty(), p.use_regex) {
            (true, true) => vec![".*".to_owned()],
            (true, false) => vec!["*".to_owned()],
            _ => p.patterns.clone(),
        };
        let names = if p.use_regex {
            let all = |texts: &[String]| -> std::result::Result<Vec<Pattern>, String> {
                texts.iter().map(|text| compiled(text, anchored)).collect()
            };
            match (all(&patterns), all(&excludes)) {
                (Ok(patterns), Ok(excludes)) => Names::Patterns(patterns, excludes),
                (Err(why), _) | (_, Err(why)) => Names::Unreadable(why),
            }
        } else {
            Names::Globs(patterns, excludes)
        };
        let flags = if p.read_whole_file { Flags::default() } else { anchored };
        Ok(Self {
            p,
            names,
            contains: p.contains.as_ref().map(|text| compiled(text, flags)),
            charset: p
                .encoding
                .as_deref()
                .map_or(Ok(Charset::Utf8), Charset::named)
                .map_err(|failure| failure.message),
            age: p
                .age
                .as_deref()
                .map(|age| {
                    span(age, "age", &[('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)])
                })
                .transpose()?,
            size: p
                .size
                .as_deref()
                .map(|size| {
                    span(
                        size,
                        "size",
                        &[('b', 1), ('k', 1 << 10), ('m', 1 << 20), ('g', 1 << 30), ('t', 1 << 40)],
                    )
                })
                .transpose()?,
            mode: p.bits()?,
            now: cx.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        })
    }

    fn name_age_and_mode(&self, name: &str, found: &Metadata) -> bool {
        self.names.has(name) && self.old_enough(found) && self.permitted(found)
    }

    #[expect(clippy::cast_precision_loss, reason = "ages are far from where seconds lose digits")]
    fn old_enough(&self, found: &Metadata) -> bool {
        let Some(age) = self.age else { return true };
        let time = match self.p.age_stamp {
            Stamp::Atime => seen::seconds(found.atime(), found.atime_nsec()),
            Stamp::Ctime => seen::seconds(found.ctime(), found.ctime_nsec()),
            Stamp::Mtime => seen::seconds(found.mtime(), found.mtime_nsec()),
        };
        let (old, bound) = (self.now - time, age.unsigned_abs() as f64);
        if age >= 0 { old >= bound } else { old <= bound }
    }

    fn large_enough(&self, found: &Metadata) -> bool {
        self.size.is_none_or(|size| {
            let bound = size.unsigned_abs();
            if size >= 0 { found.len() >= bound } else { found.len() <= bound }
        })
    }

    fn permitted(&self, found: &Metadata) -> bool {
        let bits = found.mode() & 0o7777;
        let mode = self.mode.as_ref().ok().copied().flatten();
        mode.is_none_or(|mode| if self.p.exact_mode { bits == mode } else { bits & mode != 0 })
    }

    /// What cannot be read does not have it; what is not written in the charset ends the look at the whole folder.
    fn has_content(&self, shown: &str, path: &Path) -> std::result::Result<bool, String> {
        let Some(pattern) = &self.contains else { return Ok(true) };
        let pattern = pattern.as_ref().map_err(String::clone)?;
        let charset = self.charset.clone()?;
        let bad = |_| {
            let encoding = self.p.encoding.as_deref();
            let encoding =
                encoding.unwrap_or("None (default determined by the Python built-in function \"open\")");
            format!("Failed to read the file {shown} due to an encoding error. current encoding: {encoding}")
        };
        let text = |bytes: &[u8]| {
            charset.text(bytes).map(|text| text.replace("\r\n", "\n").replace('\r', "\n")).map_err(bad)
        };
        if self.p.read_whole_file || charset != Charset::Utf8 {
            let Ok(bytes) = fs::read(path) else { return Ok(false) };
            let text = text(&bytes)?;
            return Ok(if self.p.read_whole_file {
                pattern.is_in(&text)
            } else {
                text.split_inclusive('\n').any(|line| pattern.is_in(line))
            });
        }
        let Ok(file) = fs::File::open(path) else { return Ok(false) };
        let mut reader = std::io::BufReader::new(file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            if pattern.is_in(&text(&line)?) {
                return Ok(true);
            }
            line.clear();
        }
        Ok(false)
    }

    fn meets(
        &self,
        name: &str,
        shown: &str,
        path: &Path,
        found: &Metadata,
    ) -> std::result::Result<bool, String> {
        if let Names::Unreadable(why) = &self.names {
            return Err(why.clone());
        }
        self.mode.as_ref().map_err(String::clone)?;
        let kind = found.file_type();
        Ok(match self.p.file_type {
            FileType::Any => {
                self.name_age_and_mode(name, found) && (!kind.is_file() || self.large_enough(found))
            }
            FileType::Directory => kind.is_dir() && self.name_age_and_mode(name, found),
            FileType::Link => kind.is_symlink() && self.name_age_and_mode(name, found),
            FileType::File => {
                kind.is_file()
                    && self.name_age_and_mode(name, found)
                    && self.large_enough(found)
                    && self.has_content(shown, path)?
            }
        })
    }
}

fn span(text: &str, what: &str, units: &[(char, i64)]) -> Result<i64> {
    number(text, units).ok_or_else(|| Failure::new(format!("failed to process {what}")).field(what, text))
}

impl FindParams {
    fn bits(&self) -> Result<std::result::Result<Option<u32>, String>> {
        let text = match &self.mode {
            None | Some(Value::Null) => return Ok(Ok(None)),
            Some(Value::String(text)) if text.is_empty() => return Ok(Ok(None)),
            Some(Value::String(text)) => text,
            Some(other) => {
                let kind = match other {
                    Value::Number(number) if number.is_f64() => "float",
                    Value::Number(_) => "int",
                    Value::Bool(_) => "bool",
                    Value::Array(_) => "list",
                    _ => "dict",
                };
                return Err(Failure::new(format!(
                    "argument 'mode' is not a string and conversion is not allowed, value is of type {kind}"
                )));
            }
        };
        let ground = Ground { bits: 0, directory: false, umask: seen::umask() };
        let bits = Mode::of(&Value::from(text.as_str())).and_then(|mode| mode.bits(ground));
        Ok(bits.map(Some).ok_or_else(|| format!("bad symbolic permission for mode: {text}")))
    }

    fn is_enough(&self, haul: &Haul) -> bool {
        self.limit.is_some_and(|limit| usize::try_from(limit) == Ok(haul.files.len()))
    }
}

pub(crate) struct Find;

impl Action for Find {
    type Params = FindParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &FindParams) -> Result<Deed> {
        let wanted = Wanted::of(cx, p)?;
        if let Some(limit) = p.limit.filter(|limit| *limit <= 0) {
            return Err(Failure::new(format!("limit cannot be {limit} (use None for unlimited)")));
        }
        let mut haul = Haul::default();
        for folder in &p.paths {
            let shown = paths::expand(cx, folder);
            if let Err(why) = walk(cx, &wanted, &shown, &mut haul).await {
                cx.warn(format!("Skipped '{shown}' path due to this access issue: {why}\n"));
                haul.skipped.insert(shown, Value::from(why));
                haul.warned = true;
            }
        }
        let msg = match () {
            () if haul.warned => "Not all paths examined, check warnings for details",
            () if haul.reached => "Limit of matches reached",
            () => "All paths examined",
        };
        Ok(Deed::new(
            false,
            json!({
                "files": haul.files, "changed": false, "msg": msg, "matched": haul.files.len(),
                "examined": haul.examined, "skipped_paths": haul.skipped,
            }),
        ))
    }
}

/// A folder's files and folders, in the order that the system gives them; a link to a folder is a folder.
fn listed(path: &Path) -> std::io::Result<(Vec<String>, Vec<String>)> {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in path.read_dir()? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() { folders.push(name) } else { files.push(name) }
    }
    Ok((folders, files))
}

/// Looks through a folder from the top, as Python's `os.walk` does.
async fn walk(cx: &Cx, wanted: &Wanted<'_>, top: &str, haul: &mut Haul) -> std::result::Result<(), String> {
    if !paths::real(cx, top).is_dir() {
        return Err(format!("'{top}' is not a directory"));
    }
    let mut ahead = vec![top.to_owned()];
    while let Some(folder) = ahead.pop() {
        let (mut folders, files) = match listed(&paths::real(cx, &folder)) {
            Ok(listed) => listed,
            Err(error) => {
                let number = error.raw_os_error().unwrap_or_default();
                let why = format!("[Errno {number}] {}: '{folder}'", system_words(&error));
                haul.skipped.insert(folder, Value::from(why));
                continue;
            }
        };
        haul.examined += folders.len() + files.len();
        let all: Vec<String> = files.iter().chain(&folders).cloned().collect();
        for name in all {
            let shown = paths::normal(&paths::join(&folder, &name));
            if wanted.p.depth.is_some_and(|depth| depth != 0 && deep(top, &shown) > depth) {
                folders.clear();
                continue;
            }
            if name.starts_with('.') && !wanted.p.hidden {
                continue;
            }
            consider(cx, wanted, &name, &shown, haul).await?;
            if wanted.p.is_enough(haul) {
                haul.reached = true;
                break;
            }
        }
        if !wanted.p.recurse || wanted.p.is_enough(haul) {
            return Ok(());
        }
        let inner = folders.into_iter().map(|name| paths::join(&folder, &name));
        let entered = inner.filter(|path| wanted.p.follow || !paths::real(cx, path).is_symlink());
        let entered: Vec<String> = entered.collect();
        ahead.extend(entered.into_iter().rev());
    }
    Ok(())
}

/// How many folders below the top something is; in it is 1.
fn deep(top: &str, shown: &str) -> i64 {
    let slashes = |text: &str| i64::try_from(text.matches('/').count()).unwrap_or(i64::MAX);
    slashes(shown) - slashes(&format!("{}/", top.trim_end_matches('/'))) + 1
}

async fn consider(
    cx: &Cx,
    wanted: &Wanted<'_>,
    name: &str,
    shown: &str,
    haul: &mut Haul,
) -> std::result::Result<(), String> {
    let path = paths::real(cx, shown);
    let found = match path.symlink_metadata() {
        Ok(found) => found,
        Err(error) => {
            cx.warn(format!("Skipped entry '{shown}' due to access issue."));
            haul.skipped.insert(shown.to_owned(), Value::from(system_words(&error)));
            haul.warned = true;
            return Ok(());
        }
    };
    if !wanted.meets(name, shown, &path, &found)? {
        return Ok(());
    }
    let mut described = described(cx, shown, &found).await;
    if wanted.p.get_checksum && found.is_file() {
        let sum = wanted.p.checksum_algorithm.of(&path).map_err(|error| system_words(&error))?;
        described.insert("checksum".to_owned(), Value::from(sum));
    }
    haul.files.push(Value::Object(described));
    Ok(())
}

async fn described(cx: &Cx, shown: &str, found: &Metadata) -> Map<String, Value> {
    let (kind, bits) = (found.file_type(), found.mode());
    let is = |bit: u32| bits & bit != 0;
    let fields = json!({
        "path": shown, "mode": format!("{:04o}", bits & 0o7777),
        "isdir": kind.is_dir(), "ischr": kind.is_char_device(), "isblk": kind.is_block_device(), "isreg": kind.is_file(),
        "isfifo": kind.is_fifo(), "islnk": kind.is_symlink(), "issock": kind.is_socket(),
        "uid": found.uid(), "gid": found.gid(), "size": found.len(), "inode": found.ino(), "dev": found.dev(),
        "nlink": found.nlink(), "atime": seen::seconds(found.atime(), found.atime_nsec()),
        "mtime": seen::seconds(found.mtime(), found.mtime_nsec()), "ctime": seen::seconds(found.ctime(), found.ctime_nsec()),
        "gr_name": Table::Groups.known(cx, found.gid()).await.unwrap_or_default(),
        "pw_name": Table::Users.known(cx, found.uid()).await.unwrap_or_default(),
        "wusr": is(0o200), "rusr": is(0o400), "xusr": is(0o100), "wgrp": is(0o020), "rgrp": is(0o040), "xgrp": is(0o010),
        "woth": is(0o002), "roth": is(0o004), "xoth": is(0o001), "isuid": is(0o4000), "isgid": is(0o2000),
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rplay_module::Mode;
    use serde_json::{Value, json};

    use super::number;
    use crate::tests::Bench;

    fn bench() -> Bench {
        let bench = Bench::new();
        for (name, text) in
            [("d/a.txt", "one\n"), ("d/b.log", "two two\n"), ("d/.h", ""), ("d/in/c.txt", "one\nx\n")]
        {
            bench.write(name, text);
        }
        symlink("a.txt", bench.path("d/l")).unwrap();
        bench
    }

    async fn names(bench: &Bench, mut args: Value) -> Vec<String> {
        args["paths"] = json!("d");
        let found = bench.run("find", &args, Mode::Check).await;
        assert!(found.failure.is_none(), "{:?}", found.failure);
        let files = found.result["files"].as_array().unwrap();
        assert_eq!(found.result["matched"], files.len());
        let mut names: Vec<String> =
            files.iter().map(|file| file["path"].as_str().unwrap()[2..].to_owned()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn what_meets_every_condition_is_listed() {
        let bench = bench();
        for (args, expected) in [
            (json!({}), vec!["a.txt", "b.log"]),
            (json!({ "hidden": true }), vec![".h", "a.txt", "b.log"]),
            (json!({ "recurse": true, "patterns": "*.txt" }), vec!["a.txt", "in/c.txt"]),
            (json!({ "recurse": true, "depth": 1 }), vec!["a.txt", "b.log"]),
            (json!({ "file_type": "directory" }), vec!["in"]),
            (json!({ "file_type": "link" }), vec!["l"]),
            (json!({ "file_type": "any" }), vec!["a.txt", "b.log", "in", "l"]),
            (json!({ "excludes": ["*.log"] }), vec!["a.txt"]),
            (json!({ "patterns": "^[ab]\\.", "use_regex": true, "excludes": "b" }), vec!["a.txt"]),
            (json!({ "contains": "two" }), vec!["b.log"]),
            (json!({ "contains": "wo" }), vec![]),
            (json!({ "contains": "wo two", "read_whole_file": true }), vec!["b.log"]),
            (json!({ "size": "5" }), vec!["b.log"]),
            (json!({ "size": "-4" }), vec!["a.txt"]),
            (json!({ "age": "1h" }), vec![]),
        ] {
            assert_eq!(names(&bench, args.clone()).await, expected, "{args}");
        }
    }

    #[tokio::test]
    async fn a_pattern_that_cannot_be_read_is_told_of_the_folder() {
        let bench = bench();
        let pattern = "missing ), unterminated subpattern at position 0";
        for (mut args, why) in [
            (json!({ "patterns": "(", "use_regex": true }), pattern),
            (json!({ "contains": "(" }), pattern),
            (json!({ "mode": "bogus" }), "bad symbolic permission for mode: bogus"),
        ] {
            args["paths"] = json!("d");
            let found = bench.run("find", &args, Mode::Check).await;
            assert_eq!(
                (&found.result["skipped_paths"]["d"], &found.result["matched"]),
                (&json!(why), &json!(0))
            );
        }
    }

    #[tokio::test]
    async fn checksums_and_limits_are_as_asked_for() {
        let bench = bench();
        let args = json!({ "paths": "d", "patterns": "a*", "get_checksum": true, "limit": 1 });
        let found = bench.run("find", &args, Mode::Apply).await;
        assert_eq!(found.result["files"][0]["checksum"], "c7059bb19433cc3cabaa6236c83d56668a843dd2");
        assert_eq!(found.result["msg"], "Limit of matches reached");
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_told_and_the_rest_is_looked_through() {
        let bench = bench();
        let found = bench.run("find", &json!({ "paths": ["x", "d"] }), Mode::Apply).await;
        assert_eq!(found.result["skipped_paths"]["x"], "'x' is not a directory");
        assert_eq!(found.result["msg"], "Not all paths examined, check warnings for details");
        assert_eq!(found.result["matched"], 2);
    }

    #[tokio::test]
    async fn an_encoding_that_nobody_knows_is_told_of_the_folder() {
        let bench = bench();
        let args = json!({ "paths": "d", "contains": "x", "encoding": "klingon" });
        let found = bench.run("find", &args, Mode::Apply).await;
        assert_eq!(found.result["skipped_paths"]["d"], "unknown encoding: klingon");
    }

    #[tokio::test]
    async fn each_wrong_argument_is_named() {
        let bench = bench();
        for (args, message) in [
            (json!({ "age": "soon" }), "failed to process age"),
            (json!({ "size": "5x" }), "failed to process size"),
            (json!({ "limit": 0 }), "limit cannot be 0 (use None for unlimited)"),
            (
                json!({ "mode": 420 }),
                "argument 'mode' is not a string and conversion is not allowed, value is of type int",
            ),
        ] {
            let mut args = args;
            args["paths"] = json!("d");
            assert_eq!(bench.run("find", &args, Mode::Apply).await.failure.unwrap().message, message);
        }
    }

    #[test]
    fn numbers_have_units() {
        let units = [('k', 1024)];
        for (text, value) in [("1", Some(1)), ("-2K", Some(-2048)), ("", None), ("k", None), ("1m", None)] {
            assert_eq!(number(text, &units), value, "{text}");
        }
    }
}
