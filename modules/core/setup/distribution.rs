use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Facts;
use super::host::{Host, facts as of};

const OS_RELEASE: &str = "/etc/os-release";

/// Which distributions are one family; one that is not listed is a family of its own.
const FAMILIES: &[(&str, &[&str])] = &[
    (
        "RedHat",
        &[
            "RedHat",
            "RHEL",
            "Fedora",
            "CentOS",
            "Scientific",
            "CloudLinux",
            "OracleLinux",
            "Amazon",
            "Virtuozzo",
            "XenServer",
            "Alibaba",
            "EulerOS",
            "openEuler",
            "AlmaLinux",
            "Rocky",
            "TencentOS",
            "EuroLinux",
            "Kylin Linux Advanced Server",
            "MIRACLE",
        ],
    ),
    (
        "Debian",
        &[
            "Debian",
            "Ubuntu",
            "Raspbian",
            "Neon",
            "KDE neon",
            "Linux Mint",
            "SteamOS",
            "Devuan",
            "Kali",
            "Cumulus Linux",
            "Pop!_OS",
            "Parrot",
            "Pardus GNU/Linux",
            "Uos",
            "Deepin",
            "OSMC",
        ],
    ),
    (
        "Suse",
        &[
            "SuSE",
            "SLES",
            "SLED",
            "openSUSE",
            "openSUSE Tumbleweed",
            "SLES_SAP",
            "openSUSE Leap",
            "ALP-Dolomite",
            "SL-Micro",
        ],
    ),
    ("Archlinux", &["Archlinux", "Antergos", "Manjaro"]),
    ("Gentoo", &["Gentoo", "Funtoo"]),
    ("ClearLinux", &["Clear Linux OS", "Clear Linux Mix"]),
];

/// The distribution and its versions.
pub(super) fn facts(host: &Host) -> Facts {
    let release = Release::read(host);
    let mut facts = release.guess(host);
    for &(path, variety, parse) in FILES {
        let Some(text) = host.text(path) else { continue };
        if let Some(found) = parse(&File { path, text: &text, release: &release, host }) {
            facts.extend(of(json!({
                "distribution": variety,
                "distribution_file_path": path,
                "distribution_file_variety": variety,
                "distribution_file_parsed": true,
            })));
            facts.extend(found);
            break;
        }
    }
    let name = facts.get("distribution").and_then(Value::as_str).unwrap_or_default();
    let family = FAMILIES.iter().find(|(_, names)| names.contains(&name)).map_or(name, |(family, _)| family);
    facts.insert("os_family".to_owned(), Value::from(family));
    facts
}

pub(super) fn family(host: &Host) -> String {
    facts(host).get("os_family").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A file that says which distribution this is.
struct File<'a> {
    path: &'a str,
    text: &'a str,
    release: &'a Release,
    host: &'a Host,
}

