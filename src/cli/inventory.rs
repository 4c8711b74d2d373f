//! `rplay inventory`: what hosts, groups and variables an inventory comes to, as `ansible-inventory` shows it.

mod toml;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{ArgAction, Args};
use rplay_config::Config;
use rplay_engine::{InventoryView, Settings};
use rplay_event::{Fault, FaultKind, Kind, RunMode};
use rplay_template::{Found, Scope, Value};
use serde::Serialize as _;
use serde_json::Value as Json;

use super::args::SecretArgs;
use super::screen::{self, Screen};
use super::settings::{self, Manner};
use super::{complain, extra_vars, play, say, vault_passwords};

/// What `ansible-inventory` takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct InventoryArgs {
    /// The group to draw
    #[arg(value_name = "GROUP")]
    group: Option<String>,
    /// Shows all hosts, as a program that prints an inventory does
    #[arg(long)]
    list: bool,
    /// Shows the variables of one host
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Draws the groups
    #[arg(long)]
    graph: bool,
    /// In YAML
    #[arg(short, long)]
    yaml: bool,
    /// In TOML
    #[arg(long)]
    toml: bool,
    /// Draws variables too
    #[arg(long)]
    vars: bool,
    /// Shows variables where they were set, to be read again
    #[arg(long)]
    export: bool,
    /// Writes into a file
    #[arg(long = "output", value_name = "FILE")]
    output_file: Option<PathBuf>,
    /// An inventory: a file, a folder, or a comma list of hosts
    #[arg(short = 'i', long, visible_alias = "inventory-file", value_name = "INVENTORY")]
    inventory: Vec<String>,
    /// Shows these hosts only
    #[arg(short = 'l', long, value_name = "PATTERN")]
    limit: Option<String>,
    /// Forgets the facts that are kept between runs
    #[arg(long)]
    flush_cache: bool,
    /// The folder that stands for a playbook's
    #[arg(long, value_name = "DIR")]
    playbook_dir: Option<PathBuf>,
    /// Sets variables: key=value, YAML, JSON, or @file
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS", allow_hyphen_values = true)]
    extra_vars: Vec<String>,
    /// Says more; up to -vvvv
    #[arg(short, long = "verbose", action = ArgAction::Count)]
    verbose: u8,
    #[command(flatten)]
    secrets: SecretArgs,
}

/// Shows the inventory; returns the exit code.
pub(crate) fn run(args: &InventoryArgs) -> u8 {
    let config = match settings::config() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let screen = Screen::open(screen::settings(None, args.verbose, &config), None, None);
    let (settings, screen) = match play::opened(screen, &config, || told(args, &config)) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let code = match view(args, &config, &settings, &screen) {
        Ok(text) => {
            screen.settle();
            write(args, &text)
        }
        Err(Wrong::Told(code)) => code,
        Err(Wrong::Fault(fault)) => {
            let code = fault.kind.exit_code();
            screen.sink()(rplay_event::Masker::default().event(Kind::Fault { fault }));
            code
        }
    };
    screen.close(code)
}

/// What went wrong, told already or not.
enum Wrong {
    Told(u8),
    Fault(Fault),
}

