use std::path::PathBuf;

use rplay_module::{Action, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::Value;

use crate::process::{Bounds, How, Order};

/// Runs a command line through a shell: pipes, redirections and variables work.
#[derive(Params)]
#[params(
    free_form = "_raw_params",
    required_one_of("_raw_params", "cmd", "argv"),
    mutually_exclusive("_raw_params", "cmd", "argv")
)]
pub(crate) struct ShellParams {
    /// The command line, as the task's free text.
    #[param(name = "_raw_params")]
    raw: Option<String>,
    /// The command line; the same as the free text.
    cmd: Option<String>,
    /// The program and its arguments as a list: each is quoted for the shell.
    argv: Option<Vec<String>>,
    /// The folder to run in; omitted it is the playbook's.
    chdir: Option<PathBuf>,
    /// A path or glob pattern: where something matches it already, the command is not run.
    creates: Option<PathBuf>,
    /// A path or glob pattern: where nothing matches it, the command is not run.
    removes: Option<PathBuf>,
    /// The absolute path of the shell; omitted it is `/bin/sh`.
    executable: Option<String>,
    /// Only there to be refused, as Ansible refuses it: the shell expands variables itself.
    expand_argument_vars: Option<Value>,
    /// What the command reads from its standard input; omitted it reads nothing.
    stdin: Option<String>,
    /// Whether a newline is added to `stdin`.
    #[param(default = true)]
    stdin_add_newline: bool,
    /// Whether line ends are cut off from the end of `stdout` and `stderr`.
    #[param(default = true)]
    strip_empty_ends: bool,
}

impl ShellParams {
    fn order(&self) -> Result<Order<'_>> {
        if self.expand_argument_vars.is_some() {
            return Err(Failure::new("Unsupported parameters for (shell) module: expand_argument_vars"));
        }
        Ok(Order {
            line: self.raw.as_deref().filter(|line| !line.is_empty()).or(self.cmd.as_deref()),
            argv: self.argv.as_deref(),
            how: How::Shell(self.executable.as_deref().unwrap_or("/bin/sh")),
            bounds: Bounds {
                chdir: self.chdir.as_deref(),
                creates: self.creates.as_deref(),
                removes: self.removes.as_deref(),
            },
            stdin: self.stdin.as_deref(),
            stdin_add_newline: self.stdin_add_newline,
            strip_empty_ends: self.strip_empty_ends,
        })
    }
}

pub(crate) struct Shell;

impl Action for Shell {
    type Params = ShellParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &ShellParams) -> Result<Deed> {
        p.order()?.foretell(cx)
    }

    async fn perform(&self, cx: &Cx, p: &ShellParams) -> Result<Deed> {
        p.order()?.perform(cx).await
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::Mode;
    use serde_json::json;

    use crate::tests::Bench;

    #[tokio::test]
    async fn a_line_goes_through_the_shell() {
        let bench = Bench::new();
        let ran = bench
            .run("shell", &json!({ "_raw_params": "echo out | tr a-z A-Z; echo err >&2" }), Mode::Apply)
            .await;
        assert!(ran.changed);
        assert_eq!(ran.result["stdout"], "OUT");
        assert_eq!(ran.result["stderr_lines"], json!(["err"]));
        assert_eq!(ran.result["cmd"], "echo out | tr a-z A-Z; echo err >&2");
    }

    #[tokio::test]
    async fn another_shell_is_named_by_its_path() {
        let bench = Bench::new();
        let args = json!({ "cmd": "echo ${0##*/}; echo {a,b}", "executable": "/bin/bash" });
        assert_eq!(bench.run("shell", &args, Mode::Apply).await.result["stdout"], "bash\na b");
        let missing = json!({ "cmd": "echo x", "executable": "/nosuch" });
        let failure = bench.run("shell", &missing, Mode::Apply).await.failure.unwrap();
        assert_eq!(failure.message, "Error executing command.");
        assert_eq!(
            (failure.result["rc"].clone(), failure.result["cmd"].clone()),
            (json!(2), json!("/nosuch -c 'echo x'"))
        );
    }

    #[tokio::test]
    async fn words_are_quoted_for_the_shell() {
        let bench = Bench::new();
        let ran = bench.run("shell", &json!({ "argv": ["echo", "a  b", "$HOME"] }), Mode::Apply).await;
        assert_eq!(ran.result["stdout"], "a  b $HOME");
        assert_eq!(ran.result["cmd"], json!(["echo", "a  b", "$HOME"]));
    }

    #[tokio::test]
    async fn a_failing_command_keeps_its_result_and_its_changed() {
        let bench = Bench::new();
        let ran = bench.run("shell", &json!({ "cmd": "echo out; exit 3" }), Mode::Apply).await;
        assert_eq!(ran.failure.unwrap().message, "non-zero return code");
        assert!(ran.changed);
        assert_eq!((ran.result["rc"].clone(), ran.result["stdout"].clone()), (json!(3), json!("out")));
        let killed = bench.run("shell", &json!({ "cmd": "kill -9 $$" }), Mode::Apply).await;
        assert_eq!(killed.result["rc"], -9);
    }

    #[tokio::test]
    async fn what_only_command_takes_is_refused() {
        let bench = Bench::new();
        let failed =
            bench.run("shell", &json!({ "cmd": "echo x", "expand_argument_vars": true }), Mode::Apply).await;
        let message = "Unsupported parameters for (shell) module: expand_argument_vars";
        assert_eq!(failed.failure.unwrap().message, message);
    }

    #[tokio::test]
    async fn in_check_mode_nothing_is_started() {
        let bench = Bench::new();
        let foretold = bench.run("shell", &json!({ "cmd": "touch made" }), Mode::Check).await;
        assert!(foretold.skipped && !foretold.changed);
        assert!(!bench.folder().join("made").exists());
    }
}
