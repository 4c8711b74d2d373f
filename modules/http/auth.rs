//! Users and passwords: where they come from, how they are sent, and how they are kept out of what is shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rplay_module::Cx;
use url::Url;

use crate::Question;

/// Who asks.
#[derive(Clone)]
pub(crate) struct Credentials {
    user: String,
    password: String,
    /// Sent with the first request, not only when the server asks for it.
    pub(crate) at_once: bool,
}

impl Credentials {
    pub(crate) fn header(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password)))
    }
}

/// Finds the credentials: in the parameters, in the address, in the netrc file.
pub(crate) fn find(cx: &Cx, p: &Question, url: &Url) -> Option<Credentials> {
    if let Some(user) = p.user.clone().filter(|user| !user.is_empty()) {
        let password = p.password.clone().unwrap_or_default();
        return Some(Credentials { user, password, at_once: p.force_basic_auth });
    }
    if !url.username().is_empty() || url.password().is_some() {
        let [user, password] = [url.username(), url.password().unwrap_or_default()].map(unquoted);
        cx.world().secret(&password);
        return Some(Credentials { user, password, at_once: p.force_basic_auth });
    }
    let (user, password) = p.use_netrc.then(|| netrc(cx, url.host_str()?)).flatten()?;
    cx.world().secret(&password);
    Some(Credentials { user, password, at_once: true })
}

/// Returns the address without user and password.
pub fn bare(url: &str) -> String {
    replaced(url, "")
}

/// Returns the address as it may be shown: user and password masked.
pub fn masked(url: &str) -> String {
    let with_password =
        userinfo(url).is_some_and(|(start, end)| url.get(start..end).is_some_and(|text| text.contains(':')));
    replaced(url, if with_password { "****:****@" } else { "****@" })
}

fn replaced(url: &str, by: &str) -> String {
    match userinfo(url).and_then(|(start, end)| Some((url.get(..start)?, url.get(end + 1..)?))) {
        Some((before, after)) => format!("{before}{by}{after}"),
        None => url.to_owned(),
    }
}

/// Returns where user and password stand, the `@` after them excluded.
fn userinfo(url: &str) -> Option<(usize, usize)> {
    let start = url.find("//")? + 2;
    let authority = url.get(start..)?;
    let authority = authority.get(..authority.find(['/', '?', '#']).unwrap_or(authority.len()))?;
    authority.rfind('@').map(|at| (start, start + at))
}

fn unquoted(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn netrc(cx: &Cx, host: &str) -> Option<(String, String)> {
    let path = cx.env("NETRC").or_else(|| cx.env("HOME").map(|home| format!("{home}/.netrc")))?;
    login(&std::fs::read_to_string(path).ok()?, host)
}

/// Reads a netrc file: the entry of the host, else the default one.
fn login(text: &str, host: &str) -> Option<(String, String)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut tokens = lines.flat_map(str::split_whitespace);
    let (mut found, mut fallback) = (Entry::default(), Entry::default());
    let mut current: Option<&mut Entry<'_>> = None;
    while let Some(token) = tokens.next() {
        match (token, &mut current) {
            ("machine", _) => current = (tokens.next()? == host).then_some(&mut found),
            ("default", _) => current = Some(&mut fallback),
            ("login" | "user", Some(entry)) => entry.login = tokens.next(),
            ("password", Some(entry)) => entry.password = tokens.next(),
            ("login" | "user" | "password" | "account", _) => drop(tokens.next()),
            _ => {}
        }
    }
    found.pair().or_else(|| fallback.pair())
}

#[derive(Default)]
struct Entry<'a> {
    login: Option<&'a str>,
    password: Option<&'a str>,
}

impl Entry<'_> {
    fn pair(&self) -> Option<(String, String)> {
        Some((self.login?.to_owned(), self.password?.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_kept_out_of_what_is_shown() {
        for (url, masked_url, bare_url) in [
            ("http://u:p@host/x", "http://****:****@host/x", "http://host/x"),
            ("http://u@host", "http://****@host", "http://host"),
            ("http://host/a@b", "http://host/a@b", "http://host/a@b"),
            ("nonsense", "nonsense", "nonsense"),
        ] {
            assert_eq!((masked(url).as_str(), bare(url).as_str()), (masked_url, bare_url));
        }
    }

    #[test]
    fn the_netrc_file_is_asked_by_host() {
        let text = "# ours\nmachine a login me\n  password secret\n\
            machine b login x account y password z\ndefault login anon password none\n";
        let of = |host| login(text, host).unwrap();
        assert_eq!(of("a"), ("me".to_owned(), "secret".to_owned()));
        assert_eq!(of("b"), ("x".to_owned(), "z".to_owned()));
        assert_eq!(of("c"), ("anon".to_owned(), "none".to_owned()));
        assert_eq!(login("machine a login me", "a"), None);
    }
}
