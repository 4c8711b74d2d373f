//! What a zip archive says of a file, compared with the file that is there.

use std::fmt::Write as _;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rplay_module::{Failure, Result};

use super::{Compared, Job};
use crate::accounts::Table;
use crate::mode::{Ground, Mode};
use crate::paths;
use crate::seen::{self, system_words};

/// A line of `zipinfo -T -s`.
pub(super) struct Entry {
    kind: char,
    permissions: String,
    size: u64,
    /// In seconds since 1970, in this machine's zone, as the archive has no other.
    modified: i64,
    pub(super) path: String,
}

impl Entry {
    pub(super) fn read(line: &str, excluded: &[String]) -> Option<Self> {
        let mut rest = line;
        let mut fields = Vec::new();
        for _ in 0..7 {
            let (field, tail) = rest.trim_start().split_once(char::is_whitespace)?;
            fields.push(field);
            rest = tail;
        }
        let path = rest.trim_start().to_owned();
        let [permissions, _, _, size, _, _, stamp] = fields.as_slice() else { return None };
        let shaped = matches!(permissions.len(), 7 | 8 | 10)
            && stamp.len() == 15
            && permissions.starts_with(['d', 'l', '-', '?'])
            && permissions.chars().skip(1).all(|letter| "rwxstah-".contains(letter));
        if !shaped || path.is_empty() || excluded.contains(&path) {
            return None;
        }
        Some(Self {
            kind: permissions.chars().next()?,
            permissions: permissions.get(1..)?.to_owned(),
            size: size.parse().ok()?,
            modified: time(stamp),
            path,
        })
    }

    /// The letter that itemized changes have for it.
    fn letter(&self) -> char {
        match self.kind {
            _ if self.path.ends_with('/') => 'd',
            'l' => 'L',
            _ => 'f',
        }
    }

    /// The bits of its permissions; those of a filesystem that has none are what the umask leaves.
    fn bits(&self, umask: u32) -> u32 {
        let letters = self.permissions.as_str();
        let (letters, umask) = match letters.len() {
            6 if self.path.ends_with('/') || letters == "rwx---" => ("rwxrwxrwx", umask),
            7 if letters == "rwxa---" => ("rwxrwxrwx", umask),
            6 | 7 => ("rw-rw-rw-", umask),
            _ => (letters, 0),
        };
        let umask = if self.kind == '?' { 0 } else { umask };
        let bits = letters.chars().rev().enumerate().filter(|(_, letter)| "rwxst".contains(*letter));
        bits.map(|(at, _)| 1 << at).sum::<u32>() & !umask
    }
}

/// Reads `20240102.030405`; what is no time is the first that a zip archive can have.
fn time(stamp: &str) -> i64 {
    let field = |from: usize, to: usize| stamp.get(from..to).and_then(|text| text.parse::<i16>().ok());
    let read = || {
        let year = field(0, 4)?.clamp(1980, 2107);
        let small = |from, to| field(from, to).and_then(|number| i8::try_from(number).ok());
        DateTime::new(year, small(4, 6)?, small(6, 8)?, small(9, 11)?, small(11, 13)?, small(13, 15)?, 0).ok()
    };
    let time = read().or_else(|| DateTime::new(1980, 1, 1, 0, 0, 0, 0).ok()).unwrap_or_default();
    time.to_zoned(TimeZone::system()).map_or(0, |zoned| zoned.timestamp().as_second())
}

/// What everything that is unpacked shall have.
pub(super) struct Expected {
    owner: u32,
    group: u32,
    mode: Option<Mode>,
    umask: u32,
}

impl Expected {
    pub(super) async fn of(job: &Job<'_>) -> Result<Self> {
        let p = &job.p.attributes;
        let mut expected = Self {
            owner: rustix::process::getuid().as_raw(),
            group: rustix::process::getgid().as_raw(),
            mode: p.mode.as_ref().and_then(Mode::of),
            umask: seen::umask(),
        };
        if let Some(owner) = &p.owner {
            expected.owner = Table::Users.number(job.cx, owner).await.unwrap_or(expected.owner);
        }
        if let Some(group) = &p.group {
            expected.group = Table::Groups.number(job.cx, group).await.unwrap_or(expected.group);
        }
        Ok(expected)
    }

