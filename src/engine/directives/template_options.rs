use rplay_template::Overrides;
use serde_json::Value;

/// Returns what the parameters of the `template` module say of delimiters and white space.
pub(crate) fn overrides(options: &Value) -> Overrides {
    let text = |name: &str| options.get(name).and_then(Value::as_str).map(str::to_owned);
    let truth = |name: &str| match options.get(name)? {
        Value::Bool(value) => Some(*value),
        Value::String(text) => Some(matches!(text.to_lowercase().as_str(), "yes" | "true" | "on" | "1")),
        Value::Number(number) => Some(number.as_i64() != Some(0)),
        _ => None,
    };
    Overrides {
        block_start_string: text("block_start_string"),
        block_end_string: text("block_end_string"),
        variable_start_string: text("variable_start_string"),
        variable_end_string: text("variable_end_string"),
        comment_start_string: text("comment_start_string"),
        comment_end_string: text("comment_end_string"),
        newline_sequence: text("newline_sequence").map(|text| text.replace("\\n", "\n").replace("\\r", "\r")),
        trim_blocks: truth("trim_blocks"),
        lstrip_blocks: truth("lstrip_blocks"),
        ..Overrides::default()
    }
}
