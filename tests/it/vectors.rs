//! Embeddings over the client's own call, against a server that speaks three of the formats.

use std::{path::Path, sync::Arc, time::Duration};

use evals::{
    base::{money::Money, secret::Secret},
    client::{self, Caching, ClientOptions, Embedded, Embedder, RetryPolicy},
    domain::{
        budget::Budget,
        contract::Call,
        fault::FaultKind,
        generation::{TextKind, Texts},
        limits::Limits,
        message::{Message, Role},
        params::Params,
        sample::{Sample, Vars},
        target::{
            Capabilities, Credential, Endpoint, Flavour, HttpEndpoint, Price, Settings, Target,
            Timeouts,
        },
    },
    store::{AnswerCache, Keep},
};
use serde_json::{Value, json};

use crate::support::{Aimock, Request, Response, Stub, openai_error};

const REGION: &str = "eu-west-1";

fn target(provider: &'static str, model: &str, base_url: String) -> Target {
    let settings = Settings { region: Some(REGION.to_owned()), ..Settings::default() };
    let endpoint = HttpEndpoint {
        base_url,
        credential: Credential::Key(Secret::new("sk-canary-123456")),
        headers: Vec::new(),
        flavour: Flavour::Chat,
        stream: false,
        settings,
        credential_slug: None,
        insecure_http: false,
        header_digest: 0,
    };
    Target {
        name: "vectors".to_owned(),
        provider,
        model: model.to_owned(),
        endpoint: Endpoint::Http(endpoint),
        params: Params::default(),
        price: Some(Price::new(Money::from_pico(1_000), Money::from_pico(1_000))),
        capabilities: Capabilities::default(),
        max_output: None,
        timeouts: Timeouts::default(),
        fallback: Vec::new(),
        pool: Vec::new(),
        base_model: None,
        limits: Limits::default(),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn vectors_in_three_wire_formats() {
    let vector = [0.1_f32, 0.2, 0.3, 0.4];
    let fixtures = json!({"fixtures": [{"match": {"endpoint": "embedding"}, "response": {"embedding": vector}}]});
    let Some(aimock) = Aimock::start(&fixtures) else { return };
    let root = aimock.base_url().replace("/v1", "");
    let cases = [
        ("openai-compatible", "text-embedding-3-small", aimock.base_url(), 2),
        // It has Google's method for one text only.
        ("google", "gemini-embedding-001", root.clone(), 1),
        ("cohere", "embed-v4.0", root, 2),
    ];
    let runtime = runtime();
    for (provider, model, base_url, most) in cases {
        let target = target(provider, model, base_url);
        for count in 1..=most {
            let texts = vec!["a text".to_owned(); count];
            let kind = Some(TextKind::Query);
            let asked = Texts { target: Arc::new(target.clone()), texts, kind };
            let made = runtime.block_on(Embedder::default().embed(&asked));
            let made = made.result.unwrap_or_else(|fault| panic!("{provider}: {fault}"));
            assert_eq!(made.vectors, vec![vector.to_vec(); count], "{provider}");
        }
    }
}

/// A vector of each text's length and a half, two tokens a text; nothing for calls.
fn vectors(request: &Request) -> Response {
    let body = request.json();
    let texts = body["input"].as_array().expect("texts");
    let vector = |(index, text): (usize, &Value)| json!({"index": index, "embedding": [text.as_str().expect("a text").len(), 0.5]});
    let data: Vec<Value> = texts.iter().enumerate().map(vector).collect();
    let usage = json!({"prompt_tokens": 2 * texts.len()});
    Response::json(200, &json!({"data": data, "model": "e-1", "usage": usage}))
}

fn quick() -> ClientOptions {
    let base = Duration::from_millis(1);
    let retry = RetryPolicy { base, cap: 5 * base, ..RetryPolicy::default() };
    ClientOptions { retry: Some(retry), ..ClientOptions::default() }
}

/// The vectors of `texts` at `stub`, by a client of its own.
fn embedded(stub: &Stub, options: ClientOptions, texts: &[&str]) -> Embedded {
    let target = Arc::new(target("openai-compatible", "e", stub.base_url()));
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    let client = client::client(options);
    runtime().block_on(client.vectors.embed(&Texts { target, texts, kind: None }))
}

#[test]
fn vectors_are_asked_for_again_as_answers_are() {
    let stub = Stub::start(|request, nth| match nth {
        0 => openai_error(503, "later", "x"),
        1 => openai_error(429, "slow down", "rate_limit_exceeded"),
        _ => vectors(request),
    });
    let made = embedded(&stub, quick(), &["a", "bcd", "a"]);
    assert_eq!(made.result.expect("vectors").vectors, [[1.0, 0.5], [3.0, 0.5], [1.0, 0.5]]);
    let kinds: Vec<_> = made.attempts.iter().map(|a| a.fault.as_ref().map(|f| f.kind)).collect();
    assert_eq!(kinds, [Some(FaultKind::Transient), Some(FaultKind::RateLimited), None]);
    assert_eq!(stub.requests()[2].json()["input"], json!(["a", "bcd"]), "what is alike goes once");
    let wrong = Stub::start(|_, _| openai_error(400, "no", "x"));
    assert_eq!(
        embedded(&wrong, quick(), &["a"]).result.expect_err("no").kind,
        FaultKind::BadRequest
    );
    assert_eq!(wrong.requests().len(), 1);
}

#[test]
fn vectors_and_answers_of_one_credential_share_its_account() {
    let stub = Stub::start(|_, _| openai_error(401, "no such key", "x"));
    let client = client::client(quick());
    let target = Arc::new(target("openai-compatible", "chat", stub.base_url()));
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
    let call = Call {
        target: Arc::clone(&target),
        messages: Arc::new([Message::text(Role::User, "hi")]),
        sample: Arc::new(sample),
        prompt: 0,
        epoch: 0,
        requests: Call::MOST_REQUESTS,
        encoded: None,
    };
    runtime().block_on(async {
        assert!(client.calls.generate(&call).await.result.is_err());
        let model =
            Target { name: "vectors".to_owned(), model: "e".to_owned(), ..(*target).clone() };
        let asked = Texts { target: Arc::new(model), texts: vec!["a".to_owned()], kind: None };
        let made = client.vectors.embed(&asked).await;
        assert_eq!(made.result.expect_err("refused").kind, FaultKind::Auth);
        assert!(made.attempts.is_empty(), "the credential is known to be of no use");
    });
    assert_eq!(stub.requests().len(), 1);
}

#[test]
fn vectors_stay_within_the_budget() {
    let stub = Stub::start(|request, _| vectors(request));
    let limited = |tokens| {
        let budget = Budget { tokens: Some(tokens), ..Budget::default() };
        ClientOptions { budget, ..quick() }
    };
    let long = "x".repeat(400);
    let made = embedded(&stub, limited(100), &[&long]);
    assert_eq!(made.result.expect_err("too much").kind, FaultKind::Budget);
    assert_eq!(stub.requests().len(), 0);
    assert!(embedded(&stub, limited(300), &[&long]).result.is_ok(), "an answer has no tokens");
}

#[test]
fn a_vector_that_is_known_is_not_asked_for() {
    let stub = Stub::start(|request, _| vectors(request));
    let directory = tempfile::tempdir().expect("a directory");
    let with = |path: &Path, texts: &[&str]| {
        let ttl = Duration::from_hours(1);
        let keep = Keep { ttl, max_bytes: Keep::MAX_BYTES };
        let store = Arc::new(AnswerCache::open(path, keep).expect("a cache"));
        let caching = Caching { store: Arc::clone(&store) as _, ttl, since_ms: None };
        let made = embedded(&stub, ClientOptions { cache: Some(caching), ..quick() }, texts);
        assert_eq!(Arc::into_inner(store).expect("nobody else").close(), None);
        made
    };
    let path = directory.path().join("cache.db");
    let first = with(&path, &["a", "bcd"]);
    assert_eq!((first.cached, first.attempts.len()), (0, 1));
    // In another order, beside another one: only that one is asked for.
    let second = with(&path, &["bcd", "four", "a"]);
    assert_eq!((second.cached, second.attempts.len()), (2, 1));
    let made = second.result.expect("vectors");
    assert_eq!(made.vectors, [[3.0, 0.5], [4.0, 0.5], [1.0, 0.5]]);
    assert_eq!(made.usage.map(|usage| usage.input), Some(2), "what was paid now");
    assert_eq!(stub.requests()[1].json()["input"], json!(["four"]));
    let third = with(&path, &["a", "a", "four"]);
    assert_eq!((third.cached, third.attempts.len(), stub.requests().len()), (3, 0, 2));
    assert!(third.result.is_ok());
}

#[test]
fn a_vector_that_two_want_at_once_is_asked_for_once() {
    let stub = Stub::start(|request, _| vectors(request));
    let directory = tempfile::tempdir().expect("a directory");
    let ttl = Duration::from_hours(1);
    let keep = Keep { ttl, max_bytes: Keep::MAX_BYTES };
    let store = AnswerCache::open(&directory.path().join("cache.db"), keep).expect("a cache");
    let caching = Caching { store: Arc::new(store), ttl, since_ms: None };
    let client = client::client(ClientOptions { cache: Some(caching), ..quick() });
    let target = Arc::new(target("openai-compatible", "e", stub.base_url()));
    let asked = |texts: &[&str]| {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        Texts { target: Arc::clone(&target), texts, kind: None }
    };
    let (one, other) = (asked(&["a", "bcd"]), asked(&["bcd", "four", "a"]));
    // On one thread the second one looks when the first has asked and waits for the answer.
    let (one, other) = runtime()
        .block_on(async { tokio::join!(client.vectors.embed(&one), client.vectors.embed(&other)) });
    assert_eq!((one.cached, one.attempts.len()), (0, 1));
    assert_eq!((other.cached, other.attempts.len()), (2, 1));
    let made = other.result.expect("vectors");
    assert_eq!(made.vectors, [[3.0, 0.5], [4.0, 0.5], [1.0, 0.5]]);
    let mut sent: Vec<Value> =
        stub.requests().iter().map(|request| request.json()["input"].clone()).collect();
    sent.sort_by_key(Value::to_string);
    assert_eq!(sent, [json!(["a", "bcd"]), json!(["four"])]);
}
