//! The sender against real sockets: a scripted server per test, on a port of its own.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    base::{money::Money, secret::Secret},
    client::{ClientOptions, check, stack},
    domain::{
        contract::{Call, Reply},
        fault::{Fault, FaultKind},
        generation::FinishReason,
        limits::Limits,
        message::{Message, Role},
        params::Params,
        sample::{Sample, Vars},
        target::{
            Capabilities, Credential, Endpoint, Flavour, HttpEndpoint, Price, Settings, SimProfile,
            Target, Timeouts,
        },
    },
};

mod faults;
mod handed;
mod names;

const KEY: &str = "sk-canary-123456";

const SHORT: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    first_byte: Duration::from_millis(60),
    idle: Duration::from_millis(60),
    total: Duration::from_mins(1),
};

const ANSWER: &str = r#"{"id":"c1","model":"m","choices":[{"index":0,"message":{"content":"Paris"},
    "finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;

const EVENTS: &str = concat!(
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Par\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"is\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n",
);

const COMMENT: &str = concat!(
    ":                                                            ",
    "                                                                            \n"
);

/// A server that runs `script` for each of `connections`; the handle gives the requests.
fn serve(
    connections: usize,
    script: impl Fn(&mut TcpStream) -> Vec<String> + Send + 'static,
) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let handle = std::thread::spawn(move || {
        let mut seen = Vec::new();
        for _ in 0..connections {
            let (mut stream, _) = listener.accept().expect("a connection");
            seen.extend(script(&mut stream));
        }
        seen
    });
    (base, handle)
}

/// A server that answers one request with `bytes` and closes.
fn once(bytes: impl Into<Vec<u8>>) -> (String, JoinHandle<Vec<String>>) {
    let bytes = bytes.into();
    serve(1, move |stream| {
        let request = request(stream);
        stream.write_all(&bytes).ok();
        vec![request]
    })
}

/// An address where nobody listens, and nobody else can begin to while its socket is kept.
pub(super) fn nobody() -> (SocketAddr, tokio::net::TcpSocket) {
    let bound = tokio::net::TcpSocket::new_v4().expect("a socket");
    bound.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
    (bound.local_addr().expect("an address"), bound)
}

/// Reads one request whole.
pub(super) fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().expect("a length")) {
                return text;
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return text,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
}

pub(super) fn reply(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

fn json_reply(body: &str) -> String {
    reply("200 OK", "content-type: application/json\r\n", body)
}

fn event_reply(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
         transfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
    )
}

pub(super) fn target(base: &str, stream: bool) -> Target {
    Target {
        name: "local".to_owned(),
        provider: "openai-compatible",
        model: "m".to_owned(),
        base_model: None,
        limits: Limits::default(),
        endpoint: Endpoint::Http(HttpEndpoint {
            base_url: base.to_owned(),
            credential: Credential::Key(Secret::new(KEY)),
            credential_slug: Some("research".to_owned()),
            settings: Settings::default(),
            headers: vec![("X-Team".to_owned(), Secret::new("team-secret-9"))],
            flavour: Flavour::Chat,
            stream,
            insecure_http: false,
            header_digest: 0,
        }),
        params: Params::default(),
        price: Some(Price::new(Money::from_pico(5), Money::from_pico(7))),
        capabilities: Capabilities::default(),
        timeouts: Timeouts::default(),
        max_output: None,
        fallback: Vec::new(),
        pool: Vec::new(),
    }
}

pub(super) fn call(target: Target) -> Call {
    let sample = Sample {
        index: 0,
        id: "1".to_owned(),
        input: None,
        expected: Vec::new(),
        vars: Vars::new(),
        metadata: Vars::new(),
        cluster: None,
        tags: Vec::new(),
    };
    let messages: Arc<[Message]> = Arc::new([Message::text(Role::User, "Capital of France?")]);
    Call {
        target: Arc::new(target),
        messages,
        sample: Arc::new(sample),
        prompt: 0,
        epoch: 0,
        requests: Call::MOST_REQUESTS,
        encoded: None,
    }
}

fn ask(targets: impl IntoIterator<Item = Target>) -> Vec<Reply> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let client = stack(ClientOptions::default());
        let mut replies = Vec::new();
        for target in targets {
            replies.push(client.generate(&call(target)).await);
        }
        replies
    })
}

fn ask_one(target: Target) -> Reply {
    ask([target]).remove(0)
}

