//! What happens when providers fail: a test a row of the project's matrix of faults, through the
//! built program, against a server that misbehaves as it is told.
//!
//! Nothing here depends on how fast the machine is: counts and orders are the server's, and of times
//! it is only asked whether something came too early.

mod limits;
mod network;
mod replies;
mod together;

use std::{
    collections::HashMap,
    fs,
    io::Write as _,
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use evals::base::clock;
use serde_json::{Value, json};

use crate::{
    http::{interruptible, read_until},
    support::{
        Evals, Nobody, Output, Project, Request, Response, Stub, openai_chat, openai_error,
        openai_stream,
    },
};

const KEY: &str = "sk-test-4f9d1c77e0b24a0aa1";

/// Small waits, and no breaker.
const QUICK: &str = "retry: {base: 1ms, cap: 5ms, breaker: 0s}";

/// A project of `n` rows `q0,a0` … and these models; `more` are further lines of the config.
fn project(models: &[String], n: usize, more: &[&str]) -> Project {
    let project = Project::new();
    let rows: Vec<String> = (0..n).map(|i| format!("{i},q{i},a{i}\n")).collect();
    project.write("rows.csv", format!("id,question,answer\n{}", rows.concat()));
    let models: Vec<String> = models.iter().map(|model| format!("  - {{{model}}}\n")).collect();
    let (models, more) = (models.concat(), more.join("\n"));
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.csv, expected: answer}}\nprompts: ['{{{{question}}}}']\n\
             models:\n{models}scorers: [exact_match]\n{more}\n"
        ),
    );
    project
}

/// A model called `id` at `stub`; `more` are further fields.
fn model(id: &str, stub: &Stub, more: &str) -> String {
    let base = stub.base_url();
    format!("id: {id}, provider: openai-compatible, base_url: '{base}', model: {id}, {more}")
}

/// The model of most tests: one request at a time, whole answers.
fn one_at_a_time(stub: &Stub) -> String {
    model("local", stub, "stream: false, limits: {concurrency: 1}")
}

fn run(project: &Project) -> Output {
    project.evals().args(["run", "--format", "json"]).env("TEST_KEY", KEY).run()
}

fn exported(project: &Project) -> Vec<Value> {
    project.evals().args(["export", "last"]).run().ok().json_lines()
}

/// `a7` for the question `q7`.
fn right(request: &Request) -> Response {
    openai_chat(&request.last_user().replace('q', "a"), (3, 4))
}

fn streamed(request: &Request) -> Response {
    let answer = request.last_user().replace('q', "a");
    let (front, back) = answer.split_at(1);
    openai_stream(&[front, back], (3, 4))
}

fn limited() -> Response {
    openai_error(429, "slow down", "rate_limit_exceeded")
}

fn oops(status: u16) -> Response {
    openai_error(status, "oops", "server_error")
}

/// A whole reply with this body and nothing that says what it is.
fn full(body: &str) -> Response {
    Response::Full { status: 200, headers: Vec::new(), body: body.into() }
}

/// From the request `nth` to the one after it.
fn gap(stub: &Stub, nth: usize) -> Duration {
    let requests = stub.requests();
    requests[nth + 1].at.duration_since(requests[nth].at)
}

/// From `begun` to the last request.
fn until_the_last(stub: &Stub, begun: Instant) -> Duration {
    stub.requests().last().expect("requests").at.duration_since(begun)
}

/// How often each question was asked before.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<HashMap<String, usize>>>);

impl Asked {
    fn before(&self, request: &Request) -> usize {
        let mut asked = self.0.lock().unwrap();
        let times = asked.entry(request.last_user()).or_default();
        *times += 1;
        *times - 1
    }
}

/// A server that gives each question `bad` the first time, and `good` from then on.
fn bad_once(
    good: fn(&Request) -> Response,
    bad: impl Fn(&Request) -> Response + Send + Sync + 'static,
) -> Stub {
    let asked = Asked::default();
    Stub::start(
        move |request, _| if asked.before(request) == 0 { bad(request) } else { good(request) },
    )
}

/// The beginning of a stream that has said `half`, as bytes.
fn half_a_stream() -> String {
    let chunk = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"}}]}\n\n";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked";
    format!("{head}\r\n\r\n{:x}\r\n{chunk}\r\n", chunk.len())
}

