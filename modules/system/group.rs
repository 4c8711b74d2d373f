use rplay_module::{Action, Choice, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::json;

use crate::accounts;
use crate::program::{self, Order, Ran};

/// Keeps a group of users.
#[derive(Params)]
#[params(required_if(non_unique = true, needs("gid")))]
pub(crate) struct GroupParams {
    /// The group's name.
    name: String,
    /// Whether it shall be there.
    #[param(default = "present")]
    state: State,
    /// Its number; omitted it stays as it is, and a new one gets the next that is free.
    gid: Option<u32>,
    /// Whether a group that is some user's own is deleted all the same.
    #[param(default = false)]
    force: bool,
    /// Whether a new group is one of the system.
    #[param(default = false)]
    system: bool,
    /// Whether the programs of libuser are used, which know of local groups only.
    #[param(default = false)]
    local: bool,
    /// Whether the number may be that of another group, too.
    #[param(default = false)]
    non_unique: bool,
    /// The least number that a new group may get.
    gid_min: Option<u32>,
    /// The greatest number that a new group may get.
    gid_max: Option<u32>,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

impl GroupParams {
    fn judge(&self) -> Result<()> {
        if self.force && self.local {
            return Err(Failure::new(
                "force is not a valid option for local, force=True and local=True are mutually exclusive",
            ));
        }
        for (name, bound) in [("gid_min", self.gid_min), ("gid_max", self.gid_max)] {
            if self.local && bound.is_some() {
                return Err(Failure::new(format!("'{name}' can not be used with 'local'")));
            }
        }
        Ok(())
    }

    fn program(&self, cx: &Cx, name: &str) -> Result<Order> {
        let name = if self.local { format!("l{name}") } else { name.to_owned() };
        Ok(Order::new([program::require(cx, &name)?]))
    }

    /// Returns what has to be run; `None` where everything is as it shall be.
    async fn order(&self, cx: &Cx) -> Result<Option<Order>> {
        let there = accounts::group(cx, &self.name).await;
        let gid = self.gid.map(|gid| gid.to_string());
        Ok(match (self.state, there) {
            (State::Absent, Some(_)) => {
                let order = self.program(cx, "groupdel")?;
                Some(if self.force { order.arg("-f") } else { order }.arg(self.name.as_str()))
            }
            (State::Present, None) => {
                let mut order = self.program(cx, "groupadd")?.option("-g", gid);
                if self.gid.is_some() && self.non_unique {
                    order = order.arg("-o");
                }
                if self.system {
                    order = order.arg("-r");
                }
                let bound = |name: &str, value: Option<u32>| value.map(|value| format!("{name}={value}"));
                order = order
                    .option("-K", bound("GID_MIN", self.gid_min))
                    .option("-K", bound("GID_MAX", self.gid_max));
                Some(order.arg(self.name.as_str()))
            }
            (State::Present, Some(group)) if self.gid.is_some_and(|gid| gid != group.gid) => {
                let order = self.program(cx, "groupmod")?.option("-g", gid);
                Some(if self.non_unique { order.arg("-o") } else { order }.arg(self.name.as_str()))
            }
            (State::Absent, None) | (State::Present, Some(_)) => None,
        })
    }

    async fn deed(&self, cx: &Cx, ran: Option<Ran>) -> Deed {
        let mut deed = Deed::new(ran.is_some(), json!({ "name": self.name, "state": self.state.as_str() }));
        let mut put = |name: &str, value: serde_json::Value| drop(deed.result.insert(name.to_owned(), value));
        if let Some(ran) = ran {
            for (name, text) in [("stdout", ran.out), ("stderr", ran.err)] {
                if !text.is_empty() {
                    put(&format!("{name}_lines"), text.lines().map(str::to_owned).collect::<Vec<_>>().into());
                    put(name, text.into());
                }
            }
        }
        if let Some(group) = accounts::group(cx, &self.name).await {
            put("system", self.system.into());
            put("gid", group.gid.into());
        }
        deed
    }
}

pub(crate) struct Group;

impl Action for Group {
    type Params = GroupParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &GroupParams) -> Result<Deed> {
        p.judge()?;
        let there = accounts::group(cx, &p.name).await.is_some();
        match p.order(cx).await? {
            // Of a group that is made or deleted Ansible foretells nothing but the change.
            Some(_) if !there || p.state == State::Absent => Ok(Deed::new(true, json!({}))),
            order => Ok(p.deed(cx, order.map(|_| Ran::default())).await),
        }
    }

    async fn perform(&self, cx: &Cx, p: &GroupParams) -> Result<Deed> {
        p.judge()?;
        let Some(order) = p.order(cx).await? else { return Ok(p.deed(cx, None).await) };
        let ran = order.run(cx).await?;
        if !ran.ok() {
            return Err(Failure::new(ran.err).field("name", p.name.as_str()));
        }
        Ok(p.deed(cx, Some(ran)).await)
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::{Exit, Mode};
    use serde_json::json;

    use crate::tests::Bench;

    #[tokio::test]
    async fn a_group_that_is_as_it_shall_be_is_left_alone() {
        let bench = Bench::new();
        let kept = bench.run("group", &json!({ "name": "root", "gid": 0 }), Mode::Apply).await;
        assert!(!kept.changed, "{:?}", kept.failure);
        assert_eq!((&kept.result["gid"], &kept.result["state"]), (&json!(0), &json!("present")));
        let absent =
            bench.run("group", &json!({ "name": "rplay-none", "state": "absent" }), Mode::Apply).await;
        assert!(!absent.changed && bench.spawned("groupdel").is_empty());
    }

    #[tokio::test]
    async fn a_group_is_foretold_and_made() {
        let bench = Bench::answering("groupadd", &Exit::default());
        let args = json!({ "name": "rplay-none", "gid": 4711, "system": true, "non_unique": true });
        let foretold = bench.run("group", &args, Mode::Check).await;
        assert!(foretold.changed && bench.spawned("groupadd").is_empty());
        assert!(bench.run("group", &args, Mode::Apply).await.changed);
        assert_eq!(bench.spawned("groupadd"), [["-g", "4711", "-o", "-r", "rplay-none"].map(str::to_owned)]);
    }

    #[tokio::test]
    async fn what_the_program_refuses_is_told() {
        let refusal = Exit { rc: 8, stderr: b"groupdel: cannot remove".to_vec(), ..Exit::default() };
        let bench = Bench::answering("groupdel", &refusal);
        let failed = bench.run("group", &json!({ "name": "root", "state": "absent" }), Mode::Apply).await;
        assert_eq!(failed.failure.unwrap().message, "groupdel: cannot remove");
    }

    #[tokio::test]
    async fn each_wrong_argument_is_named() {
        let bench = Bench::new();
        for (args, message) in [
            (
                json!({ "name": "a", "non_unique": true }),
                "non_unique is True but all of the following are missing: gid",
            ),
            (
                json!({ "name": "a", "force": true, "local": true }),
                "force is not a valid option for local, force=True and local=True are mutually exclusive",
            ),
            (json!({ "name": "a", "gid_min": 1, "local": true }), "'gid_min' can not be used with 'local'"),
        ] {
            assert_eq!(bench.run("group", &args, Mode::Apply).await.failure.unwrap().message, message);
        }
    }
}
