//! Waiting for what the service takes its time with; by the run's clock, with progress.

use std::future::Future;
use std::time::Duration;

use rplay_module::{Cx, Failure, Progress, Result};

use crate::is_code;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Calls again while the service answers with one of these codes: what was just made is not seen everywhere at once
/// (a role that ECS cannot assume yet, a gateway that is still attached).
pub async fn retry_on<T, F, C>(cx: &Cx, codes: &[&str], seconds: u64, mut call: C) -> Result<T>
where
    F: Future<Output = Result<T>> + Send,
    C: FnMut() -> F + Send,
{
    let end = cx.now() + Duration::from_secs(seconds);
    let mut pause = FIRST_PAUSE;
    loop {
        match call().await {
            Err(failure) if is_code(&failure, codes) && cx.now() < end => cx.sleep(pause).await,
            other => return other,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What is waited for, and how patiently.
#[derive(Clone, Debug)]
pub struct Wait {
    /// Completes "could not see …": `load balancer app active`.
    pub what: String,
    pub seconds: u64,
    /// Between two looks.
    pub every: Duration,
}

/// What a look found.
#[derive(Debug)]
pub enum Probe<T> {
    Done(T),
    /// Not yet; shown live, and at the deadline its headline says how far it came.
    Pending(Progress),
}

impl<T> Probe<T> {
    /// Returns a pending probe with a headline only, such as `load balancer app: provisioning`.
    pub fn pending(headline: impl Into<String>) -> Self {
        Self::Pending(Progress { headline: headline.into(), ..Progress::default() })
    }
}

/// Looks again and again until the probe is done.
///
/// # Errors
/// [`rplay_module::FailureKind::TimedOut`] at the deadline, with the last headline; a failed look at once.
pub async fn wait<T, F, P>(cx: &Cx, wait: &Wait, mut probe: P) -> Result<T>
where
    F: Future<Output = Result<Probe<T>>> + Send,
    P: FnMut() -> F + Send,
    T: Send,
{
    let end = cx.now() + Duration::from_secs(wait.seconds);
    loop {
        match probe().await? {
            Probe::Done(found) => return Ok(found),
            Probe::Pending(progress) if cx.now() >= end => {
                let (what, seconds) = (&wait.what, wait.seconds);
                let message = format!("could not see {what} within {seconds} seconds: {}", progress.headline);
                return Err(Failure::timed_out(message));
            }
            Probe::Pending(progress) => {
                cx.progress(progress);
                cx.sleep(wait.every).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use rplay_module::FailureKind;
    use rplay_test_support::TestWorld;

    use super::*;

    fn coded(code: &str) -> Failure {
        Failure { code: Some(code.to_owned()), ..Failure::new("no") }
    }

    #[tokio::test]
    async fn a_code_that_passes_is_waited_out() {
        let (cx, calls) = (TestWorld::new().start().cx(), AtomicU32::new(0));
        let given = retry_on(&cx, &["NotYet"], 60, || async {
            if calls.fetch_add(1, Ordering::Relaxed) < 3 { Err(coded("NotYet")) } else { Ok(7) }
        });
        assert_eq!(given.await, Ok(7));
    }

    #[tokio::test]
    async fn another_code_fails_at_once_and_the_same_one_at_the_deadline() {
        let world = TestWorld::new().start();
        let (start, cx) = (world.cx().now(), world.cx());
        let other = retry_on(&cx, &["NotYet"], 60, || async { Err::<(), _>(coded("Other")) }).await;
        assert!(is_code(&other.unwrap_err(), &["Other"]));
        assert_eq!(cx.now(), start);
        let late = retry_on(&cx, &["NotYet"], 60, || async { Err::<(), _>(coded("NotYet")) }).await;
        assert!(is_code(&late.unwrap_err(), &["NotYet"]));
        assert!(cx.now() >= start + Duration::from_mins(1));
    }

    #[tokio::test]
    async fn a_wait_tells_how_far_it_came() {
        let world = TestWorld::new().start();
        let patience =
            Wait { what: "load balancer app active".to_owned(), seconds: 10, every: Duration::from_secs(5) };
        let late = wait(&world.cx(), &patience, || async { Ok(Probe::<()>::pending("provisioning")) })
            .await
            .unwrap_err();
        assert_eq!(late.kind, FailureKind::TimedOut);
        assert_eq!(late.message, "could not see load balancer app active within 10 seconds: provisioning");
        assert_eq!(world.progress().len(), 2);
    }
}