impl From<Fault> for Wrong {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn told(args: &InventoryArgs, config: &Arc<Config>) -> Result<Settings, Fault> {
    let actions = [args.list, args.host.is_some(), args.graph].into_iter().filter(|action| *action).count();
    let wrong = |message: &str| Fault::new(message).kind(FaultKind::Options);
    match actions {
        0 => {
            Err(wrong("No action selected, at least one of --host, --graph or --list needs to be specified."))
        }
        1 => settings(args, config),
        _ => Err(wrong(
            "Conflicting options used, only one of --host, --graph or --list can be used at the same time.",
        )),
    }
}

fn settings(args: &InventoryArgs, config: &Arc<Config>) -> Result<Settings, Fault> {
    let manner = Manner { mode: RunMode::Check, works: false, record: false, stand_in: None };
    let bare = settings::bare(config)?;
    let environment = settings::vault_environment(config);
    Ok(Settings {
        mode: manner.mode,
        verbosity: settings::verbosity(args.verbose, config),
        extra_vars: extra_vars::read(&args.extra_vars, &bare.folder)?,
        inventory: settings::inventories(&args.inventory, config, &bare.folder),
        limit: args.limit.clone().filter(|_| args.list),
        flush_cache: args.flush_cache,
        playbook_dir: args.playbook_dir.clone().or_else(|| bare.playbook_dir.clone()),
        vault_secrets: vault_passwords::read(&args.secrets, &environment)?,
        vault_id_match: vault_passwords::id_match(&environment),
        ..bare
    })
}

fn view(
    args: &InventoryArgs,
    config: &Config,
    settings: &Settings,
    screen: &Screen,
) -> Result<String, Wrong> {
    let export = args.export || config.flag("INVENTORY_EXPORT");
    let view = InventoryView::open(settings, export, screen.sink()).map_err(Wrong::Told)?;
    if args.graph {
        return Ok(view.graph(args.group.as_deref().unwrap_or("all"), args.vars)?);
    }
    if let Some(host) = &args.host {
        return Ok(text(args, &view, view.host(host)?)?);
    }
    let shown = match (args.yaml, args.toml) {
        (true, _) => view.tree()?,
        (false, true) => view.tables()?,
        (false, false) => view.list()?,
    };
    Ok(text(args, &view, shown)?)
}

fn text(args: &InventoryArgs, view: &InventoryView, shown: Json) -> Result<String, Fault> {
    match (args.yaml, args.toml) {
        (true, _) => yaml(view, shown),
        (false, true) => Ok(toml::text(&shown)),
        (false, false) => Ok(json(&shown)),
    }
}

/// Returns JSON as Python writes it with four spaces and sorted keys.
fn json(value: &Json) -> String {
    let mut out = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let written = sorted(value).serialize(&mut serde_json::Serializer::with_formatter(&mut out, form));
    written.expect("what is in memory can be written there");
    String::from_utf8_lossy(&out).into_owned()
}

fn sorted(value: &Json) -> Json {
    match value {
        Json::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            Json::Object(fields.into_iter().collect())
        }
        Json::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// The one variable that the writer of YAML sees.
struct Shown(Value);

impl Scope for Shown {
    fn lookup(&self, name: &str) -> Option<Found> {
        (name == "shown").then(|| Found::Data(self.0.clone()))
    }

    fn names(&self) -> Vec<String> {
        vec!["shown".to_owned()]
    }
}

/// Returns YAML as `PyYAML` writes it; envelopes of vaults are put in as they stand in a file.
fn yaml(view: &InventoryView, mut shown: Json) -> Result<String, Fault> {
    let mut envelopes = Vec::new();
    hide_envelopes(&mut shown, &mut envelopes);
    let scope: Arc<dyn Scope> = Arc::new(Shown(Value::from_json(shown)));
    let expression = "shown | to_yaml(default_flow_style=false, indent=2)";
    let rendered = view.engine().evaluate_str(expression, &scope);
    let text = rendered.map_err(|error| Fault::new(error.to_string()))?.value.text();
    Ok(text.lines().map(|line| with_envelope(line, &envelopes) + "\n").collect())
}

fn hide_envelopes(value: &mut Json, envelopes: &mut Vec<String>) {
    if let Some(envelope) = value.get("__ansible_vault").and_then(Json::as_str) {
        envelopes.push(envelope.to_owned());
        *value = Json::from(mark(envelopes.len() - 1));
        return;
    }
    match value {
        Json::Object(fields) => fields.values_mut().for_each(|field| hide_envelopes(field, envelopes)),
        Json::Array(items) => items.iter_mut().for_each(|item| hide_envelopes(item, envelopes)),
        _ => {}
    }
}

fn mark(number: usize) -> String {
    format!("rplay-vault-envelope-{number}")
}

fn with_envelope(line: &str, envelopes: &[String]) -> String {
    let number =
        line.rsplit_once("rplay-vault-envelope-").and_then(|(_, number)| number.parse::<usize>().ok());
    let Some((number, envelope)) = number.and_then(|number| Some((number, envelopes.get(number)?))) else {
        return line.to_owned();
    };
    let indent = " ".repeat(line.len() - line.trim_start().len() + 2);
    let lines: Vec<String> =
        envelope.trim_end().lines().map(|line| format!("{indent}{}", line.trim())).collect();
    format!("{}!vault |\n{}", line.strip_suffix(&mark(number)).unwrap_or(line), lines.join("\n"))
}

/// Prints the text, or writes it into the file that was asked for.
fn write(args: &InventoryArgs, text: &str) -> u8 {
    let Some(path) = &args.output_file else { return say(&format!("{}\n", text.trim_end_matches('\n'))) };
    match std::fs::write(path, text) {
        Ok(()) => 0,
        Err(error) => {
            complain(&format!("Unable to write to destination file '{}': {error}", path.display()));
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_pythons_with_sorted_keys() {
        assert_eq!(json(&json!({"b": [1], "a": {}})), "{\n    \"a\": {},\n    \"b\": [\n        1\n    ]\n}");
    }

    #[test]
    fn an_envelope_stands_in_yaml_as_in_a_file() {
        let mut shown = json!({"a": {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n6162\n"}});
        let mut envelopes = Vec::new();
        hide_envelopes(&mut shown, &mut envelopes);
        let line = format!("  a: {}", shown["a"].as_str().expect("a mark"));
        assert_eq!(
            with_envelope(&line, &envelopes),
            "  a: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    6162"
        );
    }
}
