//! The network against the stand-in, with trouble on the way, and against recorded answers for what AWS refuses and the
//! stand-in lets through.

mod recorded;
mod stand_in;
