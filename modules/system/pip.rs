use std::path::{Path, PathBuf};

use rplay_module::{Action, Choice, Cx, Deed, Effect, Failure, InCheck, Params, Result, words};
use serde_json::{Value, json};

use crate::paths;
use crate::program::{self, Order, Ran};

mod requirement;
mod version;

use requirement::Requirement;

/// Keeps Python packages.
#[derive(Params)]
#[params(
    required_one_of("name", "requirements"),
    mutually_exclusive("name", "requirements"),
    mutually_exclusive("executable", "virtualenv")
)]
pub(crate) struct PipParams {
    /// Whether the packages are there, at their latest version, or installed again.
    #[param(default = "present")]
    state: State,
    /// The packages, by name with or without versions, by address or path.
    name: Option<Vec<String>>,
    /// The version of the one package.
    version: Option<String>,
    /// A file that lists packages.
    requirements: Option<String>,
    /// The virtual environment to install in; it is made where it is not there.
    virtualenv: Option<PathBuf>,
    /// Whether the environment sees the system's packages.
    #[param(default = false)]
    virtualenv_site_packages: bool,
    /// What makes the environment.
    #[param(default = "virtualenv")]
    virtualenv_command: PathBuf,
    /// The Python that the environment is made for.
    virtualenv_python: Option<String>,
    /// Further options for pip.
    extra_args: Option<String>,
    /// Whether a package is installed as a link to where it is developed.
    #[param(default = false)]
    editable: bool,
    /// The folder to work in.
    chdir: Option<PathBuf>,
    /// The pip to use.
    executable: Option<PathBuf>,
    /// The umask to work with, octal.
    umask: Option<String>,
    /// Whether packages may be installed beside those of the system's own package manager.
    #[param(default = false)]
    break_system_packages: bool,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Present,
    Absent,
    Latest,
    Forcereinstall,
}

impl State {
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Present => &["install"],
            Self::Absent => &["uninstall", "-y"],
            Self::Latest => &["install", "-U"],
            Self::Forcereinstall => &["install", "-U", "--force-reinstall"],
        }
    }
}

/// A run of the module.
struct Work<'a> {
    cx: &'a Cx,
    p: &'a PipParams,
    folder: PathBuf,
    env: Option<String>,
    umask: Option<u32>,
}

