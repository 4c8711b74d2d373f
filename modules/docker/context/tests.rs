use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

/// A folder with files of these texts.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().expect("it is in the folder")).expect("made");
        fs::write(file, text).expect("written");
    }
    folder
}

fn tar(context: &Context) -> Vec<u8> {
    let mut bytes = Vec::new();
    context.write(&mut bytes).expect("written");
    bytes
}

fn sent(folder: &TempDir, dockerfile: &str) -> Vec<u8> {
    tar(&Context::read(folder.path(), Path::new(dockerfile)).expect("read"))
}

fn names(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().expect("a tar");
    entries
        .map(|entry| entry.expect("whole").path().expect("a path").to_string_lossy().into_owned())
        .collect()
}

fn text(tar: &[u8], name: &str) -> String {
    let mut archive = tar::Archive::new(tar);
    let found = archive.entries().expect("a tar").map(|entry| entry.expect("whole"));
    let mut entry = found
        .into_iter()
        .find(|entry| entry.path().expect("a path") == Path::new(name))
        .expect("it is there");
    let mut text = String::new();
    entry.read_to_string(&mut text).expect("a text");
    text
}

#[test]
fn everything_is_sent_in_the_order_of_names() {
    let folder = folder(&[("b/z", ""), ("b/a", ""), ("Dockerfile", ""), ("a", "")]);
    assert_eq!(names(&sent(&folder, "Dockerfile")), ["Dockerfile", "a", "b/", "b/a", "b/z"]);
}

#[test]
fn ignored_files_stay_but_the_dockerfile_and_the_ignore_file_are_sent() {
    let folder =
        folder(&[("Dockerfile", ""), (".dockerignore", "*\n!app"), ("app", ""), ("src/main.rs", "")]);
    assert_eq!(names(&sent(&folder, "Dockerfile")), ["app", "Dockerfile", ".dockerignore"]);
}

#[test]
fn the_folders_of_an_exception_are_sent_with_it() {
    let folder = folder(&[
        ("Dockerfile", ""),
        (".dockerignore", "a\n!a/b/keep"),
        ("a/b/keep", ""),
        ("a/b/other", ""),
        ("a/c/x", ""),
    ]);
    assert_eq!(
        names(&sent(&folder, "Dockerfile")),
        [".dockerignore", "Dockerfile", "a/", "a/b/", "a/b/keep"]
    );
}

#[test]
fn the_same_files_are_the_same_tar() {
    let files = [("Dockerfile", "FROM scratch\n"), ("a/b", "text")];
    let (one, other) = (folder(&files), folder(&files));
    let old = fs::File::options().write(true).open(other.path().join("a/b")).expect("opened");
    old.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("made old");
    assert_eq!(sent(&one, "Dockerfile"), sent(&other, "Dockerfile"));
}

#[test]
fn another_text_name_or_mode_is_another_tar() {
    let base = sent(&folder(&[("Dockerfile", ""), ("a", "x")]), "Dockerfile");
    assert_ne!(base, sent(&folder(&[("Dockerfile", ""), ("a", "y")]), "Dockerfile"));
    assert_ne!(base, sent(&folder(&[("Dockerfile", ""), ("b", "x")]), "Dockerfile"));
    let program = folder(&[("Dockerfile", ""), ("a", "x")]);
    fs::set_permissions(program.path().join("a"), fs::Permissions::from_mode(0o755)).expect("made a program");
    assert_ne!(base, sent(&program, "Dockerfile"));
}

#[test]
fn links_are_sent_as_links_and_never_followed() {
    let folder = folder(&[("Dockerfile", "")]);
    symlink("/etc", folder.path().join("etc")).expect("linked");
    let bytes = sent(&folder, "Dockerfile");
    let mut archive = tar::Archive::new(bytes.as_slice());
    let link = archive.entries().expect("a tar").nth(1).expect("two").expect("whole");
    assert_eq!(link.header().entry_type(), EntryType::Symlink);
    assert_eq!(link.link_name().expect("a target").expect("a target").to_string_lossy(), "/etc");
}

#[test]
fn a_dockerfile_in_a_folder_keeps_its_place() {
    let folder = folder(&[("docker/web.Dockerfile", ""), ("a", "")]);
    for written in ["docker/web.Dockerfile", "./docker/../docker/web.Dockerfile"] {
        let context = Context::read(folder.path(), Path::new(written)).expect("read");
        assert_eq!(context.dockerfile, "docker/web.Dockerfile");
    }
}

#[test]
fn an_ignore_file_of_the_dockerfiles_own_comes_first() {
    let folder = folder(&[
        ("web.Dockerfile", ""),
        ("web.Dockerfile.dockerignore", "b"),
        (".dockerignore", "a"),
        ("a", ""),
        ("b", ""),
    ]);
    let names = names(&sent(&folder, "web.Dockerfile"));
    assert_eq!(names, [".dockerignore", "a", "web.Dockerfile", "web.Dockerfile.dockerignore"]);
}

#[test]
fn a_dockerfile_from_outside_is_sent_and_not_copied() {
    let folder = folder(&[
        ("app/a", ""),
        ("app/.dockerignore", "b"),
        ("app/b", ""),
        ("web.Dockerfile", "FROM scratch\n"),
    ]);
    let context = Context::read(&folder.path().join("app"), Path::new("../web.Dockerfile")).expect("read");
    assert_eq!(context.dockerfile, ".dockerfile.rplay");
    let tar = tar(&context);
    assert_eq!(names(&tar), ["a", ".dockerignore", ".dockerfile.rplay"]);
    assert_eq!(text(&tar, ".dockerfile.rplay"), "FROM scratch\n");
    assert_eq!(text(&tar, ".dockerignore"), "b\n\n.dockerfile.rplay\n");
}

#[test]
fn a_long_path_is_kept_whole() {
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
    let folder = folder(&[("Dockerfile", ""), (&long, "x")]);
    assert_eq!(names(&sent(&folder, "Dockerfile")).last(), Some(&long));
}

#[test]
fn what_is_not_there_is_named() {
    let folder = folder(&[("a", "")]);
    let missing = folder.path().join("Dockerfile");
    let failure = Context::read(folder.path(), Path::new("Dockerfile")).expect_err("there is none");
    assert!(failure.message.ends_with("No such file or directory (os error 2)"), "{failure}");
    assert!(failure.message.starts_with("could not read the Dockerfile "), "{failure}");
    assert!(
        failure.message.contains(missing.file_name().and_then(OsStr::to_str).expect("a name")),
        "{failure}"
    );
    let failure = Context::read(&folder.path().join("a"), Path::new("Dockerfile")).expect_err("a file");
    assert!(failure.message.ends_with("it is no folder"), "{failure}");
}

#[test]
fn a_line_that_is_no_pattern_is_shown() {
    let folder = folder(&[("Dockerfile", ""), (".dockerignore", "[a\n")]);
    let failure = Context::read(folder.path(), Path::new("Dockerfile")).expect_err("a bad line");
    assert!(failure.message.ends_with(".dockerignore: \"[a\" is no pattern"), "{failure}");
}

#[test]
fn a_file_that_shrinks_meanwhile_is_an_error() {
    let folder = folder(&[("Dockerfile", ""), ("a", "long enough")]);
    let context = Context::read(folder.path(), Path::new("Dockerfile")).expect("read");
    fs::write(folder.path().join("a"), "short").expect("written");
    let error = context.write(io::sink()).expect_err("it is shorter now");
    assert!(error.to_string().ends_with("a: it became shorter while it was read"), "{error}");
}
