//! Judged runs that were stopped, killed or left by their judge: nothing is judged twice, and no model
//! is asked again.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use evals::base::clock;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use super::{export, judge, run, said};
use crate::support::{Project, Request, Running, Stub, openai_chat, openai_error};

/// A project of `n` rows whose model is at `models` and whose judge is at `judges`.
fn project(models: &str, judges: &str, n: usize, options: &str) -> Project {
    let project = Project::new();
    let rows: Vec<String> = (0..n).map(|n| format!("r{n},q{n}\n")).collect();
    project.write("rows.csv", format!("id,input\n{}", rows.concat()));
    let judge = judge(judges, ", price: {input: 1, output: 2}, params: {max_tokens: 100}");
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.csv}}\nprompts: ['{{{{input}}}}']\nmodels: [{{id: m, provider: \
             openai-compatible, base_url: '{models}', model: m, stream: false}}]\nretry: {{transient: \
             0}}\nscorers:\n- judge: {{criterion: Is it good?, model: {judge}{options}}}\n"
        ),
    );
    project
}

fn model() -> Stub {
    Stub::start(|request, _| openai_chat(&request.last_user().replace('q', "answer "), (1, 1)))
}

/// The rows whose answers were judged, in the order of the requests.
fn judged(requests: &[Request]) -> Vec<u64> {
    let place = |request: &Request| {
        let text = said(request);
        let number = |tail: &str| -> Option<u64> {
            let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
            tail[..end].parse().ok()
        };
        text.split("answer ").skip(1).find_map(number).expect("an answer")
    };
    requests.iter().map(place).collect()
}

#[test]
fn a_judge_that_is_down_costs_no_answer_and_resume_asks_what_is_missing() {
    let down = Arc::new(AtomicBool::new(true));
    let is_down = Arc::clone(&down);
    let models = model();
    let judges = Stub::start(move |request, _| {
        // Of two rows it says nothing while it is down.
        let hit = said(request).contains("answer 1") || said(request).contains("answer 3");
        if hit && is_down.load(Ordering::SeqCst) {
            return openai_error(503, "out", "unavailable");
        }
        openai_chat("VERDICT: 5", (10, 5))
    });
    let project = project(&models.base_url(), &judges.base_url(), 5, "");
    let json = run(&project, &["--gate", "judge.mean >= 0.1", "--no-cache"]).code(3).json();
    assert_eq!(json["status"], "incomplete");
    assert_eq!((&json["trials"]["ok"], &json["trials"]["error"]), (&json!(5), &json!(0)));
    assert_eq!((&json["results"][0]["n"], &json["results"][0]["unscored"]), (&json!(3), &json!(2)));
    assert_eq!(json["judges"][0]["errors"], 2);
    let lines = export(&project);
    assert_eq!(lines[1]["output"], "answer 1");
    assert_eq!(lines[1]["scores"]["judge"]["error"]["kind"], "judge");
    let (asked, called) = (judges.requests().len(), models.requests().len());
    // Still out: still incomplete, and only those two are asked.
    run_again(&project, &[]).code(3);
    assert_eq!(
        judged(&judges.requests()[asked..]).into_iter().collect::<BTreeSet<_>>(),
        [1, 3].into()
    );
    let asked = judges.requests().len();
    down.store(false, Ordering::SeqCst);
    let json = run_again(&project, &[]).ok().json();
    assert_eq!((&json["status"], &json["results"][0]["n"]), (&json!("complete"), &json!(5)));
    assert_eq!(
        judged(&judges.requests()[asked..]).into_iter().collect::<BTreeSet<_>>(),
        [1, 3].into()
    );
    assert_eq!(judges.requests().len(), asked + 2);
    assert_eq!(models.requests().len(), called, "no model is called again");
    run_again(&project, &[]).code(2).complains("is complete");
}

fn run_again(project: &Project, more: &[&str]) -> crate::support::Output {
    project
        .evals()
        .args(["resume", "last", "--format", "json", "-q", "--no-report"])
        .args(more)
        .run()
}

