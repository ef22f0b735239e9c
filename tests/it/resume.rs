//! `evals resume`: runs that were stopped go on, and what failed is done again.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{Output, Project, Request, Response, Stub, openai_chat, openai_error};

/// A project of `n` rows `q0,a0` … whose model `local` is at `base_url`, asked two at a time.
pub(crate) fn project(base_url: &str, n: usize) -> Project {
    let project = Project::new();
    let rows: Vec<String> = (0..n).map(|i| format!("{i},q{i},a{i}\n")).collect();
    project.write("rows.csv", format!("id,question,answer\n{}", rows.concat()));
    project.write("evals.yaml", config(base_url));
    project
}

fn config(base_url: &str) -> String {
    format!(
        "dataset: {{path: rows.csv, expected: answer}}\nprompts: ['{{{{question}}}}']\nmodels:\n  \
         - {{id: local, provider: openai-compatible, base_url: '{base_url}', model: m1, stream: \
         false, price: {{input: 1, output: 2}}}}\nscorers: [exact_match]\n"
    )
}

/// `a7` for the question `q7`, at a price of 2 millionths of a dollar.
pub(crate) fn right(request: &Request) -> Response {
    openai_chat(&request.last_user().replace('q', "a"), (0, 1))
}

/// What was asked, sorted.
pub(crate) fn asked(stub: &Stub) -> Vec<String> {
    let mut asked: Vec<String> = stub.requests().iter().map(Request::last_user).collect();
    asked.sort();
    asked
}

pub(crate) fn resume(project: &Project, more: &[&str]) -> Output {
    project.evals().args(["resume", "--format", "json", "-q"]).args(more).run()
}

fn sql(project: &Project) -> rusqlite::Connection {
    rusqlite::Connection::open(project.path(".evals/runs.db")).expect("the store")
}

/// Runs 20 rows and kills the program when 8 were answered. The last of these may not be recorded
/// yet, or be in the cache only.
fn killed(project: &Project, stub: &Stub) {
    let status = |expected: &str| {
        let listed = project.evals().args(["list", "--format", "json"]).run().ok().json();
        assert_eq!(listed[0]["status"], expected);
        project.evals().arg("show").run().ok().says(expected);
    };
    let running = project.evals().args(["run", "-j", "2", "-q"]).spawn();
    stub.wait_for(10);
    status("running");
    running.signal("KILL");
    running.wait();
    status("interrupted");
}

fn held_after_eight() -> Stub {
    Stub::start(|request, nth| if nth < 8 { right(request) } else { right(request).held() })
}

#[test]
fn a_killed_run_goes_on_without_its_command() {
    let stub = held_after_eight();
    let project = project(&stub.base_url(), 20);
    killed(&project, &stub);
    stub.release();
    let json = resume(&project, &[]).ok().json();
    assert_eq!(json["trials"]["total"], 20);
    assert_eq!(json["trials"]["ok"], 20);
    let asked = asked(&stub);
    // The two that were under way are asked again, and at most those that were not recorded yet.
    assert!((20..=30).contains(&asked.len()), "{asked:?}");
    assert_eq!(
        project.evals().args(["list", "--format", "json"]).run().json()[0]["status"],
        "complete"
    );
    resume(&project, &[]).code(2).complains("every run is complete; nothing is left to do");
    resume(&project, &["last"]).code(2).complains("nothing is left to do");
    let locks = fs::read_dir(project.path(".evals/locks")).expect("a directory").count();
    assert_eq!(locks, 0);
}