/// The fault of one call, checked to be the same in its attempt, and to hold no secret.
fn fault_of(target: Target) -> Fault {
    let reply = ask_one(target);
    let fault = reply.result.expect_err("a fault");
    if let [attempt] = reply.attempts.as_slice() {
        assert_eq!(attempt.fault.as_ref(), Some(&fault));
    }
    let shown = format!("{fault:?}");
    assert!(!shown.contains(KEY) && !shown.contains("team-secret-9"), "{shown}");
    fault
}

#[test]
fn a_plain_answer_with_its_attempt() {
    let head = "content-type: application/json\r\nx-request-id: req-7\r\n";
    let (base, server) = once(reply("200 OK", head, ANSWER));
    let answer = ask_one(target(&base, false));
    let made = answer.result.expect("an answer");
    assert_eq!((made.text.as_str(), made.finish_reason), ("Paris", FinishReason::Stop));
    assert_eq!((answer.served_by.as_str(), answer.cached), ("local", None));
    let [attempt] = answer.attempts.as_slice() else { panic!("{:?}", answer.attempts) };
    assert_eq!((attempt.status, attempt.ttft_us), (Some(200), None));
    assert_eq!(attempt.cost, Some(Money::from_pico(3 * 5 + 2 * 7)));
    assert_eq!(attempt.request_id.as_deref(), Some("req-7"));

    let requests = server.join().expect("a server");
    let (head, body) = requests[0].split_once("\r\n\r\n").expect("a request");
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1"), "{head}");
    assert!(head.contains(&format!("authorization: Bearer {KEY}")), "{head}");
    assert!(head.contains("x-team: team-secret-9"), "{head}");
    let agent = concat!("user-agent: evals/", env!("CARGO_PKG_VERSION"));
    assert!(head.contains(agent), "{head}");
    assert!(!head.to_lowercase().contains("referer") && !head.contains("cookie"), "{head}");
    assert!(body.contains("Capital of France?"), "{body}");
}

#[test]
fn a_streamed_answer_and_the_connection_is_used_again() {
    let (base, server) = serve(1, |stream| {
        let mut requests = Vec::new();
        for _ in 0..2 {
            requests.push(request(stream));
            stream.write_all(event_reply(EVENTS).as_bytes()).expect("written");
        }
        requests
    });
    for answer in ask([target(&base, true), target(&base, true)]) {
        let made = answer.result.expect("an answer");
        assert_eq!(made.text, "Paris");
        assert_eq!(made.usage.map(|usage| (usage.input, usage.output)), Some((3, 2)));
        let attempt = &answer.attempts[0];
        assert!(attempt.ttft_us.is_some_and(|ttft| ttft <= attempt.latency_us));
    }
    assert_eq!(server.join().expect("a server").len(), 2);
}

#[test]
fn the_body_tells_when_the_content_type_does_not() {
    let plain = "content-type: text/plain\r\n";
    for (stream, answer) in [
        (true, json_reply(ANSWER)),
        (true, reply("200 OK", "content-type: text/event-stream\r\n", ANSWER)),
        (false, event_reply(EVENTS)),
        (false, reply("200 OK", plain, EVENTS)),
        (true, reply("200 OK", "", EVENTS)),
        (true, reply("200 OK", plain, &format!("\n {ANSWER}"))),
    ] {
        let (base, _server) = once(answer.clone());
        let made = ask_one(target(&base, stream)).result;
        assert_eq!(made.map(|made| made.text), Ok("Paris".to_owned()), "{stream} {answer}");
    }
}

#[test]
fn row_36_a_key_that_the_server_repeats_is_masked() {
    let body = format!(r#"{{"error":{{"message":"bad key {KEY} of team-secret-9"}}}}"#);
    let head = format!("content-type: application/json\r\nx-request-id: r-{KEY}\r\n");
    let (base, _server) = once(reply("401 Unauthorized", &head, &body));
    let answer = ask_one(target(&base, true));
    assert!(!format!("{answer:?}").contains(KEY), "{answer:?}");
    let fault = answer.result.expect_err("a fault");
    assert_eq!((fault.kind, fault.status), (FaultKind::Auth, Some(401)));
    assert_eq!(fault.message, "bad key **** of ****");
    assert_eq!(answer.attempts[0].request_id.as_deref(), Some("r-****"));

    let echo = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{KEY}\"}}}}]}}\n\n");
    let (base, _server) = once(event_reply(&echo));
    let fault = fault_of(target(&base, true));
    assert_eq!((fault.kind, fault.partial.as_deref()), (FaultKind::Truncated, Some("****")));
}

