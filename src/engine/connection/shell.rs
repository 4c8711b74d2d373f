//! Words of a shell's command line.

/// Quotes a word as Python's `shlex.quote` does.
pub(crate) fn quote(word: &str) -> String {
    rplay_module::words::quote(word)
}

/// Quotes a path, leaving `~` and variables at its beginning to the shell.
pub(super) fn path(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("\"$HOME\"/{}", quote(rest)),
        None if path == "~" => "\"$HOME\"".to_owned(),
        None if path.starts_with("$HOME/") => {
            format!("\"$HOME\"/{}", quote(path.trim_start_matches("$HOME/")))
        }
        None => quote(path),
    }
}

/// Splits options as a shell would; a text that cannot be split is one word.
pub(super) fn split(text: &str) -> Vec<String> {
    rplay_module::words::split(text).unwrap_or_else(|_| vec![text.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_folder_is_the_shells_to_find() {
        assert_eq!(path("~/.ansible/tmp"), "\"$HOME\"/.ansible/tmp");
        assert_eq!(path("~/a b"), "\"$HOME\"/'a b'");
        assert_eq!(path("/tmp/$x"), "'/tmp/$x'");
    }
}
