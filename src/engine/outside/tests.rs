use std::os::unix::fs::symlink;
use std::time::Duration;

use rplay_event::MASK;
use rplay_module::Secret;

use super::*;

struct Place {
    folder: tempfile::TempDir,
    outside: Outside,
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(1_795_264_496, 5)
}

fn random(bytes: &mut [u8]) {
    bytes.fill(7);
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = ("PATH".to_owned(), std::env::var("PATH").unwrap());
        let outside = Outside {
            env: vec![path, ("A".to_owned(), "1".to_owned()), ("TZ".to_owned(), "CET-1".to_owned())],
            config: Arc::clone(&crate::testing::settings(folder.path().to_owned()).config),
            fetcher: None,
            home: Some("/home/ana".into()),
            folder: folder.path().canonicalize().unwrap(),
            vaults: Arc::new(Vaults::new(
                vec![("default".to_owned(), Secret::new(b"swordfish".to_vec()))],
                false,
            )),
            children: Arc::default(),
            fallthrough: None,
            masker: Masker::default(),
            now,
            random,
        };
        Self { folder, outside }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.outside.folder.join(name)
    }

    fn seal(&self, plain: &str) -> String {
        self.outside.vaults.seal(plain.as_bytes(), None, &[1; 32]).unwrap()
    }
}

#[test]
fn files_are_read_from_the_current_folder() {
    let place = Place::new();
    fs::write(place.folder.path().join("a"), b"x\xff").unwrap();
    assert_eq!(place.outside.read_file("a").unwrap(), b"x\xff");
    assert_eq!(place.outside.read_file("no").unwrap_err(), "[Errno 2] No such file or directory: 'no'");
    assert_eq!(place.outside.read_file("/").unwrap_err(), "[Errno 21] Is a directory: '/'");
}

#[test]
fn what_comes_out_of_a_vault_is_masked_from_then_on() {
    let place = Place::new();
    fs::write(place.path("a"), place.seal("a long secret\n")).unwrap();
    assert_eq!(place.outside.read_file("a").unwrap(), b"a long secret\n");
    assert_eq!(place.outside.open_vault(&place.seal("another secret")).unwrap(), "another secret");
    assert_eq!(place.outside.masker.text("a long secret, another secret"), format!("{MASK}, {MASK}"));
}

#[test]
fn a_vault_that_stays_shut_says_so_in_ansibles_words() {
    let mut place = Place::new();
    fs::write(place.path("a"), place.seal("secret")).unwrap();
    place.outside.vaults = Arc::default();
    let said = "Attempting to decrypt but no vault secrets found.";
    assert_eq!(place.outside.read_file("a").unwrap_err(), said);
    let envelope = fs::read_to_string(place.path("a")).unwrap();
    assert_eq!(place.outside.open_vault(&envelope).unwrap_err(), said);
}

#[test]
fn a_private_file_is_private_also_when_it_was_not() {
    let place = Place::new();
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    place.outside.write_private("new/deep/file", "a").unwrap();
    assert_eq!([mode("new"), mode("new/deep"), mode("new/deep/file")], [0o700, 0o700, 0o600]);
    fs::write(place.path("old"), "longer than before").unwrap();
    fs::set_permissions(place.path("old"), fs::Permissions::from_mode(0o644)).unwrap();
    place.outside.write_private("old", "b").unwrap();
    assert_eq!((mode("old"), fs::read_to_string(place.path("old")).unwrap()), (0o600, "b".to_owned()));
    place.outside.write_private("/dev/null", "gone").unwrap();
    assert_eq!(place.outside.path_kind("/dev/null", false), Some(PathKind::Other));
}

#[test]
fn paths_are_told_apart_with_and_without_their_links() {
    let place = Place::new();
    fs::create_dir(place.path("folder")).unwrap();
    symlink("folder", place.path("link")).unwrap();
    symlink("nowhere", place.path("broken")).unwrap();
    let kind = |path, follow| place.outside.path_kind(path, follow);
    assert_eq!([kind("link", true), kind("link", false)], [Some(PathKind::Directory), Some(PathKind::Link)]);
    assert_eq!([kind("broken", true), kind("broken", false)], [None, Some(PathKind::Link)]);
    assert_eq!(place.outside.list_folder(".").unwrap(), ["broken", "folder", "link"]);
    assert!(place.outside.list_folder("no").unwrap_err().starts_with("[Errno 2]"));
}

// The expected paths are what Python's os.path.realpath gives.
#[test]
fn links_are_resolved_as_far_as_there_is_something() {
    let place = Place::new();
    fs::create_dir(place.path("folder")).unwrap();
    symlink("folder", place.path("link")).unwrap();
    symlink("nowhere", place.path("broken")).unwrap();
    let here = place.outside.current_folder();
    for (path, real) in [
        ("link/x/y", "folder/x/y"),
        ("broken", "nowhere"),
        ("no/../link", "link"),
        ("./folder/../link", "folder"),
    ] {
        let real = if real == "link" { "folder" } else { real };
        assert_eq!(place.outside.real_path(path), format!("{here}/{real}"), "{path}");
    }
    assert_eq!(place.outside.real_path("/no/such"), "/no/such");
    symlink("circle", place.path("circle")).unwrap();
    assert_eq!(place.outside.real_path("circle"), format!("{here}/circle"));
}

#[test]
fn home_folders_are_the_environments_and_the_users() {
    let place = Place::new();
    assert_eq!(place.outside.home(None).unwrap(), "/home/ana");
    assert_eq!(place.outside.home(Some("root")).unwrap(), "/root");
    assert_eq!(place.outside.home(Some("no such user")), None);
    let passwd = "root:x:0:0:root:/root:/bin/sh\nana:x:1000:1000::/home/ana:/bin/sh\n";
    assert_eq!(home_of(passwd, |fields| fields.get(2) == Some(&"1000")).unwrap(), "/home/ana");
}

#[test]
fn a_command_is_run_by_the_shell_with_this_environment() {
    let place = Place::new();
    assert_eq!(place.outside.pipe("echo $A; pwd; cat; printf '  \n\n'", None).unwrap(), {
        format!("1\n{}", place.outside.current_folder())
    });
    assert_eq!(place.outside.pipe("pwd", Some("/")).unwrap(), "/");
}

#[test]
fn a_command_that_fails_says_so_in_ansibles_words() {
    let place = Place::new();
    let said = |command| place.outside.pipe(command, None).unwrap_err();
    assert_eq!(said("exit 3"), "lookup_plugin.pipe(exit 3) returned 3");
    assert_eq!(said("kill -9 $$"), "lookup_plugin.pipe(kill -9 $$) returned -9");
    assert_eq!(said("echo why >&2; exit 1"), "lookup_plugin.pipe(echo why >&2; exit 1) returned 1: why");
    assert_eq!(
        said(r"printf '\377'"),
        "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
    );
}

#[test]
fn time_and_chance_come_from_the_settings() {
    let place = Place::new();
    let expected = Now { unix_seconds: 1_795_264_496, nanoseconds: 5, utc_offset_seconds: 3600 };
    assert_eq!(place.outside.now(), expected);
    assert_eq!(place.outside.random(), 0x0707_0707_0707_0707);
    assert_eq!((place.outside.env("A").as_deref(), place.outside.env("B")), (Some("1"), None));
}
