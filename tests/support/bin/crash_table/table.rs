//! The table as it is printed: a line for each call, in the order of the calls.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write as _};

use rplay_test_support::Call;

use crate::lab::{Outcome, Verdict};
use crate::point::{Moment, Point, title};

pub(crate) struct Table<'a> {
    calls: &'a [Call],
    points: &'a [Point],
    outcomes: BTreeMap<usize, Outcome>,
    printed: usize,
    children: usize,
}

impl<'a> Table<'a> {
    pub(crate) fn new(calls: &'a [Call], points: &'a [Point], containers: bool) -> Self {
        let table = Self { calls, points, outcomes: BTreeMap::new(), printed: 0, children: 0 };
        let without = if containers { "" } else { " (no Docker engine answers: without containers)" };
        say(&format!(
            "{} calls in the first run, {} moments to kill it at{without}\n",
            calls.len(),
            points.len()
        ));
        say(&format!("{:>4}  {:<58} {:<18} {:<13} {:>7}", "call", "", "killed", "the rerun", "seconds"));
        table
    }

    /// Adds the children that a killed run with a command has left.
    pub(crate) fn add_children(&mut self, children: usize) {
        self.children += children;
    }

    /// Adds an outcome, and prints the lines that are complete up to here.
    pub(crate) fn add(&mut self, index: usize, outcome: Outcome) {
        self.outcomes.insert(index, outcome);
        while let (Some(point), Some(outcome)) =
            (self.points.get(self.printed), self.outcomes.get(&self.printed))
        {
            self.printed += 1;
            let call = self.title(point);
            let mark =
                if point.moment == Moment::BeforeTheCall { point.number.to_string() } else { String::new() };
            let found = said(outcome);
            say(&format!("{mark:>4}  {call:<58} {:<18} {found:<13} {:>7.1}", point.moment, outcome.seconds));
        }
    }

    /// Prints what is wrong and the last line; returns whether all is as it should be.
    pub(crate) fn end(&self) -> bool {
        for (point, outcome) in self.complete() {
            if matches!(outcome.verdict, Verdict::Different | Verdict::RerunFailed) {
                let (number, moment, call) = (point.number, point.moment, self.title(point));
                say(&format!("\n== killed at call {number} ({call}), {moment}\n{}", outcome.details));
            }
        }
        let counts = self.counts();
        let (half_made, kills) = (counts.half_made, self.outcomes.len());
        say(&format!("\n{half_made} of {kills} kills left a state that was not that of the undisturbed run"));
        if counts.gone > 0 {
            say(&format!("left out: {} calls of a wait that was shorter in every other run", counts.gone));
        }
        say(&counts.to_string());
        counts.are_good()
    }

    fn complete(&self) -> impl Iterator<Item = (&Point, &Outcome)> {
        self.outcomes.iter().filter_map(|(index, outcome)| Some((self.points.get(*index)?, outcome)))
    }

    fn title(&self, point: &Point) -> String {
        self.calls.get(point.number - 1).map(title).unwrap_or_default()
    }

    fn counts(&self) -> Counts {
        // Of a call that there are two moments at, both count.
        let mut calls: BTreeMap<usize, Vec<&Outcome>> = BTreeMap::new();
        for (point, outcome) in self.complete() {
            calls.entry(point.number).or_default().push(outcome);
        }
        let every = |is: fn(&Outcome) -> bool| {
            calls.values().filter(|outcomes| outcomes.iter().all(|outcome| is(outcome))).count()
        };
        let killed = every(|outcome| outcome.killed);
        let not_gone = every(|outcome| outcome.verdict != Verdict::NotReached);
        let all = || self.outcomes.values();
        Counts {
            calls: not_gone,
            gone: calls.len() - not_gone,
            killed,
            equal: every(|outcome| outcome.verdict == Verdict::Equal),
            half_made: all().filter(|outcome| outcome.half_made).count(),
            duplicates: all().map(|outcome| outcome.duplicates).sum(),
            children: self.children + all().map(|outcome| outcome.children).sum::<usize>(),
        }
    }
}

/// What the table comes to.
#[derive(Debug)]
struct Counts {
    calls: usize,
    gone: usize,
    killed: usize,
    equal: usize,
    half_made: usize,
    duplicates: usize,
    children: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, killed, equal, duplicates, children, .. } = self;
        write!(
            f,
            "calls {calls}, killed {killed}, states equal {equal}, duplicates {duplicates}, children left {children}"
        )
    }
}

impl Counts {
    fn are_good(&self) -> bool {
        let each = self.calls > 0 && self.killed == self.calls && self.equal == self.calls;
        each && self.duplicates == 0 && self.children == 0
    }
}

fn said(outcome: &Outcome) -> &'static str {
    match outcome.verdict {
        Verdict::Equal => "equal",
        Verdict::Different => "DIFFERENT",
        Verdict::RerunFailed => "FAILED",
        Verdict::NotReached => "not reached",
    }
}

fn say(line: &str) {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(verdict: Verdict) -> Outcome {
        let killed = verdict != Verdict::NotReached;
        Outcome {
            verdict,
            killed,
            half_made: killed,
            duplicates: 0,
            children: 0,
            seconds: 1.0,
            details: String::new(),
        }
    }

    fn counts(of_a_write: [Verdict; 2], of_a_read: Verdict) -> Counts {
        let points = Point::all(&crate::point::tests::calls(&["CreateVpc", "DescribeVpcs"]));
        let mut table = Table::new(&[], &points, true);
        let [before, behind] = of_a_write;
        table.outcomes = (0..).zip([before, behind, of_a_read].map(outcome)).collect();
        table.counts()
    }

    #[test]
    fn both_moments_of_a_call_count() {
        let good = counts([Verdict::Equal; 2], Verdict::Equal);
        assert_eq!(good.to_string(), "calls 2, killed 2, states equal 2, duplicates 0, children left 0");
        assert!(good.are_good());
        let bad = counts([Verdict::Equal, Verdict::Different], Verdict::Equal);
        assert_eq!(bad.to_string(), "calls 2, killed 2, states equal 1, duplicates 0, children left 0");
        assert!(!bad.are_good());
    }

    #[test]
    fn a_call_that_no_other_run_makes_is_left_out() {
        let counts = counts([Verdict::Equal; 2], Verdict::NotReached);
        assert_eq!((counts.calls, counts.gone, counts.are_good()), (1, 1, true));
    }
}
