//! The contract that every provider keeps, run over the files of `tests/fixtures/providers/`.
//!
//! A case is a JSON file. `request-*.json` holds a call and the request that it becomes. The others
//! hold a reply and what it is: `generation`, with what differs from an empty one, or `fault`. The
//! body is `body` (JSON), `text`, or a file beside it that `stream` names; streams are cut at every
//! byte.
//!
//! `embed-request*.json` and `embed-reply*.json` are the same for vectors: `texts` in place of the
//! messages, `embeddings` (`vectors`, `usage`, `served_model`) in place of the generation.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};

use super::*;
use crate::domain::{
    fault::FaultKind,
    generation::TextKind,
    limits::Limits,
    message::Message,
    params::{Params, Reasoning, ResponseFormat, Tool, ToolChoice},
    sample::{Sample, Vars},
    target::{Capabilities, Credential, Endpoint, Flavour, Settings, Timeouts},
};

/// Every provider with code of its own has at least these cases. A host that is but a row has a
/// request, and a case for each way in which it differs.
const REQUIRED: &[&str] =
    &["401", "429", "500", "plain", "request-chat", "stream", "tool-call", "truncated"];

/// "Sun, 06 Nov 1994 08:49:37 GMT".
const NOW_MS: i64 = 784_111_777_000;

fn cases(provider: &dyn Provider) -> BTreeMap<String, (PathBuf, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/providers");
    let folder = root.join(provider.name());
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let files = files.map(|file| file.expect("a file").path());
    let files = files.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let read = |path: PathBuf| {
        let text = fs::read(&path).expect("a readable file");
        let case = serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        (path.file_stem().expect("a name").to_string_lossy().into_owned(), (path, case))
    };
    files.map(read).collect()
}

