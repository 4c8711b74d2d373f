use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rplay_module::{FailureKind, Intent, Mode, Outcome};
use serde_json::{Value, json};

use crate::tests::Bench;

/// A server that notes what it is asked and answers by path.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&asked);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                answer(stream, &noted);
            }
        });
        Self { address, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request so far: its line, its headers in lower case, an empty line, its body.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    // The first byte of a TLS handshake.
    if reader.fill_buf().is_ok_and(|bytes| bytes.first() == Some(&0x16)) {
        return;
    }
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let lower = line.to_lowercase();
        if let Some(text) = lower.strip_prefix("content-length: ") {
            length = text.trim().parse().unwrap();
        }
        request += if request.is_empty() { line.as_str() } else { lower.as_str() };
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request += &String::from_utf8(body).unwrap();
    let request = request.replace("\r\n", "\n");
    let path = request.split(' ').nth(1).unwrap().to_owned();
    let authorized = request.contains("\nauthorization: ");
    asked.lock().unwrap().push(request);
    let text = match path.as_str() {
        "/json" => {
            "200 OK\r\nContent-Type: application/json; charset=utf-8\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\nX-Dash-Y: v\r\nContent-Length: 8\r\n\r\n{\"a\": 1}"
        }
        "/text" => "200 OK\r\nContent-Type: text/plain\r\n\r\nhello",
        "/moved" => "302 Found\r\nLocation: /json\r\nContent-Length: 0\r\n\r\n",
        "/loop" => "302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n",
        "/same" => "307 Temporary Redirect\r\nLocation: /text\r\nContent-Length: 0\r\n\r\n",
        "/auth" if !authorized => {
            "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"
        }
        "/auth" => "200 OK\r\nContent-Length: 2\r\n\r\nin",
        "/digest" => "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
        "/silent" => return,
        _ => "404 Not Found\r\nX-Twice: 1\r\nX-Twice: 2\r\nContent-Length: 4\r\n\r\nnope",
    };
    stream.write_all(format!("HTTP/1.1 {text}").as_bytes()).unwrap();
}

async fn ask(bench: &Bench, args: Value) -> Outcome {
    bench.run("uri", &args, Mode::Apply).await
}

#[tokio::test]
async fn an_answer_is_returned_with_its_headers_and_its_document() {
    let (bench, server) = (Bench::new(), Server::start());
    let url = server.url("/json");
    let got = ask(&bench, json!({ "url": url })).await;
    assert!(!got.changed && got.failure.is_none());
    assert_eq!(
        Value::Object(got.result),
        json!({
            "elapsed": 0, "content_type": "application/json; charset=utf-8", "set_cookie": "a=1, b=2; Path=/",
            "x_dash_y": "v", "content_length": "8", "cookies": { "a": "1", "b": "2" }, "cookies_string": "a=1; b=2",
            "redirected": false, "url": url, "status": 200, "msg": "OK (8 bytes)", "json": { "a": 1 },
        })
    );
    let asked = server.asked().remove(0);
    for line in ["GET /json HTTP/1.1\n", "\nuser-agent: ansible-httpget\n", "\naccept-encoding: identity\n"] {
        assert!(asked.contains(line), "{asked}");
    }
}

#[tokio::test]
async fn the_text_is_returned_when_asked_for() {
    let (bench, server) = (Bench::new(), Server::start());
    let got = ask(&bench, json!({ "url": server.url("/text"), "return_content": true })).await;
    assert_eq!(
        (got.result["content"].clone(), got.result["msg"].clone()),
        (json!("hello"), json!("OK (unknown bytes)"))
    );
    let without = ask(&bench, json!({ "url": server.url("/text") })).await;
    assert!(!without.result.contains_key("content") && !without.result.contains_key("json"));
}

#[tokio::test]
async fn another_status_fails_in_ansibles_words() {
    let (bench, server) = (Bench::new(), Server::start());
    let got = ask(&bench, json!({ "url": server.url("/nosuch"), "return_content": true })).await;
    assert_eq!(got.failure.unwrap().message, "Status code was 404 and not [200]: HTTP Error 404: Not Found");
    assert_eq!((got.result["status"].clone(), got.result["content"].clone()), (json!(404), json!("nope")));
    assert_eq!(got.result["x_twice"], "2");
    let wanted = ask(&bench, json!({ "url": server.url("/nosuch"), "status_code": "200, 404" })).await;
    assert!(wanted.failure.is_none());
    assert_eq!(
        (wanted.result["body"].clone(), wanted.result["msg"].clone()),
        (json!("nope"), json!("HTTP Error 404: Not Found"))
    );
}

