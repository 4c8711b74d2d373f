//! Pages of the network.

use serde_json::{Map, Value as Json};

use super::options::{Options, boolean};
use super::{Given, Items, fail};
use crate::eval::Cx;
use crate::methods::split_lines;

const OPTIONS: &[&str] = &[
    "validate_certs",
    "split_lines",
    "use_proxy",
    "username",
    "password",
    "headers",
    "force",
    "timeout",
    "http_agent",
    "force_basic_auth",
    "follow_redirects",
    "use_gssapi",
    "use_netrc",
    "unix_socket",
    "ca_path",
    "unredirected_headers",
    "ciphers",
];

/// The options that variables may set, and what those are called after `ansible_lookup_url_`.
const VARIABLES: [(&str, &str); 8] = [
    ("force", "force"),
    ("timeout", "timeout"),
    ("http_agent", "agent"),
    ("force_basic_auth", "force_basic_auth"),
    ("follow_redirects", "follow_redirects"),
    ("use_netrc", "use_netrc"),
    ("unix_socket", "unix_socket"),
    ("ca_path", "ca_path"),
];

pub(super) fn url(cx: &Cx<'_>, given: &Given) -> Items {
    let mut options = Options::new("url", OPTIONS, given);
    for (option, variable) in VARIABLES {
        let variable = format!("ansible_lookup_url_{variable}");
        if options.value(option).is_none()
            && let Some(value) = cx.variable(&variable.into())
        {
            options.put(option, cx.known_all(&value)?);
        }
    }
    if options.flag("use_gssapi", false) {
        return fail("the option 'use_gssapi' of the url lookup is not built yet");
    }
    let splits = options.flag("split_lines", true);
    let mut items = Vec::new();
    for term in &given.terms {
        let address = term.text();
        let page = cx.world().fetch(asked(&address, &options)).or_else(|unfetched| {
            let shown = masked(&address);
            let why = unfetched.message;
            let doing = if unfetched.status > 0 {
                format!("Received HTTP error for {shown}")
            } else if why.contains("certificate") {
                format!("Error validating the server's certificate for {shown}")
            } else if why.contains("<urlopen") {
                format!("Failed lookup url for {shown}")
            } else {
                format!("Error connecting to {shown}")
            };
            fail(format!("{doing}: {}", why.trim_start_matches("Request failed: ")))
        })?;
        if splits {
            items.extend(split_lines(&page, false));
        } else {
            items.push(page.into());
        }
    }
    Ok(items)
}

/// Returns the parameters of the module that asks.
fn asked(address: &str, options: &Options) -> Json {
    let mut args = Map::from_iter([("url".to_owned(), Json::from(address))]);
    let renamed = |name: &str| {
        match name {
            "username" => "url_username",
            "password" => "url_password",
            name => name,
        }
        .to_owned()
    };
    for name in OPTIONS.iter().filter(|name| !matches!(**name, "split_lines" | "use_gssapi" | "ciphers")) {
        let Some(value) = options.value(name) else { continue };
        let flag =
            matches!(*name, "validate_certs" | "use_proxy" | "force" | "force_basic_auth" | "use_netrc");
        let value = if flag { boolean(value).into() } else { value.to_json() };
        args.insert(renamed(name), value);
    }
    args.entry("timeout").or_insert_with(|| 10.into());
    args.entry("follow_redirects").or_insert_with(|| "urllib2".into());
    Json::Object(args)
}

/// Hides the password of an address.
fn masked(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match host.rsplit_once('@').map(|(user, host)| (user.split_once(':'), host)) {
        Some((Some((user, _)), host)) => format!("{scheme}://{user}:********@{host}{path}"),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::masked;
    use crate::testing::{give, refuse};

    #[test]
    fn pages_are_lists_of_lines_or_texts() {
        give(&[
            ("q('url', 'http://here/page')", json!(["one", "two"])),
            ("lookup('url', 'http://here/page', split_lines=false)", json!("one\ntwo\n")),
        ]);
    }

    #[test]
    fn what_is_not_there_is_refused() {
        refuse(&[(
            "lookup('url', 'http://here/nothing')",
            "The lookup plugin 'url' failed: Received HTTP error for http://here/nothing: HTTP Error 404: Not Found",
        )]);
    }

    #[test]
    fn the_password_of_an_address_is_hidden() {
        assert_eq!(masked("http://me:secret@host/a"), "http://me:********@host/a");
        assert_eq!(masked("http://host/a@b:c"), "http://host/a@b:c");
    }
}
