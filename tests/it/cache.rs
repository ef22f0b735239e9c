//! The response cache: what is asked, what is not asked again, and what is said about it.

use std::{fs, path::Path};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{
    Evals, Output, Project, Request, Response, Stub, openai_chat, openai_error, openai_stream,
};

const KEY: &str = "sk-canary-0a1b2c3d4e5f6071";

/// A model at `base_url`; `more` are further fields.
fn model(base_url: &str, more: &Value) -> Value {
    let mut model = json!({
        "id": "local", "provider": "openai-compatible", "base_url": base_url, "model": "vendor/m1",
        "price": {"input": 1, "output": 2},
    });
    let fields = model.as_object_mut().expect("an object");
    fields.extend(more.as_object().cloned().unwrap_or_default());
    model
}

/// A config of the rows of `rows.csv`; `more` are further keys. JSON is YAML.
fn config(project: &Project, base_url: &str, more: &Value) {
    let mut config = json!({
        "dataset": {"path": "rows.csv", "expected": "answer"},
        "prompts": ["{{question}}"],
        "models": [model(base_url, &Value::Null)],
        "scorers": ["exact_match"],
    });
    let keys = config.as_object_mut().expect("an object");
    keys.extend(more.as_object().cloned().unwrap_or_default());
    project.write("evals.yaml", config.to_string());
}

fn rows(project: &Project, questions: impl IntoIterator<Item = usize>) {
    let rows: Vec<String> =
        questions.into_iter().enumerate().map(|(id, n)| format!("{id},q{n},a{n}\n")).collect();
    let rows = rows.concat();
    project.write("rows.csv", format!("id,question,answer\n{rows}"));
}

/// A project of the rows `q0,a0` to `qN,aN` and a model at `base_url`.
fn project(base_url: &str, n: usize) -> Project {
    let project = Project::new();
    rows(&project, 0..n);
    config(&project, base_url, &Value::Null);
    project
}

fn evals(project: &Project) -> Evals {
    project.evals().env("TEST_KEY", KEY)
}

fn run(project: &Project, more: &[&str]) -> Output {
    evals(project).args(["run", "--format", "json"]).args(more).run()
}

/// The totals of a run that ends well.
fn trials(project: &Project, more: &[&str]) -> (u64, u64) {
    let json = run(project, more).ok().json();
    let count = |name: &str| json["trials"][name].as_u64().expect("a count");
    assert_eq!(count("ok"), count("total"), "{json}");
    (count("total"), count("cached"))
}

fn stats(project: &Project) -> Value {
    project.evals().args(["cache", "stats", "--format", "json"]).run().ok().json()
}

fn exported(project: &Project) -> Vec<Value> {
    project.evals().args(["export", "last"]).run().ok().json_lines()
}

fn right(request: &Request) -> Response {
    let answer = request.last_user().replace('q', "a");
    let (front, back) = answer.split_at(1);
    if request.json()["stream"] == true {
        openai_stream(&[front, back], (1000, 500))
    } else {
        openai_chat(&answer, (1000, 500))
    }
}

fn database(project: &Project) -> Connection {
    Connection::open(project.path(".evals/cache.db")).expect("a database")
}

