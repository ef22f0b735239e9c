//! `evals run` over HTTP: a scripted server stands for the provider.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
};

use serde_json::{Value, json};

use crate::support::{
    Aimock, Evals, Nobody, Output, Project, Request, Response, Running, Stub, openai_chat,
    openai_error, openai_stream, skipped,
};

const KEY: &str = "sk-test-4f9d1c77e0b24a0aa1";

/// A project of `n` rows `q0,a0` … whose model `local` is at `base_url`; `more` are further lines of
/// the model.
fn project(base_url: &str, n: usize, more: &[&str]) -> Project {
    let project = Project::new();
    let rows: Vec<String> = (0..n).map(|i| format!("{i},q{i},a{i}\n")).collect();
    let rows = rows.concat();
    project.write("rows.csv", format!("id,question,answer\n{rows}"));
    let more: Vec<String> = more.iter().map(|line| format!("    {line}\n")).collect();
    let more = more.concat();
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.csv, expected: answer}}\nprompts: ['{{{{question}}}}']\n\
             models:\n  - id: local\n    provider: openai-compatible\n    base_url: {base_url}\n    \
             model: vendor/m1\n{more}scorers: [exact_match]\nretry: {{base: 1ms, cap: 5ms, breaker: 0s}}\n"
        ),
    );
    project
}

fn run(project: &Project) -> Output {
    project.evals().args(["run", "--format", "json"]).env("TEST_KEY", KEY).run()
}

fn exported(project: &Project) -> Vec<Value> {
    project.evals().args(["export", "last"]).run().ok().json_lines()
}

/// `a7` for the question `q7`.
fn right(request: &Request) -> String {
    request.last_user().replace('q', "a")
}

fn streamed(request: &Request) -> Response {
    let answer = right(request);
    let (front, back) = answer.split_at(1);
    openai_stream(&[front, back], (1000, 500))
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn answers_are_streamed_unless_told_otherwise() {
    let stub = Stub::start(|request, _| streamed(request));
    let project = project(&stub.base_url(), 3, &[]);
    let json = run(&project).ok().json();
    assert_eq!(json["results"][0]["value"], 1.0);
    assert!(json["latency_ms"][0]["ttft_p50"].is_number(), "{json}");

    let requests = stub.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!((&*request.method, &*request.path), ("POST", "/v1/chat/completions"));
        assert_eq!(request.header("authorization"), None, "no key is named");
        assert_eq!(request.header("referer"), None);
        let body = request.json();
        assert_eq!(keys(&body), ["messages", "model", "stream", "stream_options"]);
        assert_eq!(body["model"], "vendor/m1");
        assert_eq!(body["stream"], true);
    }
    for line in exported(&project) {
        assert_eq!(line["finish_reason"], "stop");
        assert_eq!(line["usage"]["input"], 1000);
        assert!(line["ttft_ms"].as_f64() <= line["latency_ms"].as_f64(), "{line}");
    }
}

#[test]
fn whole_answers_are_asked_for_with_stream_false() {
    let stub = Stub::start(|request, _| openai_chat(&right(request), (3, 4)));
    let more = ["stream: false", "params: {temperature: 0, max_tokens: 5, extra: {top_a: 1}}"];
    let project = project(&stub.base_url(), 2, &more);
    let json = run(&project).ok().json();
    assert_eq!(json["results"][0]["value"], 1.0);
    let mut body = stub.requests()[0].json();
    let body = body.as_object_mut().unwrap();
    assert_ne!(body.remove("stream"), Some(json!(true)));
    let asked = json!({
        "model": "vendor/m1", "temperature": 0.0, "max_tokens": 5, "top_a": 1,
        "messages": [{"role": "user", "content": body["messages"][0]["content"]}],
    });
    let mut asked = asked.as_object().unwrap().clone();
    for (key, value) in body.iter() {
        assert_eq!(asked.remove(key).as_ref(), Some(value), "{key}");
    }
    assert!(asked.is_empty(), "not sent: {asked:?}");
    assert_eq!(exported(&project)[0]["ttft_ms"], Value::Null, "unknown without a stream");
}