#[test]
fn a_run_goes_on_from_another_directory_with_its_flags() {
    let stub = held_after_eight();
    let project = project(&stub.base_url(), 30);
    let flags = ["run", "-j", "2", "-q", "--limit", "12", "-D", "SECRET=canary", "--name", "mine"];
    let running = project.evals().args(flags).spawn();
    stub.wait_for(10);
    running.signal("KILL");
    running.wait();
    stub.release();
    let store = fs::read(project.path(".evals/runs.db")).expect("the store");
    assert!(!store.windows(6).any(|bytes| bytes == b"canary"), "a definition may be a secret");

    resume(&project, &[]).code(2).complains("begun with `-D SECRET`, which is not kept");
    let script = "mkdir -p deep/er && cd deep/er && exec \"$0\" resume --db ../../.evals/runs.db -q \
                  --format json -D SECRET=canary --report mine.html";
    let there = crate::support::Evals::program("/bin/sh", &project)
        .args(["-c", script, env!("CARGO_BIN_EXE_evals")])
        .run()
        .ok()
        .complains("its files are read there");
    assert_eq!(there.json()["trials"]["ok"], 12);
    assert_eq!(there.json()["name"], "mine");
    assert!(project.path("deep/er/mine.html").is_file(), "what is typed now is meant here");
}

/// Whatever a run was begun with, a change of it is noticed, and a new run can be made from it.
#[test]
fn what_has_changed_is_refused_or_becomes_a_new_run() {
    let stub = held_after_eight();
    let project = project(&stub.base_url(), 20);
    killed(&project, &stub);
    stub.release();
    let before = stub.requests().len();
    let (rows, config) = (project.read("rows.csv"), project.read("evals.yaml"));
    let refused = |what: &str| {
        let output = resume(&project, &[]).code(2).complains(what);
        output.complains("--as-new-run");
    };
    project.write("rows.csv", rows.replace("q19,a19", "q19,b19"));
    refused("the content of its rows has changed");
    project.write("rows.csv", format!("{rows}20,q20,a20\n"));
    refused("it has 20 rows, and now there are 21");
    project.write("rows.csv", &rows);
    for (old, new, what) in [
        ("{{question}}", "Q: {{question}}", "prompt `default` has changed"),
        ("stream: false", "params: {temperature: 1}", "a parameter of model `local`"),
        ("model: m1", "model: m2", "the upstream name of model `local`"),
        ("/v1'", "/v2'", "the origin of model `local`"),
        ("output: 2", "output: 3", "the price of model `local`"),
        ("id: local", "id: other", "its models are local, and now other are named"),
        ("[exact_match]", "[contains]", "scorer `exact_match` has changed"),
        ("[exact_match]", "[exact_match]\nepochs: 2", "the number of epochs"),
        ("[exact_match]", "[exact_match]\nextract: {regex: '(.+)'}", "what is extracted"),
        ("[exact_match]", "[exact_match]\nscore_also: [empty]", "`score_also`"),
    ] {
        let changed = config.replace(old, new);
        assert_ne!(changed, config, "{old}");
        project.write("evals.yaml", changed);
        refused(what);
    }
    assert_eq!(stub.requests().len(), before, "nothing was called");

    project.write("evals.yaml", config.replace("{{question}}", "Q: {{question}}"));
    let json = resume(&project, &["--as-new-run"]).json();
    assert_eq!(json["trials"]["ok"], 20);
    let listed = project.evals().args(["list", "--format", "json"]).run().ok().json();
    assert_eq!(listed[0]["status"], "complete");
    assert_eq!(listed[1]["status"], "interrupted", "the old run stays as it is");
    let header: String = sql(&project)
        .query_row("SELECT header FROM runs ORDER BY run DESC LIMIT 1", [], |row| row.get(0))
        .expect("a run");
    let header: Value = serde_json::from_str(&header).expect("JSON");
    assert_eq!(header["forked_from"], listed[1]["run_id"]);
}

