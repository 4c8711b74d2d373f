//! Where vault passwords come from: options and settings name files, programs and questions at the terminal.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use rplay_engine::VaultSecret;
use rplay_event::{Fault, FaultKind};
use rplay_module::Secret;

use super::args::SecretArgs;
use super::prompt;

/// What a password is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To open what is encrypted.
    Open,
    /// To encrypt: it is asked for twice.
    Seal,
}

/// The passwords that are named, as Ansible's "vault id slugs", before any is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// `LABEL@SOURCE`, or a source alone.
    pub(crate) ids: Vec<String>,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) ask: bool,
    /// Ask where nothing else is named.
    pub(crate) ask_if_none: bool,
}

/// Collects the passwords that the options and settings of a playbook's run name.
///
/// # Errors
/// A fault of set-up when nothing can be typed.
pub(crate) fn read(
    args: &SecretArgs,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<VaultSecret>, Fault> {
    secrets(Sources::new(args, environment), Purpose::Open, environment).map_err(|refused| {
        Fault::new(refused.message)
            .kind(FaultKind::Setup)
            .help("a password is typed at the terminal, or is the next line of the standard input")
    })
}

/// Returns `vault_id_match`: an envelope is only tried with the password of its own id.
pub(crate) fn id_match(environment: &BTreeMap<String, String>) -> bool {
    // Ansible does not say that this setting is a truth value, so that any text but an empty one is true.
    environment.get("ANSIBLE_VAULT_ID_MATCH").is_some_and(|value| !value.is_empty())
}

/// Returns the ids and files that are always tried, before those of the command line.
pub(crate) fn identity_list(environment: &BTreeMap<String, String>) -> Vec<String> {
    let list = environment.get("ANSIBLE_VAULT_IDENTITY_LIST").map(String::as_str).unwrap_or_default();
    list.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

impl Sources {
    pub(crate) fn new(args: &SecretArgs, environment: &BTreeMap<String, String>) -> Self {
        let ids = identity_list(environment).into_iter().chain(args.vault_id.iter().cloned()).collect();
        let asks = environment.get("ANSIBLE_ASK_VAULT_PASS").is_some_and(|set| rplay_config::is_true(set));
        let ask = args.ask_vault_pass || asks;
        Self { ids, files: args.vault_password_file.clone(), ask, ask_if_none: false }
    }
}

/// A password that was not typed.
pub(crate) struct Refused {
    /// Ansible warns before it fails.
    pub(crate) warning: String,
    pub(crate) message: String,
}

/// Asks for what is to be typed, and returns it with the files that are to be read, in Ansible's order.
pub(crate) fn secrets(
    sources: Sources,
    purpose: Purpose,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<VaultSecret>, Refused> {
    let default_id = environment.get("ANSIBLE_VAULT_IDENTITY").map_or("default", String::as_str);
    let configured = environment.get("ANSIBLE_VAULT_PASSWORD_FILE").map(PathBuf::from);
    let files = sources.files.into_iter().chain(configured);
    let given = sources.ids.iter().map(|slug| match slug.split_once('@') {
        Some((id, source)) => (Some(id.to_owned()), source.to_owned()),
        None => (None, slug.clone()),
    });
    let named = |file: PathBuf| (Some(default_id.to_owned()), file.display().to_string());
    let mut all: Vec<(Option<String>, String)> = given.chain(files.map(named)).collect();
    if sources.ask || (all.is_empty() && sources.ask_if_none) {
        all.push((Some(default_id.to_owned()), "prompt_ask_vault_pass".to_owned()));
    }
    let secret = |(shown_id, source): (Option<String>, String)| {
        let id = shown_id.clone().filter(|id| !id.is_empty()).unwrap_or_else(|| default_id.to_owned());
        match source.as_str() {
            "prompt" | "prompt_ask_vault_pass" => {
                let questions = questions(&source, purpose, &id);
                typed(&questions, &id).map(|password| VaultSecret::Typed(id, password)).map_err(|message| {
                    let shown = shown_id.as_deref().unwrap_or("None");
                    Refused {
                        warning: format!("Error in vault password prompt ({shown}): {message}"),
                        message,
                    }
                })
            }
            file => Ok(VaultSecret::File { id, shown_id, path: unfracked(Path::new(file), environment) }),
        }
    };
    all.into_iter().map(secret).collect()
}

/// `--ask-vault-pass` asks in words of its own: programs that type passwords wait for them.
fn questions(source: &str, purpose: Purpose, id: &str) -> Vec<String> {
    match (source, purpose) {
        ("prompt", Purpose::Open) => vec![format!("Vault password ({id}): ")],
        ("prompt", Purpose::Seal) => {
            vec![format!("New vault password ({id}): "), format!("Confirm new vault password ({id}): ")]
        }
        (_, Purpose::Open) => vec!["Vault password: ".to_owned()],
        (_, Purpose::Seal) => {
            vec!["New Vault password: ".to_owned(), "Confirm New Vault password: ".to_owned()]
        }
    }
}

fn typed(questions: &[String], id: &str) -> Result<Secret<Vec<u8>>, String> {
    let mut first: Option<String> = None;
    for question in questions {
        let answer = match prompt::hidden(question) {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err(format!("EOFError (ctrl-d) on prompt for ({id})")),
            Err(error) => return Err(format!("the password could not be read: {error}")),
        };
        if answer.is_empty() {
            return Err("Invalid vault password was provided".to_owned());
        }
        let answer = answer.trim().to_owned();
        match &first {
            Some(first) if *first != answer => return Err("Passwords do not match".to_owned()),
            Some(_) => {}
            None => first = Some(answer),
        }
    }
    Ok(Secret::new(first.unwrap_or_default().into_bytes()))
}

/// Returns a path as Ansible's `unfrackpath` writes it, without following links: absolute, `~` and variables
/// replaced, no `..` in it.
pub(crate) fn unfracked(path: &Path, environment: &BTreeMap<String, String>) -> PathBuf {
    let text = path.display().to_string();
    let text = expanded(&text, environment);
    let home = environment.get("HOME").filter(|_| text == "~" || text.starts_with("~/"));
    let text = match home {
        Some(home) => format!("{home}{}", text.trim_start_matches('~')),
        None => text,
    };
    let absolute = std::env::current_dir().unwrap_or_default().join(text);
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// Replaces `$NAME` and `${NAME}`; one that is not set stays as it is, as in Python's `expandvars`.
fn expanded(text: &str, environment: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, length) = if let Some((name, _)) = braced {
            (name, name.len() + 2)
        } else {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            (after.get(..end).unwrap_or_default(), end)
        };
        let (own, left) = after.split_at(length);
        if let Some(value) = environment.get(name) {
            out.push_str(value);
        } else {
            out.push('$');
            out.push_str(own);
        }
        rest = left;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn files(
        sources: Sources,
        environment: &BTreeMap<String, String>,
    ) -> Vec<(String, Option<String>, String)> {
        let secrets =
            secrets(sources, Purpose::Open, environment).map_err(|refused| refused.message).unwrap();
        let file = |secret| match secret {
            VaultSecret::File { id, shown_id, path } => (id, shown_id, path.display().to_string()),
            VaultSecret::Typed(..) => panic!("nothing is typed here"),
        };
        secrets.into_iter().map(file).collect()
    }

    #[test]
    fn ids_come_before_files_and_the_configured_file_last() {
        let environment = environment(&[
            ("ANSIBLE_VAULT_PASSWORD_FILE", "/conf"),
            ("ANSIBLE_VAULT_IDENTITY_LIST", "a@/one, /two"),
        ]);
        let sources = Sources {
            ids: identity_list(&environment).into_iter().chain(["b@/x@y".to_owned()]).collect(),
            files: vec!["/file".into()],
            ..Sources::default()
        };
        let own = |id: &str, shown: Option<&str>, path: &str| {
            (id.to_owned(), shown.map(str::to_owned), path.to_owned())
        };
        assert_eq!(
            files(sources, &environment),
            [
                own("a", Some("a"), "/one"),
                own("default", None, "/two"),
                own("b", Some("b"), "/x@y"),
                own("default", Some("default"), "/file"),
                own("default", Some("default"), "/conf"),
            ]
        );
    }

    #[test]
    fn a_path_is_made_absolute_with_home_and_variables() {
        let environment = environment(&[("HOME", "/home/me"), ("P", "pw")]);
        let path = |text: &str| unfracked(Path::new(text), &environment).display().to_string();
        assert_eq!(path("~/$P/../${P}x"), "/home/me/pwx");
        assert_eq!(path("/a/$Q/b/./c"), "/a/$Q/b/c");
    }
}
