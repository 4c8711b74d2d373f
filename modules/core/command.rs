use std::path::PathBuf;

use rplay_module::{Action, Cx, Deed, Effect, InCheck, Params, Result};

use crate::process::{Bounds, How, Order};

/// Runs a program, without a shell.
#[derive(Params)]
#[params(
    free_form = "_raw_params",
    required_one_of("_raw_params", "cmd", "argv"),
    mutually_exclusive("_raw_params", "cmd", "argv")
)]
pub(crate) struct CommandParams {
    /// The command line, as the task's free text. It is split into words as a shell splits them.
    #[param(name = "_raw_params")]
    raw: Option<String>,
    /// The command line; the same as the free text.
    cmd: Option<String>,
    /// The program and its arguments as a list: nothing has to be quoted.
    argv: Option<Vec<String>>,
    /// The folder to run in; omitted it is the playbook's.
    chdir: Option<PathBuf>,
    /// A path or glob pattern: where something matches it already, the command is not run.
    creates: Option<PathBuf>,
    /// A path or glob pattern: where nothing matches it, the command is not run.
    removes: Option<PathBuf>,
    /// A shell to run it with: no longer used by this module, which says so.
    executable: Option<String>,
    /// Whether `~`, `$VAR` and `${VAR}` are replaced in the words.
    #[param(default = true)]
    expand_argument_vars: bool,
    /// What the program reads from its standard input; omitted it reads nothing.
    stdin: Option<String>,
    /// Whether a newline is added to `stdin`.
    #[param(default = true)]
    stdin_add_newline: bool,
    /// Whether line ends are cut off from the end of `stdout` and `stderr`.
    #[param(default = true)]
    strip_empty_ends: bool,
}

impl CommandParams {
    fn order(&self) -> Order<'_> {
        Order {
            line: self.raw.as_deref().filter(|line| !line.is_empty()).or(self.cmd.as_deref()),
            argv: self.argv.as_deref(),
            how: How::Directly { expand: self.expand_argument_vars },
            bounds: Bounds {
                chdir: self.chdir.as_deref(),
                creates: self.creates.as_deref(),
                removes: self.removes.as_deref(),
            },
            stdin: self.stdin.as_deref(),
            stdin_add_newline: self.stdin_add_newline,
            strip_empty_ends: self.strip_empty_ends,
        }
    }

    fn warn(&self, cx: &Cx) {
        if let Some(executable) = &self.executable {
            cx.warn(format!(
                "As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. Not using \
                 '{executable}'."
            ));
        }
    }
}

pub(crate) struct Command;

impl Action for Command {
    type Params = CommandParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &CommandParams) -> Result<Deed> {
        p.warn(cx);
        p.order().foretell(cx)
    }

    async fn perform(&self, cx: &Cx, p: &CommandParams) -> Result<Deed> {
        p.warn(cx);
        p.order().perform(cx).await
    }
}

#[cfg(test)]
mod tests;
