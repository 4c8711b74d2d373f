//! Questions over HTTP as Ansible's modules ask them: with its authentication, redirections, proxies and words for failures.
//!
//! **Invariant:** the only place among the modules that knows the HTTP library; it knows no module.

use std::path::PathBuf;
use std::time::SystemTime;

use rplay_module::Failure;
use serde_json::{Map, Value};

mod auth;
mod client;
mod cookies;
mod exchange;
mod redirects;

pub use auth::{bare, masked};
pub use client::Answer;
pub use cookies::Cookies;
pub use exchange::{Asked, Ended, ask};
/// What stands before a body.
pub use reqwest::header;

/// What to ask, and how.
#[derive(Clone, Debug)]
pub struct Question {
    pub url: String,
    /// In capitals.
    pub method: String,
    pub body: Option<Body>,
    pub headers: Vec<(String, String)>,
    /// Headers that a redirection does not take along.
    pub unredirected_headers: Vec<String>,
    pub follow: Follow,
    pub user: Option<String>,
    pub password: Option<String>,
    /// User and password are sent at once, not only when the server asks for them.
    pub force_basic_auth: bool,
    pub use_netrc: bool,
    pub http_agent: String,
    /// Caches on the way are passed by.
    pub force: bool,
    /// Nothing has to be sent that is not newer.
    pub modified_since: Option<SystemTime>,
    /// In seconds, for the connection and for each silence.
    pub timeout: u64,
    pub unix_socket: Option<PathBuf>,
    pub use_proxy: bool,
    pub validate_certs: bool,
    pub ca_path: Option<PathBuf>,
    pub client_cert: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    /// A compressed answer is unpacked.
    pub decompress: bool,
}

/// A body, and the `Content-Type` that goes with it unless the headers name one.
#[derive(Clone, Debug)]
pub struct Body {
    pub bytes: Vec<u8>,
    pub content_type: String,
}

/// Which redirections are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    All,
    None,
    /// Those of GET and HEAD.
    Safe,
    /// Those that Python would follow.
    Urllib2,
}

impl Question {
    /// Returns the plain question for what is at an address.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: "GET".to_owned(),
            body: None,
            headers: Vec::new(),
            unredirected_headers: Vec::new(),
            follow: Follow::Urllib2,
            user: None,
            password: None,
            force_basic_auth: false,
            use_netrc: true,
            http_agent: "ansible-httpget".to_owned(),
            force: false,
            modified_since: None,
            timeout: 10,
            unix_socket: None,
            use_proxy: true,
            validate_certs: true,
            ca_path: None,
            client_cert: None,
            client_key: None,
            decompress: true,
        }
    }
}

/// Ends as Ansible's modules end where no request could be made at all.
pub fn refused(question: &Question, message: impl Into<String>) -> Failure {
    let mut fields = Map::new();
    fields.insert("status".to_owned(), Value::from(-1));
    fields.insert("url".to_owned(), Value::from(masked(&question.url)));
    Failure { result: fields, ..Failure::new(message) }
}
