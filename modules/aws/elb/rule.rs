//! A rule of a listener: what is done with requests of some kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use rplay_aws::{Tags, failing, once, optional};
use rplay_client_elbv2::sdk::types::Rule as Found;
use rplay_client_elbv2::{Elbv2, tag_list};
use rplay_module::{
    Address, Change, Cx, Fact, Failure, Params, Realm, Report, Resource, Result, State, unknown,
};
use serde_json::{Value, json};

use crate::action::{self, ActionParams, ActionState};
use crate::condition::{Conditions, ConditionsParams};
use crate::look::{Look, Seen};
use crate::presence::Presence;

/// A rule.
#[derive(Params, Clone, Debug)]
#[params(required_one_of("target_group", "actions"), mutually_exclusive("target_group", "actions"))]
pub(crate) struct RuleParams {
    /// Its place: the rule with the lowest number that matches a request is the one that counts.
    #[param(identity)]
    pub(crate) priority: i32,
    /// What a request must be like.
    conditions: ConditionsParams,
    /// The target group that gets it, by name or ARN.
    target_group: Option<String>,
    /// What is done with it, where that is more than forwarding to one target group.
    actions: Option<Vec<ActionParams>>,
}

impl RuleParams {
    pub(crate) fn actions(&self) -> Vec<ActionParams> {
        let forward = self.target_group.as_deref().map(ActionParams::forward);
        forward.into_iter().chain(self.actions.iter().flatten().cloned()).collect()
    }
}

/// A rule as it is or shall be.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub(crate) struct RuleState {
    arn: Fact<String>,
    conditions: Conditions,
    actions: Vec<ActionState>,
    tags: Tags,
}

/// What a rule hangs on and forwards to.
#[derive(Default)]
pub(crate) struct Around {
    listener: Option<String>,
    groups: BTreeMap<String, String>,
}

/// A rule of the listener of a port.
pub(crate) struct Rule {
    pub(crate) look: Arc<Look>,
    pub(crate) port: i32,
}

impl Resource for Rule {
    type Params = RuleParams;
    type State = RuleState;
    type Around = Around;
    type Receipt = ();

    fn address(&self, p: &RuleParams) -> Address {
        self.look.rule_address(self.port, &p.priority.to_string())
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &RuleParams,
        _receipt: Option<&()>,
    ) -> Result<(Option<RuleState>, Around)> {
        let listener = self.look.listener_arn(cx, self.port).await?;
        let listener = listener.ok_or_else(|| Failure::missing(self.look.listener_address(self.port)))?;
        let groups = self.look.group_arns(cx, &p.actions()).await?;
        let around = Around { listener: Some(listener.clone()), groups };
        if unknown::is_unknown(&listener) {
            return Ok((None, around));
        }
        let seen = self.look.rule(cx, &self.address(p), &listener, p.priority).await?;
        Ok((seen.as_ref().map(seen_state), around))
    }

    fn desired(
        &self,
        p: &RuleParams,
        around: &Around,
        have: Option<&RuleState>,
    ) -> Result<Option<RuleState>> {
        let task = &self.look.p;
        if task.state == Presence::Absent {
            return Ok(None);
        }
        Ok(Some(RuleState {
            arn: have.map(|have| have.arn.clone()).unwrap_or_default(),
            conditions: p.conditions.wanted(),
            actions: p.actions().iter().map(|action| action.wanted(&around.groups)).collect(),
            tags: Tags::desired(task.tags.as_ref(), task.purge_tags, have.map(|have| &have.tags)),
        }))
    }

    fn normal(&self, mut state: RuleState) -> RuleState {
        state.conditions.normal();
        state.actions.iter_mut().for_each(ActionState::normal);
        state
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &RuleParams,
        around: &Around,
        change: Change<'_, RuleState>,
    ) -> Result<()> {
        let (elb, name) = (self.look.elb(cx).await?, self.address(p).name);
        match change {
            Change::Create { want } => {
                let sent = elb
                    .create_rule()
                    .set_listener_arn(around.listener.clone())
                    .priority(p.priority)
                    .set_conditions(Some(want.conditions.built()))
                    .set_actions(Some(action::built(&want.actions)))
                    .set_tags(tag_list(&want.tags.for_creation(cx)))
                    .customize()
                    .interceptor(once())
                    .send()
                    .await;
                sent.map(drop).map_err(failing(format!("create rule {name}")))
            }
            Change::Update { have, want } => update(&elb, &name, have, want).await,
            Change::Delete { have } => {
                let sent = elb.delete_rule().set_rule_arn(have.arn.known().cloned()).send().await;
                optional(sent.map_err(failing(format!("delete rule {name}"))), &["RuleNotFound"]).map(drop)
            }
        }
    }

    fn output(&self, p: &RuleParams, report: &Report<'_, Self>) -> Value {
        let Some(state) = report.state() else { return json!({ "priority": p.priority }) };
        json!({ "arn": state.arn.json(&format!("{}: arn", self.address(p))), "priority": p.priority })
    }

    fn id(&self, state: &RuleState) -> Option<String> {
        state.arn.known().cloned()
    }

    fn ours(&self, have: &RuleState) -> bool {
        have.tags.owned()
    }

    async fn realm(&self, cx: &Cx, _p: &RuleParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &self.look.p.aws).await
    }
}

fn seen_state(seen: &Seen<Found>) -> RuleState {
    RuleState {
        arn: Fact::from_answer(seen.thing.rule_arn().map(str::to_owned)),
        conditions: Conditions::seen(seen.thing.conditions()),
        actions: action::seen(seen.thing.actions()),
        tags: seen.tags.clone(),
    }
}

async fn update(elb: &Elbv2, name: &str, have: &RuleState, want: &RuleState) -> Result<()> {
    let arn = have.arn.known().ok_or_else(|| Failure::bug("a rule without an ARN"))?;
    if (&have.conditions, &have.actions) != (&want.conditions, &want.actions) {
        let sent = elb
            .modify_rule()
            .rule_arn(arn)
            .set_conditions(Some(want.conditions.built()))
            .set_actions(Some(action::built(&want.actions)))
            .send()
            .await;
        sent.map_err(failing(format!("change rule {name}")))?;
    }
    elb.retag(arn, &have.tags.change(&want.tags)).await
}
