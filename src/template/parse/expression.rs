//! Jinja2's expressions.

use std::sync::Arc;

use super::Parser;
use super::literal::unescape;
use super::token::Kind;
use super::tree::{Arguments, Comparison, Expr, NameUse, Node, Operator, Use};
use crate::{TemplateError, Value};

type Parsed = Result<Expr, TemplateError>;

/// How many links a chain of operators, filters or attributes may have: evaluating one link takes some of the stack.
const MAX_CHAIN: usize = 400;

/// What [`Parser::tuple`] takes as elements and where it ends.
#[derive(Clone, Copy, Default)]
pub(super) struct TupleStyle {
    /// `a if b` is not an element of its own: a `for` or an `if` tag goes on with `if`.
    pub(super) no_conditional: bool,
    /// In parentheses, where `()` is the empty tuple.
    pub(super) parenthesized: bool,
    /// A name that ends the tuple.
    pub(super) end: Option<&'static str>,
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed {
        self.nested(Self::conditional)
    }

    fn conditional(&mut self) -> Parsed {
        let at = self.cursor.offset();
        let first_use = self.uses.len();
        let mut expr = self.or()?;
        let mut chain = 0;
        while self.cursor.skip_name("if") {
            self.link(&mut chain)?;
            self.uses.iter_mut().skip(first_use).for_each(|used| used.soft = true);
            let test = self.softly(Self::or)?;
            let otherwise = if self.cursor.skip_name("else") {
                Some(self.nested(|parser| parser.softly(Self::conditional))?)
            } else {
                None
            };
            expr = Self::expr(at, Node::If { test, then: expr, otherwise });
        }
        Ok(expr)
    }

    fn link(&self, chain: &mut usize) -> Result<(), TemplateError> {
        *chain += 1;
        if *chain > MAX_CHAIN { Err(self.cursor.fail("the expression is too long")) } else { Ok(()) }
    }

