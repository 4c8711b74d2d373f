//! `ec2_security_group`: a security group under Ansible's name, with Ansible's parameters and returned values. What keeps
//! it is [`SecurityGroup`]; here is how Ansible finds it, and how it shows it.

mod shown;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rplay_aws::{AwsParams, client};
use rplay_client_ec2::sdk::types::SecurityGroup as Ec2Group;
use rplay_client_ec2::{Ec2, filter};
use rplay_module::{
    Address, Change, Composed, Composite, Cx, Diff, DiffSide, Driven, Held, Params, Realm, Report, Resource,
    Result, Runnable, Step, Verdict, unknown,
};
use serde_json::{Map, Value, json};

use crate::presence::Presence;
use crate::refusals::the_one;
use crate::security_group::params::RuleOptions;
use crate::security_group::{Around, GroupState, SecurityGroup, SecurityGroupParams, address};

/// Keeps a security group and its rules, under Ansible's name.
#[derive(Clone, Debug, Params)]
#[params(required_one_of("name", "group_id"), required_if(state = "present", needs("name", "description")))]
pub(crate) struct Ec2SecurityGroupParams {
    /// The group's name. May only be omitted with `state: absent` and `group_id`.
    #[param(identity)]
    pub(crate) name: Option<String>,
    /// The group's id, in place of its name or to tell groups of one name apart. Omitted: it is found by its name.
    #[param(identity)]
    pub(crate) group_id: Option<String>,
    /// What the group is for. It cannot be changed: for another one there is a warning, and it stays. May only be omitted with
    /// `state: absent`.
    pub(crate) description: Option<String>,
    /// The id of its VPC. Omitted: the group is looked for in all of them, and made in the default one.
    #[param(identity)]
    pub(crate) vpc_id: Option<String>,
    /// Who may reach what is in the group. Omitted: nobody, unless `purge_rules` is no.
    pub(crate) rules: Option<Vec<AnsibleRule>>,
    /// Whom what is in the group may reach. Omitted: the rules are left alone; from a new group everything may go out.
    #[param(alias = "egress_rules")]
    pub(crate) rules_egress: Option<Vec<AnsibleRule>>,
    /// Whether rules that are not named are removed, where `rules` is given.
    #[param(default = true)]
    pub(crate) purge_rules: bool,
    /// Whether rules that are not named are removed, where `rules_egress` is given.
    #[param(default = true, alias = "purge_egress_rules")]
    pub(crate) purge_rules_egress: bool,
    /// The tags. Omitted: they are left alone.
    #[param(alias = "resource_tags")]
    pub(crate) tags: Option<IndexMap<String, String>>,
    /// Whether tags that are not named are removed, where `tags` is given.
    #[param(default = true)]
    pub(crate) purge_tags: bool,
    /// Whether it shall be there.
    #[param(default = "present")]
    pub(crate) state: Presence,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

/// A rule: each of its ports with each of its other sides.
#[derive(Clone, Debug, Params)]
pub(crate) struct AnsibleRule {
    #[param(flatten)]
    pub(crate) rule: RuleOptions,
    /// What a group of `group_name` is for that is not there yet: it is made with this description. Omitted: it must be
    /// there.
    pub(crate) group_desc: Option<String>,
}

impl Ec2SecurityGroupParams {
    fn plain(&self) -> SecurityGroupParams {
        let rules = |rules: &Option<Vec<AnsibleRule>>| {
            rules.as_ref().map(|rules| rules.iter().map(|rule| rule.rule.clone()).collect())
        };
        SecurityGroupParams {
            name: self.name.clone().or_else(|| self.group_id.clone()).unwrap_or_default(),
            description: self.description.clone(),
            vpc: None,
            vpc_id: Some(self.vpc_id.clone().unwrap_or_else(|| "default".to_owned())),
            // Ansible purges what is not named also where nothing is.
            rules: Some(rules(&self.rules).unwrap_or_default()),
            rules_egress: rules(&self.rules_egress),
            purge_rules: self.purge_rules,
            purge_rules_egress: self.purge_rules_egress,
            tags: self.tags.clone(),
            purge_tags: self.purge_tags,
            state: self.state,
            aws: self.aws.clone(),
        }
    }

