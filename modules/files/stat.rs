use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use md5::Md5;
use rplay_module::{Action, Child, Choice, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use rustix::fs::{Access, access};
use serde_json::{Map, Value, json};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::accounts::Table;
use crate::content;
use crate::paths;
use crate::seen::{self, system_words};

/// Tells what is at a path.
#[derive(Params)]
pub(crate) struct StatParams {
    /// The path of the thing.
    #[param(alias = "dest", alias = "name")]
    path: PathBuf,
    /// Whether a link is followed.
    #[param(default = false)]
    follow: bool,
    /// Whether the checksum of a file is taken.
    #[param(default = true)]
    get_checksum: bool,
    /// Whether `file` is asked what it contains.
    #[param(default = true, alias = "mime", alias = "mime_type", alias = "mime-type")]
    get_mime: bool,
    /// Whether `lsattr` is asked for its flags.
    #[param(default = true, alias = "attr", alias = "attributes")]
    get_attributes: bool,
    /// How the checksum is taken.
    #[param(default = "sha1", alias = "checksum", alias = "checksum_algo")]
    checksum_algorithm: Algorithm,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    #[choice("md5")]
    Md5,
    #[choice("sha1")]
    Sha1,
    #[choice("sha224")]
    Sha224,
    #[choice("sha256")]
    Sha256,
    #[choice("sha384")]
    Sha384,
    #[choice("sha512")]
    Sha512,
}

pub(crate) struct Stat;

impl Action for Stat {
    type Params = StatParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &StatParams) -> Result<Deed> {
        let shown = paths::expand(cx, &p.path);
        let path = paths::real(cx, &shown);
        let found = if p.follow { path.metadata() } else { path.symlink_metadata() };
        let found = match found {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Deed::new(false, json!({ "stat": { "exists": false } })));
            }
            Err(error) => {
                let said = seen::errno_words(&error, shown.as_ref());
                return Err(Failure::new(system_words(&error)).because(said));
            }
        };
        let mut stat = numbers(&shown, &found);
        for (name, right) in
            [("readable", Access::READ_OK), ("writeable", Access::WRITE_OK), ("executable", Access::EXEC_OK)]
        {
            stat.insert(name.to_owned(), Value::from(access(&path, right).is_ok()));
        }
        if found.is_symlink() {
            stat.insert("lnk_source".to_owned(), Value::from(paths::followed(cx, &shown)));
            let target = std::fs::read_link(&path).unwrap_or_default();
            stat.insert("lnk_target".to_owned(), Value::from(target.to_string_lossy()));
        }
        for (name, table, number) in
            [("pw_name", Table::Users, found.uid()), ("gr_name", Table::Groups, found.gid())]
        {
            if let Some(account) = table.known(cx, number).await {
                stat.insert(name.to_owned(), Value::from(account));
            }
        }
        let readable = stat.get("readable") == Some(&Value::from(true));
        if p.get_checksum && found.is_file() && readable {
            let sum = p
                .checksum_algorithm
                .of(&path)
                .map_err(|error| Failure::new(format!("could not read {shown}: {}", system_words(&error))))?;
            stat.insert("checksum".to_owned(), Value::from(sum));
        }
        if p.get_mime {
            mime(cx, &path, &mut stat).await;
        }
        if p.get_attributes {
            flags(cx, &path, &mut stat).await;
        }
        Ok(Deed::new(false, json!({ "stat": stat })))
    }
}

impl Algorithm {
    pub(crate) fn of(self, path: &Path) -> std::io::Result<String> {
        match self {
            Self::Md5 => content::digest::<Md5>(path),
            Self::Sha1 => content::digest::<Sha1>(path),
            Self::Sha224 => content::digest::<Sha224>(path),
            Self::Sha256 => content::digest::<Sha256>(path),
            Self::Sha384 => content::digest::<Sha384>(path),
            Self::Sha512 => content::digest::<Sha512>(path),
        }
    }
}

