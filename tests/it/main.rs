//! Whole-program tests: the real binary, in a folder of its own, its whole output and exit code.

mod bad_input;
mod containers;
mod deploy;
mod failed_deploys;
mod hosts;
mod language;
mod looks;
mod records;
mod sandbox_walls;
mod secrets;
mod vault;
mod walls;

use rplay_test_support::Play;

/// Returns a run of the binary under test.
fn rplay() -> Play {
    Play::new(env!("CARGO_BIN_EXE_rplay"))
}
