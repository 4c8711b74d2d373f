//! A setting of Service Connect's proxy: the one union of a service, which no table can be.
//! See <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectContainerConfiguration.html>.

use rplay_module::{Failure, Params, Result, State};
use serde_json::Value;

use crate::shape::{Piece, Shape, Word, fields_json, types, words};

words! { ServiceConnectContainerLogLevel }

/// A setting of the proxy's container.
#[derive(Params, State, Clone, Debug, Default, PartialEq)]
#[params(camel_case)]
pub(crate) struct ServiceConnectContainerConfiguration {
    /// How much it logs: `info` or `debug`.
    #[param(required)]
    pub(crate) log_level: Option<Word<types::ServiceConnectContainerLogLevel>>,
}

impl Shape for ServiceConnectContainerConfiguration {
    type Sdk = types::ServiceConnectContainerConfiguration;

    fn to_sdk(&self) -> Result<Self::Sdk> {
        let level = self.log_level.as_ref().map(Word::to_sdk);
        level.map(Self::Sdk::LogLevel).ok_or_else(|| Failure::bug("a required log_level is not checked"))
    }

    fn from_sdk(sdk: &Self::Sdk) -> Self {
        Self { log_level: sdk.as_log_level().ok().map(Word::from_sdk) }
    }
}

impl Piece for ServiceConnectContainerConfiguration {
    fn json(&self) -> Value {
        fields_json([("log_level", self.log_level.as_ref().map(Piece::json))])
    }

    fn is_blank(&self) -> bool {
        self.log_level.is_none()
    }
}
