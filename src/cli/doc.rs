use std::fmt::Write as _;

use rplay_module::Module;
use rplay_module::params::{Kind, ParamSpec, Spec};

use super::args::DocArgs;
use super::{complain, say};
use crate::catalog;

/// Prints what a module does and takes, out of the same structs that check the arguments.
pub(crate) fn print(args: &DocArgs) -> u8 {
    let modules = catalog::modules();
    let Some(name) = args.module.as_deref().filter(|_| !args.list) else {
        let mut lines: Vec<String> = modules.iter().map(line).collect();
        lines.sort();
        return say(&lines.concat());
    };
    if let Some(module) = modules.iter().find(|module| module.names.contains(&name)) {
        return say(&text(module));
    }
    let names = modules.iter().flat_map(|module| module.names.iter().copied());
    let near = rplay_syntax::nearest(name, names).map(|near| format!(" Did you mean '{near}'?"));
    complain(&format!("there is no module '{name}'.{}", near.unwrap_or_default()));
    1
}

fn line(module: &Module) -> String {
    let doc = (module.spec)().doc;
    format!(
        "{:<28} {}\n",
        module.names.first().copied().unwrap_or_default(),
        doc.lines().next().unwrap_or_default()
    )
}

fn text(module: &Module) -> String {
    let spec = (module.spec)();
    let mut out = String::new();
    let _ = writeln!(out, "{}\n\n{}\n", module.names.join(", "), spec.doc);
    parameters(&spec, 0, &mut out);
    if !spec.unbuilt.is_empty() {
        let _ = writeln!(out, "Not built yet: {}", spec.unbuilt.join(", "));
    }
    out
}

fn parameters(spec: &Spec, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    for param in &spec.params {
        let _ = writeln!(out, "{indent}{} ({})", param.name, facts(param));
        param.doc.lines().for_each(|line| {
            let _ = writeln!(out, "{indent}    {line}");
        });
        if let Some(inner) = options(&param.kind) {
            parameters(inner, depth + 2, out);
        }
    }
}

fn options(kind: &Kind) -> Option<&Spec> {
    match kind {
        Kind::Options(spec) => Some(spec),
        Kind::List(inner) | Kind::Dict(inner) => options(inner),
        _ => None,
    }
}

fn facts(param: &ParamSpec) -> String {
    let mut facts = vec![kind(&param.kind)];
    if param.required {
        facts.push("required".to_owned());
    }
    if let Some(default) = &param.default {
        facts.push(format!("default {default}"));
    }
    if !param.aliases.is_empty() {
        facts.push(format!("also {}", param.aliases.join(", ")));
    }
    facts.join("; ")
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Bool => "bool".to_owned(),
        Kind::Int => "int".to_owned(),
        Kind::Float => "float".to_owned(),
        Kind::Bytes => "size".to_owned(),
        Kind::Json => "JSON".to_owned(),
        Kind::Raw => "anything".to_owned(),
        Kind::Choice(choices) => choices.join(" | "),
        Kind::List(inner) => format!("list of {}", self::kind(inner)),
        Kind::Dict(inner) => format!("dict of {}", self::kind(inner)),
        Kind::Options(_) => "dict".to_owned(),
        Kind::ControllerFile(_) => "file".to_owned(),
        Kind::ControllerTemplate => "template".to_owned(),
    }
}