#[test]
fn the_completion_flavour_asks_with_a_prompt() {
    let stub = Stub::start(|request, _| {
        let answer = request.json()["prompt"].as_str().unwrap_or_default().replace('q', "a");
        let choice = json!({"index": 0, "text": answer, "finish_reason": "stop"});
        let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
        Response::json(
            200,
            &json!({"object": "text_completion", "choices": [choice], "usage": usage}),
        )
    });
    let project = project(&stub.base_url(), 2, &["flavour: completion", "stream: false"]);
    let json = run(&project).ok().json();
    assert_eq!(json["results"][0]["value"], 1.0);
    assert!(stub.requests().iter().all(|request| request.path == "/v1/completions"));
    assert_eq!(stub.requests()[0].json()["messages"], Value::Null);
}

#[test]
fn the_key_goes_into_the_header_and_nowhere_else() {
    let stub = Stub::start(|request, _| streamed(request));
    let more = ["api_key: ${TEST_KEY}", "headers: {X-Team: '${TEST_KEY}'}"];
    let project = project(&stub.base_url(), 2, &more);
    let output = run(&project).ok();
    for request in stub.requests() {
        assert_eq!(request.header("authorization"), Some(&*format!("Bearer {KEY}")));
        assert_eq!(request.header("x-team"), Some(KEY));
    }
    holds_no_key(&project, &output);
}

#[test]
fn row_36_a_key_that_the_server_repeats_in_an_error_is_not_kept() {
    let stub = Stub::start(|request, _| match request.last_user().as_str() {
        // A 401 would be the last thing that is sent.
        "q0" => openai_error(400, &format!("You are {KEY}."), KEY),
        "q1" => Response::Raw(format!("HTTP/1.1 502 {KEY}\r\n\r\n<p>Bearer {KEY}</p>").into()),
        "q2" => Response::Full {
            status: 302,
            headers: vec![("location".to_owned(), format!("http://127.0.0.1:9/?key={KEY}"))],
            body: KEY.into(),
        },
        _ => Response::Events(vec![format!("{{\"error\": {{\"message\": \"{KEY}\"}}}}")]),
    });
    let project = project(&stub.base_url(), 4, &["api_key: ${TEST_KEY}"]);
    let output = run(&project).code(3);
    holds_no_key(&project, &output);
    let noted: Vec<Value> = exported(&project).iter().map(|line| line["masked"].clone()).collect();
    // Of a redirect nothing is kept that could hold it.
    assert_eq!(noted, [json!(true), json!(true), Value::Null, json!(true)]);
}

#[test]
fn row_36_a_key_that_the_server_repeats_in_an_answer_is_not_kept() {
    let stub = Stub::start(|request, nth| {
        let said = request.header("authorization").unwrap_or_default();
        let (front, back) = said.split_at(said.len() - 9);
        match nth % 2 {
            0 => openai_chat(said, (1, 1)),
            _ => openai_stream(&[front, back], (1, 1)),
        }
    });
    let project = project(&stub.base_url(), 2, &["api_key: ${TEST_KEY}"]);
    let output = run(&project).ok();
    holds_no_key(&project, &output);
    assert!(exported(&project).iter().all(|line| line["masked"] == true), "the change is noted");
}

/// Neither the outputs nor any file but the config's own hold the key.
#[track_caller]
fn holds_no_key(project: &Project, output: &Output) {
    let show = project.evals().args(["show", "--trials"]).run().ok();
    let export = project.evals().arg("export").run().ok();
    for output in [output, &show, &export] {
        let printed = [&output.stdout, &output.stderr].iter().any(|text| text.contains(KEY));
        assert!(!printed, "the key is printed: {output:?}");
    }
    let files = project.files();
    assert!(files.iter().any(|file| file.contains(".evals/reports/")), "{files:?}");
    for file in files {
        let bytes = fs::read(project.path(&file)).expect("a file");
        let found = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
        assert!(!found, "the key stands in `{file}`");
    }
}

#[test]
fn tokens_become_cost_by_the_price() {
    let stub = Stub::start(|request, _| streamed(request));
    let project = project(&stub.base_url(), 3, &["price: {input: 1, output: 2}"]);
    let json = run(&project).ok().json();
    let cost = &json["cost_usd"];
    assert_eq!(cost["unpriced_calls"], 0);
    assert_eq!(cost["models"], 0.006, "3 x (1,000 at $1 and 500 at $2 per million)");
    assert!(exported(&project).iter().all(|line| line["cost_usd"] == 0.002));
}

