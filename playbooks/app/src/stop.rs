//! A clean stop on SIGTERM and SIGINT.
//!
//! Process 1 of a container has no default action for SIGTERM: without a handler the engine waits ten seconds and
//! kills it. The standard library cannot set one, hence the two C functions here instead of a dependency.
#![expect(unsafe_code, reason = "signal handlers are set with libc's signal(2)")]

use std::net::TcpListener;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;
const SHUT_RDWR: i32 = 2;

static STOPPING: AtomicBool = AtomicBool::new(false);
static LISTENER: AtomicI32 = AtomicI32::new(-1);

unsafe extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn shutdown(socket: i32, how: i32) -> i32;
}

/// Stores and a system call that is listed as safe in a handler: `shutdown` ends the blocking `accept`, which would
/// otherwise be restarted after the signal.
extern "C" fn stop(_number: i32) {
    STOPPING.store(true, Ordering::SeqCst);
    // SAFETY: the descriptor is the listener's, open until the process ends.
    unsafe { shutdown(LISTENER.load(Ordering::SeqCst), SHUT_RDWR) };
}

/// Ends `accept` on the listener at SIGTERM and SIGINT; returns what is then true.
pub(crate) fn on_signals(listener: &TcpListener) -> &'static AtomicBool {
    LISTENER.store(listener.as_raw_fd(), Ordering::SeqCst);
    // SAFETY: the handler does only what is allowed in one, and lives as long as the program.
    unsafe {
        signal(SIGTERM, stop);
        signal(SIGINT, stop);
    }
    &STOPPING
}