#[tokio::test]
async fn data_is_sent_as_json_or_as_a_form() {
    let (bench, server) = (Bench::new(), Server::start());
    let url = server.url("/text");
    let body = json!({ "a": 1, "b": ["x", "y"] });
    ask(&bench, json!({ "url": url, "method": "post", "body": body, "body_format": "json" })).await;
    ask(&bench, json!({ "url": url, "method": "PUT", "body": body, "body_format": "form-urlencoded" })).await;
    ask(&bench, json!({ "url": url, "method": "POST", "body": "raw", "headers": { "Content-Type": "text/x", "X-B": true } })).await;
    let asked = server.asked();
    assert!(
        asked[0].starts_with("POST /text ") && asked[0].ends_with("\n\n{\"a\": 1, \"b\": [\"x\", \"y\"]}"),
        "{}",
        asked[0]
    );
    assert!(asked[0].contains("\ncontent-type: application/json\n"));
    assert!(asked[1].ends_with("\n\na=1&b=x&b=y"));
    assert!(asked[1].contains("\ncontent-type: application/x-www-form-urlencoded\n"));
    assert!(
        asked[2].contains("\ncontent-type: text/x\n") && asked[2].contains("\nx-b: true\n"),
        "{}",
        asked[2]
    );
    let failed = ask(&bench, json!({ "url": url, "body": body })).await.failure.unwrap();
    assert_eq!(failed.message, "body must be a text where body_format is raw");
}

#[tokio::test]
async fn a_file_is_sent() {
    let (bench, server) = (Bench::new(), Server::start());
    std::fs::write(bench.folder().join("upload"), "from disk").unwrap();
    let args = json!({ "url": server.url("/text"), "method": "PUT", "src": "upload", "remote_src": true });
    assert!(ask(&bench, args).await.failure.is_none());
    assert!(server.asked()[0].ends_with("\n\nfrom disk"));
    let missing = json!({ "url": server.url("/text"), "src": "nosuch", "remote_src": true });
    assert_eq!(ask(&bench, missing).await.failure.unwrap().message, "Unable to open source file nosuch");
}

#[tokio::test]
async fn redirections_of_questions_are_followed_and_those_of_commands_are_not() {
    let (bench, server) = (Bench::new(), Server::start());
    let got = ask(&bench, json!({ "url": server.url("/moved") })).await;
    assert_eq!(
        (got.result["redirected"].clone(), got.result["url"].clone()),
        (json!(true), json!(server.url("/json")))
    );
    assert!(server.asked()[1].contains("GET /json "));
    let post = ask(&bench, json!({ "url": server.url("/moved"), "method": "POST", "body": "x" })).await;
    assert_eq!(post.failure.unwrap().message, "Status code was 302 and not [200]: HTTP Error 302: Found");
    assert_eq!(post.result["location"], server.url("/json"));
    let all =
        json!({ "url": server.url("/moved"), "method": "POST", "body": "x", "follow_redirects": "all" });
    assert!(ask(&bench, all).await.failure.is_none());
    let last = server.asked().pop().unwrap();
    assert!(last.starts_with("GET /json ") && !last.contains("content-type"), "{last}");
    let kept =
        json!({ "url": server.url("/same"), "method": "POST", "body": "x", "follow_redirects": "all" });
    assert!(ask(&bench, kept).await.failure.is_none());
    assert!(server.asked().pop().unwrap().ends_with("\n\nx"));
    let none = ask(&bench, json!({ "url": server.url("/moved"), "follow_redirects": "none" })).await;
    assert_eq!(none.result["status"], 302);
}

