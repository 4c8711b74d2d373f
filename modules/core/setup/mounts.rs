use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use serde_json::{Value, json};

use super::Facts;
use super::host::{Host, facts as of};

/// One line of the kernel's list.
struct Mount {
    device: String,
    place: String,
    kind: String,
    options: String,
    dump: u64,
    pass: u64,
}

/// The mounted file systems that have a device or a server, with their sizes.
pub(super) fn facts(host: &Host) -> Facts {
    let listed = host.text("/etc/mtab").or_else(|| host.text("/proc/mounts")).unwrap_or_default();
    let mounts: Vec<Mount> = listed.lines().filter_map(read).collect();
    let parts = parts(&host.text("/proc/self/mountinfo").unwrap_or_default());
    let uuids = uuids(host);
    let asked = Instant::now();
    let sizes: Vec<_> = mounts.iter().map(|mount| size(host.path(&mount.place))).collect();
    let told = mounts.iter().zip(sizes).map(|(mount, size)| {
        let bind = if parts.contains(&mount.place) { ",bind" } else { "" };
        let mut facts = of(json!({
            "mount": mount.place,
            "device": mount.device,
            "fstype": mount.kind,
            "options": format!("{}{bind}", mount.options),
            "dump": mount.dump,
            "passno": mount.pass,
        }));
        match size.recv_timeout(host.patience.saturating_sub(asked.elapsed())) {
            Ok(size) => {
                facts.extend(size);
                let uuid = uuids.get(&host.path(&mount.device).canonicalize().unwrap_or_default());
                facts.insert("uuid".to_owned(), Value::from(uuid.map_or("N/A", String::as_str)));
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                host.warn(format!("Timeout exceeded when getting mount info for {}", mount.place));
                facts
                    .insert("note".to_owned(), Value::from("Could not get extra information due to timeout"));
            }
        }
        Value::Object(facts)
    });
    let told: Vec<Value> = told.collect();
    of(json!({ "mounts": told }))
}

fn read(line: &str) -> Option<Mount> {
    let fields: Vec<String> = line.split_whitespace().map(unescaped).collect();
    let [device, place, kind, options, rest @ ..] = fields.as_slice() else { return None };
    let remote = device.contains(":/");
    if !(device.starts_with(['/', '\\']) || remote) || kind == "none" {
        return None;
    }
    let number = |at: usize| rest.get(at).and_then(|text| text.parse().ok()).unwrap_or_default();
    Some(Mount {
        device: device.clone(),
        place: place.clone(),
        kind: kind.clone(),
        options: options.clone(),
        dump: number(0),
        pass: number(1),
    })
}

/// Blanks and backslashes stand as three octal digits.
fn unescaped(field: &str) -> String {
    let mut out = String::new();
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => out.push(char::from(code)),
            None => out.push('\\'),
        }
        rest = if code.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    out + rest
}

/// Returns the places where only a part of a file system is mounted.
fn parts(mountinfo: &str) -> BTreeSet<String> {
    let fields = mountinfo.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let part = fields.filter(|fields| fields.get(3).is_some_and(|root| *root != "/"));
    part.filter_map(|fields| Some(unescaped(fields.get(4)?))).collect()
}

/// Asks for a size without waiting for it: a server that is away may never answer, and then the thread stays behind.
fn size(place: PathBuf) -> Receiver<Facts> {
    let (answer, size) = channel();
    std::thread::spawn(move || {
        // Whoever asked may have given up.
        let _ = answer.send(statistics(&place));
    });
    size
}

fn statistics(place: &std::path::Path) -> Facts {
    let Ok(found) = rustix::fs::statvfs(place) else { return Facts::new() };
    of(json!({
        "size_total": found.f_frsize * found.f_blocks,
        "size_available": found.f_frsize * found.f_bavail,
        "block_size": found.f_bsize,
        "block_total": found.f_blocks,
        "block_available": found.f_bavail,
        "block_used": found.f_blocks.saturating_sub(found.f_bavail),
        "inode_total": found.f_files,
        "inode_available": found.f_favail,
        "inode_used": found.f_files.saturating_sub(found.f_favail),
    }))
}

fn uuids(host: &Host) -> BTreeMap<PathBuf, String> {
    let folder = "/dev/disk/by-uuid";
    let found = host.names(folder).into_iter();
    found
        .filter_map(|uuid| Some((host.path(&format!("{folder}/{uuid}")).canonicalize().ok()?, uuid)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_device_or_a_server_is_a_mount() {
        let is = |line: &str| read(line).is_some();
        assert!(is("/dev/vda / ext4 rw 0 0"));
        assert!(is("server:/export /mnt nfs rw 0 0"));
        assert!(!is("proc /proc proc rw 0 0"));
        assert_eq!(read(r"/dev/sda1 /my\040disk ext4 rw 0 1").unwrap().place, "/my disk");
    }

    #[test]
    fn a_part_of_a_file_system_is_a_bind_mount() {
        let info = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 8:1 /var/lib /srv/x rw - ext4 /dev/sda1 rw\n";
        assert_eq!(parts(info), BTreeSet::from(["/srv/x".to_owned()]));
    }
}
