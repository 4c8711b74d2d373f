use std::path::{Path, PathBuf};

use rplay_module::pattern::{Flags, Pattern};
use rplay_module::{Action, ControllerFile, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::json;

use crate::attributes::Attributes;
use crate::content::{Shown, Source, Sums, difference, longest_diff};
use crate::seen::{self, system_words};
use crate::transfer::{back_up, local, sent};
use crate::tree::Entry;
use crate::write::{self, Manner};
use crate::{content, paths, revision, settle};

/// Puts the files of a folder together into one.
#[derive(Params)]
pub(crate) struct AssembleParams {
    /// The folder.
    #[param(files = "files")]
    src: ControllerFile,
    /// What stands between two files; `\n` and the like are read.
    delimiter: Option<String>,
    /// The one file.
    dest: PathBuf,
    /// Whether a file that is replaced is kept under a name with the time in it.
    #[param(default = false)]
    backup: bool,
    /// Whether the folder is one of the host, rather than beside the playbook.
    #[param(default = true)]
    remote_src: bool,
    /// A regular expression that the names of the files have to match.
    regexp: Option<String>,
    /// Whether files whose names begin with a dot are left out.
    #[param(default = false)]
    ignore_hidden: bool,
    /// A command that has to accept the new file before it is put in its place; `%s` is its path.
    validate: Option<String>,
    /// Whether files that are encrypted are decrypted.
    #[param(default = true)]
    #[expect(dead_code, reason = "the engine decrypts what it finds")]
    decrypt: bool,
    #[param(flatten)]
    attributes: Attributes,
}

/// What the files come to, and what is in their place.
struct Work {
    src: String,
    dest: String,
    bytes: Vec<u8>,
    sums: Sums,
    /// The file that is there has the same content.
    same: bool,
    there: bool,
}

impl AssembleParams {
    fn work(&self, cx: &Cx) -> Result<Work> {
        let (src, dest) = (paths::expand(cx, &self.src.path), paths::expand(cx, &self.dest));
        let folder = paths::real(cx, &src);
        if self.remote_src && !folder.exists() {
            return Err(Failure::new(format!("Source ({src}) does not exist")));
        }
        if !folder.is_dir() {
            let failure = Failure::new(format!("Source ({src}) is not a directory"));
            return Err(if self.remote_src { failure } else { failure.refused() });
        }
        let pattern = self.regexp.as_deref().map(|text| {
            Pattern::new(text, Flags::default())
                .map_err(|error| Failure::new(format!("Invalid Regexp ({error}) in \"{text}\"")))
        });
        if let Some(validate) =
            self.validate.as_deref().filter(|text| !text.is_empty() && !text.contains("%s"))
        {
            return Err(Failure::new(format!("validate must contain %s: {validate}")));
        }
        let bytes = self.together(&folder, pattern.transpose()?.as_ref())?;
        let fail =
            |error: std::io::Error| Failure::new(format!("could not read {dest}: {}", system_words(&error)));
        let sums = Source::Bytes(bytes.clone()).sums().map_err(fail)?;
        let there = paths::real(cx, &dest);
        if there.is_dir() && self.remote_src {
            return Err(Failure::new(format!("attempted to take checksum of directory: {dest}")));
        }
        let exists = there.exists();
        let same = exists && content::sha1(&there).map_err(fail)? == sums.sha1;
        Ok(Work { src, dest, bytes, sums, same, there: exists })
    }

    fn together(&self, folder: &Path, pattern: Option<&Pattern>) -> Result<Vec<u8>> {
        let fail = |path: &Path, error: std::io::Error| {
            Failure::new(format!("could not read {}: {}", path.display(), system_words(&error)))
        };
        let entries = folder.read_dir().map_err(|error| fail(folder, error))?;
        let mut names: Vec<_> =
            entries.filter_map(std::result::Result::ok).map(|entry| entry.file_name()).collect();
        names.sort();
        let delimiter = self.delimiter.as_deref().filter(|text| !text.is_empty()).map(unescaped);
        let (mut all, mut any) = (Vec::new(), false);
        for name in names {
            let path = folder.join(&name);
            let name = name.to_string_lossy();
            let left_out = pattern.is_some_and(|pattern| !pattern.is_in(&name))
                || (self.ignore_hidden && name.starts_with('.'))
                || !path.is_file();
            if left_out {
                continue;
            }
            let part = std::fs::read(&path).map_err(|error| fail(&path, error))?;
            // What does not end its last line is ended by what follows.
            if any && !all.ends_with(b"\n") {
                all.push(b'\n');
            }
            if let Some(delimiter) = delimiter.as_ref().filter(|_| any) {
                all.extend_from_slice(delimiter);
                if !delimiter.ends_with(b"\n") {
                    all.push(b'\n');
                }
            }
            any = true;
            all.extend(part);
        }
        Ok(all)
    }

    async fn deed(&self, cx: &Cx, work: &Work, changed: bool) -> Deed {
        let mut deed = if self.remote_src {
            let sums = &work.sums;
            Deed::new(
                changed,
                json!({ "src": work.src, "dest": work.dest, "checksum": sums.sha1, "md5sum": sums.md5, "msg": "OK" }),
            )
        } else if work.same {
            Deed::new(changed, json!({ "path": work.dest }))
        } else {
            let sums = &work.sums;
            let src = format!("{}/src", sent(cx));
            let fields = json!({ "src": src, "dest": work.dest, "checksum": sums.sha1, "md5sum": sums.md5 });
            Deed::new(changed, fields)
        };
        deed.result.extend(seen::info(cx, &work.dest).await);
        deed
    }

    /// Ansible shows what changes only where it brings the file itself.
    fn diff(&self, cx: &Cx, work: &Work) -> Option<rplay_module::Diff> {
        if self.remote_src || work.same {
            return None;
        }
        let longest = longest_diff(cx);
        let there = paths::real(cx, &work.dest);
        let before =
            if work.there { Shown::of(&Source::File(there), longest, Some(8192)) } else { Shown::Absent };
        let after = Shown::of(&Source::Bytes(work.bytes.clone()), longest, None);
        Some(difference(&before, &after, &work.dest, &local(cx)))
    }
}

/// Reads `\n`, `\t`, `\x41` and the like, as Python reads them in bytes.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'a') => out.push(7),
            Some(b'b') => out.push(8),
            Some(b'f') => out.push(12),
            Some(b'v') => out.push(11),
            Some(b'x') => {
                let digits: Vec<u8> =
                    std::iter::from_fn(|| bytes.next_if(u8::is_ascii_hexdigit)).take(2).collect();
                let digits = String::from_utf8(digits).unwrap_or_default();
                out.extend(u8::from_str_radix(&digits, 16).ok());
            }
            Some(byte @ (b'\\' | b'\'' | b'"')) => out.push(byte),
            Some(other) => out.extend([b'\\', other]),
            None => out.push(b'\\'),
        }
    }
    out
}

