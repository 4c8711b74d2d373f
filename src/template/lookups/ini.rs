//! Values of ini files and of Java's properties, as Python's `configparser` reads them.

use indexmap::IndexMap;
use rplay_module::pattern::Flags;

use super::files::{read_encoded, search_or_warn};
use super::options::Options;
use super::{Given, Items, fail};
use crate::eval::Cx;
use crate::regex::compile;
use crate::{TemplateError, Value};

const OPTIONS: &[&str] = &[
    "type",
    "file",
    "section",
    "re",
    "encoding",
    "default",
    "case_sensitive",
    "allow_no_value",
    "allow_none",
    "interpolation",
];
/// Its values are those of every section that has none of its own.
const DEFAULT_SECTION: &str = "DEFAULT";
const PROPERTIES: &str = "java_properties";
/// How deep values may name one another.
const MAX_DEPTH: usize = 10;

type Section = IndexMap<String, Option<String>>;

pub(super) fn ini(cx: &Cx<'_>, given: &Given) -> Items {
    let mut options = Options::new("ini", OPTIONS, given);
    let mut items = Vec::new();
    for term in &given.terms {
        let term = term.text();
        let key = read_term(&term, &mut options)?;
        let name = options.text("file").unwrap_or_else(|| "ansible.ini".into());
        let Some(path) = search_or_warn(cx, "files", &name) else {
            return fail("Invalid filename None.");
        };
        let mut text = read_encoded(cx, &path, options.text("encoding").as_deref())?;
        if options.text("type").as_deref() == Some("properties") {
            text = format!("[{PROPERTIES}]\n{text}");
            options.put("section", PROPERTIES.into());
        }
        let file = Ini::read(&text, &options).map_err(|fault| fault.explain(&name))?;
        let section = options.text("section").unwrap_or_else(|| "global".into());
        if !file.sections.contains_key(&section) {
            let quoted = |text: &str| Value::from(text).repr();
            return fail(format!("No section {} in {}.", quoted(&section), quoted(&name)));
        }
        if options.flag("re", false) {
            items.extend(file.fitting(&section, &key)?);
        } else {
            items.extend(file.value(&section, &key, options.value("default"))?);
        }
    }
    Ok(items)
}

/// Takes the options out of a term and returns the key.
fn read_term(term: &str, options: &mut Options) -> Result<String, TemplateError> {
    if !term.contains('=') && !term.trim().contains(' ') {
        return Ok(term.to_owned());
    }
    let mut key = None;
    for param in params(term) {
        let Some((name, value)) = param.split_once('=') else {
            key = key.or(Some(param));
            continue;
        };
        if value.contains('=') {
            return fail(format!("Could not use {}.", Value::from(param.as_str()).repr()));
        }
        if !options.set(name, value) {
            return fail(format!("{} is not a valid option.", Value::from(name).repr()));
        }
    }
    key.ok_or_else(|| {
        TemplateError::runtime(format!(
            "No key to look up was provided as first term within string inline options: {term}"
        ))
    })
}

/// Words after an option belong to its value.
fn params(term: &str) -> Vec<String> {
    let mut params: Vec<String> = Vec::new();
    for word in term.split_whitespace() {
        let names_option = word.split_once('=').is_some_and(|(name, _)| OPTIONS.contains(&name));
        match params.last_mut() {
            Some(last) if !names_option => {
                last.push(' ');
                last.push_str(word);
            }
            _ => params.push(word.to_owned()),
        }
    }
    params
}

/// Returns the sections of a text as it stands, for `from_ini`.
pub(crate) fn sections(
    text: &str,
) -> Result<IndexMap<String, IndexMap<String, Option<String>>>, TemplateError> {
    let nothing = Given { terms: Vec::new(), options: Vec::new(), folder: None };
    let mut options = Options::new("ini", OPTIONS, &nothing);
    options.put("case_sensitive", true.into());
    Ini::read(text, &options).map(|ini| ini.sections).map_err(|fault| fault.explain("the text"))
}

struct Ini {
    sections: IndexMap<String, Section>,
    case_sensitive: bool,
    interpolates: bool,
}

enum IniFault {
    NoHeader(usize, String),
    Twice(usize, String),
    TwiceOption(usize, String, String),
    Broken(Vec<(usize, String)>),
}

