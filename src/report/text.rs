//! Values and differences as Python writes them: what Ansible prints is what these four make of a value.

mod json;
mod repr;
mod unified;
mod yaml;

pub(crate) use json::{Layout, json};
pub(crate) use repr::{float, label};
pub(crate) use unified::unified;
pub(crate) use yaml::yaml;
