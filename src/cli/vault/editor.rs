//! The user's editor and pager.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use super::error::VaultFault;
use super::{Done, files};
use crate::cli::{settings, vault_passwords};

/// Returns what the user made of a text, or `None` where nothing was changed.
///
/// The plain text lies in a folder of its own that only the user can look into, and is overwritten before it goes.
pub(super) fn edited(
    environment: &BTreeMap<String, String>,
    file: &Path,
    before: Option<&[u8]>,
) -> Done<Option<Vec<u8>>> {
    let desk = Desk::new(environment, file)?;
    let fail = |error: io::Error| VaultFault::failed(format!("{}: {error}", desk.file.display()));
    files::write_private(&desk.file, before.unwrap_or_default()).map_err(fail)?;
    let editor = setting(environment, ["ANSIBLE_EDITOR", "EDITOR"], "vi");
    let mut command = shell_words(&editor);
    command.push(desk.file.display().to_string());
    let Some((program, args)) = command.split_first() else { return Ok(None) };
    Command::new(program).args(args).status().map_err(|error| {
        let reason = rplay_engine::os_error(&error, &format!("'{program}'"));
        VaultFault::failed(format!("Unable to execute the command \"{}\": {reason}", command.join(" ")))
    })?;
    let after = fs::read(&desk.file).map_err(|error| {
        let shown = desk.file.display();
        let reason = rplay_engine::os_error(&error, &format!("'{shown}'"));
        VaultFault::failed(format!("Unable to read source file ({shown}): {reason}"))
    })?;
    Ok((before != Some(after.as_slice())).then_some(after))
}

/// Shows a text in the user's pager; returns whether there was one.
pub(super) fn page(environment: &BTreeMap<String, String>, text: &str) -> bool {
    let pager = setting(environment, ["ANSIBLE_PAGER", "PAGER"], "less");
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(&pager).stdin(Stdio::piped());
    if !environment.contains_key("LESS") {
        // Ends at once where all fits on the screen.
        command.env("LESS", "FRSX");
    }
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut input) = child.stdin.take() {
        // Whoever leaves the pager early has seen enough.
        let _ = input.write_all(text.as_bytes());
    }
    // The shell's code for a program that is not there.
    child.wait().is_ok_and(|status| status.code() != Some(127))
}

fn setting(environment: &BTreeMap<String, String>, names: [&str; 2], default: &str) -> String {
    let set = names.iter().find_map(|name| environment.get(*name)).filter(|value| !value.is_empty());
    set.map_or_else(|| default.to_owned(), Clone::clone)
}

/// Splits a command line at white space outside of quotes, as a shell does.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A folder with the plain text in it; both go when it does.
struct Desk {
    folder: PathBuf,
    file: PathBuf,
}

impl Desk {
    fn new(environment: &BTreeMap<String, String>, like: &Path) -> Done<Self> {
        let home = environment.get("ANSIBLE_LOCAL_TEMP").map_or("~/.ansible/tmp", String::as_str);
        let mut noise = [0; 8];
        settings::random(&mut noise);
        let noise = u64::from_ne_bytes(noise);
        let folder = vault_passwords::unfracked(Path::new(home), environment)
            .join(format!("rplay-vault-{}-{noise:x}", std::process::id()));
        files::make_private(&folder)?;
        // An editor goes by the ending.
        let ending = like.extension().map(OsStr::to_string_lossy).map(|ending| format!(".{ending}"));
        let file = folder.join(format!("tmp{}", ending.unwrap_or_default()));
        Ok(Self { folder, file })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = files::overwrite(&self.file);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_editors_command_line_is_split_as_a_shell_splits_it() {
        assert_eq!(
            shell_words(r#"code --wait  'a b' c\ d "e \" f" ''"#),
            ["code", "--wait", "a b", "c d", "e \" f", ""]
        );
        assert!(shell_words("  ").is_empty());
    }

    fn with_editor(script: &str, before: Option<&[u8]>) -> (Result<Option<Vec<u8>>, String>, usize) {
        let folder = tempfile::tempdir().unwrap();
        let editor = folder.path().join("editor");
        fs::write(&editor, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&editor, fs::Permissions::from_mode(0o700)).unwrap();
        let temp = folder.path().join("temp");
        let pairs = [
            ("EDITOR", format!("/bin/sh {}", editor.display())),
            ("ANSIBLE_LOCAL_TEMP", temp.display().to_string()),
        ];
        let environment = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let edited = edited(&environment, Path::new("x.yml"), before).map_err(|fault| fault.message);
        (edited, fs::read_dir(temp).unwrap().count())
    }

    #[test]
    fn what_the_editor_leaves_is_returned_and_nothing_stays_behind() {
        let said = with_editor(r#"case "$1" in *.yml) echo more >> "$1";; esac"#, Some(b"a\n"));
        assert_eq!(said, (Ok(Some(b"a\nmore\n".to_vec())), 0));
        assert_eq!(with_editor(":", Some(b"a\n")), (Ok(None), 0));
        assert_eq!(with_editor(":", None), (Ok(Some(Vec::new())), 0));
    }
}
