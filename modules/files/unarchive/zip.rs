//! Zip archives, through `unzip` and `zipinfo`.

use std::collections::HashMap;

use rplay_module::{Result, fnmatch};
use serde_json::Value;

use super::process::{self, program};
use super::zip_state::{Entry, Expected};
use super::{Compared, Job};

/// A zip archive that the programs can read.
pub(super) struct Zip {
    unzip: String,
    zipinfo: String,
    pub(super) files: Vec<String>,
    /// The checksum of each file.
    sums: HashMap<String, u32>,
}

impl Zip {
    /// Looks into the archive; why it cannot be read as one is no failure: another program may.
    pub(super) async fn of(job: &Job<'_>) -> Result<std::result::Result<Self, String>> {
        let (unzip, zipinfo) = match (program(job.cx, "unzip"), program(job.cx, "zipinfo")) {
            (Some(unzip), Some(zipinfo)) => (unzip, zipinfo),
            (unzip, zipinfo) => {
                let missing = [("unzip", unzip), ("zipinfo", zipinfo)];
                let missing: Vec<&str> =
                    missing.iter().filter(|(_, found)| found.is_none()).map(|(name, _)| *name).collect();
                return Ok(Err(format!(
                    "Unable to find required '{}' binary in the path.",
                    missing.join("' or '")
                )));
            }
        };
        let argv = [unzip.as_str(), "-v", &job.src].map(str::to_owned).to_vec();
        let listed = process::run(job.cx, argv, None).await?;
        if listed.rc != 0 {
            return Ok(Err(format!("Command \"{unzip}\" could not handle archive: {}", listed.err)));
        }
        let all: Vec<(String, u32)> = listed.out.lines().filter_map(listed_line).collect();
        let meant = |name: &str| {
            let any = |patterns: &[String]| patterns.iter().any(|pattern| fnmatch::matches(pattern, name));
            if job.p.include.is_empty() { !any(&job.p.exclude) } else { any(&job.p.include) }
        };
        let files = all.iter().map(|(name, _)| name.clone()).filter(|name| meant(name)).collect();
        Ok(Ok(Self { unzip, zipinfo, files, sums: all.into_iter().collect() }))
    }

    pub(super) async fn compare(&self, job: &Job<'_>) -> Result<Compared> {
        let mut argv = [self.zipinfo.as_str(), "-T", "-s", &job.src].map(str::to_owned).to_vec();
        if !job.p.exclude.is_empty() {
            argv.push("-x".to_owned());
            argv.extend(job.p.exclude.iter().cloned());
        }
        argv.extend(job.p.include.iter().cloned());
        let ran = process::run(job.cx, argv, None).await?;
        let expected = Expected::of(job).await?;
        let mut compared = Compared { unarchived: ran.rc == 0, diff: Some(String::new()), newer: Vec::new() };
        for line in ran.out.lines() {
            let Some(entry) = Entry::read(line, &job.p.exclude) else { continue };
            let sum = self.sums.get(&entry.path).copied();
            expected.compare(job, &entry, sum, &mut compared)?;
        }
        Ok(compared)
    }

    pub(super) async fn unpack(&self, job: &Job<'_>, compared: &Compared) -> Result<Value> {
        let mut argv = vec![self.unzip.clone(), "-o".to_owned()];
        argv.extend(job.p.extra_opts.iter().cloned());
        argv.push(job.src.clone());
        if !job.p.exclude.is_empty() || !compared.newer.is_empty() {
            argv.push("-x".to_owned());
            argv.extend(job.p.exclude.iter().chain(&compared.newer).cloned());
        }
        argv.extend(job.p.include.iter().cloned());
        argv.extend(["-d".to_owned(), job.folder.clone()]);
        Ok(process::run(job.cx, argv, None).await?.shown())
    }
}

/// Reads a line of `unzip -v`: length, method, size, ratio, date, time, checksum, name.
fn listed_line(line: &str) -> Option<(String, u32)> {
    let mut rest = line.trim_start();
    let mut fields = Vec::new();
    for _ in 0..7 {
        let (field, tail) = rest.split_once(char::is_whitespace)?;
        fields.push(field);
        rest = tail.trim_start();
    }
    let dated = fields.get(4)?.matches('-').count() == 2;
    let sum = u32::from_str_radix(fields.get(6)?, 16).ok()?;
    (dated && !rest.is_empty() && fields.first()?.parse::<u64>().is_ok()).then(|| (rest.to_owned(), sum))
}

#[cfg(test)]
mod tests {
    use super::listed_line;

    #[test]
    fn the_list_of_unzip_is_read() {
        let line = "       5  Stored        5   0% 2024-01-02 03:04 3610a686  a b.txt";
        assert_eq!(listed_line(line), Some(("a b.txt".to_owned(), 0x3610_a686)));
        for line in [
            "Archive:  x.zip",
            "--------          -------  ---",
            "       5                5   0%          1 file",
        ] {
            assert_eq!(listed_line(line), None, "{line}");
        }
    }
}
