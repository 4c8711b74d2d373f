//! The cookies of one request and the redirections that follow it.

use serde_json::{Map, Value};

/// A cookie as a server set it.
#[derive(Debug)]
struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
}

/// What servers have set, in the order they did.
#[derive(Debug, Default)]
pub struct Cookies(Vec<Cookie>);

impl Cookies {
    /// Takes in what a `Set-Cookie` header says; without a path it holds for the folder of what was asked for.
    pub(crate) fn set(&mut self, host: &str, asked: &str, header: &str) {
        let mut parts = header.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let folder = asked.rfind('/').and_then(|end| asked.get(..end)).filter(|path| !path.is_empty());
        let mut path = folder.unwrap_or("/");
        let mut gone = false;
        for (key, setting) in parts.filter_map(|part| part.split_once('=')) {
            match key.trim().to_ascii_lowercase().as_str() {
                "path" if setting.starts_with('/') => path = setting,
                "max-age" => gone = setting.trim().parse::<i64>().is_ok_and(|seconds| seconds <= 0),
                _ => {}
            }
        }
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        let same = |cookie: &Cookie| cookie.host == host && cookie.path == path && cookie.name == name;
        let known = self.0.iter().position(same);
        if gone {
            self.0.retain(|cookie| !same(cookie));
        } else if let Some(cookie) = known.and_then(|at| self.0.get_mut(at)) {
            value.clone_into(&mut cookie.value);
        } else {
            let [host, path, name, value] = [host, path, name, value].map(str::to_owned);
            self.0.push(Cookie { host, path, name, value });
        }
    }

    /// Returns the `Cookie` header for a request.
    pub(crate) fn header(&self, host: &str, path: &str) -> Option<String> {
        let sent = self.0.iter().filter(|cookie| cookie.host == host && path.starts_with(&cookie.path));
        let pairs: Vec<String> = sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub fn text(&self) -> String {
        self.0.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect::<Vec<_>>().join("; ")
    }

    pub fn by_name(&self) -> Map<String, Value> {
        self.0.iter().map(|cookie| (cookie.name.clone(), Value::from(cookie.value.as_str()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_goes_back_to_where_it_came_from() {
        let mut cookies = Cookies::default();
        cookies.set("a", "/app/login", "id=\"1\"; HttpOnly");
        cookies.set("a", "/app/login", "lang=en; Path=/");
        cookies.set("a", "/app/login", "id=2");
        assert_eq!(cookies.header("a", "/app/x").as_deref(), Some("id=2; lang=en"));
        assert_eq!(cookies.header("a", "/").as_deref(), Some("lang=en"));
        assert_eq!(cookies.header("b", "/app/x"), None);
        cookies.set("a", "/app/login", "id=; Max-Age=0");
        assert_eq!(cookies.text(), "lang=en");
    }
}
