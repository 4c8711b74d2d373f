use percent_encoding::percent_decode_str;
use serde_json::Value;

/// An HTTP request as tests and the proxy look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Still encoded, without the query.
    pub path: String,
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// Returns a request from its parts; the target may be a whole URL.
    pub fn new(method: &str, target: &str, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        let local = target
            .split_once("://")
            .map_or(target, |(_, rest)| rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or("/"));
        let (path, query) = local.split_once('?').unwrap_or((local, ""));
        let path = if path.is_empty() { "/" } else { path };
        Self { method: method.to_owned(), path: path.to_owned(), query: pairs(query), headers, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the action of a JSON service: the part of `X-Amz-Target` behind the dot.
    pub fn target(&self) -> Option<(&str, &str)> {
        self.header("x-amz-target")?.split_once('.')
    }

    /// Returns the parameters of a query service: those of the form, else those of the query.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let form = self
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        if form { pairs(&String::from_utf8_lossy(&self.body)) } else { self.query.clone() }
    }

    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Returns the service that the request is signed for.
    pub fn signed_for(&self) -> Option<&str> {
        self.header("authorization")?.split_once("Credential=")?.1.split('/').nth(3)
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_taken_apart() {
        let request = Request::new(
            "GET",
            "https://s3.amazonaws.com/b/k?list-type=2&prefix=a%2Fb",
            Vec::new(),
            Vec::new(),
        );
        assert_eq!(request.path, "/b/k");
        assert_eq!(request.parameter("prefix").as_deref(), Some("a/b"));
        assert_eq!(Request::new("GET", "http://127.0.0.1:1", Vec::new(), Vec::new()).path, "/");
    }
}