/// The first `n` events of the right stream.
fn first_events(request: &Request, n: usize) -> Vec<String> {
    let Response::Events(mut events) = streamed(request) else { unreachable!("a stream") };
    events.truncate(n);
    events
}

/// A column of all attempts of the only run, in order.
fn attempts<T: rusqlite::types::FromSql>(project: &Project, column: &str) -> Vec<T> {
    let database = rusqlite::Connection::open(project.path(".evals/runs.db")).expect("a database");
    let query = format!("SELECT {column} FROM attempts ORDER BY seq, attempt");
    let mut query = database.prepare(&query).expect("a query");
    let rows = query.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("a value")).collect()
}

/// What became of all attempts of the only run, in order; nothing of those that were answered.
fn kinds(project: &Project) -> Vec<Option<String>> {
    attempts(project, "error_kind")
}

/// How many requests each trial took, in order.
fn made(project: &Project) -> Vec<Value> {
    exported(project).iter().map(|line| line["attempts"].clone()).collect()
}

#[track_caller]
fn all_ok(project: &Project) -> Value {
    let json = run(project).ok().json();
    assert_eq!(json["trials"]["error"], 0, "{json}");
    assert_eq!(json["results"][0]["value"], 1.0, "{json}");
    json
}

/// The wait is the server's, to the millisecond and no less.
#[test]
fn row_01_rate_limited_with_retry_after() {
    let stub = Stub::start(move |request, nth| {
        if nth == 0 { limited().with_header("retry-after", "1.25") } else { right(request) }
    });
    let project = project(&[one_at_a_time(&stub)], 2, &[QUICK]);
    all_ok(&project);
    assert!(gap(&stub, 0) >= Duration::from_millis(1_250), "{:?}", gap(&stub, 0));
    assert_eq!(stub.requests().len(), 3);
    let mut kinds = kinds(&project);
    kinds.sort();
    assert_eq!(kinds, [None, None, Some("rate_limited".to_owned())]);
    assert_eq!(attempts::<Option<i64>>(&project, "retry_after_ms").iter().flatten().count(), 1);
    let waited: Vec<i64> = attempts(&project, "max(backoff_us, queued_us)");
    assert!(waited.iter().any(|us| *us >= 1_250_000), "{waited:?}");
    let latencies: Vec<i64> = attempts(&project, "latency_us");
    assert_eq!(latencies.len(), 3);
    let answer =
        exported(&project).iter().map(|line| line["attempts"].clone()).max_by_key(Value::as_u64);
    assert_eq!(answer, Some(json!(2)));
}

#[test]
fn row_02_retry_after_as_a_date() {
    // The server lives in 2037, and its dates are read by its own clock (row 35).
    let dated = |retry_after: &str| {
        limited()
            .with_header("date", "Wed, 21 Oct 2037 07:25:00 GMT")
            .with_header("retry-after", retry_after)
    };
    let stub = Stub::start(move |request, nth| match nth {
        0 => dated("Wed, 21 Oct 2037 07:25:02 GMT"),
        1 => dated("Wed, 21 Oct 2037 07:24:00 GMT"),
        _ => right(request),
    });
    let project = project(&[one_at_a_time(&stub)], 1, &[QUICK]);
    all_ok(&project);
    assert!(gap(&stub, 0) >= Duration::from_secs(2), "{:?}", gap(&stub, 0));
    assert_eq!(stub.requests().len(), 3);
    let told: Vec<Option<i64>> = attempts(&project, "retry_after_ms");
    assert_eq!(told, [Some(2_000), None, None], "a date that is past asks for nothing");
}

