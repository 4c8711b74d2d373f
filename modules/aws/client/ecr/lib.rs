//! The client of ECR, and the reads that several modules need.

use std::collections::BTreeMap;
use std::ops::Deref;

pub use aws_sdk_ecr as sdk;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rplay_aws::{Config, Service, Tags, failing, optional};
use rplay_module::{Cx, Failure, Result, Secret};
use sdk::types::{ImageDetail, ImageIdentifier, Repository, Tag};

/// ECR, for some credentials in some region.
pub struct Ecr {
    client: sdk::Client,
    config: Config,
}

/// What a registry asks for.
#[derive(Clone, Debug)]
pub struct Login {
    pub user: String,
    pub password: Secret<String>,
    /// `https://123456789012.dkr.ecr.eu-west-1.amazonaws.com`.
    pub endpoint: String,
}

impl Service for Ecr {
    const ID: &'static str = "ECR";

    fn build(config: &Config) -> Self {
        let built = sdk::config::Builder::from(&config.sdk).interceptor(config.resend).build();
        Self { client: sdk::Client::from_conf(built), config: config.clone() }
    }
}

impl Deref for Ecr {
    type Target = sdk::Client;

    fn deref(&self) -> &sdk::Client {
        &self.client
    }
}

/// Returns the tags of an answer.
pub fn tags(list: &[Tag]) -> Tags {
    list.iter().map(|tag| (tag.key(), tag.value())).collect()
}

/// Returns tags as ECR takes them.
pub fn tag_list(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>> {
    let built = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    built.collect::<Result<_, _>>().map_err(Failure::bug)
}

impl Ecr {
    /// Returns the endpoint in use where it is not AWS's own: a stand-in's registry is at the same place.
    pub fn endpoint(&self) -> Option<&str> {
        self.config.endpoint.as_deref()
    }

    /// Returns whether images go to a registry on this machine.
    pub fn is_local(&self) -> bool {
        self.config.path_style
    }

    pub async fn repository(&self, name: &str) -> Result<Option<Repository>> {
        let asked = self.describe_repositories().repository_names(name).send().await;
        let answer = asked.map_err(failing(format!("read image repository {name}")));
        let answer = optional(answer, &["RepositoryNotFoundException"])?;
        Ok(answer.and_then(|answer| answer.repositories?.into_iter().next()))
    }

    /// Returns the tags of a repository, by its ARN.
    pub async fn tags_of(&self, arn: &str) -> Result<Tags> {
        let asked = self.list_tags_for_resource().resource_arn(arn).send().await;
        let answer = asked.map_err(failing(format!("read the tags of {arn}")))?;
        Ok(tags(answer.tags.as_deref().unwrap_or_default()))
    }

    /// Returns the image of a tag; `None` where image or repository are not there.
    pub async fn image(&self, repository: &str, tag: &str) -> Result<Option<ImageDetail>> {
        let id = ImageIdentifier::builder().image_tag(tag).build();
        let asked = self.describe_images().repository_name(repository).image_ids(id).send().await;
        let answer = asked.map_err(failing(format!("read image {repository}:{tag}")));
        let answer = optional(answer, &["ImageNotFoundException", "RepositoryNotFoundException"])?;
        Ok(answer.and_then(|answer| answer.image_details?.into_iter().next()))
    }

    /// Returns every image of a repository; none without it.
    pub async fn images(&self, repository: &str) -> Result<Vec<ImageDetail>> {
        let pages = self.describe_images().repository_name(repository).into_paginator().items().send();
        let listed = pages.try_collect().await.map_err(failing(format!("list the images of {repository}")));
        Ok(optional(listed, &["RepositoryNotFoundException"])?.unwrap_or_default())
    }

    /// Returns what the account's registry asks for; its password is told as a secret.
    pub async fn login(&self, cx: &Cx) -> Result<Login> {
        let answer =
            self.get_authorization_token().send().await.map_err(failing("log in to the image registry"))?;
        let data = answer.authorization_data.unwrap_or_default().into_iter().next();
        let data =
            data.ok_or_else(|| Failure::new("could not log in to the image registry: ECR gave no token"))?;
        let token = data.authorization_token().unwrap_or_default();
        cx.world().secret(token);
        let plain = STANDARD.decode(token).ok().and_then(|plain| String::from_utf8(plain).ok());
        let (user, password) = plain.as_deref().and_then(|plain| plain.split_once(':')).ok_or_else(|| {
            Failure::new("could not log in to the image registry: the token is no `user:password`")
        })?;
        cx.world().secret(password);
        Ok(Login {
            user: user.to_owned(),
            password: Secret::new(password.to_owned()),
            endpoint: data.proxy_endpoint().unwrap_or_default().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use rplay_aws::{AwsParams, Transport, client};
    use rplay_test_support::TestWorld;
    use rplay_test_support::recorded::{Expected, Recorded};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn the_registrys_password_is_a_secret() {
        let world = TestWorld::aws().start();
        let token = STANDARD.encode("AWS:a registry token");
        let calls = Recorded::new([Expected::json("GetAuthorizationToken").answers(
            &json!({ "authorizationData": [{ "authorizationToken": token, "proxyEndpoint": "https://r" }] }),
        )]);
        world.cx().shared::<Transport>().replace(calls.client());
        let ecr = client::<Ecr>(&world.cx(), &AwsParams::default()).await.unwrap();
        let login = ecr.login(&world.cx()).await.unwrap();
        assert_eq!((login.user.as_str(), login.password.expose().as_str()), ("AWS", "a registry token"));
        assert_eq!(world.secrets()[1..], [token, "a registry token".to_owned()]);
        assert!(!ecr.is_local());
    }

    #[tokio::test]
    async fn an_image_that_is_not_there_is_none() {
        let world = TestWorld::aws().start();
        let calls = Recorded::new([Expected::json("DescribeImages")
            .body(json!({ "repositoryName": "app", "imageIds": [{ "imageTag": "1" }] }))
            .refuses("ImageNotFoundException", "none")]);
        world.cx().shared::<Transport>().replace(calls.client());
        let ecr = client::<Ecr>(&world.cx(), &AwsParams::default()).await.unwrap();
        assert!(ecr.image("app", "1").await.unwrap().is_none());
    }
}
