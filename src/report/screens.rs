//! Events in, whole text out.

mod default;
mod messages;
mod others;
mod plan;