#[test]
fn unknown_tokens_are_an_unknown_cost() {
    let silent = |request: &Request| {
        let message = json!({"role": "assistant", "content": right(request)});
        let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
        Response::json(200, &json!({"choices": [choice]}))
    };
    let stub = Stub::start(move |request, _| silent(request));
    let priced = project(&stub.base_url(), 2, &["price: {input: 1, output: 2}", "stream: false"]);
    let json = run(&priced).ok().json();
    assert_eq!(json["cost_usd"]["models"], Value::Null);
    assert_eq!(json["cost_usd"]["unpriced_calls"], 2);
    assert_eq!(exported(&priced)[0]["cost_usd"], Value::Null);
    assert_eq!(exported(&priced)[0]["usage"], Value::Null);

    let stub = Stub::start(|request, _| streamed(request));
    let unpriced = project(&stub.base_url(), 2, &[]);
    let json = run(&unpriced).ok().json();
    assert_eq!(json["cost_usd"]["models"], Value::Null);
    assert_eq!(json["cost_usd"]["unpriced_calls"], 2);
}

#[test]
fn a_failed_call_is_recorded_by_its_kind_and_the_others_go_on() {
    let stub = Stub::start(|request, _| match request.last_user().as_str() {
        "q0" => openai_error(403, "not yours", "forbidden"),
        "q1" => openai_error(429, "slow down", "rate_limit_exceeded"),
        "q2" => openai_error(500, "oops", "server_error"),
        "q3" => Response::json(200, &json!({"error": {"message": "boom", "code": null}})),
        "q4" => {
            let Response::Events(mut events) = openai_stream(&["a", "4"], (1, 1)) else {
                unreachable!("a stream")
            };
            events.truncate(2);
            Response::Events(events)
        }
        "q5" => Response::Reset,
        "q6" => Response::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>".to_vec()),
        "q7" => openai_error(400, "maximum context length is 8", "context_length_exceeded"),
        _ => streamed(request),
    });
    let project = project(&stub.base_url(), 12, &[]);
    let json = run(&project).code(3).json();
    assert_eq!(json["status"], "incomplete");
    assert_eq!(json["trials"], json!({"total": 12, "ok": 4, "error": 8, "cached": 0}));
    assert_eq!((&json["results"][0]["n"], &json["results"][0]["value"]), (&json!(4), &json!(1.0)));
    let lines = exported(&project);
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["error"]["kind"].as_str()).collect();
    let expected = [
        "auth",
        "rate_limited",
        "transient",
        "protocol",
        "truncated",
        "transient",
        "protocol",
        "context_length",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(json["errors"]["transient"], 2);
    assert!(lines[1]["error"]["message"].as_str().unwrap().contains("slow down"), "{}", lines[1]);
    assert_eq!(lines[4]["output"], Value::Null, "half an answer is none");
}

#[test]
fn an_endpoint_that_nobody_listens_at_makes_every_trial_an_error() {
    let nobody = Nobody::new();
    let project = project(&nobody.base_url(), 5, &[]);
    let output = run(&project).code(3);
    let json = output.json();
    assert_eq!(json["trials"], json!({"total": 5, "ok": 0, "error": 5, "cached": 0}));
    assert_eq!(json["errors"], json!({"transient": 5}));
    assert_eq!(json["results"][0]["value"], Value::Null);
    assert_eq!(exported(&project).len(), 5);
    // The same for people: the exit code is no gate's, and the table says what happened.
    let table = project.evals().args(["run", "--gate", "exact_match.mean >= 0.5"]).run().code(3);
    table.says("transient");
}

#[test]
fn redirects_are_not_followed() {
    let other = Stub::start(|request, _| streamed(request));
    let to = other.base_url();
    let stub = Stub::start(move |_, _| {
        Response::json(307, &json!({})).with_header("location", &format!("{to}/chat/completions"))
    });
    let project = project(&stub.base_url(), 2, &["api_key: ${TEST_KEY}"]);
    let json = run(&project).code(3).json();
    assert_eq!(json["errors"], json!({"redirect_refused": 2}));
    assert_eq!(other.connections(), 0);
}

