//! Who may do what with a file: the parameters that all modules of files have.

use std::path::Path;

use rplay_module::{Cx, Failure, Params, Result, unknown};
use serde_json::Value;

use crate::accounts::Table;
use crate::mode::{Ground, Mode};
use crate::seen::{self, Kind, Seen};
use crate::tree::Entry;
use crate::{mode, paths};

/// The attributes of a file.
#[derive(Params)]
pub(crate) struct Attributes {
    /// The permissions: octal (`"0644"`, with quotes), or as `chmod` takes them (`u=rwX,g=rX,o=`). Omitted they stay as
    /// they are, and new things get what the system's umask leaves.
    pub(crate) mode: Option<Value>,
    /// The name or number of the user it belongs to; omitted it stays as it is.
    pub(crate) owner: Option<String>,
    /// The name or number of the group it belongs to; omitted it stays as it is.
    pub(crate) group: Option<String>,
    /// The user of the `SELinux` context; without `SELinux` it means nothing.
    pub(crate) seuser: Option<String>,
    /// The role of the `SELinux` context; without `SELinux` it means nothing.
    pub(crate) serole: Option<String>,
    /// The level of the `SELinux` context; without `SELinux` it means nothing.
    pub(crate) selevel: Option<String>,
    /// The type of the `SELinux` context; without `SELinux` it means nothing.
    pub(crate) setype: Option<String>,
    /// Flags for `chattr`, with `+`, `-` or `=` before them; without that they are all there shall be.
    #[param(name = "attributes", alias = "attr")]
    pub(crate) flags: Option<String>,
    /// Whether a file may be written in place where it cannot be replaced as a whole, such as one mounted into a
    /// container; omitted `ANSIBLE_UNSAFE_WRITES` of the environment says so, else it may not.
    #[param(shown = false)]
    pub(crate) unsafe_writes: Option<bool>,
}

impl Attributes {
    /// Returns what only sets permissions.
    pub(crate) fn of_mode(mode: Value) -> Self {
        Self {
            mode: Some(mode),
            owner: None,
            group: None,
            flags: None,
            seuser: None,
            serole: None,
            setype: None,
            selevel: None,
            unsafe_writes: None,
        }
    }

    /// Returns whether a file may be written in place where it cannot be replaced as a whole.
    pub(crate) fn writes_unsafely(&self, cx: &Cx) -> bool {
        let by_environment = || {
            let word = cx.env("ANSIBLE_UNSAFE_WRITES").unwrap_or_default().trim().to_lowercase();
            matches!(word.as_str(), "1" | "1.0" | "y" | "yes" | "on" | "t" | "true")
        };
        self.unsafe_writes.unwrap_or_else(by_environment)
    }
}

/// The attributes that are asked for, looked up on this machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    mode: Option<Mode>,
    owner: Option<u32>,
    group: Option<u32>,
    flags: Option<String>,
    umask: u32,
    /// What cannot be given: a user or group that is not there, permissions that are none. A fault where something is
    /// there to be given it, and else once it is made, as in Ansible. An earlier task may yet make the user.
    pub(crate) stranger: Option<Box<Failure>>,
}

impl Wish {
    /// Looks up the accounts; `bits` is what takes the place of `mode`, for folders that a copy makes.
    pub(crate) async fn look_up(cx: &Cx, p: &Attributes, bits: Option<&Value>) -> Result<Self> {
        let contexts = [&p.seuser, &p.serole, &p.setype, &p.selevel];
        if contexts.iter().any(|part| part.is_some()) && Path::new("/sys/fs/selinux/enforce").exists() {
            return Err(Failure::new("SELinux contexts (seuser, serole, setype, selevel) are not built yet"));
        }
        let mut wish = Self { umask: seen::umask(), flags: p.flags.clone(), ..Self::default() };
        if let Some(owner) = known(p.owner.as_ref()) {
            wish.owner = Table::Users.number(cx, owner).await;
            if wish.owner.is_none() {
                wish.refuse(Failure::new(format!("chown failed: failed to look up user {owner}")));
            }
        }
        if let Some(group) = known(p.group.as_ref()) {
            wish.group = Table::Groups.number(cx, group).await;
            if wish.group.is_none() {
                wish.refuse(Failure::new(format!("chgrp failed: failed to look up group {group}")));
            }
        }
        // No text at all asks for nothing.
        if let Some(value) = bits.filter(|value| value.as_str() != Some("")) {
            match Mode::of(value).filter(is_good) {
                Some(mode) => wish.mode = Some(mode),
                None => wish.refuse(bad_mode(value)),
            }
        }
        Ok(wish)
    }

    /// The first thing that cannot be given is what is told.
    fn refuse(&mut self, failure: Failure) {
        self.stranger.get_or_insert_with(|| Box::new(failure));
    }

    /// Returns the failure of what cannot be given to what is at a path.
    pub(crate) fn refusal(&self, path: &str) -> Result<()> {
        match &self.stranger {
            Some(failure) => Err((**failure).clone().field("path", path)),
            None => Ok(()),
        }
    }

    /// Returns the same wish without what cannot be given.
    pub(crate) fn feasible(&self) -> Self {
        Self { stranger: None, ..self.clone() }
    }