#[test]
fn a_second_run_asks_nothing_and_says_so() {
    let stub = Stub::start(|request, _| right(request));
    let project = project(&stub.base_url(), 3);
    let first = run(&project, &[]).ok().json();
    assert_eq!(first["trials"]["cached"], 0);
    assert_eq!(first["cost_usd"]["saved_by_cache"], 0.0);
    let asked = exported(&project);
    assert_eq!(asked[0].get("saved_usd"), None);

    let second = run(&project, &[]).ok().json();
    assert_eq!(stub.requests().len(), 3);
    assert_eq!(second["trials"], json!({"total": 3, "ok": 3, "error": 0, "cached": 3}));
    let cost = json!({"models": 0.0, "judges": 0.0, "saved_by_cache": 0.006, "unpriced_calls": 0});
    assert_eq!(second["cost_usd"], cost);
    assert_eq!(second["results"], first["results"]);
    let latency = &second["latency_ms"][0];
    assert_eq!((&latency["p50"], &latency["ttft_p50"]), (&Value::Null, &Value::Null));
    for (before, now) in asked.iter().zip(exported(&project)) {
        assert_eq!(
            (&now["cached"], &now["attempts"], &now["cost_usd"]),
            (&json!(true), &json!(0), &json!(0.0))
        );
        assert_eq!((&now["latency_ms"], &now["ttft_ms"]), (&Value::Null, &Value::Null));
        assert_eq!(now["cached_latency_ms"], before["latency_ms"]);
        assert_eq!(now["cached_ttft_ms"], before["ttft_ms"]);
        assert_eq!(now["saved_usd"], before["cost_usd"]);
        for same in ["output", "usage", "finish_reason", "served_by", "status", "scores"] {
            assert_eq!(now[same], before[same], "{same}");
        }
    }

    let table = evals(&project).arg("run").run().ok();
    table.says("3 answered, 0 errors, 3 from the cache ($0.0060 saved) · $0");
    let csv = project.evals().args(["export", "--format", "csv"]).run().ok();
    csv.says("\"cached\",\"cached_latency_ms\",\"saved_usd\"").says("\"0.002\"");
    let report = project.evals().args(["report", "-o", "-"]).run().ok();
    report.says("From the cache").says("$0.0060");
    assert_eq!(stub.requests().len(), 3);
    let stats = stats(&project);
    assert_eq!((&stats["entries"], &stats["hits"]), (&json!(3), &json!(6)));
    assert_eq!((&stats["saved_usd"], &stats["unpriced_hits"]), (&json!(0.012), &json!(0)));
}

#[test]
fn what_changes_the_request_is_asked_anew_and_nothing_else_is() {
    let stub = Stub::start(|request, _| right(request));
    let url = stub.base_url();
    let project = project(&url, 2);
    let mut asked = 0;
    let mut check = |what: &str, more: &Value, flags: &[&str], new: usize| {
        config(&project, &url, more);
        run(&project, flags).ok();
        asked += new;
        assert_eq!(stub.requests().len(), asked, "{what}");
    };
    check("all of it", &Value::Null, &[], 2);
    check("nothing", &Value::Null, &[], 0);
    check("a parameter", &json!({"params": {"temperature": 0.5}}), &[], 2);
    check("the parameter by a flag", &Value::Null, &["--temperature", "0.5"], 0);
    check("the prompt", &json!({"prompts": ["{{question}} "]}), &[], 2);
    check("a message", &json!({"prompts": [{"system": "s", "user": "{{question}}"}]}), &[], 2);
    let with = |more: Value| json!({"models": [model(&url, &more)]});
    check("the model", &with(json!({"model": "vendor/m2"})), &[], 2);
    check("the address", &with(json!({"base_url": format!("{url}/x")})), &[], 2);
    check("streaming", &with(json!({"stream": false})), &[], 2);
    check("a header", &with(json!({"headers": {"X-Beta": "on"}})), &[], 2);
    check("one more repeat", &json!({"epochs": 2}), &[], 2);
    check("two repeats again", &json!({"epochs": 2}), &[], 0);

    check("the key", &with(json!({"api_key": "${TEST_KEY}"})), &[], 0);
    check("the name", &with(json!({"id": "other"})), &[], 0);
    check("the price", &with(json!({"price": {"input": 9, "output": 9}})), &[], 0);
    check("the time allowed", &with(json!({"timeouts": {"total": "50s"}})), &[], 0);
    check("the scorers", &json!({"scorers": ["contains"]}), &[], 0);
    let twice = json!([model(&url, &json!({"id": "a"})), model(&url, &json!({"id": "b"}))]);
    check("the same model twice", &json!({"models": twice}), &[], 0);

    rows(&project, [5, 0, 1]);
    check("a row in front", &Value::Null, &[], 1);
}

