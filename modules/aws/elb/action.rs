//! What a listener or a rule does with a request.

use std::collections::BTreeMap;

use rplay_client_elbv2::sdk::types::{
    Action, ActionTypeEnum, FixedResponseActionConfig, ForwardActionConfig, RedirectActionConfig,
    RedirectActionStatusCodeEnum, TargetGroupStickinessConfig, TargetGroupTuple,
};
use rplay_module::unknown::{self, Cause};
use rplay_module::{Params, State};

use crate::look::group_address;

/// What is done with a request: one of the four.
#[derive(Params, Clone, Debug)]
#[params(
    required_one_of("target_group", "target_groups", "redirect", "fixed_response"),
    mutually_exclusive("target_group", "target_groups", "redirect", "fixed_response"),
    required_by(stickiness, needs("target_groups"))
)]
pub(crate) struct ActionParams {
    /// The target group that gets it, by name or ARN.
    target_group: Option<String>,
    /// Several target groups that share the requests by weight.
    target_groups: Option<Vec<WeightedParams>>,
    /// For how many seconds a client stays with one of the target groups. Omitted: not at all.
    stickiness: Option<i32>,
    /// The place that the client is sent to.
    redirect: Option<RedirectParams>,
    /// The answer that the load balancer itself gives.
    fixed_response: Option<FixedResponseParams>,
}

/// A target group that gets its share of the requests.
#[derive(Params, Clone, Debug)]
pub(crate) struct WeightedParams {
    /// The target group, by name or ARN.
    #[param(alias = "name")]
    target_group: String,
    /// Its share among the others' weights, 0 to 999.
    #[param(default = 1)]
    weight: i32,
}

/// A redirection; `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` stand for the request's own.
#[derive(Params, Clone, Debug)]
pub(crate) struct RedirectParams {
    /// HTTP or HTTPS. Omitted: the request's.
    protocol: Option<String>,
    /// The host. Omitted: the request's.
    host: Option<String>,
    /// The port. Omitted: the request's.
    port: Option<String>,
    /// The path, with its first slash. Omitted: the request's.
    path: Option<String>,
    /// The query, without the question mark. Omitted: the request's.
    query: Option<String>,
    /// For ever (301) or for now (302).
    #[param(default = "HTTP_301", choices("HTTP_301", "HTTP_302", "301", "302"))]
    status_code: String,
}

/// A fixed answer.
#[derive(Params, Clone, Debug)]
pub(crate) struct FixedResponseParams {
    /// The status, 2XX, 4XX or 5XX.
    #[param(default = "200")]
    status_code: String,
    /// The type of the text.
    #[param(
        default = "text/plain",
        choices("text/plain", "text/css", "text/html", "application/javascript", "application/json")
    )]
    content_type: String,
    /// The text. Omitted: none.
    #[param(alias = "body")]
    message_body: Option<String>,
}

/// An action as it is or shall be.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub(crate) struct ActionState {
    #[state(name = "type")]
    kind: String,
    target_groups: Option<Vec<Weighted>>,
    /// In seconds.
    stickiness: Option<i32>,
    redirect: Option<Redirect>,
    fixed_response: Option<FixedResponse>,
}

#[derive(State, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Weighted {
    target_group: String,
    weight: i32,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
pub(crate) struct Redirect {
    protocol: String,
    host: String,
    port: String,
    path: String,
    query: String,
    status_code: String,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
pub(crate) struct FixedResponse {
    status_code: String,
    content_type: String,
    message_body: Option<String>,
}

impl ActionParams {
    /// Returns the action that forwards to one target group.
    pub(crate) fn forward(target_group: &str) -> Self {
        Self {
            target_group: Some(target_group.to_owned()),
            target_groups: None,
            stickiness: None,
            redirect: None,
            fixed_response: None,
        }
    }

    /// Returns the names of the target groups; those that are ARNs need not be looked for.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        let several = self.target_groups.iter().flatten().map(|weighted| &weighted.target_group);
        self.target_group.iter().chain(several).map(String::as_str).filter(|name| !is_arn(name))
    }

    /// Returns the action as it shall be, with the target groups' ARNs by name.
    pub(crate) fn wanted(&self, arns: &BTreeMap<String, String>) -> ActionState {
        let weighted = |name: &str, weight| Weighted { target_group: arn(name, arns), weight };
        let groups = match (&self.target_group, &self.target_groups) {
            (Some(name), _) => Some(vec![weighted(name, 1)]),
            (None, Some(several)) => {
                Some(several.iter().map(|one| weighted(&one.target_group, one.weight)).collect())
            }
            (None, None) => None,
        };
        let kind = match (&groups, &self.redirect) {
            (Some(_), _) => ActionTypeEnum::Forward,
            (None, Some(_)) => ActionTypeEnum::Redirect,
            (None, None) => ActionTypeEnum::FixedResponse,
        };
        ActionState {
            kind: kind.as_str().to_owned(),
            target_groups: groups,
            stickiness: self.stickiness,
            redirect: self.redirect.as_ref().map(RedirectParams::wanted),
            fixed_response: self.fixed_response.as_ref().map(FixedResponseParams::wanted),
        }
    }
}

fn is_arn(text: &str) -> bool {
    text.starts_with("arn:") || unknown::is_unknown(text)
}

/// A target group that was not looked for is one that is to be created.
fn arn(name: &str, arns: &BTreeMap<String, String>) -> String {
    if is_arn(name) {
        return name.to_owned();
    }
    let to_come = || unknown::marker(Cause::Created, &format!("{}: arn", group_address(name)));
    arns.get(name).cloned().unwrap_or_else(to_come)
}

