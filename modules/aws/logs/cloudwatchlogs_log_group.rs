use rplay_module::Params;
use serde_json::{Map, Value, json};

use crate::group::{Form, Group, Settings};

/// Keeps a log group of CloudWatch Logs.
///
/// Other than Ansible's, it changes the key of a group that is there, refuses a retention that AWS does not know before it
/// calls anything, and writes nothing in check mode.
#[derive(Params)]
pub(crate) struct CloudwatchlogsLogGroupParams {
    /// The group's name.
    #[param(identity)]
    pub(crate) log_group_name: String,
    #[param(flatten)]
    pub(crate) settings: Settings,
}

impl Form for CloudwatchlogsLogGroupParams {
    fn name(&self) -> &str {
        &self.log_group_name
    }

    fn class(&self) -> Option<&str> {
        None
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The group's fields, and the same once more in a list of one, as Ansible returns them.
    fn output(&self, group: Option<&Group>) -> Value {
        let Some(group) = group else { return json!({}) };
        let mut fields = self.fields(group);
        let listed = Value::Object(fields.clone());
        fields.insert("log_groups".to_owned(), Value::Array(vec![listed]));
        Value::Object(fields)
    }
}

impl CloudwatchlogsLogGroupParams {
    fn fields(&self, group: &Group) -> Map<String, Value> {
        let name = &self.log_group_name;
        let arn = group.arn.text(&format!("logs.group {name}: arn"));
        let mut fields = Map::new();
        let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        put("log_group_name", name.as_str().into());
        put("arn", format!("{arn}:*").into());
        put("log_group_arn", arn.into());
        put("log_group_class", group.log_group_class.as_str().into());
        put("creation_time", group.creation_time.json(&format!("logs.group {name}: creation_time")));
        put("tags", group.tags.json());
        // A field that is not set is left out.
        if let Some(days) = group.retention {
            put("retention_in_days", days.into());
        }
        if let Some(key) = &group.kms_key_id {
            put("kms_key_id", key.as_str().into());
        }
        if let Some(Value::Object(further)) = group.further.known() {
            fields.extend(further.clone());
        }
        fields
    }
}