fn headers(case: &Value) -> Vec<(String, String)> {
    let headers = case["headers"].as_object().into_iter().flatten();
    headers.map(|(name, value)| (name.clone(), text(value))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn status(case: &Value) -> u16 {
    case["status"].as_u64().unwrap_or(200) as u16
}

/// The outcome as JSON, without what is absent.
fn shown(outcome: &Result<Generation, Fault>) -> Value {
    let mut all = match outcome {
        Ok(made) => json!({ "generation": {
            "text": made.text,
            "reasoning": made.reasoning,
            "tool_calls": made.tool_calls,
            "finish_reason": made.finish_reason.name(),
            "raw_finish_reason": made.raw_finish_reason,
            "usage": made.usage,
            "served_model": made.served_model,
            "request_id": made.request_id,
            "reported_cost_pico": made.reported_cost.map(crate::base::money::Money::pico),
            "logprobs": made.logprobs,
        }}),
        Err(fault) => shown_fault(fault),
    };
    trimmed(&mut all);
    all
}

fn shown_fault(fault: &Fault) -> Value {
    json!({ "fault": {
        "kind": fault.kind.name(),
        "message": fault.message,
        "status": fault.status,
        "retry_after_ms": fault.retry_after.map(|wait| wait.as_millis() as u64),
        "partial": fault.partial,
    }})
}

/// Vectors as JSON, without what is absent.
fn shown_embeddings(outcome: &Result<Embeddings, Fault>) -> Value {
    let mut all = match outcome {
        Ok(made) => json!({ "embeddings": {
            "vectors": made.vectors,
            "usage": made.usage,
            "served_model": made.served_model,
            "request_id": made.request_id,
            "reported_cost_pico": made.reported_cost.map(crate::base::money::Money::pico),
        }}),
        Err(fault) => shown_fault(fault),
    };
    trimmed(&mut all);
    all
}

fn trimmed(all: &mut Value) {
    for outcome in all.as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
        let fields = outcome.as_object_mut().expect("an object");
        fields.retain(|_, value| !value.is_null() && *value != json!([]) && *value != json!(""));
    }
}

fn expected(case: &Value) -> Value {
    let names = ["fault", "generation", "embeddings"];
    let name = names.into_iter().find(|name| case[*name].is_object()).expect("an outcome");
    let mut expected = json!({ name: case[name] });
    if let Some(vectors) = expected.pointer_mut("/embeddings/vectors") {
        let rounded: Vec<Vec<f32>> = serde_json::from_value(vectors.take()).expect("vectors");
        *vectors = json!(rounded);
    }
    expected
}

fn streamed(
    provider: &dyn Provider,
    head: &HttpReply<'_>,
    pieces: &[&[u8]],
) -> Result<Generation, Fault> {
    let mut decoder = provider.stream(head);
    let mut events = provider.framing().start();
    let fed = pieces
        .iter()
        .try_for_each(|piece| events.feed(piece, &mut |event| decoder.event(event).map(|_| ())));
    let fed = fed.and_then(|()| events.end(&mut |event| decoder.event(event).map(|_| ())));
    match fed {
        Err(mut fault) => {
            fault.partial = fault.partial.or_else(|| decoder.partial());
            Err(fault)
        }
        Ok(()) => decoder.finish(),
    }
}

fn check_stream(provider: &dyn Provider, name: &str, head: &HttpReply<'_>, bytes: &[u8]) -> Value {
    let whole = shown(&streamed(provider, head, &[bytes]));
    for cut in 0..=bytes.len() {
        let (start, rest) = bytes.split_at(cut);
        assert_eq!(
            shown(&streamed(provider, head, &[start, rest])),
            whole,
            "{name} split at {cut}"
        );
        // A stream that breaks off is never taken for a shorter answer.
        if let Ok(made) = streamed(provider, head, &[start]) {
            let text = whole["generation"]["text"].as_str().unwrap_or_default();
            assert_eq!(made.text, text, "{name} broken off at {cut}");
        }
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(shown(&streamed(provider, head, &single)), whole, "{name} byte by byte");
    whole
}

#[test]
fn replies() {
    for provider in PROVIDERS {
        let cases = cases(*provider);
        let row = hosts::ROWS.iter().any(|host| host.card.name == provider.name());
        for name in if row { &["request-chat"] } else { REQUIRED } {
            assert!(cases.contains_key(*name), "{} lacks the case `{name}`", provider.name());
        }
        let replies = |name: &str| !name.starts_with("request") && !name.starts_with("embed-");
        for (name, (path, case)) in cases.iter().filter(|(name, _)| replies(name)) {
            let headers = headers(case);
            let lookup = headers.as_slice();
            let mut reply =
                HttpReply { status: status(case), headers: &lookup, body: &[], now_ms: NOW_MS };
            let found = if let Some(file) = case["stream"].as_str() {
                let bytes = fs::read(path.with_file_name(file)).expect("a readable stream");
                check_stream(*provider, name, &reply, &bytes)
            } else {
                let body =
                    case["text"].as_str().map_or_else(|| case["body"].to_string(), str::to_owned);
                reply.body = body.as_bytes();
                shown(&match reply.status {
                    200..300 => provider.decode(&reply),
                    _ => Err(provider.classify(&reply)),
                })
            };
            assert_eq!(found, expected(case), "{}: {name}", provider.name());
        }
    }
}

fn credential(case: &Value) -> Credential {
    let secret = |name: &str| case[name].as_str().map(Secret::new);
    if let Some(access_key_id) = case["access_key_id"].as_str() {
        return Credential::Aws {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret("secret_access_key").expect("a secret access key"),
            session_token: secret("session_token"),
        };
    }
    let account = secret("service_account").map(Credential::ServiceAccount);
    account.or_else(|| secret("api_key").map(Credential::Key)).unwrap_or_default()
}

fn settings(case: &Value) -> Settings {
    let given = |name: &str| case[name].as_str().map(str::to_owned);
    Settings {
        region: given("region"),
        project: given("project"),
        location: given("location"),
        resource: given("resource"),
        deployment: given("deployment"),
        api_version: given("api_version"),
    }
}

fn read_params(case: &Value) -> Params {
    let given = |name: &str| case[name].as_f64();
    let form = |name: &str| Some(&case[name]).filter(|form| !form.is_null());
    let list = |name: &str| case[name].as_array().into_iter().flatten();
    Params {
        temperature: given("temperature"),
        top_p: given("top_p"),
        top_k: case["top_k"].as_u64(),
        min_p: given("min_p"),
        presence_penalty: given("presence_penalty"),
        frequency_penalty: given("frequency_penalty"),
        repetition_penalty: given("repetition_penalty"),
        max_tokens: case["max_tokens"].as_u64(),
        seed: case["seed"].as_i64(),
        stop: list("stop").map(text).collect(),
        response_format: form("response_format")
            .map(|form| ResponseFormat::from_value(form).expect("a response format")),
        tools: list("tools").map(|tool| Tool::from_value(tool).expect("a tool")).collect(),
        tool_choice: form("tool_choice")
            .map(|form| ToolChoice::from_value(form).expect("a tool choice")),
        reasoning: form("reasoning").map(|form| Reasoning::from_value(form).expect("reasoning")),
        logprobs: case["logprobs"].as_u64().map(|top| top as u32),
        extra: case["extra"].as_object().cloned().unwrap_or_default().into_iter().collect(),
        omit: Vec::new(),
    }
}

fn call(case: &Value) -> (Call, HttpEndpoint) {
    let params = &case["params"];
    let endpoint = HttpEndpoint {
        base_url: text(&case["base_url"]),
        credential: credential(case),
        credential_slug: None,
        settings: settings(&case["settings"]),
        headers: headers(case)
            .into_iter()
            .map(|(name, value)| (name, Secret::new(value)))
            .collect(),
        flavour: match case["flavour"].as_str() {
            Some("completion") => Flavour::Completion,
            Some("responses") => Flavour::Responses,
            Some("tgi") => Flavour::Tgi,
            _ => Flavour::Chat,
        },
        stream: case["stream"] == json!(true),
        insecure_http: false,
        header_digest: 0,
    };
    let target = Target {
        name: "model".to_owned(),
        provider: "any",
        model: case["model"].as_str().unwrap_or("org/model:tag").to_owned(),
        base_model: case["base_model"].as_str().map(str::to_owned),
        limits: Limits::default(),
        endpoint: Endpoint::Http(endpoint.clone()),
        params: read_params(params),
        price: None,
        capabilities: Capabilities::default(),
        timeouts: Timeouts::default(),
        max_output: None,
        fallback: Vec::new(),
        pool: Vec::new(),
    };
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
    let messages: Vec<Message> =
        serde_json::from_value(case.get("messages").cloned().unwrap_or_else(|| json!([])))
            .expect("messages");
    let call = Call {
        target: Arc::new(target),
        messages: messages.into(),
        sample: Arc::new(sample),
        prompt: 0,
        epoch: 0,
        requests: Call::MOST_REQUESTS,
        encoded: None,
    };
    (call, endpoint)
}

#[test]
fn requests() {
    for provider in PROVIDERS {
        let cases = cases(*provider);
        for (name, (_, case)) in cases.iter().filter(|(name, _)| name.starts_with("request")) {
            let (call, endpoint) = call(case);
            let found = shown_request(provider.encode(&call, &endpoint));
            assert_eq!(found, case["becomes"], "{}: {name}", provider.name());
            // What is wrong with the target itself is told before the first call.
            if let Err(fault) = provider.check(&call.target, &endpoint) {
                assert_eq!(json!({ "refused": fault.message }), found, "{name}");
            }
            if case["notices"].is_array() {
                let notices = provider.notices(&call.target, &endpoint);
                assert_eq!(json!(notices), case["notices"], "{}: {name}", provider.name());
            }
        }
    }
}

fn shown_request(request: Result<HttpRequest, Fault>) -> Value {
    match request {
        Err(fault) => {
            assert_eq!(fault.kind, FaultKind::BadRequest, "{}", fault.message);
            json!({ "refused": fault.message })
        }
        Ok(request) => {
            let headers = request
                .headers
                .iter()
                .map(|(name, value)| (name.clone().into_owned(), json!(value.expose())));
            let body: Value = serde_json::from_slice(&request.body).expect("JSON");
            let headers: serde_json::Map<String, Value> = headers.collect();
            json!({ "url": request.url, "headers": headers, "body": body })
        }
    }
}

#[test]
fn embeddings() {
    for provider in PROVIDERS {
        for (name, (_, case)) in cases(*provider) {
            let name = format!("{}: {name}", provider.name());
            if name.contains(": embed-request") {
                let (call, endpoint) = call(&case);
                let texts = case["texts"].as_array().into_iter().flatten().map(text).collect();
                let kind = match case["kind"].as_str() {
                    Some("query") => Some(TextKind::Query),
                    Some("document") => Some(TextKind::Document),
                    _ => None,
                };
                let asked = Texts { target: call.target, texts, kind };
                let request = provider.encode_embeddings(&asked, &endpoint);
                assert_eq!(shown_request(request), case["becomes"], "{name}");
            } else if name.contains(": embed-reply") {
                let headers = headers(&case);
                let lookup = headers.as_slice();
                let body =
                    case["text"].as_str().map_or_else(|| case["body"].to_string(), str::to_owned);
                let body = body.as_bytes();
                let reply =
                    HttpReply { status: status(&case), headers: &lookup, body, now_ms: NOW_MS };
                let found = shown_embeddings(&match reply.status {
                    200..300 => provider.decode_embeddings(&reply),
                    _ => Err(provider.classify(&reply)),
                });
                assert_eq!(found, expected(&case), "{name}");
            }
        }
    }
}

#[test]
fn hostile_bodies_are_faults() {
    let deep =
        |open: &str| format!(r#"{{"choices":[{{"message":{{"content":{}"#, open.repeat(100_000));
    let bodies: &[Vec<u8>] = &[
        Vec::new(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{".to_vec(),
        deep("[").into_bytes(),
        deep("{\"text\":").into_bytes(),
        b"{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}".to_vec(),
        br#"{"choices":[{"message":{"content":"\ud83d"}}]}"#.to_vec(),
        br#"{"choices":[],"usage":{"prompt_tokens":1e999}}"#.to_vec(),
        br#"{"error":{"code":1e5,"message":{"a":[]}}}"#.to_vec(),
    ];
    let headers: &[(String, String)] = &[];
    for provider in PROVIDERS {
        for body in bodies {
            let mut reply = HttpReply { status: 200, headers: &headers, body, now_ms: 0 };
            let fault = provider.decode(&reply).expect_err("a fault");
            assert_eq!(fault.kind, FaultKind::Protocol, "{:?}", String::from_utf8_lossy(body));
            assert!(fault.message.len() < 4_096);
            reply.status = 500;
            assert_eq!(provider.classify(&reply).kind, FaultKind::Transient);
            let event = [b"data: ", body.as_slice(), b"\n\n"].concat();
            streamed(*provider, &reply, &[&event]).expect_err("a fault");
        }
    }
}

#[test]
fn names_are_found() {
    assert_eq!(find("openai-compatible").map(Provider::name), Some("openai-compatible"));
    assert!(find("OpenAI-compatible").is_none());
}