#[test]
fn the_cache_can_be_left_out() {
    let stub = Stub::start(|request, _| right(request));
    let project = project(&stub.base_url(), 2);
    assert_eq!(trials(&project, &["--no-cache"]), (2, 0));
    assert!(!project.path(".evals/cache.db").exists());
    assert_eq!(trials(&project, &[]), (2, 0));
    assert_eq!(trials(&project, &["--no-cache"]), (2, 0));
    config(&project, &stub.base_url(), &json!({"cache": false}));
    assert_eq!(trials(&project, &[]), (2, 0));
    assert_eq!(stub.requests().len(), 8);
    assert_eq!(trials(&project, &["--cache-ttl", "1h"]), (2, 2), "a flag wins");
    run(&project, &["--no-cache", "--refresh"]).code(2);
    run(&project, &["--no-cache", "--cache-ttl", "1h"]).code(2);
}

#[test]
fn a_refresh_asks_anew_and_keeps_what_it_gets() {
    let stub = Stub::start(|_, nth| openai_chat(&format!("answer {nth}"), (1, 1)));
    let project = project(&stub.base_url(), 1);
    let output = |more: &[&str]| {
        run(&project, more).ok();
        exported(&project)[0]["output"].as_str().expect("an answer").to_owned()
    };
    let first = output(&[]);
    assert_eq!(output(&[]), first);
    let second = output(&["--refresh"]);
    assert_ne!(second, first);
    assert_eq!(output(&[]), second);
    assert_eq!(stub.requests().len(), 2);
    assert_eq!(stats(&project)["entries"], 1);
    // Rows that are alike are one question, also when it is asked anew.
    rows(&project, [0, 0, 0, 0]);
    assert_eq!(trials(&project, &["--refresh"]), (4, 3));
    assert_eq!(stub.requests().len(), 3);
}

#[test]
fn answers_grow_too_old() {
    let stub = Stub::start(|request, _| right(request));
    let project = project(&stub.base_url(), 2);
    run(&project, &[]).ok();
    assert_eq!(trials(&project, &["--cache-ttl", "1us"]), (2, 0));
    assert_eq!(trials(&project, &["--cache-ttl", "1h"]), (2, 2));
    let day = 24 * 3_600 * 1_000;
    let age = |days: i64| {
        let sql = "UPDATE answers SET created_ms = created_ms - ?1";
        database(&project).execute(sql, [days * day]).expect("changed");
    };
    age(13);
    assert_eq!(trials(&project, &[]), (2, 2));
    age(2);
    assert_eq!(trials(&project, &["--cache-ttl", "30d"]), (2, 2));
    config(&project, &stub.base_url(), &json!({"cache": {"ttl": "16d"}}));
    assert_eq!(trials(&project, &[]), (2, 2));
    config(&project, &stub.base_url(), &json!({"cache": true}));
    assert_eq!(trials(&project, &[]), (2, 0), "more than two weeks");
    assert_eq!(stub.requests().len(), 6);

    for wrong in ["soon", "0s", "-1h"] {
        let flag = format!("--cache-ttl={wrong}");
        run(&project, &[&flag]).code(2).complains("--cache-ttl").complains("12h");
    }
    config(&project, &stub.base_url(), &json!({"cache": {"tll": "1d"}}));
    run(&project, &[]).code(2).complains("did you mean `ttl`?");
    config(&project, &stub.base_url(), &json!({"cache": "1d"}));
    run(&project, &[]).code(2).complains("`false`, `true` or a mapping with `ttl`");
}

#[test]
fn what_is_asked_several_times_at_once_is_asked_once() {
    let stub = Stub::start(|request, _| right(request).held());
    let project = project(&stub.base_url(), 0);
    rows(&project, [7; 12]);
    let running = evals(&project).args(["run", "--format", "json", "-j", "12"]).spawn();
    stub.wait_for(1);
    stub.release();
    let json = running.wait().ok().json();
    assert_eq!(json["trials"], json!({"total": 12, "ok": 12, "error": 0, "cached": 11}));
    assert_eq!(json["cost_usd"]["models"], 0.002);
    assert_eq!(stub.requests().len(), 1);
}

#[test]
fn who_waited_for_a_call_that_failed_asks_for_himself() {
    let stub = Stub::start(|request, nth| match nth {
        0 => openai_error(400, "no", "invalid_request_error").held(),
        _ => right(request),
    });
    let project = project(&stub.base_url(), 0);
    rows(&project, [7; 3]);
    let running = evals(&project).args(["run", "--format", "json"]).spawn();
    stub.wait_for(1);
    stub.release();
    let json = running.wait().code(3).json();
    assert_eq!((&json["trials"]["ok"], &json["trials"]["error"]), (&json!(2), &json!(1)));
}