    /// Returns the groups that rules may make, by name.
    fn makes(&self) -> IndexMap<String, String> {
        let described = |rule: &AnsibleRule| {
            let text = rule.group_desc.clone().filter(|text| !text.trim().is_empty())?;
            Some((rule.rule.group_name.clone()?, text))
        };
        let rules = self.rules.iter().chain(&self.rules_egress).flatten().filter_map(described);
        let groups = rules.flat_map(|(names, text)| names.into_iter().map(move |name| (name, text.clone())));
        groups.filter(|(name, _)| self.name.as_ref() != Some(name)).collect()
    }
}

/// Returns what the arguments ask for: rules with `group_desc` make groups beside the one that has them.
pub(crate) fn pick(args: &Value) -> Box<dyn Runnable> {
    let rules = ["rules", "rules_egress", "egress_rules"].iter().filter_map(|key| args.get(key)?.as_array());
    if rules.flatten().any(|rule| rule.get("group_desc").is_some_and(|text| !text.is_null())) {
        Box::new(Composed(WithOthers))
    } else {
        Box::new(Driven(Ec2SecurityGroup { only_if_missing: false }))
    }
}

/// The group, after those that its rules name and describe.
pub(crate) struct WithOthers;

impl Composite for WithOthers {
    type Params = Ec2SecurityGroupParams;

    fn steps(&self, p: &Ec2SecurityGroupParams) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        let makes = if p.state.is_absent() { IndexMap::new() } else { p.makes() };
        for (name, description) in makes {
            let other = Ec2SecurityGroupParams {
                name: Some(name.clone()),
                group_id: None,
                description: Some(description),
                rules: None,
                rules_egress: None,
                ..p.clone()
            };
            steps.push(Step::resource(
                format!("other {name}"),
                Ec2SecurityGroup { only_if_missing: true },
                other,
            ));
        }
        steps.push(Step::resource("group", Ec2SecurityGroup { only_if_missing: false }, p.clone()));
        Ok(steps)
    }

    fn output(&self, _: &Ec2SecurityGroupParams, steps: &IndexMap<String, Map<String, Value>>) -> Value {
        Value::Object(steps.get("group").cloned().unwrap_or_default())
    }
}

pub(crate) struct Ec2SecurityGroup {
    /// A group that is there is left as it is.
    only_if_missing: bool,
}

impl Ec2SecurityGroup {
    /// Returns the group, and the groups of its VPC that rules name, by name.
    async fn find(
        ec2: &Ec2,
        p: &Ec2SecurityGroupParams,
        mentioned: &[String],
    ) -> Result<(Option<Ec2Group>, BTreeMap<String, String>)> {
        let within = || p.vpc_id.iter().map(|id| filter("vpc-id", [id]));
        let (own, others): (Vec<Ec2Group>, Vec<Ec2Group>) = if let Some(id) = &p.group_id {
            let own =
                p.name.iter().map(|name| filter("group-name", [name])).chain([filter("group-id", [id])]);
            let mut own = ec2.security_groups(own.chain(within()).collect()).await?;
            own.retain(|group| group.group_id() == Some(id));
            let others = if mentioned.is_empty() {
                Vec::new()
            } else {
                ec2.security_groups(within().chain([filter("group-name", mentioned)]).collect()).await?
            };
            (own, others)
        } else {
            let names = p.name.iter().chain(mentioned);
            let found = ec2.security_groups(within().chain([filter("group-name", names)]).collect()).await?;
            found.into_iter().partition(|group| group.group_name() == p.name.as_deref())
        };
        let what = format!("security group {}", p.plain().name);
        let own = the_one(own, &what, Ec2Group::group_id)
            .map_err(|failure| failure.hint("say which VPC is meant: vpc_id"))?;
        let vpc_id = own.as_ref().and_then(Ec2Group::vpc_id);
        let same = |group: &&Ec2Group| vpc_id.is_none() || group.vpc_id() == vpc_id;
        let named = others.iter().filter(same);
        let named =
            named.filter_map(|group| Some((group.group_name()?.to_owned(), group.group_id()?.to_owned())));
        let named = named.collect();
        Ok((own, named))
    }
}

