//! The application that rplay's demo deploys: one page, one health check, the time; nothing but the standard library.
//!
//! It is what a container should be: settings from the environment, one log line a request on standard output, exit
//! code 1 with one clear line when it cannot start, and a clean stop on SIGTERM also as process 1.

mod clock;
mod http;
mod pages;
mod server;
mod settings;
mod stop;

use std::net::TcpListener;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("demo-app: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let settings = settings::Settings::from(|name| std::env::var(name).ok())?;
    let address = (settings.bind.as_str(), settings.port);
    let listener = TcpListener::bind(address)
        .map_err(|error| format!("cannot listen on {}:{}: {error}", settings.bind, settings.port))?;
    let stopping = stop::on_signals(&listener);
    println!(
        "{} listening on {}:{}, version {}",
        clock::now(),
        settings.bind,
        settings.port,
        settings.version
    );
    server::serve(&listener, settings, stopping);
    println!("{} stopped", clock::now());
    Ok(())
}
