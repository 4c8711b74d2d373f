//! How a zone is found by its name.

use rplay_client_route53::sdk::types::{HostedZone, HostedZoneConfig};
use rplay_client_route53::{Route53, absolute, zone_id};
use rplay_module::{Address, Cx, Failure, Result};

/// Returns the address of a zone; a private zone of the same name is another one.
pub(crate) fn address(name: &str, private: bool) -> Address {
    let kind = if private { "route53.private_zone" } else { "route53.zone" };
    Address::new(kind, absolute(name).trim_end_matches('.'))
}

/// Returns the one zone that is meant.
///
/// # Errors
/// When several zones have the name: which one is meant must be said by its id.
pub(crate) fn only(found: Vec<HostedZone>, name: &str, private: bool) -> Result<Option<HostedZone>> {
    let mut zones: Vec<HostedZone> = found.into_iter().filter(|zone| is_private(zone) == private).collect();
    if zones.len() > 1 {
        let ids: Vec<&str> = zones.iter().map(zone_id).collect();
        return Err(Failure::new(format!("could not tell which zone {name} is meant: {}", ids.join(", ")))
            .hint("give its hosted_zone_id"));
    }
    Ok(zones.pop())
}

pub(crate) fn is_private(zone: &HostedZone) -> bool {
    zone.config().is_some_and(HostedZoneConfig::private_zone)
}

/// Returns the id of the zone of a name; the marker of one that is to be created.
pub(crate) async fn id_of(cx: &Cx, client: &Route53, name: &str, private: bool) -> Result<String> {
    let address = address(name, private);
    let find = async {
        let zone = only(client.zones_named(name).await?, name, private)?;
        Ok(zone.as_ref().map(|zone| zone_id(zone).to_owned()))
    };
    cx.lookup(&address, find).await?.ok_or_else(|| Failure::missing(address))
}
