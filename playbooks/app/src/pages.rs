use std::fmt::Write as _;

use crate::clock;
use crate::http::{Request, Response};
use crate::settings::Settings;

/// Answers a request; `count` is how many this process has answered, this one included.
pub(crate) fn answer(request: &Request, settings: &Settings, count: u64) -> Response {
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Response::text(405, "only GET and HEAD are answered here");
    }
    match request.path.as_str() {
        "/" => home(settings, count),
        "/_health" => Response::text(200, "ok"),
        "/now" => now(settings, clock::millis()),
        _ => Response::text(404, "there is no such page"),
    }
}

fn home(settings: &Settings, count: u64) -> Response {
    let (greeting, version, host) = (html(&settings.greeting), html(&settings.version), html(&settings.host));
    let body = format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{greeting}</title></head>
<body>
<h1>{greeting}</h1>
<p>Version <b>{version}</b> on host <b>{host}</b>, request <b>{count}</b> of this container.</p>
<p><a href="now">now</a> · <a href="_health">health</a></p>
</body>
</html>
"#
    );
    Response { status: 200, content_type: "text/html; charset=utf-8", body }
}

fn now(settings: &Settings, millis: u64) -> Response {
    let body = format!(
        "{{\"time\": \"{}\", \"epoch_ms\": {millis}, \"host\": {}, \"version\": {}}}\n",
        clock::rfc3339(millis),
        json(&settings.host),
        json(&settings.version),
    );
    Response { status: 200, content_type: "application/json", body }
}

fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn json(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            control if u32::from(control) < 0x20 => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            port: 8080,
            bind: "127.0.0.1".to_owned(),
            version: "1<2".to_owned(),
            greeting: "Hello & welcome".to_owned(),
            host: "box\"7".to_owned(),
        }
    }

    fn asked(method: &str, path: &str) -> Response {
        answer(&Request { method: method.to_owned(), path: path.to_owned() }, &settings(), 42)
    }

    #[test]
    fn the_page_shows_version_host_and_count() {
        let page = asked("GET", "/");
        assert_eq!((page.status, page.content_type), (200, "text/html; charset=utf-8"));
        assert!(page.body.contains("<h1>Hello &amp; welcome</h1>"), "{}", page.body);
        assert!(
            page.body.contains("<b>1&lt;2</b> on host <b>box&quot;7</b>, request <b>42</b>"),
            "{}",
            page.body
        );
    }

    #[test]
    fn the_health_check_is_short() {
        assert_eq!(asked("GET", "/_health"), Response::text(200, "ok"));
        assert_eq!(asked("HEAD", "/_health").status, 200);
    }

    #[test]
    fn the_time_is_json_with_milliseconds() {
        assert_eq!(
            now(&settings(), 1_700_000_000_123).body,
            "{\"time\": \"2023-11-14T22:13:20.123Z\", \"epoch_ms\": 1700000000123, \"host\": \"box\\\"7\", \"version\": \"1<2\"}\n"
        );
    }

    #[test]
    fn other_methods_and_paths_are_told_so() {
        assert_eq!(asked("POST", "/").status, 405);
        assert_eq!(asked("DELETE", "/nothing").status, 405);
        assert_eq!(asked("GET", "/nothing").status, 404);
    }
}
