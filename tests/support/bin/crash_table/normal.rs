//! States of two runs as they can be compared: without what every run makes anew.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::Ipv4Addr;

use serde_json::Value;

use crate::state::Seen;

/// A state to compare: by kind, each thing as a line, in an order that says nothing.
pub(crate) type State = BTreeMap<&'static str, Vec<String>>;

/// What two undisturbed runs have in common: every other word is an id, a time or an address of one run alone.
pub(crate) struct Normal {
    constants: HashSet<String>,
}

/// Seconds since 1970 begin here; nothing that is counted or set comes near.
const LONG_AGO: f64 = 1_000_000_000.0;

/// Ids that have a name: by the field that holds the id where the thing itself is listed.
const NAMED: [(&str, &str); 5] = [
    ("vpc", "vpcId"),
    ("subnet", "subnetId"),
    ("internet gateway", "internetGatewayId"),
    ("route table", "routeTableId"),
    ("security group", "groupId"),
];

impl Normal {
    /// Learns what is constant from two undisturbed runs.
    pub(crate) fn learn(one: &Seen, other: &Seen) -> Self {
        let words_of = |seen: &Seen| {
            let mut words = HashSet::new();
            for thing in renamed(seen).values().flatten() {
                collect(thing, &mut words);
            }
            words
        };
        let constants = words_of(one).intersection(&words_of(other)).cloned().collect();
        Self { constants }
    }

    pub(crate) fn of(&self, seen: &Seen) -> State {
        let line = |thing: &Value| self.masked(thing).to_string();
        renamed(seen)
            .into_iter()
            .map(|(kind, things)| {
                let mut lines: Vec<String> = things.iter().map(line).collect();
                lines.sort();
                (kind, lines)
            })
            .collect()
    }

    fn masked(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().map(|(k, v)| (k.clone(), self.masked(v))).collect();
                fields.sort_by(|one, other| one.0.cmp(&other.0));
                Value::Object(fields.into_iter().collect())
            }
            Value::Array(list) => {
                let mut list: Vec<Value> = list.iter().map(|value| self.masked(value)).collect();
                list.sort_by_cached_key(Value::to_string);
                Value::Array(list)
            }
            Value::Number(_) | Value::String(_) => {
                let text = plain(value);
                let masked = pieces(&text)
                    .map(|piece| if self.keeps(piece) { piece } else { "?" })
                    .collect::<String>();
                Value::String(masked)
            }
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    fn keeps(&self, piece: &str) -> bool {
        !piece.starts_with(char::is_alphanumeric) || self.constants.contains(piece)
    }
}

/// Returns how many things there are beyond those of the other state, kind by kind.
pub(crate) fn surplus(state: &State, reference: &State) -> usize {
    let known = |kind: &str| reference.get(kind).map_or(0, Vec::len);
    state.iter().map(|(kind, things)| things.len().saturating_sub(known(kind))).sum()
}

/// Returns what differs, a line for each thing that only one side has.
pub(crate) fn difference(state: &State, reference: &State) -> Vec<String> {
    let mut lines = Vec::new();
    let only = |sign: &str, these: &State, those: &State, lines: &mut Vec<String>| {
        for (kind, things) in these {
            let mut others = those.get(kind).cloned().unwrap_or_default();
            for thing in things {
                match others.iter().position(|other| other == thing) {
                    Some(at) => drop(others.swap_remove(at)),
                    None => lines.push(format!("{sign} {kind}: {thing}")),
                }
            }
        }
    };
    only("-", reference, state, &mut lines);
    only("+", state, reference, &mut lines);
    lines
}

/// Replaces ids by names, so that what hangs on what is compared too.
fn renamed(seen: &Seen) -> Seen {
    let mut names = HashMap::new();
    for (kind, field) in NAMED {
        for thing in seen.get(kind).into_iter().flatten() {
            if let Some(id) = thing[field].as_str() {
                names.insert(id.to_owned(), format!("{kind} {}", name(thing)));
            }
        }
    }
    let things = |things: &Vec<Value>| things.iter().map(|thing| replaced(thing, &names)).collect();
    seen.iter().map(|(kind, list)| (*kind, things(list))).collect()
}

