//! Tar archives, through the tar program: it knows every compression, and compares what is there with what it has.

use rplay_module::{Cx, Result, words};
use serde_json::Value;

use super::process::{self, program};
use super::{Compared, Job};

/// How a tar archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packed {
    Gzip,
    Plain,
    Bzip,
    Xz,
    Zstd,
}

/// In the order in which they are tried.
pub(super) const PACKED: &[Packed] = &[Packed::Gzip, Packed::Plain, Packed::Bzip, Packed::Xz, Packed::Zstd];

impl Packed {
    fn option(self) -> Option<&'static str> {
        match self {
            Self::Gzip => Some("-z"),
            Self::Plain => None,
            Self::Bzip => Some("-j"),
            Self::Xz => Some("-J"),
            Self::Zstd => Some("--use-compress-program=zstd"),
        }
    }
}

/// A tar archive that the program can read.
pub(super) struct Tar {
    program: String,
    packed: Packed,
    pub(super) files: Vec<String>,
}

/// Differences that are none when they are only in what is set afterwards: owner, group, permissions.
const DIFFERENCES: [&str; 7] = [
    ": Mod time differs",
    ": Warning: Cannot stat: No such file or directory",
    ": Invalid owner",
    ": Invalid group",
    ": Symlink differs",
    ": Contents differ",
    ": Size differs",
];

impl Tar {
    /// Looks into the archive; why it cannot be read as one is no failure: another program may.
    pub(super) async fn of(job: &Job<'_>, packed: Packed) -> Result<std::result::Result<Self, String>> {
        let Some(program) = program(job.cx, "gtar").or_else(|| program(job.cx, "tar")) else {
            return Ok(Err("Unable to find required 'gtar' or 'tar' binary in the path".to_owned()));
        };
        let mut tar = Self { program, packed, files: Vec::new() };
        if let Some(reason) = tar.stranger(job.cx).await? {
            return Ok(Err(reason));
        }
        let listed = process::run(job.cx, tar.argv(job, "--list", false), Some(&job.folder)).await?;
        if listed.rc != 0 {
            let why = format!("Unable to list files in the archive: {}", listed.err);
            return Ok(Err(format!("Command \"{}\" could not handle archive: {why}", tar.program)));
        }
        let names = listed.out.lines().map(name).map(|name| name.trim_start_matches('/').to_owned());
        tar.files = names.filter(|name| !job.excludes(name)).collect();
        if tar.files.is_empty() {
            return Ok(Err(format!(
                "Command \"{}\" found no files in archive. Empty archive files are not supported.",
                tar.program
            )));
        }
        Ok(Ok(tar))
    }

    async fn stranger(&self, cx: &Cx) -> Result<Option<String>> {
        let version = process::run(cx, vec![self.program.clone(), "--version".to_owned()], None).await?;
        if version.out.starts_with("tar") && version.out.contains("GNU") {
            return Ok(None);
        }
        let kind = if version.out.starts_with("bsdtar") { "bsd" } else { "None" };
        Ok(Some(format!("Command \"{}\" detected as tar type {kind}. GNU tar required.", self.program)))
    }

    pub(super) fn name(&self) -> &'static str {
        match self.packed {
            Packed::Gzip => "TgzArchive",
            Packed::Plain => "TarArchive",
            Packed::Bzip => "TarBzipArchive",
            Packed::Xz => "TarXzArchive",
            Packed::Zstd => "TarZstdArchive",
        }
    }

    fn argv(&self, job: &Job<'_>, deed: &str, accounts: bool) -> Vec<String> {
        let p = job.p;
        let mut argv = vec![self.program.clone(), deed.to_owned(), "-C".to_owned(), job.folder.clone()];
        argv.extend(self.packed.option().map(str::to_owned));
        if !p.extra_opts.is_empty() {
            argv.push("--show-transformed-names".to_owned());
            argv.extend(p.extra_opts.iter().cloned());
        }
        if accounts {
            let owner = p.attributes.owner.iter().map(|owner| format!("--owner={}", words::quote(owner)));
            let group = p.attributes.group.iter().map(|group| format!("--group={}", words::quote(group)));
            argv.extend(owner.chain(group));
            if p.keep_newer {
                argv.push("--keep-newer-files".to_owned());
            }
        }
        argv.extend(p.exclude.iter().map(|name| format!("--exclude={name}")));
        argv.extend(["-f".to_owned(), job.src.clone()]);
        argv.extend(p.include.iter().cloned());
        argv
    }

    pub(super) async fn compare(&self, job: &Job<'_>) -> Result<Compared> {
        let ran = process::run(job.cx, self.argv(job, "--diff", true), Some(&job.folder)).await?;
        let p = &job.p.attributes;
        let root = rustix::process::geteuid().is_root();
        let differs = |line: &str| {
            // What `--strip-components` leaves of a folder has no name.
            !line.ends_with(": : Warning: Cannot stat: No such file or directory")
                && ((root && p.owner.is_none() && line.ends_with(": Uid differs"))
                    || (root && p.group.is_none() && line.ends_with(": Gid differs"))
                    || (p.mode.is_none() && line.ends_with(": Mode differs"))
                    || DIFFERENCES.iter().any(|difference| line.contains(difference)))
        };
        let unarchived = !ran.out.lines().chain(ran.err.lines()).any(differs);
        Ok(Compared { unarchived, diff: None, newer: Vec::new() })
    }

    pub(super) async fn unpack(&self, job: &Job<'_>) -> Result<Value> {
        Ok(process::run(job.cx, self.argv(job, "--extract", true), Some(&job.folder)).await?.shown())
    }
}

/// Reads a name as tar writes it: what is not plain stands as `\n`, `\\` or in octal.
fn name(line: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = line.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let digits: Vec<u8> =
            std::iter::from_fn(|| bytes.next_if(|byte| (b'0'..=b'7').contains(byte))).take(3).collect();
        if let Some(code) =
            std::str::from_utf8(&digits).ok().and_then(|text| u8::from_str_radix(text, 8).ok())
        {
            out.push(code);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(other) => out.push(other),
            None => out.push(b'\\'),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_are_read_as_tar_writes_them() {
        for (line, read) in [("a b", "a b"), (r"a\nb", "a\nb"), (r"\303\244", "ä"), (r"a\\b", r"a\b")] {
            assert_eq!(name(line), read);
        }
    }
}
