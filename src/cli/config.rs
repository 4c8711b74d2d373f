//! `rplay config`: what `ansible-config` prints, out of the one table of settings.

use std::fmt::Write as _;
use std::sync::Arc;

use rplay_config::{Config, Found, Kind, Setting};
use rplay_report::{as_python, as_yaml};
use serde_json::{Map, Value, json};

use super::args::{ConfigArgs, ConfigCommand};
use super::{complain, say, settings};

/// Why writing to a text cannot fail.
const TAKES: &str = "a string takes any text";

/// Prints what of the configuration is asked for; returns the exit code.
pub(crate) fn run(command: &ConfigCommand) -> u8 {
    let (ConfigCommand::List(args)
    | ConfigCommand::Dump(args)
    | ConfigCommand::View(args)
    | ConfigCommand::Init(args)) = command;
    let mut environment = settings::environment();
    if let Some(file) = &args.config {
        environment.insert("ANSIBLE_CONFIG".to_owned(), file.display().to_string());
    }
    let config = match settings::config_with(environment) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let printed = match command {
        ConfigCommand::List(args) => list(args),
        ConfigCommand::Dump(args) => dump(args, &config),
        ConfigCommand::View(_) => return view(&config),
        ConfigCommand::Init(args) => init(args),
    };
    match printed {
        Ok(text) => say(&text),
        Err(message) => {
            complain(&message);
            5
        }
    }
}

/// The settings that are asked for, those of ansible-core first.
fn asked(args: &ConfigArgs) -> Vec<&'static Setting> {
    let base = matches!(args.kind.as_str(), "base" | "all");
    let core = rplay_config::core().iter().filter(move |_| base);
    let plugins = rplay_config::plugins().iter().filter(|setting| {
        setting.plugin.is_some_and(|(kind, name)| {
            (args.kind == "all" || args.kind == kind)
                && (args.names.is_empty() || args.names.iter().any(|wanted| wanted == name))
        })
    });
    core.chain(plugins).collect()
}

fn list(args: &ConfigArgs) -> Result<String, String> {
    let mut all = Map::new();
    for setting in asked(args) {
        let name = match setting.plugin {
            Some((kind, plugin)) => format!("{kind} {plugin} {}", setting.name),
            None => setting.name.to_owned(),
        };
        all.insert(name, described(setting));
    }
    written(&Value::Object(all), args.format.as_deref().unwrap_or("yaml"))
}

fn described(setting: &Setting) -> Value {
    let default: Value = serde_json::from_str(setting.default).unwrap_or_default();
    let mut fields = Map::from_iter([("default".to_owned(), default)]);
    let env: Vec<Value> = setting.env.iter().map(|name| json!({ "name": name })).collect();
    let ini: Vec<Value> =
        setting.ini.iter().map(|(section, key)| json!({ "key": key, "section": section })).collect();
    let kind = setting.kind.word().map(Value::from);
    let choices = (!setting.choices.is_empty()).then(|| json!(setting.choices));
    let known = [
        ("choices", choices),
        ("env", (!env.is_empty()).then_some(Value::Array(env))),
        ("ini", (!ini.is_empty()).then_some(Value::Array(ini))),
        ("type", kind),
    ];
    fields.extend(known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Value::Object(fields)
}

/// The kind and name of a plugin, the name of its setting, and what is set.
type Row<'a> = (Option<(&'a str, &'a str)>, &'a str, Found);

fn dump(args: &ConfigArgs, config: &Arc<Config>) -> Result<String, String> {
    let mut rows: Vec<Row<'_>> = asked(args)
        .into_iter()
        .filter_map(|setting| {
            let found = match setting.plugin {
                Some((kind, plugin)) => config.option(kind, plugin, setting.name),
                None => config.setting(setting.name),
            };
            Some((setting.plugin, setting.name, found?.clone()))
        })
        .filter(|(.., found)| !args.only_changed || found.origin != rplay_config::Origin::Default)
        .collect();
    rows.sort_by_key(|(plugin, name, _)| (*plugin, *name));
    let file = config.file().map(|file| file.display().to_string());
    if args.format.as_deref().is_some_and(|form| form != "display") {
        let rows = rows.iter().map(|(_, name, found)| {
            json!({ "name": name, "origin": found.origin.to_string(), "value": found.value })
        });
        let first = json!({ "name": "CONFIG_FILE", "origin": "", "value": file });
        let all: Vec<Value> = std::iter::once(first).chain(rows).collect();
        return written(&Value::Array(all), args.format.as_deref().unwrap_or_default());
    }
    let mut out = String::new();
    if matches!(args.kind.as_str(), "base" | "all") {
        writeln!(out, "CONFIG_FILE() = {}", file.as_deref().unwrap_or("None")).expect(TAKES);
    }
    let mut last = None;
    for (plugin, name, found) in rows {
        if let Some((_, plugin_name)) = plugin.filter(|_| plugin != last) {
            writeln!(out, "\n{plugin_name}:\n{}", "_".repeat(plugin_name.len())).expect(TAKES);
        }
        last = plugin;
        writeln!(out, "{name}({}) = {}", found.origin, as_python(&found.value)).expect(TAKES);
    }
    Ok(out)
}

