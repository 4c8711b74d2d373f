//! Names as Ansible returns them: `TargetGroupARNs` becomes `target_group_arns`.

use serde_json::{Map, Value};

/// Returns a key in Ansible's spelling, by the rules of `camel_dict_to_snake_dict`.
pub fn camel_to_snake(name: &str) -> String {
    let plural = plural_abbreviation(name);
    let split = split_at(&plural, word_begins);
    split_at(&split, capitals_begin).to_lowercase()
}

/// Returns the value with every key of its mappings in Ansible's spelling.
pub fn snake_keys(value: Value) -> Value {
    snake_keys_except(value, &[])
}

/// Like [`snake_keys`], but leaves alone what stands under these keys at the top: tags, whose keys are the user's.
pub fn snake_keys_except(value: Value, ignored: &[&str]) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(key, value)| {
                    let value = if ignored.contains(&key.as_str()) { value } else { snake_keys(value) };
                    (camel_to_snake(&key), value)
                })
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(snake_keys).collect()),
        other => other,
    }
}

/// `TargetGroupARNs` ends in three capitals or more and an `s`: one word.
fn plural_abbreviation(name: &str) -> String {
    let Some(stem) = name.strip_suffix('s') else { return name.to_owned() };
    let head = stem.trim_end_matches(|character: char| character.is_ascii_uppercase());
    let Some(capitals) = stem.get(head.len()..).filter(|capitals| capitals.len() >= 3) else {
        return name.to_owned();
    };
    let underscore = if head.is_empty() { "" } else { "_" };
    format!("{head}{underscore}{}s", capitals.to_lowercase())
}

/// Puts an underscore after each character where `begins` finds a word behind it; looks on behind that word.
fn split_at(name: &str, begins: fn(char, &[char]) -> usize) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    let mut rest = characters.as_slice();
    while let Some((first, behind)) = rest.split_first() {
        out.push(*first);
        let length = begins(*first, behind);
        let (word, left) = behind.split_at(length);
        if !word.is_empty() {
            out.push('_');
            out.extend(word);
        }
        rest = left;
    }
    out
}

/// A capital and small letters, behind anything.
fn word_begins(_: char, behind: &[char]) -> usize {
    let small = behind.iter().skip(1).take_while(|character| character.is_ascii_lowercase()).count();
    let capital = behind.first().is_some_and(char::is_ascii_uppercase);
    if capital && small > 0 { small + 1 } else { 0 }
}

/// Capitals behind a small letter or a digit.
fn capitals_begin(first: char, behind: &[char]) -> usize {
    if !first.is_ascii_lowercase() && !first.is_ascii_digit() {
        return 0;
    }
    behind.iter().take_while(|character| character.is_ascii_uppercase()).count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_spelled_as_ansible_spells_them() {
        for (camel, snake) in [
            ("VpcId", "vpc_id"),
            ("taskDefinitionArn", "task_definition_arn"),
            ("TargetGroupARNs", "target_group_arns"),
            ("ARNs", "arns"),
            ("HTTPEndpoint", "http_endpoint"),
            ("DNSName", "dns_name"),
            ("EbsOptimized", "ebs_optimized"),
            ("IPv6CidrBlock", "i_pv6_cidr_block"),
            ("Ipv6CidrBlockSet", "ipv6_cidr_block_set"),
            ("S3Bucket", "s3_bucket"),
            ("already_snake", "already_snake"),
            ("CidrIps", "cidr_ips"),
            ("awsvpcConfiguration", "awsvpc_configuration"),
        ] {
            assert_eq!(camel_to_snake(camel), snake, "{camel}");
        }
    }

    #[test]
    fn the_keys_of_tags_stay_as_they_are() {
        let value =
            json!({ "VpcId": "vpc-1", "Tags": { "MyKey": { "A": 1 } }, "Subnets": [{ "SubnetId": "s" }] });
        assert_eq!(
            snake_keys_except(value, &["Tags"]),
            json!({ "vpc_id": "vpc-1", "tags": { "MyKey": { "A": 1 } }, "subnets": [{ "subnet_id": "s" }] })
        );
    }
}
