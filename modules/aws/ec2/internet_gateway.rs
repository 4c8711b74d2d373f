use indexmap::IndexMap;
use rplay_aws::{AwsParams, Tags, client, once, optional, retry_on};
use rplay_client_ec2::sdk::types::{InternetGateway as Gateway, ResourceType};
use rplay_client_ec2::{Ec2, filter, named, specification, tags};
use rplay_module::{
    Address, Change, Cx, Fact, Failure, Held, Params, Realm, Report, Resource, Result, State, unknown,
};
use serde_json::{Value, json};

use crate::presence::Presence;
use crate::refusals::{UNSEEN, failing, release, the_one};
use crate::{bare_vpc, name_tag};

const GONE: [&str; 1] = ["InvalidInternetGatewayID.NotFound"];

/// Keeps the internet gateway of a VPC.
#[derive(Clone, Debug, Params)]
pub(crate) struct InternetGatewayParams {
    /// The name of its VPC, which has at most one gateway; the tag `Name` of one that is created is the same.
    #[param(identity)]
    pub(crate) vpc: String,
    /// The tags, beside `Name`. Omitted: they are left alone.
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

#[derive(Clone, Debug, PartialEq, State)]
pub(crate) struct GatewayState {
    id: Fact<String>,
    attached: bool,
    tags: Tags,
}

#[derive(Default)]
pub(crate) struct Around {
    vpc_id: String,
}

pub(crate) struct InternetGateway;

/// Returns the address of the gateway of the VPC of that name.
pub(crate) fn address(vpc: &str) -> Address {
    Address::new("ec2.internet_gateway", vpc)
}

/// Returns the id of the VPC's gateway, or the marker of one that is to be created.
pub(crate) async fn id(cx: &Cx, ec2: &Ec2, vpc: &str, vpc_id: &str) -> Result<Option<String>> {
    let find = async { Ok(attached(ec2, vpc_id).await?.and_then(|gateway| gateway.internet_gateway_id)) };
    cx.lookup(&address(vpc), find).await
}

/// Returns the gateway as something that hangs on its VPC.
pub(crate) fn held(vpc: &str, gateway: &Gateway) -> Held {
    let id = gateway.internet_gateway_id().unwrap_or_default();
    Held { name: format!("internet gateway {id}"), address: Some(address(vpc)) }
}

async fn attached(ec2: &Ec2, vpc_id: &str) -> Result<Option<Gateway>> {
    let found = ec2.internet_gateways(vec![filter("attachment.vpc-id", [vpc_id])]).await?;
    the_one(found, &format!("internet gateway of {vpc_id}"), Gateway::internet_gateway_id)
}

/// Returns a gateway of that name that hangs on no VPC: made by a run that was cut off before it could attach it.
async fn loose(ec2: &Ec2, name: &str) -> Result<Option<Gateway>> {
    let mut found = ec2.internet_gateways(vec![named(name)]).await?;
    found
        .retain(|gateway| gateway.attachments().is_empty() && tags(gateway.tags()).get("Name") == Some(name));
    the_one(found, &format!("internet gateway named {name}"), Gateway::internet_gateway_id)
}

fn state(gateway: &Gateway, attached: bool) -> GatewayState {
    let id = Fact::from_answer(gateway.internet_gateway_id.clone());
    GatewayState { id, attached, tags: tags(gateway.tags()) }
}

impl Resource for InternetGateway {
    type Params = InternetGatewayParams;
    type State = GatewayState;
    type Around = Around;
    type Receipt = ();

    fn address(&self, p: &InternetGatewayParams) -> Address {
        address(&p.vpc)
    }

    fn refers(&self, p: &InternetGatewayParams) -> Option<Vec<Address>> {
        Some(vec![bare_vpc::address(&p.vpc)])
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &InternetGatewayParams,
        _: Option<&()>,
    ) -> Result<(Option<GatewayState>, Around)> {
        let ec2 = client::<Ec2>(cx, &p.aws).await?;
        let Some(vpc_id) = bare_vpc::id_unless(p.state.is_absent(), cx, &ec2, &p.vpc).await? else {
            return Ok((None, Around::default()));
        };
        if unknown::is_unknown(&vpc_id) {
            return Ok((None, Around { vpc_id }));
        }
        let found = match attached(&ec2, &vpc_id).await? {
            Some(gateway) => Some(state(&gateway, true)),
            None => loose(&ec2, &p.vpc).await?.map(|gateway| state(&gateway, false)),
        };
        Ok((found, Around { vpc_id }))
    }

