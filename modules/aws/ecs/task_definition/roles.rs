//! Roles by name: AWS answers with ARNs.

use rplay_aws::{AwsParams, client};
use rplay_client_iam::Iam;
use rplay_module::{Address, Cx, Failure, Result, unknown};

/// Returns a role's ARN for what a task says: an ARN, or a name. What the definition has is asked nobody for when it is a
/// role of that name.
pub(super) async fn arn(cx: &Cx, p: &AwsParams, asked: &str, held: Option<&str>) -> Result<String> {
    if asked.is_empty() || asked.starts_with("arn:") || unknown::is_unknown(asked) {
        return Ok(asked.to_owned());
    }
    if let Some(held) = held.filter(|held| name(held) == Some(asked)) {
        return Ok(held.to_owned());
    }
    let address = Address::new("iam.role", asked);
    let find = async {
        let iam = client::<Iam>(cx, p).await?;
        Ok(iam.role(asked).await?.map(|role| role.arn))
    };
    cx.lookup(&address, find).await?.ok_or_else(|| Failure::missing(address))
}

/// The last part of `arn:aws:iam::123456789012:role/path/name`.
fn name(arn: &str) -> Option<&str> {
    arn.split_once(":role/")?.1.rsplit('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_its_name_behind_its_path() {
        assert_eq!(name("arn:aws:iam::123456789012:role/web"), Some("web"));
        assert_eq!(name("arn:aws:iam::123456789012:role/teams/a/web"), Some("web"));
        assert_eq!(name("arn:aws:iam::123456789012:user/web"), None);
    }
}
