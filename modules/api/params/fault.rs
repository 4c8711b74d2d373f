use serde::{Deserialize, Serialize};

/// Something wrong with an argument, with the path of the bad value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamFault {
    pub kind: FaultKind,
    /// As the playbook spells it, aliases included: `rules[0].proto`; empty for the arguments as a whole.
    pub path: String,
    /// Worded as Ansible words it; [`Self::render`] puts the module's name in.
    pub message: String,
    /// A did-you-mean, or what is possible.
    pub help: Option<String>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The value is none that the parameter takes.
    Value,
    /// A parameter is needed and not given.
    Missing,
    /// Parameters that do not go together.
    Rule,
    /// Ansible has the parameter, rplay does not yet.
    Unbuilt,
    /// There is no such parameter; the text lists those that there are.
    Unsupported(String),
}

impl ParamFault {
    /// Returns a fault of a value, for what only a module can judge.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(FaultKind::Value, path, message)
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Returns the message with the module's name where Ansible has it.
    pub fn render(&self, module: &str) -> String {
        match &self.kind {
            FaultKind::Unsupported(supported) => unsupported(module, &dotted(&self.path), supported),
            _ => self.message.clone(),
        }
    }

    pub(super) fn of(kind: FaultKind, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, path: path.into(), message: message.into(), help: None }
    }

    pub(super) fn unsupported(path: &str, supported: String) -> Self {
        let message =
            format!("Unsupported parameters: {}. Supported parameters include: {supported}.", dotted(path));
        Self::of(FaultKind::Unsupported(supported), path, message)
    }
}

/// Returns what Ansible gives as `msg` for these faults: the first one's words; where parameters are unsupported, all of
/// them in one sentence.
pub fn message(faults: &[ParamFault], module: &str) -> String {
    let Some(first) = faults.first() else { return String::new() };
    if !matches!(first.kind, FaultKind::Unsupported(_)) {
        return first.render(module);
    }
    let mut names = Vec::new();
    let mut supported = "";
    for fault in faults {
        if let FaultKind::Unsupported(list) = &fault.kind {
            names.push(dotted(&fault.path));
            supported = list;
        }
    }
    names.sort();
    names.dedup();
    let (module, supported) = super::behind::told(module, supported);
    unsupported(module, &names.join(", "), &supported)
}

fn unsupported(module: &str, names: &str, supported: &str) -> String {
    format!(
        "Unsupported parameters for ({module}) module: {names}. Supported parameters include: {supported}."
    )
}

/// A path without list positions, as Ansible writes it in this one message.
fn dotted(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|character| {
            let position = inside || *character == '[';
            inside = position && *character != ']';
            !position
        })
        .collect()
}

/// Returns `did you mean …?` for the candidate closest to what was written, if one is close.
pub(super) fn did_you_mean<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let goal = plain(written);
    let allowed = (goal.chars().count() / 3).max(1);
    let (distance, closest) = candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&goal, &plain(candidate)), candidate))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= allowed && !goal.is_empty()).then(|| format!("did you mean '{closest}'?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsupported_parameters_are_named_in_one_sentence() {
        let fault = |path: &str| ParamFault::unsupported(path, "msg, var".to_owned());
        assert_eq!(
            message(&[fault("rules[0].x"), fault("b")], "debug"),
            "Unsupported parameters for (debug) module: b, rules.x. Supported parameters include: msg, var."
        );
    }

    #[test]
    fn the_first_fault_is_the_message() {
        let faults = [ParamFault::new("a", "first"), ParamFault::new("b", "second")];
        assert_eq!(message(&faults, "debug"), "first");
        assert_eq!(message(&[], "debug"), "");
    }

    #[test]
    fn only_what_is_close_is_suggested() {
        assert_eq!(
            did_you_mean("desired_cout", ["name", "desired_count"]).as_deref(),
            Some("did you mean 'desired_count'?")
        );
        assert_eq!(
            did_you_mean("desired-count", ["desired_count"]).as_deref(),
            Some("did you mean 'desired_count'?")
        );
        assert_eq!(did_you_mean("zzz", ["name", "desired_count"]), None);
    }
}