impl IniFault {
    fn explain(self, file: &str) -> TemplateError {
        let quoted = |text: &str| Value::from(text).repr();
        TemplateError::runtime(match self {
            Self::NoHeader(line, text) => {
                format!("File contains no section headers. file: '<???>', line: {line} {}", quoted(&text))
            }
            Self::Twice(line, section) => {
                format!(
                    "While reading from '<???>' [line {line:2}]: section {} already exists",
                    quoted(&section)
                )
            }
            Self::TwiceOption(line, section, option) => format!(
                "Duplicate option in {}: While reading from '<???>' [line {line:2}]: option {} in section {} already exists",
                quoted(file),
                quoted(&option),
                quoted(&section)
            ),
            Self::Broken(lines) => {
                let lines: Vec<String> = lines
                    .iter()
                    .map(|(line, text)| format!("\n\t[line {line:2}]: {}", quoted(text)))
                    .collect();
                format!("Source contains parsing errors: '<???>'{}", lines.concat())
            }
        })
    }
}

impl Ini {
    fn read(text: &str, options: &Options) -> Result<Self, IniFault> {
        let mut reader = Reader {
            ini: Self {
                sections: IndexMap::new(),
                case_sensitive: options.flag("case_sensitive", false),
                interpolates: options.flag("interpolation", true),
            },
            allows_none: options.flag("allow_no_value", options.flag("allow_none", false)),
            section: None,
            option: None,
            indent: 0,
            broken: Vec::new(),
        };
        for (number, line) in text.lines().enumerate() {
            reader.line(number + 1, line)?;
        }
        if !reader.broken.is_empty() {
            return Err(IniFault::Broken(reader.broken));
        }
        // Empty lines at the end of a value are none of it.
        for value in reader.ini.sections.values_mut().flat_map(IndexMap::values_mut).flatten() {
            value.truncate(value.trim_end().len());
        }
        Ok(reader.ini)
    }

    fn name(&self, option: &str) -> String {
        if self.case_sensitive { option.to_owned() } else { option.to_lowercase() }
    }

    fn raw(&self, section: &str, option: &str) -> Option<&Option<String>> {
        let of = |section: &str| self.sections.get(section).and_then(|section| section.get(option));
        of(section).or_else(|| of(DEFAULT_SECTION))
    }

    fn value(&self, section: &str, key: &str, default: Option<&Value>) -> Items {
        let name = self.name(key);
        Ok(match self.raw(section, &name) {
            None => match default {
                None => vec!["".into()],
                Some(default) if default.type_name() == "list" => {
                    default.as_items().unwrap_or_default().to_vec()
                }
                Some(default) => vec![default.clone()],
            },
            Some(None) => Vec::new(),
            Some(Some(value)) => vec![self.filled(section, &name, value, 1)?.into()],
        })
    }

    /// Returns the values of all keys that the expression fits.
    fn fitting(&self, section: &str, pattern: &str) -> Items {
        let regex = compile(pattern, Flags { anchored: true, ..Flags::default() })?;
        let mut all = self.sections.get(DEFAULT_SECTION).cloned().unwrap_or_default();
        all.extend(self.sections.get(section).cloned().unwrap_or_default());
        let mut values = Vec::new();
        for (name, value) in all.iter().filter(|(name, _)| regex.is_in(name)) {
            values.push(match value {
                Some(value) => self.filled(section, name, value, 1)?.into(),
                None => Value::NONE,
            });
        }
        Ok(values)
    }

