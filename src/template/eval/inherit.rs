use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::parse::tree::{Block, Program};

/// One template with those it extends.
#[derive(Default)]
pub(crate) struct Run {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Each block's definitions, the child's first.
    blocks: HashMap<Arc<str>, Vec<Arc<Block>>>,
    parent: Option<Parent>,
}

/// The template to go on with.
pub(crate) struct Parent {
    pub(crate) program: Arc<Program>,
    /// How many values had been printed before the child said what it extends.
    pub(crate) printed: usize,
}

impl Run {
    fn with<T>(&self, run: impl FnOnce(&mut Inner) -> T) -> T {
        run(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds the blocks of a template below those of the templates that extend it.
    pub(crate) fn add_blocks(&self, program: &Program) {
        if program.blocks.is_empty() {
            return;
        }
        self.with(|inner| {
            for (name, block) in &program.blocks {
                inner.blocks.entry(Arc::clone(name)).or_default().push(Arc::clone(block));
            }
        });
    }

    /// Returns a block as the `level`th ancestor defines it.
    pub(crate) fn block(&self, name: &str, level: usize) -> Option<Arc<Block>> {
        self.with(|inner| inner.blocks.get(name)?.get(level).cloned())
    }

    /// Notes what the template extends; false when it had said so before.
    pub(crate) fn extend(&self, program: Arc<Program>, printed: usize) -> bool {
        self.with(|inner| inner.parent.replace(Parent { program, printed }).is_none())
    }

    pub(crate) fn extends(&self) -> bool {
        self.with(|inner| inner.parent.is_some())
    }

    pub(crate) fn take_parent(&self) -> Option<Parent> {
        self.with(|inner| inner.parent.take())
    }
}
