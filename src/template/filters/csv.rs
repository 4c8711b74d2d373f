//! Rows of CSV, as Python's `csv` reads them in its `excel` dialect.

/// Returns the rows, each with its cells; an empty line is a row without cells.
pub(crate) fn csv_rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut reader = Reader { rows: Vec::new(), row: Vec::new(), cell: None };
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted => {
                if chars.next_if_eq(&'"').is_some() {
                    reader.put('"');
                } else {
                    quoted = false;
                }
            }
            _ if quoted => reader.put(c),
            '"' if reader.cell.as_deref().is_none_or(str::is_empty) => {
                quoted = true;
                reader.cell.get_or_insert_default();
            }
            '\r' | '\n' => {
                if c == '\r' {
                    chars.next_if_eq(&'\n');
                }
                reader.end_row();
            }
            _ if c == delimiter => {
                reader.end_cell();
                reader.cell = Some(String::new());
            }
            _ => reader.put(c),
        }
    }
    if reader.cell.is_some() || !reader.row.is_empty() {
        reader.end_row();
    }
    reader.rows
}

struct Reader {
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    /// The cell that is being read; none at the beginning of a row.
    cell: Option<String>,
}

impl Reader {
    fn put(&mut self, c: char) {
        self.cell.get_or_insert_default().push(c);
    }

    fn end_cell(&mut self) {
        self.row.push(self.cell.take().unwrap_or_default());
    }

    fn end_row(&mut self) {
        if self.cell.is_some() {
            self.end_cell();
        }
        self.rows.push(std::mem::take(&mut self.row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_delimiters_and_line_ends_are_pythons() {
        assert_eq!(
            csv_rows("a,\"b,\"\"c\"\"\nd\",\r\n\nx y,\"\"\n", ','),
            [vec!["a", "b,\"c\"\nd", ""], vec![], vec!["x y", ""]]
        );
        assert_eq!(csv_rows("a\tb", '\t'), [vec!["a", "b"]]);
    }
}
