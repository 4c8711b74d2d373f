use indexmap::IndexMap;
use rplay_aws::Tags;

/// Returns the tags that a thing shall have which is found by its tag `Name`: that one stays whatever is purged.
pub(crate) fn desired(
    asked: Option<&IndexMap<String, String>>,
    purge: bool,
    have: Option<&Tags>,
    name: &str,
) -> Tags {
    match (asked, have) {
        (None, Some(have)) => have.clone(),
        (None, None) => Tags::default().with("Name", name),
        (Some(asked), have) => {
            let mut asked = asked.clone();
            asked.insert("Name".to_owned(), name.to_owned());
            Tags::desired(Some(&asked), purge, have)
        }
    }
}
