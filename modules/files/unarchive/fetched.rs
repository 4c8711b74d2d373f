//! An archive that is fetched from an address before it is unpacked.

use std::io::Write as _;

use rplay_http::{Ended, Question, masked};
use rplay_module::{Cx, Failure, Result};
use tempfile::{Builder, NamedTempFile};

use crate::paths;
use crate::seen::system_words;

/// Fetches the archive into a file that goes when it is no longer held.
pub(super) async fn fetch(cx: &Cx, url: &str, validate_certs: bool) -> Result<NamedTempFile> {
    let failed = |why: &str| Failure::new(format!("Failure downloading {}, {why}", masked(url)));
    let bytes = if let Some(path) = url.strip_prefix("file://") {
        std::fs::read(path)
            .map_err(|error| failed(&format!("<urlopen error {}: '{path}'>", system_words(&error))))?
    } else {
        let asked = rplay_http::ask(cx, &Question { validate_certs, ..Question::get(url) }).await;
        match asked.map_err(|failure| failed(&failure.message))?.ended {
            Ended::Success(answer, _) => answer.body,
            Ended::Refusal(_, said) | Ended::Nothing(said) => return Err(failed(&said)),
        }
    };
    let (stem, ending) = named(url);
    let mut file =
        Builder::new().prefix(stem).suffix(ending).tempfile().map_err(|e| failed(&system_words(&e)))?;
    file.write_all(&bytes).map_err(|error| failed(&system_words(&error)))?;
    Ok(file)
}

/// Splits the last part of an address's path before its endings, of which two at most count: `.tar.gz`.
fn named(url: &str) -> (&str, &str) {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = paths::name_of(path);
    let mut dots = name.rmatch_indices('.').map(|(at, _)| at).filter(|at| *at > 0);
    let last = dots.next();
    let at = dots.next().or(last).unwrap_or(name.len());
    name.split_at(at)
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn the_endings_of_an_address_are_kept() {
        for (url, parts) in [
            ("http://h/a/b.tar.gz?x=1", ("b", ".tar.gz")),
            ("http://h/b-1.2.zip", ("b-1", ".2.zip")),
            ("http://h/plain", ("plain", "")),
        ] {
            assert_eq!(named(url), parts);
        }
    }
}
