use super::folder::Record;
use super::{ACCOUNT, SECRET_KEY};

/// Returns what AWS clients need to use the sandbox and nothing else. Whoever passes these on removes every other
/// variable that begins with `AWS_`: a profile or an endpoint of one service would lead outside.
pub(crate) fn variables(record: &Record) -> Vec<(&'static str, String)> {
    let text = |text: &str| text.to_owned();
    vec![
        ("AWS_ENDPOINT_URL", record.endpoint()),
        ("AWS_ACCESS_KEY_ID", text(ACCOUNT)),
        ("AWS_SECRET_ACCESS_KEY", text(SECRET_KEY)),
        ("AWS_REGION", record.region.clone()),
        ("AWS_DEFAULT_REGION", record.region.clone()),
        ("AWS_CONFIG_FILE", text("/dev/null")),
        ("AWS_SHARED_CREDENTIALS_FILE", text("/dev/null")),
        ("AWS_EC2_METADATA_DISABLED", text("true")),
    ]
}

/// Returns the lines of `rplay sandbox env` for a shell's `eval`; `present` are the names of the variables that are set
/// there.
pub(crate) fn exports<'a>(record: &Record, present: impl Iterator<Item = &'a str>) -> Vec<String> {
    let variables = variables(record);
    let foreign = |name: &&str| name.starts_with("AWS_") && !variables.iter().any(|(ours, _)| ours == name);
    let mut unset: Vec<&str> = present.filter(foreign).collect();
    unset.sort_unstable();
    let unset = unset.into_iter().map(|name| format!("unset {name}"));
    // Regions come from the user: quoted, as a shell reads it.
    let export = |(name, value): &(&str, String)| format!("export {name}='{}'", value.replace('\'', "'\\''"));
    unset.chain(variables.iter().map(export)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(region: &str) -> Record {
        Record {
            process: None,
            port: 4566,
            region: region.to_owned(),
            version: "1".to_owned(),
            name: "rplay-1".to_owned(),
            containers: true,
        }
    }

    #[test]
    fn a_shell_is_told_what_to_set_and_what_to_forget() {
        let present = ["PATH", "AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL_S3"];
        assert_eq!(
            exports(&record("eu-west-1"), present.into_iter()),
            [
                "unset AWS_ENDPOINT_URL_S3",
                "unset AWS_PROFILE",
                "export AWS_ENDPOINT_URL='http://127.0.0.1:4566'",
                "export AWS_ACCESS_KEY_ID='000000000000'",
                "export AWS_SECRET_ACCESS_KEY='sandbox-secret-key'",
                "export AWS_REGION='eu-west-1'",
                "export AWS_DEFAULT_REGION='eu-west-1'",
                "export AWS_CONFIG_FILE='/dev/null'",
                "export AWS_SHARED_CREDENTIALS_FILE='/dev/null'",
                "export AWS_EC2_METADATA_DISABLED='true'",
            ]
        );
    }

    #[test]
    fn a_quote_does_not_end_the_value() {
        let lines = exports(&record("a'; b"), std::iter::empty());
        assert!(lines.contains(&"export AWS_REGION='a'\\''; b'".to_owned()), "{lines:?}");
    }
}
