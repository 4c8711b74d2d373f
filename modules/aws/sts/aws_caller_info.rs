use rplay_aws::{AwsParams, client, failing};
use rplay_client_iam::Iam;
use rplay_module::{Action, Cx, Deed, Effect, InCheck, Params, Result};
use serde_json::json;

/// Tells as whom AWS is called: account, ARN, user.
#[derive(Params)]
pub(crate) struct AwsCallerInfoParams {
    #[param(flatten)]
    aws: AwsParams,
}

pub(crate) struct AwsCallerInfo;

impl Action for AwsCallerInfo {
    type Params = AwsCallerInfoParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &AwsCallerInfoParams) -> Result<Deed> {
        let (identity, alias) = tokio::join!(rplay_client_sts::identity(cx, &p.aws), alias(cx, &p.aws));
        let identity = identity?;
        let mut deed = Deed::new(
            false,
            json!({ "account": identity.account, "arn": identity.arn, "user_id": identity.user_id }),
        );
        // Not everyone may ask for it; Ansible leaves it out then.
        if let Ok(alias) = alias {
            deed.result.insert("account_alias".to_owned(), alias.into());
        }
        Ok(deed)
    }
}

/// Returns the account's alias, of which there is at most one; empty without one.
async fn alias(cx: &Cx, p: &AwsParams) -> Result<String> {
    let iam = client::<Iam>(cx, p).await?;
    let answer =
        iam.list_account_aliases().send().await.map_err(failing("list the aliases of the account"))?;
    Ok(answer.account_aliases.into_iter().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rplay_aws::Transport;
    use rplay_module::params::{Params as _, check};
    use rplay_module::{Done, Intent, Mode, Outcome, Runnable as _};
    use rplay_test_support::TestWorld;
    use rplay_test_support::recorded::{Expected, Recorded};
    use serde_json::Value;

    use super::*;

    fn who() -> Expected {
        Expected::query("GetCallerIdentity").gives(
            "<Arn>arn:aws:iam::123456789012:user/me</Arn><UserId>AIDA</UserId><Account>123456789012</Account>",
        )
    }

    async fn run(expected: impl IntoIterator<Item = Expected>, mode: Mode) -> Outcome {
        let world: Arc<TestWorld> = TestWorld::aws().start();
        let calls = Recorded::new(expected);
        world.cx().shared::<Transport>().replace(calls.client());
        Done("aws_caller_info", AwsCallerInfo).run(&world.cx(), &json!({}), mode).await
    }

    #[tokio::test]
    async fn account_arn_user_and_alias_are_told_in_check_mode_and_plans_too() {
        for mode in [Mode::Apply, Mode::Check, Mode::Plan] {
            let aliases = Expected::query("ListAccountAliases")
                .gives("<AccountAliases><member>acme</member></AccountAliases>");
            let outcome = run([who(), aliases], mode).await;
            assert!(!outcome.changed && outcome.failure.is_none(), "{:?}", outcome.failure);
            assert_eq!(outcome.planned[0].action, Intent::Read);
            assert_eq!(
                Value::Object(outcome.result),
                json!({
                    "account": "123456789012",
                    "account_alias": "acme",
                    "arn": "arn:aws:iam::123456789012:user/me",
                    "user_id": "AIDA",
                })
            );
        }
    }

    #[tokio::test]
    async fn an_account_without_an_alias_has_an_empty_one() {
        let aliases = Expected::query("ListAccountAliases").gives("<AccountAliases></AccountAliases>");
        assert_eq!(run([who(), aliases], Mode::Apply).await.result["account_alias"], "");
    }

    #[tokio::test]
    async fn who_may_not_ask_for_the_alias_gets_the_rest() {
        let aliases = Expected::query("ListAccountAliases").refuses("AccessDenied", "not authorized");
        let outcome = run([who(), aliases], Mode::Apply).await;
        assert!(outcome.failure.is_none());
        assert_eq!(outcome.result["account"], "123456789012");
        assert!(!outcome.result.contains_key("account_alias"));
    }

    #[tokio::test]
    async fn a_refused_key_is_a_failure() {
        let refused = Expected::query("GetCallerIdentity").refuses("InvalidClientTokenId", "invalid");
        let aliases = Expected::query("ListAccountAliases").refuses("InvalidClientTokenId", "invalid");
        let failure = run([refused, aliases], Mode::Apply).await.failure.unwrap();
        assert_eq!(failure.code.as_deref(), Some("InvalidClientTokenId"));
    }

    #[test]
    fn it_takes_nothing_but_what_every_module_takes() {
        let faults = check(&AwsCallerInfoParams::spec(), &json!({ "name": "x" }), &|_| false);
        assert_eq!(faults.len(), 1);
        assert!(
            check(&AwsCallerInfoParams::spec(), &json!({ "region": "eu-west-1" }), &|_| false).is_empty()
        );
    }
}
