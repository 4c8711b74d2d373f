//! Where a repository is: its address, its ARN and its URI, known before it exists.

use std::sync::Arc;

use rplay_aws::AwsParams;
use rplay_client_ecr::Ecr;
use rplay_client_ecr::sdk::types::Repository;
use rplay_module::{Address, Cx, Result, unknown};

/// Returns the address of a repository.
pub(crate) fn repository_address(name: &str) -> Address {
    Address::new("ecr.repository", name)
}

/// Returns the address of an image by its tag.
pub(crate) fn image_address(repository: &str, tag: &str) -> Address {
    Address::new("ecr.image", format!("{repository}:{tag}"))
}

/// Returns the address of an image that has lost its tag.
pub(crate) fn untagged_address(repository: &str, digest: &str) -> Address {
    Address::new("ecr.image", format!("{repository}@{digest}"))
}

/// A repository's ARN and URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) arn: String,
    /// `123456789012.dkr.ecr.eu-west-1.amazonaws.com/app`.
    pub(crate) uri: String,
}

impl Place {
    fn new(partition: &str, region: &str, account: &str, name: &str) -> Self {
        let domain = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        Self {
            arn: format!("arn:{partition}:ecr:{region}:{account}:repository/{name}"),
            uri: format!("{account}.dkr.ecr.{region}.{domain}/{name}"),
        }
    }

    /// Returns the place that an ARN names.
    fn of_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':').skip(1);
        let (partition, _, region, account) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Self::new(partition, region, account, parts.next()?.strip_prefix("repository/")?))
    }

    /// Returns the place of a repository that is not there yet: who we are and where says it all.
    pub(crate) async fn to_come(cx: &Cx, aws: &AwsParams, name: &str) -> Result<Self> {
        let who = rplay_client_sts::identity(cx, aws).await?;
        Ok(Self::new(who.partition(), &rplay_aws::region(cx, aws).await?, &who.account, name))
    }
}

/// A repository as an image sees it.
pub(crate) struct Home {
    pub(crate) place: Place,
    /// A plan has only foretold it.
    pub(crate) is_there: bool,
}

/// Looks for a repository by its name; `None` where it is not there and nobody makes it.
pub(crate) async fn home(cx: &Cx, aws: &AwsParams, name: &str) -> Result<Option<Home>> {
    let find = async {
        let ecr: Arc<Ecr> = rplay_aws::client(cx, aws).await?;
        let found = ecr.repository(name).await?;
        Ok(found.as_ref().and_then(Repository::repository_arn).map(str::to_owned))
    };
    let Some(arn) = cx.lookup(&repository_address(name), find).await? else { return Ok(None) };
    let is_there = !unknown::is_unknown(&arn);
    let place = match Place::of_arn(&arn).filter(|_| is_there) {
        Some(place) => place,
        None => Place::to_come(cx, aws, name).await?,
    };
    Ok(Some(Home { place, is_there }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_the_place() {
        for (arn, uri) in [
            ("arn:aws:ecr:eu-west-1:1:repository/team/app", "1.dkr.ecr.eu-west-1.amazonaws.com/team/app"),
            ("arn:aws-cn:ecr:cn-north-1:1:repository/app", "1.dkr.ecr.cn-north-1.amazonaws.com.cn/app"),
        ] {
            let place = Place::of_arn(arn).unwrap();
            assert_eq!((place.arn.as_str(), place.uri.as_str()), (arn, uri));
        }
        assert_eq!(Place::of_arn("arn:aws:s3:::bucket"), None);
    }
}
