use std::collections::BTreeMap;

/// The sections of a file, each with its keys in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ini {
    sections: BTreeMap<String, BTreeMap<String, String>>,
}

impl Ini {
    /// Reads a file as Python's `configparser` does with `;` for comments within lines.
    ///
    /// # Errors
    /// What is wrong with it, and in which line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reading = Reading::default();
        for (number, line) in text.lines().enumerate() {
            reading.line(number + 1, line)?;
        }
        Ok(reading.ini)
    }

    pub(crate) fn value(&self, section: &str, key: &str) -> Option<&str> {
        let defaults = || self.sections.get("DEFAULT").and_then(|keys| keys.get(key));
        self.sections
            .get(section)
            .and_then(|keys| keys.get(key).or_else(defaults))
            .map(|value| value.trim_end())
    }
}

#[derive(Default)]
struct Reading {
    ini: Ini,
    section: Option<String>,
    /// The key whose value may go on, and how far it is indented.
    open: Option<(String, usize)>,
}

impl Reading {
    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        let Some(content) = content(line) else {
            if line.trim().is_empty() {
                self.go_on("");
            }
            return Ok(());
        };
        let indent = line.len() - line.trim_start().len();
        if self.open.as_ref().is_some_and(|(_, margin)| indent > *margin) {
            self.go_on(content.trim());
            return Ok(());
        }
        if let Some(name) = content.trim().strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            return self.begin(number, name.0);
        }
        self.key(number, indent, content)
    }

    fn begin(&mut self, number: usize, name: &str) -> Result<(), String> {
        self.open = None;
        self.section = Some(name.to_owned());
        if self.ini.sections.contains_key(name) {
            return Err(format!("line {number}: section '{name}' already exists"));
        }
        self.ini.sections.insert(name.to_owned(), BTreeMap::new());
        Ok(())
    }

    fn key(&mut self, number: usize, indent: usize, content: &str) -> Result<(), String> {
        let Some(section) = &self.section else {
            return Err(format!(
                "line {number}: a key stands before the first section: '{}'",
                content.trim()
            ));
        };
        let Some((key, value)) = content.split_once(['=', ':']) else {
            return Err(format!(
                "line {number}: neither a section nor a key with a value: '{}'",
                content.trim()
            ));
        };
        let key = key.trim().to_lowercase();
        let keys = self.ini.sections.entry(section.clone()).or_default();
        if keys.insert(key.clone(), value.trim().to_owned()).is_some() {
            return Err(format!("line {number}: option '{key}' in section '{section}' already exists"));
        }
        self.open = Some((key, indent));
        Ok(())
    }

    fn go_on(&mut self, more: &str) {
        let (Some(section), Some((key, _))) = (&self.section, &self.open) else { return };
        if let Some(value) = self.ini.sections.get_mut(section).and_then(|keys| keys.get_mut(key)) {
            value.push('\n');
            value.push_str(more);
        }
    }
}

/// Returns the line without its comment; `None` where nothing else is in it.
fn content(line: &str) -> Option<&str> {
    let bare = line.trim_start();
    if bare.is_empty() || bare.starts_with(['#', ';']) {
        return None;
    }
    let comment = line
        .char_indices()
        .zip(line.chars().skip(1))
        .find(|((_, before), mark)| before.is_whitespace() && *mark == ';')
        .map(|((at, before), _)| at + before.len_utf8());
    comment.map_or(Some(line), |at| line.get(..at)).map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_lower_case_and_comments_are_left_out() {
        let ini = Ini::parse("# top\n[defaults]\nForks = 7 ; seven\nroles_path: a:b\n;x=1\nurl=http://a;b\n")
            .expect("reads");
        assert_eq!(ini.value("defaults", "forks"), Some("7"));
        assert_eq!(ini.value("defaults", "roles_path"), Some("a:b"));
        assert_eq!(ini.value("defaults", "url"), Some("http://a;b"));
        assert_eq!(ini.value("defaults", "x"), None);
    }

    #[test]
    fn an_indented_line_goes_on_with_the_value() {
        let ini = Ini::parse("[inventory]\nenable = a,\n  b\n\n[x]\ny=1\n").expect("reads");
        assert_eq!(ini.value("inventory", "enable"), Some("a,\nb"));
        assert_eq!(ini.value("x", "y"), Some("1"));
    }

    #[test]
    fn what_is_no_setting_is_named_with_its_line() {
        assert_eq!(
            Ini::parse("a=1\n").expect_err("no section"),
            "line 1: a key stands before the first section: 'a=1'"
        );
        assert_eq!(
            Ini::parse("[a]\nb=1\nB=2\n").expect_err("twice"),
            "line 3: option 'b' in section 'a' already exists"
        );
    }
}
