//! What Ansible runs behind an action: its module has another name, and parameters that only the two know.

use std::borrow::Cow;

/// An action whose module is called by another name, or takes other parameters than playbooks write.
struct Behind {
    action: &'static str,
    module: Option<&'static str>,
    /// Taken by the module alone.
    own: &'static [&'static str],
    /// Taken by the action alone.
    kept: &'static [&'static str],
}

const fn legacy(action: &'static str, module: &'static str) -> Behind {
    Behind { action, module: Some(module), own: &[], kept: &[] }
}

const COMMAND: Behind = Behind { own: &["_uses_shell"], ..legacy("command", "ansible.legacy.command") };

const ALL: &[Behind] = &[
    COMMAND,
    Behind { action: "shell", ..COMMAND },
    Behind { own: &["_original_basename"], kept: &["decrypt"], ..legacy("copy", "ansible.legacy.copy") },
    Behind { action: "file", module: None, own: &["_diff_peek", "_original_basename"], kept: &[] },
    legacy("assemble", "ansible.legacy.assemble"),
    legacy("unarchive", "ansible.legacy.unarchive"),
    legacy("uri", "ansible.legacy.uri"),
];

fn behind(action: &str) -> Option<&'static Behind> {
    let plain = action.strip_prefix("ansible.builtin.").or_else(|| action.strip_prefix("ansible.legacy."));
    let plain = plain.unwrap_or(action);
    ALL.iter().find(|behind| behind.action == plain)
}

/// Returns the module's name and its parameters, as messages about parameters that it does not take list them: names,
/// then aliases in parentheses.
pub(super) fn told<'a>(action: &'a str, supported: &'a str) -> (&'a str, Cow<'a, str>) {
    let Some(behind) = behind(action) else { return (action, Cow::Borrowed(supported)) };
    let (names, aliases) =
        supported.split_once(" (").map_or((supported, None), |(names, rest)| (names, Some(rest)));
    let mut names: Vec<&str> = names.split(", ").filter(|name| !behind.kept.contains(name)).collect();
    names.extend(behind.own);
    names.sort_unstable();
    let aliases = aliases.map(|aliases| format!(" ({aliases}")).unwrap_or_default();
    (behind.module.unwrap_or(action), Cow::Owned(names.join(", ") + &aliases))
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn the_module_behind_an_action_is_named_with_its_own_parameters() {
        let (name, list) = told("ansible.builtin.copy", "backup, decrypt, dest (attr)");
        assert_eq!((name, &*list), ("ansible.legacy.copy", "_original_basename, backup, dest (attr)"));
        let (name, list) = told("file", "path");
        assert_eq!((name, &*list), ("file", "_diff_peek, _original_basename, path"));
        assert_eq!(told("debug", "msg, var"), ("debug", "msg, var".into()));
    }
}
