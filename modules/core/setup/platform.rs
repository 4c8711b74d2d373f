use serde_json::{Map, Value, json};

use super::host::{Host, facts as of};
use super::{Facts, python};

/// The kernel, the architecture, and what the host is called.
pub(super) fn facts(host: &Host) -> Facts {
    let uname = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let (nodename, machine) = (text(uname.nodename()), text(uname.machine()));
    let fqdn = full_name(&host.text("/etc/hosts").unwrap_or_default(), &nodename);
    let domain = fqdn.split_once('.').map_or("", |(_, domain)| domain).to_owned();
    let bits = usize::BITS;
    let mut facts = of(json!({
        "system": text(uname.sysname()),
        "kernel": text(uname.release()),
        "kernel_version": text(uname.version()),
        "machine": machine,
        "fqdn": fqdn,
        "hostname": nodename.split('.').next(),
        "nodename": nodename,
        "domain": domain,
        "userspace_bits": bits.to_string(),
        "architecture": architecture(&machine),
    }));
    if is_intel(&machine) {
        let userspace = if bits == 64 { "x86_64" } else { "i386" };
        facts.insert("userspace_architecture".to_owned(), Value::from(userspace));
    }
    if let Some(version) = python::find(host).map(|python| python.version()) {
        facts.insert("python_version".to_owned(), Value::from(version));
    }
    let id = host.text("/var/lib/dbus/machine-id").or_else(|| host.text("/etc/machine-id"));
    if let Some(id) = id.as_deref().and_then(|id| id.lines().next()) {
        facts.insert("machine_id".to_owned(), Value::from(id));
    }
    facts
}

fn architecture(machine: &str) -> &str {
    if machine != "x86_64" && is_intel(machine) { "i386" } else { machine }
}

fn is_intel(machine: &str) -> bool {
    ["x86_64", "i386", "i486", "i586", "i686"].contains(&machine)
}

/// Returns the first of a host's names with a dot in it, going by the hosts file: what `getfqdn` returns without asking a
/// name server, whose answer a run should not wait for.
fn full_name(hosts: &str, nodename: &str) -> String {
    let lines: Vec<(&str, Vec<&str>)> = hosts
        .lines()
        .filter_map(|line| {
            let mut words = line.split('#').next()?.split_whitespace();
            Some((words.next()?, words.collect()))
        })
        .collect();
    let is_called = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(nodename));
    let Some((address, _)) = lines.iter().find(|(_, names)| is_called(names)) else {
        return nodename.to_owned();
    };
    let names = || lines.iter().filter(|(other, _)| other == address).flat_map(|(_, names)| names);
    let name = names().find(|name| name.contains('.')).or_else(|| names().next());
    name.map_or(nodename, |name| name).to_owned()
}

/// What the kernel was started with.
pub(super) fn command_line(host: &Host) -> Facts {
    let Some(line) = host.text("/proc/cmdline") else { return Facts::new() };
    let (mut last, mut all) = (Map::new(), Map::new());
    for word in words(&line) {
        let Some((name, value)) = word.split_once('=') else {
            last.insert(word.clone(), Value::Bool(true));
            all.insert(word, Value::Bool(true));
            continue;
        };
        last.insert(name.to_owned(), Value::from(value));
        let value = match all.remove(name) {
            None => Value::from(value),
            Some(Value::Array(mut values)) => {
                values.push(Value::from(value));
                Value::Array(values)
            }
            Some(first) => json!([first, value]),
        };
        all.insert(name.to_owned(), value);
    }
    of(json!({ "cmdline": last, "proc_cmdline": all }))
}

/// Splits at blanks that stand outside of quotes; the quotes stay.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for character in line.chars() {
        if quote.is_none() && character.is_whitespace() {
            words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
            continue;
        }
        match quote {
            Some(open) if open == character => quote = None,
            None if character == '"' || character == '\'' => quote = Some(character),
            _ => {}
        }
        word.push(character);
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_called_what_its_hosts_file_says() {
        let hosts = "127.0.0.1 localhost\n10.0.0.7 web.example.org web # us\n127.0.1.1 vm\n";
        assert_eq!(full_name(hosts, "web"), "web.example.org");
        assert_eq!(full_name(hosts, "vm"), "vm");
        assert_eq!(full_name(hosts, "other"), "other");
        assert_eq!(full_name("127.0.0.1 localhost\n127.0.0.1 vm\n", "vm"), "localhost");
    }

    #[test]
    fn blanks_in_quotes_do_not_end_a_word() {
        assert_eq!(
            words(r#"root=/dev/vda  quiet dyndbg="a b" "#),
            ["root=/dev/vda", "quiet", "dyndbg=\"a b\""]
        );
    }
}
