//! A container of the local Docker engine as a host: its own files, names and users, and this machine's programs.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::rplay;

/// An image without a file in it; it goes with the test.
struct Image(String);

/// A container that sleeps; it goes with the test.
struct Container(String);

impl Drop for Image {
    fn drop(&mut self) {
        let _ = docker(&["rmi", "--force", &self.0], &[]);
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = docker(&["rm", "--force", &self.0], &[]);
    }
}

fn docker(args: &[&str], input: &[u8]) -> Option<String> {
    let mut child = Command::new("docker")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(input).ok()?;
    let output = child.wait_with_output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Starts a container that has this machine's programs, one user, and a `su` that asks for nothing.
fn container(image: &Image, folder: &Path) -> Container {
    let files = [
        ("passwd", "root:x:0:0::/root:/bin/sh\nguest:x:1000:1000::/home/guest:/bin/sh\n"),
        ("group", "root:x:0:\nguest:x:1000:\n"),
        (
            "pam.d/su",
            "auth sufficient pam_permit.so\naccount sufficient pam_permit.so\nsession sufficient pam_permit.so\n",
        ),
    ];
    let mut volumes: Vec<String> =
        ["/bin", "/sbin", "/lib", "/lib64", "/usr"].map(|path| format!("--volume={path}:{path}:ro")).to_vec();
    fs::create_dir(folder.join("pam.d")).expect("the folder takes folders");
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("the folder takes files");
        volumes.push(format!("--volume={}/{name}:/etc/{name}:ro", folder.display()));
    }
    let mut args = vec!["run", "--detach", "--network=none", "--hostname=inside"];
    args.extend(volumes.iter().map(String::as_str));
    args.extend([&*image.0, "/bin/sleep", "600"]);
    Container(docker(&args, &[]).expect("a Docker engine runs here: see CONTRIBUTING.md"))
}

const PLAY: &str = "\
- hosts: all
  gather_facts: false
  vars: {ansible_become_method: su}
  tasks:
    - file: {path: /tmp, state: directory, mode: '1777'}
    - copy: {content: from outside, dest: /tmp/note, mode: '0600', owner: guest}
    - command: hostname
      register: name
    - command: cat /tmp/note
      become: true
      become_user: guest
      register: note
    - command: id -un
      become: true
      become_user: guest
      register: user
    - fetch: {src: /tmp/note, dest: fetched, flat: true}
    - debug: {msg: '{{ user.stdout }} read {{ note.stdout }} on {{ name.stdout }}'}
";

#[test]
fn tasks_run_in_a_container_and_as_its_users() {
    let image =
        Image(docker(&["import", "-"], &[0; 1024]).expect("a Docker engine runs here: see CONTRIBUTING.md"));
    let folder = tempfile::tempdir().expect("it is there");
    let container = container(&image, folder.path());
    let play = rplay()
        .playbook(PLAY)
        .file("inventory", format!("box ansible_connection=docker ansible_host={}\n", container.0))
        .args(["-i", "inventory"]);
    let ran = play.run();
    assert!(
        ran.stdout.contains("\"msg\": \"guest read from outside on inside\""),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert!(ran.stdout.contains("box                        : ok=7    changed=6    "), "{}", ran.stdout);
    assert_eq!(fs::read_to_string(play.folder().join("fetched")).expect("it is there"), "from outside");
    ran.code(0);
}
