//! What happened, as values: everything that `rplay` tells anyone is one of these.
//!
//! The engine emits events; the screen, the journal, JSON, `JUnit` and HTML are readers of the one stream. An event is
//! complete in itself: a reader never asks the engine for more, and playing back a journal reproduces the screen.
//!
//! **Invariant:** an [`Event`] can only be made by [`Masker::event`], which replaces every secret it has been told of.
//! This crate knows no behaviour: not how events come to be, nor what they look like on a screen.

mod fault;
mod kind;
mod mask;
mod span;

pub use fault::{Excerpt, Fault, FaultKind};
pub use kind::{AsyncState, Counts, Event, Kind, RunMode, Status, TaskInfo, TaskResult};
pub use mask::{MASK, Masker};
pub use rplay_module::{Diff, DiffSide, FieldChange, Intent, Planned, Progress, ProgressStep};
pub use span::Span;
