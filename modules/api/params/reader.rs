use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Params;

/// Something wrong with an argument, with the path of the bad value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamFault {
    /// `rules[0].proto`; empty for the arguments as a whole.
    pub path: String,
    /// Worded as Ansible words it.
    pub message: String,
    /// A did-you-mean, or what is possible.
    pub help: Option<String>,
}

/// Parameters that were read, and what else is to be said of them.
#[derive(Clone, Debug)]
pub struct Parsed<P> {
    pub params: P,
    /// The paths of values that are not known yet; those that are no text count as omitted.
    pub unknown: Vec<String>,
    /// The unknown text of an identity, if there is one.
    pub unknown_identity: Option<String>,
    /// Messages: an alias that is deprecated, an old spelling.
    pub deprecated: Vec<String>,
}

/// Reads one level of arguments and collects everything wrong with them.
pub struct Reader<'a> {
    args: &'a serde_json::Map<String, Value>,
    path: String,
    pub(super) faults: Vec<ParamFault>,
}

/// Reads a module's arguments.
///
/// # Errors
/// Every fault there is, in the order of the parameters.
pub fn parse<P: Params>(args: &Value) -> Result<Parsed<P>, Vec<ParamFault>> {
    let _ = args;
    Err(Vec::new())
}
