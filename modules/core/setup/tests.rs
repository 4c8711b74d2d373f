use std::path::Path;
use std::time::SystemTime;

use rplay_module::Mode;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::host::Host;
use super::{
    Facts, devices, distribution, identity, managers, memory, mounts, network, python, security, subset,
    virtualization,
};
use crate::tests::Bench;

type Files = &'static [(&'static str, &'static str)];

/// A host made of a few files.
struct Made {
    folder: TempDir,
}

impl Made {
    fn of(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self { folder }
    }

    fn host(&self) -> Host {
        let env = [("PATH".to_owned(), "/usr/bin".to_owned())].into();
        Host::new(self.folder.path().to_owned(), SystemTime::UNIX_EPOCH, env)
    }

    fn read(&self, gather: fn(&Host) -> Facts) -> Value {
        Value::Object(gather(&self.host()))
    }
}

fn some(facts: &Value, names: &[&str]) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    names.iter().map(|name| text(&facts[*name])).collect()
}

#[tokio::test]
async fn a_play_gets_everything_it_may_ask_for() {
    let bench = Bench::new();
    let outcome = bench.run("ansible.legacy.setup", &json!({}), Mode::Check).await;
    assert!(outcome.failure.is_none() && !outcome.changed, "{:?}", outcome.failure);
    let facts = &outcome.result["ansible_facts"];
    for name in [
        "ansible_all_ipv4_addresses",
        "ansible_all_ipv6_addresses",
        "ansible_apparmor",
        "ansible_architecture",
        "ansible_bios_vendor",
        "ansible_cmdline",
        "ansible_date_time",
        "ansible_default_ipv4",
        "ansible_default_ipv6",
        "ansible_device_links",
        "ansible_devices",
        "ansible_distribution",
        "ansible_distribution_file_variety",
        "ansible_distribution_major_version",
        "ansible_distribution_release",
        "ansible_distribution_version",
        "ansible_dns",
        "ansible_domain",
        "ansible_effective_user_id",
        "ansible_env",
        "ansible_fips",
        "ansible_fqdn",
        "ansible_hostname",
        "ansible_hostnqn",
        "ansible_interfaces",
        "ansible_is_chroot",
        "ansible_iscsi_iqn",
        "ansible_kernel",
        "ansible_kernel_version",
        "ansible_lo",
        "ansible_loadavg",
        "ansible_local",
        "ansible_locally_reachable_ips",
        "ansible_lsb",
        "ansible_lvm",
        "ansible_machine",
        "ansible_memfree_mb",
        "ansible_memory_mb",
        "ansible_memtotal_mb",
        "ansible_mounts",
        "ansible_nodename",
        "ansible_os_family",
        "ansible_pkg_mgr",
        "ansible_proc_cmdline",
        "ansible_processor",
        "ansible_processor_cores",
        "ansible_processor_count",
        "ansible_processor_nproc",
        "ansible_processor_threads_per_core",
        "ansible_processor_vcpus",
        "ansible_product_name",
        "ansible_selinux",
        "ansible_service_mgr",
        "ansible_swapfree_mb",
        "ansible_swaptotal_mb",
        "ansible_system",
        "ansible_system_capabilities",
        "ansible_system_vendor",
        "ansible_uptime_seconds",
        "ansible_user_dir",
        "ansible_user_id",
        "ansible_user_shell",
        "ansible_userspace_bits",
        "ansible_virtualization_role",
        "ansible_virtualization_tech_guest",
        "ansible_virtualization_type",
        "gather_subset",
        "module_setup",
    ] {
        assert!(facts.get(name).is_some(), "{name}");
    }
    assert_eq!(facts["ansible_system"], "Linux");
    assert_eq!(facts["ansible_lo"]["ipv4"]["address"], "127.0.0.1");
    assert_eq!(facts["ansible_lo"]["ipv4"]["netmask"], "255.0.0.0");
    assert_eq!(facts["ansible_env"]["HOME"], bench.home());
    assert_eq!(facts["ansible_date_time"]["epoch"], "1700000000");
    assert_eq!(facts["gather_subset"], json!(["all"]));
}