/// Headers in which keys travel; each holds another one.
const CANARIES: [&str; 5] =
    ["x-api-key", "api-key", "x-goog-api-key", "x-custom-key", "proxy-authorization"];

fn with_canaries(base: &str) -> Target {
    let mut target = target(base, false);
    let Endpoint::Http(endpoint) = &mut target.endpoint else { panic!("not HTTP") };
    endpoint.headers = CANARIES
        .iter()
        .map(|name| ((*name).to_owned(), Secret::new(format!("canary-in-{name}"))))
        .collect();
    target
}

#[test]
fn row_34_redirects_reach_nobody_and_no_key_leaves_its_host() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    other.set_nonblocking(true).expect("non-blocking");
    let port = other.local_addr().expect("an address").port();
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        for (location, shown) in [
            (format!("/v1/again?key={KEY}"), None),
            (format!("http://127.0.0.1:{port}/v1?key={KEY}"), Some("http://127.0.0.1")),
            (format!("http://localhost:{port}/v1?key={KEY}"), Some("http://localhost")),
            (format!("https://127.0.0.1:{port}/v1?key={KEY}"), Some("https://127.0.0.1")),
            (format!("//127.0.0.1:{port}/v1"), Some("http://127.0.0.1")),
        ] {
            let (base, server) = once(reply(status, &format!("location: {location}\r\n"), ""));
            let reply = ask_one(with_canaries(&base));
            let said = format!("{reply:?}");
            let fault = reply.result.expect_err("a fault");
            assert_eq!(fault.kind, FaultKind::RedirectRefused, "{status} {location}");
            if let Some(shown) = shown {
                let shown = format!("to `{shown}:{port}`");
                assert!(fault.message.contains(&shown), "{}", fault.message);
            }
            assert!(!said.contains(KEY) && !said.contains("canary"), "{said}");
            let requests = server.join().expect("a server");
            let [request] = requests.as_slice() else { panic!("{requests:?}") };
            assert!(request.contains(&format!("authorization: Bearer {KEY}")), "{request}");
            for name in CANARIES {
                assert!(request.contains(&format!("{name}: canary-in-{name}")), "{request}");
            }
        }
    }
    assert_eq!(other.accept().expect_err("nobody came").kind(), ErrorKind::WouldBlock);
}

#[test]
fn this_machine_is_called_with_a_key_and_no_setting() {
    for host in ["127.0.0.1", "[::1]"] {
        let Ok(listener) = TcpListener::bind(format!("{host}:0")) else {
            eprintln!("skipped {host}: this machine does not have it");
            continue;
        };
        let port = listener.local_addr().expect("an address").port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let request = request(&mut stream);
            stream.write_all(json_reply(ANSWER).as_bytes()).expect("written");
            request
        });
        let answer = ask_one(target(&format!("http://{host}:{port}/v1"), false));
        assert_eq!(answer.result.map(|made| made.text), Ok("Paris".to_owned()), "{host}");
        assert!(server.join().expect("a server").contains(KEY));
    }
}

#[test]
fn nobody_listens() {
    let (nobody, _bound) = nobody();
    let base = format!("http://{nobody}/v1?secret={KEY}");
    let fault = fault_of(target(&base, true));
    assert_eq!(fault.kind, FaultKind::Transient);
    assert!(fault.message.ends_with("refused the connection; is the server running?"));
}

