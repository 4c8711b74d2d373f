//! What a task looks at in the account: read together at its first question, so that a rerun costs few calls.
//!
//! Every resource of the task uses what was read at the start once; from then on it may have been changed and is asked
//! for alone.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use rplay_aws::{Tags, failing, optional};
use rplay_client_elbv2::Elbv2;
use rplay_client_elbv2::sdk::types::{Listener, LoadBalancer, Rule, TargetGroup};
use rplay_module::{Address, Cx, Failure, Result, unknown};
use tokio::sync::OnceCell;

use crate::action::ActionParams;
use crate::load_balancer::LoadBalancerParams;

/// How many names `DescribeTargetGroups` takes at once.
const GROUPS_AT_ONCE: usize = 20;

/// What one task knows of its load balancer and all that belongs to it.
pub(crate) struct Look {
    pub(crate) p: LoadBalancerParams,
    pub(crate) wants: Wants,
    first: OnceCell<First>,
    used: Mutex<HashSet<Address>>,
}

/// What a task has to know.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    /// The names of the target groups that it makes or forwards to.
    pub(crate) groups: BTreeSet<String>,
    /// Those of them whose attributes it sets.
    pub(crate) group_attributes: BTreeSet<String>,
    /// It names listeners.
    pub(crate) listeners: bool,
    pub(crate) ports: BTreeSet<i32>,
    /// The ports of the listeners whose rules it names, with the priorities.
    pub(crate) rules: BTreeMap<i32, BTreeSet<i32>>,
}

/// A thing with what is asked for apart.
pub(crate) struct Seen<T> {
    pub(crate) thing: T,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) tags: Tags,
}

/// All that was read at the start; by ARN where a thing has one.
#[derive(Default)]
struct First {
    load_balancer: Option<LoadBalancer>,
    groups: Vec<TargetGroup>,
    listeners: Vec<Listener>,
    rules: BTreeMap<String, Vec<Rule>>,
    attributes: BTreeMap<String, BTreeMap<String, String>>,
    tags: BTreeMap<String, Tags>,
}

/// Returns the address of a target group.
pub(crate) fn group_address(name: &str) -> Address {
    Address::new("elb.target_group", name)
}

impl Look {
    pub(crate) fn new(p: LoadBalancerParams, wants: Wants) -> Self {
        Self { p, wants, first: OnceCell::new(), used: Mutex::default() }
    }

    pub(crate) fn address(&self) -> Address {
        Address::new("elb.load_balancer", &self.p.name)
    }

    pub(crate) fn listener_address(&self, port: i32) -> Address {
        Address::new("elb.listener", format!("{}/{port}", self.p.name))
    }

    pub(crate) fn rule_address(&self, port: i32, priority: &str) -> Address {
        Address::new("elb.rule", format!("{}/{port}/{priority}", self.p.name))
    }

    pub(crate) async fn elb(&self, cx: &Cx) -> Result<Arc<Elbv2>> {
        rplay_aws::client(cx, &self.p.aws).await
    }

    /// Returns the load balancer with its attributes, as far as the task asks for any, and tags.
    pub(crate) async fn load_balancer(&self, cx: &Cx) -> Result<Option<Seen<LoadBalancer>>> {
        if let Some(first) = self.first(cx, &self.address()).await? {
            return Ok(first
                .load_balancer
                .as_ref()
                .map(|thing| first.seen(thing, thing.load_balancer_arn())));
        }
        let elb = self.elb(cx).await?;
        let Some(thing) = elb.load_balancer(&self.p.name).await? else { return Ok(None) };
        let arn = thing.load_balancer_arn().unwrap_or_default();
        let (attributes, tags) = tokio::try_join!(self.balancer_attributes(&elb, arn), tags_of(&elb, arn))?;
        Ok(Some(Seen { thing, attributes, tags }))
    }

    /// Returns a target group with its attributes, as far as the task asks for any, and tags.
    pub(crate) async fn group(&self, cx: &Cx, name: &str) -> Result<Option<Seen<TargetGroup>>> {
        if let Some(first) = self.first(cx, &group_address(name)).await? {
            return Ok(first.group(name).map(|thing| first.seen(thing, thing.target_group_arn())));
        }
        let elb = self.elb(cx).await?;
        let Some(thing) = elb.target_group(name).await? else { return Ok(None) };
        let arn = thing.target_group_arn().unwrap_or_default();
        let (attributes, tags) =
            tokio::try_join!(self.group_attributes(&elb, name, arn), tags_of(&elb, arn))?;
        Ok(Some(Seen { thing, attributes, tags }))
    }

    /// Returns the listener of a port.
    pub(crate) async fn listener(
        &self,
        cx: &Cx,
        balancer: &str,
        port: i32,
    ) -> Result<Option<Seen<Listener>>> {
        let first = self.first(cx, &self.listener_address(port)).await?;
        if let Some(first) = first.filter(|first| first.is_of(balancer)) {
            return Ok(first.listener(port).map(|thing| first.seen(thing, thing.listener_arn())));
        }
        let elb = self.elb(cx).await?;
        let found = elb.listeners(balancer).await?.into_iter().find(|listener| listener.port() == Some(port));
        let Some(thing) = found else { return Ok(None) };
        let tags = tags_of(&elb, thing.listener_arn().unwrap_or_default()).await?;
        Ok(Some(Seen { thing, attributes: BTreeMap::new(), tags }))
    }