#[test]
fn row_03_a_long_wait_parks_its_account_only() {
    let stub = Stub::start(|request, _| match request.json()["model"].as_str() {
        Some("busy") => limited().with_header("retry-after", "900"),
        _ => streamed(request),
    });
    let busy = model("busy", &stub, "limits: {concurrency: 1}, api_key: '${TEST_KEY}'");
    let project = project(&[busy, model("free", &stub, "stream: true")], 5, &[QUICK]);
    let (running, mut pipe) = interruptible(&project, &[("TEST_KEY", KEY)]);
    read_until(&mut pipe, "asks to wait 15 min; its trials wait until then, others go on");
    stub.wait_for(6);
    running.signal("INT");
    read_until(&mut pipe, "interrupted");
    running.wait().code(130);
    let of = |model: &str| {
        stub.requests().iter().filter(|request| request.json()["model"] == model).count()
    };
    assert_eq!((of("busy"), of("free")), (1, 5));

    // A pause is the account's: another run on this machine keeps it as well.
    fs::remove_file(project.path("stderr")).expect("the old pipe");
    let (running, mut pipe) = interruptible(&project, &[("TEST_KEY", KEY)]);
    read_until(&mut pipe, "was told to wait");
    stub.wait_for(11);
    running.signal("INT");
    read_until(&mut pipe, "interrupted");
    running.wait().code(130);
    assert_eq!((of("busy"), of("free")), (1, 10));
}

#[test]
fn row_04_rate_limits_without_an_end() {
    let stub = Stub::start(|_, _| limited());
    let project = project(&[one_at_a_time(&stub)], 1, &[QUICK]);
    let json = run(&project).code(3).json();
    assert_eq!(json["errors"], json!({"rate_limited": 1}));
    assert_eq!(stub.requests().len(), 9, "and no more");
    assert_eq!(kinds(&project), vec![Some("rate_limited".to_owned()); 9]);
}

#[test]
fn row_05_no_credit_left() {
    let stub =
        Stub::start(|_, _| openai_error(429, "You exceeded your quota", "insufficient_quota"));
    let project = project(&[one_at_a_time(&stub)], 50, &[QUICK]);
    let output = run(&project).code(3).complains("has no credit left");
    assert_eq!(output.json()["errors"], json!({"quota": 50}));
    assert_eq!(output.stderr.matches("no credit left").count(), 1, "said once");
    assert_eq!(stub.requests().len(), 1);
}

#[test]
fn row_06_what_is_used_up_is_waited_for() {
    let stub = Stub::start(move |request, nth| {
        let left = if nth == 0 { "0" } else { "59" };
        right(request)
            .with_header("x-ratelimit-limit-requests", "60")
            .with_header("x-ratelimit-remaining-requests", left)
            .with_header("x-ratelimit-reset-requests", "1.5s")
    });
    let project = project(&[one_at_a_time(&stub)], 3, &[QUICK]);
    all_ok(&project);
    assert!(gap(&stub, 0) >= Duration::from_millis(1_500), "{:?}", gap(&stub, 0));
    assert_eq!(stub.requests().len(), 3, "nobody had to say 429");
}

#[test]
fn row_07_servers_that_fail_once() {
    let stub = bad_once(right, |request| {
        oops(match request.last_user().as_str() {
            "q0" => 500,
            "q1" => 502,
            "q2" => 504,
            _ => 408,
        })
    });
    let project = project(&[one_at_a_time(&stub)], 4, &[QUICK]);
    all_ok(&project);
    assert_eq!(stub.requests().len(), 8);
    let statuses: Vec<i64> = attempts(&project, "http_status");
    assert_eq!(statuses, [500, 200, 502, 200, 504, 200, 408, 200]);
}

#[test]
fn row_08_overload_with_retry_after() {
    let stub = Stub::start(move |request, nth| match nth {
        0 => oops(503).with_header("retry-after-ms", "1100"),
        1 => openai_error(529, "overloaded", "overloaded_error").with_header("retry-after", "1"),
        _ => right(request),
    });
    let project = project(&[one_at_a_time(&stub)], 1, &[QUICK]);
    all_ok(&project);
    assert!(gap(&stub, 0) >= Duration::from_millis(1_100), "{:?}", gap(&stub, 0));
    assert!(gap(&stub, 1) >= Duration::from_secs(1), "{:?}", gap(&stub, 1));
}

/// Every failure is one request: while the account is out, nobody but the probe asks.
#[test]
fn row_09_an_outage_is_waited_for() {
    let stub = Stub::start(|request, nth| if nth < 16 { oops(503) } else { right(request) });
    // One call alone is not to have all of the first ten failures, however slowly the others come.
    let retry = "retry: {transient: 8, base: 100ms, cap: 200ms, breaker: 20ms}";
    let project = project(&[one_at_a_time(&stub)], 40, &[retry]);
    let output = run(&project).ok().complains("only fails").complains("is back after");
    assert_eq!(output.json()["trials"], json!({"total": 40, "ok": 40, "error": 0, "cached": 0}));
    assert_eq!(stub.requests().len(), 16 + 40);
    let seen =
        [output.stderr.matches("only fails").count(), output.stderr.matches("is back").count()];
    assert_eq!(seen, [1, 1], "announced once: {}", output.stderr);
}

