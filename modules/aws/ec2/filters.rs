use indexmap::IndexMap;
use rplay_client_ec2::filter;
use rplay_client_ec2::sdk::types::Filter;
use serde_json::Value;

/// What to look for: a filter's name and one value or several, as playbooks write them.
pub(crate) type Wanted = IndexMap<String, Value>;

/// Returns filters as EC2 takes them. Source of the rules: `ansible_dict_to_boto3_filter_list` of amazon.aws.
pub(crate) fn filters(wanted: &Wanted) -> Vec<Filter> {
    wanted
        .iter()
        .map(|(name, values)| match values {
            Value::Array(values) => filter(name, values.iter().map(text)),
            one => filter(name, [text(one)]),
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