#[test]
fn what_is_no_whole_answer_is_asked_again() {
    let finished = |text: &str, reason: &str| {
        let message = json!({"role": "assistant", "content": text});
        let choice = json!({"index": 0, "message": message, "finish_reason": reason});
        Response::json(200, &json!({"choices": [choice]}))
    };
    let stub = Stub::start(move |request, _| match request.last_user().as_str() {
        "q0" => openai_error(400, "no", "invalid_request_error"),
        "q1" => finished("a", "length"),
        "q2" => finished("a", "content_filter"),
        "q3" => finished(" ", "stop"),
        "q4" => openai_error(401, "no such key", "invalid_api_key"),
        "q5" => finished("a", "error"),
        _ => finished("a", "stop"),
    });
    let project = project(&stub.base_url(), 8);
    config(
        &project,
        &stub.base_url(),
        &json!({"models": [model(&stub.base_url(), &json!({"stream": false}))]}),
    );
    run(&project, &[]).code(3);
    let before = stub.requests().len();
    let json = run(&project, &[]).code(3).json();
    assert_eq!(json["trials"]["cached"], 2);
    let again: Vec<String> = stub.requests()[before..].iter().map(Request::last_user).collect();
    assert!((0..6).all(|n| again.contains(&format!("q{n}"))), "{again:?}");
    assert!(!again.iter().any(|asked| asked == "q6" || asked == "q7"), "{again:?}");
    assert_eq!(json["cost_usd"]["saved_by_cache"], Value::Null, "the usage is not known");
}

#[test]
fn two_processes_share_it() {
    let stub = Stub::start(|request, _| right(request));
    let one = project(&stub.base_url(), 30);
    let two = project(&stub.base_url(), 30);
    let db = one.path(".evals/runs.db");
    let start = |project: &Project| {
        evals(project).args(["run", "--format", "json", "--db"]).arg(&db).spawn()
    };
    let (a, b) = (start(&one), start(&two));
    for output in [a.wait().ok(), b.wait().ok()] {
        assert_eq!(output.json()["trials"]["ok"], 30);
        // Not even a word of trouble; the line before the run may tell what is in it.
        assert!(!output.stderr.contains("failed to"), "{}", output.stderr);
    }
    let asked = stub.requests().len();
    assert!((30..=60).contains(&asked), "{asked}");
    assert_eq!(trials(&one, &[]), (30, 30));
    assert_eq!(stub.requests().len(), asked);
    assert_eq!(stats(&one)["entries"], 30);
}

#[test]
fn a_process_that_is_killed_leaves_a_cache_that_works() {
    let stub = Stub::start(|request, nth| match nth {
        0..20 => right(request),
        _ => right(request).held(),
    });
    let project = project(&stub.base_url(), 40);
    let running = evals(&project).args(["run", "-j", "4"]).spawn();
    stub.wait_for(24);
    running.signal("KILL");
    running.wait();
    stub.release();
    let (total, cached) = trials(&project, &[]);
    assert_eq!(total, 40);
    assert_eq!(trials(&project, &[]), (40, 40));
    assert_eq!(stub.requests().len() as u64, 24 + 40 - cached);
    let sound: String =
        database(&project).query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("read");
    assert_eq!(sound, "ok");
}

