use std::os::unix::fs::symlink;
use std::path::Path;

use super::{complain, say};

/// The tools that rplay answers as, and the command that does so.
pub(crate) const TOOLS: [(&str, &str); 5] = [
    ("ansible", "adhoc"),
    ("ansible-config", "config"),
    ("ansible-inventory", "inventory"),
    ("ansible-playbook", "play"),
    ("ansible-vault", "vault"),
];

/// Makes a link to this program for each of Ansible's tools; one that is there already is replaced, any other file is not.
pub(crate) fn install(folder: &Path) -> u8 {
    let Ok(program) = std::env::current_exe() else {
        complain("this program's own path cannot be found");
        return 1;
    };
    if let Err(error) = std::fs::create_dir_all(folder) {
        complain(&format!("could not make {}: {error}", folder.display()));
        return 1;
    }
    let mut worst = 0;
    for (tool, _) in TOOLS {
        let link = folder.join(tool);
        let is_link = std::fs::symlink_metadata(&link).is_ok_and(|found| found.is_symlink());
        let gone = if is_link { std::fs::remove_file(&link) } else { Ok(()) };
        match gone.and_then(|()| symlink(&program, &link)) {
            Ok(()) => worst = worst.max(say(&format!("{} -> {}\n", link.display(), program.display()))),
            Err(error) => {
                complain(&format!("could not link {}: {error}", link.display()));
                worst = 1;
            }
        }
    }
    worst
}

/// Returns the command that stands for the name a program was started by; `None` for rplay's own.
pub(crate) fn command_of(program: &str) -> Option<&'static str> {
    let name = Path::new(program).file_name()?.to_str()?;
    TOOLS.iter().find(|(tool, _)| *tool == name).map(|(_, command)| *command)
}

/// Returns the tool that a command stands for.
pub(crate) fn tool_of(command: &str) -> Option<&'static str> {
    TOOLS.iter().find(|(_, name)| *name == command).map(|(tool, _)| *tool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_a_program_is_started_by_says_which_tool_it_is() {
        assert_eq!(command_of("/usr/local/bin/ansible-playbook"), Some("play"));
        assert_eq!(command_of("ansible"), Some("adhoc"));
        assert_eq!(command_of("/usr/bin/rplay"), None);
        assert_eq!((tool_of("adhoc"), tool_of("plan")), (Some("ansible"), None));
    }
}
