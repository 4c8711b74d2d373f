//! A cell of a CSV file, found by the text of another in its row.

use rplay_syntax::{Words, key_values_and_rest};

use super::files::{read_encoded, search_or_warn};
use super::options::Options;
use super::{Given, Items, fail};
use crate::eval::Cx;
use crate::filters::csv_rows;
use crate::{TemplateError, Value};

const OPTIONS: &[&str] = &["col", "keycol", "default", "delimiter", "file", "encoding"];

pub(super) fn csvfile(cx: &Cx<'_>, given: &Given) -> Items {
    let required = || fail("Search key is required but was not found");
    if given.terms.is_empty() {
        return required();
    }
    let mut options = Options::new("csvfile", OPTIONS, given);
    let mut items = Vec::new();
    for term in &given.terms {
        let words =
            key_values_and_rest(&term.text()).map_err(|fault| TemplateError::runtime(fault.message))?;
        let Words { named, free_form: Some(key) } = words else { return required() };
        for (name, value) in named {
            if !options.set(&name, &value) {
                return fail(format!("{} is not a valid option", Value::from(name).repr()));
            }
        }
        if let Some(value) = cell(cx, &options, &key)? {
            match value.as_items() {
                Some(several) if value.type_name() == "list" => items.extend_from_slice(several),
                _ => items.push(value),
            }
        }
    }
    Ok(items)
}

fn cell(cx: &Cx<'_>, options: &Options, key: &str) -> Result<Option<Value>, TemplateError> {
    let (column, key_column) = (options.int("col", 1)?, options.int("keycol", 0)?);
    let delimiter = match options.text("delimiter").as_deref() {
        None | Some("TAB" | "\\t") => "\t".to_owned(),
        Some(other) => other.to_owned(),
    };
    let mut chars = delimiter.chars();
    let (Some(delimiter), None) = (chars.next(), chars.next()) else {
        return fail("\"delimiter\" must be a 1-character string");
    };
    let name = options.text("file").unwrap_or_else(|| "ansible.csv".into());
    let Some(path) = search_or_warn(cx, "files", &name) else {
        return fail("expected str, bytes or os.PathLike object, not NoneType");
    };
    let text = read_encoded(cx, &path, options.text("encoding").as_deref())?;
    let at = |row: &[String], column: i128| -> Result<String, TemplateError> {
        let length = i128::try_from(row.len()).unwrap_or(i128::MAX);
        let column = if column < 0 { column + length } else { column };
        let found = usize::try_from(column).ok().and_then(|at| row.get(at)).cloned();
        found.ok_or_else(|| TemplateError::runtime("list index out of range"))
    };
    for row in csv_rows(&text, delimiter).iter().filter(|row| !row.is_empty()) {
        if at(row, key_column)? == key {
            return at(row, column).map(|cell| Some(cell.into()));
        }
    }
    Ok(options.value("default").cloned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn a_cell_is_found_by_its_key() {
        give(&[
            ("lookup('csvfile', 'Li', file='elements.csv', delimiter=',')", json!("3")),
            ("lookup('csvfile', 'Li file=elements.csv delimiter=, col=2')", json!("6,94 u")),
            ("lookup('csvfile', '4', file='elements.csv', delimiter=',', keycol='1', col=0)", json!("Be")),
            ("lookup('csvfile', 'Xx', file='elements.csv', delimiter=',', default='none')", json!("none")),
            ("lookup('csvfile', 'Xx', file='elements.csv', delimiter=',')", json!([])),
        ]);
    }

    #[test]
    fn what_cannot_be_looked_up_is_refused() {
        refuse(&[
            (
                "lookup('csvfile', 'file=elements.csv')",
                "The lookup plugin 'csvfile' failed: Search key is required but was not found",
            ),
            (
                "lookup('csvfile', 'Li nope=1')",
                "The lookup plugin 'csvfile' failed: 'nope' is not a valid option",
            ),
            (
                "lookup('csvfile', 'Li', file='elements.csv', delimiter=',', col='2,')",
                "The lookup plugin 'csvfile' failed: Config 'col' for 'csvfile' lookup plugin from 'Direct' has an invalid value: Invalid value provided for 'int': '2,'",
            ),
        ]);
    }
}
