//! Rows 15 to 20 and 30 to 34: connections that are refused, break, stall or lead elsewhere.

use std::{
    io::{self, Read as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
};

use super::*;
use crate::support::root;

#[test]
fn row_15_nobody_listens() {
    let nobody = Nobody::new();
    let model = format!(
        "id: local, provider: openai-compatible, base_url: '{}', model: m",
        nobody.base_url()
    );
    // With the breaker: a server that was never there is not waited for.
    let project = project(&[model], 20, &["retry: {base: 1ms, cap: 5ms}"]);
    let json = run(&project).code(3).json();
    assert_eq!(json["errors"], json!({"transient": 20}));
    for line in exported(&project) {
        assert_eq!(line["attempts"], 4);
        let message = line["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("is the server running?"), "{line}");
    }
}

#[test]
fn row_16_a_reset_before_the_reply() {
    let stub = bad_once(right, |_| Response::Reset);
    let project = project(&[one_at_a_time(&stub)], 3, &[QUICK]);
    all_ok(&project);
    assert_eq!(kinds(&project).iter().flatten().count(), 3, "{:?}", kinds(&project));
    let billed: Vec<bool> = attempts(&project, "accepted");
    assert_eq!(billed, [true; 6], "nobody knows what the provider made of the lost ones");
    let costs: Vec<Option<i64>> = attempts(&project, "cost_pico");
    assert_eq!(costs, [None; 6], "and nothing is made up for them");
}

#[test]
fn row_17_a_reply_that_breaks_off() {
    let stub = bad_once(streamed, |_| Response::Raw(format!("{}40\r\nda", half_a_stream()).into()));
    let project = project(&[model("local", &stub, "limits: {concurrency: 1}")], 2, &[QUICK]);
    all_ok(&project);
    let partial: Vec<Option<String>> = attempts(&project, "partial");
    let half = Some("half".to_owned());
    assert_eq!(partial, [half.clone(), None, half, None], "kept, and never an answer");
}

/// The answer comes only when the connection that was given up has been closed.
#[test]
fn row_18_silence() {
    let asked = Asked::default();
    let stub = Stub::start(move |request, _| match asked.before(request) {
        0 => Response::Stall(Vec::new()),
        _ => Response::OnceLeft(Box::new(right(request))),
    });
    let more = "stream: false, limits: {concurrency: 1}, timeouts: {first_byte: 2s}";
    let project = project(&[model("local", &stub, more)], 1, &[QUICK]);
    all_ok(&project);
    assert_eq!(kinds(&project), [Some("timeout".to_owned()), None]);
}

/// A byte now and then is no sign of life: headers have until the first byte is due, bodies until the
/// end of the attempt. With one place for all, nobody could go on if it were held any longer.
#[test]
fn row_19_a_byte_at_a_time() {
    let every = Duration::from_millis(100);
    let drip = move |first: &str, then: &str| Response::Again {
        first: first.into(),
        then: then.into(),
        every,
    };
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{";
    let events = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: thinking\n\n";
    let refused = "HTTP/1.1 500 Oops\r\ncontent-type: text/plain\r\n\r\n";
    let stub = bad_once(right, move |request| match request.last_user().as_str() {
        "q0" => drip("HTTP/1.1 200 O", "K"),
        "q1" => drip("HTTP/1.1 200 OK\r\nx-filler: ", "x"),
        "q2" => drip(json, " "),
        "q3" => drip(events, ":"),
        _ => drip(refused, "."),
    });
    let more = "limits: {concurrency: 1}, timeouts: {first_byte: 1s, idle: 30s, total: 2s}";
    let project = project(&[model("local", &stub, more)], 5, &[QUICK]);
    all_ok(&project);
    let messages: Vec<Option<String>> = attempts(&project, "error_message");
    let failed: Vec<String> = messages.into_iter().flatten().collect();
    assert_eq!(failed.len(), 5, "{failed:?}");
    assert!(failed[..2].iter().all(|said| said.contains("no reply within 1 s")), "{failed:?}");
    assert!(failed[2..4].iter().all(|said| said.contains("not over within 2 s")), "{failed:?}");
    let times: Vec<i64> = attempts(&project, "latency_us");
    assert_eq!(times.len(), 10);
}

#[test]
fn row_20_a_stream_that_stalls() {
    let stub = bad_once(streamed, |_| Response::Stall(half_a_stream().into()));
    let more = "limits: {concurrency: 1}, timeouts: {idle: 2s}";
    let project = project(&[model("local", &stub, more)], 1, &[QUICK]);
    all_ok(&project);
    assert_eq!(kinds(&project), [Some("timeout".to_owned()), None]);
    assert_eq!(attempts::<Option<String>>(&project, "partial")[0].as_deref(), Some("half"));
}

#[test]
fn row_30_lengths_and_chunks_that_lie() {
    let stub = bad_once(right, |request| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        let body = match request.last_user().as_str() {
            "q0" => "content-length: 900\r\n\r\n{\"choices\":",
            _ => "transfer-encoding: chunked\r\n\r\nnonsense\r\n{}",
        };
        Response::Raw(format!("{head}{body}").into())
    });
    let project = project(&[one_at_a_time(&stub)], 2, &[QUICK]);
    all_ok(&project);
    assert_eq!(kinds(&project)[0].as_deref(), Some("transient"));
}

/// What a listener does with a connection.
type Serve = Box<dyn Fn(TcpStream) -> io::Result<()> + Send + Sync>;

/// A listener that is no HTTP server, for as long as the tests run; how many connections it has had.
pub(super) fn listener(serve: Serve) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let serve: Arc<Serve> = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream).ok());
        }
    });
    (address, connections)
}

