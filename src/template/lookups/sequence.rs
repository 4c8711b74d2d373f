//! Numbers in a row, as `with_sequence` writes them.

use super::{Given, Items, fail};
use crate::eval::{Cx, percent_format};
use crate::value::parse_int;
use crate::{TemplateError, Value, limits};

#[derive(Default)]
struct Plan {
    start: Option<i128>,
    end: Option<i128>,
    count: Option<i128>,
    stride: Option<i128>,
    format: Option<String>,
}

pub(super) fn sequence(_cx: &Cx<'_>, given: &Given) -> Items {
    let mut items = Vec::new();
    if given.terms.is_empty() {
        let mut plan = Plan::default();
        for (name, value) in &given.options {
            plan.set(name, &value.text())?;
        }
        plan.run(&mut items)?;
    }
    for term in &given.terms {
        let term = term.text();
        let mut plan = Plan::default();
        if !plan.read_short(&term) {
            plan = Plan::default();
            for word in term.split_ascii_whitespace() {
                let Some((name, value)) = word.split_once('=') else {
                    return fail("unrecognized arguments to with_sequence: ['_raw_params']");
                };
                plan.set(name, value.trim_matches(['\'', '"']))?;
            }
        }
        plan.run(&mut items)?;
    }
    Ok(items)
}

fn whole(text: &str) -> Option<i128> {
    parse_int(text, 0).or_else(|| parse_int(text, 10))
}

impl Plan {
    fn set(&mut self, name: &str, value: &str) -> Result<(), TemplateError> {
        let number = || {
            whole(value).ok_or_else(|| {
                TemplateError::runtime(format!(
                    "Config '{name}' for 'sequence' lookup plugin from 'Direct' has an invalid value: Invalid value provided for 'integer': {}",
                    Value::from(value).repr()
                ))
            })
        };
        match name {
            "start" => self.start = Some(number()?),
            "end" => self.end = Some(number()?),
            "count" => self.count = Some(number()?),
            "stride" => self.stride = Some(number()?),
            "format" => self.format = Some(value.to_owned()),
            _ => {
                return fail(format!(
                    "unrecognized arguments to with_sequence: [{}]",
                    Value::from(name).repr()
                ));
            }
        }
        Ok(())
    }

    /// Reads `[start-]end[/stride][:format]`.
    fn read_short(&mut self, term: &str) -> bool {
        let (numbers, format) = match term.split_once(':') {
            Some((numbers, format)) => (numbers, Some(format.to_owned())),
            None => (term, None),
        };
        let (range, stride) = match numbers.split_once('/') {
            Some((range, stride)) => (range, Some(stride)),
            None => (numbers, None),
        };
        let (start, end) = match range.split_once('-') {
            Some((start, end)) => (Some(start), end),
            None => (None, range),
        };
        self.format = format;
        self.start = start.and_then(whole);
        self.end = whole(end);
        self.stride = stride.and_then(whole);
        self.end.is_some()
            && start.is_some() == self.start.is_some()
            && stride.is_some() == self.stride.is_some()
    }

    fn run(&self, items: &mut Vec<Value>) -> Result<(), TemplateError> {
        let start = self.start.unwrap_or(1);
        let stride = self.stride.unwrap_or(1);
        let end = match (self.count, self.end) {
            (None, None) => return fail("must specify count or end in with_sequence"),
            (Some(_), Some(_)) => return fail("can't specify both count and end in with_sequence"),
            (Some(0), _) => return Ok(()),
            (Some(count), _) => start.saturating_add(count.saturating_sub(1).saturating_mul(stride)),
            (_, Some(end)) => end,
        };
        match stride {
            0 => return Ok(()),
            1.. if end < start => {
                return fail("to count backwards make stride negative");
            }
            i128::MIN..=-1 if end > start => return fail("to count forward don't make stride negative"),
            _ => {}
        }
        let format = self.format.as_deref().unwrap_or("%d");
        if format.matches('%').count() - 2 * format.matches("%%").count() != 1 {
            return fail(format!("bad formatting string: {format}"));
        }
        let steps = end.abs_diff(start) / stride.unsigned_abs();
        limits::items(usize::try_from(steps).unwrap_or(usize::MAX))?;
        let mut number = start;
        while (stride > 0 && number <= end) || (stride < 0 && number >= end) {
            let text = percent_format(format, &number.into()).map_err(|_| {
                TemplateError::runtime(format!("problem formatting {number} with '{format}'")).apart()
            })?;
            items.push(text.into());
            number = number.saturating_add(stride);
            if number == i128::MAX || number == i128::MIN {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn numbers_follow_each_other() {
        give(&[
            ("q('sequence', 'start=1 end=3')", json!(["1", "2", "3"])),
            ("q('sequence', '1-3')", json!(["1", "2", "3"])),
            ("q('sequence', '5')", json!(["1", "2", "3", "4", "5"])),
            ("q('sequence', 'start=0 end=6 stride=2 format=x%02d')", json!(["x00", "x02", "x04", "x06"])),
            ("q('sequence', '2-10/4')", json!(["2", "6", "10"])),
            ("q('sequence', '1-3:host%02d')", json!(["host01", "host02", "host03"])),
            ("q('sequence', 'count=3')", json!(["1", "2", "3"])),
            ("q('sequence', 'start=3 end=1 stride=-1')", json!(["3", "2", "1"])),
            ("q('sequence', 'count=0')", json!([])),
        ]);
    }

    #[test]
    fn what_is_no_sequence_is_refused() {
        refuse(&[
            (
                "q('sequence', 'x')",
                "The lookup plugin 'sequence' failed: unrecognized arguments to with_sequence: ['_raw_params']",
            ),
            (
                "q('sequence', 'start=1')",
                "The lookup plugin 'sequence' failed: must specify count or end in with_sequence",
            ),
        ]);
    }
}
