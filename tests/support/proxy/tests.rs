use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::raw::send;

/// A server that answers every request with its number.
fn upstream() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap();
            assert!(read > 0);
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let body = format!("answer {number}");
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    (endpoint, served)
}

fn call(proxy: &Proxy, action: &str) -> Option<(u16, String)> {
    let target = format!("AmazonEC2ContainerServiceV20141113.{action}");
    let answer = send("POST", &proxy.endpoint(), "/", &[("X-Amz-Target", &target)], b"{}".to_vec()).ok()?;
    Some((answer.status, answer.text()))
}

#[test]
fn calls_go_through_and_are_written_down() {
    let (endpoint, _) = upstream();
    let proxy = Proxy::start(&endpoint);
    assert_eq!(call(&proxy, "DescribeClusters"), Some((200, "answer 1".to_owned())));
    assert_eq!(call(&proxy, "CreateCluster"), Some((200, "answer 2".to_owned())));
    assert_eq!(proxy.written(), ["ecs CreateCluster"]);
    let log = proxy.log();
    assert!(
        log.lines().next().unwrap().ends_with("read  ecs                    DescribeClusters 200"),
        "{log}"
    );
}

#[test]
fn a_lost_answer_is_lost_behind_the_upstream_and_a_reset_before_it() {
    let (endpoint, served) = upstream();
    let proxy = Proxy::start(&endpoint);
    proxy.add_rule(Rule::on("ecs", "CreateCluster").nth(1).lose_the_answer());
    proxy.add_rule(Rule::on("ecs", "DeleteCluster").reset());
    assert_eq!(call(&proxy, "CreateCluster"), None);
    assert_eq!(served.load(Ordering::SeqCst), 1);
    assert_eq!(call(&proxy, "DeleteCluster"), None);
    assert_eq!(served.load(Ordering::SeqCst), 1);
    assert_eq!(call(&proxy, "CreateCluster"), Some((200, "answer 2".to_owned())));
    let troubles: Vec<_> = proxy.calls().iter().map(|call| call.trouble).collect();
    assert_eq!(troubles, [Some("answer lost"), Some("reset"), None]);
}

#[test]
fn throttling_has_the_services_own_form_and_reaches_nobody() {
    let (endpoint, served) = upstream();
    let proxy = Proxy::start(&endpoint);
    proxy.add_rule(Rule::every(Effect::Read).first(1).throttle());
    let (status, body) = call(&proxy, "DescribeClusters").unwrap();
    assert_eq!((status, body.contains("ThrottlingException")), (400, true));
    assert_eq!(served.load(Ordering::SeqCst), 0);
    assert_eq!(call(&proxy, "DescribeClusters"), Some((200, "answer 1".to_owned())));
    let ec2 =
        send("GET", &proxy.endpoint(), "/?Action=DescribeVpcs&Version=2016-11-15", &[], Vec::new()).unwrap();
    assert_eq!(ec2.status, 200, "the first call of all was the one");
}

#[test]
fn a_listener_is_told_at_the_nth_call() {
    let (endpoint, _) = upstream();
    let proxy = Proxy::start(&endpoint);
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    proxy.add_rule(Rule::any().nth(2).tell(move |call| listener.lock().unwrap().push(call.number)));
    for action in ["CreateCluster", "CreateService", "DescribeClusters"] {
        assert!(call(&proxy, action).is_some());
    }
    assert_eq!(*told.lock().unwrap(), [2]);
}

#[test]
fn a_listener_can_stand_for_the_upstream_or_for_the_answer() {
    let (endpoint, served) = upstream();
    let proxy = Proxy::start(&endpoint);
    let told = Arc::new(Mutex::new(Vec::new()));
    let note = |told: &Arc<Mutex<Vec<usize>>>| {
        let (told, served) = (Arc::clone(told), Arc::clone(&served));
        move |_: &Call| told.lock().unwrap().push(served.load(Ordering::SeqCst))
    };
    proxy.add_rule(Rule::to("ecs").nth(1).tell_and_reset(note(&told)));
    proxy.add_rule(Rule::to("ecs").nth(2).lose_and_tell(note(&told)));
    assert_eq!((call(&proxy, "CreateCluster"), call(&proxy, "CreateService")), (None, None));
    assert_eq!(*told.lock().unwrap(), [0, 1], "what the upstream had served when the listener was told");
}

#[test]
fn a_service_can_be_made_to_answer_nonsense() {
    let (endpoint, served) = upstream();
    let proxy = Proxy::start(&endpoint);
    proxy.add_rule(Rule::on("ecs", "CreateCluster").answer(500, "<html>"));
    assert_eq!(call(&proxy, "CreateCluster"), Some((500, "<html>".to_owned())));
    assert_eq!(served.load(Ordering::SeqCst), 0);
}