#[test]
fn a_silent_server_runs_into_the_limits() {
    let hold = |bytes: &'static str| {
        serve(1, move |stream| {
            let request = request(stream);
            stream.write_all(bytes.as_bytes()).expect("written");
            // Until the client gives up.
            stream.read_to_end(&mut Vec::new()).ok();
            vec![request]
        })
    };
    let waiting = |base: &str, timeouts| Target { timeouts, ..target(base, true) };
    let (base, _server) = hold("");
    let silent = fault_of(waiting(&base, SHORT));
    assert_eq!(
        (silent.kind, silent.message.as_str()),
        (FaultKind::Timeout, "no reply within 0.06 s")
    );

    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let (base, _server) = hold(head);
    let thinking = fault_of(waiting(&base, SHORT));
    assert_eq!(thinking.message, "no reply within 0.06 s");

    let started = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n\
                   data: {\"choices\":[{\"delta\":{\"content\":\"Par\"}}]}\n\n";
    let patient = Timeouts { first_byte: Duration::from_mins(1), ..SHORT };
    let (base, _server) = hold(started);
    let stalled = fault_of(waiting(&base, patient));
    assert_eq!(stalled.message, "the reply stopped: nothing came for 0.06 s");
    assert_eq!(stalled.partial.as_deref(), Some("Par"));

    let total = Timeouts { total: Duration::from_millis(80), ..Timeouts::default() };
    let (base, _server) = hold(started);
    let over = fault_of(waiting(&base, total));
    assert_eq!((over.kind, over.partial.as_deref()), (FaultKind::Timeout, Some("Par")));
    assert_eq!(over.message, "the call was not over within 0.08 s");

    let finished = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"Paris\"},\"finish_reason\":\"stop\"}]}\n\n";
    let (base, _server) = hold(finished);
    let answer = ask_one(waiting(&base, patient));
    assert_eq!(answer.result.map(|made| made.text), Ok("Paris".to_owned()));
}

#[test]
fn any_call_ends_with_the_total_limit() {
    let slow = SimProfile {
        accuracy: 1.0,
        latency: Duration::from_mins(50),
        jitter: 0.0,
        error_rate: 0.0,
        verbosity: 0,
        input_tokens: None,
        output_tokens: None,
        seed: 0,
        judge: None,
    };
    let timeouts = Timeouts { total: Duration::from_millis(1), ..Timeouts::default() };
    let slow = Target { endpoint: Endpoint::Sim(slow), timeouts, ..target("", false) };
    let answer = ask_one(slow);
    assert_eq!(answer.attempts.len(), 1);
    let fault = answer.result.expect_err("a fault");
    assert_eq!(answer.attempts[0].fault.as_ref(), Some(&fault));
    assert_eq!(fault.kind, FaultKind::Timeout);
}

#[test]
fn broken_replies() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"Par\"}}]}\n\n";
    let cases = [
        (String::new(), FaultKind::Transient, None),
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), FaultKind::Transient, None),
        (json_reply(ANSWER)[..120].to_owned(), FaultKind::Transient, None),
        (json_reply(&ANSWER[..60]), FaultKind::Protocol, None),
        (format!("{head}\r\n{event}"), FaultKind::Truncated, Some("Par")),
        (format!("{head}\r\n{event}data: {{\"cho"), FaultKind::Truncated, Some("Par")),
        (format!("{head}content-length: 900\r\n\r\n{event}"), FaultKind::Transient, Some("Par")),
        (
            format!(
                "{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{event}\r\nzz\r\n",
                event.len()
            ),
            FaultKind::Transient,
            Some("Par"),
        ),
        (format!("{head}content-encoding: gzip\r\n\r\nno gzip"), FaultKind::Protocol, None),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 3000000000\r\n\r\n{".to_owned(),
            FaultKind::TooLarge,
            None,
        ),
        (reply("502 Bad Gateway", "", "<html><title>502</title>"), FaultKind::Transient, None),
        (reply("200 OK", "", ""), FaultKind::Truncated, None),
    ];
    for (bytes, kind, partial) in cases {
        let (base, _server) = once(bytes.clone());
        let fault = fault_of(target(&base, true));
        assert_eq!((fault.kind, fault.partial.as_deref()), (kind, partial), "{fault:?}\n{bytes}");
    }
}