impl RedirectParams {
    fn wanted(&self) -> Redirect {
        let or = |given: &Option<String>, same: &str| given.clone().unwrap_or_else(|| same.to_owned());
        Redirect {
            protocol: or(&self.protocol, "#{protocol}"),
            host: or(&self.host, "#{host}"),
            port: or(&self.port, "#{port}"),
            path: or(&self.path, "/#{path}"),
            query: or(&self.query, "#{query}"),
            status_code: format!("HTTP_{}", self.status_code.trim_start_matches("HTTP_")),
        }
    }
}

impl FixedResponseParams {
    fn wanted(&self) -> FixedResponse {
        FixedResponse {
            status_code: self.status_code.clone(),
            content_type: self.content_type.clone(),
            message_body: self.message_body.clone().filter(|text| !text.is_empty()),
        }
    }
}

impl ActionState {
    /// Returns an action from an answer.
    pub(crate) fn seen(action: &Action) -> Self {
        let kind = action.r#type().map(|kind| kind.as_str().to_owned()).unwrap_or_default();
        let is_forward = kind == ActionTypeEnum::Forward.as_str();
        let forward = action.forward_config().filter(|_| is_forward);
        let sticky = forward.and_then(ForwardActionConfig::target_group_stickiness_config);
        Self {
            target_groups: is_forward.then(|| seen_groups(action)),
            stickiness: sticky
                .filter(|sticky| sticky.enabled() == Some(true))
                .and_then(TargetGroupStickinessConfig::duration_seconds),
            redirect: action.redirect_config().map(seen_redirect),
            fixed_response: action.fixed_response_config().map(|fixed| FixedResponse {
                status_code: fixed.status_code().unwrap_or_default().to_owned(),
                content_type: fixed.content_type().unwrap_or("text/plain").to_owned(),
                message_body: fixed.message_body().filter(|text| !text.is_empty()).map(str::to_owned),
            }),
            kind,
        }
    }

    /// Evens out order, and the weight of one that is alone.
    pub(crate) fn normal(&mut self) {
        match self.target_groups.as_deref_mut() {
            Some([alone]) => alone.weight = 1,
            Some(several) => several.sort(),
            None => {}
        }
    }

    /// Returns the action as the service takes it.
    pub(crate) fn built(&self) -> Action {
        let groups = self.target_groups.as_deref().unwrap_or_default();
        let action = Action::builder().r#type(ActionTypeEnum::from(self.kind.as_str()));
        let action = match groups {
            [alone] if self.stickiness.is_none() => action.target_group_arn(&alone.target_group),
            [] => action,
            several => action.forward_config(shared(several, self.stickiness)),
        };
        action
            .set_redirect_config(self.redirect.as_ref().map(Redirect::built))
            .set_fixed_response_config(self.fixed_response.as_ref().map(FixedResponse::built))
            .build()
    }
}

/// Returns actions as the service takes them; it wants their order told where there are several.
pub(crate) fn built(actions: &[ActionState]) -> Vec<Action> {
    let mut built: Vec<Action> = actions.iter().map(ActionState::built).collect();
    if built.len() > 1 {
        built.iter_mut().zip(1..).for_each(|(action, order)| action.order = Some(order));
    }
    built
}

/// Returns the actions of an answer, in the order that they are done in.
pub(crate) fn seen(actions: &[Action]) -> Vec<ActionState> {
    let mut ordered: Vec<&Action> = actions.iter().collect();
    ordered.sort_by_key(|action| action.order());
    ordered.into_iter().map(ActionState::seen).collect()
}

fn seen_groups(action: &Action) -> Vec<Weighted> {
    let several = action.forward_config().map(ForwardActionConfig::target_groups).unwrap_or_default();
    let weighted = several.iter().filter_map(|one| {
        Some(Weighted { target_group: one.target_group_arn()?.to_owned(), weight: one.weight().unwrap_or(1) })
    });
    let weighted: Vec<Weighted> = weighted.collect();
    match action.target_group_arn() {
        Some(arn) if weighted.is_empty() => vec![Weighted { target_group: arn.to_owned(), weight: 1 }],
        _ => weighted,
    }
}

fn seen_redirect(redirect: &RedirectActionConfig) -> Redirect {
    let or = |given: Option<&str>, same: &str| given.unwrap_or(same).to_owned();
    Redirect {
        protocol: or(redirect.protocol(), "#{protocol}"),
        host: or(redirect.host(), "#{host}"),
        port: or(redirect.port(), "#{port}"),
        path: or(redirect.path(), "/#{path}"),
        query: or(redirect.query(), "#{query}"),
        status_code: or(redirect.status_code().map(RedirectActionStatusCodeEnum::as_str), ""),
    }
}

fn shared(groups: &[Weighted], stickiness: Option<i32>) -> ForwardActionConfig {
    let tuple = |one: &Weighted| {
        TargetGroupTuple::builder().target_group_arn(&one.target_group).weight(one.weight).build()
    };
    let sticky =
        |seconds| TargetGroupStickinessConfig::builder().enabled(true).duration_seconds(seconds).build();
    ForwardActionConfig::builder()
        .set_target_groups(Some(groups.iter().map(tuple).collect()))
        .set_target_group_stickiness_config(stickiness.map(sticky))
        .build()
}

impl Redirect {
    fn built(&self) -> RedirectActionConfig {
        RedirectActionConfig::builder()
            .protocol(&self.protocol)
            .host(&self.host)
            .port(&self.port)
            .path(&self.path)
            .query(&self.query)
            .status_code(RedirectActionStatusCodeEnum::from(self.status_code.as_str()))
            .build()
    }
}

impl FixedResponse {
    fn built(&self) -> FixedResponseActionConfig {
        FixedResponseActionConfig::builder()
            .status_code(&self.status_code)
            .content_type(&self.content_type)
            .set_message_body(self.message_body.clone())
            .build()
    }
}
