//! What a parsed template mentions.

use std::collections::HashSet;
use std::sync::Arc;

use super::tree::{Arguments, Expr, Node, Stmt, Target, Use};

/// Adds every name that the statements read, whether it is a variable of theirs or of the scope.
pub(crate) fn names_in(body: &[Stmt], names: &mut HashSet<Arc<str>>) {
    for stmt in body {
        in_stmt(stmt, names);
    }
}

fn in_stmt(stmt: &Stmt, names: &mut HashSet<Arc<str>>) {
    match stmt {
        Stmt::Data(_) | Stmt::Break | Stmt::Continue => {}
        Stmt::Print(expr) | Stmt::Extends(expr) | Stmt::Do(expr) => in_expr(expr, names),
        Stmt::If { branches, otherwise } => {
            for (test, body) in branches {
                in_expr(test, names);
                names_in(body, names);
            }
            names_in(otherwise, names);
        }
        Stmt::For(each) => {
            in_expr(&each.iter, names);
            each.test.iter().for_each(|test| in_expr(test, names));
            names_in(&each.body, names);
            names_in(&each.otherwise, names);
        }
        Stmt::Set(target, expr) => {
            in_target(target, names);
            in_expr(expr, names);
        }
        Stmt::SetBlock { target, filters, body } => {
            in_target(target, names);
            filters.iter().for_each(|filter| in_use(filter, names));
            names_in(body, names);
        }
        Stmt::With { assignments, body } => {
            assignments.iter().for_each(|(_, expr)| in_expr(expr, names));
            names_in(body, names);
        }
        Stmt::Macro(definition) => {
            definition.defaults.iter().for_each(|default| in_expr(default, names));
            names_in(&definition.body, names);
        }
        Stmt::CallBlock { call, caller } => {
            in_expr(call, names);
            names_in(&caller.body, names);
        }
        Stmt::FilterBlock { filters, body } => {
            filters.iter().for_each(|filter| in_use(filter, names));
            names_in(body, names);
        }
        Stmt::Block(block) => names_in(&block.body, names),
        Stmt::Include { template, .. }
        | Stmt::Import { template, .. }
        | Stmt::FromImport { template, .. } => {
            in_expr(template, names);
        }
    }
}

fn in_target(target: &Target, names: &mut HashSet<Arc<str>>) {
    if let Target::Namespace(name, ..) = target {
        names.insert(Arc::clone(name));
    }
}

fn in_expr(expr: &Expr, names: &mut HashSet<Arc<str>>) {
    match &*expr.node {
        Node::Const(_) | Node::Embedded(_) => {}
        Node::Name(name) => {
            names.insert(Arc::clone(name));
        }
        Node::List(items) | Node::Tuple(items) | Node::Concat(items) => {
            items.iter().for_each(|item| in_expr(item, names));
        }
        Node::Dict(entries) => {
            for (key, value) in entries {
                in_expr(key, names);
                in_expr(value, names);
            }
        }
        Node::Negate(inner) | Node::Plus(inner) | Node::Not(inner) | Node::Attribute(inner, _) => {
            in_expr(inner, names);
        }
        Node::And(a, b) | Node::Or(a, b) | Node::Arithmetic(_, a, b) | Node::Item(a, b) => {
            in_expr(a, names);
            in_expr(b, names);
        }
        Node::Compare(first, rest) => {
            in_expr(first, names);
            rest.iter().for_each(|(_, operand)| in_expr(operand, names));
        }
        Node::If { test, then, otherwise } => {
            in_expr(test, names);
            in_expr(then, names);
            otherwise.iter().for_each(|expr| in_expr(expr, names));
        }
        Node::Slice { target, bounds } => {
            in_expr(target, names);
            bounds.iter().flatten().for_each(|bound| in_expr(bound, names));
        }
        Node::Call(target, args) => {
            in_expr(target, names);
            in_args(args, names);
        }
        Node::Filter(target, used) | Node::Test(target, used) => {
            in_expr(target, names);
            in_use(used, names);
        }
    }
}

fn in_use(used: &Use, names: &mut HashSet<Arc<str>>) {
    in_args(&used.args, names);
}

fn in_args(args: &Arguments, names: &mut HashSet<Arc<str>>) {
    args.positional.iter().for_each(|arg| in_expr(arg, names));
    args.named.iter().for_each(|(_, arg)| in_expr(arg, names));
    [&args.spread, &args.spread_named].into_iter().flatten().for_each(|arg| in_expr(arg, names));
}

/// Adds every name that the statements ask for in any case, so that they fail where it is undefined.
///
/// `forgives` says which filters and tests take what is undefined. In doubt a name is left out: what stands behind a
/// condition, in a list that is only looked into, or behind a statement that may have set it.
pub(crate) fn needed_in(body: &[Stmt], forgives: &dyn Fn(&str) -> bool, names: &mut HashSet<Arc<str>>) {
    for stmt in body {
        match stmt {
            Stmt::Data(_) => {}
            Stmt::Print(expr) => needed(expr, forgives, names),
            Stmt::For(each) => needed(&each.iter, forgives, names),
            Stmt::If { branches, .. } => {
                branches.iter().take(1).for_each(|(test, _)| needed(test, forgives, names));
                return;
            }
            _ => return,
        }
    }
}

fn needed(expr: &Expr, forgives: &dyn Fn(&str) -> bool, names: &mut HashSet<Arc<str>>) {
    let mut also = |expr: &Expr| needed(expr, forgives, names);
    match &*expr.node {
        Node::Name(name) => {
            names.insert(Arc::clone(name));
        }
        Node::Concat(parts) => parts.iter().for_each(also),
        Node::Negate(inner)
        | Node::Plus(inner)
        | Node::Not(inner)
        | Node::Attribute(inner, _)
        | Node::And(inner, _)
        | Node::Or(inner, _)
        | Node::If { test: inner, .. }
        | Node::Slice { target: inner, .. }
        | Node::Call(inner, _) => also(inner),
        Node::Arithmetic(_, a, b) | Node::Item(a, b) => {
            also(a);
            also(b);
        }
        Node::Compare(first, rest) => {
            also(first);
            rest.iter().take(1).for_each(|(_, operand)| also(operand));
        }
        Node::Filter(target, used) | Node::Test(target, used) if !forgives(&used.name) => {
            also(target);
            used.args.positional.iter().for_each(also);
        }
        Node::Filter(..)
        | Node::Test(..)
        | Node::Const(_)
        | Node::Embedded(_)
        | Node::List(_)
        | Node::Tuple(_)
        | Node::Dict(_) => {}
    }
}
