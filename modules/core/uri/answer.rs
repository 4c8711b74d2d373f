//! What `register` receives of an answer, and the file it is written to.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rplay_http::header::{self, HeaderMap};
use rplay_http::{Answer, Asked, Ended, bare, masked};
use rplay_module::{Cx, Deed, Failure};
use serde_json::{Map, Value};
use url::Url;

use super::UriParams;
use crate::info::path_info;
use crate::paths;

/// Returns the time of the file that is to be written, if it is there: the server need not send the same again.
pub(super) fn modified(cx: &Cx, p: &UriParams) -> Option<SystemTime> {
    let file = paths::absolute(cx, p.dest.as_deref()?).metadata().ok().filter(std::fs::Metadata::is_file)?;
    file.modified().ok()
}

pub(super) fn deed(cx: &Cx, p: &UriParams, asked: Asked, elapsed: u64) -> Deed {
    let mut result = Map::new();
    result.insert("elapsed".to_owned(), Value::from(elapsed));
    let (status, message, answer) = match asked.ended {
        Ended::Success(answer, elsewhere) => {
            let length = answer.headers.get(header::CONTENT_LENGTH);
            let length = length.map_or_else(|| "unknown".to_owned(), |length| text(length.as_bytes()));
            shown_headers(&answer.headers, &mut result, true);
            result.insert("cookies".to_owned(), Value::Object(asked.cookies.by_name()));
            result.insert("cookies_string".to_owned(), Value::from(asked.cookies.text()));
            result.insert("redirected".to_owned(), Value::from(elsewhere.is_some()));
            let url = elsewhere.map_or_else(|| bare(&p.url), |url| masked(url.as_str()));
            result.insert("url".to_owned(), Value::from(url));
            (i64::from(answer.status), format!("OK ({length} bytes)"), Some(answer))
        }
        Ended::Refusal(answer, message) => {
            shown_headers(&answer.headers, &mut result, false);
            not_answered(p, &mut result);
            (i64::from(answer.status), message, Some(answer))
        }
        Ended::Nothing(message) => {
            not_answered(p, &mut result);
            (-1, message, None)
        }
    };
    result.insert("status".to_owned(), Value::from(status));
    result.insert("msg".to_owned(), Value::from(message.as_str()));
    if let Some(Value::String(location)) = result.get_mut("location")
        && let Ok(joined) = Url::parse(&masked(&p.url)).and_then(|base| base.join(location))
    {
        *location = joined.to_string();
    }
    let wanted = p.status_code.contains(&status);
    content(p, answer.as_ref(), wanted, &mut result);
    let mut deed = Deed { result, ..Deed::default() };
    if !wanted {
        let message = format!("Status code was {status} and not {:?}: {message}", p.status_code);
        deed.result.insert("msg".to_owned(), Value::from(message.as_str()));
        deed.failure = Some(Failure::new(message));
    } else if let (Some(dest), Some(answer)) = (&p.dest, &answer) {
        written(cx, dest, answer, &mut deed);
    }
    deed
}

fn not_answered(p: &UriParams, result: &mut Map<String, Value>) {
    result.insert("redirected".to_owned(), Value::from(false));
    result.insert("url".to_owned(), Value::from(masked(&p.url)));
}

/// Headers that came twice are joined; in a refusal, as in Ansible's, the last one stands.
fn shown_headers(headers: &HeaderMap, result: &mut Map<String, Value>, joined: bool) {
    for name in headers.keys() {
        let values: Vec<String> = headers.get_all(name).iter().map(|value| text(value.as_bytes())).collect();
        let shown = if joined { values.join(", ") } else { values.last().cloned().unwrap_or_default() };
        result.insert(name.as_str().replace('-', "_"), Value::from(shown));
    }
}

