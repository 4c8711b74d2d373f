use rplay_client_ec2::Ec2;
use rplay_module::{Failure, Result, unknown};

/// Returns the name of the zone that is meant: a letter (`a`), a number counted from 0, a zone's id (`euw1-az1`), or its name.
///
/// Asks for the region's zones only where a number or an id is given; they are remembered for the run.
pub(crate) async fn name(ec2: &Ec2, region: &str, given: &str) -> Result<String> {
    let given = given.trim();
    if unknown::is_unknown(given) {
        return Ok(given.to_owned());
    }
    if let Ok(number) = given.parse::<usize>() {
        let zones = ec2.zones().await?;
        let zone = zones.get(number).and_then(|zone| zone.zone_name());
        return zone.map(str::to_owned).ok_or_else(|| none(region, given, zones.len()));
    }
    if given.len() == 1 {
        return Ok(format!("{region}{given}"));
    }
    if is_id(given) {
        let zones = ec2.zones().await?;
        let zone = zones.iter().find(|zone| zone.zone_id() == Some(given)).and_then(|zone| zone.zone_name());
        return zone.map(str::to_owned).ok_or_else(|| none(region, given, zones.len()));
    }
    Ok(given.to_owned())
}

/// Returns the zone for the nth subnet where none is given: spread over all there are, as load balancers need it.
pub(crate) async fn nth(ec2: &Ec2, region: &str, number: usize) -> Result<String> {
    let zones = ec2.zones().await?;
    let count = zones.len().max(1);
    let zone = zones.get(number % count).and_then(|zone| zone.zone_name());
    zone.map(str::to_owned).ok_or_else(|| none(region, &number.to_string(), zones.len()))
}

/// `euw1-az1`; a zone's name ends in a letter.
fn is_id(text: &str) -> bool {
    let number = text.rsplit_once("-az").map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn none(region: &str, given: &str, count: usize) -> Failure {
    Failure::new(format!("could not find zone {given} of {region}: the account can use {count} zones there"))
        .hint("a zone is a letter (a), a number counted from 0, an id (euw1-az1) or a name (eu-west-1a)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_from_a_name() {
        assert!(is_id("euw1-az1") && is_id("usw2-lax1-az12"));
        assert!(!is_id("eu-west-1a") && !is_id("us-west-2-lax-1a"));
    }
}
