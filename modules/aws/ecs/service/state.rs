//! A service as it is, and as it shall be.

use std::sync::{Arc, Mutex, PoisonError};

use rplay_aws::{Tags, client, failing};
use rplay_client_ecs::Ecs;
use rplay_module::{Cx, Fact, Failure, Result, unknown};

use super::settings::{Service, ServiceRevision, sort};
use super::traffic::{AwsVpcConfiguration, LoadBalancer};
use super::{Around, Receipt};
use crate::ecs_service::{EcsServiceParams, LoadBalancerParams, PublicIp, ServiceState, last_part};
use crate::shape::{Piece, Shape, Word, kept, tidied, types};

/// A service.
#[derive(rplay_module::State, Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// `family:revision`; unlike an ARN it is the same in every form that users write.
    pub(crate) task_definition: Option<String>,
    #[state(flatten)]
    pub(crate) settings: Service,
    pub(crate) network_configuration: Option<AwsVpcConfiguration>,
    pub(crate) load_balancers: Option<Vec<LoadBalancer>>,
    #[state(flatten)]
    pub(crate) revision: ServiceRevision,
    /// The role's name.
    pub(crate) role: Option<String>,
    pub(crate) tags: Tags,
    /// A deployment is asked for though nothing differs, and has not been started yet.
    pub(crate) force_new_deployment: Option<bool>,
    /// It is being deleted.
    #[state(hidden)]
    pub(crate) drains: bool,
    pub(crate) arn: Fact<String>,
    /// The deployment that shall be the service's own, by its id.
    pub(crate) deployment: Fact<String>,
    /// This run has started it.
    pub(crate) started: Fact<bool>,
    pub(crate) described: Fact<Described>,
}

/// A service as AWS described it last: what settling sees is what the task returns.
#[derive(Clone, Debug)]
pub(crate) struct Described(Arc<Mutex<types::Service>>);

impl Described {
    fn new(service: types::Service) -> Self {
        Self(Arc::new(Mutex::new(service)))
    }

    pub(crate) fn service(&self) -> types::Service {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps a newer description.
    pub(crate) fn see(&self, service: types::Service) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = service;
    }
}

impl State {
    /// Returns the state of a described service; `None` of one that is gone, or that is going while it shall be there:
    /// creating it waits until it is gone.
    pub(crate) fn of(
        service: types::Service,
        p: &EcsServiceParams,
        receipt: Option<&Receipt>,
    ) -> Option<Self> {
        let drains = match service.status.as_deref() {
            Some("INACTIVE") => return None,
            Some("DRAINING") if p.state == ServiceState::Present => return None,
            Some("DRAINING") => true,
            _ => false,
        };
        let primary = primary(&service);
        let network =
            service.network_configuration.as_ref().and_then(|network| network.awsvpc_configuration.as_ref());
        let balancers =
            service.load_balancers.as_deref().map(|all| all.iter().map(Shape::from_sdk).collect());
        let ours = receipt.and_then(|receipt| receipt.deployment.clone());
        Some(Self {
            task_definition: service.task_definition.as_deref().map(revision_named),
            settings: Service::from_sdk(&service),
            network_configuration: network.map(Shape::from_sdk),
            load_balancers: balancers,
            revision: primary.map(ServiceRevision::of_deployment).unwrap_or_default(),
            role: service
                .role_arn
                .as_deref()
                .filter(|arn| !arn.is_empty())
                .map(|arn| last_part(arn).to_owned()),
            tags: rplay_client_ecs::tags(service.tags.as_deref().unwrap_or_default()),
            force_new_deployment: None,
            drains,
            arn: Fact::from_answer(service.service_arn.clone()),
            deployment: Fact::from_answer(ours.or_else(|| primary.and_then(|primary| primary.id.clone()))),
            started: Fact::Known(receipt.is_some_and(|receipt| receipt.started)),
            described: Fact::Known(Described::new(service)),
        })
    }

