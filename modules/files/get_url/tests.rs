use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use rplay_module::{Mode, Outcome};
use serde_json::{Value, json};

use super::{listed, name_of, url_name};
use crate::tests::Bench;

/// A server that answers `hello` to all but what is missing, and that nothing changed to whoever asks since when.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It ends with the test's process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().filter_map(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let since = headers.iter().any(|line| line.to_lowercase().starts_with("if-modified-since"));
            let (status, body) = match () {
                () if first.contains("/missing") => ("404 Not Found", "no\n"),
                () if first.contains("/sums") => ("200 OK", "b1946ac92492d2347c6235b4d2611184  f\n00  g\n"),
                () if since => ("304 Not Modified", ""),
                () => ("200 OK", "hello\n"),
            };
            let body = if first.starts_with("HEAD") { "" } else { body };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    format!("http://{address}")
}

async fn run(bench: &Bench, args: Value) -> Outcome {
    bench.run("get_url", &args, Mode::Apply).await
}

#[tokio::test]
async fn a_file_is_fetched_once() {
    let (bench, server) = (Bench::new(), server());
    let args = json!({ "url": format!("{server}/f"), "dest": bench.path("f"), "mode": "0600" });
    assert!(bench.run("get_url", &args, Mode::Check).await.changed && !bench.path("f").exists());
    let fetched = run(&bench, args.clone()).await;
    assert!(fetched.changed, "{:?}", fetched.failure);
    assert_eq!((bench.read("f").as_str(), bench.mode("f")), ("hello\n", 0o600));
    for (name, value) in [
        ("status_code", json!(200)),
        ("msg", json!("OK (6 bytes)")),
        ("md5sum", json!("b1946ac92492d2347c6235b4d2611184")),
        ("checksum_dest", Value::Null),
    ] {
        assert_eq!(fetched.result[name], value, "{name}");
    }
    let kept = run(&bench, args).await;
    assert!(!kept.changed, "{:?}", kept.failure);
    assert_eq!(kept.result["status_code"], 304);
}

#[tokio::test]
async fn a_folder_gets_it_by_its_name() {
    let (bench, server) = (Bench::new(), server());
    let fetched = run(&bench, json!({ "url": format!("{server}/a/name?x=1"), "dest": bench.path("") })).await;
    assert!(fetched.changed && bench.path("name").exists(), "{:?}", fetched.failure);
}

#[tokio::test]
async fn the_checksum_has_to_be_right() {
    let (bench, server) = (Bench::new(), server());
    let url = format!("{server}/f");
    let dest = bench.path("f");
    let sum = "md5:b1946ac92492d2347c6235b4d2611184";
    let wrong = run(&bench, json!({ "url": url, "dest": dest, "checksum": "md5:00" })).await.failure.unwrap();
    assert!(wrong.message.ends_with("did not match 00; it was b1946ac92492d2347c6235b4d2611184."), "{wrong}");
    assert!(!dest.exists() && !wrong.result.contains_key("msg"), "the server's own words are none of it");
    let list = format!("md5:{server}/sums");
    assert!(run(&bench, json!({ "url": url, "dest": dest, "checksum": list })).await.changed);
    let kept = run(&bench, json!({ "url": url, "dest": dest, "checksum": sum })).await;
    assert_eq!((kept.changed, &kept.result["msg"]), (false, &json!("file already exists")));
}

#[tokio::test]
async fn what_cannot_be_fetched_is_named() {
    let (bench, server) = (Bench::new(), server());
    let missing = run(&bench, json!({ "url": format!("{server}/missing"), "dest": bench.path("f") }))
        .await
        .failure
        .unwrap();
    assert_eq!((missing.message.as_str(), &missing.result["status_code"]), ("Request failed", &json!(404)));
    assert_eq!(missing.result["response"], "HTTP Error 404: Not Found");
    for (sum, message) in [
        ("00", "The checksum parameter has to be in format <algorithm>:<checksum>"),
        ("md5:xyz", "The checksum format is invalid"),
    ] {
        let args = json!({ "url": format!("{server}/f"), "dest": bench.path("f"), "checksum": sum });
        assert_eq!(run(&bench, args).await.failure.unwrap().message, message);
    }
    let args = json!({ "url": format!("{server}/f"), "dest": bench.path("no/f") });
    let failed = run(&bench, args).await.failure.unwrap();
    assert_eq!(failed.message, format!("Destination {} does not exist", bench.path("no").display()));
}

#[test]
fn names_and_sums_are_found() {
    assert_eq!(
        [url_name("http://h/a/b?c"), url_name("http://h/"), url_name("http://h/a/")],
        ["b", "index.html", "index.html"]
    );
    assert_eq!(name_of("attachment; filename=\"../x.txt\"").as_deref(), Some("x.txt"));
    assert_eq!(listed("abc\n", "f").as_deref(), Some("abc"));
    assert_eq!(listed("abc  ./f\ndef *g\n", "g").as_deref(), Some("def"));
    assert_eq!(listed("SHA256 (f) = abc\nx y\n", "f").as_deref(), Some("abc"));
    assert_eq!(listed("abc  f\ndef  g\n", "h"), None);
}
