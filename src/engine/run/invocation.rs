//! What results say under `invocation`: the arguments of the module that ran, which is not always the task's own.

use rplay_module::params::{Spec, invocation};
use serde_json::{Map, Value as Json, json};

use crate::load::bare;

/// What Ansible's copy module takes, beside what is given.
const COPY: [&str; 10] = [
    "backup",
    "checksum",
    "content",
    "directory_mode",
    "follow",
    "force",
    "local_follow",
    "remote_src",
    "src",
    "validate",
];

/// What all modules of files take.
const ATTRIBUTES: [&str; 10] = [
    "attributes",
    "dest",
    "group",
    "mode",
    "owner",
    "selevel",
    "serole",
    "setype",
    "seuser",
    "unsafe_writes",
];

/// Returns the arguments as the module had them; none where no module ran.
pub(super) fn arguments(action: &str, spec: &Spec, args: &Json, result: &Map<String, Json>) -> Option<Json> {
    let own = invocation(spec, args);
    Some(match bare(action) {
        "command" => with(own, "_uses_shell", json!(false)),
        "shell" => with(with(own, "_uses_shell", json!(true)), "expand_argument_vars", json!(true)),
        "file" => with(with(own, "_diff_peek", Json::Null), "_original_basename", Json::Null),
        "copy" | "template" if own.get("remote_src") != Some(&Json::Bool(true)) => carried(&own, result)?,
        _ => own,
    })
}

fn with(mut own: Json, name: &str, value: Json) -> Json {
    if let Json::Object(fields) = &mut own {
        fields.insert(name.to_owned(), value);
    }
    own
}

/// A file that is carried to the host has Ansible's copy module for what differs, and its file module for what does not.
fn carried(own: &Json, result: &Map<String, Json>) -> Option<Json> {
    let of = |name: &str| own.get(name).cloned().unwrap_or_default();
    let mut fields: Map<String, Json> =
        ATTRIBUTES.iter().map(|name| ((*name).to_owned(), of(name))).collect();
    let basename = match own.get("src").and_then(Json::as_str) {
        Some(src) => src.rsplit('/').next().map(str::to_owned),
        None => Some(".content".to_owned()),
    };
    fields.insert("_original_basename".to_owned(), json!(basename));
    if result.contains_key("md5sum") {
        for name in COPY {
            fields.insert(name.to_owned(), of(name));
        }
        fields.insert("src".to_owned(), result.get("src").cloned().unwrap_or_default());
        fields.insert("checksum".to_owned(), result.get("checksum").cloned().unwrap_or_default());
        fields.insert("remote_src".to_owned(), json!(false));
        fields.insert("content".to_owned(), censored(own));
    } else if result.contains_key("path") {
        let times = json!({
            "_diff_peek": null, "access_time": null, "access_time_format": "%Y%m%d%H%M.%S", "follow": true,
            "force": false, "modification_time": null, "modification_time_format": "%Y%m%d%H%M.%S",
            "path": of("dest"), "recurse": false, "src": null, "state": "file",
        });
        fields.extend(times.as_object().cloned().unwrap_or_default());
    } else {
        return None;
    }
    Some(Json::Object(fields))
}

/// A content is told to be there, and no more.
fn censored(own: &Json) -> Json {
    match own.get("content") {
        None | Some(Json::Null) => Json::Null,
        Some(_) => json!("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"),
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::params::Spec;
    use serde_json::{Map, Value as Json, json};

    use super::{arguments, carried};

    fn fields(value: &Json) -> Map<String, Json> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_shell_is_the_command_module_told_so() {
        let told = |action| arguments(action, &Spec::default(), &json!({}), &Map::new()).unwrap();
        assert_eq!(told("ansible.builtin.command"), json!({ "_uses_shell": false }));
        assert_eq!(told("shell"), json!({ "_uses_shell": true, "expand_argument_vars": true }));
        assert_eq!(told("ping"), json!({}));
    }

    #[test]
    fn a_file_is_carried_by_one_module_and_dressed_by_another() {
        let own = json!({ "src": "/p/f.txt", "dest": "/d", "mode": "0600", "backup": false });
        let sent =
            carried(&own, &fields(&json!({ "md5sum": "m", "checksum": "c", "src": "/tmp/x" }))).unwrap();
        assert_eq!(
            (&sent["src"], &sent["checksum"], &sent["mode"]),
            (&json!("/tmp/x"), &json!("c"), &json!("0600"))
        );
        assert_eq!(sent["_original_basename"], "f.txt");
        let dressed = carried(&own, &fields(&json!({ "path": "/d" }))).unwrap();
        assert_eq!(
            (&dressed["state"], &dressed["path"], &dressed["src"]),
            (&json!("file"), &json!("/d"), &Json::Null)
        );
        assert_eq!(carried(&own, &fields(&json!({ "diff": [] }))), None, "in check mode no module runs");
    }
}