fn name(thing: &Value) -> String {
    let tags = crate::xml::list(thing, "tagSet");
    let tag = tags.iter().find(|tag| tag["key"] == "Name").map(|tag| &tag["value"]);
    let named = thing["groupName"].as_str().or_else(|| tag.and_then(Value::as_str));
    named.unwrap_or("without a name").to_owned()
}

fn replaced(value: &Value, names: &HashMap<String, String>) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), replaced(value, names))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(|value| replaced(value, names)).collect()),
        Value::String(text) => {
            let known = names.iter().filter(|(id, _)| text.contains(id.as_str()));
            Value::String(known.fold(text.clone(), |text, (id, name)| text.replace(id, name)))
        }
        _ => value.clone(),
    }
}

/// Returns a text or number as text, times and the containers' addresses by what they are.
fn plain(value: &Value) -> String {
    if value.as_f64().is_some_and(|number| number > LONG_AGO) {
        return "(time)".to_owned();
    }
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let time = text.as_bytes().get(10) == Some(&b'T') && text.starts_with("20");
    let address =
        text.parse::<Ipv4Addr>().is_ok_and(|address| matches!(address.octets(), [172, 16..=31, ..]));
    match (time, address) {
        (true, _) => "(time)".to_owned(),
        (_, true) => "(address)".to_owned(),
        _ => text,
    }
}

/// Takes a text apart into words of letters and digits and what stands between them.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let word = rest.chars().next()?.is_alphanumeric();
        let end = rest.find(|character: char| character.is_alphanumeric() != word).unwrap_or(rest.len());
        let (piece, behind) = rest.split_at(end);
        rest = behind;
        Some(piece)
    })
}

fn collect(value: &Value, words: &mut HashSet<String>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|value| collect(value, words)),
        Value::Array(list) => list.iter().for_each(|value| collect(value, words)),
        Value::Number(_) | Value::String(_) => words.extend(pieces(&plain(value)).map(str::to_owned)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn world(vpc: &str, subnets: &[(&str, &str)], at: f64) -> Seen {
        let tag = |name: &str| json!({ "item": { "key": "Name", "value": name } });
        let subnet = |&(id, name): &(&str, &str)| json!({ "subnetId": id, "vpcId": vpc, "at": at, "tagSet": tag(name) });
        Seen::from([
            ("vpc", vec![json!({ "vpcId": vpc, "state": "available", "tagSet": tag("app") })]),
            ("subnet", subnets.iter().map(subnet).collect()),
        ])
    }

    #[test]
    fn ids_times_and_order_make_no_difference() {
        let one = world("vpc-0a1b", &[("subnet-1c", "a"), ("subnet-2d", "b")], 1_700_000_000.0);
        let other = world("vpc-9f8e", &[("subnet-7c", "b"), ("subnet-6d", "a")], 1_800_000_000.5);
        let normal = Normal::learn(&one, &other);
        assert_eq!(normal.of(&one), normal.of(&other));
    }

    #[test]
    fn a_further_thing_and_another_value_do() {
        let subnets = [("subnet-1c", "a"), ("subnet-2d", "b")];
        let one = world("vpc-0a1b", &subnets, 1_700_000_000.0);
        let normal = Normal::learn(&one, &world("vpc-9f8e", &subnets, 1_700_000_009.0));
        let more = world("vpc-77aa", &[subnets[0], subnets[1], ("subnet-3e", "b")], 1_700_000_000.0);
        let (reference, more) = (normal.of(&one), normal.of(&more));
        assert_eq!((surplus(&more, &reference), surplus(&reference, &more)), (1, 0));
        let mut pending = one.clone();
        pending.get_mut("vpc").unwrap()[0]["state"] = json!("pending");
        let lines = difference(&normal.of(&pending), &reference);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[1].starts_with("+ vpc: ") && lines[1].contains("\"state\":\"?\""), "{lines:?}");
    }
}
