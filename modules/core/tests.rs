//! What the tests of these modules run them in.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rplay_module::{Mode, Outcome, World as _};
use rplay_test_support::TestWorld;
use serde_json::Value;

use crate::MODULES;

pub(crate) struct Bench {
    world: Arc<TestWorld>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|world| world)
    }

    /// Returns a bench whose world was prepared.
    pub(crate) fn with(prepare: impl FnOnce(TestWorld) -> TestWorld) -> Self {
        // The provider is installed once per program; under a runner each test is one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let world = TestWorld::new().env("PATH", "/usr/bin:/bin").running_children();
        let home = world.folder().to_str().unwrap().to_owned();
        Self { world: prepare(world.env("HOME", &home)).start() }
    }

    /// Returns a bench where a host is found at an address.
    pub(crate) fn reaching(host: &str, address: SocketAddr) -> Self {
        Self::with(|world| world.host(host, address))
    }

    pub(crate) async fn run(&self, name: &str, args: &Value, mode: Mode) -> Outcome {
        let module = MODULES.iter().find(|module| module.names.contains(&name)).unwrap();
        (module.pick)(args).run(&self.world.cx(), args, mode).await
    }

    pub(crate) fn folder(&self) -> &Path {
        self.world.folder()
    }

    pub(crate) fn home(&self) -> &str {
        self.folder().to_str().unwrap()
    }

    pub(crate) fn slept(&self) -> Duration {
        self.world.slept()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        self.world.warnings()
    }

    pub(crate) fn deprecated(&self) -> Vec<String> {
        self.world.deprecations()
    }
}