    /// Returns all listeners of the load balancer.
    pub(crate) async fn listeners(&self, cx: &Cx, asker: &Address, balancer: &str) -> Result<Vec<Listener>> {
        let first = self.first(cx, asker).await?;
        match first.filter(|first| first.is_of(balancer)) {
            Some(first) => Ok(first.listeners.clone()),
            None => self.elb(cx).await?.listeners(balancer).await,
        }
    }

    /// Returns the rule of a priority.
    pub(crate) async fn rule(
        &self,
        cx: &Cx,
        asker: &Address,
        listener: &str,
        priority: i32,
    ) -> Result<Option<Seen<Rule>>> {
        let priority = priority.to_string();
        let is_meant = |rule: &&Rule| rule.priority() == Some(priority.as_str());
        let first = self.first(cx, asker).await?;
        if let Some((first, rules)) = first.and_then(|first| Some((first, first.rules.get(listener)?))) {
            return Ok(rules.iter().find(is_meant).map(|thing| first.seen(thing, thing.rule_arn())));
        }
        let elb = self.elb(cx).await?;
        let rules = elb.rules(listener).await?;
        let Some(thing) = rules.iter().find(is_meant) else { return Ok(None) };
        let tags = tags_of(&elb, thing.rule_arn().unwrap_or_default()).await?;
        Ok(Some(Seen { thing: thing.clone(), attributes: BTreeMap::new(), tags }))
    }

    /// Returns all rules of a listener.
    pub(crate) async fn rules(&self, cx: &Cx, asker: &Address, listener: &str) -> Result<Vec<Rule>> {
        match self.first(cx, asker).await?.and_then(|first| first.rules.get(listener)) {
            Some(rules) => Ok(rules.clone()),
            None => self.elb(cx).await?.rules(listener).await,
        }
    }

    /// Returns the load balancer's ARN, or the marker of one that is to be created.
    pub(crate) async fn balancer_arn(&self, cx: &Cx) -> Result<Option<String>> {
        let find = async { Ok(self.at_start(cx).await?.arn().map(str::to_owned)) };
        cx.lookup(&self.address(), find).await
    }

    /// Returns a listener's ARN, or the marker of one that is to be created.
    pub(crate) async fn listener_arn(&self, cx: &Cx, port: i32) -> Result<Option<String>> {
        let find = async {
            let listener = self.at_start(cx).await?.listener(port);
            Ok(listener.and_then(Listener::listener_arn).map(str::to_owned))
        };
        cx.lookup(&self.listener_address(port), find).await
    }

    /// Returns the ARN of each target group that the actions name.
    ///
    /// # Errors
    /// [`rplay_module::FailureKind::Missing`] for one that is not there.
    pub(crate) async fn group_arns(
        &self,
        cx: &Cx,
        actions: &[ActionParams],
    ) -> Result<BTreeMap<String, String>> {
        let mut arns = BTreeMap::new();
        let names: BTreeSet<String> =
            actions.iter().flat_map(ActionParams::groups).map(str::to_owned).collect();
        for name in names {
            let address = group_address(&name);
            let find = async {
                let group = self.at_start(cx).await?.group(&name);
                Ok(group.and_then(TargetGroup::target_group_arn).map(str::to_owned))
            };
            let arn = cx.lookup(&address, find).await?.ok_or_else(|| Failure::missing(address.clone()))?;
            arns.insert(name, arn);
        }
        Ok(arns)
    }

    async fn at_start(&self, cx: &Cx) -> Result<&First> {
        self.first.get_or_try_init(|| Box::pin(self.look(cx))).await
    }

    /// Returns what was read at the start to whoever asks for the first time.
    async fn first(&self, cx: &Cx, asker: &Address) -> Result<Option<&First>> {
        let first = self.at_start(cx).await?;
        let is_new = self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(asker.clone());
        Ok(is_new.then_some(first))
    }

    async fn look(&self, cx: &Cx) -> Result<First> {
        let elb = self.elb(cx).await?;
        let (load_balancer, groups) = tokio::try_join!(self.balancer(&elb), self.groups(&elb))?;
        let mut first = First { load_balancer, groups, ..First::default() };
        let (listeners, attributes) =
            tokio::try_join!(self.first_listeners(&elb, first.arn()), self.all_attributes(&elb, &first))?;
        (first.listeners, first.attributes) = (listeners, attributes);
        first.rules = self.first_rules(&elb, &first.listeners).await?;
        first.tags = elb.tags_of(&first.arns(&self.wants)).await?;
        Ok(first)
    }

    async fn balancer(&self, elb: &Elbv2) -> Result<Option<LoadBalancer>> {
        if unknown::is_unknown(&self.p.name) { Ok(None) } else { elb.load_balancer(&self.p.name).await }
    }