#[test]
fn a_cache_of_no_use_is_said_so_and_the_run_goes_on() {
    let stub = Stub::start(|request, _| right(request));
    let garbage = |path: &Path| fs::write(path, "not a database, by far").expect("written");
    let foreign = |path: &Path| {
        Connection::open(path).unwrap().execute_batch("CREATE TABLE t (x)").expect("made");
    };
    let newer = |path: &Path| {
        let sql = "PRAGMA application_id = 0x45564C43; PRAGMA user_version = 99";
        Connection::open(path).unwrap().execute_batch(sql).expect("made");
    };
    let directory = |path: &Path| fs::create_dir(path).expect("made");
    let makers: [&dyn Fn(&Path); 4] = [&garbage, &foreign, &newer, &directory];
    let hints = ["may be deleted", "may be deleted", "may be deleted", "directory"];
    for (make, hint) in makers.into_iter().zip(hints) {
        let project = project(&stub.base_url(), 2);
        fs::create_dir(project.path(".evals")).expect("a directory");
        make(&project.path(".evals/cache.db"));
        for _ in 0..2 {
            let output =
                run(&project, &[]).ok().complains("goes on without a cache").complains(hint);
            assert_eq!(
                output.json()["trials"],
                json!({"total": 2, "ok": 2, "error": 0, "cached": 0})
            );
        }
        project.evals().args(["cache", "stats"]).run().code(2).complains("may be deleted");
        project.evals().args(["cache", "clear", "--yes"]).run().code(2);
    }
}

#[test]
fn a_cache_with_a_torn_page_ends_no_run() {
    let stub = Stub::start(|request, _| right(request));
    let project = project(&stub.base_url(), 30);
    run(&project, &[]).ok();
    let path = project.path(".evals/cache.db");
    let mut bytes = fs::read(&path).expect("readable");
    bytes[4_096..].fill(0xA5);
    fs::write(&path, bytes).expect("written");
    let output = run(&project, &[]).ok();
    assert_eq!(output.json()["trials"]["ok"], 30);
    assert!(output.stderr.contains("cache"), "{}", output.stderr);
    fs::remove_file(&path).expect("it may be deleted at any time");
    assert_eq!(trials(&project, &[]), (30, 0));
    assert_eq!(trials(&project, &[]), (30, 30));
}

#[test]
fn no_key_is_kept() {
    let stub = Stub::start(|request, _| {
        let said =
            format!("{} {}", request.header("authorization").unwrap_or_default(), request.path);
        openai_chat(&said, (1, 1)).with_header("x-request-id", KEY)
    });
    let project = project(&stub.base_url(), 1);
    let more =
        json!({"api_key": "${TEST_KEY}", "stream": false, "headers": {"X-Auth": "${TEST_KEY}"}});
    config(&project, &stub.base_url(), &json!({"models": [model(&stub.base_url(), &more)]}));
    run(&project, &[]).ok();
    assert_eq!(trials(&project, &[]), (1, 1));
    let files = project.files();
    assert!(files.contains(&".evals/cache.db".to_owned()), "{files:?}");
    for file in files {
        let bytes = fs::read(project.path(&file)).expect("a file");
        let found = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
        assert!(!found, "the key stands in `{file}`");
    }
}

#[test]
fn it_can_be_looked_at_and_cleared() {
    let stub = Stub::start(|request, _| right(request));
    let project = project(&stub.base_url(), 3);
    let evals = |args: &[&str]| project.evals().arg("cache").args(args).run();
    assert_eq!(stats(&project)["entries"], 0);
    evals(&["clear", "--yes"]).ok().complains("there is no cache");
    let url = stub.base_url();
    let two = json!([model(&url, &json!({})), model(&url, &json!({"id": "b", "model": "m2"}))]);
    config(&project, &url, &json!({"models": two}));
    run(&project, &[]).ok();
    evals(&["stats"]).ok().says("answers  6\n").says("saved    $0\n").says("oldest   20");
    evals(&["clear"]).code(2).complains("--yes");
    evals(&["clear", "--older-than", "soon", "--yes"]).code(2).complains("7d");
    evals(&["clear", "--older-than", "7d", "--yes"]).ok().says("deleted 0 answer(s)");
    evals(&["clear", "--model", "openai-compatible/m2", "--yes"]).ok().says("deleted 3 answer(s)");
    assert_eq!(trials(&project, &[]), (6, 3));
    // Runs and answers are kept apart.
    project.evals().args(["rm", "--yes", "last", "last~1"]).run().ok();
    assert_eq!(stats(&project)["entries"], 6);
    evals(&["clear", "--yes"]).ok().says("deleted 6 answer(s)");
    let stats = stats(&project);
    assert_eq!(
        (&stats["entries"], &stats["hits"], &stats["oldest"]),
        (&json!(0), &json!(0), &Value::Null)
    );
    assert_eq!(trials(&project, &[]), (6, 0));
}