impl Work<'_> {
    fn of<'a>(cx: &'a Cx, p: &'a PipParams) -> Result<Work<'a>> {
        let umask = p.umask.as_deref().map(|text| u32::from_str_radix(text, 8));
        let umask = umask.transpose().map_err(|error| {
            Failure::new("umask must be an octal integer").field("details", error.to_string())
        })?;
        if p.state == State::Latest && p.version.is_some() {
            return Err(Failure::new("version is incompatible with state=latest"));
        }
        let chdir = p.chdir.as_deref().map(|chdir| paths::expand(cx, chdir));
        let env = p.virtualenv.as_deref().map(|env| paths::expand(cx, env));
        let env = match (&chdir, env) {
            (Some(chdir), Some(env)) => Some(Path::new(chdir).join(env).to_string_lossy().into_owned()),
            (_, env) => env,
        };
        let folder = chdir.map_or_else(
            || cx.env("TMPDIR").unwrap_or_else(|| "/tmp".to_owned()).into(),
            |chdir| paths::real(cx, &chdir),
        );
        Ok(Work { cx, p, folder, env, umask })
    }

    /// Runs something in the folder; the environment's own programs come first.
    async fn run(&self, argv: &[String]) -> Result<Ran> {
        let order = match self.umask {
            Some(umask) => {
                let line = argv.iter().map(|word| words::quote(word)).collect::<Vec<_>>().join(" ");
                Order::new(["/bin/sh".to_owned(), "-c".to_owned(), format!("umask {umask:o}; exec {line}")])
            }
            None => Order::new(argv.to_vec()),
        };
        let mut order = order.plain().folder(&self.folder);
        if let Some(env) = &self.env {
            let path = self.cx.env("PATH").unwrap_or_default();
            order = order.env("PATH", &format!("{env}/bin:{path}"));
        }
        if self.p.break_system_packages {
            order = order.env("PIP_BREAK_SYSTEM_PACKAGES", "1");
        }
        order.run(self.cx).await
    }

    fn packages(&self) -> Result<Vec<Requirement>> {
        let Some(names) = &self.p.name else { return Ok(Vec::new()) };
        let mut packages = requirement::all(names);
        let Some(version) = &self.p.version else { return Ok(packages) };
        if packages.len() > 1 {
            return Err(Failure::new(
                "'version' argument is ambiguous when installing multiple package distributions. Please specify version \
                 restrictions next to each package in 'name' argument.",
            ));
        }
        if packages.first().is_some_and(Requirement::has_versions) {
            return Err(Failure::new(
                "The 'version' argument conflicts with any version specifier provided along with a package name. Please keep \
                 the version specifier, but remove the 'version' argument.",
            ));
        }
        packages = packages.into_iter().map(|package| package.at(version)).collect();
        Ok(packages)
    }

    fn extra(&self) -> Result<Vec<String>> {
        let text = self.p.extra_args.as_deref().unwrap_or_default();
        let mut extra = words::split(text).map_err(|error| Failure::new(error.to_string()))?;
        if self.p.editable && !extra.iter().any(|word| word == "-e") {
            extra.push("-e".to_owned());
        }
        Ok(extra)
    }

    async fn pip(&self) -> Result<Vec<String>> {
        if let Some(env) = &self.env {
            let there = |name: &str| {
                let path = paths::real(self.cx, &format!("{env}/bin/{name}"));
                rustix::fs::access(&path, rustix::fs::Access::EXEC_OK).is_ok()
            };
            return match ["pip3", "pip"].into_iter().find(|name| there(name)) {
                Some(name) => Ok(vec![format!("{env}/bin/{name}")]),
                None => Err(Failure::new(format!(
                    "Unable to find pip in the virtualenv, {env}, under any of these names: pip3, pip. Make sure pip is \
                     present in the virtualenv."
                ))),
            };
        }
        let named = self.p.executable.as_deref().map(|executable| paths::expand(self.cx, executable));
        if let Some(path) = named.as_ref().filter(|path| path.starts_with('/')) {
            return Ok(vec![path.clone()]);
        }
        if named.is_none()
            && let Some(python) = program::find(self.cx, "python3")
            && Order::new([python.as_str(), "-c", "import pip"]).run(self.cx).await?.ok()
        {
            return Ok(vec![python, "-m".to_owned(), "pip".to_owned()]);
        }
        let name = named.unwrap_or_else(|| "pip3".to_owned());
        let found = program::find(self.cx, &name);
        found.map(|path| vec![path]).ok_or_else(|| {
            Failure::new(format!("Unable to find any of {name} to use.  pip needs to be installed."))
        })
    }

    fn lacks_env(&self) -> bool {
        self.env.as_ref().is_some_and(|env| !paths::real(self.cx, env).join("bin/activate").exists())
    }

    /// Makes the environment.
    async fn make_env(&self, env: &str) -> Result<Ran> {
        let p = self.p;
        let line = p.virtualenv_command.to_string_lossy().into_owned();
        let mut argv = words::split(&line).map_err(|error| Failure::new(error.to_string()))?;
        let Some(first) = argv.first_mut() else { return Err(Failure::new("virtualenv_command is empty")) };
        if !first.contains('/') {
            *first = program::require(self.cx, first)?;
        }
        let venv = argv.iter().any(|word| word.ends_with("pyvenv"))
            || argv.windows(2).any(|pair| pair == ["-m".to_owned(), "venv".to_owned()]);
        if p.virtualenv_site_packages {
            argv.push("--system-site-packages".to_owned());
        }
        if !venv {
            let python = p.virtualenv_python.clone().or_else(|| program::find(self.cx, "python3"));
            argv.push(format!("-p{}", python.unwrap_or_else(|| "python3".to_owned())));
        } else if p.virtualenv_python.is_some() {
            return Err(Failure::new(
                "virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command",
            ));
        }
        argv.push(env.to_owned());
        let ran = Order::new(argv.clone()).plain().folder(&self.folder).run(self.cx).await?;
        if ran.ok() { Ok(ran) } else { Err(failed(&argv, &ran)) }
    }

    async fn installed(&self, pip: &[String]) -> Result<(String, Ran)> {
        for words in [["list", "--format=freeze"].as_slice(), &["freeze"]] {
            let argv: Vec<String> =
                pip.iter().cloned().chain(words.iter().map(|word| (*word).to_owned())).collect();
            let ran = self.run(&argv).await?;
            if ran.ok() {
                return Ok((argv.join(" "), ran));
            }
            if words.len() == 1 {
                return Err(failed(&argv, &ran));
            }
        }
        Err(Failure::bug("one of two commands is the last"))
    }

    fn argv(&self, pip: &[String], packages: &[Requirement]) -> Result<Vec<String>> {
        let mut argv = pip.to_vec();
        argv.extend(self.p.state.words().iter().map(|word| (*word).to_owned()));
        argv.extend(self.extra()?);
        argv.extend(packages.iter().map(ToString::to_string));
        if let Some(file) = &self.p.requirements {
            argv.extend(["-r".to_owned(), file.clone()]);
        }
        Ok(argv)
    }

    async fn foretell(&self) -> Result<Deed> {
        let packages = self.packages()?;
        if self.lacks_env() {
            return Ok(Deed::new(true, json!({})));
        }
        let pip = self.pip().await?;
        let p = self.p;
        if !self.extra()?.is_empty()
            || p.requirements.is_some()
            || p.state == State::Latest
            || p.name.is_none()
        {
            return Ok(Deed::new(true, json!({})));
        }
        let (line, ran) = self.installed(&pip).await?;
        let present = |package: &Requirement| {
            ran.out
                .lines()
                .filter_map(|line| line.split_once("=="))
                .any(|(name, version)| package.is(name, version))
        };
        let changed = packages.iter().any(|package| match p.state {
            State::Present => !present(package),
            State::Absent => present(package),
            State::Latest | State::Forcereinstall => false,
        });
        Ok(with_output(Deed::new(changed, json!({ "cmd": line })), &ran.out, &ran.err))
    }

    async fn perform(&self) -> Result<Deed> {
        let p = self.p;
        let packages = self.packages()?;
        let (mut out, mut err) = (String::new(), String::new());
        let made = self.lacks_env();
        if let Some(env) = self.env.as_deref().filter(|_| made) {
            let ran = self.make_env(env).await?;
            out.push_str(&ran.out);
            err.push_str(&ran.err);
        }
        let pip = self.pip().await?;
        let argv = self.argv(&pip, &packages)?;
        // What comes of a list or from an address is told only by what is there before and after.
        let compares = p.requirements.is_some() || packages.iter().any(Requirement::is_address);
        let before = if compares { Some(self.installed(&pip).await?.1.out) } else { None };
        let ran = self.run(&argv).await?;
        out.push_str(&ran.out);
        err.push_str(&ran.err);
        let says = |sign: &str| ran.out.contains(sign) || ran.err.contains(sign);
        let was_absent = ran.rc == 1 && p.state == State::Absent && says("not installed");
        if !ran.ok() && !was_absent {
            return Err(failed(&argv, &Ran { rc: ran.rc, out, err }));
        }
        let changed = match before {
            _ if p.state == State::Absent => ran.out.contains("Successfully uninstalled"),
            None => ran.out.contains("Successfully installed"),
            Some(before) => before != self.installed(&pip).await?.1.out,
        };
        let told = json!({
            "cmd": argv, "name": p.name, "version": p.version, "state": p.state.as_str(),
            "requirements": p.requirements, "virtualenv": self.env,
        });
        Ok(with_output(Deed::new(changed || made, told), &out, &err))
    }
}

