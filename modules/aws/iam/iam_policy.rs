use std::collections::BTreeSet;

use rplay_aws::{AwsParams, Document, client};
use rplay_client_iam::Iam;
use rplay_module::params::Json;
use rplay_module::{
    Address, Change, Choice, Cx, Failure, Foretold, Params, Realm, Report, Resource, Result, State,
};
use serde_json::{Value, json};

use crate::holder::{Holder, HolderKind};

/// Keeps a policy of a user's, group's or role's own.
#[derive(Params)]
#[params(required_if(state = "present", any("policy_json")))]
pub(crate) struct IamPolicyParams {
    /// Whose policy it is.
    #[param(identity)]
    iam_type: HolderKind,
    /// The user's, group's or role's name.
    #[param(identity)]
    iam_name: String,
    /// The policy's name.
    #[param(identity)]
    policy_name: String,
    /// The policy, as text or as data. Compared by what it says.
    policy_json: Option<Json>,
    /// Whether another policy of the same holder that says the same is enough.
    #[param(default = false)]
    skip_duplicates: bool,
    /// Whether the policy shall be there.
    #[param(default = "present")]
    state: Presence,
    #[param(flatten)]
    aws: AwsParams,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
enum Presence {
    Present,
    Absent,
}

/// A policy as it is or shall be.
#[derive(Clone, Debug, PartialEq, State)]
pub(crate) struct Policy {
    policy: Document,
}

/// The holder's other policies.
#[derive(Debug, Default)]
pub(crate) struct Around {
    names: BTreeSet<String>,
    /// Another one says the same.
    duplicate: bool,
}

pub(crate) struct IamPolicy;

impl Resource for IamPolicy {
    type Params = IamPolicyParams;
    type State = Policy;
    type Around = Around;
    type Receipt = ();

    fn address(&self, p: &IamPolicyParams) -> Address {
        p.holder().policy_address(&p.policy_name)
    }

    fn refers(&self, p: &IamPolicyParams) -> Option<Vec<Address>> {
        Some(vec![p.holder().address()])
    }

    async fn read(&self, cx: &Cx, p: &IamPolicyParams, _: Option<&()>) -> Result<(Option<Policy>, Around)> {
        let (holder, absent) = (p.holder(), p.state == Presence::Absent);
        let nowhere =
            || if absent { Ok((None, Around::default())) } else { Err(Failure::missing(holder.address())) };
        match cx.world().foretold(&holder.address()) {
            Some(Foretold::Created(_)) => return Ok((None, Around::default())),
            Some(Foretold::Deleted) => return nowhere(),
            None => {}
        }
        let iam = client::<Iam>(cx, &p.aws).await?;
        let Some(names) = holder.policies(&iam).await? else { return nowhere() };
        let listed = names.contains(&p.policy_name);
        let policy = if listed { holder.policy(&iam, &p.policy_name).await? } else { None };
        let duplicate = match p.wanted().filter(|wanted| p.skip_duplicates && policy.as_ref() != Some(wanted))
        {
            Some(wanted) => p.is_among(&iam, &names, &wanted).await?,
            None => false,
        };
        let names = names.into_iter().collect();
        Ok((policy.map(|policy| Policy { policy }), Around { names, duplicate }))
    }

    fn desired(&self, p: &IamPolicyParams, around: &Around, have: Option<&Policy>) -> Result<Option<Policy>> {
        if p.state == Presence::Absent {
            return Ok(None);
        }
        if around.duplicate {
            return Ok(have.cloned());
        }
        let wanted = p.wanted().ok_or_else(|| Failure::bug("a policy without a document"))?;
        Ok(Some(Policy { policy: wanted }))
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &IamPolicyParams,
        _: &Around,
        change: Change<'_, Policy>,
    ) -> Result<()> {
        let iam = client::<Iam>(cx, &p.aws).await?;
        match change {
            Change::Create { want } | Change::Update { want, .. } => {
                p.holder().put(&iam, &p.policy_name, &want.policy).await
            }
            Change::Delete { .. } => p.holder().delete(&iam, &p.policy_name).await,
        }
    }

    fn output(&self, p: &IamPolicyParams, report: &Report<'_, Self>) -> Value {
        let mut names = report.around.names.clone();
        match report.after {
            Some(_) => names.insert(p.policy_name.clone()),
            None => names.remove(&p.policy_name),
        };
        json!({ format!("{}_name", p.iam_type.as_str()): p.iam_name, "policy_names": names })
    }

    async fn realm(&self, cx: &Cx, p: &IamPolicyParams) -> Result<Realm> {
        rplay_client_sts::global_realm(cx, &p.aws).await
    }
}

impl IamPolicyParams {
    fn holder(&self) -> Holder<'_> {
        Holder { kind: self.iam_type, name: &self.iam_name }
    }

    fn wanted(&self) -> Option<Document> {
        self.policy_json.as_ref().map(|document| Document::new(document.0.clone()))
    }

    /// Returns whether one of the other policies says the same.
    async fn is_among(&self, iam: &Iam, names: &[String], wanted: &Document) -> Result<bool> {
        for name in names.iter().filter(|name| **name != self.policy_name) {
            if self.holder().policy(iam, name).await?.as_ref() == Some(wanted) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests;