#[test]
fn nothing_that_is_not_called_is_cached() {
    let project = Project::new();
    rows(&project, 0..3);
    let args = [
        "run",
        "rows.csv",
        "-m",
        "sim/good",
        "-p",
        "{{question}}",
        "--expected",
        "answer",
        "-s",
        "exact_match",
    ];
    for _ in 0..2 {
        project.evals().args(args).run().ok();
    }
    assert!(!project.path(".evals/cache.db").exists());
}

#[test]
fn samples_that_failed_are_judged_again_without_a_call() {
    let stub = Stub::start(|request, _| match request.last_user().as_str() {
        "q1" => openai_chat("wrong", (1, 1)),
        _ => right(request),
    });
    let project = project(&stub.base_url(), 3);
    run(&project, &[]).ok();
    assert_eq!(trials(&project, &["--failed-of", "last", "-s", "contains"]), (1, 1));
    assert_eq!(stub.requests().len(), 3);
}

#[test]
fn a_latency_that_nobody_measured_decides_nothing() {
    let stub = Stub::start(|request, _| right(request));
    let project = project(&stub.base_url(), 2);
    let more = json!({
        "scorers": [{"latency": {"max": "50s"}}, {"cost": {"max": "$1"}}],
        "gates": ["latency.p95 < 50s", "cost.mean <= 0.002", "cost.total <= $1"],
    });
    config(&project, &stub.base_url(), &more);
    run(&project, &[]).ok();
    let json = run(&project, &[]).code(3).json();
    assert_eq!(json["trials"]["cached"], 2);
    let passed: Vec<&Value> =
        json["gates"].as_array().expect("gates").iter().map(|gate| &gate["passed"]).collect();
    assert_eq!(passed, [&Value::Null, &json!(true), &json!(true)]);
    let reason = json["gates"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("--no-cache"), "{reason}");
    let means: Vec<(&Value, &Value)> = json["results"]
        .as_array()
        .expect("results")
        .iter()
        .filter(|cell| cell["metric"] == "mean")
        .map(|cell| (&cell["n"], &cell["value"]))
        .collect();
    assert_eq!(means, [(&json!(0), &Value::Null), (&json!(2), &json!(0.002))]);
    let line = &exported(&project)[0]["scores"]["latency"]["error"];
    assert!(line["message"].as_str().expect("why").contains("it took"), "{line}");
}

#[test]
fn stand_ins_are_not_taken_for_the_model_and_members_of_a_pool_are_themselves() {
    let broken = Stub::start(|_, _| openai_error(401, "no credit", "x"));
    let stub = Stub::start(|request, _| right(request));
    let project = project(&stub.base_url(), 3);
    let second = model(&stub.base_url(), &json!({"id": "second"}));
    let first = model(&broken.base_url(), &json!({"id": "first", "fallback": [second]}));
    config(&project, &stub.base_url(), &json!({"models": [first]}));
    assert_eq!(trials(&project, &[]), (3, 0));
    assert_eq!(trials(&project, &[]), (3, 0), "the first one has not answered yet");
    assert_eq!(stats(&project)["entries"], 0);

    let member = |id: &str| model(&stub.base_url(), &json!({"id": id, "model": id}));
    let pool = json!([{"id": "mix", "pool": [{"model": member("a")}, {"model": member("b")}]}]);
    config(&project, &stub.base_url(), &json!({"models": pool, "epochs": 10}));
    assert_eq!(trials(&project, &[]), (30, 0));
    let by = |lines: &[Value]| -> Vec<Value> {
        lines.iter().map(|line| json!([line["served_by"], line["output"]])).collect()
    };
    let before = by(&exported(&project));
    assert_eq!(trials(&project, &[]), (30, 30));
    assert_eq!(by(&exported(&project)), before);
    config(&project, &stub.base_url(), &json!({"models": [member("a")], "epochs": 10}));
    let (_, cached) = trials(&project, &[]);
    assert!((1..30).contains(&cached), "what the pool asked of `a`: {cached}");
}

