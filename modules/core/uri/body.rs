//! What is sent, and as what.

use rplay_http::Body;
use rplay_module::{Cx, Failure, Result, words};
use serde_json::Value;

use super::{BodyFormat, UriParams};
use crate::paths;

const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn of(cx: &Cx, p: &UriParams) -> Result<Option<Body>> {
    if p.src.is_some() {
        return source(cx, p).map(Some);
    }
    match (p.body_format, &p.body) {
        (BodyFormat::FormMultipart, _) => Err(Failure::new("body_format: form-multipart is not built yet")),
        // What is no text is written as JSON, and nothing at all is JSON's null.
        (BodyFormat::Json, body) => {
            let text = match body {
                None => "null".to_owned(),
                Some(Value::String(text)) => text.clone(),
                Some(data) => words::document(data),
            };
            Ok(Some(Body { bytes: text.into_bytes(), content_type: "application/json".to_owned() }))
        }
        (_, None) => Ok(None),
        (_, Some(Value::String(text))) => {
            Ok(Some(Body { bytes: text.clone().into_bytes(), content_type: FORM.to_owned() }))
        }
        (BodyFormat::FormUrlencoded, Some(data)) => match form(data) {
            Some(text) => Ok(Some(Body { bytes: text.into_bytes(), content_type: FORM.to_owned() })),
            None => Err(Failure::new(
                "failed to parse body as form_urlencoded: cannot form-urlencode body, expect list or dict",
            )
            .field("elapsed", 0)),
        },
        (BodyFormat::Raw, Some(_)) => Err(Failure::new("body must be a text where body_format is raw")
            .hint("data is sent with body_format: json or form-urlencoded")
            .field("elapsed", 0)),
    }
}

fn source(cx: &Cx, p: &UriParams) -> Result<Body> {
    let Some(src) = &p.src else { return Err(Failure::bug("a body without a source")) };
    // A path of the controller is whole already; one of the host is written as people write paths.
    let path =
        if p.remote_src { paths::absolute(cx, &src.path) } else { cx.world().folder().join(&src.path) };
    let bytes = match &src.content {
        Some(content) => content.clone(),
        None => std::fs::read(path).map_err(|error| {
            let message = format!("Unable to open source file {}", src.path.display());
            Failure::new(message).hint(error.to_string()).field("elapsed", 0)
        })?,
    };
    Ok(Body { bytes, content_type: FORM.to_owned() })
}

/// Writes a mapping or a list of pairs; a list of values repeats its key, null is left out.
fn form(body: &Value) -> Option<String> {
    let pairs: Vec<(String, &Value)> = match body {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(pairs) => pairs.iter().map(pair).collect::<Option<_>>()?,
        _ => return None,
    };
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in pairs {
        let values = value.as_array().map_or_else(|| vec![value], |values| values.iter().collect());
        for value in values.into_iter().filter(|value| !value.is_null()) {
            out.append_pair(&key, &python_text(value));
        }
    }
    Some(out.finish())
}

fn pair(value: &Value) -> Option<(String, &Value)> {
    match value.as_array()?.as_slice() {
        [key, value] => Some((python_text(key), value)),
        _ => None,
    }
}

fn python_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forms_are_written_from_mappings_and_from_pairs() {
        let mapping = json!({ "a": 1, "b": ["x", "y", null], "c": "ä &", "d": true, "e": null });
        assert_eq!(form(&mapping).unwrap(), "a=1&b=x&b=y&c=%C3%A4+%26&d=True");
        assert_eq!(form(&json!([["a", 1], ["a", 2]])).unwrap(), "a=1&a=2");
        assert_eq!(form(&json!([["a"]])), None);
        assert_eq!(form(&json!(3)), None);
    }
}
