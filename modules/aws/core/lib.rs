//! What every AWS module needs: sessions, clients, retries, waiters, tags, error wording.
//!
//! A module takes [`AwsParams`] among its parameters and asks for a [`client`]; there is one per service, credentials,
//! region and endpoint for the whole run. Answers become [`rplay_module::Failure`]s through [`failing`].
//!
//! **Invariant:** this crate knows no service. A client crate says how its SDK client is built ([`Service`]) and nothing
//! else of it is known here. It is the only place that knows `aws-config`, and under `--sandbox` nothing of that is called:
//! no credentials, profiles, endpoints or files of the environment are read.

mod client;
mod credentials;
mod document;
mod failure;
mod http_client;
mod names;
mod params;
pub mod policy;
mod resend;
mod session;
mod settings;
mod tags;
mod times;
mod waiting;

pub use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
pub use aws_smithy_runtime_api::client::result::SdkError;
pub use aws_smithy_types::DateTime;
pub use client::{Config, Service, client, region};
pub use document::Document;
pub use failure::{failing, failure, is_code, optional};
pub use http_client::Transport;
pub use names::{camel_to_snake, snake_keys, snake_keys_except};
pub use params::AwsParams;
pub use resend::{Resend, once};
pub use tags::{TagChange, Tags};
pub use times::timestamp;
pub use waiting::{Probe, Wait, retry_on, wait};
