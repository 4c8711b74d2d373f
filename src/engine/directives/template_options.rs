use rplay_module::Failure;
use rplay_template::Overrides;
use serde_json::Value;

/// Returns what the parameters of the `template` module say of delimiters and white space.
pub(crate) fn overrides(options: &Value) -> Result<Overrides, Failure> {
    let text = |name: &str| match options.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    let truth = |name: &str| match options.get(name)? {
        Value::Bool(value) => Some(*value),
        Value::String(text) => {
            Some(matches!(text.to_lowercase().as_str(), "y" | "yes" | "on" | "1" | "true" | "t" | "1.0"))
        }
        Value::Number(number) => Some(number.as_i64() == Some(1)),
        _ => None,
    };
    Ok(Overrides {
        block_start_string: text("block_start_string"),
        block_end_string: text("block_end_string"),
        variable_start_string: text("variable_start_string"),
        variable_end_string: text("variable_end_string"),
        comment_start_string: text("comment_start_string"),
        comment_end_string: text("comment_end_string"),
        newline_sequence: text("newline_sequence").map(|text| newline(&text)).transpose()?,
        trim_blocks: truth("trim_blocks"),
        lstrip_blocks: truth("lstrip_blocks"),
        ..Overrides::default()
    })
}

/// Returns a line end, which may be written with backslashes.
fn newline(text: &str) -> Result<String, Failure> {
    match text {
        "\n" | "\\n" => Ok("\n".into()),
        "\r" | "\\r" => Ok("\r".into()),
        "\r\n" | "\\r\\n" => Ok("\r\n".into()),
        _ => Err(Failure::new("newline_sequence needs to be one of: \n, \r or \r\n")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_of_the_module_change_delimiters_and_white_space() {
        let options = json!({
            "variable_start_string": "[%", "newline_sequence": "\\r\\n", "trim_blocks": "no", "lstrip_blocks": true,
        });
        let overrides = overrides(&options).expect("all are legal");
        assert_eq!(overrides.variable_start_string.as_deref(), Some("[%"));
        assert_eq!(overrides.newline_sequence.as_deref(), Some("\r\n"));
        assert_eq!((overrides.trim_blocks, overrides.lstrip_blocks), (Some(false), Some(true)));
    }

    #[test]
    fn what_is_no_line_end_is_refused() {
        let refused = overrides(&json!({ "newline_sequence": "x" })).expect_err("x ends no line");
        assert_eq!(refused.to_string(), "newline_sequence needs to be one of: \n, \r or \r\n");
    }
}