    fn or(&mut self) -> Parsed {
        let at = self.cursor.offset();
        let mut left = self.and()?;
        let mut chain = 0;
        while self.cursor.skip_name("or") {
            self.link(&mut chain)?;
            left = Self::expr(at, Node::Or(left, self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let at = self.cursor.offset();
        let mut left = self.not()?;
        let mut chain = 0;
        while self.cursor.skip_name("and") {
            self.link(&mut chain)?;
            left = Self::expr(at, Node::And(left, self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        let at = self.cursor.offset();
        if self.cursor.skip_name("not") {
            return Ok(Self::expr(at, Node::Not(self.nested(Self::not)?)));
        }
        self.compare()
    }

    fn compare(&mut self) -> Parsed {
        let at = self.cursor.offset();
        let first = self.sum()?;
        let mut rest = Vec::new();
        while let Some(comparison) = self.comparison() {
            rest.push((comparison, self.sum()?));
        }
        Ok(if rest.is_empty() { first } else { Self::expr(at, Node::Compare(first, rest)) })
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let comparison = match self.cursor.kind() {
            Kind::Operator("==") => Comparison::Equal,
            Kind::Operator("!=") => Comparison::NotEqual,
            Kind::Operator("<") => Comparison::Less,
            Kind::Operator("<=") => Comparison::LessOrEqual,
            Kind::Operator(">") => Comparison::Greater,
            Kind::Operator(">=") => Comparison::GreaterOrEqual,
            Kind::Name(name) if &**name == "in" => Comparison::In,
            Kind::Name(name) if &**name == "not" && self.cursor.is_name_at(1, "in") => {
                self.cursor.advance();
                Comparison::NotIn
            }
            _ => return None,
        };
        self.cursor.advance();
        Some(comparison)
    }

    fn sum(&mut self) -> Parsed {
        self.operators(&[("+", Operator::Add), ("-", Operator::Subtract)], Self::concat)
    }

    fn concat(&mut self) -> Parsed {
        let at = self.cursor.offset();
        let first = self.product()?;
        if !self.cursor.is_operator("~") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.cursor.skip_operator("~") {
            parts.push(self.product()?);
        }
        Ok(Self::expr(at, Node::Concat(parts)))
    }

    fn product(&mut self) -> Parsed {
        let signs = [
            ("*", Operator::Multiply),
            ("/", Operator::Divide),
            ("//", Operator::FloorDivide),
            ("%", Operator::Remainder),
        ];
        self.operators(&signs, Self::power)
    }

    fn power(&mut self) -> Parsed {
        self.operators(&[("**", Operator::Power)], Self::unary)
    }

    fn operators(&mut self, signs: &[(&str, Operator)], operand: fn(&mut Self) -> Parsed) -> Parsed {
        let at = self.cursor.offset();
        let mut left = operand(self)?;
        let mut chain = 0;
        while let Some((_, operator)) = signs.iter().find(|(sign, _)| self.cursor.is_operator(sign)) {
            self.link(&mut chain)?;
            self.cursor.advance();
            left = Self::expr(at, Node::Arithmetic(*operator, left, operand(self)?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        let expr = self.unfiltered()?;
        self.filters_and_tests(expr)
    }

    /// A sign applies to what follows with its attributes and calls, but not with its filters.
    fn unfiltered(&mut self) -> Parsed {
        let at = self.cursor.offset();
        let expr = if self.cursor.skip_operator("-") {
            Self::expr(at, Node::Negate(self.nested(Self::unfiltered)?))
        } else if self.cursor.skip_operator("+") {
            Self::expr(at, Node::Plus(self.nested(Self::unfiltered)?))
        } else {
            self.primary()?
        };
        self.postfix(expr)
    }

    pub(super) fn primary(&mut self) -> Parsed {
        let token = self.cursor.current().clone();
        let at = token.at;
        match token.kind {
            Kind::Name(name) => {
                self.cursor.advance();
                Ok(Self::expr(at, constant(&name).map_or(Node::Name(name), Node::Const)))
            }
            Kind::Text(_) => self.text(),
            Kind::Int(number) => {
                self.cursor.advance();
                Ok(Self::expr(at, Node::Const(number.into())))
            }
            Kind::Float(number) => {
                self.cursor.advance();
                Ok(Self::expr(at, Node::Const(number.into())))
            }
            Kind::Operator("(") => {
                self.cursor.advance();
                let style = TupleStyle { parenthesized: true, ..TupleStyle::default() };
                let expr = self.nested(|parser| parser.tuple(style))?;
                self.cursor.expect_operator(")")?;
                Ok(expr)
            }
            Kind::Operator("[") => self.nested(Self::list),
            Kind::Operator("{") => self.nested(Self::dict),
            _ => Err(self.cursor.unexpected()),
        }
    }

    /// Texts that stand side by side are one.
    fn text(&mut self) -> Parsed {
        let at = self.cursor.offset();
        let mut text = String::new();
        while let Kind::Text(raw) = self.cursor.kind().clone() {
            let token = self.cursor.advance();
            if token.in_variable && self.dialect.literal_backslashes {
                text.push_str(&raw);
            } else {
                text.push_str(&unescape(&raw, token.at as usize)?);
            }
        }
        let looks_like_template = ["{{", "{%", "{#"].iter().any(|begin| text.contains(begin));
        Ok(Self::expr(
            at,
            if looks_like_template { Node::Embedded(text.into()) } else { Node::Const(text.into()) },
        ))
    }

    pub(super) fn tuple(&mut self, style: TupleStyle) -> Parsed {
        let at = self.cursor.offset();
        let mut items = Vec::new();
        let mut is_tuple = false;
        loop {
            if !items.is_empty() {
                self.cursor.expect_operator(",")?;
            }
            if self.is_tuple_end(style.end) {
                break;
            }
            items.push(if style.no_conditional { self.or()? } else { self.expression()? });
            if !self.cursor.is_operator(",") {
                break;
            }
            is_tuple = true;
        }
        if !is_tuple {
            if let Some(single) = items.pop() {
                return Ok(single);
            }
            if !style.parenthesized {
                let found = Value::from(self.cursor.kind().describe()).repr();
                return Err(self.cursor.fail(format!("Expected an expression, got {found}")));
            }
        }
        Ok(Self::expr(at, Node::Tuple(items)))
    }

    pub(super) fn is_tuple_end(&self, end: Option<&str>) -> bool {
        matches!(self.cursor.kind(), Kind::VariableEnd | Kind::BlockEnd | Kind::Operator(")"))
            || end.is_some_and(|end| self.cursor.is_name(end))
    }

    fn list(&mut self) -> Parsed {
        let at = self.cursor.offset();
        self.cursor.expect_operator("[")?;
        let mut items = Vec::new();
        while !self.cursor.is_operator("]") {
            if !items.is_empty() {
                self.cursor.expect_operator(",")?;
                if self.cursor.is_operator("]") {
                    break;
                }
            }
            items.push(self.expression()?);
        }
        self.cursor.expect_operator("]")?;
        Ok(Self::expr(at, Node::List(items)))
    }

    fn dict(&mut self) -> Parsed {
        let at = self.cursor.offset();
        self.cursor.expect_operator("{")?;
        let mut entries = Vec::new();
        while !self.cursor.is_operator("}") {
            if !entries.is_empty() {
                self.cursor.expect_operator(",")?;
                if self.cursor.is_operator("}") {
                    break;
                }
            }
            let key = self.expression()?;
            self.cursor.expect_operator(":")?;
            entries.push((key, self.expression()?));
        }
        self.cursor.expect_operator("}")?;
        Ok(Self::expr(at, Node::Dict(entries)))
    }

    pub(super) fn postfix(&mut self, mut expr: Expr) -> Parsed {
        let mut chain = 0;
        loop {
            self.link(&mut chain)?;
            expr = match self.cursor.kind() {
                Kind::Operator(".") => self.attribute(expr)?,
                Kind::Operator("[") => self.subscript(expr)?,
                Kind::Operator("(") => self.call(expr)?,
                _ => return Ok(expr),
            };
        }
    }

    fn attribute(&mut self, target: Expr) -> Parsed {
        let at = target.at;
        self.cursor.advance();
        let token = self.cursor.advance();
        match token.kind {
            Kind::Name(name) => Ok(Self::expr(at, Node::Attribute(target, name))),
            Kind::Int(index) => {
                let index = Self::expr(token.at, Node::Const(index.into()));
                Ok(Self::expr(at, Node::Item(target, index)))
            }
            _ => Err(TemplateError::syntax("expected name or number", token.at as usize)),
        }
    }

    fn subscript(&mut self, target: Expr) -> Parsed {
        let at = target.at;
        self.cursor.advance();
        let mut items = Vec::new();
        while !self.cursor.is_operator("]") {
            if !items.is_empty() {
                self.cursor.expect_operator(",")?;
            }
            match self.subscribed()? {
                Subscript::Item(item) => items.push(item),
                Subscript::Slice(bounds) => {
                    self.cursor.expect_operator("]")?;
                    return Ok(Self::expr(at, Node::Slice { target, bounds }));
                }
            }
        }
        self.cursor.expect_operator("]")?;
        let item = if items.len() == 1 {
            items.pop().expect("there is one")
        } else {
            Self::expr(at, Node::Tuple(items))
        };
        Ok(Self::expr(at, Node::Item(target, item)))
    }

    fn subscribed(&mut self) -> Result<Subscript, TemplateError> {
        let start = if self.cursor.is_operator(":") { None } else { Some(self.expression()?) };
        if !self.cursor.skip_operator(":") {
            return Ok(start.map_or(Subscript::Slice([None, None, None]), Subscript::Item));
        }
        let end = self.slice_bound()?;
        let step = if self.cursor.skip_operator(":") { self.slice_bound()? } else { None };
        Ok(Subscript::Slice([start, end, step]))
    }

    fn slice_bound(&mut self) -> Result<Option<Expr>, TemplateError> {
        if [":", "]", ","].iter().any(|sign| self.cursor.is_operator(sign)) {
            return Ok(None);
        }
        self.expression().map(Some)
    }

    fn call(&mut self, target: Expr) -> Parsed {
        let at = target.at;
        let args = self.arguments()?;
        Ok(Self::expr(at, Node::Call(target, args)))
    }

    fn arguments(&mut self) -> Result<Arguments, TemplateError> {
        self.cursor.expect_operator("(")?;
        let mut args = Arguments::default();
        let mut first = true;
        while !self.cursor.is_operator(")") {
            if !first {
                self.cursor.expect_operator(",")?;
                if self.cursor.is_operator(")") {
                    break;
                }
            }
            first = false;
            self.argument(&mut args)?;
        }
        self.cursor.expect_operator(")")?;
        Ok(args)
    }

    fn argument(&mut self, args: &mut Arguments) -> Result<(), TemplateError> {
        let spread = args.spread.is_some() || args.spread_named.is_some();
        if self.cursor.is_operator("*") {
            self.ensure(!spread)?;
            self.cursor.advance();
            args.spread = Some(self.expression()?);
        } else if self.cursor.is_operator("**") {
            self.ensure(args.spread_named.is_none())?;
            self.cursor.advance();
            args.spread_named = Some(self.expression()?);
        } else if matches!(self.cursor.kind(), Kind::Name(_))
            && self.cursor.peek(1).kind == Kind::Operator("=")
        {
            self.ensure(args.spread_named.is_none())?;
            let name = self.cursor.expect_name()?;
            self.cursor.advance();
            args.named.push((name, self.expression()?));
        } else {
            self.ensure(!spread && args.named.is_empty())?;
            args.positional.push(self.expression()?);
        }
        Ok(())
    }

    fn ensure(&self, legal: bool) -> Result<(), TemplateError> {
        if legal { Ok(()) } else { Err(self.cursor.fail("invalid syntax for function call expression")) }
    }

    fn filters_and_tests(&mut self, mut expr: Expr) -> Parsed {
        let mut chain = 0;
        loop {
            self.link(&mut chain)?;
            expr = if self.cursor.skip_operator("|") {
                let at = expr.at;
                let filter = self.named_use(true)?;
                Self::expr(at, Node::Filter(expr, filter))
            } else if self.cursor.skip_name("is") {
                self.test(expr)?
            } else if self.cursor.is_operator("(") {
                self.call(expr)?
            } else {
                return Ok(expr);
            };
        }
    }

    /// Parses the filters of a `set` or `filter` block; `first` says whether one follows without a bar.
    pub(super) fn block_filters(&mut self, mut first: bool) -> Result<Vec<Use>, TemplateError> {
        let mut filters = Vec::new();
        while std::mem::take(&mut first) || self.cursor.skip_operator("|") {
            filters.push(self.named_use(true)?);
        }
        Ok(filters)
    }

    fn named_use(&mut self, is_filter: bool) -> Result<Use, TemplateError> {
        let (name, at) = self.dotted_name()?;
        self.note_use(&name, is_filter, at);
        let args = if self.cursor.is_operator("(") { self.arguments()? } else { Arguments::default() };
        Ok(Use { name, args, at })
    }

    fn dotted_name(&mut self) -> Result<(Arc<str>, u32), TemplateError> {
        let at = self.cursor.offset();
        let first = self.cursor.expect_name()?;
        if !self.cursor.is_operator(".") {
            return Ok((first, at));
        }
        let mut name = first.to_string();
        while self.cursor.skip_operator(".") {
            name.push('.');
            name.push_str(&self.cursor.expect_name()?);
        }
        Ok((name.into(), at))
    }

    fn note_use(&mut self, name: &Arc<str>, is_filter: bool, at: u32) {
        self.uses.push(NameUse { name: Arc::clone(name), is_filter, soft: self.soft > 0, at });
    }

    fn test(&mut self, target: Expr) -> Parsed {
        let begin = target.at;
        let negated = self.cursor.skip_name("not");
        let (name, at) = self.dotted_name()?;
        self.note_use(&name, false, at);
        let args = if self.cursor.is_operator("(") {
            self.arguments()?
        } else if self.begins_bare_argument() {
            if self.cursor.is_name("is") {
                return Err(self.cursor.fail("You cannot chain multiple tests with is"));
            }
            let argument = self.primary()?;
            Arguments { positional: vec![self.postfix(argument)?], ..Arguments::default() }
        } else {
            Arguments::default()
        };
        let test = Self::expr(begin, Node::Test(target, Use { name, args, at }));
        Ok(if negated { Self::expr(begin, Node::Not(test)) } else { test })
    }

    /// A test's only argument may stand without parentheses: `x is divisibleby 3`.
    fn begins_bare_argument(&self) -> bool {
        match self.cursor.kind() {
            Kind::Name(name) => !matches!(&**name, "else" | "or" | "and"),
            Kind::Text(_) | Kind::Int(_) | Kind::Float(_) | Kind::Operator("[" | "{") => true,
            _ => false,
        }
    }
}

enum Subscript {
    Item(Expr),
    Slice([Option<Expr>; 3]),
}

fn constant(name: &str) -> Option<Value> {
    match name {
        "true" | "True" => Some(true.into()),
        "false" | "False" => Some(false.into()),
        "none" | "None" => Some(Value::NONE),
        _ => None,
    }
}