#[test]
fn a_judge_that_made_no_sense_is_asked_anew_and_not_out_of_the_cache() {
    let sense = Arc::new(AtomicBool::new(false));
    let makes_sense = Arc::clone(&sense);
    let models = model();
    let judges = Stub::start(move |_, _| {
        openai_chat(
            if makes_sense.load(Ordering::SeqCst) { "VERDICT: 5" } else { "Well." },
            (10, 5),
        )
    });
    let project = project(&models.base_url(), &judges.base_url(), 2, "");
    run(&project, &[]).code(3);
    assert_eq!(judges.requests().len(), 6, "a question and two repairs each");
    sense.store(true, Ordering::SeqCst);
    let json = run_again(&project, &["--retry-errors"]).ok().json();
    assert_eq!((&json["results"][0]["n"], judges.requests().len()), (&json!(2), 8));
    assert_eq!(models.requests().len(), 2);
    let said = export(&project)[0]["judgements"].as_array().cloned().expect("some");
    let rounds: Vec<&Value> = said.iter().map(|said| &said["round"]).collect();
    assert_eq!(rounds, [&json!(0), &json!(0), &json!(0), &json!(1)]);
    assert_eq!(said[2]["output"], "Well.");
}

#[test]
fn what_is_asked_twice_is_asked_once() {
    let models = Stub::start(|_, _| openai_chat("answer 0", (1, 1)));
    let judges = Stub::start(|_, _| openai_chat("VERDICT: Yes", (10, 5)));
    let options = ", id: judge, prompt: 'Good? {{output}}', choice_scores: {Yes: 1, No: 0}";
    let project = project(&models.base_url(), &judges.base_url(), 6, options);
    let text = project.read("evals.yaml").replace("criterion: Is it good?, ", "");
    project.write("evals.yaml", text);
    let json = run(&project, &["--no-cache"]).ok().json();
    assert_eq!(judges.requests().len(), 1);
    assert_eq!(json["results"][0]["value"], 1.0);
    let judge = &json["judges"][0];
    assert_eq!((&judge["questions"], &judge["cached"]), (&json!(6), &json!(5)));
    assert_eq!((&judge["cost_usd"], &judge["saved_usd"]), (&json!(0.000_02), &json!(0.000_1)));
    // Another run: out of the response cache, which the first one did not use.
    run(&project, &[]).ok();
    assert_eq!(judges.requests().len(), 2);
    run(&project, &[]).ok();
    assert_eq!(judges.requests().len(), 2);
}

#[test]
fn a_budget_of_judges_ends_the_run_and_resume_goes_on() {
    let models = model();
    let judges = Stub::start(|_, _| openai_chat("VERDICT: 5", (400, 50)));
    let project = project(&models.base_url(), &judges.base_url(), 10, "");
    // Each judgement costs $0.0005, and may cost up to about twice as much.
    let json = run(&project, &["--judge-budget", "$0.002", "-j", "1"]).code(4).json();
    assert_eq!(json["status"], "budget");
    let spent = json["cost_usd"]["judges"].as_f64().expect("known");
    assert!(spent <= 0.002, "{spent}");
    let before = judges.requests().len();
    assert!((1..=4).contains(&before), "{before}");
    let json = run_again(&project, &["--judge-budget", "$1"]).ok().json();
    assert_eq!(json["results"][0]["n"], 10);
    let asked = judged(&judges.requests());
    assert_eq!((asked.len(), asked.iter().collect::<BTreeSet<_>>().len()), (10, 10));
    let called: BTreeSet<String> = models.requests().iter().map(Request::last_user).collect();
    assert_eq!(models.requests().len(), called.len(), "no model is called twice");
}

