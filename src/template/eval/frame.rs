use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::Value;

/// The variables that a template set itself, in one block of it.
#[derive(Default)]
pub(crate) struct Frame {
    variables: Mutex<Vec<(Arc<str>, Value)>>,
    parent: Option<Arc<Frame>>,
}

impl Frame {
    pub(crate) fn root() -> Arc<Self> {
        Arc::default()
    }

    /// Returns an inner block's frame.
    pub(crate) fn inner(self: &Arc<Self>) -> Arc<Self> {
        Arc::new(Self { variables: Mutex::default(), parent: Some(Arc::clone(self)) })
    }

    fn own<T>(&self, with: impl FnOnce(&mut Vec<(Arc<str>, Value)>) -> T) -> T {
        with(&mut self.variables.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        let own = self.own(|variables| {
            variables.iter().find(|(known, _)| &**known == name).map(|(_, value)| value.clone())
        });
        own.or_else(|| self.parent.as_ref()?.value(name))
    }

    pub(crate) fn set(&self, name: &Arc<str>, value: Value) {
        self.own(|variables| match variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, slot)) => *slot = value,
            None => variables.push((Arc::clone(name), value)),
        });
    }

    /// Replaces the value where the name is set, or sets it in the outermost frame.
    pub(crate) fn replace(&self, name: &Arc<str>, value: Value) {
        let is_here = self.own(|variables| variables.iter().any(|(known, _)| known == name));
        match &self.parent {
            Some(parent) if !is_here => parent.replace(name, value),
            _ => self.set(name, value),
        }
    }

    /// Returns the variables set in this very frame.
    pub(crate) fn exported(&self) -> Vec<(Arc<str>, Value)> {
        self.own(|variables| variables.clone())
    }
}

/// Frames that macros see, which stand in them: they are emptied in the end, else the two would keep each other for ever.
#[derive(Default)]
pub(crate) struct SeenByMacros(RefCell<Vec<Weak<Frame>>>);

impl SeenByMacros {
    pub(crate) fn add(&self, frame: &Arc<Frame>) {
        self.0.borrow_mut().push(Arc::downgrade(frame));
    }
}

impl Drop for SeenByMacros {
    fn drop(&mut self) {
        for frame in self.0.get_mut().drain(..).filter_map(|frame| frame.upgrade()) {
            drop(frame.own(std::mem::take));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_macros_see_is_emptied_with_the_evaluation() {
        let frame = Frame::root();
        let seen = SeenByMacros::default();
        seen.add(&frame);
        frame.set(&"m".into(), Value::from(1_i64));
        assert!(frame.value("m").is_some());
        drop(seen);
        assert!(frame.value("m").is_none());
    }
}
