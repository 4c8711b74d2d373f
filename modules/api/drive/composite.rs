use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::read_params;
use crate::{Composite, Cx, Intent, Mode, Outcome, Result, Step, unknown};

/// Runs a composite with the arguments of a task: its steps in order, or backwards to destroy.
pub async fn composite<C: Composite>(composite: &C, cx: &Cx, args: &Value, mode: Mode) -> Outcome {
    match read_params::<C::Params>(cx, args) {
        Ok(parsed) => {
            let mut whole = run(composite, cx, &parsed.params, mode).await.unwrap_or_else(Outcome::failed);
            if matches!(mode, Mode::Check | Mode::Plan) {
                doubt(&mut whole, &parsed.unknown);
            }
            whole
        }
        Err(outcome) => *outcome,
    }
}

async fn run<C: Composite>(composite: &C, cx: &Cx, p: &C::Params, mode: Mode) -> Result<Outcome> {
    let mut steps: Vec<Step> = composite.steps(p)?;
    let backwards = matches!(mode, Mode::PlanDestroy | Mode::Destroy);
    if backwards {
        steps.reverse();
    }
    let mut whole = Outcome::default();
    let mut outputs: IndexMap<String, Map<String, Value>> = IndexMap::new();
    for step in &steps {
        let part = step.run.run(cx, mode).await;
        let failed = part.failure.is_some();
        outputs.insert(step.key.clone(), part.result.clone());
        add(&mut whole, part);
        if failed {
            return Ok(whole);
        }
    }
    if !backwards {
        whole.result = match composite.output(p, &outputs) {
            Value::Object(fields) => fields,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
    }
    Ok(whole)
}

/// A parameter that is not known yet counted as omitted: any step that seemed to have nothing to do may have.
fn doubt(whole: &mut Outcome, omitted: &[String]) {
    if omitted.is_empty() {
        return;
    }
    for planned in whole.planned.iter_mut().filter(|planned| planned.action == Intent::Keep) {
        planned.action = Intent::MayChange;
        planned.reason = Some(format!("{} {}", omitted.join(", "), unknown::SHOWN));
        whole.changed = true;
    }
}

fn add(whole: &mut Outcome, part: Outcome) {
    whole.changed |= part.changed;
    whole.diff.extend(part.diff);
    whole.planned.extend(part.planned);
    whole.kept.extend(part.kept);
    whole.failure = whole.failure.take().or(part.failure);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Planned;

    fn planned(action: Intent) -> Planned {
        Planned { address: "ec2.vpc web".to_owned(), action, fields: Vec::new(), reason: None }
    }

    #[test]
    fn a_step_with_nothing_to_do_may_change_where_a_parameter_is_not_known() {
        let steps = vec![planned(Intent::Keep), planned(Intent::Create)];
        let mut whole = Outcome { planned: steps, ..Outcome::default() };
        doubt(&mut whole, &["tags".to_owned()]);
        assert!(whole.changed);
        assert_eq!(
            whole.planned.iter().map(|planned| planned.action).collect::<Vec<_>>(),
            [Intent::MayChange, Intent::Create]
        );
        assert_eq!(whole.planned[0].reason.as_deref(), Some("tags (known after apply)"));
    }

    #[test]
    fn what_is_known_leaves_a_plan_as_it_is() {
        let mut whole = Outcome { planned: vec![planned(Intent::Keep)], ..Outcome::default() };
        doubt(&mut whole, &[]);
        assert!(!whole.changed);
        assert_eq!(whole.planned[0].action, Intent::Keep);
    }
}