/// Answers a greeting of TLS as servers do that speak HTTP in clear.
pub(super) fn in_clear(mut stream: TcpStream) -> io::Result<()> {
    stream.read_exact(&mut [0; 16])?;
    stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
    // Whatever else comes is read: what is left unread would turn the end into a reset.
    io::copy(&mut stream, &mut io::sink()).map(drop)
}

fn tls_model(address: SocketAddr, more: &str) -> String {
    format!(
        "id: m, provider: openai-compatible, base_url: 'https://{address}/v1', model: m, {more}"
    )
}

#[test]
fn row_31_no_tls() {
    let (address, connections) = listener(Box::new(in_clear));
    let project = project(&[tls_model(address, "stream: false")], 1, &[QUICK]);
    let json = run(&project).code(3).json();
    assert_eq!(json["errors"], json!({"tls": 1}));
    assert_eq!(connections.load(Ordering::SeqCst), 1, "no retry");
}

fn fixture(name: &str) -> PathBuf {
    root().join("tests/fixtures/tls").join(name)
}

/// A server with the certificate `name`; connections, and those on which anything was asked.
fn serving(name: &str) -> (SocketAddr, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

    let certificate = CertificateDer::from_pem_file(fixture(name)).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(fixture("self-signed.key")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a key pair");
    let config = Arc::new(config);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let (address, connections) = listener(Box::new(move |mut stream| {
        let tls = rustls::ServerConnection::new(Arc::clone(&config));
        let mut tls = tls.map_err(io::Error::other)?;
        let mut both = rustls::Stream::new(&mut tls, &mut stream);
        if both.read(&mut [0; 4096])? > 0 {
            count.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }));
    (address, connections, asked)
}

#[test]
fn row_31_certificates_that_prove_nothing() {
    // Each but the first is its own authority, so that only what its row is about is wrong with it.
    for (name, trusted, said) in [
        ("self-signed.pem", false, "is not trusted"),
        ("expired.pem", true, "not valid today"),
        ("other-name.pem", true, "has a certificate for another name"),
    ] {
        let (address, connections, asked) = serving(name);
        let project = project(&[tls_model(address, "api_key: '${TEST_KEY}'")], 1, &[QUICK]);
        let evals = project.evals().args(["run", "--format", "json"]).env("TEST_KEY", KEY);
        let evals = if trusted { evals.env("SSL_CERT_FILE", fixture(name)) } else { evals };
        let json = evals.run().code(3).json();
        assert_eq!(json["errors"], json!({"tls": 1}), "{name}");
        let message = exported(&project)[0]["error"]["message"].to_string();
        assert!(message.contains(said), "{name}: {message}");
        assert_eq!(connections.load(Ordering::SeqCst), 1, "{name}: no retry");
        assert_eq!(asked.load(Ordering::SeqCst), 0, "{name}: nothing is said to it");
    }
}

#[test]
fn row_31_a_handshake_that_stalls() {
    let (address, connections) = listener(Box::new(|mut stream| {
        // Until the client gives up.
        io::copy(&mut stream, &mut io::sink()).map(drop)
    }));
    let project = project(&[tls_model(address, "timeouts: {connect: 200ms}")], 1, &[QUICK]);
    let json = run(&project).code(3).json();
    assert_eq!(json["errors"], json!({"timeout": 1}));
    let message = exported(&project)[0]["error"]["message"].to_string();
    assert!(message.contains("within 0.2 s"), "{message}");
    assert_eq!(connections.load(Ordering::SeqCst), 4, "one and three more");
    assert_eq!(attempts::<bool>(&project, "accepted"), [false; 4], "nothing was asked");
}

/// Whether there is no such name or nobody to ask is for the machine to say.
#[test]
fn row_32_a_host_that_has_no_address() {
    let base = "http://no-such-host.invalid/v1";
    let model = format!("id: m, provider: openai-compatible, base_url: '{base}', model: m");
    let project = project(&[model], 2, &[QUICK]);
    run(&project).code(3);
    for line in exported(&project) {
        let asked = match line["error"]["kind"].as_str() {
            Some("dns") => 1,
            Some("transient") => 4,
            _ => panic!("{line}"),
        };
        assert_eq!(line["attempts"], asked, "{line}");
        let message = line["error"]["message"].as_str().expect("text");
        assert!(message.contains("`no-such-host.invalid` has no address"), "{line}");
    }
}

#[test]
fn row_33_a_metadata_service_is_never_called() {
    for host in ["169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal"] {
        let model =
            format!("id: m, provider: openai-compatible, base_url: 'http://{host}/v1', model: m");
        let project = project(&[model], 1, &[QUICK]);
        project.evals().arg("run").run().code(2).complains("never called");
    }
}

#[test]
fn row_34_a_redirect() {
    let elsewhere = Stub::start(|request, _| right(request));
    let to = elsewhere.base_url();
    let stub = Stub::start(move |_, _| {
        Response::json(307, &json!({})).with_header("location", &format!("{to}/chat/completions"))
    });
    let with_key = model("local", &stub, "stream: false, api_key: '${TEST_KEY}'");
    let project = project(&[with_key], 2, &[QUICK]);
    let json = run(&project).code(3).json();
    assert_eq!(json["errors"], json!({"redirect_refused": 2}));
    assert_eq!(stub.requests().len(), 2, "no retry");
    let message = exported(&project)[0]["error"]["message"].to_string();
    assert!(message.contains(&elsewhere.address().to_string()), "{message}");
    assert_eq!(elsewhere.connections(), 0, "nothing is sent there");
}
