use std::sync::Arc;

use super::token::{Kind, Token};
use crate::{TemplateError, Value};

/// A place in a list of tokens, which ends with [`Kind::End`].
pub(crate) struct Cursor {
    tokens: Vec<Token>,
    at: usize,
}

impl Cursor {
    pub(crate) fn new(tokens: Vec<Token>) -> Self {
        Self { tokens, at: 0 }
    }

    pub(crate) fn current(&self) -> &Token {
        self.peek(0)
    }

    pub(crate) fn peek(&self, ahead: usize) -> &Token {
        let last = self.tokens.len() - 1;
        self.tokens.get((self.at + ahead).min(last)).expect("a token list ends with End")
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.current().kind
    }

    pub(crate) fn offset(&self) -> u32 {
        self.current().at
    }

    pub(crate) fn advance(&mut self) -> Token {
        let token = self.current().clone();
        self.at += 1;
        token
    }

    pub(crate) fn is_at_end(&self) -> bool {
        *self.kind() == Kind::End
    }

    pub(crate) fn is_operator(&self, sign: &str) -> bool {
        matches!(self.kind(), Kind::Operator(found) if *found == sign)
    }

    pub(crate) fn is_name(&self, name: &str) -> bool {
        self.is_name_at(0, name)
    }

    pub(crate) fn is_name_at(&self, ahead: usize, name: &str) -> bool {
        matches!(&self.peek(ahead).kind, Kind::Name(found) if &**found == name)
    }

    pub(crate) fn skip_operator(&mut self, sign: &str) -> bool {
        let found = self.is_operator(sign);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn skip_name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect_operator(&mut self, sign: &str) -> Result<(), TemplateError> {
        if self.skip_operator(sign) { Ok(()) } else { Err(self.expected(sign)) }
    }

    pub(crate) fn expect_keyword(&mut self, name: &str) -> Result<(), TemplateError> {
        if self.skip_name(name) { Ok(()) } else { Err(self.expected(name)) }
    }

    pub(crate) fn expect_name(&mut self) -> Result<Arc<str>, TemplateError> {
        match self.kind() {
            Kind::Name(name) => {
                let name = Arc::clone(name);
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.expected("name")),
        }
    }

    pub(crate) fn expect(&mut self, kind: &Kind) -> Result<(), TemplateError> {
        if self.kind() == kind {
            self.at += 1;
            return Ok(());
        }
        Err(self.expected(kind.describe()))
    }

    fn expected(&self, what: &str) -> TemplateError {
        let what = Value::from(what).repr();
        if self.is_at_end() {
            return self.fail(format!("unexpected end of template, expected {what}."));
        }
        self.fail(format!("expected token {what}, got {}", Value::from(self.kind().describe()).repr()))
    }

    pub(crate) fn unexpected(&self) -> TemplateError {
        self.fail(format!("unexpected {}", Value::from(self.kind().describe()).repr()))
    }

    pub(crate) fn fail(&self, message: impl Into<String>) -> TemplateError {
        TemplateError::syntax(message, self.offset() as usize)
    }
}
