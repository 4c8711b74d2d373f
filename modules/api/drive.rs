//! The driver: the only code that knows check mode, plans and destruction.
//!
//! It reads, asks for what is desired, decides, and then either foretells or applies, reads again until both agree,
//! settles, and reports. These are the same few lines for every module, and a module cannot get them wrong.

mod action;
mod composite;
mod listed;
mod resource;

pub use action::{PreparedAction, action};
pub use composite::composite;
pub use resource::{PreparedResource, resource};

use serde_json::Value;

use crate::params::{ParamFault, Params, Parsed, parse};
use crate::{BoxFuture, Cx, Failure, FailureKind, Mode, Outcome};

/// A module with its parameters already read: a step of a composite.
pub trait Prepared: Send + Sync {
    fn run<'a>(&'a self, cx: &'a Cx, mode: Mode) -> BoxFuture<'a, Outcome>;
}

/// Reads the parameters, or says everything that is wrong with them.
fn read_params<P: Params>(cx: &Cx, args: &Value) -> Result<Parsed<P>, Box<Outcome>> {
    match parse::<P>(args) {
        Ok(parsed) => {
            parsed.deprecated.iter().for_each(|message| cx.world().deprecate(message.clone()));
            parsed.warnings.iter().for_each(|message| cx.warn(message.clone()));
            Ok(parsed)
        }
        Err(faults) => Err(Box::new(Outcome::failed(argument_failure(faults)))),
    }
}

fn argument_failure(faults: Vec<ParamFault>) -> Failure {
    let message = faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
    Failure { kind: FailureKind::Arguments(faults), ..Failure::new(message) }
}
