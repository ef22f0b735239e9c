//! Vectors over real sockets.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread::JoinHandle,
};

use serde_json::{Value, json};

use super::*;
use crate::{
    base::{money::Money, secret::Secret},
    domain::{
        generation::TextKind,
        limits::Limits,
        params::Params,
        target::{
            Capabilities, Credential, Flavour, HttpEndpoint, Price, ReplaySource, Settings,
            SimProfile, Target, Timeouts,
        },
    },
};

const KEY: &str = "sk-canary-123456";

/// A server that answers `requests` requests; what it gives back are the requests, head and body.
fn serve(
    requests: usize,
    answer: impl Fn(&Value) -> String + Send + 'static,
) -> (String, JoinHandle<Vec<(String, Value)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        (0..requests)
            .map(|_| {
                let (head, body) = request(&mut stream);
                stream.write_all(answer(&body).as_bytes()).expect("written");
                (head, body)
            })
            .collect()
    });
    (base, server)
}

fn request(stream: &mut TcpStream) -> (String, Value) {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = stream.read(&mut piece).expect("readable");
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            return (head.to_owned(), body);
        }
        assert!(read > 0, "a whole request: {text}");
    }
}

fn reply(status: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-request-id: r1\r\n\
         x-ratelimit-remaining-requests: 7\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A vector of two numbers for each input, the first of which is its length; the last comes first.
fn openai(body: &Value) -> String {
    let inputs = body["input"].as_array().expect("texts").iter().enumerate().rev();
    let data: Vec<Value> = inputs
        .map(|(index, text)| {
            json!({ "index": index, "embedding": [text.as_str().expect("a text").len(), 0.5] })
        })
        .collect();
    reply("200 OK", &json!({ "data": data, "model": "e-1", "usage": { "prompt_tokens": 2 } }))
}

fn target(provider: &'static str, base: &str) -> Target {
    Target {
        name: "vectors".to_owned(),
        provider,
        model: "e".to_owned(),
        endpoint: Endpoint::Http(HttpEndpoint {
            base_url: base.to_owned(),
            credential: Credential::Key(Secret::new(KEY)),
            credential_slug: None,
            headers: Vec::new(),
            flavour: Flavour::Chat,
            stream: true,
            insecure_http: false,
            header_digest: 0,
            settings: Settings::default(),
        }),
        params: Params::default(),
        price: Some(Price::new(Money::from_pico(5), Money::from_pico(7))),
        capabilities: Capabilities::default(),
        timeouts: Timeouts::default(),
        max_output: None,
        fallback: Vec::new(),
        pool: Vec::new(),
        base_model: None,
        limits: Limits::default(),
    }
}

fn embed(target: Target, texts: &[&str], kind: Option<TextKind>) -> Embedded {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    let asked = Texts { target: Arc::new(target), texts, kind };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(Embedder::default().embed(&asked))
}

#[test]
fn vectors_come_in_the_order_of_the_texts_with_their_bill() {
    let (base, server) = serve(1, openai);
    let made = embed(target("openai-compatible", &base), &["a", "bcd"], None);
    let vectors = made.result.expect("vectors");
    assert_eq!(vectors.vectors, [[1.0, 0.5], [3.0, 0.5]]);
    assert_eq!(vectors.usage.map(|usage| (usage.input, usage.output)), Some((2, 0)));
    assert_eq!(vectors.served_model.as_deref(), Some("e-1"));
    let [attempt] = made.attempts.as_slice() else { panic!("{:?}", made.attempts) };
    assert_eq!((attempt.status, attempt.cost), (Some(200), Some(Money::from_pico(10))));
    assert_eq!(attempt.request_id.as_deref(), Some("r1"));
    let limits = made.limits.and_then(|limits| limits.requests);
    assert_eq!(limits.and_then(|window| window.remaining), Some(7));
    let (head, body) = &server.join().expect("a server")[0];
    assert!(head.starts_with("POST /embeddings HTTP/1.1"), "{head}");
    assert!(head.contains(&format!("authorization: Bearer {KEY}")), "{head}");
    assert_eq!(*body, json!({ "model": "e", "input": ["a", "bcd"] }));
}

#[test]
fn many_texts_are_sent_in_batches() {
    let (base, server) = serve(3, openai);
    let texts: Vec<String> = (0..70).map(|n| "x".repeat(n + 1)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let made = embed(target("openai-compatible", &base), &texts, None);
    let vectors = made.result.expect("vectors");
    assert!(vectors.vectors.iter().zip(1_u8..).all(|(vector, n)| vector[..1] == [f32::from(n)]));
    assert_eq!(vectors.vectors.len(), 70);
    assert_eq!(vectors.usage.map(|usage| usage.input), Some(6));
    assert_eq!(made.attempts.len(), 3);
    let sizes: Vec<usize> = server
        .join()
        .expect("a server")
        .iter()
        .map(|(_, body)| body["input"].as_array().map_or(0, Vec::len))
        .collect();
    assert_eq!(sizes, [32, 32, 6]);
}

#[test]
fn amazon_s_titan_is_asked_for_one_text_at_a_time() {
    let (base, server) = serve(2, |body| {
        let size = body["inputText"].as_str().map_or(0, str::len);
        reply("200 OK", &json!({ "embedding": [size, 1], "inputTextTokenCount": 3 }))
    });
    let mut target =
        Target { model: "amazon.titan-embed-text-v2:0".to_owned(), ..target("bedrock", &base) };
    let Endpoint::Http(endpoint) = &mut target.endpoint else { panic!("not HTTP") };
    endpoint.settings.region = Some("us-east-1".to_owned());
    endpoint.credential = Credential::Aws {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: None,
    };
    let made = embed(target, &["a", "bcd"], None).result.expect("vectors");
    assert_eq!(made.vectors, [[1.0, 1.0], [3.0, 1.0]]);
    assert_eq!(made.usage.map(|usage| usage.input), Some(6));
    for (head, _) in server.join().expect("a server") {
        assert!(head.starts_with("POST /model/amazon.titan-embed-text-v2"), "{head}");
        assert!(head.contains("authorization: AWS4-HMAC-SHA256 "), "{head}");
    }
}

#[test]
fn queries_and_documents_are_told_apart_where_the_provider_does() {
    let cohere = |_: &Value| reply("200 OK", &json!({ "embeddings": { "float": [[1.0]] } }));
    let google = |_: &Value| reply("200 OK", &json!({ "embedding": { "values": [1.0] } }));
    for (kind, input_type, task) in [
        (Some(TextKind::Query), json!("search_query"), json!("RETRIEVAL_QUERY")),
        (Some(TextKind::Document), json!("search_document"), json!("RETRIEVAL_DOCUMENT")),
        (None, json!("clustering"), Value::Null),
    ] {
        let (base, server) = serve(1, cohere);
        embed(target("cohere", &base), &["a"], kind).result.expect("vectors");
        assert_eq!(server.join().expect("a server")[0].1["input_type"], input_type);
        let (base, server) = serve(1, google);
        embed(target("google", &base), &["a"], kind).result.expect("vectors");
        assert_eq!(server.join().expect("a server")[0].1["taskType"], task);
    }
}

#[test]
fn odd_replies_are_faults_without_keys() {
    let vector = |numbers: Value| json!({ "data": [{ "index": 0, "embedding": numbers }] });
    for (status, body, kind, said) in [
        (
            "401 Unauthorized",
            json!({ "error": { "message": format!("no {KEY}") } }),
            FaultKind::Auth,
            "no ****",
        ),
        ("200 OK", json!({ "data": [] }), FaultKind::Protocol, "no `data`"),
        ("200 OK", vector(json!([])), FaultKind::Protocol, "no vector"),
        (
            "200 OK",
            json!({ "error": { "code": 429, "message": "slow" } }),
            FaultKind::RateLimited,
            "slow",
        ),
        ("307 Temporary Redirect", json!({}), FaultKind::RedirectRefused, "redirects"),
    ] {
        let (base, _server) = serve(1, move |_| reply(status, &body));
        let made = embed(target("openai-compatible", &base), &["a"], None);
        let fault = made.result.expect_err("a fault");
        assert_eq!(fault.kind, kind, "{fault}");
        assert!(fault.message.contains(said), "{fault}");
        assert_eq!(made.attempts.len(), 1);
    }
    let (base, _server) = serve(1, move |_| reply("200 OK", &vector(json!([1]))));
    let fault = embed(target("openai-compatible", &base), &["a", "b"], None).result;
    let fault = fault.expect_err("a fault");
    assert_eq!(fault.message, "2 texts were sent, and 1 vectors came back");
}

#[test]
fn who_makes_no_vectors_is_not_asked() {
    let fault = |target: Target| {
        let made = embed(target, &["a"], None);
        assert!(made.attempts.is_empty());
        let fault = made.result.expect_err("a fault");
        assert_eq!(fault.kind, FaultKind::BadRequest);
        fault.message
    };
    assert!(fault(target("anthropic", "http://127.0.0.1:1")).contains("no embeddings"));
    assert!(fault(target("cohere", "http://169.254.169.254")).contains("never called"));
    assert!(fault(target("cohere", "http://8.8.8.8")).contains("in clear"));
    let recorded = ReplaySource { path: None, key: None, output: None, model: None };
    let recorded =
        Target { endpoint: Endpoint::Replay(recorded), provider: "replay", ..target("replay", "") };
    assert!(fault(recorded).contains("a recording has no vectors"));
    let none = embed(target("cohere", "http://127.0.0.1:1"), &[], None);
    assert_eq!(none.result.expect("nothing to do").vectors.len(), 0);
    assert!(none.attempts.is_empty());
}

#[test]
fn a_simulated_model_makes_vectors_and_fails_as_often_as_it_says() {
    let simulated = |error_rate| SimProfile {
        accuracy: 1.0,
        latency: std::time::Duration::ZERO,
        jitter: 0.0,
        error_rate,
        verbosity: 0,
        input_tokens: None,
        output_tokens: None,
        seed: 0,
        judge: None,
    };
    let asked = |error_rate| {
        let profile = simulated(error_rate);
        let endpoint = Endpoint::Sim(profile);
        embed(Target { endpoint, provider: "sim", ..target("sim", "") }, &["a b", "c"], None)
    };
    let made = asked(0.0);
    let vectors = made.result.expect("vectors").vectors;
    assert_eq!((vectors.len(), vectors[0].len() == vectors[1].len()), (2, true));
    assert_eq!(made.attempts[0].cost, Some(Money::from_pico(25)), "five tokens in");
    assert_eq!(asked(1.0).result.expect_err("a fault").kind, FaultKind::Transient);
}
