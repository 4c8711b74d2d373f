use rplay_module::{Action, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::json;

/// Answers, to show that tasks can be run on a host.
#[derive(Params)]
pub(crate) struct PingParams {
    /// What to answer; `crash` fails.
    #[param(default = "pong")]
    data: String,
}

pub(crate) struct Ping;

impl Action for Ping {
    type Params = PingParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, _cx: &Cx, p: &PingParams) -> Result<Deed> {
        if p.data == "crash" {
            return Err(Failure::broken_off("boom"));
        }
        Ok(Deed::new(false, json!({ "ping": p.data })))
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::Mode;
    use serde_json::json;

    use crate::tests::Bench;

    #[tokio::test]
    async fn what_it_is_given_is_what_it_answers() {
        let bench = Bench::new();
        assert_eq!(bench.run("ping", &json!({}), Mode::Check).await.result["ping"], "pong");
        assert_eq!(bench.run("ping", &json!({ "data": "x" }), Mode::Apply).await.result["ping"], "x");
        let failed = bench.run("ping", &json!({ "data": "crash" }), Mode::Apply).await;
        assert_eq!(failed.failure.unwrap().message, "Task failed: Module failed: boom");
    }
}
