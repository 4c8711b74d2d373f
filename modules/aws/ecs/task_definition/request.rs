use std::collections::BTreeMap;

use rplay_aws::AwsParams;
use rplay_module::{Params, Report, Result};
use serde_json::Value;

use super::{TaskDefinition, TaskDefinitions};

/// What the parameters of a module say of a family: rplay's own module and Ansible's write it in two ways.
pub(crate) trait Request: Params {
    fn aws(&self) -> &AwsParams;

    fn family(&self) -> String;

    /// The one revision that is meant; `None` for the newest.
    fn revision(&self) -> Option<i32> {
        None
    }

    fn is_absent(&self) -> bool;

    /// A revision is registered even when the newest is as desired.
    fn always_registers(&self) -> bool {
        false
    }

    /// Returns the definition as it is written, defaults left out.
    ///
    /// # Errors
    /// What AWS would refuse, in Ansible's words where Ansible looks for it.
    fn definition(&self) -> Result<TaskDefinition>;

    fn tags(&self) -> Option<&BTreeMap<String, String>> {
        None
    }

    fn purges_tags(&self) -> bool {
        false
    }

    fn output(&self, report: &Report<'_, TaskDefinitions<Self>>) -> Value;
}