    /// Adds a line for what differs.
    pub(super) fn compare(
        &self,
        job: &Job<'_>,
        entry: &Entry,
        sum: Option<u32>,
        compared: &mut Compared,
    ) -> Result<()> {
        let path = paths::real(job.cx, &paths::join(&job.folder, &entry.path));
        let letter = entry.letter();
        let add = |line: String, compared: &mut Compared| {
            compared.unarchived = false;
            if let Some(diff) = &mut compared.diff {
                let _ = writeln!(diff, "{line} {}", entry.path);
            }
        };
        let looked = Path::new(path.to_string_lossy().trim_end_matches('/')).symlink_metadata();
        let Ok(found) = looked else {
            add(format!(">{letter}++++++.??"), compared);
            return Ok(());
        };
        let same = match letter {
            'd' => found.is_dir(),
            'L' => found.is_symlink(),
            _ => found.is_file(),
        };
        if !same {
            add(format!("c{letter}++++++.??"), compared);
            return Ok(());
        }
        let mut marks = format!(".{letter}.......??").into_bytes();
        let mut mark = |at: usize, letter: u8| {
            if let Some(place) = marks.get_mut(at) {
                *place = letter;
            }
        };
        let mut changed = false;
        if found.is_file() {
            let older = found.mtime() < entry.modified;
            let exact = found.mtime() == entry.modified && found.mtime_nsec() == 0;
            if job.p.keep_newer && !older && !exact {
                compared.newer.push(entry.path.clone());
                return Ok(());
            }
            if !exact {
                mark(4, b't');
                changed = true;
            }
            if found.len() != entry.size {
                mark(3, b's');
                changed = true;
            }
            let own = crc32(&path).map_err(|error| {
                Failure::new(format!("could not read {}: {}", entry.path, system_words(&error)))
            })?;
            if Some(own) != sum {
                mark(2, b'c');
                changed = true;
            }
        }
        if letter != 'L' {
            let own = found.mode() & 0o7777;
            let ground = Ground { bits: own, directory: found.is_dir(), umask: self.umask };
            let bits =
                self.mode.as_ref().map_or_else(|| Some(entry.bits(self.umask)), |mode| mode.bits(ground));
            if bits.is_some_and(|bits| bits != own) {
                mark(5, b'p');
                changed = true;
            }
        }
        for (own, wanted, letter) in [(found.uid(), self.owner, b'o'), (found.gid(), self.group, b'g')] {
            if own != wanted {
                mark(6, letter);
                changed = true;
            }
        }
        if changed {
            add(String::from_utf8_lossy(&marks).into_owned(), compared);
        }
        Ok(())
    }
}

/// The checksum of zip archives: CRC-32, bit by bit.
fn crc32(path: &Path) -> std::io::Result<u32> {
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut crc = u32::MAX;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(!crc);
        }
        for byte in buffer.get(..read).unwrap_or_default() {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_zipinfo_is_read() {
        let entry = Entry::read("-rw-r--r--  3.0 unx        5 tx stor 20240102.030405 a b", &[]).unwrap();
        assert_eq!(
            (entry.letter(), entry.bits(0o022), entry.size, entry.path.as_str()),
            ('f', 0o644, 5, "a b")
        );
        let folder = Entry::read("drwxr-x---  3.0 unx        0 bx stor 20240102.030405 d/", &[]).unwrap();
        assert_eq!((folder.letter(), folder.bits(0)), ('d', 0o750));
        assert!(Entry::read("Archive:  x.zip", &[]).is_none());
        assert!(
            Entry::read("-rw-r--r--  3.0 unx        5 tx stor 20240102.030405 a", &["a".to_owned()])
                .is_none()
        );
    }

    #[test]
    fn permissions_of_a_filesystem_without_any_are_what_the_umask_leaves() {
        let entry = Entry::read("-rw-a--     1.0 fat     5 Tl stor 20240102.030405 a", &[]).unwrap();
        assert_eq!(entry.bits(0o022), 0o644);
    }

    #[test]
    fn the_checksum_is_that_of_zip() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hello").unwrap();
        assert_eq!(crc32(file.path()).unwrap(), 0x3610_a686);
    }
}