#[test]
fn what_exists_is_judged_without_its_models() {
    let (models, judges) = (model(), Stub::start(|_, _| openai_chat("VERDICT: 5", (10, 5))));
    let project = project(&models.base_url(), &judges.base_url(), 3, "");
    run(&project, &["-s", "length"]).ok();
    assert_eq!((models.requests().len(), judges.requests().len()), (3, 0));
    let score = ["score", "last", "-c", "evals.yaml", "--format", "json", "-q", "--no-report"];
    let json = project.evals().args(score).run().ok().json();
    assert_eq!((models.requests().len(), judges.requests().len()), (3, 3));
    assert_eq!(json["results"][0]["n"], 3);
    assert_eq!(json["judges"][0]["questions"], 3);
    assert!(json["cost_usd"]["judges"].as_f64().expect("known") > 0.0);
    // Once more: what was judged before is in the cache.
    project.evals().args(score).run().ok();
    assert_eq!(judges.requests().len(), 3);
    // A file of outputs.
    project.write("outputs.csv", "id,output\na,answer 7\nb,answer 8\n");
    let json = project
        .evals()
        .args(["score", "outputs.csv", "-c", "evals.yaml", "--format", "json", "-q", "--no-report"])
        .run()
        .ok()
        .json();
    assert_eq!((&json["results"][0]["n"], models.requests().len()), (&json!(2), 3));
    // One that is stopped by its budget ends so.
    let costs = ["--judge-budget", "$0.00001", "--no-cache"];
    project.evals().args(score).args(costs).run().code(4);
}

fn recorded(project: &Project) -> BTreeSet<u64> {
    let path = project.path(".evals/runs.db");
    if !path.exists() {
        return BTreeSet::new();
    }
    let store = rusqlite::Connection::open(path).expect("the store");
    let sql = "SELECT seq FROM judgements WHERE error_kind IS NULL";
    let seqs = store.prepare(sql).and_then(|mut select| {
        select.query_map([], |row| row.get::<_, i64>(0))?.map(|seq| seq.map(|s| s as u64)).collect()
    });
    // A process that was killed early has made no tables.
    seqs.unwrap_or_default()
}

/// Lets the program run until the judge had `n` requests, or it has ended.
fn until(running: &mut Running, judges: &Stub, n: usize) {
    let begun = clock::instant();
    while !running.has_ended() && judges.requests().len() < n {
        judges.wait_at_most(n, Duration::from_millis(20));
        assert!(begun.elapsed() < Duration::from_mins(2), "it neither asks nor ends");
    }
}

/// Killed over and over while it judges. Every judgement that was recorded is asked for once, and in
/// the end everything is there once.
#[test]
fn a_judged_run_that_is_killed_pays_for_no_judgement_twice() {
    const ROWS: usize = 40;
    let mut random = StdRng::seed_from_u64(7);
    let (models, judges) = (model(), Stub::start(|_, _| openai_chat("VERDICT: 5", (10, 5))));
    let project = project(&models.base_url(), &judges.base_url(), ROWS, "");
    let mut in_flight = 0;
    for session in 0.. {
        assert!(session < 100, "it never ends");
        let before = recorded(&project);
        let asked_before = judges.requests().len();
        let begin = if project.path(".evals/runs.db").exists() { "resume" } else { "run" };
        let args = [begin, "-q", "-j", "4", "--no-report"];
        let no_cache = if begin == "run" { &["--no-cache"][..] } else { &[] };
        let mut running = project.evals().args(args).args(no_cache).spawn();
        if session < 8 {
            until(&mut running, &judges, asked_before + random.random_range(1..8));
            judges.wait_at_most(usize::MAX, Duration::from_micros(random.random_range(0..2_500)));
            if !running.has_ended() {
                running.signal("KILL");
            }
        }
        until(&mut running, &judges, usize::MAX);
        let output = running.wait();
        judges.settle();
        let paid = judged(&judges.requests()[asked_before..]);
        let twice: Vec<&u64> = paid.iter().filter(|seq| before.contains(seq)).collect();
        assert!(twice.is_empty(), "session {session} asked again what was recorded: {twice:?}");
        let after = recorded(&project);
        assert!(after.is_superset(&before), "session {session} lost judgements");
        in_flight += paid.iter().filter(|seq| !after.contains(seq)).count();
        match output.code {
            Some(0) => break,
            // Killed; or, before it, nothing had been recorded at all.
            None | Some(2) => {}
            Some(code) => panic!("session {session} ended with {code}: {output:?}"),
        }
    }
    assert_eq!(
        judges.requests().len(),
        ROWS + in_flight,
        "what was under way at a kill is asked again"
    );
    let lines = export(&project);
    assert_eq!(lines.len(), ROWS);
    for line in &lines {
        assert_eq!(line["scores"]["judge"]["value"], 1.0, "{line}");
        assert_eq!(line["judgements"].as_array().map(Vec::len), Some(1), "{line}");
    }
}
