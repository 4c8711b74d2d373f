//! `rplay`: runs Ansible playbooks natively.
//!
//! Parses the command line, chooses outputs, runs, and ends with the exit code. Nothing else prints an error, reads the
//! environment, the home folder, the clock or randomness.

mod catalog;
mod cli;
#[cfg(feature = "aws")]
mod sandbox;

use std::process::ExitCode;

fn main() -> ExitCode {
    // One TLS stack for all: the first client that is made must find its provider.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return ExitCode::from(250);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(4).build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(cli::run());
            // What still waits (a read of stdin, a lookup) is not waited for.
            runtime.shutdown_background();
            ExitCode::from(code)
        }
        Err(error) => {
            cli::complain(&format!("could not start: {error}"));
            ExitCode::from(250)
        }
    }
}