/// What `evals plan` says, and the line before a run.
fn planned(project: &Project, flags: &[&str]) -> Value {
    evals(project).args(["plan", "--format", "json"]).args(flags).run().ok().json()
}

#[test]
fn a_plan_says_what_is_cached_and_expects_less() {
    let stub = Stub::start(|request, _| right(request));
    let project = project(&stub.base_url(), 6);
    let json = planned(&project, &[]);
    assert_eq!((&json["cached"], &json["calls"]), (&json!(0), &json!(6)));
    run(&project, &["--limit", "4"]).ok();
    let json = planned(&project, &[]);
    assert_eq!(
        (&json["cached"], &json["calls"], &json["trials"]),
        (&json!(4), &json!(2), &json!(6))
    );
    assert_eq!((&json["models"][0]["cached"], &json["models"][0]["calls"]), (&json!(4), &json!(2)));
    let usd = |json: &Value, which: &str| json["cost_usd"][which].as_f64().expect(which);
    let anew = planned(&project, &["--no-cache"]);
    for which in ["expected", "at_most"] {
        let (some, all) = (usd(&json, which), usd(&anew, which));
        assert!((some / all - 1.0 / 3.0).abs() < 0.02, "{which}: {some} of {all}");
    }
    let one =
        |flag: &str| planned(&project, &["-j", "1", flag])["seconds"].as_f64().expect("known");
    assert!(one("--quiet") < one("--no-cache"));
    assert_eq!(
        (&anew["cached"], &planned(&project, &["--refresh"])["cached"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(planned(&project, &["--cache-ttl", "1us"])["cached"], 0);
    // A second repeat is another question.
    assert_eq!(planned(&project, &["--epochs", "2"])["cached"], 4);
    assert_eq!(stub.requests().len(), 4, "nothing is sent");
    assert_eq!(stats(&project)["hits"], 0, "and nothing is used");

    run(&project, &[]).ok().complains("; 4 of them in the cache; ");
    run(&project, &[]).ok().complains("; 6 of them in the cache; free of charge");
    let json = planned(&project, &[]);
    assert_eq!((&json["calls"], &json["tokens"]["at_most"]), (&json!(0), &json!(0)));
    assert_eq!(json["cost_usd"], json!({"expected": 0.0, "at_most": 0.0}));
    evals(&project).arg("plan").run().ok().says("cached");
}

#[test]
fn a_full_cache_loses_its_oldest_answers_and_says_so() {
    let long = "x".repeat(20_000);
    let stub = Stub::start(move |request, _| {
        openai_chat(&format!("{}{long}", request.last_user()), (1, 1))
    });
    let url = stub.base_url();
    let project = project(&url, 120);
    let sized = |size: &str| {
        let model = model(&url, &json!({"stream": false}));
        config(&project, &url, &json!({"models": [model], "cache": {"max_size": size}}));
    };
    sized("1MB");
    // Flags change what they are about and nothing else of the setting.
    run(&project, &["-j", "1", "--cache-ttl", "1h"]).ok();
    let full = stats(&project);
    let entries = full["entries"].as_u64().expect("a count");
    assert!((20..60).contains(&entries), "{full}");
    assert_eq!(full["evicted"].as_u64(), Some(120 - entries));
    assert_eq!((&full["max_bytes"], &full["expired"]), (&json!(1_000_000), &json!(0)));
    assert!(full["bytes"].as_u64() <= Some(1_000_000), "{full}");
    evals(&project).args(["cache", "stats"]).run().ok().says("for room").says(" of 1.0 MB");
    // Trials may begin in any order.
    let asked = stub.requests();
    for request in [asked.last(), asked.first()] {
        let question = request.expect("a request").last_user();
        let row: u32 = question.trim_start_matches('q').parse().expect("the number of a row");
        run(&project, &["--range", &format!("{row}..{}", row + 1)]).ok();
    }
    assert_eq!(stub.requests().len(), 121, "the newest is there, and the oldest is not");
    for wrong in ["1", "7kB", "much"] {
        sized(wrong);
        run(&project, &[]).code(2).complains("is no size that the cache may have");
    }
}