fn numbers(shown: &str, found: &Metadata) -> Map<String, Value> {
    let (kind, bits) = (found.file_type(), found.mode());
    let is = |bit: u32| bits & bit != 0;
    let numbers = json!({
        "exists": true, "path": shown, "mode": format!("{:04o}", bits & 0o7777),
        "isdir": kind.is_dir(), "ischr": kind.is_char_device(), "isblk": kind.is_block_device(), "isreg": kind.is_file(),
        "isfifo": kind.is_fifo(), "islnk": kind.is_symlink(), "issock": kind.is_socket(),
        "uid": found.uid(), "gid": found.gid(), "size": found.len(), "inode": found.ino(), "dev": found.dev(),
        "nlink": found.nlink(), "atime": seen::seconds(found.atime(), found.atime_nsec()),
        "mtime": seen::seconds(found.mtime(), found.mtime_nsec()), "ctime": seen::seconds(found.ctime(), found.ctime_nsec()),
        "wusr": is(0o200), "rusr": is(0o400), "xusr": is(0o100), "wgrp": is(0o020), "rgrp": is(0o040), "xgrp": is(0o010),
        "woth": is(0o002), "roth": is(0o004), "xoth": is(0o001), "isuid": is(0o4000), "isgid": is(0o2000),
        "blocks": found.blocks(), "block_size": found.blksize(), "device_type": found.rdev(),
    });
    match numbers {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Adds what `file` says; where it says nothing that is `unknown`.
async fn mime(cx: &Cx, path: &Path, stat: &mut Map<String, Value>) {
    let options = ["file", "--mime-type", "--mime-encoding"].map(str::to_owned);
    let argv = options.into_iter().chain([path.to_string_lossy().into_owned()]).collect();
    let exit = cx.spawn(Child { argv, ..Child::default() }).await.ok().filter(|exit| exit.rc == 0);
    let said = exit.map(|exit| String::from_utf8_lossy(&exit.stdout).into_owned()).unwrap_or_default();
    let parts = said.rsplit_once(':').and_then(|(_, said)| said.split_once(';'));
    let parts = parts.and_then(|(kind, charset)| Some((kind.trim(), charset.split_once('=')?.1.trim())));
    let (kind, charset) = parts.unwrap_or(("unknown", "unknown"));
    stat.insert("mimetype".to_owned(), Value::from(kind));
    stat.insert("charset".to_owned(), Value::from(charset));
}

async fn flags(cx: &Cx, path: &Path, stat: &mut Map<String, Value>) {
    let said = seen::lsattr(cx, "-vd", path).await.unwrap_or_default();
    let flags = said.get(1).map(|flags| flags.replace('-', "")).unwrap_or_default();
    let names: Vec<&str> = flags.chars().filter_map(flag_name).collect();
    stat.insert("version".to_owned(), Value::from(said.first().cloned()));
    stat.insert("attributes".to_owned(), Value::from(names));
    stat.insert("attr_flags".to_owned(), Value::from(flags));
}

/// The words for `lsattr`'s letters, as its manual has them.
fn flag_name(flag: char) -> Option<&'static str> {
    Some(match flag {
        'A' => "noatime",
        'a' => "append",
        'c' => "compressed",
        'C' => "nocow",
        'd' => "nodump",
        'D' => "dirsync",
        'e' => "extents",
        'E' => "encrypted",
        'h' => "blocksize",
        'i' => "immutable",
        'I' => "indexed",
        'j' => "journalled",
        'N' => "inline",
        's' => "zero",
        'S' => "synchronous",
        't' => "notail",
        'T' => "blockroot",
        'u' => "undelete",
        'X' => "compressedraw",
        'Z' => "compresseddirty",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rplay_module::{FailureKind, Mode, Outcome};
    use serde_json::{Value, json};

    use crate::tests::Bench;

    async fn stat(bench: &Bench, args: Value) -> Outcome {
        bench.run("stat", &args, Mode::Check).await
    }

    #[tokio::test]
    async fn a_file_is_described() {
        let bench = Bench::new();
        bench.write("a", "one\n");
        let found = stat(&bench, json!({ "path": "a" })).await;
        assert!(!found.changed);
        let found = &found.result["stat"];
        for (name, value) in [
            ("exists", json!(true)),
            ("path", json!("a")),
            ("isreg", json!(true)),
            ("islnk", json!(false)),
            ("size", json!(4)),
            ("nlink", json!(1)),
            ("readable", json!(true)),
            ("rusr", json!(true)),
            ("checksum", json!("c7059bb19433cc3cabaa6236c83d56668a843dd2")),
        ] {
            assert_eq!(found[name], value, "{name}");
        }
        for name in [
            "mimetype",
            "charset",
            "attributes",
            "attr_flags",
            "version",
            "mtime",
            "inode",
            "pw_name",
            "device_type",
        ] {
            assert!(found.get(name).is_some(), "{name}");
        }
    }

    #[tokio::test]
    async fn what_is_not_asked_for_is_not_told() {
        let bench = Bench::new();
        bench.write("a", "one\n");
        let args = json!({ "path": "a", "get_checksum": false, "get_mime": false, "get_attributes": false });
        let found = stat(&bench, args).await.result["stat"].clone();
        for name in ["checksum", "mimetype", "charset", "attributes", "version"] {
            assert!(found.get(name).is_none(), "{name}");
        }
    }

    #[tokio::test]
    async fn checksums_are_taken_by_any_algorithm() {
        let bench = Bench::new();
        bench.write("a", "");
        for (algorithm, sum) in [
            ("md5", "d41d8cd98f00b204e9800998ecf8427e"),
            ("sha224", "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f"),
            ("sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ] {
            let found = stat(&bench, json!({ "path": "a", "checksum": algorithm })).await;
            assert_eq!(found.result["stat"]["checksum"], sum);
        }
    }

    #[tokio::test]
    async fn a_link_is_described_or_followed() {
        let bench = Bench::new();
        bench.write("a", "one\n");
        symlink("a", bench.path("link")).unwrap();
        let own = stat(&bench, json!({ "path": "link" })).await.result["stat"].clone();
        assert_eq!((own["islnk"].clone(), own["lnk_target"].clone()), (json!(true), json!("a")));
        assert_eq!(own["lnk_source"], bench.path("a").to_str().unwrap());
        let followed = stat(&bench, json!({ "path": "link", "follow": true })).await.result["stat"].clone();
        assert_eq!((followed["islnk"].clone(), followed["size"].clone()), (json!(false), json!(4)));
    }

    #[tokio::test]
    async fn what_is_not_there_does_not_exist() {
        let bench = Bench::new();
        assert_eq!(
            Value::Object(stat(&bench, json!({ "path": "a" })).await.result),
            json!({ "stat": { "exists": false } })
        );
        bench.write("a", "");
        assert_eq!(stat(&bench, json!({ "path": "a/b" })).await.failure.unwrap().message, "Not a directory");
    }

    #[tokio::test]
    async fn each_wrong_argument_is_named() {
        let bench = Bench::new();
        for (args, message) in [
            (json!({}), "missing required arguments: path"),
            (json!({ "path": "a", "follow": "maybe" }), "The value 'maybe' is not a valid boolean"),
            (
                json!({ "path": "a", "checksum": "crc" }),
                "value of checksum_algorithm must be one of: md5, sha1, ",
            ),
            (json!({ "path": "a", "get_md5": true }), "get_md5"),
        ] {
            let failure = stat(&bench, args).await.failure.unwrap();
            assert!(matches!(failure.kind, FailureKind::Arguments(_)));
            assert!(failure.message.contains(message), "{}", failure.message);
        }
    }
}
