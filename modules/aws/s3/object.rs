//! Headers and metadata of an object: what a HEAD request tells of them, and what a PUT sends.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rplay_client_s3::sdk::operation::head_object::HeadObjectOutput;
use rplay_client_s3::sdk::types::StorageClass;
use rplay_module::{Failure, Result};

/// The headers that S3 keeps by themselves; everything else that is given is the user's own metadata.
const HEADERS: [&str; 7] = [
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Type",
    "Storage-Class",
    "Website-Redirect-Location",
];

/// What Ansible passes on as well, and is not built: it must not end up as metadata.
const UNBUILT: [&str; 12] = [
    "acl",
    "expires",
    "grantfullcontrol",
    "grantread",
    "grantreadacp",
    "grantwriteacp",
    "requestpayer",
    "serversideencryption",
    "ssecustomeralgorithm",
    "ssecustomerkey",
    "ssecustomerkeymd5",
    "ssekmskeyid",
];

/// Headers by their usual name, and metadata by its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parted {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) own: BTreeMap<String, String>,
}

/// Parts what Ansible calls metadata into S3's own headers (`ContentType`, `content-type`) and the user's.
pub(crate) fn parted(given: &IndexMap<String, String>) -> Result<Parted> {
    let mut parted = Parted::default();
    let plain = |name: &str| name.replace('-', "").to_lowercase();
    for (name, value) in given {
        let meant = plain(name);
        if UNBUILT.contains(&meant.as_str()) {
            return Err(Failure::new(format!("could not set {name} of an object: that is not built yet")));
        }
        match HEADERS.iter().find(|header| plain(header) == meant) {
            Some(header) => parted.headers.insert((*header).to_owned(), value.clone()),
            // S3 keeps the names in lower case.
            None => parted.own.insert(name.to_lowercase(), value.clone()),
        };
    }
    Ok(parted)
}

/// Returns the headers that an object has.
pub(crate) fn headers(answer: &HeadObjectOutput) -> BTreeMap<String, String> {
    let found = [
        ("Cache-Control", answer.cache_control()),
        ("Content-Disposition", answer.content_disposition()),
        ("Content-Encoding", answer.content_encoding()),
        ("Content-Language", answer.content_language()),
        ("Content-Type", answer.content_type()),
        ("Storage-Class", answer.storage_class().map(StorageClass::as_str)),
        ("Website-Redirect-Location", answer.website_redirect_location()),
    ];
    found.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect()
}

/// Leaves out what says nothing: an empty header is none, and the usual storage class is not told by S3.
pub(crate) fn normal(headers: &mut BTreeMap<String, String>) {
    headers.retain(|name, value| match name.as_str() {
        "Storage-Class" => !matches!(value.as_str(), "" | "STANDARD"),
        _ => !value.is_empty(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> IndexMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn s3s_own_headers_are_told_from_the_users_metadata() {
        let parted =
            parted(&given(&[("ContentType", "text/html"), ("cache-control", "no-store"), ("Version", "1")]))
                .unwrap();
        assert_eq!(parted.headers.keys().collect::<Vec<_>>(), ["Cache-Control", "Content-Type"]);
        assert_eq!(parted.own, BTreeMap::from([("version".to_owned(), "1".to_owned())]));
    }

    #[test]
    fn what_is_not_built_is_no_metadata() {
        let failure = parted(&given(&[("Expires", "tomorrow")])).unwrap_err();
        assert_eq!(failure.message, "could not set Expires of an object: that is not built yet");
    }
}