/// A run whose stderr is a named pipe, so that the test learns when a signal has arrived.
pub(crate) fn interruptible(
    project: &Project,
    variables: &[(&str, &str)],
) -> (Running, BufReader<fs::File>) {
    Evals::program("/bin/sh", project).args(["-c", "mkfifo stderr"]).run().ok();
    let script = "exec \"$0\" run -j 2 --no-cache --format json 2>stderr";
    let shell = Evals::program("/bin/sh", project).args([
        OsString::from("-c"),
        script.into(),
        env!("CARGO_BIN_EXE_evals").into(),
    ]);
    let shell = variables.iter().fold(shell, |shell, (name, value)| shell.env(name, value));
    let running = shell.spawn();
    let pipe = fs::File::open(project.path("stderr")).expect("the pipe opens");
    (running, BufReader::new(pipe))
}

/// Reads lines until one of them has `wanted`.
#[track_caller]
pub(crate) fn read_until(pipe: &mut BufReader<fs::File>, wanted: &str) {
    let mut seen = String::new();
    while !seen.contains(wanted) {
        let read = pipe.read_line(&mut seen).expect("text");
        assert!(read > 0, "no {wanted:?} in {seen}");
    }
}

#[test]
fn ctrl_c_waits_for_the_answers_that_are_under_way() {
    let stub = Stub::start(|request, _| streamed(request).held());
    let project = project(&stub.base_url(), 100, &[]);
    let (running, mut pipe) = interruptible(&project, &[]);
    stub.wait_for(2);
    running.signal("INT");
    read_until(&mut pipe, "stopping");
    stub.release();
    read_until(&mut pipe, "2 of 100 trials");
    let output = running.wait().code(130);
    assert_eq!(output.json()["status"], "interrupted");
    assert_eq!(stub.requests().len(), 2, "nothing was asked after Ctrl-C");
    // Which two of the trials in flight were asked first is the scheduler's affair.
    let outputs: Vec<Value> =
        exported(&project).iter().map(|line| line["output"].clone()).collect();
    assert_eq!(outputs.len(), 2);
    assert!(outputs.iter().all(|output| output.as_str().is_some_and(|text| text.starts_with('a'))));
    let listed = project.evals().args(["list", "--format", "json"]).run().ok().json();
    assert_eq!(listed[0]["status"], "interrupted");
}

#[test]
fn a_second_ctrl_c_quits_at_once() {
    let stub = Stub::start(|request, nth| match nth {
        0 | 1 => streamed(request),
        _ => streamed(request).held(),
    });
    let project = project(&stub.base_url(), 100, &[]);
    let (running, mut pipe) = interruptible(&project, &[]);
    stub.wait_for(4);
    // Answers are in the store while the run goes on; each look at them takes a program's start.
    let stored = || exported(&project).iter().filter(|line| line["status"] == "ok").count();
    assert!((0..200).any(|_| stored() == 2), "the first two answers are not stored");
    running.signal("INT");
    read_until(&mut pipe, "stopping");
    running.signal("INT");
    // The stub holds its replies for longer than any test may take.
    running.wait().code(130);
    assert_eq!(stored(), 2, "what was answered before is kept");
}

#[test]
fn an_interrupted_run_goes_on_where_it_stopped() {
    let stub = Stub::start(|request, nth| match nth {
        0..30 => streamed(request),
        30 | 31 => streamed(request).held(),
        _ => streamed(request),
    });
    let project = project(&stub.base_url(), 100, &[]);
    let (running, mut pipe) = interruptible(&project, &[]);
    stub.wait_for(32);
    running.signal("INT");
    read_until(&mut pipe, "stopping");
    stub.release();
    read_until(&mut pipe, "to go on: evals resume");
    running.wait().code(130);

    let resume = ["resume", "last", "--format", "json"];
    let json = project.evals().args(resume).run().ok().json();
    assert_eq!(json["trials"], json!({"total": 100, "ok": 100, "error": 0, "cached": 0}));
    assert_eq!(json["results"][0]["value"], 1.0);
    assert_eq!(stub.requests().len(), 100, "no trial is called twice");
    let mut asked: Vec<String> = stub.requests().iter().map(Request::last_user).collect();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 100);
    let samples: Vec<Value> =
        exported(&project).iter().map(|line| line["sample_id"].clone()).collect();
    let planned: Vec<Value> = (0..100).map(|row| json!(row.to_string())).collect();
    assert_eq!(samples, planned, "in the order of the plan");
    project.evals().args(resume).run().code(2).complains("nothing is left to do");
}