    /// Returns the ARN of the revision whose gateway connectors and monitoring have to be asked for: describing a service
    /// does not show them, and only who names them pays for the call.
    pub(crate) fn needs_revision(p: &EcsServiceParams, have: Option<&Self>) -> Option<String> {
        let asked = p.revision.gateway_connectors.is_some() || p.revision.monitoring.is_some();
        let service = have.filter(|_| asked)?.described.known()?.service();
        service.current_service_revisions.as_ref()?.iter().find_map(|revision| revision.arn.clone())
    }

    /// Returns the state with what only the revision shows.
    pub(crate) async fn with_revision(mut self, cx: &Cx, p: &EcsServiceParams, arn: &str) -> Result<Self> {
        let ecs = client::<Ecs>(cx, &p.aws).await?;
        let asked = ecs.describe_service_revisions().service_revision_arns(arn).send().await;
        let answer = asked.map_err(failing(format!("read revision {arn} of service {}", p.called())))?;
        if let Some(found) = answer.service_revisions.unwrap_or_default().first() {
            let found = ServiceRevision::from_sdk(found);
            self.revision.gateway_connectors = found.gateway_connectors;
            self.revision.monitoring = found.monitoring;
        }
        Ok(self)
    }

    /// Returns the service as it shall be; what is omitted is copied from what is there.
    pub(crate) fn desired(p: &EcsServiceParams, around: &Around, have: Option<&Self>) -> Result<Self> {
        let mut want = Self {
            task_definition: around
                .task_definition
                .clone()
                .or_else(|| p.task_definition.as_deref().map(revision_named)),
            settings: asked(p),
            network_configuration: network(p, around),
            load_balancers: balancers(p, around),
            revision: p.revision.clone(),
            role: p.role.as_deref().filter(|role| !role.is_empty()).map(|role| last_part(role).to_owned()),
            tags: Tags::desired(p.tags.as_ref(), true, have.map(|have| &have.tags)),
            ..Self::default()
        };
        if let Some(count) = want.settings.desired_count.filter(|count| *count < 0) {
            let message = format!("desired_count is {count}: a service runs no fewer than 0 tasks");
            return Err(Failure::new(message));
        }
        match have {
            Some(have) => want.copy_omitted(p, around, have),
            None => want.fit_to_create()?,
        }
        Ok(want)
    }

    fn copy_omitted(&mut self, p: &EcsServiceParams, around: &Around, have: &Self) {
        let (asked_type, asked_shares) =
            (self.settings.launch_type.is_some(), self.settings.capacity_provider_strategy.is_some());
        self.settings.keep(&have.settings);
        // Each stands in the other's place.
        if asked_type {
            self.settings.capacity_provider_strategy = None;
        } else if asked_shares {
            self.settings.launch_type = None;
        }
        self.revision.keep(&have.revision);
        kept(&mut self.task_definition, &have.task_definition);
        kept(&mut self.network_configuration, &have.network_configuration);
        kept(&mut self.load_balancers, &have.load_balancers);
        // A service that is described without a role says nothing of it: there is nothing to compare.
        self.role = have.role.as_ref().map(|role| self.role.clone().unwrap_or_else(|| role.clone()));
        if have.settings.controller() == "CODE_DEPLOY" {
            // CodeDeploy has its own of these, and AWS refuses to change them.
            self.task_definition.clone_from(&have.task_definition);
            self.network_configuration.clone_from(&have.network_configuration);
            self.load_balancers.clone_from(&have.load_balancers);
            self.settings.platform_version.clone_from(&have.settings.platform_version);
        }
        self.force_new_deployment = (p.force_new_deployment && !around.applied).then_some(true);
        self.arn = have.arn.clone();
        self.deployment = have.deployment.clone();
        self.started = have.started.clone();
        self.described = have.described.clone();
    }

    /// What a service cannot be made without: AWS would say the same later, and in a plan not at all.
    fn fit_to_create(&self) -> Result<()> {
        let own = self.settings.controller() != "EXTERNAL";
        if own && self.task_definition.is_none() {
            // Ansible's words.
            let message =
                "Either task_definition or force_new_deployment is required when status is present.";
            return Err(Failure::new(message).hint("a service that is not there yet needs task_definition"));
        }
        if own && self.settings.desired_count.is_none() && !self.settings.is_daemon() {
            let message = "state is present, scheduling_strategy is REPLICA; missing desired_count";
            return Err(Failure::new(message).hint("a service that is not there yet needs desired_count"));
        }
        if self.network_configuration.as_ref().is_some_and(|network| network.subnets.is_none()) {
            return Err(Failure::new("Network configuration must include subnets"));
        }
        Ok(())
    }