    /// Returns the same wish with other permissions.
    pub(crate) fn with_mode(&self, mode: Option<Mode>) -> Self {
        Self { mode, ..self.clone() }
    }

    pub(crate) fn preserves(&self) -> bool {
        self.mode == Some(Mode::Preserve)
    }

    pub(crate) fn manages_flags(&self) -> bool {
        self.flags.is_some()
    }

    /// Looks at a path, its flags included where they are managed.
    pub(crate) async fn look(&self, cx: &Cx, shown: &str) -> Option<Seen> {
        let path = paths::real(cx, shown);
        let mut seen = seen::look(&path)?;
        if self.manages_flags() {
            seen.flags = seen::flags(cx, &path).await;
        }
        Some(seen)
    }

    /// Returns what is there, as far as it is managed.
    pub(crate) fn have(&self, seen: &Seen) -> Entry {
        Entry {
            mode: self.mode.as_ref().filter(|_| seen.kind != Kind::Link).map(|_| mode::shown(seen.bits)),
            owner: self.owner.map(|_| seen.uid),
            group: self.group.map(|_| seen.gid),
            attributes: self.flags.as_ref().map(|_| sorted(&seen.flags)),
            ..Entry::of(state(seen.kind))
        }
    }

    /// Returns what shall be there in place of what is.
    pub(crate) fn want(&self, seen: &Seen) -> Result<Entry> {
        if let Some(failure) = &self.stranger {
            return Err((**failure).clone());
        }
        let ground = Ground { bits: seen.bits, directory: seen.kind == Kind::Directory, umask: self.umask };
        Ok(Entry {
            mode: if seen.kind == Kind::Link { None } else { self.bits(ground)? },
            attributes: self.flags.as_ref().map(|flags| flags_applied(&seen.flags, flags)),
            ..self.owned(state(seen.kind))
        })
    }

    /// Returns what shall be there where nothing is.
    pub(crate) fn fresh(&self, kind: Kind) -> Result<Entry> {
        let directory = kind == Kind::Directory;
        let ground = Ground { bits: self.born(directory), directory, umask: self.umask };
        Ok(Entry {
            mode: if kind == Kind::Link { None } else { self.bits(ground)? },
            attributes: self.flags.as_ref().map(|flags| flags_applied("", flags)),
            ..self.owned(state(kind))
        })
    }

    /// The permissions that the system gives to what is made new.
    pub(crate) fn born(&self, directory: bool) -> u32 {
        (if directory { 0o777 } else { 0o666 }) & !self.umask
    }

    fn owned(&self, state: &str) -> Entry {
        Entry { owner: self.owner, group: self.group, ..Entry::of(state) }
    }

    fn bits(&self, ground: Ground) -> Result<Option<String>> {
        let Some(asked) = &self.mode else { return Ok(None) };
        if let Some(bits) = asked.bits(ground) {
            Ok(Some(mode::shown(bits)))
        } else {
            let Mode::Symbols(text) = asked else { return Err(Failure::bug("a number that is no mode")) };
            Err(bad_mode(&Value::from(text.as_str())))
        }
    }
}

/// Symbols can be read whatever they are applied to, or never.
fn is_good(mode: &Mode) -> bool {
    !matches!(mode, Mode::Symbols(_)) || mode.bits(Ground { bits: 0, directory: false, umask: 0 }).is_some()
}

fn bad_mode(value: &Value) -> Failure {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let bad = |clause: &&str| !is_good(&Mode::Symbols((*clause).to_owned()));
    let text = text.split(',').find(bad).unwrap_or(&text);
    Failure::new("mode must be in octal or symbolic form")
        .field("details", format!("bad symbolic permission for mode: {text}"))
}

/// An unknown account is nobody's: the parameter counts as omitted.
fn known(account: Option<&String>) -> Option<&String> {
    account.filter(|account| !unknown::is_unknown(account))
}

/// A file with a second name is a file to whoever does not ask for names.
fn state(kind: Kind) -> &'static str {
    if kind == Kind::Hard { "file" } else { kind.text() }
}

/// Applies flags such as `+i` to those that are set.
fn flags_applied(set: &str, asked: &str) -> String {
    let named = |flags: &str, flag: char| flags.contains(flag);
    match (asked.strip_prefix('+'), asked.strip_prefix('-')) {
        (Some(more), _) => sorted(&format!("{set}{more}")),
        (_, Some(less)) => sorted(&set.chars().filter(|&flag| !named(less, flag)).collect::<String>()),
        _ => sorted(asked.trim_start_matches('=')),
    }
}

/// The flag of extents is the filesystem's own business: it can be neither set nor taken away.
fn sorted(flags: &str) -> String {
    let mut flags: Vec<char> = flags.chars().filter(|&flag| flag != 'e').collect();
    flags.sort_unstable();
    flags.dedup();
    flags.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_added_taken_away_or_set() {
        assert_eq!(flags_applied("ei", "+a"), "ai");
        assert_eq!(flags_applied("aei", "-i"), "a");
        assert_eq!(flags_applied("ei", "=a"), "a");
        assert_eq!(flags_applied("ei", "ie"), "i");
    }
}
