//! From a template's text to what is evaluated.
//!
//! minijinja cuts the text into tokens, with its delimiters, white space control and raw blocks. The grammar is ours:
//! Jinja2's bare tuples, subscripts with commas, import contexts and the wording of its errors are not minijinja's.

mod cursor;
mod expression;
mod literal;
mod statement;
mod token;
pub(crate) mod tree;
pub(crate) mod walk;

use std::collections::HashMap;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;

use crate::TemplateError;
use cursor::Cursor;
use tree::{Block, Expr, NameUse, Program, Stmt};

/// What is parsed, and how.
#[derive(Clone, Debug)]
pub(crate) struct Dialect {
    pub(crate) syntax: SyntaxConfig,
    pub(crate) newline: Arc<str>,
    pub(crate) keep_trailing_newline: bool,
    /// Backslashes of texts between `{{` and `}}` stand for themselves: YAML has already read them once.
    pub(crate) literal_backslashes: bool,
    /// The tags `do`, `break` and `continue` exist.
    pub(crate) do_tag: bool,
    pub(crate) loop_controls: bool,
}

/// Knows which filters and tests exist.
pub(crate) trait Names {
    fn has_filter(&self, name: &str) -> bool;
    fn has_test(&self, name: &str) -> bool;
    fn suggest_filter(&self, name: &str) -> Option<String>;
    fn suggest_test(&self, name: &str) -> Option<String>;
}

/// Parses a whole template.
pub(crate) fn template(text: &str, dialect: &Dialect, names: &dyn Names) -> Result<Program, TemplateError> {
    let source = normalize_newlines(text, dialect.keep_trailing_newline);
    let tokens = token::tokenize(&source, dialect, false)?;
    let mut parser = Parser::new(tokens, dialect);
    let body = parser.template()?;
    check_names(&parser.uses, names)?;
    Ok(Program { source: source.into(), body, blocks: parser.blocks })
}

/// Parses an expression without delimiters.
pub(crate) fn expression(text: &str, dialect: &Dialect, names: &dyn Names) -> Result<Program, TemplateError> {
    let source = normalize_newlines(text, false);
    let tokens = token::tokenize(&source, dialect, true)?;
    let mut parser = Parser::new(tokens, dialect);
    let expr = parser.expression()?;
    if !parser.cursor.is_at_end() {
        return Err(parser.cursor.fail("chunk after expression"));
    }
    check_names(&parser.uses, names)?;
    Ok(Program { source: source.into(), body: vec![Stmt::Print(expr)], blocks: HashMap::new() })
}

pub(crate) struct Parser<'a> {
    pub(crate) cursor: Cursor,
    pub(crate) dialect: &'a Dialect,
    pub(crate) blocks: HashMap<Arc<str>, Arc<Block>>,
    /// The filters and tests named so far.
    pub(crate) uses: Vec<NameUse>,
    /// Inside of an `if`, where an unknown filter is an error only when it is reached.
    pub(crate) soft: usize,
    pub(crate) depth: usize,
    /// The tags that each open block waits for, for the message about a missing one.
    pub(crate) open: Vec<(&'static str, &'static [&'static str])>,
}

impl<'a> Parser<'a> {
    fn new(tokens: Vec<token::Token>, dialect: &'a Dialect) -> Self {
        Self {
            cursor: Cursor::new(tokens),
            dialect,
            blocks: HashMap::new(),
            uses: Vec::new(),
            soft: 0,
            depth: 0,
            open: Vec::new(),
        }
    }

    /// Runs a part of the grammar that may contain itself, to a depth that the stack can bear.
    pub(crate) fn nested<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, TemplateError>,
    ) -> Result<T, TemplateError> {
        const MAX_DEPTH: usize = 80;
        if self.depth >= MAX_DEPTH {
            return Err(self.cursor.fail("the expression is nested too deeply"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Parses what is evaluated only under a condition.
    pub(crate) fn softly<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, TemplateError>,
    ) -> Result<T, TemplateError> {
        self.soft += 1;
        let parsed = parse(self);
        self.soft -= 1;
        parsed
    }

    /// Makes an expression that began at `at`.
    pub(crate) fn expr(at: u32, node: tree::Node) -> Expr {
        Expr { at, node: Box::new(node) }
    }
}

fn check_names(uses: &[NameUse], names: &dyn Names) -> Result<(), TemplateError> {
    for used in uses.iter().filter(|used| !used.soft) {
        let (known, what) = if used.is_filter {
            (names.has_filter(&used.name), "filter")
        } else {
            (names.has_test(&used.name), "test")
        };
        if !known {
            let hint = if used.is_filter {
                names.suggest_filter(&used.name)
            } else {
                names.suggest_test(&used.name)
            };
            return Err(TemplateError::syntax(
                format!("No {what} named {}.", crate::Value::from(&*used.name).repr()),
                used.at as usize,
            )
            .help(hint.map(|hint| format!("did you mean '{hint}'?"))));
        }
    }
    Ok(())
}

/// Makes every line end a single `\n` and drops the last one unless it is to be kept.
fn normalize_newlines(text: &str, keep_trailing: bool) -> String {
    let mut source =
        if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() };
    if !keep_trailing && source.ends_with('\n') {
        source.pop();
    }
    source
}