/// Which files are looked at, in this order, and as which distribution: of several that are there the first whose reader
/// takes it counts.
type Reader = fn(&File<'_>) -> Option<Facts>;
const FILES: &[(&str, &str, Reader)] = &[
    ("/etc/altlinux-release", "Altlinux", |file| Some(searched(file, "Altlinux", "ALT"))),
    ("/etc/oracle-release", "OracleLinux", |file| Some(searched(file, "OracleLinux", "Oracle Linux"))),
    ("/etc/centos-release", "CentOS", centos),
    ("/etc/redhat-release", "RedHat", |file| Some(searched(file, "RedHat", "Red Hat"))),
    (OS_RELEASE, "Amazon", amazon),
    ("/etc/system-release", "Amazon", amazon),
    ("/etc/alpine-release", "Alpine", |file| Some(of(json!({ "distribution_version": file.text })))),
    (OS_RELEASE, "Archlinux", |file| file.text.contains("Arch Linux").then(Facts::new)),
    (OS_RELEASE, "SUSE", suse),
    (OS_RELEASE, "Debian", debian),
    ("/etc/lsb-release", "Debian", debian),
    ("/usr/lib/os-release", "ClearLinux", clear_linux),
    (OS_RELEASE, "Flatcar", flatcar),
    (OS_RELEASE, "NA", |file| Some(named(file))),
];

fn searched(file: &File<'_>, name: &str, text: &str) -> Facts {
    if file.text.contains(text) {
        return of(json!({ "distribution": name, "distribution_file_search_string": text }));
    }
    of(json!({ "distribution": file.text.split_whitespace().next().unwrap_or(name) }))
}

fn centos(file: &File<'_>) -> Option<Facts> {
    if file.text.contains("CentOS Stream") {
        return Some(of(json!({ "distribution_release": "Stream" })));
    }
    file.text.contains("TencentOS Server").then(|| of(json!({ "distribution": "TencentOS" })))
}

fn amazon(file: &File<'_>) -> Option<Facts> {
    if !file.text.contains("Amazon") {
        return None;
    }
    if file.path != OS_RELEASE {
        let digits = |word: &&str| word.chars().all(|c| c.is_ascii_digit());
        let version = file.text.split_whitespace().find(digits).unwrap_or("NA");
        return Some(of(json!({ "distribution_version": version })));
    }
    let version = file.release.field("VERSION_ID")?;
    let (major, minor) = version.split_once('.').unwrap_or((version, "NA"));
    Some(of(json!({
        "distribution_version": version,
        "distribution_major_version": major,
        "distribution_minor_version": minor,
    })))
}

fn suse(file: &File<'_>) -> Option<Facts> {
    let lower = file.text.to_lowercase();
    if !lower.contains("suse") {
        return None;
    }
    let mut facts = Facts::new();
    let mut set = |name: &str, value: &str| facts.insert(name.to_owned(), Value::from(value));
    if let Some(name) = file.release.field("NAME") {
        set("distribution", name);
    }
    if let Some(version) = file.release.field("VERSION_ID") {
        let (major, minor) = version.split_once('.').unwrap_or((version, ""));
        set("distribution_version", version);
        set("distribution_major_version", major);
        match minor {
            "" if lower.contains("enterprise") && !lower.contains("open") => set("distribution_release", "0"),
            minor => set("distribution_release", minor),
        };
    }
    let product = file.host.path("/etc/products.d/baseproduct").canonicalize();
    if product.is_ok_and(|product| product.ends_with("SLES_SAP.prod")) {
        set("distribution", "SLES_SAP");
    }
    Some(facts)
}

/// Debian and what is made of it, told apart by words in the file.
fn debian(file: &File<'_>) -> Option<Facts> {
    let has = |word: &str| file.text.contains(word);
    let field = |name: &str| file.release.field(name);
    let mut facts = Facts::new();
    let mut set = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            facts.insert(name.to_owned(), Value::from(value));
        }
    };
    let major = |version: Option<&'_ str>| version.and_then(|it| it.split('.').next()).map(str::to_owned);
    let pretty = field("PRETTY_NAME").unwrap_or_default();
    let in_brackets = pretty.split_once('(').and_then(|(_, rest)| Some(rest.split_once(')')?.0));
    if has("Debian") || has("Raspbian") {
        set("distribution", Some("Debian"));
        set("distribution_release", in_brackets);
        let version = file.host.text("/etc/debian_version").unwrap_or_default();
        let numbers = version.split_once('.').filter(|(major, _)| major.chars().all(|c| c.is_ascii_digit()));
        set("distribution_minor_version", numbers.map(|(_, minor)| minor));
    } else if let Some((_, name)) =
        [("Ubuntu", "Ubuntu"), ("SteamOS", "SteamOS"), ("Kali", "Kali"), ("Parrot", "Parrot")]
            .into_iter()
            .find(|(word, _)| has(word))
    {
        set("distribution", Some(name));
        if matches!(name, "Kali" | "Parrot") {
            set("distribution_release", file.release.lsb.get("DISTRIB_RELEASE").map(String::as_str));
        }
    } else if has("Devuan") {
        set("distribution", Some("Devuan"));
        set("distribution_release", in_brackets.or_else(|| pretty.split_whitespace().last()));
        set("distribution_version", field("VERSION_ID"));
        set("distribution_major_version", field("VERSION_ID"));
    } else {
        let made_of = [
            ("Cumulus", "Cumulus Linux", "VERSION"),
            ("Mint", "Linux Mint", ""),
            ("UOS", "Uos", "VERSION_CODENAME"),
            ("Uos", "Uos", "VERSION_CODENAME"),
            ("uos", "Uos", "VERSION_CODENAME"),
            ("Deepin", "Deepin", "VERSION_CODENAME"),
            ("deepin", "Deepin", "VERSION_CODENAME"),
        ];
        let (_, name, release) = made_of.into_iter().find(|(word, ..)| has(word))?;
        set("distribution", Some(name));
        set("distribution_release", field(release));
        set("distribution_version", field("VERSION_ID"));
        set("distribution_major_version", major(field("VERSION_ID")).as_deref());
    }
    Some(facts)
}

