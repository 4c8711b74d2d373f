//! The delimiters and white space of one template, and the `#jinja2:` line that sets them.

use crate::TemplateError;

/// Delimiters and white space of one template; what is `None` is Ansible's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Overrides {
    pub block_start_string: Option<String>,
    pub block_end_string: Option<String>,
    pub variable_start_string: Option<String>,
    pub variable_end_string: Option<String>,
    pub comment_start_string: Option<String>,
    pub comment_end_string: Option<String>,
    pub line_statement_prefix: Option<String>,
    pub line_comment_prefix: Option<String>,
    pub trim_blocks: Option<bool>,
    pub lstrip_blocks: Option<bool>,
    pub newline_sequence: Option<String>,
    pub keep_trailing_newline: Option<bool>,
}

const HEADER: &str = "#jinja2:";

impl Overrides {
    pub(crate) fn changes_delimiters(&self) -> bool {
        [
            &self.block_start_string,
            &self.block_end_string,
            &self.variable_start_string,
            &self.variable_end_string,
            &self.comment_start_string,
            &self.comment_end_string,
        ]
        .into_iter()
        .any(Option::is_some)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let text = || literal_text(value).map(Some).ok_or_else(|| malformed(value));
        let flag = || match value {
            "True" => Ok(Some(true)),
            "False" => Ok(Some(false)),
            _ => Err(malformed(value)),
        };
        match key {
            "block_start_string" => self.block_start_string = text()?,
            "block_end_string" => self.block_end_string = text()?,
            "variable_start_string" => self.variable_start_string = text()?,
            "variable_end_string" => self.variable_end_string = text()?,
            "comment_start_string" => self.comment_start_string = text()?,
            "comment_end_string" => self.comment_end_string = text()?,
            "line_statement_prefix" => self.line_statement_prefix = text()?,
            "line_comment_prefix" => self.line_comment_prefix = text()?,
            "newline_sequence" => self.newline_sequence = text()?,
            "trim_blocks" => self.trim_blocks = flag()?,
            "lstrip_blocks" => self.lstrip_blocks = flag()?,
            "keep_trailing_newline" => self.keep_trailing_newline = flag()?,
            _ => return Err(format!("Invalid '{HEADER}' override key '{key}'.")),
        }
        Ok(())
    }
}

fn malformed(value: &str) -> String {
    format!("malformed node or string: {value}")
}

/// Reads a Python string literal.
fn literal_text(value: &str) -> Option<String> {
    let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
    Some(inner.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t"))
}

/// Takes the `#jinja2:` line off a template and returns the rest with what the line sets.
pub(crate) fn split_header<'a>(
    template: &'a str,
    base: &Overrides,
) -> Result<(&'a str, Overrides), TemplateError> {
    let mut overrides = base.clone();
    let Some(rest) = template.strip_prefix(HEADER) else { return Ok((template, overrides)) };
    let fail = |message: String| TemplateError::syntax(message, 0);
    let Some((line, body)) = rest.split_once('\n') else {
        return Err(fail(format!("Missing newline after '{HEADER}' override.")));
    };
    for pair in line.split(',') {
        if pair.trim().is_empty() {
            return Err(fail(format!("Empty '{HEADER}' override pair not allowed.")));
        }
        let Some((key, value)) = pair.split_once(':') else {
            return Err(fail(format!(
                "Missing key-value separator `:` in '{HEADER}' override pair '{pair}'."
            )));
        };
        overrides.set(key.trim(), value.trim()).map_err(fail)?;
    }
    Ok((body, overrides))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_sets_delimiters_and_white_space() {
        let text = "#jinja2: variable_start_string:'[%', trim_blocks: False\nbody";
        let (body, overrides) = split_header(text, &Overrides::default()).expect("the header is legal");
        assert_eq!(body, "body");
        assert_eq!(overrides.variable_start_string.as_deref(), Some("[%"));
        assert_eq!(overrides.trim_blocks, Some(false));
    }

    #[test]
    fn what_the_header_cannot_be_is_said() {
        for (text, message) in [
            ("#jinja2: trim_blocks: True", "Missing newline after '#jinja2:' override."),
            ("#jinja2: nope: True\n", "Invalid '#jinja2:' override key 'nope'."),
            (
                "#jinja2: trim_blocks\n",
                "Missing key-value separator `:` in '#jinja2:' override pair ' trim_blocks'.",
            ),
        ] {
            let error = split_header(text, &Overrides::default()).expect_err("the header is not legal");
            assert_eq!(error.message, message);
        }
    }
}