    async fn groups(&self, elb: &Elbv2) -> Result<Vec<TargetGroup>> {
        let known = self.wants.groups.iter().filter(|name| !unknown::is_unknown(name));
        let names: Vec<String> = known.cloned().collect();
        let mut found = Vec::new();
        for names in names.chunks(GROUPS_AT_ONCE) {
            let asked = elb.describe_target_groups().set_names(Some(names.to_vec())).send().await;
            let asked = asked.map_err(failing(format!("read target groups {}", names.join(", "))));
            match optional(asked, &["TargetGroupNotFound"])? {
                Some(answer) => found.extend(answer.target_groups.unwrap_or_default()),
                // One that is not there hides the others.
                None if names.len() > 1 => {
                    for name in names {
                        found.extend(elb.target_group(name).await?);
                    }
                }
                None => {}
            }
        }
        Ok(found)
    }

    async fn first_listeners(&self, elb: &Elbv2, balancer: Option<&str>) -> Result<Vec<Listener>> {
        match balancer {
            Some(balancer) if self.wants.listeners => elb.listeners(balancer).await,
            _ => Ok(Vec::new()),
        }
    }

    async fn first_rules(&self, elb: &Elbv2, listeners: &[Listener]) -> Result<BTreeMap<String, Vec<Rule>>> {
        let mut rules = BTreeMap::new();
        for listener in listeners {
            let wanted = listener.port().is_some_and(|port| self.wants.rules.contains_key(&port));
            if let Some(arn) = listener.listener_arn().filter(|_| wanted) {
                rules.insert(arn.to_owned(), elb.rules(arn).await?);
            }
        }
        Ok(rules)
    }

    async fn all_attributes(
        &self,
        elb: &Elbv2,
        first: &First,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
        let mut all = BTreeMap::new();
        if let Some(arn) = first.arn() {
            all.insert(arn.to_owned(), self.balancer_attributes(elb, arn).await?);
        }
        for group in &first.groups {
            if let (Some(name), Some(arn)) = (group.target_group_name(), group.target_group_arn()) {
                all.insert(arn.to_owned(), self.group_attributes(elb, name, arn).await?);
            }
        }
        Ok(all)
    }

    async fn balancer_attributes(&self, elb: &Elbv2, arn: &str) -> Result<BTreeMap<String, String>> {
        if self.p.attributes().is_empty() {
            Ok(BTreeMap::new())
        } else {
            elb.load_balancer_attributes(arn).await
        }
    }

    async fn group_attributes(&self, elb: &Elbv2, name: &str, arn: &str) -> Result<BTreeMap<String, String>> {
        if self.wants.group_attributes.contains(name) {
            elb.target_group_attributes(arn).await
        } else {
            Ok(BTreeMap::new())
        }
    }
}

async fn tags_of(elb: &Elbv2, arn: &str) -> Result<Tags> {
    Ok(elb.tags_of(&[arn.to_owned()]).await?.remove(arn).unwrap_or_default())
}

impl First {
    fn seen<T: Clone>(&self, thing: &T, arn: Option<&str>) -> Seen<T> {
        let arn = arn.unwrap_or_default();
        Seen {
            thing: thing.clone(),
            attributes: self.attributes.get(arn).cloned().unwrap_or_default(),
            tags: self.tags.get(arn).cloned().unwrap_or_default(),
        }
    }

    fn arn(&self) -> Option<&str> {
        self.load_balancer.as_ref()?.load_balancer_arn()
    }

    /// Another load balancer has taken the place of the one that was looked at.
    fn is_of(&self, balancer: &str) -> bool {
        self.arn() == Some(balancer)
    }

    fn group(&self, name: &str) -> Option<&TargetGroup> {
        self.groups.iter().find(|group| group.target_group_name() == Some(name))
    }

    fn listener(&self, port: i32) -> Option<&Listener> {
        self.listeners.iter().find(|listener| listener.port() == Some(port))
    }

    /// Returns the ARN of all whose tags the task compares.
    fn arns(&self, wants: &Wants) -> Vec<String> {
        let named = |listener: &&Listener| listener.port().is_some_and(|port| wants.ports.contains(&port));
        let listeners = self.listeners.iter().filter(named);
        let rules = listeners.clone().filter_map(|listener| {
            Some((wants.rules.get(&listener.port()?)?, self.rules.get(listener.listener_arn()?)?))
        });
        let rules = rules.flat_map(|(priorities, rules)| {
            rules.iter().filter(|rule| number(rule).is_some_and(|priority| priorities.contains(&priority)))
        });
        let arns = self.arn().into_iter();
        let arns = arns.chain(self.groups.iter().filter_map(TargetGroup::target_group_arn));
        let arns = arns.chain(listeners.filter_map(Listener::listener_arn));
        arns.chain(rules.filter_map(Rule::rule_arn)).map(str::to_owned).collect()
    }
}

/// Returns a rule's priority; `None` for the default one.
pub(crate) fn number(rule: &Rule) -> Option<i32> {
    rule.priority()?.parse().ok()
}
