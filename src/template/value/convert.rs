//! Values from and to JSON and Rust's own types.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{Dict, Repr, Value};
use crate::marker;

impl Value {
    /// Returns the value of a JSON document; a text that is an unknown marker becomes an unknown value.
    pub fn from_json(json: Json) -> Self {
        match json {
            Json::Null => Self::NONE,
            Json::Bool(yes) => yes.into(),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(int), _) => int.into(),
                (_, Some(int)) => Self(Repr::Int(int.into())),
                _ => Self(Repr::Float(number.as_f64().unwrap_or(f64::NAN))),
            },
            Json::String(text) => match marker::whole_label(&text) {
                Some(label) => Self::unknown(label),
                None => text.into(),
            },
            Json::Array(items) => Self::list(items.into_iter().map(Self::from_json).collect()),
            Json::Object(entries) => entries
                .into_iter()
                .map(|(key, value)| (Self::from(key), Self::from_json(value)))
                .collect::<Dict>()
                .into(),
        }
    }

    /// Returns the value as JSON; what is unknown becomes its marker, what is left out or undefined null.
    pub fn to_json(&self) -> Json {
        match &self.0 {
            Repr::None | Repr::Omit | Repr::Undefined(_) => Json::Null,
            Repr::Bool(yes) => Json::Bool(*yes),
            Repr::Int(number) => int_to_json(*number),
            Repr::Big(number) => Json::String(number.to_string()),
            Repr::Float(number) => serde_json::Number::from_f64(*number).map_or(Json::Null, Json::Number),
            Repr::Str(text) => Json::String(text.to_string()),
            Repr::Bytes(bytes) => Json::String(String::from_utf8_lossy(bytes).into_owned()),
            Repr::List(items) | Repr::Tuple(items) => items.iter().map(Self::to_json).collect(),
            Repr::Dict(dict) => {
                Json::Object(dict.iter().map(|(key, value)| (key.json_key(), value.to_json())).collect())
            }
            Repr::Unknown(label) => Json::String(marker::mark(label)),
            Repr::Object(object) => Json::String(object.json_text()),
            Repr::Lazy(_) => Json::String(self.text()),
        }
    }

    /// Returns the key as Python's `json` writes it.
    pub(crate) fn json_key(&self) -> String {
        match &self.0 {
            Repr::None => "null".into(),
            Repr::Bool(yes) => yes.to_string(),
            _ => self.text(),
        }
    }
}

fn int_to_json(number: i128) -> Json {
    if let Ok(int) = i64::try_from(number) {
        return int.into();
    }
    if let Ok(int) = u64::try_from(number) {
        return int.into();
    }
    Json::String(number.to_string())
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self(Repr::Bool(yes))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self(Repr::Int(number.into()))
    }
}

impl From<i128> for Value {
    fn from(number: i128) -> Self {
        Self(Repr::Int(number))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self(Repr::Int(i128::try_from(number).unwrap_or(i128::MAX)))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self(Repr::Float(number))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(Repr::Str(text.into()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self(Repr::Str(text.into()))
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self(Repr::Str(text))
    }
}

impl From<Dict> for Value {
    fn from(dict: Dict) -> Self {
        Self(Repr::Dict(Arc::new(dict)))
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::list(items)
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::list(items.into_iter().collect())
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        Self::from_json(json)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_comes_back_as_it_went_in() {
        let json = json!({"a": [1, 2.5, null, true, "x"], "b": {"c": u64::MAX}});
        assert_eq!(Value::from_json(json.clone()).to_json(), json);
    }

    #[test]
    fn a_marker_is_an_unknown_value_and_a_text_around_one_stays_a_text() {
        let json = json!({"id": marker::mark("vpc.id"), "url": format!("http://{}/", marker::mark("dns"))});
        let value = Value::from_json(json.clone());
        assert!(value.get("id").is_some_and(Value::is_unknown));
        assert!(
            value.get("url").is_some_and(|url| url.is_text() && !url.is_unknown() && url.contains_unknown())
        );
        assert_eq!(value.to_json(), json);
    }

    #[test]
    fn keys_are_written_as_python_writes_them() {
        let dict: Dict =
            [(Value::from(1_i64), true.into()), (Value::NONE, Value::NONE)].into_iter().collect();
        assert_eq!(Value::from(dict).to_json(), json!({"1": true, "null": null}));
    }
}
