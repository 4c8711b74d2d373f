//! Prints what the YAML reader makes of files, for `scripts/yaml-compare`: a path a line in, a JSON value a line out.

mod nodes;

use std::io::{self, BufRead as _, Write as _};

use rplay_syntax::parse_all;
use serde_json::Value;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for path in io::stdin().lock().lines() {
        let said = match std::fs::read_to_string(path?) {
            Ok(text) => documents(&text),
            Err(error) => Value::from(error.to_string()),
        };
        writeln!(out, "{said}")?;
    }
    Ok(())
}

/// A text that is refused is the fault's message.
fn documents(text: &str) -> Value {
    match parse_all("f", text) {
        Ok(documents) => documents.iter().map(|parsed| nodes::written(&parsed.node)).collect(),
        Err(fault) => Value::from(fault.to_string()),
    }
}
