use serde_json::{Value, json};

use super::Facts;
use super::host::{Host, facts as of};

/// A Python on the host, as far as it can be known without running it.
pub(super) struct Python {
    executable: String,
    major: u32,
    minor: u32,
    micro: Option<u32>,
}

impl Python {
    pub(super) fn version(&self) -> String {
        let micro = self.micro.map(|micro| format!(".{micro}")).unwrap_or_default();
        format!("{}.{}{micro}", self.major, self.minor)
    }
}

/// The host's Python; left out where there is none, for nothing here needs one.
pub(super) fn facts(host: &Host) -> Facts {
    let Some(python) = find(host) else { return Facts::new() };
    let mut version = of(json!({ "major": python.major, "minor": python.minor }));
    let mut parts = vec![json!(python.major), json!(python.minor)];
    if let Some(micro) = python.micro {
        version.extend(of(json!({ "micro": micro, "releaselevel": "final", "serial": 0 })));
        parts.extend([json!(micro), json!("final"), json!(0)]);
    }
    of(json!({ "python": {
        "executable": python.executable,
        "type": "cpython",
        "version": version,
        "version_info": Value::Array(parts),
        "has_sslcontext": true,
    } }))
}

/// Returns the Python that is named for the host, where it is there, or the one that `python3` means.
///
/// The version stands in the name of the program behind the link (`python3.11`); its last number in what lies beside it:
/// `pyvenv.cfg` of a virtual environment, or the headers.
pub(super) fn find(host: &Host) -> Option<Python> {
    let named = host.python.clone().filter(|python| python.starts_with('/') && host.path(python).is_file());
    let executable = named.or_else(|| host.program("python3"))?;
    let real = host.path(&executable).canonicalize().ok()?;
    let name = real.file_name()?.to_string_lossy().into_owned();
    let folder = real.parent()?.parent()?;
    let venv = executable.rsplit_once("/bin/").map(|(folder, _)| format!("{folder}/pyvenv.cfg"));
    let told = venv.and_then(|file| host.text(&file)).and_then(|text| setting(&text, "version"));
    let text = match (told, name.strip_prefix("python")) {
        (Some(version), _) => version,
        (None, version) => {
            let version = version?;
            let headers =
                std::fs::read_to_string(folder.join(format!("include/python{version}/patchlevel.h")));
            headers.ok().and_then(|text| defined(&text)).unwrap_or_else(|| version.to_owned())
        }
    };
    let mut numbers = text.split('.').map(|part| part.parse().ok());
    let (major, minor, micro) = (numbers.next()??, numbers.next()??, numbers.next().flatten());
    Some(Python { executable, major, minor, micro })
}

fn setting(text: &str, name: &str) -> Option<String> {
    let mut pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

fn defined(headers: &str) -> Option<String> {
    let line = headers.lines().find_map(|line| line.strip_prefix("#define PY_VERSION "))?;
    Some(line.trim().trim_matches('"').to_owned())
}
