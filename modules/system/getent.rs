use rplay_module::{Action, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::{Map, Value, json};

use crate::program::{self, Order};

/// Asks the system's databases: users, groups, hosts, services.
#[derive(Params)]
pub(crate) struct GetentParams {
    /// The database: `passwd`, `group`, `hosts` and the like.
    database: String,
    /// What to ask for; omitted everything is listed.
    key: Option<String>,
    /// Which service is asked (`files`, `ldap`).
    service: Option<String>,
    /// What stands between fields; omitted a colon for accounts, else white space.
    split: Option<String>,
    /// Whether a key that is not there is a failure.
    #[param(default = true)]
    fail_key: bool,
}

pub(crate) struct Getent;

impl Action for Getent {
    type Params = GetentParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &GetentParams) -> Result<Deed> {
        let order = Order::new([program::require(cx, "getent")?, p.database.clone()])
            .args(p.key.clone())
            .option("-s", p.service.as_deref());
        let ran = order.run(cx).await?;
        let tree = format!("getent_{}", p.database);
        let missing = "One or more supplied key could not be found in the database.";
        match ran.rc {
            0 => {
                let colon = matches!(p.database.as_str(), "passwd" | "shadow" | "group" | "gshadow");
                let split = p.split.as_deref().or(colon.then_some(":"));
                Ok(Deed::new(false, json!({ "ansible_facts": { tree: records(&ran.out, split) } })))
            }
            1 => Err(Failure::new("Missing arguments, or database unknown.")),
            2 if !p.fail_key => {
                let key = p.key.clone().unwrap_or_default();
                Ok(Deed::new(false, json!({ "ansible_facts": { tree: { key: null } }, "msg": missing })))
            }
            2 => Err(Failure::new(missing)),
            3 => Err(Failure::new("Enumeration not supported on this database.")),
            _ => Err(Failure::new("Unexpected failure!")),
        }
    }
}

/// Puts the fields of each line under its first; of several lines with the same first field there is a list.
fn records(lines: &str, split: Option<&str>) -> Map<String, Value> {
    let mut tree = Map::new();
    let mut seen: Map<String, Value> = Map::new();
    for line in lines.lines() {
        let fields: Vec<&str> = match split {
            Some(split) => line.split(split).collect(),
            None => line.split_whitespace().collect(),
        };
        let Some((first, rest)) = fields.split_first() else { continue };
        let rest = Value::from(rest);
        let many = seen.contains_key(*first);
        match tree.get_mut(*first) {
            Some(Value::Array(all)) if many => all.push(rest),
            Some(one) => {
                *one = Value::Array(vec![one.take(), rest]);
                seen.insert((*first).to_owned(), Value::Null);
            }
            None => drop(tree.insert((*first).to_owned(), rest)),
        }
    }
    tree
}

#[cfg(test)]
mod tests {
    use rplay_module::{Exit, Mode};
    use serde_json::{Value, json};

    use super::records;
    use crate::tests::Bench;

    #[tokio::test]
    async fn a_record_becomes_a_fact() {
        let bench = Bench::answering(
            "getent",
            &Exit { stdout: b"root:x:0:0::/root:/bin/sh\n".to_vec(), ..Exit::default() },
        );
        let asked = bench.run("getent", &json!({ "database": "passwd", "key": "root" }), Mode::Check).await;
        let fields = json!({ "root": ["x", "0", "0", "", "/root", "/bin/sh"] });
        assert_eq!(asked.result["ansible_facts"], json!({ "getent_passwd": fields }));
        assert_eq!(bench.spawned("getent"), [["passwd", "root"].map(str::to_owned)]);
    }

    #[tokio::test]
    async fn what_is_not_there_is_a_failure_unless_told_otherwise() {
        let bench = Bench::answering("getent", &Exit { rc: 2, ..Exit::default() });
        let mut args = json!({ "database": "hosts", "key": "x" });
        let failed = bench.run("getent", &args, Mode::Apply).await.failure.unwrap();
        assert_eq!(failed.message, "One or more supplied key could not be found in the database.");
        args["fail_key"] = json!(false);
        let empty = bench.run("getent", &args, Mode::Apply).await;
        assert_eq!(empty.result["ansible_facts"]["getent_hosts"], json!({ "x": null }));
    }

    #[test]
    fn lines_with_the_same_key_are_a_list() {
        let tree = records("a 1\nb  2 3\na 4\na 5\n", None);
        assert_eq!(Value::Object(tree), json!({ "a": [["1"], ["4"], ["5"]], "b": ["2", "3"] }));
    }
}
