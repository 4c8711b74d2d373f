//! Jinja2's filters and Ansible's, a family a file.

mod basics;
mod convert;
mod csv;
mod dates;
mod dicts;
mod encode;
mod general;
mod hashes;
mod ip;
mod json;
mod keys;
mod legacy;
mod numbers;
mod outlines;
mod passwords;
mod paths;
mod pretty;
mod query;
mod regexes;
mod select;
mod sequence;
mod sets;
mod text;
mod time_units;
mod urlize;
mod urls;
mod yaml;
mod yaml_canonical;
mod yaml_dump;

use std::collections::HashMap;

use crate::builtin::Builtin;
use crate::eval::{Args, Cx, Evaluated};
use crate::{PluginKind, TemplateError, Value};

pub(crate) use csv::csv_rows;
pub use encode::encoded;
pub(crate) use encode::{decoded, encode_base64};
pub(crate) use hashes::hex;
pub(crate) use ip::{Net, is_link_local, is_loopback, is_multicast, is_private, is_reserved, mac_bytes};
pub(crate) use passwords::random_salt;
pub(crate) use paths::{absolute, expand_user};
pub(crate) use select::Attribute;
pub(crate) use sequence::flatten;
pub(crate) use urls::Url;

const FAMILIES: &[&[Builtin]] = &[
    basics::FILTERS,
    convert::FILTERS,
    dates::FILTERS,
    dicts::FILTERS,
    encode::FILTERS,
    hashes::FILTERS,
    json::FILTERS,
    legacy::FILTERS,
    numbers::FILTERS,
    passwords::FILTERS,
    paths::FILTERS,
    pretty::FILTERS,
    query::FILTERS,
    regexes::FILTERS,
    select::FILTERS,
    sequence::FILTERS,
    sets::FILTERS,
    text::FILTERS,
    urlize::FILTERS,
    urls::FILTERS,
    yaml::FILTERS,
    general::FILTERS,
    ip::FILTERS,
    keys::FILTERS,
    outlines::FILTERS,
    time_units::FILTERS,
];

/// Returns every filter by each of its names.
pub(crate) fn all() -> HashMap<String, &'static Builtin> {
    by_name(FAMILIES)
}

/// Returns builtins by their short names and by those with their collection.
///
/// The short name of a collection's means it where Ansible has none of that name, as `collections:` would have it.
pub(crate) fn by_name(families: &'static [&'static [Builtin]]) -> HashMap<String, &'static Builtin> {
    let mut named = HashMap::new();
    for builtin in families.iter().flat_map(|family| family.iter()) {
        named.insert(format!("{}.{}", builtin.collection, builtin.name), builtin);
        if builtin.collection == "ansible.builtin" {
            named.insert(format!("ansible.legacy.{}", builtin.name), builtin);
            named.insert(builtin.name.to_owned(), builtin);
        } else {
            named.entry(builtin.name.to_owned()).or_insert(builtin);
        }
    }
    named
}

fn fail<T>(message: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError::runtime(message))
}

impl Cx<'_> {
    /// Runs a filter that another one names.
    pub(crate) fn filter_named(&self, name: &str, args: Args) -> Evaluated {
        match self.shared.filters.get(name) {
            Some(filter) => Ok(self.call_filter(filter, args)),
            None if self.world().has_plugin(PluginKind::Filter, name) => {
                self.plugin(PluginKind::Filter, name, &args)
            }
            None => fail(format!("No filter named {}.", Value::from(name).repr())),
        }
    }

    /// Runs a test that a filter names.
    pub(crate) fn test_named(&self, name: &str, args: Args) -> Evaluated {
        match self.shared.tests.get(name) {
            Some(test) => Ok(self.call_test(test, args)),
            None if self.world().has_plugin(PluginKind::Test, name) => {
                self.plugin(PluginKind::Test, name, &args)
            }
            None => fail(format!("No test named {}.", Value::from(name).repr())),
        }
    }
}
