//! Tags: what a template does besides printing.

use std::sync::{Arc, Mutex};

use super::{Args, Cx, Evaluated, Frame, Run, StandIns};
use crate::engine::{Mode, TEMPLATE};
use crate::object::{LoopState, Module, Object};
use crate::parse::tree::{Block, Expr, For, Program, Stmt, Target, Use};
use crate::scope::Found;
use crate::value::Repr;
use crate::{Kind, Scope, TemplateError, Value};

/// How a body ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
}

type Executed = Result<Flow, TemplateError>;

/// A scope without variables: what a template sees that is included without context.
struct Nothing;

impl Scope for Nothing {
    fn lookup(&self, _name: &str) -> Option<Found> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Cx<'_> {
    /// Renders a whole template, with those it extends.
    pub(crate) fn program(&self, program: &Program) -> Evaluated {
        let mut out = Vec::new();
        if let Err(error) = self.program_into(program, &mut out) {
            if self.state.stand_ins.get() == StandIns::None {
                return Err(error);
            }
            // What was printed before stays, and nothing says how much would have come after.
            let truncated = TemplateError::undefined("template potentially truncated");
            let error = error.framed_by(TEMPLATE).in_template(&self.source, self.span.as_ref());
            out.extend([Value::error(error), Value::error(truncated)]);
        }
        Ok(self.join(out))
    }

    fn program_into(&self, program: &Program, out: &mut Vec<Value>) -> Result<(), TemplateError> {
        self.run.add_blocks(program);
        self.execute(&program.body, out)?;
        while let Some(parent) = self.run.take_parent() {
            self.run.add_blocks(&parent.program);
            // What a child prints outside of its blocks, after it said what it extends, is not shown.
            out.truncate(parent.printed);
            let cx = Cx { source: Arc::clone(&parent.program.source), ..self.clone() };
            cx.execute(&parent.program.body, out)?;
        }
        Ok(())
    }

