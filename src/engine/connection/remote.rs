use std::sync::Arc;

use rplay_module::{BoxFuture, Cx, Mode, Module, Outcome, Result, Runnable};
use serde_json::Value;

use super::carried;
use super::place::Place;
use super::session::{Connections, Freight, freight};
use super::wire::Order;
use crate::child::Children;

/// A module on another machine, or as another user: to the engine like any other.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) connections: Arc<Connections>,
    pub(crate) children: Arc<Children>,
    pub(crate) place: Arc<Place>,
    pub(crate) module: Module,
    pub(crate) work: Work,
}

/// What a call is given beside its arguments.
#[derive(Clone)]
pub(crate) struct Work {
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) sandbox: Option<rplay_module::Sandbox>,
    pub(crate) reach: Vec<(String, std::net::SocketAddr)>,
}

impl Work {
    /// Returns the call as an agent, or a job, gets it.
    pub(crate) fn order(&self, place: &Place, module: &Module, args: &Value, mode: Mode) -> Result<Freight> {
        let packed = carried::pack(&(module.spec)(), args)?;
        let order = Order {
            module: module.names.first().copied().unwrap_or_default().to_owned(),
            args: args.clone(),
            mode,
            environment: self.environment.clone(),
            folder: place.folder.clone(),
            sandbox: self.sandbox.clone(),
            reach: self.reach.clone(),
            remote_tmp: place.remote_tmp.clone(),
            files: Vec::new(),
        };
        Ok(freight(order, packed))
    }
}

impl Runnable for Remote {
    fn run<'a>(&'a self, cx: &'a Cx, args: &'a Value, mode: Mode) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let ran = async {
                let freight = self.work.order(&self.place, &self.module, args, mode)?;
                self.connections.call(&self.children, &self.place, cx, freight).await
            };
            ran.await.unwrap_or_else(Outcome::failed)
        })
    }
}
