//! What the other tests lean on does what it says: projects, program runs, servers, shared data.

use std::{
    fs, io,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::support::{
    Aimock, Evals, Output, Project, Request, Response, Running, Stub, exchange, openai_chat,
    openai_error, openai_stream, read_reply, root, shared_dir,
};

#[test]
fn a_project_keeps_to_itself() {
    let project = Project::new();
    project.write("data/rows.csv", "id\n1\n");
    project.write("a.yaml", "name: a\n");
    assert_eq!(project.read("data/rows.csv"), "id\n1\n");
    assert_eq!(project.files(), ["a.yaml", "data/rows.csv"]);
    assert!(!project.home().starts_with(project.path("")));
    let shown = project.redact(&project.path("a.yaml").display().to_string());
    assert_eq!(shown, "[root]/project/a.yaml");
}

#[test]
fn a_program_is_fed_and_heard() {
    let project = Project::new();
    let rows = "{\"a\":1}\n{\"a\":2}\n";
    let output = Evals::program("/bin/cat", &project).stdin(rows).run().ok();
    assert_eq!(output.json_lines().len(), 2);

    let script = "echo {}; echo oh >&2; exit $CODE";
    let shell = |code: &str| -> Output {
        Evals::program("/bin/sh", &project).args(["-c", script]).env("CODE", code).run()
    };
    assert_eq!(shell("3").code(3).complains("oh").says("{}").json(), json!({}));

    let environment = Evals::program("/usr/bin/env", &project).run().ok().stdout;
    assert!(!environment.contains("CARGO"), "{environment}");
    project.evals().arg("--version").run().ok();
}

#[test]
fn a_program_is_stopped_by_a_signal() {
    let project = Project::new();
    let running: Running = Evals::program("/bin/sleep", &project).arg("600").spawn();
    running.signal("TERM");
    assert_eq!(running.wait().code, None);
    drop(Evals::program("/bin/sleep", &project).arg("600").spawn());
}

#[test]
fn replies_are_scripted_and_requests_kept() {
    fn script(request: &Request, nth: usize) -> Response {
        match nth {
            0 => openai_chat(&format!("you said {}", request.last_user()), (3, 4)),
            1 => openai_stream(&["Par", "is"], (3, 2)),
            _ => openai_error(429, "slow down", "rate_limit").with_header("retry-after", "1"),
        }
    }
    let stub = Stub::start(script);
    let url = format!("{}/chat/completions", stub.base_url());
    let ask = json!({"messages": [{"role": "user", "content": "hi"}]});

    let (status, body) = exchange(&url, &ask);
    assert_eq!((status, body.contains("you said hi")), (200, true), "{body}");
    let (status, body) = exchange(&url, &ask);
    assert_eq!((status, body.matches("data: ").count()), (200, 6), "{body}");
    assert!(body.ends_with("data: [DONE]\n\n\r\n0\r\n\r\n"), "{body}");
    let (status, body) = exchange(&url, &ask);
    assert_eq!((status, body.contains("slow down")), (429, true), "{body}");

    stub.wait_for(3);
    let requests = stub.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].method, "POST");
    assert_eq!(requests[0].path, "/v1/chat/completions");
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert_eq!(requests[0].json(), ask);
}

#[test]
fn a_connection_carries_several_requests() {
    let stub = Stub::start(|request, _| match request.body.as_slice() {
        b"" => Response::json(200, &json!({})),
        _ => Response::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\ncut".to_vec()),
    });
    let mut stream = TcpStream::connect(stub.address()).expect("it listens");
    let chunked = "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
    stream.write_all(format!("GET /a HTTP/1.1\r\n\r\n{chunked}").as_bytes()).expect("it reads");
    let (status, rest) = read_reply(&mut stream).expect("it answers");
    assert_eq!(status, 200);
    assert!(rest.ends_with("cut"), "{rest}");
    assert_eq!(stub.connections(), 1);
    assert_eq!(stub.requests()[1].body, b"ab");
}

#[test]
fn misbehaviour_is_scripted_too() {
    let stub = Stub::start(|request, _| match request.path.as_str() {
        "/reset" => Response::Reset,
        "/stall" => Response::Stall(b"HTTP/1.1 200 OK\r\n\r\nnow".to_vec()),
        _ => openai_chat("late", (0, 0)).held(),
    });
    let send = |path: &str| {
        let mut stream = TcpStream::connect(stub.address()).expect("it listens");
        stream.write_all(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).expect("it reads");
        stream
    };
    let error = send("/reset").read(&mut [0]).expect_err("a reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);

    let mut held = send("/held");
    let mut stalled = send("/stall");
    stub.wait_for(3);
    stub.release();
    assert_eq!(read_reply(&mut held).expect("a reply").0, 200);
    drop(stub);
    assert_eq!(read_reply(&mut stalled).expect("a reply"), (200, "now".to_owned()));
}

#[test]
fn aimock_answers_with_its_fixtures() {
    let fixtures = json!({
        "fixtures": [{"match": {"userMessage": "capital"}, "response": {"content": "Paris"}}]
    });
    let Some(aimock) = Aimock::start(&fixtures) else { return };
    let ask = json!({
        "model": "any", "messages": [{"role": "user", "content": "The capital of France?"}]
    });
    let url = format!("{}/chat/completions", aimock.base_url());
    let (status, body) = exchange(&url, &ask);
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("Paris"), "{body}");
}

/// The figures that `datasets/gsm8k.yaml` expects are what the authors' own verdicts add up to.
#[test]
fn the_authors_of_gsm8k_count_as_the_config_says() {
    let Some(shared) = shared_dir() else { return };
    let path = shared.join("data/gsm8k/example_model_solutions.jsonl");
    let text = fs::read_to_string(path).expect("recorded answers");
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 1319);
    let config = fs::read_to_string(root().join("datasets/gsm8k.yaml")).expect("the config");
    for model in ["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"] {
        let correct = rows.iter().filter(|row| row[model]["is_correct"] == true).count();
        assert!(config.contains(&format!("#   {model:17} {correct}\n")), "{model}");
    }
}
