//! What a template is once it is parsed.

use std::collections::HashMap;
use std::sync::Arc;

use crate::Value;

/// A parsed template or expression.
#[derive(Debug)]
pub(crate) struct Program {
    /// The text that every `at` counts in.
    pub(crate) source: Arc<str>,
    pub(crate) body: Vec<Stmt>,
    pub(crate) blocks: HashMap<Arc<str>, Arc<Block>>,
}

/// A filter or test that a template names.
#[derive(Debug)]
pub(crate) struct NameUse {
    pub(crate) name: Arc<str>,
    pub(crate) is_filter: bool,
    pub(crate) soft: bool,
    pub(crate) at: u32,
}

/// An expression, and the byte it begins at.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) at: u32,
    pub(crate) node: Box<Node>,
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Const(Value),
    /// A constant that looks like a template itself, which conditionals and lookups render.
    Embedded(Arc<str>),
    Name(Arc<str>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Negate(Expr),
    Plus(Expr),
    Not(Expr),
    And(Expr, Expr),
    Or(Expr, Expr),
    Arithmetic(Operator, Expr, Expr),
    Concat(Vec<Expr>),
    Compare(Expr, Vec<(Comparison, Expr)>),
    If {
        test: Expr,
        then: Expr,
        otherwise: Option<Expr>,
    },
    Attribute(Expr, Arc<str>),
    Item(Expr, Expr),
    /// `target[start:end:step]`
    Slice {
        target: Expr,
        bounds: [Option<Expr>; 3],
    },
    Call(Expr, Arguments),
    Filter(Expr, Use),
    Test(Expr, Use),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
}

impl Operator {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Remainder => "%",
            Self::Power => "** or pow()",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// A filter or test with its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) name: Arc<str>,
    pub(crate) args: Arguments,
    pub(crate) at: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) positional: Vec<Expr>,
    pub(crate) named: Vec<(Arc<str>, Expr)>,
    /// `*list`
    pub(crate) spread: Option<Expr>,
    /// `**mapping`
    pub(crate) spread_named: Option<Expr>,
}

#[derive(Debug)]
pub(crate) enum Stmt {
    Data(Arc<str>),
    Print(Expr),
    If { branches: Vec<(Expr, Vec<Stmt>)>, otherwise: Vec<Stmt> },
    For(Arc<For>),
    Set(Target, Expr),
    SetBlock { target: Target, filters: Vec<Use>, body: Vec<Stmt> },
    With { assignments: Vec<(Target, Expr)>, body: Vec<Stmt> },
    Macro(Arc<Macro>),
    CallBlock { call: Expr, caller: Arc<Macro> },
    FilterBlock { filters: Vec<Use>, body: Vec<Stmt> },
    Block(Arc<Block>),
    Extends(Expr),
    Include { template: Expr, ignore_missing: bool, with_context: bool },
    Import { template: Expr, target: Arc<str>, with_context: bool },
    FromImport { template: Expr, names: Vec<(Arc<str>, Arc<str>)>, with_context: bool },
    Do(Expr),
    Break,
    Continue,
}

#[derive(Clone, Debug)]
pub(crate) enum Target {
    Name(Arc<str>),
    Tuple(Vec<Target>),
    Namespace(Arc<str>, Arc<str>, u32),
}

#[derive(Debug)]
pub(crate) struct For {
    pub(crate) target: Target,
    pub(crate) iter: Expr,
    pub(crate) test: Option<Expr>,
    pub(crate) recursive: bool,
    pub(crate) body: Vec<Stmt>,
    pub(crate) otherwise: Vec<Stmt>,
}

#[derive(Debug)]
pub(crate) struct Macro {
    pub(crate) name: Arc<str>,
    pub(crate) params: Vec<Arc<str>>,
    /// The defaults of the last parameters.
    pub(crate) defaults: Vec<Expr>,
    pub(crate) body: Vec<Stmt>,
    /// Whether the body uses `caller`, `varargs`, `kwargs`: what it does not use may not be given.
    pub(crate) takes_caller: bool,
    pub(crate) takes_varargs: bool,
    pub(crate) takes_kwargs: bool,
}

#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) name: Arc<str>,
    pub(crate) scoped: bool,
    pub(crate) required: bool,
    pub(crate) body: Vec<Stmt>,
}