/// A new run asks only what it has not in common with the one that it is made from, whatever the
/// cache may hold, and says that it paid nothing for the rest.
#[test]
fn a_new_run_takes_over_what_has_not_changed() {
    let stub = Stub::start(|request, _| match request.last_user().as_str() {
        "q0" | "q3" => right(request),
        // Cut, and so in no cache; but it is this model's answer.
        "q1" => cut(request),
        "q2" => openai_error(400, "no", "bad"),
        _ => right(request).held(),
    });
    let project = project(&stub.base_url(), 20);
    // Trials may begin in any order: all are in flight, so that those of the first rows are too.
    let running = project.evals().args(["run", "-j", "20", "-q", "--no-cache"]).spawn();
    stub.wait_for(20);
    let store = sql(&project);
    let ended = |but: &str| -> i64 {
        let sql = "SELECT count(*) FROM trials WHERE status NOT IN ('open', ?1)";
        store.query_row(sql, [but], |row| row.get(0)).expect("a count")
    };
    while ended("") < 4 {
        std::thread::yield_now();
    }
    running.signal("KILL");
    running.wait();
    stub.release();
    let before = asked(&stub);
    let recorded = ended("error");
    assert_eq!(recorded, 3);

    // A row at the front, other scorers, another price, another name of the prompt.
    let rows = project.read("rows.csv").replace("answer\n", "answer\nnew,q100,a100\n");
    project.write("rows.csv", rows);
    let config = project.read("evals.yaml");
    let changed = config
        .replace("[exact_match]", "[exact_match, {contains: {ignore_case: true}}]")
        .replace("output: 2", "output: 3")
        .replace("prompts: ['{{question}}']", "prompts: [{id: other, text: '{{question}}'}]");
    project.write("evals.yaml", &changed);
    let output = project.evals().args(["resume", "--as-new-run", "--format", "json"]).run().code(3);
    let json = output.complains("has answers to is not asked again").json();
    assert_eq!(json["trials"]["total"], 21);
    assert_eq!(json["trials"]["cached"], recorded);
    assert_eq!(json["errors"], json!({"bad_request": 1}));
    let mut since = asked(&stub);
    for question in &before {
        since.remove(since.iter().position(|other| other == question).expect("asked before"));
    }
    assert_eq!(i64::try_from(since.len()), Ok(21 - recorded), "{since:?}");
    assert!(since.contains(&"q2".to_owned()) && since.contains(&"q100".to_owned()));
    assert!(!since.contains(&"q0".to_owned()) && !since.contains(&"q1".to_owned()));
    let exported = project.evals().args(["export", "last"]).run().ok().json_lines();
    let of = |id: &str| exported.iter().find(|row| row["sample_id"] == id).expect("a row").clone();
    assert_eq!((&of("0")["cached"], &of("0")["output"]), (&json!(true), &json!("a0")));
    assert_eq!((&of("0")["attempts"], &of("0")["cost_usd"]), (&json!(0), &json!(0.0)));
    assert_eq!(of("0")["saved_usd"], 0.000_002, "at the price of then");
    assert_eq!((&of("1")["status"], &of("new")["cached"]), (&json!("length"), &json!(false)));

    // Another parameter or another message is another question.
    let asked_before = stub.requests().len();
    project
        .write("evals.yaml", changed.replace("stream: false", "stream: false, params: {seed: 1}"));
    let json = resume(&project, &["last", "--as-new-run"]).code(3).json();
    assert_eq!((&json["trials"]["cached"], stub.requests().len()), (&json!(0), asked_before + 21));
}

/// A fork that is stopped goes on as one: what it had not taken over yet is taken over then.
#[test]
fn a_new_run_that_was_stopped_goes_on_taking_over() {
    let stub = Stub::start(|request, nth| match nth {
        10 => right(request).held(),
        _ => right(request),
    });
    let project = project(&stub.base_url(), 10);
    project.evals().args(["run", "-j", "1", "-q", "--no-cache"]).run().ok();
    let rows = project.read("rows.csv").replace("answer\n", "answer\nnew,q100,a100\n");
    project.write("rows.csv", rows);
    let fork = ["resume", "last", "--as-new-run", "-q"];
    let running = project.evals().args(fork).spawn();
    stub.wait_for(11);
    running.signal("KILL");
    running.wait();
    stub.release();
    let json = resume(&project, &[]).ok().json();
    assert_eq!((&json["trials"]["total"], &json["trials"]["cached"]), (&json!(11), &json!(10)));
    assert_eq!(stub.requests().len(), 12, "what was under way is asked twice, and nothing else");
    // Without the run that it came from it would ask for itself.
    let listed = project.evals().args(["list", "--format", "json"]).run().ok().json();
    let first = listed[1]["run_id"].as_str().expect("an id").to_owned();
    project.evals().args(["rm", "-y", &first]).run().ok();
    resume(&project, &[]).code(2).complains("every run is complete");
}