fn clear_linux(file: &File<'_>) -> Option<Facts> {
    let fields = fields(file.text);
    let name = fields.get("NAME").filter(|name| name.contains("Clear Linux"))?;
    let version = fields.get("VERSION_ID");
    Some(of(json!({
        "distribution": name,
        "distribution_version": version,
        "distribution_major_version": version,
        "distribution_release": fields.get("ID"),
    })))
}

fn flatcar(file: &File<'_>) -> Option<Facts> {
    let version = file.release.field("VERSION").filter(|_| file.release.field("ID") == Some("flatcar"))?;
    Some(of(json!({
        "distribution_version": version,
        "distribution_major_version": version.split('.').next(),
    })))
}

fn named(file: &File<'_>) -> Facts {
    let mut facts = Facts::new();
    if let Some(name) = file.release.field("NAME") {
        facts.insert("distribution".to_owned(), Value::from(name));
    }
    if let Some(version) = file.release.field("VERSION").filter(|_| file.release.version(file.host).is_none())
    {
        facts.insert("distribution_version".to_owned(), Value::from(version));
    }
    facts
}

/// `os-release`, and `lsb-release` beside it.
struct Release {
    os: BTreeMap<String, String>,
    lsb: BTreeMap<String, String>,
}

impl Release {
    fn read(host: &Host) -> Self {
        let os = host.text(OS_RELEASE).or_else(|| host.text("/usr/lib/os-release")).unwrap_or_default();
        Self { os: fields(&os), lsb: fields(&host.text("/etc/lsb-release").unwrap_or_default()) }
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.os.get(name).map(String::as_str)
    }

    fn guess(&self, host: &Host) -> Facts {
        let id = self.field("ID").unwrap_or_default().to_lowercase();
        let version = self.version(host).unwrap_or_else(|| "NA".to_owned());
        of(json!({
            "distribution": name_of(&id),
            "distribution_version": version,
            "distribution_major_version": version.split('.').next(),
            "distribution_release": self.codename().unwrap_or("NA"),
        }))
    }

    /// Debian and `CentOS` say less in `os-release` than in their own files.
    fn version(&self, host: &Host) -> Option<String> {
        let own = match self.field("ID") {
            Some("debian") => host.text("/etc/debian_version").filter(|text| !text.contains('/')),
            Some("centos") => host.text("/etc/centos-release").and_then(|text| {
                let numeric = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
                let version = text.split_whitespace().find(numeric)?.to_owned();
                Some(version.split('.').take(2).collect::<Vec<_>>().join("."))
            }),
            _ => None,
        };
        own.or_else(|| self.field("VERSION_ID").map(str::to_owned)).filter(|version| !version.is_empty())
    }

    fn codename(&self) -> Option<&str> {
        let version = || {
            let version = self.field("VERSION")?;
            let inner = version.split_once('(').and_then(|(_, rest)| Some(rest.split_once(')')?.0));
            inner.or_else(|| Some(version.split_once(", ")?.1)).filter(|name| !name.is_empty())
        };
        let lsb = || self.lsb.get("DISTRIB_CODENAME").map(String::as_str);
        self.field("VERSION_CODENAME").or_else(|| self.field("UBUNTU_CODENAME")).or_else(version).or_else(lsb)
    }
}

fn name_of(id: &str) -> String {
    match id {
        "amzn" => "Amazon".to_owned(),
        "rhel" => "Redhat".to_owned(),
        "ol" => "Oracle".to_owned(),
        "opensuse-leap" => "Opensuse".to_owned(),
        "" => "OtherLinux".to_owned(),
        id => id.chars().take(1).flat_map(char::to_uppercase).chain(id.chars().skip(1)).collect(),
    }
}

/// Reads `NAME="value"` lines.
fn fields(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
        .collect()
}

/// What `lsb_release` says, from the files that it reads.
pub(super) fn lsb(host: &Host) -> Facts {
    let release = Release::read(host);
    let of_lsb = |name: &str| release.lsb.get(name).map(String::as_str);
    let name = release.field("NAME").and_then(|name| name.split_whitespace().next());
    let given = [
        ("id", of_lsb("DISTRIB_ID").or(name)),
        ("release", of_lsb("DISTRIB_RELEASE").or(release.field("VERSION_ID"))),
        ("description", of_lsb("DISTRIB_DESCRIPTION").or(release.field("PRETTY_NAME"))),
        ("codename", of_lsb("DISTRIB_CODENAME").or(release.codename())),
    ];
    let given = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
    let mut facts: Facts = given.collect();
    if let Some(release) = facts.get("release").and_then(Value::as_str) {
        let major = release.split('.').next().unwrap_or_default().to_owned();
        facts.insert("major_release".to_owned(), Value::from(major));
    }
    of(json!({ "lsb": facts }))
}