    /// Puts values in for `%(name)s`.
    fn filled(
        &self,
        section: &str,
        option: &str,
        value: &str,
        depth: usize,
    ) -> Result<String, TemplateError> {
        let quoted = |text: &str| Value::from(text).repr();
        if !self.interpolates || !value.contains('%') {
            return Ok(value.to_owned());
        }
        if depth > MAX_DEPTH {
            return fail(format!(
                "Recursion limit exceeded in value substitution: option {} in section {} contains an interpolation key which cannot be substituted in {MAX_DEPTH} steps. Raw value: {}",
                quoted(option),
                quoted(section),
                quoted(value)
            ));
        }
        let (mut out, mut rest) = (String::new(), value);
        while let Some((before, after)) = rest.split_once('%') {
            out.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                out.push('%');
                rest = after;
                continue;
            }
            let named = after.strip_prefix('(').and_then(|after| after.split_once(")s"));
            let Some((name, after)) = named else {
                return fail(format!(
                    "'%' must be followed by '%' or '(', found: {}",
                    quoted(&format!("%{after}"))
                ));
            };
            let Some(found) = self.raw(section, &self.name(name)) else {
                return fail(format!(
                    "Bad value substitution: option {} in section {} contains an interpolation key {} which is not a valid option name. Raw value: {}",
                    quoted(option),
                    quoted(section),
                    quoted(name),
                    quoted(value)
                ));
            };
            out.push_str(&self.filled(section, option, found.as_deref().unwrap_or_default(), depth + 1)?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }
}

struct Reader {
    ini: Ini,
    allows_none: bool,
    section: Option<String>,
    option: Option<String>,
    /// How far the line of the last key was indented: what is further in goes on with its value.
    indent: usize,
    broken: Vec<(usize, String)>,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), IniFault> {
        let text = line.trim();
        if text.is_empty() || text.starts_with(['#', ';']) {
            if text.is_empty()
                && let Some(value) = self.current()
            {
                value.push('\n');
            }
            return Ok(());
        }
        let indent = line.len() - line.trim_start().len();
        if indent > self.indent
            && let Some(value) = self.current()
        {
            value.push('\n');
            value.push_str(text);
            return Ok(());
        }
        self.indent = indent;
        if let Some((name, _)) = text.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')) {
            return self.header(number, name);
        }
        let Some(section) = self.section.clone() else {
            return Err(IniFault::NoHeader(number, format!("{line}\n")));
        };
        let (name, value) = match text.find(['=', ':']) {
            Some(at) if at > 0 => (text.get(..at), text.get(at + 1..).map(|value| value.trim().to_owned())),
            None if self.allows_none => (Some(text), None),
            _ => {
                self.broken.push((number, format!("{line}\n")));
                return Ok(());
            }
        };
        let name = self.ini.name(name.unwrap_or_default().trim_end());
        let known = self.ini.sections.entry(section.clone()).or_default();
        if known.contains_key(&name) {
            return Err(IniFault::TwiceOption(number, section, name));
        }
        known.insert(name.clone(), value);
        self.option = Some(name);
        Ok(())
    }

    fn header(&mut self, number: usize, name: &str) -> Result<(), IniFault> {
        if self.ini.sections.contains_key(name) && name != DEFAULT_SECTION {
            return Err(IniFault::Twice(number, name.to_owned()));
        }
        self.ini.sections.entry(name.to_owned()).or_default();
        self.section = Some(name.to_owned());
        self.option = None;
        Ok(())
    }

    /// Returns the value that further lines would belong to.
    fn current(&mut self) -> Option<&mut String> {
        let section = self.ini.sections.get_mut(self.section.as_ref()?)?;
        section.get_mut(self.option.as_ref()?)?.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn values_are_found_in_sections() {
        give(&[
            ("lookup('ini', 'user', section='a', file='some.ini')", json!("me")),
            ("lookup('ini', 'user section=a file=some.ini')", json!("me")),
            ("lookup('ini', 'USER', section='a', file='some.ini')", json!("me")),
            ("lookup('ini', 'home', section='a', file='some.ini')", json!("/home/me 100%")),
            ("lookup('ini', 'more', section='a', file='some.ini')", json!("one\ntwo")),
            ("lookup('ini', 'nope', section='a', file='some.ini')", json!("")),
            ("lookup('ini', 'nope', section='a', file='some.ini', default='x')", json!("x")),
            ("q('ini', 'u.*', section='a', file='some.ini', re=true)", json!(["x", "me"])),
            ("lookup('ini', 'a.b', type='properties', file='some.properties')", json!("c d")),
        ]);
    }

    #[test]
    fn what_cannot_be_found_is_refused() {
        refuse(&[
            (
                "lookup('ini', 'x', section='zz', file='some.ini')",
                "The lookup plugin 'ini' failed: No section 'zz' in 'some.ini'.",
            ),
            (
                "lookup('ini', 'file=some.ini', 'x', section='a')",
                "The lookup plugin 'ini' failed: No key to look up was provided as first term within string inline options: file=some.ini",
            ),
            ("lookup('ini', 'nope=1')", "The lookup plugin 'ini' failed: 'nope' is not a valid option."),
            (
                "lookup('ini', 'x', type='properties', file='twice.properties')",
                "The lookup plugin 'ini' failed: Duplicate option in 'twice.properties': While reading from '<???>' [line  3]: option 'a' in section 'java_properties' already exists",
            ),
        ]);
    }
}
