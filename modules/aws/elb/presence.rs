use rplay_module::Choice;

/// Whether a thing shall be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Choice)]
pub(crate) enum Presence {
    #[default]
    Present,
    Absent,
}
