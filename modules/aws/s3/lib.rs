//! S3: buckets and what is in them.
//!
//! **Invariant:** an omitted parameter costs no call: what is not managed is not read.

mod content;
mod keys;
mod object;
mod s3_bucket;
mod s3_object;
#[cfg(test)]
mod testing;
mod versions;

use rplay_module::{Done, Driven, Module, Params as _};

pub use s3_bucket::{BucketParams, BucketResource};
pub use s3_object::{GetObject, ListedKeys, ObjectParams, ObjectResource, ObjectUrl, ReadObject};

/// The modules of this family.
pub const MODULES: &[Module] = &[
    Module {
        names: &["s3_bucket", "amazon.aws.s3_bucket"],
        native: false,
        spec: BucketParams::spec,
        pick: |_| Box::new(Driven(BucketResource)),
    },
    Module {
        names: &["s3_object", "amazon.aws.s3_object", "aws_s3", "amazon.aws.aws_s3", "s3"],
        native: false,
        spec: ObjectParams::spec,
        pick: |args| match args.get("mode").and_then(serde_json::Value::as_str) {
            Some("get") => Box::new(Done("s3_object", GetObject)),
            Some("getstr") => Box::new(Done("s3_object", ReadObject)),
            Some("geturl") => Box::new(Done("s3_object", ObjectUrl)),
            Some("list") => Box::new(Done("s3_object", ListedKeys)),
            _ => Box::new(Driven(ObjectResource)),
        },
    },
];