#[tokio::test]
async fn a_filter_takes_names_with_and_without_the_prefix() {
    let bench = Bench::new();
    let filtered = async |filter: Value| {
        let args = json!({ "gather_subset": "min", "filter": filter });
        let outcome = bench.run("setup", &args, Mode::Apply).await;
        let facts = outcome.result["ansible_facts"].as_object().unwrap().clone();
        facts.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(
        filtered(json!(["ansible_os_*", "fips", "gather_subset"])).await,
        ["ansible_os_family", "ansible_fips", "gather_subset"]
    );
    assert!(filtered(json!("no_such_thing")).await.is_empty());
}

#[tokio::test]
async fn facts_of_the_hosts_owner_are_read_and_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    let write = |name: &str, text: &str, mode: u32| {
        let path = bench.folder().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write("a.fact", r#"{"x": 1}"#, 0o644);
    write("b.fact", "[s]\nx=1\n", 0o644);
    write("c.fact", "#!/bin/sh\necho '[1]'\n", 0o755);
    write("d.fact", "#!/bin/sh\necho no >&2; exit 3\n", 0o755);
    write("ignored.txt", "x", 0o644);
    let args = json!({ "gather_subset": ["!all", "!min", "local"], "fact_path": bench.home() });
    let outcome = bench.run("setup", &args, Mode::Apply).await;
    let failed = format!("Failure executing fact script ({}/d.fact), rc: 3, err: no\n", bench.home());
    assert_eq!(
        outcome.result["ansible_facts"]["ansible_local"],
        json!({ "a": { "x": 1 }, "b": { "s": { "x": "1" } }, "c": [1], "d": failed })
    );
    assert_eq!(bench.warnings(), [failed]);
}

#[tokio::test]
async fn an_unknown_subset_is_refused_with_all_that_are_known() {
    let bench = Bench::new();
    let outcome =
        bench.run("gather_facts", &json!({ "gather_subset": ["foo"], "parallel": true }), Mode::Apply).await;
    let message = outcome.failure.unwrap().message;
    assert!(
        message.starts_with(
            "Bad subset 'foo' given to Ansible. gather_subset options allowed: all, all_ipv4_addresses, "
        ),
        "{message}"
    );
    assert!(message.ends_with("virtualization_tech_host, virtualization_type"), "{message}");
    let outcome = bench.run("setup", &json!({ "gather_subset": ["facter"] }), Mode::Apply).await;
    assert_eq!(
        outcome.failure.unwrap().message,
        "could not gather the facts of facter: that is not built yet"
    );
}

#[test]
fn subsets_add_and_exclude_as_ansible_has_it() {
    let chosen = |wanted: &[&str]| {
        let wanted: Vec<String> = wanted.iter().map(|&it| it.to_owned()).collect();
        subset::chosen(&wanted).unwrap().iter().map(|it| it.name).collect::<Vec<_>>()
    };
    assert_eq!(chosen(&["!all", "!min", "network"]), ["platform", "distribution", "network"]);
    assert_eq!(chosen(&["!all", "!min", "mounts"]), ["platform", "hardware"]);
    assert!(chosen(&["!all"]).contains(&"env") && !chosen(&["!all"]).contains(&"hardware"));
    assert!(!chosen(&["!hardware", "!facter", "!ohai"]).contains(&"hardware"));
    assert!(chosen(&["!hardware", "mounts"]).contains(&"hardware"));
    assert_eq!(chosen(&["all"]).len(), chosen(&[]).len() + 9);
}

#[test]
fn distributions_are_called_what_ansible_calls_them() {
    let names = [
        "distribution",
        "distribution_version",
        "distribution_major_version",
        "distribution_release",
        "os_family",
    ];
    let cases: [(Files, [&str; 5]); 8] = [
        (
            &[
                (
                    "/etc/os-release",
                    "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n",
                ),
                ("/etc/debian_version", "12.11\n"),
            ],
            ["Debian", "12.11", "12", "bookworm", "Debian"],
        ),
        (
            &[(
                "/etc/os-release",
                "NAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\n",
            )],
            ["Ubuntu", "24.04", "24", "noble", "Debian"],
        ),
        (
            &[
                (
                    "/etc/os-release",
                    "NAME=\"Rocky Linux\"\nVERSION=\"9.3 (Blue Onyx)\"\nID=\"rocky\"\nVERSION_ID=\"9.3\"\n",
                ),
                ("/etc/redhat-release", "Rocky Linux release 9.3 (Blue Onyx)\n"),
            ],
            ["Rocky", "9.3", "9", "Blue Onyx", "RedHat"],
        ),
        (
            &[
                (
                    "/etc/os-release",
                    "NAME=\"Red Hat Enterprise Linux\"\nVERSION=\"9.4 (Plow)\"\nID=\"rhel\"\nVERSION_ID=\"9.4\"\n",
                ),
                ("/etc/redhat-release", "Red Hat Enterprise Linux release 9.4 (Plow)\n"),
            ],
            ["RedHat", "9.4", "9", "Plow", "RedHat"],
        ),
        (
            &[(
                "/etc/os-release",
                "NAME=\"Amazon Linux\"\nVERSION=\"2023\"\nID=\"amzn\"\nVERSION_ID=\"2023\"\n",
            )],
            ["Amazon", "2023", "2023", "NA", "RedHat"],
        ),
        (
            &[
                ("/etc/os-release", "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.20.1\n"),
                ("/etc/alpine-release", "3.20.1\n"),
            ],
            ["Alpine", "3.20.1", "3", "NA", "Alpine"],
        ),
        (
            &[("/etc/os-release", "NAME=\"openSUSE Leap\"\nID=\"opensuse-leap\"\nVERSION_ID=\"15.6\"\n")],
            ["openSUSE Leap", "15.6", "15", "6", "Suse"],
        ),
        (
            &[("/etc/os-release", "NAME=\"Arch Linux\"\nPRETTY_NAME=\"Arch Linux\"\nID=arch\n")],
            ["Archlinux", "NA", "NA", "NA", "Archlinux"],
        ),
    ];
    for (files, expected) in cases {
        assert_eq!(some(&Made::of(files).read(distribution::facts), &names), expected);
    }
}

#[test]
fn a_release_is_told_as_lsb_release_tells_it() {
    let made = Made::of(&[(
        "/etc/os-release",
        "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n",
    )]);
    assert_eq!(
        made.read(distribution::lsb)["lsb"],
        json!({ "id": "Debian", "release": "12", "description": "Debian GNU/Linux 12 (bookworm)", "codename": "bookworm", "major_release": "12" })
    );
}

#[test]
fn what_installs_and_what_runs_services_is_found_by_its_files() {
    let debian = ("/etc/os-release", "NAME=Debian\nPRETTY_NAME=\"Debian (x)\"\nID=debian\n");
    let fedora = ("/etc/redhat-release", "Fedora release 42 (Forty Two)\n");
    let read = |files: &[(&str, &str)]| {
        let made = Made::of(files);
        let (packages, services) = (made.read(managers::packages), made.read(managers::services));
        [packages["pkg_mgr"].clone(), services["service_mgr"].clone()]
    };
    assert_eq!(read(&[debian, ("/proc/1/comm", "systemd\n")]), ["apt", "systemd"]);
    assert_eq!(
        read(&[fedora, ("/usr/bin/dnf", ""), ("/proc/1/comm", "bash\n"), ("/etc/init.d/x", "")]),
        ["dnf", "sysvinit"]
    );
    assert_eq!(read(&[("/sbin/apk", ""), ("/sbin/openrc", "")]), ["apk", "openrc"]);
    assert_eq!(read(&[]), ["unknown", "service"]);
}

#[test]
fn memory_is_counted_in_megabytes() {
    let made = Made::of(&[
        (
            "/proc/meminfo",
            "MemTotal: 4096 kB\nMemFree: 1024 kB\nBuffers: 1024 kB\nCached: 1024 kB\nSwapCached: 0 kB\nSwapTotal: 2048 kB\nSwapFree: 1024 kB\n",
        ),
        ("/proc/uptime", "5751.20 100.0\n"),
    ]);
    let facts = made.read(memory::facts);
    assert_eq!(
        some(&facts, &["memtotal_mb", "memfree_mb", "swaptotal_mb", "swapfree_mb", "uptime_seconds"]),
        ["4", "1", "2", "1", "5751"]
    );
    assert_eq!(facts["memory_mb"]["nocache"], json!({ "free": 3, "used": 1 }));
    assert_eq!(facts["memory_mb"]["swap"], json!({ "total": 2, "free": 1, "used": 1, "cached": 0 }));
}

#[test]
fn a_machine_is_described_by_its_firmware() {
    let made = Made::of(&[
        ("/sys/devices/virtual/dmi/id/product_name", "t3.micro\n"),
        ("/sys/devices/virtual/dmi/id/sys_vendor", "Amazon EC2\n"),
        ("/sys/devices/virtual/dmi/id/chassis_type", "1\n"),
    ]);
    let facts = made.read(devices::dmi);
    assert_eq!(
        some(&facts, &["product_name", "system_vendor", "form_factor", "bios_vendor"]),
        ["t3.micro", "Amazon EC2", "Other", "NA"]
    );
    assert_eq!(made.read(virtualization::facts)["virtualization_type"], "kvm");
}

#[test]
fn a_container_on_a_virtual_machine_is_a_container() {
    let made = Made::of(&[
        ("/.dockerenv", ""),
        ("/dev/kvm", ""),
        ("/sys/devices/virtual/dmi/id/sys_vendor", "QEMU"),
    ]);
    assert_eq!(
        made.read(virtualization::facts),
        json!({
            "virtualization_type": "docker", "virtualization_role": "guest",
            "virtualization_tech_guest": ["container", "docker", "kvm"], "virtualization_tech_host": ["kvm"],
        })
    );
}

#[test]
fn resolvers_and_their_options_are_listed() {
    let made = Made::of(&[(
        "/etc/resolv.conf",
        "# x\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nsearch a.b c.d\noptions ndots:2 rotate\n",
    )]);
    assert_eq!(
        made.read(network::dns)["dns"],
        json!({ "nameservers": ["10.0.0.2", "10.0.0.3"], "search": ["a.b", "c.d"], "options": { "ndots": "2", "rotate": true } })
    );
}

#[test]
fn the_hosts_keys_are_told_with_their_kinds() {
    let made = Made::of(&[("/etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAAC3 root@vm\n")]);
    assert_eq!(
        made.read(security::host_keys),
        json!({ "ssh_host_key_ed25519_public": "AAAAC3", "ssh_host_key_ed25519_public_keytype": "ssh-ed25519" })
    );
}

#[test]
fn what_a_task_may_do_is_told_where_it_is_less_than_all() {
    let read = |mask: &str| {
        let status = format!("CapEff:\t{mask}\n");
        let made = Made::of(&[("/proc/self/status", &status), ("/proc/sys/kernel/cap_last_cap", "40\n")]);
        some(&made.read(security::capabilities), &["system_capabilities_enforced", "system_capabilities"])
    };
    assert_eq!(read("000001ffffffffff"), ["False", "[]"]);
    assert_eq!(read("0000000000000401"), ["True", r#"["cap_chown","cap_net_bind_service"]"#]);
}

#[test]
fn a_python_is_known_without_running_it() {
    let made = Made::of(&[
        ("/usr/bin/python3.11", ""),
        (
            "/usr/include/python3.11/patchlevel.h",
            "#define PY_VERSION      \t\"3.11.2\"\n#define PY_VERSION \"3.11.2\"\n",
        ),
    ]);
    let link = |to: &str, from: &str| {
        std::os::unix::fs::symlink(to, made.folder.path().join(Path::new(from))).unwrap();
    };
    link("python3.11", "usr/bin/python3");
    let facts = made.read(python::facts);
    assert_eq!(facts["python"]["version"]["minor"], 11);
    assert_eq!(facts["python"]["version_info"], json!([3, 11, 2, "final", 0]));
    assert_eq!(Made::of(&[]).read(python::facts), json!({}));
}

#[test]
fn the_python_that_is_named_for_a_host_is_its_python_where_it_is_there() {
    let made = Made::of(&[("/usr/bin/python3", ""), ("/opt/own/bin/python3.12", "")]);
    let executable = |named: &str| {
        let mut host = made.host();
        host.python = Some(named.to_owned());
        python::find(&host).map(|python| python.version())
    };
    assert_eq!(executable("/opt/own/bin/python3.12").as_deref(), Some("3.12"));
    assert_eq!(
        executable("/opt/gone/bin/python3.12"),
        python::find(&made.host()).map(|python| python.version())
    );
}

#[test]
fn a_user_is_found_by_name_and_else_by_number() {
    let made = Made::of(&[("/etc/passwd", "ann:x:4711:4712:Ann:/home/ann:/bin/zsh\n")]);
    let mut host = made.host();
    host.env.insert("USER".to_owned(), "ann".to_owned());
    let facts = Value::Object(identity::user(&host));
    assert_eq!(
        some(&facts, &["user_id", "user_uid", "user_gid", "user_gecos", "user_dir", "user_shell"]),
        ["ann", "4711", "4712", "Ann", "/home/ann", "/bin/zsh"]
    );
}

#[test]
fn a_mount_has_its_size() {
    let made = Made::of(&[("/proc/mounts", "/dev/vda / ext4 rw,relatime 0 1\nproc /proc proc rw 0 0\n")]);
    let facts = made.read(mounts::facts);
    let mounts = facts["mounts"].as_array().unwrap();
    assert_eq!(mounts.len(), 1);
    assert_eq!(
        some(&mounts[0], &["mount", "device", "fstype", "options", "passno", "uuid"]),
        ["/", "/dev/vda", "ext4", "rw,relatime", "1", "N/A"]
    );
    assert!(mounts[0]["size_total"].as_u64() >= mounts[0]["size_available"].as_u64());
}
