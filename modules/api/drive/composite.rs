use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::read_params;
use crate::{Composite, Cx, Mode, Outcome, Result, Step};

/// Runs a composite with the arguments of a task: its steps in order, or backwards to destroy.
pub async fn composite<C: Composite>(composite: &C, cx: &Cx, args: &Value, mode: Mode) -> Outcome {
    match read_params::<C::Params>(cx, args) {
        Ok(parsed) => run(composite, cx, &parsed.params, mode).await.unwrap_or_else(Outcome::failed),
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

fn add(whole: &mut Outcome, part: Outcome) {
    whole.changed |= part.changed;
    whole.diff.extend(part.diff);
    whole.planned.extend(part.planned);
    whole.kept.extend(part.kept);
    whole.failure = whole.failure.take().or(part.failure);
}
