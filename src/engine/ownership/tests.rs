use super::*;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn dot(&self) -> PathBuf {
        self.folder.path().join(".rplay")
    }

    fn file(&self) -> PathBuf {
        self.dot().join("owned.jsonl")
    }

    fn open(&self) -> Ownership {
        Ownership::open(&self.dot(), "run-1").unwrap()
    }
}

fn vpc(name: &str) -> Address {
    Address::new("ec2.vpc", name)
}

fn aws(account: &str) -> Realm {
    Realm { account: account.to_owned(), region: "eu-west-1".to_owned(), endpoint: String::new() }
}

fn own(ownership: &Ownership, name: &str, stage: Stage) {
    ownership.own(&vpc(name), &aws("1"), stage, SystemTime::UNIX_EPOCH).unwrap();
}

fn names(ownership: &Ownership) -> Vec<String> {
    ownership.all().into_iter().map(|owned| owned.address.name).collect()
}

#[test]
fn what_was_created_is_owned_by_the_next_run_too() {
    let place = Place::new();
    let first = place.open();
    own(&first, "app", Stage::Intended);
    own(&first, "app", Stage::Created);
    assert!(first.owns(&vpc("app"), &aws("1")));
    let next = place.open();
    assert!(next.owns(&vpc("app"), &aws("1")));
    assert!(!next.owns(&vpc("other"), &aws("1")));
}

#[test]
fn what_was_only_intended_counts_as_created() {
    let place = Place::new();
    own(&place.open(), "app", Stage::Intended);
    assert!(place.open().owns(&vpc("app"), &aws("1")));
}

#[test]
fn what_is_gone_is_not_owned_and_begins_another_generation() {
    let place = Place::new();
    let ownership = place.open();
    own(&ownership, "app", Stage::Created);
    assert_eq!(ownership.generation(&vpc("app")), 0);
    own(&ownership, "app", Stage::Gone);
    assert!(!ownership.owns(&vpc("app"), &aws("1")));
    assert_eq!((ownership.generation(&vpc("app")), place.open().generation(&vpc("app"))), (1, 1));
}

#[test]
fn nothing_is_owned_across_accounts_regions_or_endpoints() {
    let place = Place::new();
    let ownership = place.open();
    own(&ownership, "app", Stage::Created);
    let unknown = aws("");
    ownership.own(&vpc("nameless"), &unknown, Stage::Created, SystemTime::UNIX_EPOCH).unwrap();
    for realm in [
        aws("2"),
        unknown.clone(),
        Realm { region: "us-east-1".to_owned(), ..aws("1") },
        Realm { endpoint: "http://127.0.0.1:4566".to_owned(), ..aws("1") },
        Realm::default(),
    ] {
        assert!(!ownership.owns(&vpc("app"), &realm), "{realm:?}");
        assert!(!ownership.owns(&vpc("nameless"), &realm), "{realm:?}");
    }
    assert!(!ownership.owns(&vpc("nameless"), &aws("1")));
    assert_eq!(ownership.all()[1], Owned { address: vpc("nameless"), realm: unknown });
}

#[test]
fn an_endpoint_alone_says_whose_a_thing_is() {
    let place = Place::new();
    let ownership = place.open();
    let local = Realm { endpoint: "unix:///run/docker.sock".to_owned(), ..Realm::default() };
    ownership.own(&vpc("app"), &local, Stage::Created, SystemTime::UNIX_EPOCH).unwrap();
    assert!(ownership.owns(&vpc("app"), &local));
}

#[test]
fn things_are_listed_in_the_order_of_their_creation() {
    let place = Place::new();
    let ownership = place.open();
    for name in ["a", "b", "c", "d"] {
        own(&ownership, name, Stage::Intended);
        own(&ownership, name, Stage::Created);
    }
    own(&ownership, "b", Stage::Gone);
    own(&ownership, "b", Stage::Created);
    // Replaced.
    own(&ownership, "a", Stage::Intended);
    own(&ownership, "a", Stage::Created);
    assert_eq!(names(&ownership), ["c", "d", "b", "a"]);
    assert_eq!(names(&place.open()), ["c", "d", "b", "a"]);
}

#[test]
fn a_line_names_time_run_and_place() {
    let place = Place::new();
    own(&place.open(), "app", Stage::Intended);
    let line = concat!(
        r#"{"time":"1970-01-01T00:00:00Z","run":"run-1","stage":"intended","kind":"ec2.vpc","name":"app","#,
        r#""account":"1","region":"eu-west-1","endpoint":""}"#,
        "\n"
    );
    assert_eq!(fs::read_to_string(place.file()).unwrap(), line);
}

#[test]
fn nothing_is_written_before_something_is_owned() {
    let place = Place::new();
    let ownership = place.open();
    assert_eq!((names(&ownership), ownership.generation(&vpc("a"))), (Vec::new(), 0));
    assert!(!place.dot().exists());
}

#[test]
fn a_line_that_a_crash_cut_off_is_passed_over_and_mended() {
    let place = Place::new();
    own(&place.open(), "app", Stage::Created);
    let torn = r#"{"time":"1970-01-01T00:00:00Z","run":"run"#;
    private::append(&place.file()).unwrap().write_all(torn.as_bytes()).unwrap();
    let ownership = place.open();
    assert_eq!(names(&ownership), ["app"]);
    own(&ownership, "late", Stage::Created);
    own(&ownership, "later", Stage::Created);
    assert_eq!(names(&place.open()), ["app", "late", "later"]);
    let text = fs::read_to_string(place.file()).unwrap();
    assert!(text.contains(&format!("\n{torn} <torn>\n")), "{text}");
}

#[test]
fn any_other_bad_line_is_a_fault_that_names_it_and_nothing_is_lost() {
    let place = Place::new();
    own(&place.open(), "app", Stage::Created);
    private::append(&place.file()).unwrap().write_all(b"<<<<<<< HEAD\n").unwrap();
    let before = fs::read(place.file()).unwrap();
    let fault = Ownership::open(&place.dot(), "run-2").unwrap_err();
    let file = place.file().display().to_string();
    assert!(fault.message.starts_with(&format!("line 2 of {file} is damaged")), "{fault}");
    assert_eq!(fault.span.map(|span| span.line), Some(2));
    assert_eq!(fs::read(place.file()).unwrap(), before);
}

#[test]
fn a_full_disk_is_said_and_the_thing_is_not_taken_for_owned() {
    let place = Place::new();
    let ownership = place.open();
    ownership.state().file = Some(File::create("/dev/full").unwrap());
    let error = ownership.own(&vpc("app"), &aws("1"), Stage::Intended, SystemTime::UNIX_EPOCH).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(names(&ownership), Vec::<String>::new());
}
