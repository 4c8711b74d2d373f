//! Jinja2's tags.

use std::collections::HashSet;
use std::sync::Arc;

use super::expression::TupleStyle;
use super::token::Kind;
use super::tree::{Block, Expr, For, Macro, Node, Stmt, Target};
use super::{Parser, walk};
use crate::{TemplateError, Value};

type Body = Result<Vec<Stmt>, TemplateError>;

impl Parser<'_> {
    pub(super) fn template(&mut self) -> Body {
        let body = self.until(&[])?;
        if self.cursor.is_at_end() { Ok(body) } else { Err(self.cursor.unexpected()) }
    }

    /// Parses up to one of the tags, which is left to the caller, or to the end of the template.
    fn until(&mut self, end: &[&str]) -> Body {
        let mut body = Vec::new();
        loop {
            match self.cursor.kind() {
                Kind::Data(data) => {
                    body.push(Stmt::Data(Arc::clone(data)));
                    self.cursor.advance();
                }
                Kind::VariableBegin => {
                    self.cursor.advance();
                    body.push(Stmt::Print(self.tuple(TupleStyle::default())?));
                    self.cursor.expect(&Kind::VariableEnd)?;
                }
                Kind::BlockBegin => {
                    self.cursor.advance();
                    if end.iter().any(|tag| self.cursor.is_name(tag)) {
                        return Ok(body);
                    }
                    self.nested(|parser| parser.statement(&mut body))?;
                    self.cursor.expect(&Kind::BlockEnd)?;
                }
                _ => return Ok(body),
            }
        }
    }

    /// Parses a block's inside up to one of the tags that end it, and the tag.
    fn body(
        &mut self,
        tag: &'static str,
        end: &'static [&'static str],
    ) -> Result<(Vec<Stmt>, Arc<str>), TemplateError> {
        self.cursor.skip_operator(":");
        self.cursor.expect(&Kind::BlockEnd)?;
        self.open.push((tag, end));
        let body = self.until(end)?;
        if self.cursor.is_at_end() {
            return Err(self.missing_end());
        }
        self.open.pop();
        Ok((body, self.cursor.expect_name()?))
    }

    fn missing_end(&self) -> TemplateError {
        let (tag, end) = self.open.last().copied().unwrap_or_default();
        let wanted: Vec<_> = end.iter().map(|tag| format!("'{tag}'")).collect();
        self.cursor.fail(format!(
            "Unexpected end of template. Jinja was looking for the following tags: {}. \
             The innermost block that needs to be closed is '{tag}'.",
            wanted.join(" or ")
        ))
    }

    fn statement(&mut self, body: &mut Vec<Stmt>) -> Result<(), TemplateError> {
        let Kind::Name(tag) = self.cursor.kind().clone() else {
            return Err(self.cursor.fail("tag name expected"));
        };
        let known = matches!(
            &*tag,
            "for"
                | "if"
                | "set"
                | "with"
                | "autoescape"
                | "block"
                | "extends"
                | "include"
                | "import"
                | "from"
                | "macro"
                | "call"
                | "filter"
                | "print"
        ) || (&*tag == "do" && self.dialect.do_tag)
            || (matches!(&*tag, "break" | "continue") && self.dialect.loop_controls);
        if !known {
            return Err(self.unknown_tag(&tag));
        }
        self.cursor.advance();
        body.push(match &*tag {
            "for" => self.for_loop()?,
            "if" => self.if_tag()?,
            "set" => self.set()?,
            "with" => self.with()?,
            "block" => self.block()?,
            "extends" => Stmt::Extends(self.expression()?),
            "include" => self.include()?,
            "import" => self.import()?,
            "from" => self.import_names()?,
            "macro" => self.macro_tag()?,
            "call" => self.call_block()?,
            "filter" => {
                let filters = self.block_filters(true)?;
                Stmt::FilterBlock { filters, body: self.body("filter", &["endfilter"])?.0 }
            }
            "do" => Stmt::Do(self.tuple(TupleStyle::default())?),
            "break" => Stmt::Break,
            "continue" => Stmt::Continue,
            "autoescape" => {
                self.expression()?;
                Stmt::With { assignments: Vec::new(), body: self.body("autoescape", &["endautoescape"])?.0 }
            }
            _ => return self.print(body),
        });
        Ok(())
    }

    fn unknown_tag(&self, tag: &str) -> TemplateError {
        let mut message = format!("Encountered unknown tag {}.", Value::from(tag).repr());
        if let Some((open, end)) = self.open.last() {
            let wanted: Vec<_> = end.iter().map(|tag| format!("'{tag}'")).collect();
            message = format!(
                "{message} Jinja was looking for the following tags: {}. \
                 The innermost block that needs to be closed is '{open}'.",
                wanted.join(" or ")
            );
        }
        self.cursor.fail(message)
    }

    fn print(&mut self, body: &mut Vec<Stmt>) -> Result<(), TemplateError> {
        let mut first = true;
        while *self.cursor.kind() != Kind::BlockEnd {
            if !first {
                self.cursor.expect_operator(",")?;
            }
            first = false;
            body.push(Stmt::Print(self.expression()?));
        }
        Ok(())
    }

    fn for_loop(&mut self) -> Result<Stmt, TemplateError> {
        let target = self.target(false, Some("in"))?;
        self.cursor.expect_keyword("in")?;
        let iter =
            self.tuple(TupleStyle { no_conditional: true, end: Some("recursive"), ..TupleStyle::default() })?;
        let test = if self.cursor.skip_name("if") { Some(self.expression()?) } else { None };
        let recursive = self.cursor.skip_name("recursive");
        let (body, end) = self.body("for", &["endfor", "else"])?;
        let otherwise = if &*end == "else" { self.body("for", &["endfor"])?.0 } else { Vec::new() };
        Ok(Stmt::For(Arc::new(For { target, iter, test, recursive, body, otherwise })))
    }

    fn if_tag(&mut self) -> Result<Stmt, TemplateError> {
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        self.soft += 1;
        loop {
            let test = self.tuple(TupleStyle { no_conditional: true, ..TupleStyle::default() })?;
            let (body, end) = self.body("if", &["elif", "else", "endif"])?;
            branches.push((test, body));
            match &*end {
                "elif" => {}
                "else" => {
                    otherwise = self.body("if", &["endif"])?.0;
                    break;
                }
                _ => break,
            }
        }
        self.soft -= 1;
        Ok(Stmt::If { branches, otherwise })
    }

    fn set(&mut self) -> Result<Stmt, TemplateError> {
        let target = self.target(true, None)?;
        if self.cursor.skip_operator("=") {
            return Ok(Stmt::Set(target, self.tuple(TupleStyle::default())?));
        }
        let filters = self.block_filters(false)?;
        Ok(Stmt::SetBlock { target, filters, body: self.body("set", &["endset"])?.0 })
    }

    fn with(&mut self) -> Result<Stmt, TemplateError> {
        let mut assignments = Vec::new();
        while *self.cursor.kind() != Kind::BlockEnd {
            if !assignments.is_empty() {
                self.cursor.expect_operator(",")?;
            }
            let target = self.target(false, None)?;
            self.cursor.expect_operator("=")?;
            assignments.push((target, self.expression()?));
        }
        Ok(Stmt::With { assignments, body: self.body("with", &["endwith"])?.0 })
    }

    fn block(&mut self) -> Result<Stmt, TemplateError> {
        let name = self.cursor.expect_name()?;
        let scoped = self.cursor.skip_name("scoped");
        let required = self.cursor.skip_name("required");
        if self.cursor.is_operator("-") {
            return Err(self.cursor.fail(
                "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, \
                 use an underscore instead.",
            ));
        }
        if self.blocks.contains_key(&name) {
            return Err(self.cursor.fail(format!("block {} defined twice", Value::from(&*name).repr())));
        }
        let (body, _) = self.body("block", &["endblock"])?;
        self.cursor.skip_name(&name);
        let blank = |stmt: &Stmt| matches!(stmt, Stmt::Data(data) if data.trim().is_empty());
        if required && !body.iter().all(blank) {
            return Err(self.cursor.fail("Required blocks can only contain comments or whitespace"));
        }
        let block = Arc::new(Block { name: Arc::clone(&name), scoped, required, body });
        self.blocks.insert(name, Arc::clone(&block));
        Ok(Stmt::Block(block))
    }

    /// Parses `with context` or `without context`.
    fn context(&mut self) -> Option<bool> {
        let with = self.cursor.is_name("with");
        if (with || self.cursor.is_name("without")) && self.cursor.is_name_at(1, "context") {
            self.cursor.advance();
            self.cursor.advance();
            return Some(with);
        }
        None
    }

    fn include(&mut self) -> Result<Stmt, TemplateError> {
        let template = self.expression()?;
        let ignore_missing = self.cursor.is_name("ignore") && self.cursor.is_name_at(1, "missing");
        if ignore_missing {
            self.cursor.advance();
            self.cursor.advance();
        }
        Ok(Stmt::Include { template, ignore_missing, with_context: self.context().unwrap_or(true) })
    }

    fn import(&mut self) -> Result<Stmt, TemplateError> {
        let template = self.expression()?;
        self.cursor.expect_keyword("as")?;
        let target = self.assignable_name()?;
        Ok(Stmt::Import { template, target, with_context: self.context().unwrap_or(false) })
    }

    fn import_names(&mut self) -> Result<Stmt, TemplateError> {
        let template = self.expression()?;
        self.cursor.expect_keyword("import")?;
        let mut names = Vec::new();
        let with_context = loop {
            if !names.is_empty() {
                self.cursor.expect_operator(",")?;
            }
            if !matches!(self.cursor.kind(), Kind::Name(_)) {
                self.cursor.expect_name()?;
            }
            let context = self.context();
            if context.is_some() {
                break context;
            }
            let name = self.assignable_name()?;
            if name.starts_with('_') {
                return Err(self.cursor.fail("names starting with an underline can not be imported"));
            }
            let alias = if self.cursor.skip_name("as") { self.assignable_name()? } else { Arc::clone(&name) };
            names.push((name, alias));
            let context = self.context();
            if context.is_some() || !self.cursor.is_operator(",") {
                break context;
            }
        };
        Ok(Stmt::FromImport { template, names, with_context: with_context.unwrap_or(false) })
    }

    fn macro_tag(&mut self) -> Result<Stmt, TemplateError> {
        let name = self.assignable_name()?;
        let (params, defaults) = self.signature()?;
        let begin = self.cursor.offset();
        let (body, _) = self.body("macro", &["endmacro"])?;
        let definition = make_macro(name, params, defaults, body);
        let explicit = definition.params.iter().position(|param| &**param == "caller");
        let first_default = definition.params.len() - definition.defaults.len();
        if explicit.is_some_and(|at| at < first_default) {
            return Err(TemplateError::syntax(
                "When defining macros or call blocks the special \"caller\" argument must be omitted or be given a default.",
                begin as usize,
            ));
        }
        Ok(Stmt::Macro(Arc::new(definition)))
    }

    fn call_block(&mut self) -> Result<Stmt, TemplateError> {
        let (params, defaults) =
            if self.cursor.is_operator("(") { self.signature()? } else { (Vec::new(), Vec::new()) };
        let call = self.expression()?;
        if !matches!(*call.node, Node::Call(..)) {
            return Err(self.cursor.fail("expected call"));
        }
        let (body, _) = self.body("call", &["endcall"])?;
        Ok(Stmt::CallBlock { call, caller: Arc::new(make_macro("caller".into(), params, defaults, body)) })
    }

    fn signature(&mut self) -> Result<(Vec<Arc<str>>, Vec<Expr>), TemplateError> {
        self.cursor.expect_operator("(")?;
        let (mut params, mut defaults) = (Vec::new(), Vec::new());
        while !self.cursor.is_operator(")") {
            if !params.is_empty() {
                self.cursor.expect_operator(",")?;
            }
            params.push(self.assignable_name()?);
            if self.cursor.skip_operator("=") {
                defaults.push(self.expression()?);
            } else if !defaults.is_empty() {
                return Err(self.cursor.fail("non-default argument follows default argument"));
            }
        }
        self.cursor.expect_operator(")")?;
        Ok((params, defaults))
    }

    fn assignable_name(&mut self) -> Result<Arc<str>, TemplateError> {
        let name = self.cursor.expect_name()?;
        self.assignable(name)
    }

    fn assignable(&self, name: Arc<str>) -> Result<Arc<str>, TemplateError> {
        if matches!(&*name, "true" | "false" | "none" | "True" | "False" | "None") {
            return Err(self.cursor.fail("can't assign to 'const'"));
        }
        Ok(name)
    }

    /// Parses what is assigned to: a name, a tuple of them, or an attribute of a namespace.
    fn target(&mut self, with_namespace: bool, end: Option<&str>) -> Result<Target, TemplateError> {
        let mut targets = Vec::new();
        let mut is_tuple = false;
        loop {
            if !targets.is_empty() {
                self.cursor.expect_operator(",")?;
            }
            if self.is_tuple_end(end) {
                break;
            }
            targets.push(self.single_target(with_namespace)?);
            if !self.cursor.is_operator(",") {
                break;
            }
            is_tuple = true;
        }
        match targets.pop() {
            Some(single) if !is_tuple => Ok(single),
            Some(last) => {
                targets.push(last);
                Ok(Target::Tuple(targets))
            }
            None => {
                let found = Value::from(self.cursor.kind().describe()).repr();
                Err(self.cursor.fail(format!("Expected an expression, got {found}")))
            }
        }
    }

    fn single_target(&mut self, with_namespace: bool) -> Result<Target, TemplateError> {
        if self.cursor.skip_operator("(") {
            let inner = self.nested(|parser| parser.target(with_namespace, None))?;
            self.cursor.expect_operator(")")?;
            return Ok(inner);
        }
        let at = self.cursor.offset();
        match self.cursor.kind().clone() {
            Kind::Name(name) => {
                self.cursor.advance();
                if with_namespace && self.cursor.skip_operator(".") {
                    return Ok(Target::Namespace(name, self.cursor.expect_name()?, at));
                }
                self.assignable(name).map(Target::Name)
            }
            Kind::Text(_) | Kind::Int(_) | Kind::Float(_) => Err(self.cursor.fail("can't assign to 'const'")),
            Kind::Operator("[") => Err(self.cursor.fail("can't assign to 'list'")),
            Kind::Operator("{") => Err(self.cursor.fail("can't assign to 'dict'")),
            _ => Err(self.cursor.unexpected()),
        }
    }
}

fn make_macro(name: Arc<str>, params: Vec<Arc<str>>, defaults: Vec<Expr>, body: Vec<Stmt>) -> Macro {
    let mut names = HashSet::new();
    walk::names_in(&body, &mut names);
    let takes = |name: &str| names.contains(name) && !params.iter().any(|param| &**param == name);
    let has_caller = params.iter().any(|param| &**param == "caller");
    let (takes_varargs, takes_kwargs) = (takes("varargs"), takes("kwargs"));
    let takes_caller = has_caller || takes("caller");
    Macro { name, params, defaults, body, takes_caller, takes_varargs, takes_kwargs }
}
