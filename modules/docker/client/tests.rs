//! What needs an engine: each of these fails with one clear line where none answers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use bollard::models::{ContainerCreateBody, NetworkCreateRequest};
use bollard::query_parameters::{CreateContainerOptionsBuilder, StartContainerOptionsBuilder};
use futures_util::stream;

use crate::{Auth, Build, BuildLine, Engine, Error, Reference, Settings};

async fn engine() -> Engine {
    match Engine::connect(&Settings::default()).await {
        Ok(engine) => engine,
        Err(error) => panic!("this test needs a Docker engine: {error}"),
    }
}

/// A context of files by name.
fn context(files: &[(&str, &str)]) -> impl stream::Stream<Item = std::io::Result<Vec<u8>>> + Send + use<> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, text.as_bytes()).expect("a tar in memory");
    }
    let bytes = tar.into_inner().expect("a tar in memory");
    // In pieces, as a large one comes.
    stream::iter(bytes.chunks(700).map(|chunk| Ok(chunk.to_vec())).collect::<Vec<_>>())
}

/// Builds an image of one file and returns its name.
async fn built(engine: &Engine, name: &str) -> Reference {
    let name = Reference::new(format!("rplay-test/{name}"), "t");
    let build = Build { name: Some(name.clone()), dockerfile: "Dockerfile".to_owned(), ..Build::default() };
    // Layers of its own: one test's clean-up must not take what another is building on.
    let dockerfile = format!("FROM scratch\nENV TEST={name}\nCOPY a /a\nENTRYPOINT [\"/a\"]\n");
    engine
        .build(&build, context(&[("Dockerfile", &dockerfile), ("a", "hello")]), |_| ())
        .await
        .expect("it builds");
    name
}

#[tokio::test]
async fn the_engine_says_what_it_is() {
    let engine = engine().await;
    engine.ping().await.expect("it answers");
    assert!(engine.platform().starts_with("linux/"), "{}", engine.platform());
    assert!(engine.version().contains('.'), "{}", engine.version());
}

#[tokio::test]
async fn without_an_engine_the_error_says_where_it_was_looked_for() {
    let settings = Settings { host: "unix:///nowhere/docker.sock".to_owned(), ..Settings::default() };
    let error = Engine::connect(&settings).await.expect_err("nobody listens there");
    assert_eq!(
        error.to_string(),
        "could not reach a Docker engine at unix:///nowhere/docker.sock: there is no socket /nowhere/docker.sock"
    );
    assert!(error.hint().is_some_and(|hint| hint.contains("DOCKER_HOST")));
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_no_engine() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
    let settings = Settings { host: format!("tcp://{free}"), ..Settings::default() };
    let error = Engine::connect(&settings).await.expect_err("nobody listens there");
    assert!(matches!(&error, Error::NoEngine { denied: false, .. }), "{error:?}");
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_refused_with_the_reason() {
    for (host, tls, word) in
        [("ssh://a", false, "unix://"), ("a:1", false, "scheme"), ("tcp://a:1", true, "TLS")]
    {
        let error =
            Engine::connect(&Settings { host: host.to_owned(), tls }).await.expect_err("it cannot be used");
        assert!(matches!(&error, Error::Address { reason, .. } if reason.contains(word)), "{error}");
    }
}

#[tokio::test]
async fn a_build_tells_its_steps_and_gives_the_image() {
    let engine = engine().await;
    let name = Reference::new("rplay-test/build", "1");
    let build = Build {
        name: Some(name.clone()),
        dockerfile: "d/Dockerfile.x".to_owned(),
        args: vec![("WHAT".to_owned(), "it works".to_owned())],
        labels: vec![("rplay.test".to_owned(), "yes".to_owned())],
        ..Build::default()
    };
    let dockerfile = "FROM scratch\nARG WHAT\nLABEL what=\"$WHAT\"\nCOPY a /a\n";
    let mut lines = Vec::new();
    let id = engine
        .build(&build, context(&[("d/Dockerfile.x", dockerfile), ("a", "hello")]), |line| lines.push(line))
        .await
        .expect("it builds");
    let image = engine.image(&name.to_string()).await.expect("asked").expect("it is there");
    assert_eq!(image.id, id);
    assert_eq!((image.label("rplay.test"), image.label("what")), (Some("yes"), Some("it works")));
    let step = BuildLine::Step { number: 4, of: 5, instruction: "COPY a /a".to_owned() };
    assert!(lines.contains(&step), "{lines:?}");
    assert!(engine.untag(&name).await.expect("removed"));
    assert_eq!(engine.image(&name.to_string()).await.expect("asked"), None);
    assert!(!engine.untag(&name).await.expect("nothing to remove"));
}

#[tokio::test]
async fn a_build_that_fails_says_why() {
    let engine = engine().await;
    let build = Build { dockerfile: "Dockerfile".to_owned(), ..Build::default() };
    let error = engine
        .build(&build, context(&[("Dockerfile", "FROM scratch\nCOPY nothing /\n")]), |_| ())
        .await
        .expect_err("there is no such file");
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(error.to_string().starts_with("could not build the image: COPY failed"), "{error}");
}

/// Answers every request on a free port: 401 without credentials, else 403. Tells the credentials.
fn registry() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.expect("a connection"));
            let head: Vec<String> =
                reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let sent = head.iter().find_map(|line| line.strip_prefix("Authorization: "));
            let status = if sent.is_some() { "403 Forbidden" } else { "401 Unauthorized" };
            let challenge =
                "Docker-Distribution-Api-Version: registry/2.0\r\nWWW-Authenticate: Basic realm=\"test\"";
            let answer =
                format!("HTTP/1.1 {status}\r\n{challenge}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            reader.get_mut().write_all(answer.as_bytes()).expect("answered");
            // The receiver is gone when the test has seen enough.
            sent.map(|sent| sender.send(sent.to_owned()));
        }
    });
    (address, receiver)
}

