//! What only lives inside a template: functions, ranges, dates, namespaces.

use std::cmp::Ordering;

/// A value without a JSON form.
pub(crate) enum Object {
    /// Python's `range(start, stop, step)`.
    Range { start: i128, stop: i128, step: i128 },
}

impl Object {
    pub(crate) fn is_truthy(&self) -> bool {
        self.len() != Some(0)
    }

    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Self::Range { start, stop, step } => {
                let span = if *step > 0 { stop - start } else { start - stop };
                let steps = if span <= 0 { 0 } else { (span + step.abs() - 1) / step.abs() };
                usize::try_from(steps).ok()
            }
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Range { .. } => "range",
        }
    }

    pub(crate) fn text(&self) -> String {
        self.repr()
    }

    pub(crate) fn repr(&self) -> String {
        match self {
            Self::Range { start, stop, step: 1 } => format!("range({start}, {stop})"),
            Self::Range { start, stop, step } => format!("range({start}, {stop}, {step})"),
        }
    }

    pub(crate) fn equals(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }

    pub(crate) fn compare(&self, _other: &Self) -> Option<Ordering> {
        None
    }
}
