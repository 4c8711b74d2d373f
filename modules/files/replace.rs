use std::path::PathBuf;

use rplay_module::pattern::{Flags, Pattern};
use rplay_module::{Action, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::json;

use crate::attributes::Attributes;
use crate::charset::Charset;
use crate::paths;
use crate::revision::{self, How, Revision, Told};

/// Replaces everything in a text file that matches a regular expression.
#[derive(Params)]
pub(crate) struct ReplaceParams {
    /// The file.
    #[param(alias = "dest", alias = "destfile", alias = "name")]
    path: PathBuf,
    /// What is replaced; `^` and `$` stand at each line.
    regexp: String,
    /// What stands in its place, with `\1` and `\g<name>` for groups; omitted it is nothing.
    #[param(default = "")]
    replace: String,
    /// A regular expression: only what follows its first match is looked at.
    after: Option<String>,
    /// A regular expression: only what stands before its match is looked at.
    before: Option<String>,
    /// Whether the file is kept under a name with the time in it before it is changed.
    #[param(default = false)]
    backup: bool,
    /// A command that has to accept the new file before it is put in its place; `%s` is its path.
    validate: Option<String>,
    /// How the file's characters are written.
    #[param(default = "utf-8")]
    encoding: String,
    #[param(flatten)]
    attributes: Attributes,
}

impl ReplaceParams {
    fn how(&self) -> How<'_> {
        How { backup: self.backup, validate: self.validate.as_deref(), attributes: &self.attributes }
    }

    /// Returns the part of the pattern that bounds what is looked at.
    fn bounds(&self) -> Option<String> {
        let given =
            |text: &'_ Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(str::to_owned);
        match (given(&self.after), given(&self.before)) {
            (Some(after), Some(before)) => Some(format!("{after}(?P<subsection>.*?){before}")),
            (Some(after), None) => Some(format!("{after}(?P<subsection>.*)")),
            (None, Some(before)) => Some(format!("(?P<subsection>.*){before}")),
            (None, None) => None,
        }
    }

    /// Returns the text as it shall be; `Err` in the answer says that the bounds are not in it.
    fn work(&self, cx: &Cx) -> Result<std::result::Result<Revision, Deed>> {
        let path = paths::expand(cx, &self.path);
        let Some(before) = revision::read(cx, &path, "file")? else {
            return Err(revision::missing("Path", &path));
        };
        let charset = Charset::named(&self.encoding)?;
        let text =
            charset.text(&before).map_err(|why| Failure::new(format!("could not read {path}: {why}")))?;
        let bad = |error: &dyn std::fmt::Display| {
            Failure::new(format!("Unable to process replace due to error: {error}"))
        };
        let (mut from, mut to) = (0, text.len());
        if let Some(bounds) = self.bounds() {
            let pattern = Pattern::new(&bounds, Flags { dotall: true, ..Flags::default() })
                .map_err(|error| bad(&error))?;
            let Some(section) = pattern.search(&text).and_then(|found| found.name("subsection")) else {
                let message =
                    format!("Pattern for before/after params did not match the given file: {bounds}");
                return Ok(Err(Deed::new(false, json!({ "rc": 0, "msg": message }))));
            };
            (from, to) = (section.start(), section.end());
        }
        let pattern = Pattern::new(&self.regexp, Flags { multiline: true, ..Flags::default() })
            .map_err(Failure::broken_off)?;
        let section = text.get(from..to).unwrap_or_default();
        let (new, count) = pattern.substitute(section, &self.replace).map_err(|error| bad(&error))?;
        let changed = count > 0 && new != section;
        let after = if changed {
            let (head, tail) = (text.get(..from).unwrap_or_default(), text.get(to..).unwrap_or_default());
            charset.bytes(&format!("{head}{new}{tail}"))?
        } else {
            before.clone()
        };
        let msg = if changed { format!("{count} replacements made") } else { String::new() };
        Ok(Ok(Revision { path, existed: true, before, after, changed, msg }))
    }
}

pub(crate) struct Replace;

impl Action for Replace {
    type Params = ReplaceParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &ReplaceParams) -> Result<Deed> {
        match p.work(cx)? {
            Err(deed) => Ok(deed),
            Ok(revision) => Ok(deed(revision.foretold(cx, p.how()).await?, &revision)),
        }
    }

    async fn perform(&self, cx: &Cx, p: &ReplaceParams) -> Result<Deed> {
        match p.work(cx)? {
            Err(deed) => Ok(deed),
            Ok(revision) => Ok(deed(revision.written(cx, p.how()).await?, &revision)),
        }
    }
}

/// Unlike those of the other editors the difference has the plain path for a header, and is of the text only.
fn deed(told: Told, revision: &Revision) -> Deed {
    let mut deed = Deed::new(told.changed, json!({ "rc": 0, "msg": told.msg }));
    if let Some(backup) = told.backup {
        deed.result.insert("backup_file".to_owned(), backup.into());
    }
    if revision.changed {
        let header = Some(revision.path.clone());
        deed.diff.push(rplay_module::Diff {
            before_header: header.clone(),
            after_header: header,
            ..told.content
        });
    }
    deed
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
        let foretold = bench.run("replace", &args, Mode::Check).await;
        assert_eq!(bench.read("f"), text, "a check writes nothing");
        let done = bench.run("replace", &args, Mode::Apply).await;
        assert!(done.failure.is_none(), "{:?}", done.failure);
        assert_eq!((foretold.changed, &foretold.result["msg"]), (done.changed, &done.result["msg"]));
        (bench.read("f"), done.result["msg"].as_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn every_match_is_replaced() {
        for (args, after, msg) in [
            (json!({ "regexp": "^(\\w)=", "replace": "\\1: " }), "a: 1\nb: 2\na: 3\n", "3 replacements made"),
            (json!({ "regexp": "=" }), "a1\nb2\na3\n", "3 replacements made"),
            (json!({ "regexp": "x" }), "a=1\nb=2\na=3\n", ""),
            (json!({ "regexp": "a", "replace": "a" }), "a=1\nb=2\na=3\n", ""),
            (
                json!({ "regexp": "a", "replace": "c", "after": "b" }),
                "a=1\nb=2\nc=3\n",
                "1 replacements made",
            ),
            (
                json!({ "regexp": "a", "replace": "c", "before": "b" }),
                "c=1\nb=2\na=3\n",
                "1 replacements made",
            ),
            (
                json!({ "regexp": "=", "replace": ":", "after": "a=1", "before": "a=3" }),
                "a=1\nb:2\na=3\n",
                "1 replacements made",
            ),
        ] {
            assert_eq!(
                revised("a=1\nb=2\na=3\n", args.clone()).await,
                (after.to_owned(), msg.to_owned()),
                "{args}"
            );
        }
    }

    #[tokio::test]
    async fn bounds_that_are_not_there_are_told() {
        let (_, msg) = revised("a\n", json!({ "regexp": "a", "after": "x", "before": "y" })).await;
        assert_eq!(
            msg,
            "Pattern for before/after params did not match the given file: x(?P<subsection>.*?)y"
        );
    }

    #[tokio::test]
    async fn a_file_has_to_be_there() {
        let bench = Bench::new();
        let failed =
            bench.run("replace", &json!({ "path": "f", "regexp": "a" }), Mode::Apply).await.failure.unwrap();
        assert_eq!((failed.message.as_str(), &failed.result["rc"]), ("Path f does not exist !", &json!(257)));
    }
}