#[test]
fn aimock_is_asked_with_and_without_streaming() {
    let fixtures = json!({"fixtures": [
        {"match": {"userMessage": "q0"}, "response": {"content": "a0"}},
        {"match": {"userMessage": "q1"}, "response": {"content": "It is a1, I think."}},
    ]});
    let Some(aimock) = Aimock::start(&fixtures) else { return };
    for more in ["stream: true", "stream: false"] {
        let project = project(&aimock.base_url(), 2, &[more]);
        let json = run(&project).ok().json();
        assert_eq!(json["results"][0]["value"], 0.5, "{more}");
        let lines = exported(&project);
        assert_eq!(lines[0]["output"], "a0", "{more}");
        assert_eq!(lines[1]["output"], "It is a1, I think.", "{more}");
    }
}

/// Both interfaces of `OpenAI`, both of Azure, and a gateway: each at its own paths.
#[test]
fn aimock_is_asked_as_openai_azure_and_openrouter() {
    let fixtures = json!({"fixtures": [
        {"match": {"userMessage": "q0"}, "response": {"content": "a0 ☃"}},
    ]});
    let Some(aimock) = Aimock::start(&fixtures) else { return };
    let root = aimock.base_url().trim_end_matches("/v1").to_owned();
    for stream in [true, false] {
        let project = project(&aimock.base_url(), 1, &[]);
        let models = [
            "provider: openai, base_url: ROOT/v1, model: gpt-4o-mini",
            "provider: openai, base_url: ROOT/v1, model: gpt-5-mini, flavour: responses",
            "provider: azure, base_url: ROOT, model: gpt-4o, deployment: d, api_version: 2024-10-21",
            "provider: azure, base_url: ROOT, model: gpt-4o",
            "provider: openrouter, base_url: ROOT/api/v1, model: openai/gpt-4o",
        ];
        let models = models.iter().enumerate().map(|(i, model)| {
            let model = model.replace("ROOT", &root);
            format!("  - {{id: m{i}, {model}, api_key: '${{TEST_KEY}}', stream: {stream}}}\n")
        });
        let models: String = models.collect();
        project.write(
            "evals.yaml",
            format!(
                "dataset: {{path: rows.csv, expected: answer}}\nprompts: ['{{{{question}}}}']\n\
                 models:\n{models}scorers: [contains]\n"
            ),
        );
        run(&project).ok();
        let lines = exported(&project);
        assert_eq!(lines.len(), 5);
        for line in lines {
            assert_eq!(line["output"], "a0 ☃", "{line}");
            assert!(line["usage"].is_object(), "{line}");
        }
    }
}

/// A server as Ollama is one: on this machine, over plain HTTP, without a key; for two answers.
fn local_server(host: &str) -> Option<String> {
    let listener = TcpListener::bind(format!("{host}:0")).ok()?;
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                let mut piece = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut piece) {
                    bytes.extend_from_slice(&piece[..read]);
                    let request = String::from_utf8_lossy(&bytes).into_owned();
                    let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
                    let Ok(body) = serde_json::from_str::<Value>(body) else { continue };
                    assert!(head.starts_with("POST /v1/chat/completions "), "{head}");
                    assert!(!head.contains("authorization"), "{head}");
                    let asked = body["messages"][0]["content"].as_str().expect("a question");
                    let answer = asked.replace('q', "a");
                    let event = json!({"choices": [{"index": 0, "delta": {"content": answer},
                        "finish_reason": "stop"}]});
                    let events = format!("data: {event}\n\ndata: [DONE]\n\n");
                    let head = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                         content-length: {}\r\n\r\n",
                        events.len()
                    );
                    stream.write_all(format!("{head}{events}").as_bytes()).ok();
                    bytes.clear();
                }
            });
        }
    });
    Some(format!("http://{host}:{port}/v1"))
}

#[test]
fn a_local_server_needs_no_setting() {
    for host in ["127.0.0.1", "[::1]"] {
        let Some(base_url) = local_server(host) else {
            skipped(&format!("this machine does not have {host}"));
            continue;
        };
        let project = project(&format!("'{base_url}'"), 2, &[]);
        let ran = project.evals().args(["run", "--format", "json"]).run().ok();
        assert_eq!(ran.json()["trials"]["ok"].as_u64().unwrap_or(2), 2, "{}", ran.stdout);
        assert!(exported(&project).iter().all(|line| line["status"] == "ok"), "{host}");
    }
}