pub(crate) struct Assemble;

impl Action for Assemble {
    type Params = AssembleParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &AssembleParams) -> Result<Deed> {
        let work = p.work(cx)?;
        // As Ansible's, it asks the command in a check too.
        if !work.same {
            revision::validate(cx, p.validate.as_deref(), &work.bytes).await?;
        }
        let settled = settle::foretold(cx, &p.attributes, &work.dest).await?;
        let mut deed = p.deed(cx, &work, !work.same || settled.changed).await;
        deed.diff.extend(p.diff(cx, &work));
        Ok(deed)
    }

    async fn perform(&self, cx: &Cx, p: &AssembleParams) -> Result<Deed> {
        let work = p.work(cx)?;
        let diff = p.diff(cx, &work);
        let mut backup = None;
        if !work.same {
            revision::validate(cx, p.validate.as_deref(), &work.bytes).await?;
            if p.backup && work.there {
                backup = Some(back_up(cx, &work.dest)?);
            }
            let manner =
                Manner { unsafe_writes: p.attributes.writes_unsafely(cx), validate: None, keeps: true };
            let source = Source::Bytes(work.bytes.clone());
            write::file(cx, &work.dest, &source, &Entry::of("file"), manner).await?;
        }
        let settled = settle::settle(cx, &p.attributes, &work.dest).await?;
        let mut deed = p.deed(cx, &work, !work.same || settled.changed).await;
        if let Some(backup) = backup {
            deed.result.insert("backup_file".to_owned(), backup.into());
        }
        if p.validate.is_some() && !work.same && p.remote_src {
            deed.result.insert("validation".to_owned(), json!({ "rc": 0, "stdout": "", "stderr": "" }));
        }
        deed.diff.extend(diff);
        Ok(deed)
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::{Mode, Outcome};
    use serde_json::{Value, json};

    use super::unescaped;
    use crate::tests::Bench;

    fn bench() -> Bench {
        let bench = Bench::new();
        for (name, text) in [("d/1", "one\n"), ("d/2", "two"), ("d/3", "three\n"), ("d/.h", "hidden\n")] {
            bench.write(name, text);
        }
        bench
    }

    async fn run(bench: &Bench, mut args: Value, mode: Mode) -> Outcome {
        args["src"] = json!("d");
        args["dest"] = json!("f");
        bench.run("assemble", &args, mode).await
    }

    #[tokio::test]
    async fn the_parts_come_in_the_order_of_their_names() {
        for (args, whole) in [
            (json!({}), "hidden\none\ntwo\nthree\n"),
            (json!({ "ignore_hidden": true }), "one\ntwo\nthree\n"),
            (json!({ "regexp": "^[13]$", "delimiter": "--" }), "one\n--\nthree\n"),
            (json!({ "regexp": "^[13]$", "delimiter": "-\\n-\\n" }), "one\n-\n-\nthree\n"),
        ] {
            let bench = bench();
            assert!(run(&bench, args.clone(), Mode::Check).await.changed && !bench.path("f").exists());
            let made = run(&bench, args.clone(), Mode::Apply).await;
            assert!(made.changed, "{:?}", made.failure);
            assert_eq!((bench.read("f").as_str(), made.result["msg"].as_str()), (whole, Some("OK")));
            assert!(!run(&bench, args, Mode::Apply).await.changed);
        }
    }

    #[tokio::test]
    async fn what_is_replaced_is_kept_and_attributes_are_set() {
        let bench = bench();
        bench.write("f", "old\n");
        let done = run(&bench, json!({ "backup": true, "mode": "0600" }), Mode::Apply).await;
        assert_eq!(bench.read(done.result["backup_file"].as_str().unwrap()), "old\n");
        assert_eq!((bench.mode("f"), done.result["mode"].as_str()), (0o600, Some("0600")));
    }

    #[tokio::test]
    async fn what_is_refused_is_not_written() {
        let bench = bench();
        let refused = run(&bench, json!({ "validate": "/bin/false %s" }), Mode::Apply).await.failure.unwrap();
        assert_eq!(refused.message, "failed to validate: rc:1 error:");
        assert!(!bench.path("f").exists());
    }

    #[tokio::test]
    async fn the_source_has_to_be_a_folder() {
        let bench = Bench::new();
        let failed = run(&bench, json!({}), Mode::Apply).await.failure.unwrap();
        assert_eq!(failed.message, "Source (d) does not exist");
        bench.write("d", "");
        let failed = run(&bench, json!({}), Mode::Apply).await.failure.unwrap();
        assert_eq!(failed.message, "Source (d) is not a directory");
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(unescaped(r"a\n\x41\\\q"), b"a\nA\\\\q");
    }
}
