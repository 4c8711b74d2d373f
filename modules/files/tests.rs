//! What the tests of these modules run them in.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use rplay_module::{Mode, Outcome, World as _};
use rplay_test_support::TestWorld;
use serde_json::Value;

use crate::MODULES;

pub(crate) struct Bench {
    world: Arc<TestWorld>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        // The provider is installed once per program; under a runner each test is one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let world = TestWorld::new().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").running_children();
        let home = world.folder().to_str().unwrap().to_owned();
        Self { world: world.env("HOME", &home).start() }
    }

    pub(crate) async fn run(&self, name: &str, args: &Value, mode: Mode) -> Outcome {
        let module = MODULES.iter().find(|module| module.names.contains(&name)).unwrap();
        let outcome = (module.pick)(args).run(&self.world.cx(), args, mode).await;
        if mode == Mode::Apply {
            self.world.next_run();
        }
        outcome
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

    pub(crate) fn mode(&self, name: &str) -> u32 {
        self.path(name).symlink_metadata().unwrap().mode() & 0o7777
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        self.world.warnings()
    }
}
