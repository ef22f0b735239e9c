//! Replaying answers by id, input and epoch.

use std::{path::PathBuf, sync::Arc};

use serde_json::{Value, json};

use super::*;
use crate::domain::{
    limits::Limits,
    message::Message,
    params::Params,
    sample::{Sample, Vars},
    target::{Capabilities, Endpoint, Target, Timeouts},
    trial::Status,
};

fn source() -> ReplaySource {
    ReplaySource { path: Some(PathBuf::from("a.jsonl")), key: None, output: None, model: None }
}

fn vars(value: &Value) -> Vars {
    value.as_object().expect("an object").clone()
}

fn build(rows: &[Value], source: &ReplaySource) -> Result<ReplayBook, ReplayError> {
    ReplayBook::build(rows.iter().map(|row| Ok(vars(row))), source)
}

fn call(id: &str, input: Option<&str>, vars: Vars, epoch: u32) -> Call {
    let target = Target {
        name: "old".to_owned(),
        provider: "replay",
        model: String::new(),
        base_model: None,
        limits: Limits::default(),
        endpoint: Endpoint::Replay(source()),
        params: Params::default(),
        price: None,
        capabilities: Capabilities::default(),
        timeouts: Timeouts::default(),
        max_output: None,
        fallback: Vec::new(),
        pool: Vec::new(),
    };
    let sample = Sample {
        index: 0,
        id: id.to_owned(),
        input: input.map(str::to_owned),
        expected: Vec::new(),
        vars,
        metadata: Vars::new(),
        cluster: None,
        tags: Vec::new(),
    };
    let messages: Arc<[Message]> = Arc::new([]);
    Call {
        target: Arc::new(target),
        messages,
        sample: Arc::new(sample),
        prompt: 0,
        epoch,
        requests: Call::MOST_REQUESTS,
        encoded: None,
    }
}

fn ask(book: &ReplayBook, id: &str, input: Option<&str>, epoch: u32) -> Reply {
    send(&call(id, input, Vars::new(), epoch), &source(), Some(book))
}

fn text(reply: &Reply) -> &str {
    reply.result.as_ref().expect("an answer").text.as_str()
}

fn kind(reply: &Reply) -> FaultKind {
    reply.result.as_ref().expect_err("a fault").kind
}

#[test]
fn by_id_by_input_and_by_a_named_column() {
    let rows = [
        json!({"id": 7, "input": "x", "question": "q", "response": "seven"}),
        json!({"id": "8", "input": "y", "question": "r", "response": {"a": [1]}}),
    ];
    let by_id = build(&rows, &source()).expect("a book");
    assert_eq!(text(&ask(&by_id, "7", None, 0)), "seven");
    assert_eq!(text(&ask(&by_id, "8", None, 0)), "{\"a\":[1]}");
    let missing = ask(&by_id, "9", Some("x"), 0);
    let fault = missing.result.expect_err("not recorded");
    assert_eq!(fault.kind, FaultKind::NotRecorded);
    assert_eq!(fault.message, "`a.jsonl` has no answer whose `id` is `9`");
    assert!(missing.attempts.is_empty());

    for (key, input) in [("input", "y"), ("question", "r")] {
        let by_input = ReplaySource { key: Some(key.to_owned()), ..source() };
        let book = build(&rows, &by_input).expect("a book");
        assert_eq!(text(&ask(&book, "7", Some(input), 0)), "{\"a\":[1]}");
        assert_eq!(kind(&ask(&book, "7", None, 0)), FaultKind::NotRecorded);
    }
    let only_input = [json!({"input": "x", "prediction": 3})];
    let book = build(&only_input, &source()).expect("a book");
    assert_eq!(text(&ask(&book, "any", Some("x"), 0)), "3");
}

#[test]
fn repeats_answer_epochs() {
    let counted: Vec<Value> =
        (0..30).map(|i| json!({"id": i % 3, "output": format!("{}-{}", i % 3, i / 3)})).collect();
    let book = build(&counted, &source()).expect("a book");
    for (id, epoch) in [("0", 0), ("1", 4), ("2", 9)] {
        assert_eq!(text(&ask(&book, id, None, epoch)), format!("{id}-{epoch}"));
    }
    let missing = ask(&book, "1", None, 10).result.expect_err("not recorded");
    assert!(missing.message.contains("epoch 10, but 10 of others"), "{}", missing.message);

    let named = [
        json!({"id": "a", "epoch": 1, "output": "one"}),
        json!({"id": "a", "epoch": "0", "output": "zero"}),
    ];
    let book = build(&named, &source()).expect("a book");
    assert_eq!(text(&ask(&book, "a", None, 0)), "zero");
    assert_eq!(text(&ask(&book, "a", None, 1)), "one");
}

