//! The client of S3, and the paged reads that several modules need.

use std::ops::Deref;

pub use aws_sdk_s3 as sdk;
use rplay_aws::{Config, Service, failing};
use rplay_module::Result;
use sdk::types::{Object, ObjectIdentifier};

/// What a HEAD request says when there is none; an answer without a body has no better code.
const NONE: &[&str] = &["NotFound", "404", "NoSuchBucket", "NoSuchKey"];

/// S3, for some credentials in some region.
pub struct S3 {
    client: sdk::Client,
    config: Config,
}

/// A bucket that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Where it is, as far as S3 says.
    pub region: Option<String>,
}

impl Service for S3 {
    const ID: &'static str = "S3";
    /// Large objects are sent in one call.
    const PATIENCE: u64 = 900;

    fn build(config: &Config) -> Self {
        let built = sdk::config::Builder::from(&config.sdk)
            .interceptor(config.resend)
            .force_path_style(config.path_style)
            .build();
        Self { client: sdk::Client::from_conf(built), config: config.clone() }
    }
}

impl Deref for S3 {
    type Target = sdk::Client;

    fn deref(&self) -> &sdk::Client {
        &self.client
    }
}

impl S3 {
    /// Returns the region that the client calls; a bucket made through it lies there.
    pub fn region(&self) -> &str {
        &self.config.region
    }

    /// Returns the bucket, if it is there and ours to look at.
    ///
    /// # Errors
    /// `403` for a bucket of somebody else, `301` for one in another region.
    pub async fn bucket(&self, name: &str) -> Result<Option<Bucket>> {
        let asked =
            self.head_bucket().bucket(name).send().await.map_err(failing(format!("look at bucket {name}")));
        let answer = rplay_aws::optional(asked, NONE)?;
        Ok(answer.map(|answer| Bucket { region: answer.bucket_region }))
    }

    /// Returns the objects whose keys begin with the prefix.
    pub async fn objects(&self, bucket: &str, prefix: Option<&str>) -> Result<Vec<Object>> {
        let asked = self.list_objects_v2().bucket(bucket).set_prefix(prefix.map(str::to_owned));
        let mut pages = asked.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failing(format!("list the objects of bucket {bucket}")))?;
            found.extend(page.contents.unwrap_or_default());
        }
        Ok(found)
    }

    /// Returns every version of every object, and every marker of a deleted one: what must go before the bucket can.
    pub async fn versions(&self, bucket: &str) -> Result<Vec<ObjectIdentifier>> {
        self.versions_under(bucket, "").await
    }

    /// Returns every version and marker of the objects whose keys begin with the prefix.
    pub async fn versions_under(&self, bucket: &str, prefix: &str) -> Result<Vec<ObjectIdentifier>> {
        let (mut found, mut from) = (Vec::new(), (None, None));
        loop {
            let asked = self
                .list_object_versions()
                .bucket(bucket)
                .set_prefix(Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty()))
                .set_key_marker(from.0)
                .set_version_id_marker(from.1)
                .send()
                .await;
            let page = asked.map_err(failing(format!("list the versions of bucket {bucket}")))?;
            let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
            let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
            for (key, version) in versions.chain(markers) {
                let built = ObjectIdentifier::builder().set_key(key.map(str::to_owned));
                found.extend(built.set_version_id(version.map(str::to_owned)).build().ok());
            }
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            from = (page.next_key_marker, page.next_version_id_marker);
        }
    }
}

#[cfg(test)]
mod tests {
    use rplay_aws::{AwsParams, Transport, client};
    use rplay_module::Sandbox;
    use rplay_test_support::recorded::{Expected, Recorded};
    use rplay_test_support::{Proxy, Rule, StandIn, TestWorld};

    use super::*;

    async fn s3(expected: impl IntoIterator<Item = Expected>) -> (std::sync::Arc<S3>, Recorded) {
        let sandbox = Sandbox {
            endpoint: "http://127.0.0.1:4566".to_owned(),
            region: "eu-west-1".to_owned(),
            access_key: "000000000000".to_owned(),
            secret_key: "sandbox".to_owned(),
        };
        let (world, calls) = (TestWorld::new().sandbox(sandbox).start(), Recorded::new(expected));
        world.cx().shared::<Transport>().replace(calls.client());
        (client::<S3>(&world.cx(), &AwsParams::default()).await.unwrap(), calls)
    }

    #[tokio::test]
    async fn a_bucket_is_told_from_none_and_from_somebody_elses() {
        let head =
            |status, region: &[(&str, &str)]| Expected::rest("HEAD", "/b").answers_with(status, region, "");
        let (s3, _calls) =
            s3([head(200, &[("x-amz-bucket-region", "eu-west-1")]), head(404, &[]), head(403, &[])]).await;
        assert_eq!(s3.bucket("b").await.unwrap(), Some(Bucket { region: Some("eu-west-1".to_owned()) }));
        assert_eq!(s3.bucket("b").await.unwrap(), None);
        assert_eq!(s3.bucket("b").await.unwrap_err().message, "could not look at bucket b: 403: Forbidden");
    }

    #[tokio::test]
    async fn versions_and_markers_are_listed_page_by_page() {
        let list = |inside: &str| format!("<ListVersionsResult>{inside}</ListVersionsResult>");
        let (s3, _calls) = s3([
            Expected::rest("GET", "/b").without("key-marker").answers_xml(&list(
                "<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>\
                 <Version><Key>k</Key><VersionId>1</VersionId></Version>",
            )),
            Expected::rest("GET", "/b").parameter("key-marker", "k").answers_xml(&list(
                "<IsTruncated>false</IsTruncated><DeleteMarker><Key>k</Key><VersionId>2</VersionId></DeleteMarker>",
            )),
        ])
        .await;
        let found = s3.versions("b").await.unwrap();
        assert_eq!(found.iter().filter_map(ObjectIdentifier::version_id).collect::<Vec<_>>(), ["1", "2"]);
    }

    #[tokio::test]
    async fn a_stand_in_keeps_buckets_and_objects_by_their_path() {
        let stand_in = StandIn::shared();
        let (proxy, account) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
        let world = TestWorld::aws()
            .env("AWS_ENDPOINT_URL", &proxy.endpoint())
            .env("AWS_ACCESS_KEY_ID", account.id())
            .start();
        let s3 = client::<S3>(&world.cx(), &AwsParams::default()).await.unwrap();
        assert_eq!(s3.bucket("client-s3").await.unwrap(), None);
        let place = sdk::types::CreateBucketConfiguration::builder()
            .location_constraint(sdk::types::BucketLocationConstraint::EuWest1)
            .build();
        s3.create_bucket().bucket("client-s3").create_bucket_configuration(place).send().await.unwrap();
        proxy.add_rule(Rule::on("s3", "PutObject").nth(1).throttle());
        let body = sdk::primitives::ByteStream::from_static(b"hello");
        s3.put_object().bucket("client-s3").key("a b/c.css").body(body).send().await.unwrap();
        let found = s3.objects("client-s3", Some("a b/")).await.unwrap();
        assert_eq!(found.iter().filter_map(Object::key).collect::<Vec<_>>(), ["a b/c.css"]);
        assert_eq!(s3.versions("client-s3").await.unwrap().len(), 1);
        assert!(s3.bucket("client-s3").await.unwrap().is_some());
        assert_eq!(proxy.written(), ["s3 CreateBucket", "s3 PutObject", "s3 PutObject"], "{}", proxy.log());
    }
}
