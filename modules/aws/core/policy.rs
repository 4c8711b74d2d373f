//! Policy documents, compared by what they say.
//!
//! IAM gives a document back in another order, with single texts where lists were written, accounts as ARNs of their
//! root, and numbers and booleans as text. [`normal`] evens that out.
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>.

use serde_json::{Map, Value};

/// What a document without `Version` means.
const DEFAULT_VERSION: &str = "2008-10-17";

/// Returns the document in the one form in which two that say the same are equal.
pub fn normal(document: &Value) -> Value {
    let Value::Object(fields) = document else { return element("", document) };
    let mut fields = fields.clone();
    fields.entry("Version").or_insert_with(|| Value::from(DEFAULT_VERSION));
    element("", &Value::Object(fields))
}

/// Returns whether two documents say the same.
pub fn same(one: &Value, other: &Value) -> bool {
    normal(one) == normal(other)
}

/// Reads a document from an answer: IAM and ECR give JSON text, IAM's in percent encoding.
///
/// # Errors
/// What the JSON reader says.
pub fn parse(text: &str) -> Result<Value, serde_json::Error> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text);
    }
    serde_json::from_slice(&percent_decoded(text))
}

fn element(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            let sorted = sorted.into_iter().map(|(key, value)| (key.clone(), element(key, value)));
            Value::Object(sorted.collect::<Map<_, _>>())
        }
        Value::Array(items) => list(items.iter().map(|item| element(key, item)).collect()),
        // `"Principal": "*"` and `{"AWS": "*"}` both mean anyone.
        Value::String(text) if text == "*" && matches!(key, "Principal" | "NotPrincipal") => {
            element(key, &Value::Object(Map::from_iter([("AWS".to_owned(), Value::from("*"))])))
        }
        Value::String(text) if matches!(key, "Version" | "Sid" | "Effect" | "Id") => {
            Value::from(text.as_str())
        }
        Value::String(text) => list(vec![Value::from(account(text))]),
        Value::Bool(flag) => list(vec![Value::from(flag.to_string())]),
        Value::Number(number) => list(vec![Value::from(number.to_string())]),
        Value::Null => Value::Null,
    }
}

/// Lists of texts and of statements are sets; lists in lists (of single texts, made above) are flattened.
fn list(items: Vec<Value>) -> Value {
    let mut flat: Vec<Value> = items
        .into_iter()
        .flat_map(|item| match item {
            Value::Array(inner) => inner,
            other => vec![other],
        })
        .collect();
    flat.sort_by_cached_key(Value::to_string);
    flat.dedup();
    if let [Value::Object(_)] = flat.as_slice() {
        return flat.remove(0);
    }
    Value::Array(flat)
}

/// `arn:aws:iam::123456789012:root` and `123456789012` name the same principal.
fn account(text: &str) -> &str {
    let mut parts = text.splitn(6, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("arn"), Some(_), Some("iam"), Some(""), Some(account), Some("root")) => account,
        _ => text,
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let code = (*first == b'%').then(|| behind.get(..2)).flatten();
        let byte = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_and_single_texts_make_no_difference() {
        let one = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "*" },
            { "Effect": "Deny", "Action": "iam:*", "Resource": ["*"] }] });
        let other = json!({ "Statement": [
            { "Resource": "*", "Effect": "Deny", "Action": ["iam:*"] },
            { "Action": ["s3:GetObject", "s3:PutObject"], "Effect": "Allow", "Resource": ["*"] }],
            "Version": "2012-10-17" });
        assert!(same(&one, &other));
    }

    #[test]
    fn one_statement_and_a_list_of_it_are_the_same() {
        let statement = json!({ "Effect": "Allow", "Action": "a:b", "Resource": "*" });
        assert!(same(&json!({ "Statement": statement }), &json!({ "Statement": [statement] })));
    }

    #[test]
    fn an_account_is_its_root() {
        let of = |principal: Value| json!({ "Statement": [{ "Effect": "Allow", "Principal": principal, "Action": "*" }] });
        assert!(same(
            &of(json!({ "AWS": "arn:aws:iam::123456789012:root" })),
            &of(json!({ "AWS": ["123456789012"] }))
        ));
        assert!(same(&of(json!("*")), &of(json!({ "AWS": "*" }))));
        assert!(!same(&of(json!({ "AWS": "123456789012" })), &of(json!({ "AWS": "123456789013" }))));
    }

    #[test]
    fn numbers_and_booleans_are_texts() {
        let of = |value: Value| json!({ "Statement": { "Condition": { "Bool": { "aws:SecureTransport": value } } } });
        assert!(same(&of(json!(true)), &of(json!("true"))));
        assert!(!same(&of(json!(true)), &of(json!("false"))));
    }

    #[test]
    fn a_missing_version_is_the_old_one() {
        let statement = json!([{ "Effect": "Allow", "Action": "a:b", "Resource": "*" }]);
        assert!(!same(
            &json!({ "Statement": statement }),
            &json!({ "Statement": statement, "Version": "2012-10-17" })
        ));
        assert!(same(
            &json!({ "Statement": statement }),
            &json!({ "Statement": statement, "Version": "2008-10-17" })
        ));
    }

    #[test]
    fn percent_encoded_documents_are_read() {
        assert_eq!(parse("%7B%22a%22%3A%20%22b%25%22%7D").unwrap(), json!({ "a": "b%" }));
        assert_eq!(parse(r#"{"a": "100%25"}"#).unwrap(), json!({ "a": "100%25" }));
    }
}
