//! How a host stands: what has failed on it, and which part of the play it still takes.

/// How a host stands in the run and in the play that runs.
///
/// Source of the rules: `ansible/executor/play_iterator.py` and `ansible/plugins/strategy/__init__.py`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How often it was marked as failed where it is now: the first time sends it to the rescue of its block, the next
    /// one to the `always`, and a further one out of the block.
    marks: u8,
    /// Later plays go on without it.
    failed: bool,
    unreachable: bool,
    /// `meta: end_host`, `end_batch` or `end_play`.
    ended: bool,
    /// `meta: clear_host_errors`: the failures so far no longer count.
    forgiven: bool,
    /// How often it was forgiven.
    pardons: u32,
    /// It is no longer one of `ansible_play_hosts`.
    removed: bool,
}

impl Standing {
    /// Begins a play: who has failed before takes no part in it.
    pub(crate) fn begin_play(&mut self) {
        *self = Self {
            marks: u8::from(self.failed),
            removed: self.failed || self.unreachable,
            unreachable: self.unreachable,
            ..Self::default()
        };
    }

    /// Ends a play: whoever was not rescued takes no part in the next one.
    pub(crate) fn end_play(&mut self) {
        self.failed |= self.has_fallen() && !self.forgiven;
    }

    /// Marks it as failed in the block where it is now.
    pub(crate) fn mark(&mut self) {
        self.marks = self.marks.saturating_add(1);
        self.forgiven = false;
        self.removed = true;
    }

    /// Says that later plays go on without it.
    pub(crate) fn fail(&mut self) {
        self.failed = true;
    }

    pub(crate) fn lose(&mut self) {
        self.unreachable = true;
        self.removed = true;
    }

    /// The failure is taken up by a rescue.
    pub(crate) fn stay(&mut self) {
        self.removed = false;
    }

    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.removed = true;
    }

    /// `meta: clear_host_errors`.
    pub(crate) fn forgive(&mut self) {
        self.failed = false;
        self.unreachable = false;
        self.forgiven = self.marks > 0;
        self.pardons += 1;
    }

    /// Takes the marks away, for a rescue or an `always` to run; returns how many there were.
    pub(crate) fn lift(&mut self) -> u8 {
        std::mem::take(&mut self.marks)
    }

    /// Returns how often it was forgiven; once more where it will be when what runs now has ended.
    pub(crate) fn pardons(self) -> u32 {
        self.pardons
    }

    /// Puts the failure back after an `always`, unless it was forgiven since.
    pub(crate) fn fall_again(&mut self, pardons: u32) {
        if self.pardons == pardons && !std::mem::take(&mut self.forgiven) {
            self.marks = self.marks.max(1);
        }
    }

    /// Leaves a block: what is left of its failures is one failure of what is around.
    pub(crate) fn leave_block(&mut self) {
        self.marks = self.marks.min(1);
        if self.forgiven {
            self.forgiven = false;
            self.marks = 0;
        }
    }

    pub(crate) fn has_fallen(self) -> bool {
        self.marks > 0
    }

    pub(crate) fn has_failed(self) -> bool {
        self.failed
    }

    pub(crate) fn is_unreachable(self) -> bool {
        self.unreachable
    }

    pub(crate) fn is_ended(self) -> bool {
        self.ended
    }

    pub(crate) fn is_removed(self) -> bool {
        self.removed
    }

    /// Returns whether it takes part in the next task.
    pub(crate) fn is_active(self) -> bool {
        self.marks == 0 && !self.ended && !self.unreachable
    }

    /// Returns whether it is out of every play to come.
    pub(crate) fn is_out(self) -> bool {
        self.failed || self.unreachable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_takes_no_part_in_the_next_play_unless_it_is_forgiven() {
        for (forgiven, active) in [(false, false), (true, true)] {
            let mut standing = Standing::default();
            standing.mark();
            if forgiven {
                standing.forgive();
            }
            standing.end_play();
            standing.begin_play();
            assert_eq!(standing.is_active(), active, "forgiven: {forgiven}");
            assert_eq!(standing.is_removed(), !active, "forgiven: {forgiven}");
        }
    }

    #[test]
    fn an_end_holds_for_one_play_and_a_lost_host_for_all() {
        let mut standing = Standing::default();
        standing.end();
        standing.end_play();
        standing.begin_play();
        assert!(standing.is_active());
        standing.lose();
        standing.begin_play();
        assert!(!standing.is_active() && standing.is_out());
    }

    #[test]
    fn who_is_forgiven_in_an_always_goes_on() {
        let mut standing = Standing::default();
        standing.mark();
        let pardons = standing.pardons();
        standing.lift();
        standing.forgive();
        standing.fall_again(pardons);
        assert!(standing.is_active());
    }

    #[test]
    fn after_an_always_the_failure_is_there_again() {
        let mut standing = Standing::default();
        standing.mark();
        standing.mark();
        assert_eq!(standing.lift(), 2);
        assert!(standing.is_active());
        standing.fall_again(0);
        standing.leave_block();
        assert_eq!(standing.lift(), 1);
    }
}