impl Resource for Ec2SecurityGroup {
    type Params = Ec2SecurityGroupParams;
    type State = GroupState;
    type Around = Around;
    type Receipt = ();

    fn address(&self, p: &Ec2SecurityGroupParams) -> Address {
        SecurityGroup.address(&p.plain())
    }

    fn refers(&self, p: &Ec2SecurityGroupParams) -> Option<Vec<Address>> {
        SecurityGroup.refers(&p.plain())
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &Ec2SecurityGroupParams,
        _: Option<&()>,
    ) -> Result<(Option<GroupState>, Around)> {
        let ec2 = client::<Ec2>(cx, &p.aws).await?;
        let plain = p.plain();
        let mentioned: Vec<String> = plain.mentioned().into_iter().map(str::to_owned).collect();
        let vpc_id = p.vpc_id.clone().unwrap_or_default();
        let (own, named) = if unknown::is_unknown(&vpc_id) {
            (None, BTreeMap::new())
        } else {
            Self::find(&ec2, p, &mentioned).await?
        };
        let mut groups = BTreeMap::new();
        for name in mentioned {
            let found = named.get(&name).cloned();
            if let Some(id) = cx.lookup(&address(plain.scope(), &name), async { Ok(found) }).await? {
                groups.insert(name, id);
            }
        }
        let state = own.map(|group| GroupState::of(&group, &groups));
        if let (Some(have), Some(asked)) = (&state, &p.description)
            && have.description != *asked
            && !self.only_if_missing
            && !p.state.is_absent()
        {
            cx.warn(
                "Group description does not match existing group. Descriptions cannot be changed without deleting and \
                 re-creating the security group. Try using state=absent to delete, then rerunning this task.",
            );
        }
        Ok((state, Around { vpc_id, groups, seen: true }))
    }

    fn desired(
        &self,
        p: &Ec2SecurityGroupParams,
        around: &Around,
        have: Option<&GroupState>,
    ) -> Result<Option<GroupState>> {
        if let Some(have) = have.filter(|_| self.only_if_missing) {
            return Ok(Some(have.clone()));
        }
        let mut plain = p.plain();
        if let Some(have) = have {
            plain.description = Some(have.description.clone());
        }
        SecurityGroup.desired(&plain, around, have)
    }

    fn verdict(&self, _: &Ec2SecurityGroupParams, have: &GroupState, want: &GroupState) -> Verdict {
        if have == want { Verdict::Keep } else { Verdict::Update }
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &Ec2SecurityGroupParams,
        around: &Around,
        change: Change<'_, GroupState>,
    ) -> Result<()> {
        SecurityGroup.apply(cx, &p.plain(), around, change).await
    }

    fn output(&self, p: &Ec2SecurityGroupParams, report: &Report<'_, Self>) -> Value {
        match report.after {
            Some(state) => shown::group(&p.plain(), report.around, state),
            None => json!({ "group_id": null }),
        }
    }

    fn diff(&self, p: &Ec2SecurityGroupParams, report: &Report<'_, Self>) -> Option<Vec<Diff>> {
        let side = |state: Option<&GroupState>| {
            DiffSide::Data(
                state.map_or_else(|| json!({}), |state| shown::group(&p.plain(), report.around, state)),
            )
        };
        let (before, after) = (side(report.before), side(report.after));
        Some(vec![Diff { before, after, before_header: None, after_header: None, prepared: None }])
    }

    fn id(&self, state: &GroupState) -> Option<String> {
        SecurityGroup.id(state)
    }

    fn ours(&self, have: &GroupState) -> bool {
        SecurityGroup.ours(have)
    }

    async fn holds(&self, cx: &Cx, p: &Ec2SecurityGroupParams, have: &GroupState) -> Result<Vec<Held>> {
        SecurityGroup.holds(cx, &p.plain(), have).await
    }

    async fn realm(&self, cx: &Cx, p: &Ec2SecurityGroupParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &p.aws).await
    }
}

#[cfg(test)]
mod tests;
