use std::collections::HashMap;
use std::fmt;

use rplay_test_support::{Call, Effect, Rule};

use crate::lab::APP;

/// A moment at which the run is killed.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    /// Which call of the undisturbed run, counted from 1.
    pub(crate) number: usize,
    pub(crate) moment: Moment,
    service: String,
    /// `None` for the requests of the image registry, whose paths are never the same.
    action: Option<String>,
    /// Which of these calls, counted from 1: a wait may be shorter or longer in another run, what comes behind it is
    /// still found.
    nth: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Nothing has reached the service.
    BeforeTheCall,
    /// The service has done it, and nobody has heard.
    BeforeTheAnswer,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::BeforeTheCall => "before the call",
            Self::BeforeTheAnswer => "before its answer",
        })
    }
}

impl Point {
    /// Returns every moment of a run: before each call, and for those that write before the answer too.
    pub(crate) fn all(calls: &[Call]) -> Vec<Self> {
        let mut seen: HashMap<(String, Option<String>), u32> = HashMap::new();
        let mut points = Vec::new();
        for (number, call) in (1..).zip(calls) {
            let (service, action) = kind(call);
            let nth = seen.entry((service.clone(), action.clone())).or_default();
            *nth += 1;
            let point = Self { number, moment: Moment::BeforeTheCall, service, action, nth: *nth };
            if call.operation.effect == Effect::Write {
                points.push(point.clone());
                points.push(Self { moment: Moment::BeforeTheAnswer, ..point });
            } else {
                points.push(point);
            }
        }
        points
    }

    /// Returns the rule that calls `kill` at this moment.
    pub(crate) fn rule(&self, kill: impl Fn() + Send + Sync + 'static) -> Rule {
        let rule = match &self.action {
            Some(action) => Rule::on(&self.service, action),
            None => Rule::to(&self.service),
        };
        let rule = rule.nth(self.nth);
        match self.moment {
            Moment::BeforeTheCall => rule.tell_and_reset(move |_| kill()),
            Moment::BeforeTheAnswer => rule.lose_and_tell(move |_| kill()),
        }
    }
}

fn kind(call: &Call) -> (String, Option<String>) {
    let operation = &call.operation;
    let named = !operation.action.contains('/');
    (operation.service.clone(), named.then(|| operation.action.clone()))
}

/// Returns what a call is called in the table: its path without the parts that are never the same.
pub(crate) fn title(call: &Call) -> String {
    let shown = |part| if part_of_one_run(part) { "…" } else { part };
    let action: Vec<&str> = call.operation.action.split('/').map(shown).collect();
    format!("{} {}", call.operation.service, action.join("/"))
}

/// Digests and the ids of uploads are long.
fn part_of_one_run(part: &str) -> bool {
    part.len() >= 30 || part.starts_with(APP)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use rplay_test_support::{Operation, Request};

    use super::*;

    /// Calls of EC2, and of the registry where there is a slash in it.
    pub(crate) fn calls(actions: &[&str]) -> Vec<Call> {
        let call = |(number, action): (usize, &&str)| {
            let target = if action.contains('/') {
                (*action).to_owned()
            } else {
                format!("/?Action={action}&Version=2016-11-15")
            };
            let request = Request::new("PUT", &target, Vec::new(), Vec::new());
            let operation = Operation::of(&request);
            Call { number, at: Duration::ZERO, operation, request, status: None, trouble: None }
        };
        (1..).zip(actions).map(call).collect()
    }

    #[test]
    fn a_write_is_killed_at_before_and_behind_and_each_call_is_found_by_its_turn() {
        let calls = calls(&["DescribeVpcs", "CreateVpc", "DescribeVpcs"]);
        let points = Point::all(&calls);
        let shown: Vec<_> = points.iter().map(|point| (point.number, point.moment, point.nth)).collect();
        let (before, behind) = (Moment::BeforeTheCall, Moment::BeforeTheAnswer);
        assert_eq!(shown, [(1, before, 1), (2, before, 1), (2, behind, 1), (3, before, 2)]);
    }

    #[test]
    fn the_registrys_requests_are_counted_together() {
        let calls = calls(&["/v2/crash-1/blobs/uploads/0f1e", "/v2/crash-1/manifests/1"]);
        let points = Point::all(&calls);
        assert_eq!(points.iter().map(|point| point.nth).collect::<Vec<_>>(), [1, 1, 2, 2]);
        assert_eq!(calls.last().map(title).as_deref(), Some("http PUT /v2/…/manifests/1"));
    }
}