    fn desired(
        &self,
        p: &InternetGatewayParams,
        _: &Around,
        have: Option<&GatewayState>,
    ) -> Result<Option<GatewayState>> {
        if p.state.is_absent() {
            return Ok(None);
        }
        Ok(Some(GatewayState {
            id: have.map(|have| have.id.clone()).unwrap_or_default(),
            attached: true,
            tags: name_tag::desired(p.tags.as_ref(), p.purge_tags, have.map(|have| &have.tags), &p.vpc),
        }))
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &InternetGatewayParams,
        around: &Around,
        change: Change<'_, GatewayState>,
    ) -> Result<()> {
        let ec2 = client::<Ec2>(cx, &p.aws).await?;
        match change {
            Change::Create { want } => {
                let id = create(cx, &ec2, p, want).await?;
                attach(cx, &ec2, &id, &around.vpc_id).await
            }
            Change::Update { have, want } => {
                let id = have.id.known().ok_or_else(|| Failure::bug("a gateway without an id"))?;
                if !have.attached {
                    attach(cx, &ec2, id, &around.vpc_id).await?;
                }
                ec2.retag(id, &have.tags.change(&want.tags)).await
            }
            Change::Delete { have } => {
                let id = have.id.known().ok_or_else(|| Failure::bug("a gateway without an id"))?;
                if have.attached {
                    detach(cx, &ec2, id, &around.vpc_id).await?;
                }
                release(cx, &GONE, || async {
                    let sent = ec2.delete_internet_gateway().internet_gateway_id(id).send().await;
                    sent.map(drop).map_err(failing(format!("delete internet gateway {id}")))
                })
                .await
            }
        }
    }

    fn output(&self, p: &InternetGatewayParams, report: &Report<'_, Self>) -> Value {
        let label = format!("{}: id", address(&p.vpc));
        json!({ "id": report.state().map(|state| state.id.json(&label)) })
    }

    fn id(&self, state: &GatewayState) -> Option<String> {
        state.id.known().cloned()
    }

    fn ours(&self, have: &GatewayState) -> bool {
        have.tags.owned()
    }

    async fn realm(&self, cx: &Cx, p: &InternetGatewayParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &p.aws).await
    }
}

async fn create(cx: &Cx, ec2: &Ec2, p: &InternetGatewayParams, want: &GatewayState) -> Result<String> {
    let sent = ec2
        .create_internet_gateway()
        .set_tag_specifications(
            specification(ResourceType::InternetGateway, &want.tags.for_creation(cx)).map(|tags| vec![tags]),
        )
        .customize()
        .interceptor(once())
        .send()
        .await;
    let made = sent.map_err(failing(format!("create the internet gateway of {}", p.vpc)))?;
    let id = made.internet_gateway.and_then(|gateway| gateway.internet_gateway_id);
    id.ok_or_else(|| Failure::bug("CreateInternetGateway gave no id"))
}

async fn attach(cx: &Cx, ec2: &Ec2, id: &str, vpc_id: &str) -> Result<()> {
    retry_on(cx, &["InvalidInternetGatewayID.NotFound", "InvalidVpcID.NotFound"], UNSEEN, || async {
        let call = ec2.attach_internet_gateway().internet_gateway_id(id).vpc_id(vpc_id);
        let sent = call.customize().interceptor(once()).send().await;
        sent.map(drop).map_err(failing(format!("attach internet gateway {id} to {vpc_id}")))
    })
    .await
}

/// Refused while anything in the VPC has a public address.
async fn detach(cx: &Cx, ec2: &Ec2, id: &str, vpc_id: &str) -> Result<()> {
    let detached = release(cx, &GONE, || async {
        let sent = ec2.detach_internet_gateway().internet_gateway_id(id).vpc_id(vpc_id).send().await;
        sent.map(drop).map_err(failing(format!("detach internet gateway {id} from {vpc_id}")))
    });
    optional(detached.await, &["Gateway.NotAttached"]).map(drop)
}
