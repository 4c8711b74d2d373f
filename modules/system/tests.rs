//! What the tests of these modules run them in: stand-ins for the system's programs, first on the path.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use rplay_module::{Exit, Mode, Outcome, World as _};
use rplay_test_support::TestWorld;
use serde_json::Value;

use crate::MODULES;

pub(crate) struct Bench {
    world: Arc<TestWorld>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let world = TestWorld::new().running_children();
        let home = world.folder().to_str().unwrap().to_owned();
        std::fs::create_dir(world.folder().join("bin")).unwrap();
        let world =
            world.env("PATH", &format!("{home}/bin:/usr/sbin:/usr/bin:/sbin:/bin")).env("HOME", &home);
        Self { world: world.start() }
    }

    /// Returns a bench where a program ends in a certain way.
    pub(crate) fn answering(name: &str, exit: &Exit) -> Self {
        let bench = Self::new();
        bench.answer(name, exit);
        bench
    }

    /// Puts a program on the path that ends in a certain way.
    pub(crate) fn answer(&self, name: &str, exit: &Exit) {
        let folder = self.path("bin");
        for (suffix, text) in [("out", &exit.stdout), ("err", &exit.stderr)] {
            std::fs::write(folder.join(format!("{name}.{suffix}")), text).unwrap();
        }
        let here = folder.join(name).display().to_string();
        self.script(name, &format!("cat '{here}.out'; cat '{here}.err' >&2; exit {}", exit.rc));
    }

    /// Puts a program on the path; it notes its arguments.
    pub(crate) fn script(&self, name: &str, body: &str) {
        let path = self.path("bin").join(name);
        let text = format!(
            "#!/bin/sh\nfor word in \"$@\"; do printf '%s\\037' \"$word\"; done >> '{0}.log'; echo >> '{0}.log'\n{body}\n",
            path.display()
        );
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Returns the arguments of each run of a program that was put on the path.
    pub(crate) fn spawned(&self, name: &str) -> Vec<Vec<String>> {
        let log = std::fs::read_to_string(self.path("bin").join(format!("{name}.log"))).unwrap_or_default();
        let words = |line: &str| line.split_terminator('\u{1f}').map(str::to_owned).collect::<Vec<String>>();
        log.lines().map(words).collect()
    }

    pub(crate) async fn run(&self, name: &str, args: &Value, mode: Mode) -> Outcome {
        let module = MODULES.iter().find(|module| module.names.contains(&name)).unwrap();
        (module.pick)(args).run(&self.world.cx(), args, mode).await
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.world.folder().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        self.world.warnings()
    }
}