/// An answer that ends at the limit of tokens.
fn cut(request: &Request) -> Response {
    let mut body = json!({
        "id": "x", "object": "chat.completion", "created": 0, "model": "m1",
        "choices": [{"index": 0, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 1, "total_tokens": 1},
    });
    body["choices"][0]["message"] =
        json!({"role": "assistant", "content": request.last_user().replace('q', "a")});
    Response::json(200, &body)
}

#[test]
fn errors_are_asked_again_and_nothing_else() {
    // The third question is refused twice.
    let refused = std::sync::atomic::AtomicU32::new(0);
    let stub = Stub::start(move |request, _| {
        let order = std::sync::atomic::Ordering::SeqCst;
        if request.last_user() == "q3" && refused.fetch_add(1, order) < 2 {
            return openai_error(400, "not today", "bad");
        }
        right(request)
    });
    let project = project(&stub.base_url(), 10);
    project.evals().args(["run", "-q"]).run().code(3);
    assert_eq!(stub.requests().len(), 10);
    // Without being told to, an error stands.
    resume(&project, &[]).code(3);
    assert_eq!(stub.requests().len(), 10);
    let error = resume(&project, &["--retry-errors"]).code(3).json();
    assert_eq!(error["errors"], json!({"bad_request": 1}));
    let json = resume(&project, &["--retry-errors"]).ok().json();
    assert_eq!(json["trials"], json!({"total": 10, "ok": 10, "error": 0, "cached": 0}));
    assert_eq!(json["results"][0]["value"], 1.0);
    assert_eq!(stub.requests().len(), 12);
    let attempts: Vec<(u32, Option<String>)> = sql(&project)
        .prepare("SELECT attempt, error_kind FROM attempts WHERE seq = 3 ORDER BY attempt")
        .and_then(|mut select| {
            select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .expect("attempts");
    let bad = || Some("bad_request".to_owned());
    assert_eq!(attempts, [(0, bad()), (1, bad()), (2, None)], "every attempt is kept");
    let counts: (u32, u32, u32) = sql(&project)
        .query_row("SELECT ended, errors, (SELECT count(*) FROM scores) FROM runs", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .expect("a run");
    assert_eq!(counts, (10, 0, 10));
    resume(&project, &["--retry-errors"]).code(2).complains("every run is complete");
    resume(&project, &["last", "--retry-errors"]).code(2).complains("no trial of run");
}

/// As a judge that was down: the answers are there, and no model is called for them.
#[test]
fn a_scorer_that_failed_scores_again_and_no_model_is_called() {
    let stub = Stub::start(|request, _| right(request));
    let project = project(&stub.base_url(), 6);
    project.evals().args(["run", "-q", "-s", "exact_match", "-s", "contains"]).run().ok();
    // Scores that no scorer would give show which ones were made anew.
    sql(&project)
        .execute_batch(
            "UPDATE scores SET value = 0.25;
             UPDATE scores SET value = NULL, passed = NULL, error_kind = 'scorer',
                 error_message = 'the judge is down' WHERE seq = 2 AND scorer = 1;
             UPDATE runs SET status = 'incomplete';",
        )
        .expect("changed");
    let kept = resume(&project, &[]).code(3).complains("").json();
    assert_eq!(kept["results"][0]["value"], 0.25);
    resume(&project, &["--retry-errors"]).ok();
    assert_eq!(stub.requests().len(), 6, "no model is called");
    let again: Vec<(u32, u32)> = sql(&project)
        .prepare("SELECT seq, scorer FROM scores WHERE value = 1.0")
        .and_then(|mut select| {
            select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .expect("scores");
    assert_eq!(again, [(2, 1)], "the verdict that had failed, and no other");
}

/// An answer that asks for a function has no text, and is an answer all the same.
#[test]
fn an_answer_that_was_recorded_and_not_scored_is_scored_as_it_came() {
    let stub = Stub::start(|_, _| {
        let call =
            json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
        Response::json(
            200,
            &json!({
                "id": "x", "object": "chat.completion", "created": 0, "model": "m",
                "choices": [{"index": 0, "finish_reason": "tool_calls", "message":
                    {"role": "assistant", "content": null, "tool_calls": [call]}}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }),
        )
    });
    let project = project(&stub.base_url(), 4);
    let before = project.evals().args(["run", "-q", "--format", "json"]).run().ok().json();
    sql(&project)
        .execute_batch("DELETE FROM scores; UPDATE runs SET status = 'running';")
        .expect("changed");
    let after = resume(&project, &[]).ok().json();
    assert_eq!(after["results"], before["results"]);
    assert_eq!(before["results"][0]["n"], 4, "{before}");
    assert_eq!(stub.requests().len(), 4, "no model is called");
}

#[test]
fn row_39_a_run_that_goes_on_is_neither_resumed_nor_deleted_by_another_process() {
    let stub = Stub::start(|request, _| right(request).held());
    let project = project(&stub.base_url(), 2);
    let running = project.evals().args(["run", "-q"]).spawn();
    stub.wait_for(2);
    let held = format!("process {} is at work on it", running.id());
    resume(&project, &[]).code(2).complains(&held);
    resume(&project, &["last", "--retry-errors"]).code(2).complains(&held);
    project.evals().args(["rm", "last", "--yes"]).run().code(2).complains(&held);
    stub.release();
    running.wait().ok();
    assert_eq!(stub.requests().len(), 2);
    project.evals().args(["rm", "last", "--yes"]).run().ok();
}

/// Money is spent whether or not an answer came of it.
#[test]
fn what_open_trials_cost_is_part_of_the_total() {
    let stub = held_after_eight();
    let project = project(&stub.base_url(), 20);
    killed(&project, &stub);
    let total = || {
        let json = project.evals().args(["show", "--format", "json"]).run().ok().json();
        json["cost_usd"]["models"].as_f64().expect("known")
    };
    let before = total();
    sql(&project)
        .execute_batch(
            "WITH RECURSIVE planned(seq) AS
                 (SELECT 0 UNION ALL SELECT seq + 1 FROM planned WHERE seq < 19)
             INSERT INTO trials (run, seq, sample, prompt, model, epoch, status, cached, attempts,
                 cost_pico)
             SELECT 1, min(seq), 0, 0, 0, 0, 'open', 0, 1, 5000000 FROM planned
             WHERE seq NOT IN (SELECT seq FROM trials)",
        )
        .expect("added");
    assert!((total() - before - 5e-6).abs() < 1e-12, "{before} and 0.000005 are not {}", total());
}

/// 5,000 rows each: the runs share nothing but the file.
#[test]
fn row_39_two_processes_run_on_one_database() {
    let project = Project::new();
    let rows: Vec<String> = (0..5_000).map(|i| format!("q{i},a{i}\n")).collect();
    project.write("rows.csv", format!("question,answer\n{}", rows.concat()));
    let begin = |name: &str| {
        let model = "{use: sim/instant, id: fast, accuracy: 1}";
        let flags = ["run", "rows.csv", "-m", model, "-p", "{{question}}", "--expected", "answer"];
        let more = ["-s", "exact_match", "-q", "--no-report", "--format", "json", "--name", name];
        project.evals().args(flags).args(more).spawn()
    };
    let (first, second) = (begin("first"), begin("second"));
    for running in [first, second] {
        assert_eq!(running.wait().ok().json()["trials"]["ok"], 5_000);
    }
    let check: String =
        sql(&project).query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
    assert_eq!(check, "ok");
    assert!(Path::new(&project.path(".evals/runs.db.ballast")).is_file());
}
