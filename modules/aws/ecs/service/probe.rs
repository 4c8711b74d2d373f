//! The health checks of a sandbox's load balancers: the stand-in calls every target healthy, so each is asked here as its
//! target group would ask it.

use std::net::IpAddr;
use std::time::Duration;

use rplay_aws::failing;
use rplay_client_elbv2::Elbv2;
use rplay_client_elbv2::sdk::types::{Matcher, ProtocolEnum, TargetGroup};
use rplay_http::{Asked, Ended, Follow, Question, ask};
use rplay_module::{Cx, Result};
use tokio::net::TcpStream;

use super::watch::Target;

/// An answer on this machine takes no longer, whatever the target group allows.
const LONGEST: i32 = 5;

/// Sets the health of targets of a group (by ARN) that the stand-in calls healthy to what they answer. Does nothing outside
/// of a sandbox.
pub(crate) async fn probe(cx: &Cx, elb: &Elbv2, group: &str, targets: &mut [Target]) -> Result<()> {
    if cx.world().sandbox().is_none() || targets.iter().all(|target| address(target).is_none()) {
        return Ok(());
    }
    let asked = elb.describe_target_groups().target_group_arns(group).send().await;
    let answer = asked.map_err(failing(format!("read target group {group}")))?;
    let Some(group) = answer.target_groups.unwrap_or_default().into_iter().next() else { return Ok(()) };
    if group.health_check_enabled == Some(false) {
        return Ok(());
    }
    for target in targets {
        let Some(address) = address(target) else { continue };
        if let Err((reason, description)) = check(cx, &group, address, target.port).await? {
            "unhealthy".clone_into(&mut target.state);
            target.reason = Some(reason.to_owned());
            target.description = Some(description);
        }
    }
    Ok(())
}

fn address(target: &Target) -> Option<IpAddr> {
    target.id.parse().ok().filter(|_| target.state == "healthy")
}

/// AWS's code of what is wrong, and its words for it.
type Unwell = (&'static str, String);

async fn check(
    cx: &Cx,
    group: &TargetGroup,
    address: IpAddr,
    port: Option<i32>,
) -> Result<std::result::Result<(), Unwell>> {
    let own = group.health_check_port().and_then(|port| port.parse().ok());
    let Some(port) = own.or(port).and_then(|port| u16::try_from(port).ok()) else { return Ok(Ok(())) };
    let seconds = group.health_check_timeout_seconds().unwrap_or(LONGEST).clamp(1, LONGEST);
    let seconds = u64::from(seconds.unsigned_abs());
    let scheme = match group.health_check_protocol() {
        Some(ProtocolEnum::Http) | None => "http",
        Some(ProtocolEnum::Https) => "https",
        Some(_) => {
            let connected =
                tokio::time::timeout(Duration::from_secs(seconds), TcpStream::connect((address, port))).await;
            return Ok(match connected {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(unanswered(&error.to_string())),
                Err(_) => Err(("Target.Timeout", "Request timed out".to_owned())),
            });
        }
    };
    let host = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    let path = group.health_check_path().unwrap_or("/");
    let question = Question {
        follow: Follow::None,
        use_netrc: false,
        use_proxy: false,
        validate_certs: false,
        timeout: seconds,
        http_agent: "ELB-HealthChecker/2.0".to_owned(),
        ..Question::get(format!("{scheme}://{host}:{port}{path}"))
    };
    let Asked { ended, .. } = ask(cx, &question).await?;
    Ok(match ended {
        Ended::Success(answer, _) | Ended::Refusal(answer, _) => expected(group, answer.status),
        Ended::Nothing(why) => Err(unanswered(&why)),
    })
}

fn unanswered(why: &str) -> Unwell {
    ("Target.FailedHealthChecks", format!("Health checks failed: {why}"))
}

fn expected(group: &TargetGroup, status: u16) -> std::result::Result<(), Unwell> {
    let codes = group.matcher().and_then(Matcher::http_code).unwrap_or("200");
    if matches(codes, status) {
        return Ok(());
    }
    Err(("Target.ResponseCodeMismatch", format!("Health checks failed with these codes: [{status}]")))
}

/// Returns whether a status is one of `200,301-399`.
fn matches(codes: &str, status: u16) -> bool {
    codes.split(',').map(str::trim).any(|code| match code.split_once('-') {
        Some((first, last)) => {
            let end = |text: &str| text.trim().parse::<u16>().ok();
            end(first).zip(end(last)).is_some_and(|(first, last)| (first..=last).contains(&status))
        }
        None => code.parse() == Ok(status),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rplay_aws::{AwsParams, Transport, client};
    use rplay_module::Sandbox;
    use rplay_test_support::TestWorld;
    use rplay_test_support::recorded::{Expected, Recorded};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const GROUP: &str = "<TargetGroups><member><HealthCheckPath>/health</HealthCheckPath>\
        <HealthCheckProtocol>HTTP</HealthCheckProtocol><Matcher><HttpCode>200-299</HttpCode></Matcher></member></TargetGroups>";

    fn in_sandbox() -> Arc<TestWorld> {
        // Fails where another test was faster.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let sandbox = Sandbox {
            endpoint: "http://127.0.0.1:1".to_owned(),
            region: "us-east-1".to_owned(),
            access_key: "000000000000".to_owned(),
            secret_key: "sandbox".to_owned(),
        };
        TestWorld::aws().sandbox(sandbox).start()
    }

    fn healthy(port: u16) -> Target {
        Target {
            id: "127.0.0.1".to_owned(),
            port: Some(port.into()),
            state: "healthy".to_owned(),
            ..Target::default()
        }
    }

    async fn probed(port: u16) -> Target {
        let world = in_sandbox();
        let calls = Recorded::new([Expected::query("DescribeTargetGroups").gives(GROUP)]);
        world.cx().shared::<Transport>().replace(calls.client());
        let elb = client::<Elbv2>(&world.cx(), &AwsParams::default()).await.unwrap();
        let mut targets = [healthy(port)];
        probe(&world.cx(), &elb, "arn", &mut targets).await.unwrap();
        targets[0].clone()
    }

    async fn answering(status: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).await.unwrap();
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (port, served)
    }

    #[tokio::test]
    async fn a_sandboxs_target_is_as_healthy_as_it_answers() {
        let (port, served) = answering("204 No Content").await;
        assert_eq!(probed(port).await, healthy(port));
        assert!(served.await.unwrap().starts_with("GET /health "));

        let (port, served) = answering("404 Not Found").await;
        let target = probed(port).await;
        assert_eq!(
            target.explained(),
            "unhealthy: Target.ResponseCodeMismatch: Health checks failed with these codes: [404]"
        );
        served.await.unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let target = probed(port).await;
        assert_eq!(
            (target.state.as_str(), target.reason.as_deref()),
            ("unhealthy", Some("Target.FailedHealthChecks"))
        );
    }

    #[tokio::test]
    async fn outside_of_a_sandbox_aws_does_the_asking() {
        let world = TestWorld::aws().start();
        let calls = Recorded::new([]);
        world.cx().shared::<Transport>().replace(calls.client());
        let elb = client::<Elbv2>(&world.cx(), &AwsParams::default()).await.unwrap();
        let mut targets = [healthy(1)];
        probe(&world.cx(), &elb, "arn", &mut targets).await.unwrap();
        assert_eq!(targets[0], healthy(1));
    }

    #[test]
    fn a_matcher_names_codes_and_ranges() {
        assert!(matches("200", 200) && matches("200,301-399", 302) && matches("200 , 204", 204));
        assert!(!matches("200", 404) && !matches("200-299", 301) && !matches("", 200));
    }
}