#[tokio::test]
async fn a_loop_of_redirections_ends() {
    let (bench, server) = (Bench::new(), Server::start());
    let got = ask(&bench, json!({ "url": server.url("/loop") })).await;
    assert!(got.failure.unwrap().message.contains("would lead to an infinite loop"));
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test]
async fn a_password_is_sent_when_it_is_asked_for() {
    let (bench, server) = (Bench::new(), Server::start());
    let url = server.url("/auth");
    assert!(ask(&bench, json!({ "url": url, "user": "u", "password": "wert" })).await.failure.is_none());
    assert_eq!(server.asked().len(), 2);
    let at_once =
        json!({ "url": url, "url_username": "u", "url_password": "wert", "force_basic_auth": true });
    assert!(ask(&bench, at_once).await.failure.is_none());
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[2].contains("\nauthorization: basic dtp3zxj0\n"), "{}", asked[2]);
    let in_address = ask(&bench, json!({ "url": url.replace("//", "//u:wert@") })).await;
    assert_eq!(in_address.result["url"], url);
    let digest = ask(&bench, json!({ "url": server.url("/digest"), "user": "u", "password": "p" })).await;
    assert_eq!(
        digest.failure.unwrap().message,
        "the server asks for digest authentication, which is not built yet"
    );
}

#[tokio::test]
async fn the_netrc_file_has_a_password_too() {
    let (bench, server) = (Bench::new(), Server::start());
    std::fs::write(bench.folder().join(".netrc"), "machine 127.0.0.1 login me password it\n").unwrap();
    assert!(ask(&bench, json!({ "url": server.url("/auth") })).await.failure.is_none());
    assert_eq!(server.asked().len(), 1);
    let not_asked = ask(&bench, json!({ "url": server.url("/auth"), "use_netrc": false })).await;
    assert_eq!(not_asked.result["status"], 401);
}