#[tokio::test]
async fn the_registry_gets_the_credentials_and_its_refusal_comes_back() {
    let engine = engine().await;
    let name = built(&engine, "push").await;
    let (address, credentials) = registry();
    let there = Reference::new(format!("{address}/push"), "t");
    engine.tag(&name.to_string(), &there).await.expect("tagged");
    // Characters whose base64 differs between the two alphabets.
    let auth = Auth { username: "AWS".to_owned(), password: "~?>~?>~?>".to_owned() };
    let error = engine.push(&there, Some(&auth), |_| ()).await.expect_err("the registry refuses");
    engine.untag(&there).await.expect("removed");
    engine.untag(&name).await.expect("removed");
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("could not push the image {there}: ")) && text.contains("403"),
        "{text}"
    );
    assert_eq!(credentials.try_recv().as_deref(), Ok("Basic QVdTOn4/Pn4/Pn4/Pg=="));
}

#[tokio::test]
async fn a_push_that_nobody_answers_fails_with_the_registrys_address() {
    let engine = engine().await;
    let name = built(&engine, "silence").await;
    let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
    let there = Reference::new(format!("{free}/push"), "t");
    engine.tag(&name.to_string(), &there).await.expect("tagged");
    let error = engine.push(&there, None, |_| ()).await.expect_err("nobody listens there");
    engine.untag(&there).await.expect("removed");
    engine.untag(&name).await.expect("removed");
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&free.to_string()) && text.contains("connection refused"), "{text}");
}

#[tokio::test]
async fn containers_and_networks_are_found_and_removed_by_label() {
    let engine = engine().await;
    let image = built(&engine, "labels").await;
    let label = std::collections::HashMap::from([("rplay.test".to_owned(), "labels".to_owned())]);
    let body = ContainerCreateBody {
        image: Some(image.to_string()),
        labels: Some(label.clone()),
        ..ContainerCreateBody::default()
    };
    let options = CreateContainerOptionsBuilder::new().name("rplay-test-labels").build();
    engine.docker.create_container(Some(options), body).await.expect("created");
    let network = NetworkCreateRequest {
        name: "rplay-test-labels".to_owned(),
        labels: Some(label),
        ..NetworkCreateRequest::default()
    };
    engine.docker.create_network(network).await.expect("created");

    let containers = engine.containers("rplay.test", "labels").await.expect("asked");
    assert_eq!(
        containers.iter().map(|one| (one.name.as_str(), one.state.as_str())).collect::<Vec<_>>(),
        [("rplay-test-labels", "created")]
    );
    assert_eq!(engine.containers("rplay.test", "label").await.expect("asked"), []);
    assert!(engine.remove_container(&containers[0].id).await.expect("removed"));
    assert!(!engine.remove_container(&containers[0].id).await.expect("gone"));

    let networks = engine.networks("rplay.test", "labels").await.expect("asked");
    assert_eq!(networks.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["rplay-test-labels"]);
    assert!(engine.remove_network(&networks[0].id).await.expect("removed"));
    assert_eq!(engine.networks("rplay.test", "labels").await.expect("asked"), []);
    engine.untag(&image).await.expect("removed");
}

#[tokio::test]
async fn a_container_that_cannot_start_has_an_empty_log() {
    let engine = engine().await;
    let image = built(&engine, "logs").await;
    let body = ContainerCreateBody { image: Some(image.to_string()), ..ContainerCreateBody::default() };
    let options = CreateContainerOptionsBuilder::new().name("rplay-test-logs").build();
    let id = engine.docker.create_container(Some(options), body).await.expect("created").id;
    let started = engine.docker.start_container(&id, Some(StartContainerOptionsBuilder::new().build())).await;
    assert!(started.is_err(), "a text file is no program");
    assert_eq!(engine.logs(&id, 5).await.expect("asked"), Vec::<String>::new());
    assert!(engine.remove_container(&id).await.expect("removed"));
    engine.untag(&image).await.expect("removed");
}