    /// Returns why the service has to be made anew, where AWS cannot change it in place.
    pub(crate) fn unchangeable(&self, want: &Self) -> Option<String> {
        let text = |word: Option<&str>| word.unwrap_or("none").to_owned();
        let (old, new) = (&self.settings, &want.settings);
        let kind = |settings: &Service| settings.launch_type.as_ref().map(Word::as_str).map(str::to_owned);
        // From and to capacity providers AWS changes it.
        let providers = old.capacity_provider_strategy.is_some() || new.capacity_provider_strategy.is_some();
        if !providers && new.launch_type.is_some() && kind(old).is_some() && kind(old) != kind(new) {
            let (old, new) = (text(kind(old).as_deref()), text(kind(new).as_deref()));
            return Some(format!("launch_type cannot be changed in place ({old} to {new})"));
        }
        if old.is_daemon() != new.is_daemon() {
            return Some("scheduling_strategy cannot be changed in place".to_owned());
        }
        if want.role.is_some() && self.role != want.role {
            let (old, new) = (text(self.role.as_deref()), text(want.role.as_deref()));
            return Some(format!("role cannot be changed in place ({old} to {new})"));
        }
        None
    }

    pub(crate) fn normalize(&mut self) {
        self.settings.normalize();
        self.revision.normalize();
        tidied(&mut self.load_balancers);
        sort(&mut self.load_balancers);
        tidied(&mut self.network_configuration);
        if let Some(network) = &mut self.network_configuration {
            network.subnets.iter_mut().for_each(|ids| ids.sort());
            network.security_groups.iter_mut().for_each(|ids| ids.sort());
            // What AWS has when nothing is said.
            network.assign_public_ip.get_or_insert_with(|| Word::new("DISABLED"));
        }
    }
}

/// Returns the settings that are asked for. Of lists that Ansible's parameters default to an empty one, an empty one is
/// no wish: only `purge_…` makes it one.
fn asked(p: &EcsServiceParams) -> Service {
    let mut asked = p.settings.clone();
    leave_empty(&mut asked.placement_constraints, p.purge_placement_constraints);
    leave_empty(&mut asked.placement_strategy, p.purge_placement_strategy);
    leave_empty(&mut asked.capacity_provider_strategy, false);
    asked
}

fn leave_empty<T>(list: &mut Option<Vec<T>>, purge: bool) {
    match list.take_if(|list| list.is_empty()) {
        None if list.is_some() => {}
        _ => *list = purge.then(Vec::new),
    }
}

fn network(p: &EcsServiceParams, around: &Around) -> Option<AwsVpcConfiguration> {
    let given = p.network()?;
    Some(AwsVpcConfiguration {
        subnets: given.subnets,
        security_groups: given.security_groups.map(|groups| around.group_ids(groups)),
        assign_public_ip: given.assign_public_ip.and_then(PublicIp::word).map(Word::new),
    })
}

fn balancers(p: &EcsServiceParams, around: &Around) -> Option<Vec<LoadBalancer>> {
    let given = p.load_balancers.as_ref()?.iter();
    let entry = |given: &LoadBalancerParams| {
        let mut entry = given.entry.clone();
        if let Some(name) = &given.target_group {
            entry.target_group_arn = Some(around.target_group_arn(name));
        }
        entry
    };
    Some(given.map(entry).collect())
}

/// Returns the deployment that the service is at.
pub(crate) fn primary(service: &types::Service) -> Option<&types::Deployment> {
    service.deployments.iter().flatten().find(|deployment| deployment.status.as_deref() == Some("PRIMARY"))
}

/// Returns `family:revision` of a task definition's ARN; what is not known stays what it is.
pub(crate) fn revision_named(text: &str) -> String {
    if unknown::is_unknown(text) { text.to_owned() } else { last_part(text).to_owned() }
}
