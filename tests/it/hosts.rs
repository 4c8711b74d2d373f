//! Three hosts behind real sshd processes, on loopback ports of their own.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::rplay;

/// An sshd; it ends with the test.
struct Sshd {
    process: Child,
    port: u16,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Sshd {
    fn start(folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a port is free")
            .port();
        let config = folder.join(format!("sshd-{port}"));
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {0}/host\nAuthorizedKeysFile {0}/user.pub\nStrictModes no\n\
             UsePAM no\nPidFile none\nPasswordAuthentication no\nPermitRootLogin yes\n",
            folder.display()
        );
        fs::write(&config, text).expect("the folder takes files");
        let process = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(&config)
            .stdin(Stdio::null())
            .stderr(File::create(folder.join(format!("log-{port}"))).expect("the folder takes files"))
            .spawn()
            .expect("openssh-server is installed: see CONTRIBUTING.md");
        let sshd = Self { process, port };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "sshd does not answer on port {port}");
            std::thread::yield_now();
        }
        sshd
    }
}

fn keys(folder: &Path) {
    for key in ["host", "user"] {
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(folder.join(key))
            .status()
            .expect("openssh-client is installed: see CONTRIBUTING.md");
        assert!(made.success());
    }
    // Where it lets go of its rights; Debian makes it when the service starts.
    let _ = fs::create_dir_all("/run/sshd");
}

/// What ansible-playbook 2.19 prints at the end of this play, with the hosts in this order.
const RECAP: &str = "\
one                        : ok=39   changed=26   unreachable=0    failed=0    skipped=1    rescued=1    ignored=1   
three                      : ok=38   changed=25   unreachable=0    failed=0    skipped=1    rescued=1    ignored=1   
two                        : ok=38   changed=25   unreachable=0    failed=0    skipped=1    rescued=1    ignored=1   
";

#[test]
fn tasks_of_all_kinds_do_on_three_hosts_what_they_do_under_ansible() {
    let folder = tempfile::tempdir().expect("it is there");
    keys(folder.path());
    let hosts = ["one", "two", "three"].map(|name| (name, Sshd::start(folder.path())));
    let at = folder.path().display();
    let mut inventory: String = hosts
        .iter()
        .map(|(name, sshd)| [name, " ansible_port=", &sshd.port.to_string(), "\n"].concat())
        .collect();
    let variables = format!(
        "[all:vars]\nansible_host=127.0.0.1\nansible_connection=ssh\nansible_ssh_private_key_file={at}/user\n\
         ansible_ssh_common_args='-F none -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR'\n\
         ansible_host_key_checking=false\nansible_remote_tmp={at}/tmp\nansible_async_dir={at}/async\n"
    );
    inventory.push_str(&variables);
    let ran = rplay()
        .playbook(include_str!("hosts/forty.yml"))
        .file("inventory", inventory)
        .file("files/motd", include_str!("hosts/files/motd"))
        .file("files/script.sh", include_str!("hosts/files/script.sh"))
        .file("files/tree/one", include_str!("hosts/files/tree/one"))
        .file("files/tree/sub/two", include_str!("hosts/files/tree/sub/two"))
        .file("templates/app.conf.j2", include_str!("hosts/templates/app.conf.j2"))
        .file("templates/colour.j2", include_str!("hosts/templates/colour.j2"))
        .args(["-i".to_owned(), "inventory".to_owned()])
        .args(["-e".to_owned(), format!("out={at}/out fetched={at}/fetched")])
        .run();
    assert!(ran.stdout.contains(RECAP), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, 0);
    let out = folder.path().join("out");
    for (name, sshd) in &hosts {
        let read = |file: &str| fs::read_to_string(out.join(name).join(file)).unwrap_or_default();
        assert_eq!(read("port"), format!("port={}\n", sshd.port));
        assert_eq!(read("conf.d/app.conf"), format!("host={name}\nsystem=Linux\n"));
        assert_eq!(read("conf.d/green.conf"), "colour=green\n");
        assert_eq!(read("tree/sub/two"), "two\n");
        assert_eq!(read("greeting"), "HELLO\n");
        assert_eq!(read("stdin"), "from the controller");
        assert_eq!(read("raw"), "raw");
        assert_eq!(read("script"), "two words\n");
        assert_eq!(read("mine"), name.to_uppercase());
        assert_eq!(read("rescued"), "Fail");
        assert_eq!(read("later"), "later\n");
        assert_eq!(read("lines"), "x\nx\nx\n");
        assert_eq!(read("handled"), format!("handled on {name}\n"));
        let gone = ["never", "link"].map(|file| out.join(name).join(file).symlink_metadata().is_err());
        assert_eq!(gone, [true, true]);
        let fetched = folder.path().join(format!("fetched/{name}{at}/out/{name}/motd"));
        assert_eq!(fs::read_to_string(fetched).expect("it is there"), "welcome");
    }
    assert_eq!(fs::read_to_string(out.join("for-one")).expect("it is there"), "from three");
    assert_eq!(fs::read_to_string(out.join("once")).expect("it is there"), "for one,two,three");
}

#[test]
fn another_user_of_a_host_does_what_su_lets_them() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().expect("it is there");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    keys(folder.path());
    let sshd = Sshd::start(folder.path());
    let at = folder.path().display();
    let inventory = format!(
        "one ansible_host=127.0.0.1 ansible_port={} ansible_connection=ssh ansible_ssh_private_key_file={at}/user \
         ansible_ssh_common_args='-F none -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR' \
         ansible_host_key_checking=false ansible_remote_tmp={at}/tmp\n",
        sshd.port
    );
    let play = "- hosts: all\n  gather_facts: false\n  become: true\n  become_method: su\n  become_user: nobody\n  vars: \
                {ansible_become_flags: '-s /bin/sh'}\n  tasks:\n    - command: id -un\n      register: who\n    - copy: \
                {content: mine, dest: /tmp/not-yours/file}\n      register: refused\n      ignore_errors: true\n    - debug: \
                {msg: '{{ who.stdout }} {{ refused is failed }}'}\n";
    let ran = rplay().playbook(play).file("inventory", inventory).args(["-i", "inventory"]).run();
    assert!(ran.stdout.contains("\"msg\": \"nobody True\""), "{}{}", ran.stdout, ran.stderr);
    ran.code(0);
}
