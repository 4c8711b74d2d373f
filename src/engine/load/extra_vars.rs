//! The variables that the command line sets.

use std::path::Path;
use std::sync::Arc;

use rplay_event::{Fault, FaultKind};
use rplay_syntax::{Data, Mapping};

use super::Reader;
use super::tree::absent;
use crate::emit::Emitter;
use crate::scopes::Written;
use crate::settings::ExtraVars;

impl Reader {
    /// Returns what each `-e` sets, in their order; files may be encrypted.
    ///
    /// # Errors
    /// A file that is not there or cannot be read or opened, and what is no mapping.
    pub(crate) fn extra_vars(
        &self,
        given: &[ExtraVars],
        emitter: &Emitter,
    ) -> Result<Vec<Arc<Written>>, Fault> {
        given.iter().map(|given| self.extra(given, emitter)).collect()
    }

    fn extra(&self, given: &ExtraVars, emitter: &Emitter) -> Result<Arc<Written>, Fault> {
        match given {
            ExtraVars::Given { shown, node } => match &node.data {
                Data::Map(mapping) => Ok(Arc::new(Written::new(mapping, false))),
                _ => Err(no_mapping(shown)),
            },
            ExtraVars::File(path) => self.extra_file(path, emitter),
        }
    }

    fn extra_file(&self, path: &Path, emitter: &Emitter) -> Result<Arc<Written>, Fault> {
        if !path.exists() {
            return Err(absent(path));
        }
        let (parsed, encrypted) = self.parsed(path)?;
        let Data::Map(mapping) = &parsed.node.data else {
            return Err(no_mapping(&format!("@{}", path.display())));
        };
        let mapping: Mapping = mapping.as_ref().clone();
        let file = self.vars_file(path, mapping, encrypted, parsed.warnings)?;
        file.warnings.iter().for_each(|warning| emitter.warn(warning.clone()));
        Ok(file.written)
    }
}

/// What the text holds stays unsaid: it may be a secret.
fn no_mapping(shown: &str) -> Fault {
    Fault::new(format!("Invalid extra vars data supplied. '{shown}' could not be made into a dictionary"))
        .kind(FaultKind::Options)
}