/// Adds `json` and `content`; the text of a refusal that is wanted all the same is called `body`.
fn content(p: &UriParams, answer: Option<&Answer>, wanted: bool, result: &mut Map<String, Value>) {
    let kind = answer.map(|answer| ContentType::of(&answer.headers)).unwrap_or_default();
    let text = answer.map_or_else(String::new, |answer| kind.decode(&answer.body));
    if kind.is_json()
        && answer.is_some()
        && let Ok(document) = serde_json::from_str(&text)
    {
        result.insert("json".to_owned(), document);
    }
    let refused = answer.is_some_and(|answer| !(200..300).contains(&answer.status));
    if p.return_content {
        result.insert("content".to_owned(), Value::from(text));
    } else if refused && wanted && !kind.is_json() {
        result.insert("body".to_owned(), Value::from(text));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What the answer says it is.
struct ContentType {
    sub_type: String,
    charset: String,
}

impl Default for ContentType {
    fn default() -> Self {
        Self { sub_type: "plain".to_owned(), charset: "utf-8".to_owned() }
    }
}

impl ContentType {
    fn of(headers: &HeaderMap) -> Self {
        let Some(header) = headers.get(header::CONTENT_TYPE) else { return Self::default() };
        let header = text(header.as_bytes()).to_lowercase();
        let mut parts = header.split(';').map(str::trim);
        let sub_type =
            parts.next().and_then(|kind| kind.split_once('/')).map_or("plain", |(_, sub_type)| sub_type);
        let charset =
            parts.find_map(|part| part.strip_prefix("charset=")).unwrap_or("utf-8").trim_matches('"');
        let first = |text: &str| text.split(',').next().unwrap_or_default().to_owned();
        Self { sub_type: first(sub_type), charset: first(charset) }
    }

    fn is_json(&self) -> bool {
        let name = self.sub_type.rsplit_once('+').map_or(self.sub_type.as_str(), |(_, suffix)| suffix);
        matches!(name, "json" | "javascript")
    }

    fn decode(&self, bytes: &[u8]) -> String {
        match self.charset.as_str() {
            "iso-8859-1" | "latin-1" | "latin1" => bytes.iter().copied().map(char::from).collect(),
            _ => text(bytes),
        }
    }
}

/// Writes the file where it differs.
fn written(cx: &Cx, dest: &Path, answer: &Answer, deed: &mut Deed) {
    let (mut shown, mut real) = (PathBuf::from(paths::expand(cx, dest)), paths::absolute(cx, dest));
    if real.is_dir() {
        let name =
            file_name(&answer.headers, deed.result.get("url").and_then(Value::as_str).unwrap_or_default());
        shown.push(&name);
        real.push(&name);
    }
    let same = std::fs::read(&real).is_ok_and(|there| there == answer.body);
    if answer.status != 304 && !same {
        if let Err(error) = replace(&real, &answer.body) {
            deed.failure = Some(Failure::new(format!("failed to write {}: {error}", shown.display())));
            return;
        }
        deed.changed = true;
    }
    deed.result.insert("path".to_owned(), Value::from(shown.to_string_lossy().into_owned()));
    deed.result.extend(path_info(&real));
}

/// Writes beside the file and then puts it in its place, so that nobody sees half of it.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = path.with_file_name(format!(".{name}.{}.rplay", std::process::id()));
    let mode = path.metadata().map(|there| there.permissions());
    std::fs::write(&beside, bytes)?;
    let placed = mode
        .map_or(Ok(()), |mode| std::fs::set_permissions(&beside, mode))
        .and_then(|()| std::fs::rename(&beside, path));
    if placed.is_err() {
        std::fs::remove_file(&beside)?;
    }
    placed
}

/// Returns the name the server gives the file, else the last part of the address.
fn file_name(headers: &HeaderMap, url: &str) -> String {
    let disposition = headers.get(header::CONTENT_DISPOSITION).map(|header| text(header.as_bytes()));
    let named = disposition.as_deref().and_then(|header| {
        header
            .split(';')
            .find_map(|part| part.trim().strip_prefix("filename="))
            .map(|name| name.trim_matches('"').to_owned())
    });
    let path = Url::parse(url).map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default();
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let name = named.map_or_else(
        || percent_encoding::percent_decode_str(&last(&path)).decode_utf8_lossy().into_owned(),
        |name| last(&name),
    );
    if name.is_empty() || name == "." || name == ".." { "index.html".to_owned() } else { last(&name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_what_the_server_calls_it_and_stays_in_its_folder() {
        let mut headers = HeaderMap::new();
        assert_eq!(file_name(&headers, "http://h/a/b%20c.txt?x=1"), "b c.txt");
        assert_eq!(file_name(&headers, "http://h/"), "index.html");
        assert_eq!(file_name(&headers, "http://h/a%2F..%2F..%2Fpasswd"), "passwd");
        headers.insert(header::CONTENT_DISPOSITION, "attachment; filename=\"../../x.tar\"".parse().unwrap());
        assert_eq!(file_name(&headers, "http://h/a"), "x.tar");
    }

    #[test]
    fn json_is_known_by_its_name_or_its_suffix() {
        for (kind, json) in [
            ("application/json; charset=utf-8", true),
            ("application/problem+json", true),
            ("text/javascript", true),
            ("text/plain", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
            assert_eq!(ContentType::of(&headers).is_json(), json, "{kind}");
        }
    }
}