#[test]
fn row_10_an_outage_longer_than_allowed() {
    let stub = Stub::start(|_, _| oops(503));
    let retry = "retry: {transient: 8, base: 100ms, cap: 200ms, breaker: 30ms}";
    let project = project(&[one_at_a_time(&stub)], 50, &[retry]);
    let run = ["run", "--format", "json", "--max-outage", "100ms"];
    let output = project.evals().args(run).run().code(3).complains("out for longer than 100 ms");
    let json = output.json();
    assert_eq!(json["status"], "incomplete");
    assert_eq!(json["errors"], json!({"outage": 50}));
    assert!(project.files().iter().any(|file| file.contains(".evals/reports/")));
}

#[test]
fn row_11_a_key_that_is_refused() {
    let stub = Stub::start(|request, _| match request.header("authorization") {
        Some(_) => openai_error(401, &format!("Incorrect API key: {KEY}"), "invalid_api_key"),
        None => right(request),
    });
    let refused = model("refused", &stub, "api_key: '${TEST_KEY}', limits: {concurrency: 1}");
    let project = project(&[refused, model("open", &stub, "stream: false")], 30, &[QUICK]);
    let output = run(&project).code(3).complains("refuses the credential").complains("****");
    assert_eq!(output.json()["errors"], json!({"auth": 30}));
    assert!(!output.stderr.contains(KEY), "{}", output.stderr);
    let with_key = stub.requests().iter().filter(|r| r.header("authorization").is_some()).count();
    assert_eq!((with_key, stub.requests().len()), (1, 31));
}

#[test]
fn row_13_requests_that_are_wrong_stay_wrong() {
    let stub = Stub::start(|request, _| match request.last_user().as_str() {
        "q0" => openai_error(400, "maximum context length is 8", "context_length_exceeded"),
        "q1" => openai_error(422, "no such field", "invalid_request_error"),
        "q2" => openai_error(400, "not that", "content_filter"),
        "q3" => openai_error(403, "not you", "forbidden"),
        _ => right(request),
    });
    let wrong = project(&[one_at_a_time(&stub)], 5, &[QUICK]);
    run(&wrong).code(3);
    let lines = exported(&wrong);
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["error"]["kind"].as_str()).collect();
    assert_eq!(kinds, ["context_length", "bad_request", "content_filter", "auth"]);
    assert_eq!(stub.requests().len(), 5);

    let stub = Stub::start(|request, _| match request.json()["model"].as_str() {
        Some("gone") => openai_error(404, "no such model", "model_not_found"),
        _ => right(request),
    });
    let models = [
        model("gone", &stub, "stream: false, limits: {concurrency: 1}"),
        model("here", &stub, "stream: false"),
    ];
    let missing = project(&models, 30, &[QUICK]);
    let output = run(&missing).code(3).complains("has no model for `gone`");
    assert_eq!(output.json()["errors"], json!({"bad_request": 30}));
    assert_eq!(stub.requests().len(), 31, "one for the model that is not there");
}

#[test]
fn row_14_errors_inside_a_200() {
    let asked = Asked::default();
    let stub = Stub::start(move |request, _| match request.last_user().as_str() {
        "q0" if asked.before(request) < 5 => {
            Response::json(200, &json!({"error": {"message": "slow", "code": 429}}))
        }
        "q1" => Response::json(200, &json!({"error": {"message": "boom", "code": null}})),
        "q2" => Response::json(200, &json!({"choices": []})),
        _ => right(request),
    });
    let project = project(&[one_at_a_time(&stub)], 3, &[QUICK]);
    let json = run(&project).code(3).json();
    assert_eq!(json["trials"], json!({"total": 3, "ok": 1, "error": 2, "cached": 0}));
    assert_eq!(json["errors"], json!({"protocol": 2}));
    assert_eq!(made(&project), [6, 2, 2]);
}
