use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rplay_aws::AwsParams;
use rplay_module::params::{Json, ParamFault, parse};
use rplay_module::{
    Choice, Composed, Composite, Driven, Failure, FailureKind, Params, Result, Runnable, Step, unknown,
};
use serde_json::{Map, Value};

use crate::instance_profile::{InstanceProfile, InstanceProfileParams};
use crate::role::Role;

/// The steps' names.
const ROLE: &str = "role";
const INSTANCE_PROFILE: &str = "instance_profile";
const LONGEST_NAME: usize = 64;
const LONGEST_PATH: usize = 512;
const SESSION_SECONDS: RangeInclusive<i32> = 3600..=43200;

/// Keeps a role of IAM with its policies, and unless told otherwise an instance profile of the same name.
#[derive(Params, Clone)]
#[params(required_if(state = "present", needs("assume_role_policy_document")))]
pub(crate) struct IamRoleParams {
    /// The role's name, unique in the account whatever its path.
    #[param(identity, alias = "role_name")]
    pub(crate) name: String,
    /// The role's path, such as `/app/`; `/` when omitted. AWS cannot change it: a role that is there keeps its own, with a
    /// warning.
    #[param(alias = "path_prefix", alias = "prefix")]
    pub(crate) path: Option<String>,
    /// What the role is for; empty for nothing. Omitted: as it is.
    pub(crate) description: Option<String>,
    /// The ARN of a managed policy that bounds what the role may do; empty for none. Omitted: as it is. Needs
    /// `create_instance_profile: false`.
    #[param(alias = "boundary_policy_arn")]
    pub(crate) boundary: Option<String>,
    /// Who may assume the role, as a policy document. Compared by what it says.
    pub(crate) assume_role_policy_document: Option<Json>,
    /// The managed policies, by ARN or by name: the account's own first, then AWS's. Omitted: as they are.
    #[param(alias = "managed_policy")]
    pub(crate) managed_policies: Option<Vec<String>>,
    /// The role's own policies: documents by name. Omitted: as they are, for `iam_policy` to keep. Not in Ansible's module.
    pub(crate) inline_policies: Option<BTreeMap<String, Json>>,
    /// How long a session may last, in seconds: 3600 to 43200. Omitted: as it is; 3600 in a new role.
    pub(crate) max_session_duration: Option<i32>,
    /// Whether policies that are not named are removed, where `managed_policies` or `inline_policies` is given.
    #[param(default = true, alias = "purge_policy", alias = "purge_managed_policies")]
    pub(crate) purge_policies: bool,
    /// Whether the role shall be there.
    #[param(default = "present")]
    pub(crate) state: Presence,
    /// Whether there shall be an instance profile of the same name that carries the role. Omitted: yes.
    pub(crate) create_instance_profile: Option<bool>,
    /// Whether the instance profile of the same name goes with the role. Only with `state: absent`. Omitted: it stays,
    /// without the role.
    pub(crate) delete_instance_profile: Option<bool>,
    /// The role's tags. Omitted: as they are.
    #[param(alias = "resource_tags")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
    /// Whether tags that are not named are removed, where `tags` is given.
    #[param(default = true)]
    pub(crate) purge_tags: bool,
    /// Whether the role is read back until it is seen as it was written; without it the result is what AWS answered.
    #[param(default = true)]
    pub(crate) wait: bool,
    /// How many seconds to wait for that.
    #[param(default = 120)]
    pub(crate) wait_timeout: u64,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub(crate) enum Presence {
    Present,
    Absent,
}

/// Returns the role alone, or with its instance profile.
pub(crate) fn pick(args: &Value) -> Box<dyn Runnable> {
    match parse::<IamRoleParams>(args) {
        Ok(parsed) if parsed.params.makes_profile() => Box::new(Composed(IamRole)),
        _ => Box::new(Driven(Role)),
    }
}

/// A role and the instance profile that carries it.
pub(crate) struct IamRole;

impl Composite for IamRole {
    type Params = IamRoleParams;

