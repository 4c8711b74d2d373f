use indexmap::IndexMap;
use serde_json::{Value, json};

use super::Facts;
use super::host::{Host, facts as of};

/// The processors, as the kernel describes them.
pub(super) fn facts(host: &Host) -> Facts {
    let Some(text) = host.text("/proc/cpuinfo") else { return Facts::new() };
    let machine = rustix::system::uname().machine().to_string_lossy().into_owned();
    let mut facts = described(&text, &machine);
    if let Some(usable) = host.text("/proc/self/status").as_deref().and_then(usable) {
        facts.insert("processor_nproc".to_owned(), Value::from(usable));
    }
    facts
}

/// What the lines of `/proc/cpuinfo` say.
#[derive(Default)]
struct Lines<'a> {
    names: Vec<&'a str>,
    flags: Option<Vec<&'a str>>,
    /// Cores by socket.
    sockets: IndexMap<&'a str, u64>,
    /// Threads of the socket by core.
    cores: IndexMap<&'a str, u64>,
    processors: u64,
    vendors: u64,
    models: u64,
}

fn described(text: &str, machine: &str) -> Facts {
    let lines = read(text);
    let count = match machine {
        arm if ["armv", "aarch", "ppc"].iter().any(|start| arm.starts_with(start)) => lines.processors,
        _ if lines.vendors > 0 && lines.vendors == lines.models => lines.vendors,
        _ => lines.names.len() as u64,
    };
    let sockets = if lines.sockets.is_empty() { count } else { lines.sockets.len() as u64 };
    let cores = lines.sockets.values().next().copied().filter(|&cores| cores > 0).unwrap_or(1);
    let siblings = lines.cores.values().next().copied().unwrap_or(1);
    let threads = rounded(siblings, cores);
    let mut facts = of(json!({
        "processor": lines.names,
        "processor_count": sockets,
        "processor_cores": cores,
        "processor_threads_per_core": threads,
        "processor_vcpus": threads * sockets * cores,
        "processor_nproc": lines.processors,
    }));
    if let Some(flags) = lines.flags {
        facts.insert("flags".to_owned(), json!(flags));
    }
    facts
}

fn read(text: &str) -> Lines<'_> {
    let mut lines = Lines::default();
    let (mut socket, mut core) = ("0", "0");
    for (key, value) in text.lines().map(|line| line.split_once(':').unwrap_or((line, ""))) {
        let value = value.trim();
        match key.trim() {
            "flags" => lines.flags = Some(value.split_whitespace().collect()),
            key @ ("model name" | "Processor" | "vendor_id" | "cpu" | "Vendor" | "processor") => {
                lines.names.push(value);
                lines.vendors += u64::from(key == "vendor_id");
                lines.models += u64::from(key == "model name");
                lines.processors += u64::from(key == "processor");
            }
            "physical id" => {
                socket = value;
                lines.sockets.entry(socket).or_insert(1);
            }
            "core id" => {
                core = value;
                lines.cores.insert(core, 1);
            }
            "cpu cores" => {
                lines.sockets.insert(socket, value.parse().unwrap_or_default());
            }
            "siblings" => {
                lines.cores.insert(core, value.parse().unwrap_or_default());
            }
            _ => {}
        }
    }
    lines
}

/// Divides and rounds halves to even, as Python rounds.
fn rounded(whole: u64, part: u64) -> u64 {
    let (down, rest) = (whole / part, whole % part);
    match (rest * 2).cmp(&part) {
        std::cmp::Ordering::Less => down,
        std::cmp::Ordering::Equal => down + down % 2,
        std::cmp::Ordering::Greater => down + 1,
    }
}

/// Returns how many processors this process may use.
fn usable(status: &str) -> Option<u32> {
    let mask = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed:"))?;
    let ones = |group: &str| u32::from_str_radix(group.trim(), 16).ok().map(u32::count_ones);
    mask.split(',').map(ones).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_cores_and_threads_are_counted() {
        let described_one = |processor: u32| {
            let (socket, core) = (processor / 4, processor % 2);
            format!(
                "processor\t: {processor}\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\nphysical id\t: {socket}\n\
                 siblings\t: 4\ncore id\t\t: {core}\ncpu cores\t: 2\nflags\t\t: fpu vme\n\n"
            )
        };
        let text: String = (0..8).map(described_one).collect();
        let facts = described(&text, "x86_64");
        assert_eq!(facts["processor_count"], 2);
        assert_eq!(facts["processor_cores"], 2);
        assert_eq!(facts["processor_threads_per_core"], 2);
        assert_eq!(facts["processor_vcpus"], 8);
        assert_eq!(facts["flags"], json!(["fpu", "vme"]));
        assert_eq!(facts["processor"].as_array().unwrap().len(), 24);
    }

    #[test]
    fn an_arm_has_as_many_as_it_numbers() {
        let facts = described("processor\t: 0\nBogoMIPS\t: 50\n\nprocessor\t: 1\n", "aarch64");
        assert_eq!((&facts["processor_count"], &facts["processor_vcpus"]), (&json!(2), &json!(2)));
    }

    #[test]
    fn a_process_that_is_held_to_some_processors_counts_those() {
        assert_eq!(usable("Name:\tx\nCpus_allowed:\t00000001,0000000f\n"), Some(5));
    }
}
