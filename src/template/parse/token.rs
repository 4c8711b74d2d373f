//! minijinja's tokens, with texts as they are written and faults as Jinja2 words them.

use std::sync::Arc;

use minijinja::machinery::{Token as Raw, Tokenizer};

use super::Dialect;
use crate::TemplateError;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Data(Arc<str>),
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name(Arc<str>),
    /// What stands between the quotes, as it is written.
    Text(Arc<str>),
    Int(i128),
    Float(f64),
    Operator(&'static str),
    End,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) at: u32,
    /// It stands between `{{` and `}}`.
    pub(crate) in_variable: bool,
}

impl Kind {
    /// Returns what Jinja2's messages call it.
    pub(crate) fn describe(&self) -> &str {
        match self {
            Self::Data(_) => "template data / text",
            Self::VariableBegin => "begin of print statement",
            Self::VariableEnd => "end of print statement",
            Self::BlockBegin => "begin of statement block",
            Self::BlockEnd => "end of statement block",
            Self::Name(name) => name,
            Self::Text(_) => "string",
            Self::Int(_) => "integer",
            Self::Float(_) => "float",
            Self::Operator(sign) => sign,
            Self::End => "end of template",
        }
    }
}

/// Cuts a text into tokens; `in_expression` begins inside of an expression.
pub(crate) fn tokenize(
    source: &str,
    dialect: &Dialect,
    in_expression: bool,
) -> Result<Vec<Token>, TemplateError> {
    let shield = Shield::of(source);
    let shielded = shield.text(source);
    let mut tokenizer = Tokenizer::new(&shielded, "<template>", in_expression, dialect.syntax.clone());
    let mut tokens = Vec::new();
    let mut state = State { in_variable: in_expression, open: Vec::new() };
    loop {
        let next = tokenizer.next_token().map_err(|error| unexpected_char(source, &error))?;
        let Some((raw, span)) = next else { break };
        let start = span.start_offset as usize;
        let written = source.get(start..span.end_offset as usize).unwrap_or_default();
        let in_variable = state.in_variable;
        let kind = state.kind(raw, written, source, start, &shield, dialect)?;
        tokens.push(Token { kind, at: span.start_offset, in_variable });
    }
    let at = u32::try_from(source.len()).unwrap_or(u32::MAX);
    tokens.push(Token { kind: Kind::End, at, in_variable: false });
    Ok(tokens)
}

struct State {
    in_variable: bool,
    /// The brackets that are open.
    open: Vec<char>,
}

impl State {
    fn kind(
        &mut self,
        raw: Raw<'_>,
        written: &str,
        source: &str,
        at: usize,
        shield: &Shield,
        dialect: &Dialect,
    ) -> Result<Kind, TemplateError> {
        Ok(match raw {
            Raw::TemplateData(data) => {
                let data = shield.undo(data);
                let raw = raw_text(written, &data, source.get(..at).unwrap_or_default(), dialect);
                Kind::Data(data_text(raw.unwrap_or(&data), dialect))
            }
            Raw::VariableStart => {
                self.in_variable = true;
                Kind::VariableBegin
            }
            Raw::VariableEnd => {
                self.in_variable = false;
                Kind::VariableEnd
            }
            Raw::BlockStart => Kind::BlockBegin,
            Raw::BlockEnd => Kind::BlockEnd,
            Raw::Ident(name) => Kind::Name(name.into()),
            Raw::Str(_) | Raw::String(_) => {
                Kind::Text(written.get(1..written.len().saturating_sub(1)).unwrap_or_default().into())
            }
            Raw::Int(number) => Kind::Int(number.into()),
            Raw::Int128(number) => Kind::Int(
                i128::try_from(*number).map_err(|_| TemplateError::syntax("integer is too large", at))?,
            ),
            Raw::Float(number) => Kind::Float(number),
            bracket @ (Raw::ParenOpen | Raw::BracketOpen | Raw::BraceOpen) => {
                let (sign, close) = match bracket {
                    Raw::ParenOpen => ("(", ')'),
                    Raw::BracketOpen => ("[", ']'),
                    _ => ("{", '}'),
                };
                self.open.push(close);
                Kind::Operator(sign)
            }
            Raw::ParenClose => self.close(")", at)?,
            Raw::BracketClose => self.close("]", at)?,
            Raw::BraceClose => self.close("}", at)?,
            operator => Kind::Operator(sign_of(&operator)),
        })
    }

