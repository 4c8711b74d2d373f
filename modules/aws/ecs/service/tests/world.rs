//! A test's world with the real clock: containers take their own time.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rplay_module::{
    Address, BoxFuture, Child, Exit, Foretold, Ownership, Progress, Realm, Result, Sandbox, Shared, World,
};
use rplay_test_support::TestWorld;

pub(super) struct RealTime(pub(super) Arc<TestWorld>);

impl World for RealTime {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn env(&self, name: &str) -> Option<String> {
        World::env(self.0.as_ref(), name)
    }

    fn random(&self, bytes: &mut [u8]) {
        self.0.random(bytes);
    }

    fn progress(&self, progress: Progress) {
        World::progress(self.0.as_ref(), progress);
    }

    fn warn(&self, message: String) {
        self.0.warn(message);
    }

    fn deprecate(&self, message: String) {
        self.0.deprecate(message);
    }

    fn secret(&self, text: &str) {
        self.0.secret(text);
    }

    fn spawn(&self, child: Child) -> BoxFuture<'static, Result<Exit>> {
        self.0.spawn(child)
    }

    fn folder(&self) -> &Path {
        self.0.folder()
    }

    fn shared(&self) -> &Shared {
        self.0.shared()
    }

    fn foretold(&self, address: &Address) -> Option<Foretold> {
        self.0.foretold(address)
    }

    fn foretell(&self, address: Address, what: Foretold) {
        self.0.foretell(address, what);
    }

    fn owns(&self, address: &Address, realm: &Realm) -> bool {
        self.0.owns(address, realm)
    }

    fn own(&self, address: &Address, realm: &Realm, stage: Ownership) {
        self.0.own(address, realm, stage);
    }

    fn token(&self, purpose: &str) -> String {
        self.0.token(purpose)
    }

    fn reach(&self, host: &str) -> Option<SocketAddr> {
        self.0.reach(host)
    }

    fn sandbox(&self) -> Option<Sandbox> {
        World::sandbox(self.0.as_ref())
    }
}