fn with_output(mut deed: Deed, out: &str, err: &str) -> Deed {
    let lines = |text: &str| Value::from(text.lines().map(str::to_owned).collect::<Vec<_>>());
    for (name, text) in [("stdout", out), ("stderr", err)] {
        deed.result.insert(name.to_owned(), Value::from(text));
        deed.result.insert(format!("{name}_lines"), lines(text));
    }
    deed
}

fn failed(argv: &[String], ran: &Ran) -> Failure {
    let mut message = String::new();
    if !ran.out.is_empty() {
        message = format!("stdout: {}", ran.out);
    }
    if !ran.err.is_empty() {
        message = format!("{message}\n:stderr: {}", ran.err);
    }
    Failure::new(message).field("cmd", argv.to_vec())
}

pub(crate) struct Pip;

impl Action for Pip {
    type Params = PipParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &PipParams) -> Result<Deed> {
        Work::of(cx, p)?.foretell().await
    }

    async fn perform(&self, cx: &Cx, p: &PipParams) -> Result<Deed> {
        Work::of(cx, p)?.perform().await
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::{Exit, Mode, Outcome};
    use serde_json::{Value, json};

    use crate::tests::Bench;

    fn bench() -> Bench {
        let bench = Bench::new();
        bench.script("pip9", "case $1 in list) printf 'a==1.0\\nB_c==2.5\\n';; install) echo Successfully installed x;; uninstall) echo Successfully uninstalled x;; esac");
        bench
    }

    async fn run(bench: &Bench, mut args: Value, mode: Mode) -> Outcome {
        if args.get("virtualenv").is_none() {
            args["executable"] = json!("pip9");
        }
        bench.run("pip", &args, mode).await
    }

    #[tokio::test]
    async fn packages_are_installed_and_removed() {
        for (args, words) in [
            (json!({ "name": "a" }), "install a"),
            (json!({ "name": "a", "version": "1.0" }), "install a==1.0"),
            (json!({ "name": ["a>1", "<2", "b"] }), "install a<2,>1 b"),
            (json!({ "name": "a", "state": "latest" }), "install -U a"),
            (json!({ "name": "a", "state": "absent" }), "uninstall -y a"),
            (
                json!({ "name": "a", "editable": true, "extra_args": "-q --x 'y z'" }),
                "install -q --x y z -e a",
            ),
        ] {
            let bench = bench();
            let done = run(&bench, args.clone(), Mode::Apply).await;
            assert!(done.changed, "{args}: {:?}", done.failure);
            assert_eq!(bench.spawned("pip9").concat().join(" "), words, "{args}");
        }
    }

    #[tokio::test]
    async fn check_mode_asks_what_is_installed() {
        let bench = bench();
        for (args, changed) in [
            (json!({ "name": "a" }), false),
            (json!({ "name": "A" }), false),
            (json!({ "name": "b-c>=2,<3" }), false),
            (json!({ "name": "b.c==2.4" }), true),
            (json!({ "name": "d" }), true),
            (json!({ "name": "d", "state": "absent" }), false),
            (json!({ "name": "a", "state": "absent" }), true),
            (json!({ "requirements": "r.txt" }), true),
        ] {
            assert_eq!(run(&bench, args.clone(), Mode::Check).await.changed, changed, "{args}");
        }
    }

    #[tokio::test]
    async fn an_environment_is_made_where_none_is() {
        let bench = bench();
        bench.script(
            "virtualenv",
            "eval env=\\${$#}; mkdir -p $env/bin; touch $env/bin/activate; cp \"${0%/*}/pip9\" $env/bin/pip",
        );
        let env = bench.path("env");
        let args = json!({ "name": "a", "virtualenv": env, "virtualenv_python": "python3" });
        assert!(run(&bench, args.clone(), Mode::Check).await.changed && !env.exists());
        let made = run(&bench, args, Mode::Apply).await;
        assert!(made.changed, "{:?}", made.failure);
        assert_eq!(bench.spawned("virtualenv"), [vec!["-ppython3".to_owned(), env.display().to_string()]]);
        assert_eq!(made.result["cmd"], json!([format!("{}/bin/pip", env.display()), "install", "a"]));
    }

    #[tokio::test]
    async fn each_wrong_argument_and_refusal_is_named() {
        let bench = bench();
        for (args, message) in [
            (
                json!({ "name": "a", "version": "1", "state": "latest" }),
                "version is incompatible with state=latest",
            ),
            (
                json!({ "name": ["a", "b"], "version": "1" }),
                "'version' argument is ambiguous when installing multiple",
            ),
            (
                json!({ "name": "a>1", "version": "1" }),
                "The 'version' argument conflicts with any version specifier",
            ),
            (json!({ "name": "a", "umask": "9" }), "umask must be an octal integer"),
        ] {
            let failed = run(&bench, args, Mode::Apply).await.failure.unwrap();
            assert!(failed.message.starts_with(message), "{failed}");
        }
        bench
            .answer("pip9", &Exit { rc: 1, stdout: b"o".to_vec(), stderr: b"e".to_vec(), ..Exit::default() });
        let failed = run(&bench, json!({ "name": "a" }), Mode::Apply).await.failure.unwrap();
        assert_eq!(failed.message, "stdout: o\n:stderr: e");
    }
}