    fn close(&mut self, sign: &'static str, at: usize) -> Result<Kind, TemplateError> {
        match self.open.pop() {
            None => Err(TemplateError::syntax(format!("unexpected '{sign}'"), at)),
            Some(expected) if !sign.starts_with(expected) => {
                Err(TemplateError::syntax(format!("unexpected '{sign}', expected '{expected}'"), at))
            }
            Some(_) => Ok(Kind::Operator(sign)),
        }
    }
}

fn sign_of(token: &Raw<'_>) -> &'static str {
    match token {
        Raw::Plus => "+",
        Raw::Minus => "-",
        Raw::Mul => "*",
        Raw::Div => "/",
        Raw::FloorDiv => "//",
        Raw::Pow => "**",
        Raw::Mod => "%",
        Raw::Dot => ".",
        Raw::Comma => ",",
        Raw::Colon => ":",
        Raw::Tilde => "~",
        Raw::Assign => "=",
        Raw::Pipe => "|",
        Raw::Eq => "==",
        Raw::Ne => "!=",
        Raw::Gt => ">",
        Raw::Gte => ">=",
        Raw::Lt => "<",
        _ => "<=",
    }
}

/// Returns what stands between `raw` and `endraw`, where minijinja dropped the line end after `raw`: Jinja2 keeps it.
fn raw_text<'s>(written: &'s str, data: &str, before: &str, dialect: &Dialect) -> Option<&'s str> {
    let tag_end = dialect.syntax.block_delimiters().1;
    let trims = before.strip_suffix(tag_end).is_none_or(|tag| tag.ends_with('-'));
    let rest = written.strip_prefix('\n')?;
    if trims || written == data || !rest.starts_with(data) {
        return None;
    }
    written.get(..=data.len())
}

fn data_text(data: &str, dialect: &Dialect) -> Arc<str> {
    if &*dialect.newline == "\n" { data.into() } else { data.replace('\n', &dialect.newline).into() }
}

fn unexpected_char(source: &str, error: &minijinja::Error) -> TemplateError {
    let at = error.range().map_or(0, |range| range.start);
    let found = source.get(at..).and_then(|rest| rest.chars().next());
    let message = match (error.detail(), found) {
        (Some("unexpected end of comment"), _) => "Missing end of comment tag".to_owned(),
        (Some("unexpected end of raw block"), _) => "Missing end of raw directive".to_owned(),
        (Some("unexpected end of string"), _) => unclosed_text(source, at),
        (Some("unexpected character"), Some(found)) => {
            format!("unexpected char {} at {at}", crate::Value::from(found.to_string()).repr())
        }
        (detail, _) => detail.unwrap_or("the template cannot be read").to_owned(),
    };
    TemplateError::syntax(message, at)
}

/// Jinja2 trips over the quote that opens a text without an end.
fn unclosed_text(source: &str, end: usize) -> String {
    let before = source.get(..end).unwrap_or(source);
    let at = before.rfind(['\'', '"']).unwrap_or(0);
    let quote = before.get(at..=at).unwrap_or("'");
    format!("unexpected char {} at {at}", crate::Value::from(quote).repr())
}

/// Hides backslashes from the tokenizer, which refuses some that Python keeps.
///
/// Those before a quote or another backslash stay: they decide where a text ends.
struct Shield(Option<char>);

impl Shield {
    fn of(source: &str) -> Self {
        let free = || ('\u{1}'..='\u{8}').find(|candidate| !source.contains(*candidate));
        Self(source.contains('\\').then(free).flatten())
    }

    fn text<'a>(&self, source: &'a str) -> std::borrow::Cow<'a, str> {
        let Some(stand_in) = self.0 else { return source.into() };
        let mut out = String::with_capacity(source.len());
        let mut chars = source.chars().peekable();
        while let Some(c) = chars.next() {
            match (c, chars.peek()) {
                ('\\', Some('\\' | '\'' | '"')) => {
                    out.push(c);
                    out.extend(chars.next());
                }
                ('\\', _) => out.push(stand_in),
                _ => out.push(c),
            }
        }
        out.into()
    }

    fn undo<'a>(&self, data: &'a str) -> std::borrow::Cow<'a, str> {
        match self.0 {
            Some(stand_in) => data.replace(stand_in, "\\").into(),
            None => data.into(),
        }
    }
}
