//! Headers and metadata of an object: what a HEAD request tells of them, and what a PUT sends.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rplay_client_s3::sdk::operation::head_object::HeadObjectOutput;

/// The headers that S3 keeps by themselves; everything else that is given is the user's own metadata.
pub(crate) const HEADERS: [&str; 5] =
    ["Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type"];

/// Parts what Ansible calls metadata into S3's own headers and the user's.
pub(crate) fn parted(
    given: &IndexMap<String, String>,
) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let mut headers = BTreeMap::new();
    let mut own = BTreeMap::new();
    for (name, value) in given {
        match HEADERS.iter().find(|header| header.eq_ignore_ascii_case(name)) {
            Some(header) => headers.insert((*header).to_owned(), value.clone()),
            None => own.insert(name.trim_start_matches("x-amz-meta-").to_lowercase(), value.clone()),
        };
    }
    (headers, own)
}

/// Returns the headers that an object has.
pub(crate) fn headers(answer: &HeadObjectOutput) -> BTreeMap<String, String> {
    let found = [
        ("Cache-Control", answer.cache_control()),
        ("Content-Disposition", answer.content_disposition()),
        ("Content-Encoding", answer.content_encoding()),
        ("Content-Language", answer.content_language()),
        ("Content-Type", answer.content_type()),
    ];
    found.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3s_own_headers_are_told_from_the_users_metadata() {
        let given = IndexMap::from([
            ("content-type".to_owned(), "text/html".to_owned()),
            ("Version".to_owned(), "1".to_owned()),
            ("x-amz-meta-a".to_owned(), "b".to_owned()),
        ]);
        let (headers, own) = parted(&given);
        assert_eq!(headers, BTreeMap::from([("Content-Type".to_owned(), "text/html".to_owned())]));
        assert_eq!(own.keys().collect::<Vec<_>>(), ["a", "version"]);
    }
}
