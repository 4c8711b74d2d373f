use rplay_event::Span;

use crate::{Keywords, Task};

/// What stands in a list of tasks.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Block(Box<Block>),
    Task(Box<Task>),
}

/// Tasks with keywords of their own, what to do when they fail, and what to do in any case.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub keywords: Keywords,
    pub block: Vec<Step>,
    pub rescue: Vec<Step>,
    pub always: Vec<Step>,
    pub span: Span,
}