#[test]
fn row_24_replies_without_end_are_cut() {
    let endless = |head: &'static str, piece: &'static str| {
        serve(1, move |stream| {
            let request = request(stream);
            let piece = piece.repeat((1 << 16) / piece.len());
            stream.write_all(head.as_bytes()).expect("written");
            while stream.write_all(piece.as_bytes()).is_ok() {}
            vec![request]
        })
    };
    let events = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ";
    let plain = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{";
    for (head, piece) in [(events, "x"), (events, COMMENT), (plain, " ")] {
        let (base, server) = endless(head, piece);
        assert_eq!(fault_of(target(&base, true)).kind, FaultKind::TooLarge);
        server.join().expect("the server was let go");
    }
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..65 {
        bomb.write_all(&vec![b' '; 1 << 20]).expect("compressed");
    }
    let mut bytes =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n\r\n"
            .to_vec();
    bytes.extend(bomb.finish().expect("compressed"));
    let (base, _server) = once(bytes);
    assert_eq!(fault_of(target(&base, true)).kind, FaultKind::TooLarge);
}

#[test]
fn row_31_plain_http_behind_an_https_address() {
    let (base, _server) = serve(1, |stream| {
        stream.read_exact(&mut [0; 16]).expect("a greeting");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("written");
        Vec::new()
    });
    let fault = fault_of(target(&base.replace("http:", "https:"), true));
    assert_eq!(fault.kind, FaultKind::Tls, "{fault}");
    assert!(fault.message.contains("does not speak TLS"), "{fault}");
}

/// Runs twice: with the system's roots, and in a process whose `SSL_CERT_FILE` is the certificate.
#[test]
fn row_31_a_certificate_that_nobody_signed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls");
    let certificate = format!("{folder}/self-signed.pem");
    let base = serve_tls(&certificate, &format!("{folder}/self-signed.key"));
    let answer = ask_one(target(&base, false));
    if std::env::var_os("SSL_CERT_FILE").is_some_and(|file| file == *certificate) {
        assert_eq!(answer.result.map(|made| made.text), Ok("Paris".to_owned()));
        return;
    }
    let fault = answer.result.expect_err("a fault");
    assert_eq!(fault.kind, FaultKind::Tls);
    assert!(fault.message.contains("is not trusted"), "{fault}");

    let name = std::thread::current().name().expect("the test's name").to_owned();
    let mut again = std::process::Command::new(std::env::current_exe().expect("this program"));
    let again = again.args(["--exact", &name]).env("SSL_CERT_FILE", &certificate).output();
    let again = again.expect("the second run");
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success() && said.contains("1 passed"), "{said}");
}

fn serve_tls(certificate: &str, key: &str) -> String {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a key pair");
    let config = Arc::new(config);
    let (base, _) = serve(1, move |stream| {
        let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).expect("a TLS connection");
        let mut both = rustls::Stream::new(&mut tls, stream);
        if both.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
            both.write_all(json_reply(ANSWER).as_bytes()).expect("written");
            both.flush().expect("flushed");
        }
        Vec::new()
    });
    base.replace("http:", "https:")
}

#[test]
fn what_cannot_be_called_is_known_before_the_first_call() {
    let refused = |target: Target| {
        let before = check(&target).expect_err("refused before");
        let during = ask_one(target);
        assert!(during.attempts.is_empty());
        assert_eq!(during.result.expect_err("refused").kind, before.kind);
        before.message
    };
    assert!(refused(target("http://169.254.169.254/v1", true)).contains("never called"));
    assert!(refused(target("http://8.8.8.8/v1", true)).contains("in clear"));
    assert!(refused(target("http://10.0.0.1/v1", true)).contains("insecure_http"));
    let mut allowed = target("http://10.0.0.1/v1", true);
    let Endpoint::Http(endpoint) = &mut allowed.endpoint else { panic!("not HTTP") };
    endpoint.insecure_http = true;
    assert_eq!(check(&allowed), Ok(()));
    assert!(refused(target("ftp://host/v1", true)).contains("`ftp:`"));
    let unknown = Target { provider: "acme", ..target("http://localhost/v1", true) };
    assert!(refused(unknown).contains("`acme`"));
    let mut twice = target("http://localhost/v1", true);
    twice.params.extra.insert("model".to_owned(), "x".into());
    assert!(refused(twice).contains("`model`"));
    assert_eq!(check(&target("http://localhost:11434/v1", true)), Ok(()));

    let mut broken = target("http://localhost/v1", true);
    let Endpoint::Http(endpoint) = &mut broken.endpoint else { panic!("not HTTP") };
    endpoint.credential = Credential::Key(Secret::new("line\nbreak"));
    let fault = fault_of(broken);
    assert_eq!(fault.kind, FaultKind::BadRequest);
    assert!(!fault.message.contains("break"), "{fault}");
}

#[test]
fn row_32_a_name_without_an_address() {
    let mut nowhere = target("http://no-such-host.invalid/v1", true);
    let Endpoint::Http(endpoint) = &mut nowhere.endpoint else { panic!("not HTTP") };
    endpoint.credential = Credential::None;
    let fault = fault_of(nowhere);
    // A machine without a name server says that it could not ask, not that there is no such name.
    assert!(matches!(fault.kind, FaultKind::Dns | FaultKind::Transient), "{fault}");
    assert!(fault.message.contains("`no-such-host.invalid` has no address"), "{fault}");
}
