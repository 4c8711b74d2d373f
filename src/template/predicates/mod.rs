//! Jinja2's tests and Ansible's, what stands after `is`: a family a file.

mod addresses;
mod compare;
mod files;
mod kinds;
mod results;
mod versions;
mod words;

use std::collections::HashMap;

pub(crate) use versions::compare_loosely;

use crate::TemplateError;
use crate::builtin::Builtin;
use crate::filters::by_name;

const FAMILIES: &[&[Builtin]] = &[
    compare::TESTS,
    files::TESTS,
    kinds::TESTS,
    results::TESTS,
    versions::TESTS,
    words::TESTS,
    addresses::TESTS,
];

/// Returns every test by each of its names.
pub(crate) fn all() -> HashMap<String, &'static Builtin> {
    by_name(FAMILIES)
}

fn fail<T>(message: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError::runtime(message))
}