#[tokio::test]
async fn what_cannot_be_reached_fails_in_pythons_words() {
    let bench = Bench::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://u:p@127.0.0.1:{port}/");
    let got = ask(&bench, json!({ "url": url })).await;
    assert_eq!(
        got.failure.unwrap().message,
        "Status code was -1 and not [200]: Request failed: <urlopen error [Errno 111] Connection refused>"
    );
    assert_eq!((got.result["status"].clone(), got.result["redirected"].clone()), (json!(-1), json!(false)));
    assert_eq!(got.result["url"], format!("http://****:****@127.0.0.1:{port}/"));
    let server = Server::start();
    let silent = ask(&bench, json!({ "url": server.url("/silent") })).await.failure.unwrap();
    assert!(
        silent.message.ends_with("Connection failure: Remote end closed connection without response"),
        "{silent}"
    );
    for (url, message) in [
        ("nonsense", "unknown url type: 'nonsense'"),
        ("ftp://127.0.0.1/", "ftp addresses are not built yet"),
    ] {
        let failure = ask(&bench, json!({ "url": url })).await.failure.unwrap();
        assert_eq!((failure.message.as_str(), failure.result["status"].clone()), (message, json!(-1)));
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart_from_one_with_it() {
    let (bench, server) = (Bench::new(), Server::start());
    let url = server.url("/text").replace("http:", "https:");
    for checked in [true, false] {
        let failure = ask(&bench, json!({ "url": url, "validate_certs": checked})).await.failure.unwrap();
        assert!(failure.message.starts_with("Status code was -1 and not [200]: "), "{failure}");
    }
}

#[tokio::test]
async fn under_the_sandbox_a_load_balancer_is_asked_by_its_name() {
    let server = Server::start();
    let bench = Bench::with(|world| {
        world.host("app.elb.localhost", server.address).env("http_proxy", "http://127.0.0.1:1")
    });
    let got = ask(&bench, json!({ "url": "http://app.elb.localhost/text" })).await;
    assert_eq!(got.result["url"], "http://app.elb.localhost/text");
    assert!(server.asked()[0].contains("\nhost: app.elb.localhost\n"), "{}", server.asked()[0]);
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_used_unless_that_is_switched_off() {
    let server = Server::start();
    let bench = Bench::with(|world| world.env("http_proxy", &format!("http://{}", server.address)));
    ask(&bench, json!({ "url": "http://far.example.org/text" })).await;
    assert!(
        server.asked()[0].starts_with("GET http://far.example.org/text HTTP/1.1\n"),
        "{}",
        server.asked()[0]
    );
    let bench = Bench::with(|world| world.env("HTTP_PROXY", "http://127.0.0.1:1"));
    assert!(ask(&bench, json!({ "url": server.url("/text"), "use_proxy": false })).await.failure.is_none());
    assert!(ask(&bench, json!({ "url": server.url("/text") })).await.failure.is_some());
    let bench =
        Bench::with(|world| world.env("http_proxy", "http://127.0.0.1:1").env("no_proxy", "127.0.0.1"));
    assert!(ask(&bench, json!({ "url": server.url("/text") })).await.failure.is_none());
}

#[tokio::test]
async fn an_answer_is_written_where_it_differs() {
    let (bench, server) = (Bench::new(), Server::start());
    let args = json!({ "url": server.url("/text"), "dest": "." });
    let first = ask(&bench, args.clone()).await;
    assert!(first.changed);
    assert_eq!((first.result["path"].clone(), first.result["size"].clone()), (json!("./text"), json!(5)));
    assert_eq!(std::fs::read_to_string(bench.folder().join("text")).unwrap(), "hello");
    let second = ask(&bench, json!({ "url": server.url("/text"), "dest": "text" })).await;
    assert!(!second.changed && second.failure.is_none());
    assert!(server.asked()[1].contains("\nif-modified-since: "));
}

#[tokio::test]
async fn what_exists_or_is_gone_already_asks_nothing() {
    let (bench, server) = (Bench::new(), Server::start());
    std::fs::write(bench.folder().join("there"), "").unwrap();
    let creates = ask(&bench, json!({ "url": server.url("/text"), "creates": "there" })).await;
    assert_eq!(
        Value::Object(creates.result),
        json!({ "stdout": "skipped, since 'there' exists",
        "stdout_lines": ["skipped, since 'there' exists"] })
    );
    let removes = ask(&bench, json!({ "url": server.url("/text"), "removes": "gone" })).await;
    assert_eq!(removes.result["stdout"], "skipped, since 'gone' does not exist");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn check_mode_and_plans_ask_nothing() {
    let (bench, server) = (Bench::new(), Server::start());
    let args = json!({ "url": server.url("/text") });
    let checked = bench.run("uri", &args, Mode::Check).await;
    assert!(checked.skipped);
    assert_eq!(checked.result["msg"], "This action (uri) does not support check mode.");
    let planned = bench.run("uri", &args, Mode::Plan).await;
    assert!(planned.unknown);
    assert_eq!(planned.planned[0].action, Intent::WillRun);
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn old_words_for_redirections_are_deprecated() {
    let (bench, server) = (Bench::new(), Server::start());
    ask(&bench, json!({ "url": server.url("/text"), "follow_redirects": "yes" })).await;
    assert_eq!(bench.deprecated(), ["Using 'yes' or 'no' for 'follow_redirects' parameter is deprecated."]);
}

#[tokio::test]
async fn each_wrong_argument_is_named() {
    let bench = Bench::new();
    for (args, message) in [
        (json!({}), "missing required arguments: url"),
        (
            json!({ "url": "http://h/", "body": "x", "src": "y" }),
            "parameters are mutually exclusive: body|src",
        ),
        (json!({ "url": "http://h/", "status_code": ["ok"] }), "cannot be converted to an int"),
        (
            json!({ "url": "http://h/", "follow_redirects": "maybe" }),
            "value of follow_redirects must be one of: ",
        ),
        (json!({ "url": "http://h/", "use_gssapi": true }), "use_gssapi"),
        (json!({ "url": "http://h/", "mode": "0644" }), "mode"),
    ] {
        let failure = ask(&bench, args).await.failure.unwrap();
        assert!(matches!(failure.kind, FailureKind::Arguments(_)));
        assert!(failure.message.contains(message), "{}", failure.message);
    }
    let method = ask(&bench, json!({ "url": "http://h/", "method": "b d" })).await.failure.unwrap();
    assert_eq!(
        method.message,
        "Parameter 'method' needs to be a single word in uppercase, like GET or POST."
    );
    let multipart = json!({ "url": "http://h/", "body": { "a": "b" }, "body_format": "form-multipart" });
    assert_eq!(
        ask(&bench, multipart).await.failure.unwrap().message,
        "body_format: form-multipart is not built yet"
    );
}
