use rplay_module::{Choice, Params};
use serde_json::{Value, json};

use crate::group::{Form, Group, Settings};

/// Keeps a log group of CloudWatch Logs.
#[derive(Params)]
pub(crate) struct LogGroupParams {
    /// The group's name, such as `/ecs/web`.
    #[param(identity, alias = "log_group_name")]
    pub(crate) name: String,
    /// What the events cost and what can be done with them. It cannot be changed later. Omitted: `STANDARD`, and whatever
    /// it is for a group that is there.
    pub(crate) log_group_class: Option<Class>,
    #[param(flatten)]
    pub(crate) settings: Settings,
}

/// See <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub(crate) enum Class {
    #[choice("STANDARD")]
    Standard,
    #[choice("INFREQUENT_ACCESS")]
    InfrequentAccess,
    #[choice("DELIVERY")]
    Delivery,
}

impl Form for LogGroupParams {
    fn name(&self) -> &str {
        &self.name
    }

    fn class(&self) -> Option<&str> {
        self.log_group_class.map(Choice::as_str)
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn output(&self, group: Option<&Group>) -> Value {
        let name = &self.name;
        let Some(group) = group else { return json!({ "name": name }) };
        json!({
            "name": name,
            "arn": group.arn.text(&format!("logs.group {name}: arn")),
            "retention": group.retention,
            "kms_key_id": group.kms_key_id,
            "log_group_class": group.log_group_class,
            "tags": group.tags.json(),
        })
    }
}