    fn steps(&self, p: &IamRoleParams) -> Result<Vec<Step>> {
        p.validate()?;
        let profile = InstanceProfileParams {
            name: p.name.clone(),
            path: p.path.clone(),
            role: p.name.clone(),
            aws: p.aws.clone(),
        };
        Ok(vec![
            Step::resource(ROLE, Role, p.clone()),
            Step::resource(INSTANCE_PROFILE, InstanceProfile, profile),
        ])
    }

    fn output(&self, _: &IamRoleParams, steps: &Steps) -> Value {
        steps.get(ROLE).cloned().unwrap_or_default().into()
    }
}

type Steps = indexmap::IndexMap<String, Map<String, Value>>;

impl IamRoleParams {
    fn makes_profile(&self) -> bool {
        self.state == Presence::Present && self.create_instance_profile != Some(false)
    }

    /// Finds what IAM would refuse anyway, in the words of Ansible's module.
    ///
    /// # Errors
    /// Every fault there is.
    pub(crate) fn validate(&self) -> Result<()> {
        let faults: Vec<ParamFault> =
            [self.boundary_fault(), self.session_fault(), self.name_fault(), self.path_fault()]
                .into_iter()
                .flatten()
                .map(|(path, message)| ParamFault::new(path, message))
                .collect();
        match faults.first() {
            None => Ok(()),
            Some(first) => {
                let message = first.message.clone();
                Err(Failure { kind: FailureKind::Arguments(faults), ..Failure::new(message) })
            }
        }
    }

    fn boundary_fault(&self) -> Option<(&'static str, String)> {
        let boundary = self.boundary.as_deref().filter(|boundary| !boundary.is_empty())?;
        let message = if self.create_instance_profile != Some(false) {
            "When using a boundary policy, `create_instance_profile` must be set to `false`."
        } else if !is_arn(boundary) && !unknown::is_unknown(boundary) {
            "Boundary policy must be an ARN"
        } else {
            return None;
        };
        Some(("boundary", message.to_owned()))
    }

    fn session_fault(&self) -> Option<(&'static str, String)> {
        let seconds = self.max_session_duration?;
        let message = "max_session_duration must be between 1 and 12 hours (3600 and 43200 seconds)";
        (!SESSION_SECONDS.contains(&seconds)).then(|| ("max_session_duration", message.to_owned()))
    }

    fn name_fault(&self) -> Option<(&'static str, String)> {
        let name = self.name.as_str();
        let message = if unknown::is_unknown(name) {
            return None;
        } else if name.chars().count() > LONGEST_NAME {
            format!("Length of role name may not exceed {LONGEST_NAME}")
        } else if name.is_empty() || !name.chars().all(is_named) {
            r"role name must match pattern [\w+=,.@-]+".to_owned()
        } else {
            return None;
        };
        Some(("name", message))
    }

    fn path_fault(&self) -> Option<(&'static str, String)> {
        let path = self.path.as_deref().filter(|path| !unknown::is_unknown(path))?;
        let message = if path.chars().count() > LONGEST_PATH {
            format!("Length of role path may not exceed {LONGEST_PATH}")
        } else if !path.starts_with('/') || !path.ends_with('/') {
            "role path must begin and end with /".to_owned()
        } else if path.contains("//")
            || !path.chars().all(|character| is_named(character) || character == '/')
        {
            r"role path must match pattern \/([\w+=,.@-]+\/)*".to_owned()
        } else {
            return None;
        };
        Some(("path", message))
    }
}

fn is_named(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}

/// Returns whether a text is the ARN of something of IAM; anything else is the name of a policy.
pub(crate) fn is_arn(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let begins =
        parts.next() == Some("arn") && parts.next().is_some_and(|partition| partition.starts_with("aws"));
    begins && parts.next() == Some("iam") && parts.count() == 3
}

#[cfg(test)]
mod tests;