    pub(crate) fn execute(&self, body: &[Stmt], out: &mut Vec<Value>) -> Executed {
        for stmt in body {
            let flow = self.statement(stmt, out)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn inner(&self) -> Self {
        Self { frame: self.frame.inner(), ..self.clone() }
    }

    fn statement(&self, stmt: &Stmt, out: &mut Vec<Value>) -> Executed {
        match stmt {
            Stmt::Data(data) => out.push(Value::from(Arc::clone(data))),
            Stmt::Print(expr) => out.push(self.eval(expr)?),
            Stmt::If { branches, otherwise } => return self.if_tag(branches, otherwise, out),
            Stmt::For(each) => {
                let items = self.eval(&each.iter)?;
                return self.for_tag(each, &items, 0, out);
            }
            Stmt::Set(target, expr) => self.assign(target, self.eval(expr)?)?,
            Stmt::SetBlock { target, filters, body } => {
                let value = self.captured(body, filters)?;
                self.assign(target, value)?;
            }
            Stmt::With { assignments, body } => {
                let inner = self.inner();
                for (target, expr) in assignments {
                    inner.assign(target, self.eval(expr)?)?;
                }
                return inner.execute(body, out);
            }
            Stmt::Macro(definition) => self.frame.set(&definition.name, self.macro_object(definition)),
            Stmt::CallBlock { call, caller } => out.push(self.call_with(call, caller)?),
            Stmt::FilterBlock { filters, body } => out.push(self.captured(body, filters)?),
            Stmt::Block(block) => self.block(block, out)?,
            Stmt::Extends(template) => {
                let program = self.load(&self.operand(template)?, false)?;
                let Some(program) = program else { return Ok(Flow::Next) };
                if !self.run.extend(program, out.len()) {
                    return Err(TemplateError::runtime("extended multiple times"));
                }
            }
            Stmt::Include { template, ignore_missing, with_context } => {
                if let Some(program) = self.load(&self.operand(template)?, *ignore_missing)? {
                    self.other(&program, *with_context).program_into(&program, out)?;
                }
            }
            Stmt::Import { template, target, with_context } => {
                let module = self.module(template, *with_context)?;
                self.frame.set(target, module);
            }
            Stmt::FromImport { template, names, with_context } => {
                self.import_names(template, names, *with_context)?;
            }
            Stmt::Do(expr) => {
                self.eval(expr)?;
            }
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn if_tag(&self, branches: &[(Expr, Vec<Stmt>)], otherwise: &[Stmt], out: &mut Vec<Value>) -> Executed {
        for (test, body) in branches {
            match self.truth(test)? {
                Some(true) => return self.execute(body, out),
                Some(false) => {}
                None => {
                    out.push(self.seen(Value::unknown("condition")));
                    return Ok(Flow::Next);
                }
            }
        }
        self.execute(otherwise, out)
    }

    fn for_tag(&self, each: &Arc<For>, items: &Value, depth: usize, out: &mut Vec<Value>) -> Executed {
        if items.is_unknown() {
            out.push(self.seen(items.clone()));
            return Ok(Flow::Next);
        }
        let items = self.wanted(each, self.items(items)?)?;
        if items.is_empty() {
            return self.inner().execute(&each.otherwise, out);
        }
        let items = Arc::new(items);
        let changed = Arc::new(Mutex::new(None));
        for (index, item) in items.iter().enumerate() {
            let cx = self.inner();
            cx.assign(&each.target, item.clone())?;
            cx.frame.set(
                &"loop".into(),
                Value::object(Object::Loop(LoopState {
                    items: Arc::clone(&items),
                    index,
                    depth,
                    changed: Arc::clone(&changed),
                    again: each.recursive.then(|| (Arc::clone(each), Arc::clone(&self.frame))),
                })),
            );
            if cx.execute(&each.body, out)? == Flow::Break {
                break;
            }
        }
        Ok(Flow::Next)
    }

    fn wanted(&self, each: &For, items: Vec<Value>) -> Result<Vec<Value>, TemplateError> {
        let Some(test) = &each.test else { return Ok(items) };
        let mut wanted = Vec::new();
        for item in items {
            let cx = self.inner();
            cx.assign(&each.target, item.clone())?;
            if cx.truth(test)? == Some(true) {
                wanted.push(item);
            }
        }
        Ok(wanted)
    }

    /// Runs a recursive loop on the elements given to `loop(...)`.
    pub(crate) fn loop_again(&self, state: &LoopState, args: &Args) -> Evaluated {
        let Some((each, frame)) = &state.again else {
            return Err(TemplateError::runtime(
                "The loop must have the 'recursive' marker to be called recursively.",
            ));
        };
        if state.depth >= super::MAX_DEPTH {
            return Err(TemplateError::runtime("the loop calls itself too deeply"));
        }
        let items = args.positional.first().cloned().unwrap_or_default();
        let mut out = Vec::new();
        let cx = Cx { frame: Arc::clone(frame), ..self.clone() };
        cx.for_tag(each, &items, state.depth + 1, &mut out)?;
        Ok(cx.join(out))
    }

    fn assign(&self, target: &Target, value: Value) -> Result<(), TemplateError> {
        match target {
            Target::Name(name) => self.frame.set(name, value),
            Target::Tuple(targets) => {
                if matches!(value.kind(), Kind::None | Kind::Bool | Kind::Int | Kind::Float) {
                    let kind = value.class_name();
                    return Err(TemplateError::runtime(format!("cannot unpack non-iterable {kind} object")));
                }
                let items = self.items(&value)?;
                let (wanted, found) = (targets.len(), items.len());
                if found > wanted {
                    return Err(TemplateError::runtime(format!(
                        "too many values to unpack (expected {wanted})"
                    )));
                }
                if found < wanted {
                    return Err(TemplateError::runtime(format!(
                        "not enough values to unpack (expected {wanted}, got {found})"
                    )));
                }
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item)?;
                }
            }
            Target::Namespace(name, attribute, at) => {
                let holder = self.name(name, *at);
                let Repr::Object(object) = &holder.0 else { return Err(no_namespace()) };
                let Object::Namespace(namespace) = &**object else { return Err(no_namespace()) };
                if let Ok(mut namespace) = namespace.lock() {
                    namespace.insert(Value::from(Arc::clone(attribute)), value);
                }
            }
        }
        Ok(())
    }

    fn captured(&self, body: &[Stmt], filters: &[Use]) -> Evaluated {
        let mut out = Vec::new();
        self.inner().execute(body, &mut out)?;
        let mut value = self.join(out);
        for filter in filters {
            value = self.filter(value, filter)?;
        }
        Ok(value)
    }

    fn call_with(&self, call: &Expr, caller: &Arc<crate::parse::tree::Macro>) -> Evaluated {
        let crate::parse::tree::Node::Call(target, args) = &*call.node else {
            return self.eval(call);
        };
        let function = self.eval(target)?;
        let mut given = self.args(args)?;
        given.named.push(("caller".into(), self.macro_object(caller)));
        self.invoke(function, given, call.at)
    }

    fn block(&self, block: &Arc<Block>, out: &mut Vec<Value>) -> Result<(), TemplateError> {
        if self.run.extends() {
            return Ok(());
        }
        let frame = if block.scoped { self.frame.inner() } else { self.top.inner() };
        let cx = Cx { frame, ..self.clone() };
        cx.block_at(&block.name, 0, out)
    }

    fn block_at(&self, name: &Arc<str>, level: usize, out: &mut Vec<Value>) -> Result<(), TemplateError> {
        let Some(block) = self.run.block(name, level) else {
            out.push(Value::undefined(format!("there is no parent block called '{name}'.")));
            return Ok(());
        };
        if block.required && level == 0 {
            return Err(TemplateError::runtime(format!("Required block '{name}' not found")));
        }
        let parent = Value::object(Object::Block { name: Arc::clone(name), level: level + 1 });
        self.frame.set(&"super".into(), parent);
        self.execute(&block.body, out)?;
        Ok(())
    }

    /// Renders a block as `super()` and `self.name()` do.
    pub(crate) fn call_block(&self, name: &Arc<str>, level: usize) -> Evaluated {
        let cx = Cx { frame: self.frame.inner(), ..self.clone() };
        let mut out = Vec::new();
        cx.block_at(name, level, &mut out)?;
        Ok(cx.join(out))
    }

    /// Returns where another template is evaluated that this one uses.
    fn other(&self, program: &Program, with_context: bool) -> Self {
        let frame = if with_context { self.frame.inner() } else { Frame::root() };
        let scope = if with_context { Arc::clone(&self.scope) } else { Arc::new(Nothing) };
        Self {
            top: Arc::clone(&frame),
            frame,
            scope,
            run: Arc::new(Run::default()),
            source: Arc::clone(&program.source),
            ..self.clone()
        }
    }

    fn module(&self, template: &Expr, with_context: bool) -> Evaluated {
        let Some(program) = self.load(&self.operand(template)?, false)? else { return Ok(Value::NONE) };
        let cx = self.other(&program, with_context);
        let body = cx.program(&program)?;
        Ok(Value::object(Object::Module(Module { body, exports: cx.frame.exported() })))
    }

    fn import_names(
        &self,
        template: &Expr,
        names: &[(Arc<str>, Arc<str>)],
        with_context: bool,
    ) -> Result<(), TemplateError> {
        let module = self.module(template, with_context)?;
        for (name, alias) in names {
            let value = match &module.0 {
                Repr::Object(object) => self.object_attribute(object, name),
                _ => None,
            };
            let value = if let Some(value) = value {
                value
            } else {
                let file = self.eval(template)?.repr();
                let before = self.source.get(..template.at as usize).unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                Value::undefined(format!(
                    "the template {file} (imported on line {line}) does not export the requested name '{name}'"
                ))
            };
            self.frame.set(alias, value);
        }
        Ok(())
    }

    /// Reads and compiles a template by name, or the first that exists of several.
    fn load(&self, name: &Value, ignore_missing: bool) -> Result<Option<Arc<Program>>, TemplateError> {
        let names = if name.is_text() { vec![name.clone()] } else { self.items(name)? };
        let folders = match &self.folders {
            Some(folders) => folders.to_vec(),
            None => self.scope.search_path(),
        };
        for name in &names {
            let name = name.text();
            for folder in &folders {
                let path = format!("{}/{name}", folder.trim_end_matches('/'));
                if self.world().path_kind(&path, true) == Some(crate::PathKind::File) {
                    return self.load_file(&path).map(Some);
                }
            }
        }
        if ignore_missing {
            return Ok(None);
        }
        let names: Vec<_> = names.iter().map(Value::repr).collect();
        let folders: Vec<_> = folders.iter().map(|folder| Value::from(&**folder).repr()).collect();
        let several = if folders.len() == 1 { "" } else { "s" };
        Err(TemplateError::runtime(format!(
            "{} not found in search path{several}: {}",
            names.join(", "),
            folders.join(", ")
        )))
    }

    fn load_file(&self, path: &str) -> Result<Arc<Program>, TemplateError> {
        let bytes = self.world().read_file(path).map_err(TemplateError::runtime)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| TemplateError::runtime(format!("the template {path} is not UTF-8 text")))?;
        let mode = Mode::File(Arc::clone(&self.overrides));
        let compiled = self.shared.compile(&Arc::from(text), &mode);
        compiled.map_err(|error| error.context(&format!("Syntax error in template {path}")))
    }
}

fn no_namespace() -> TemplateError {
    TemplateError::runtime("cannot assign attribute on non-namespace object")
}