#[test]
fn everything_recorded_comes_back() {
    let rows = [
        json!({"sample_id": "full", "model": "m", "epoch": 0, "output": "", "status": "length",
               "finish_reason": "length", "latency_ms": 401.2, "ttft_ms": 95, "cost_usd": 0.5,
               "usage": {"input": 3, "output": 4, "reasoning": 1}, "error": null}),
        json!({"sample_id": "text", "model": "m", "epoch": 0, "output": "t", "status": "ok",
               "latency_ms": "12", "usage": "{\"input\":1,\"output\":2}", "cost_usd": ""}),
        json!({"sample_id": "failed", "model": "m", "epoch": 0, "output": null, "status": "error",
               "error": {"kind": "rate_limited", "message": "slow"}, "latency_ms": 3}),
        json!({"sample_id": "strange", "model": "m", "epoch": 0, "output": null,
               "error": "boom"}),
        json!({"sample_id": "null", "model": "m", "epoch": 0, "output": null}),
    ];
    let book = build(&rows, &source()).expect("a book");
    let full = ask(&book, "full", None, 0);
    assert_eq!(Status::of(&full.result), Status::Length);
    let attempt = &full.attempts[0];
    assert_eq!((attempt.latency_us, attempt.ttft_us), (401_200, Some(95_000)));
    assert_eq!(attempt.cost, Money::from_usd(0.5));
    assert_eq!(attempt.usage.map(|usage| (usage.input, usage.reasoning)), Some((3, 1)));

    let text = ask(&book, "text", None, 0);
    assert_eq!(text.attempts[0].latency_us, 12_000);
    assert_eq!(text.attempts[0].cost, Some(Money::ZERO));
    assert_eq!(text.result.expect("an answer").usage.map(|usage| usage.output), Some(2));

    let failed = ask(&book, "failed", None, 0);
    assert_eq!((kind(&failed), failed.attempts.len()), (FaultKind::RateLimited, 1));
    assert_eq!(kind(&ask(&book, "strange", None, 0)), FaultKind::NotRecorded);
    assert_eq!(kind(&ask(&book, "null", None, 0)), FaultKind::NotRecorded);
}

#[test]
fn models_in_one_file() {
    let rows = [
        json!({"id": 1, "model": "a", "output": "from a"}),
        json!({"id": 1, "model": "b", "output": "from b"}),
    ];
    let of = |model: Option<&str>| ReplaySource { model: model.map(str::to_owned), ..source() };
    let book = build(&rows, &of(Some("b"))).expect("a book");
    assert_eq!(text(&ask(&book, "1", None, 0)), "from b");
    let refused = |source| build(&rows, &source).expect_err("refused").to_string();
    assert!(refused(of(None)).contains("(`a`, `b`)"));
    assert!(refused(of(Some("c"))).contains("no rows of the model `c`"));
}

#[test]
fn unusable_files_say_why() {
    let refused = |rows: &[Value]| build(rows, &source()).expect_err("refused").to_string();
    let message = refused(&[json!({"q": 1, "output": "x"})]);
    assert!(
        message.contains("`sample_id`, `id` or `input`") && message.contains("(`q`, `output`)")
    );
    let message = refused(&[json!({"id": 1, "answers": "x"})]);
    assert!(message.contains("row 1") && message.contains("`completion`"), "{message}");
    let message = refused(&[json!({"id": 1, "output": "x"}), json!({"output": "x"})]);
    assert!(message.contains("row 2") && message.contains("no `id`"), "{message}");
    let twice = json!({"id": 1, "epoch": 0, "output": "x"});
    assert!(refused(&[twice.clone(), twice]).contains("row 2 answers `1` in epoch 0"));
    assert!(refused(&[json!({"id": 1, "epoch": -1, "output": "x"})]).contains("`-1`"));
    assert!(refused(&[]).contains("no rows"));
    let broken = ReplayBook::build([Err("bad JSON".to_owned())].into_iter(), &source());
    assert_eq!(broken.expect_err("refused").to_string(), "read row 1: bad JSON");
    let unopened = send(&call("1", None, Vars::new(), 0), &source(), None);
    assert_eq!(kind(&unopened), FaultKind::NotRecorded);
}

#[test]
fn answers_in_the_dataset_itself() {
    let row = vars(&json!({
        "175b_verification": {"solution": "A: 18", "list": [{"x": "y"}]},
        "a.b": "literal", "a": {"b": "nested", "c.d": "dotted"}, "output": "plain",
    }));
    let read = |output: Option<&str>| {
        let source = ReplaySource { path: None, output: output.map(str::to_owned), ..source() };
        let reply = send(&call("s", None, row.clone(), 0), &source, None);
        reply.result.map_err(|fault| fault.message).map(|generation| generation.text)
    };
    let cases = [
        (Some("175b_verification.solution"), "A: 18"),
        (Some("175b_verification.list.0.x"), "y"),
        (Some("a.b"), "literal"),
        (Some("a.c.d"), "dotted"),
        (None, "plain"),
    ];
    for (output, expected) in cases {
        assert_eq!(read(output).as_deref(), Ok(expected));
    }
    assert_eq!(read(Some("a.z")), Err("the sample `s` has no `a.z`".to_owned()));
}
