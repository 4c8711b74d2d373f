//! Regular expressions of templates: Python's, with Python's words for what is wrong with one.

use rplay_module::pattern::{Flags, Pattern, PatternError};

use crate::{TemplateError, regex_fault};

/// Compiles a pattern written for Python's `re`.
pub(crate) fn compile(pattern: &str, flags: Flags) -> Result<Pattern, TemplateError> {
    Pattern::new(pattern, flags).map_err(|error| match regex_fault::fault(pattern) {
        Some(fault) => TemplateError::runtime(fault),
        None => error.into(),
    })
}

impl From<PatternError> for TemplateError {
    fn from(error: PatternError) -> Self {
        Self::runtime(error.to_string())
    }
}