fn view(config: &Config) -> u8 {
    let Some(file) = config.file() else {
        complain("Invalid or no config file was supplied");
        return 1;
    };
    match std::fs::read_to_string(file) {
        Ok(text) => say(&text),
        Err(error) => {
            complain(&format!("Failed to open config file: {error}"));
            1
        }
    }
}

fn init(args: &ConfigArgs) -> Result<String, String> {
    let mark = |mark: &'static str| if args.disabled { mark } else { "" };
    match args.format.as_deref().unwrap_or("ini") {
        "ini" => Ok(init_ini(args, mark(";"))),
        "env" => Ok(init_env(args, mark("#"))),
        other => Err(format!("init writes ini or env, not '{other}'")),
    }
}

fn init_ini(args: &ConfigArgs, mark: &str) -> String {
    let mut sections: Vec<(&str, Vec<String>)> = Vec::new();
    for setting in asked(args) {
        let Some((section, key)) = setting.ini.last() else { continue };
        let kind = setting.kind.word().unwrap_or("string");
        let line = format!("# ({kind}) {}\n{mark}{key}={}\n", setting.name, plain(setting));
        match sections.iter_mut().find(|(name, _)| name == section) {
            Some((_, lines)) if lines.iter().any(|other| other.contains(&format!("\n{mark}{key}="))) => {}
            Some((_, lines)) => lines.push(line),
            None => sections.push((section, vec![line])),
        }
    }
    let text = |(name, lines): (&str, Vec<String>)| ["[", name, "]\n", &lines.join("\n"), "\n\n"].concat();
    sections.into_iter().map(text).collect()
}

fn init_env(args: &ConfigArgs, mark: &str) -> String {
    let lines = asked(args).into_iter().filter_map(|setting| {
        let name = setting.env.last()?;
        let kind = setting.kind.word().unwrap_or("string");
        let value = match setting.kind {
            Kind::Bool => if setting.default == "true" { "1" } else { "0" }.to_owned(),
            _ => plain(setting),
        };
        let quoted = if value.chars().all(|char| char.is_alphanumeric() || "-_./:".contains(char)) {
            value
        } else {
            format!("'{}'", value.replace('\'', "'\\''"))
        };
        Some(format!("# {}({kind})\n{mark}{name}={quoted}\n", setting.name))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A default as it would be written in a file.
fn plain(setting: &Setting) -> String {
    match serde_json::from_str(setting.default).unwrap_or_default() {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Array(words) => {
            words.iter().map(|word| word.as_str().unwrap_or_default()).collect::<Vec<_>>().join(", ")
        }
        other => as_python(&other),
    }
}

fn written(value: &Value, form: &str) -> Result<String, String> {
    match form {
        "json" => {
            let mut out = Vec::new();
            let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
            let mut writer = serde_json::Serializer::with_formatter(&mut out, indent);
            serde::Serialize::serialize(value, &mut writer).map_err(|error| error.to_string())?;
            Ok(format!("{}\n", String::from_utf8_lossy(&out)))
        }
        "yaml" => Ok(yaml(value)),
        other => Err(format!("the form is json or yaml, not '{other}'")),
    }
}

fn yaml(value: &Value) -> String {
    match value {
        Value::Object(fields) => as_yaml(fields),
        Value::Array(items) => {
            let items = items.iter().map(|item| format!("- {}", yaml(item).trim_end().replace('\n', "\n  ")));
            items.map(|item| item + "\n").collect()
        }
        other => as_python(other),
    }
}
