use rplay_module::{Params, Secret};

/// What every AWS module takes, beside its own parameters.
#[derive(Params, Clone, Debug)]
#[params(unbuilt("aws_config", "debug_botocore_endpoint_logs"))]
pub struct AwsParams {
    /// The region. Omitted: `AWS_REGION`, `AWS_DEFAULT_REGION`, else the profile's. Ignored by services that have none.
    #[param(alias = "aws_region", deprecated_alias("ec2_region" => "Use 'region'."))]
    pub region: Option<String>,
    /// A profile of ~/.aws/config or ~/.aws/credentials. Omitted: `AWS_PROFILE`, else `default`. Not together with keys.
    #[param(alias = "aws_profile")]
    pub profile: Option<String>,
    /// The access key's id. Omitted: `AWS_ACCESS_KEY_ID`, else what the profile says.
    #[param(alias = "aws_access_key_id", alias = "aws_access_key", deprecated_alias("ec2_access_key" => "Use 'access_key'."))]
    pub access_key: Option<String>,
    /// The secret access key. Omitted: `AWS_SECRET_ACCESS_KEY`, else what the profile says.
    #[param(alias = "aws_secret_access_key", alias = "aws_secret_key", deprecated_alias("ec2_secret_key" => "Use 'secret_key'."))]
    pub secret_key: Option<Secret<String>>,
    /// The token of temporary credentials. Omitted: `AWS_SESSION_TOKEN`, where the keys come from the environment too.
    #[param(
        alias = "aws_session_token",
        deprecated_alias("security_token" => "Use 'session_token'."),
        deprecated_alias("aws_security_token" => "Use 'session_token'."),
        deprecated_alias("access_token" => "Use 'session_token'.")
    )]
    pub session_token: Option<Secret<String>>,
    /// The URL to call in place of AWS's own, for every service. Omitted: `AWS_ENDPOINT_URL_<SERVICE>`,
    /// `AWS_ENDPOINT_URL`, else what the profile says.
    #[param(
        alias = "aws_endpoint_url",
        deprecated_alias("ec2_url" => "Use 'endpoint_url'."),
        deprecated_alias("s3_url" => "Use 'endpoint_url'.")
    )]
    pub endpoint_url: Option<String>,
    /// A file of certificates to trust in place of the system's. Omitted: `AWS_CA_BUNDLE`.
    #[param(path)]
    pub aws_ca_bundle: Option<String>,
    /// Whether the certificate of the endpoint is checked. Leaving it unchecked is not built yet for https endpoints.
    #[param(default = true)]
    pub validate_certs: bool,
}

impl Default for AwsParams {
    /// Returns what a task that names none of them has.
    fn default() -> Self {
        Self {
            region: None,
            profile: None,
            access_key: None,
            secret_key: None,
            session_token: None,
            endpoint_url: None,
            aws_ca_bundle: None,
            validate_certs: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::params::parse;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_name_that_ansible_takes_is_taken() {
        let read = |args| parse::<AwsParams>(&args).unwrap().params;
        for name in ["region", "aws_region", "ec2_region"] {
            assert_eq!(read(json!({ name: "eu-west-1" })).region.as_deref(), Some("eu-west-1"), "{name}");
        }
        for name in ["secret_key", "aws_secret_access_key", "aws_secret_key", "ec2_secret_key"] {
            assert_eq!(read(json!({ name: "s" })).secret_key, Some(Secret::new("s".to_owned())), "{name}");
        }
        assert!(read(json!({})).validate_certs);
    }

    #[test]
    fn what_is_not_built_is_a_fault() {
        let faults = parse::<AwsParams>(&json!({ "aws_config": { "retries": 1 } })).unwrap_err();
        assert_eq!(faults.len(), 1);
    }
}
