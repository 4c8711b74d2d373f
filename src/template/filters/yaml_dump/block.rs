//! Texts below an indicator, `|` or `>`, as libyaml writes them.

use super::Emitter;

impl Emitter<'_> {
    /// Writes a text line by line, as it is.
    pub(super) fn literal(&mut self, text: &str) {
        self.block_head("|", text);
        for line in text.split_inclusive('\n') {
            if line != "\n" {
                self.write_indent();
            }
            self.put(line.trim_end_matches('\n'));
            self.whitespace = false;
            self.indention = false;
            if line.ends_with('\n') {
                self.line_break();
            }
        }
    }

    /// Writes a text in lines of the layout's width; where a line of it ends another one follows.
    pub(super) fn folded(&mut self, text: &str) {
        self.block_head(">", text);
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for (at, line) in lines.iter().enumerate() {
            let content = line.trim_end_matches('\n');
            if !content.is_empty() {
                self.write_indent();
                self.folded_line(content);
                self.whitespace = false;
                self.indention = false;
            }
            if line.ends_with('\n') {
                self.line_break();
            }
            let follows = lines.iter().skip(at + 1).find(|line| **line != "\n");
            let may_fold = follows.is_some_and(|line| !line.starts_with(' '));
            if !content.is_empty() && !content.starts_with(' ') && line.ends_with('\n') && may_fold {
                self.line_break();
            }
        }
    }

    fn folded_line(&mut self, line: &str) {
        let leading = line.starts_with(' ');
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            let breaks = c == ' ' && !leading && chars.peek().is_some_and(|next| *next != ' ');
            if breaks && self.column > self.layout.width {
                self.whitespace = false;
                self.indention = false;
                self.write_indent();
            } else {
                self.put(c.encode_utf8(&mut [0; 4]));
            }
        }
    }

    /// Writes the indicator with what it has to say of the text's ends.
    fn block_head(&mut self, sign: &str, text: &str) {
        self.indicator(sign, true, false, false);
        if text.starts_with([' ', '\n']) {
            let indent = self.layout.indent.to_string();
            self.put(&indent);
        }
        if !text.ends_with('\n') {
            self.put("-");
        } else if text == "\n" || text.ends_with("\n\n") {
            self.put("+");
        }
        self.line_break();
    }
}
