//! Models compared two at a time by scripted judges, over HTTP.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};

use crate::{
    judge::{export, judge, run, said},
    support::{Project, Request, Response, Stub, openai_chat, openai_error},
};

/// Rows whose recorded answers are in the columns `one`, `two` and `three`.
const ROWS: &str = "id,input,one,two,three\n\
    r0,q0?,good 0.,bad 0.,fine 0.\n\
    r1,q1?,good 1.,bad 1.,fine 1.\n\
    r2,q2?,good 2.,bad 2.,fine 2.\n\
    r3,q3?,bad 3.,good 3.,fine 3.\n\
    r4,q4?,even 4.,level 4.,fine 4.\n\
    r5,q5?,good 5.,bad 5.,fine 5.\n";

/// A project with the recorded models `names`, scored by `scorers`.
fn project(names: &[&str], scorers: &str) -> Project {
    let project = Project::new();
    project.write("rows.csv", ROWS);
    let models: Vec<String> = names
        .iter()
        .map(|name| format!("{{id: {name}, provider: replay, output: {name}}}"))
        .collect();
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.csv}}\nprompts: ['{{{{input}}}}']\nmodels: [{}]\n\
             retry: {{transient: 0}}\nscorers:\n{scorers}",
            models.join(", ")
        ),
    );
    project
}

fn pairwise(stub: &Stub, more: &str) -> String {
    format!("- pairwise: {{model: {}{more}}}\n", judge(&stub.base_url(), ""))
}

/// Prefers what is good to what is fine, and that to what is bad; sees no difference else.
fn fair(request: &Request) -> Response {
    let text = said(request);
    let rank = |word: &str| text.find(&format!("{word} "));
    let order = ["good", "fine", "bad"].map(rank);
    let shown: Vec<usize> = order.into_iter().flatten().collect();
    let verdict = match shown[..] {
        [better, worse] if better < worse => "First",
        [_, _] => "Second",
        _ => "Tie",
    };
    openai_chat(&format!("Well.\nVERDICT: {verdict}"), (10, 5))
}

#[test]
fn a_win_is_one_in_both_orders_and_each_question_is_asked_once() {
    let stub = Stub::start(|request, _| match request.json()["model"].as_str() {
        Some("one") if request.last_user() != "q3?" => openai_chat("good x.", (1, 1)),
        Some("two") if request.last_user() == "q3?" => openai_chat("good x.", (1, 1)),
        Some("one" | "two") => openai_chat("bad x.", (1, 1)),
        _ => fair(request),
    });
    let project = project(&[], &pairwise(&stub, ""));
    let model = |name: &str| {
        let url = stub.base_url();
        format!(
            "{{id: {name}, provider: openai-compatible, base_url: '{url}', model: {name}, stream: false}}"
        )
    };
    let config = project.read("evals.yaml");
    let config =
        config.replace("models: []", &format!("models: [{}, {}]", model("one"), model("two")));
    project.write("evals.yaml", config);
    let json = run(&project, &["--no-cache", "-j", "3"]).ok().json();
    let found = &json["pairwise"][0];
    assert_eq!((&found["scorer"], &found["comparisons"]), (&json!("pairwise"), &json!(6)));
    let pair = &found["pairs"][0];
    assert_eq!((&pair["a"], &pair["b"], &pair["n"]), (&json!("one"), &json!("two"), &json!(6)));
    assert_eq!((&pair["a_won"], &pair["b_won"], &pair["tied"]), (&json!(5), &json!(1), &json!(0)));
    assert_eq!(found["flip_rate"]["value"], 0.0);
    let strength = |at: usize| found["bradley_terry"][at]["strength"]["value"].as_f64().unwrap();
    assert!((strength(0) - strength(1) - 5.0_f64.ln()).abs() < 1e-9, "{found}");
    // The mean of the scorer is the share that was won.
    assert!((json["results"][0]["value"].as_f64().unwrap() - 5.0 / 6.0).abs() < 1e-9);
    assert!((json["results"][1]["value"].as_f64().unwrap() - 1.0 / 6.0).abs() < 1e-9);
    let asked = stub.requests().iter().filter(|request| request.json()["model"] == "j").count();
    // All questions of the rows are alike but for the instructions: six times two orders.
    assert_eq!(asked, 12);
    let lines = export(&project);
    let score = &lines[0]["scores"]["pairwise"];
    assert_eq!((&score["value"], &score["label"]), (&json!(1.0), &json!("won")));
    assert_eq!(score["explanation"], "better than two");
    let table = project.evals().arg("show").run().ok();
    let table = table.says("pairwise: share won by the row against the column");
    table.says("Bradley-Terry strength");
    let markdown = project.evals().args(["report", "--format", "markdown"]).run().ok();
    markdown.says("| model | Bradley-Terry strength | 95% interval |");
}

#[test]
fn a_judge_that_always_says_first_gives_ties_and_a_flip_rate_of_1() {
    let stub = Stub::start(|_, _| openai_chat("VERDICT: First", (10, 5)));
    let project = project(&["one", "two"], &pairwise(&stub, ", use_cot: false"));
    let found = run(&project, &[]).ok().json();
    let found = &found["pairwise"][0];
    assert_eq!(found["flip_rate"]["value"], 1.0);
    assert_eq!((&found["first_won_both"], &found["last_won_both"]), (&json!(6), &json!(0)));
    let pair = &found["pairs"][0];
    assert_eq!(
        (&pair["tied"], &pair["flipped"], &pair["a_share"]["value"]),
        (&json!(6), &json!(6), &json!(0.5))
    );
    assert_eq!(found["bradley_terry"][0]["strength"]["value"], 0.0);
    // Beside people's labels the same is a bias of the judge.
    let labels: Vec<String> = (0..6).map(|row| format!("r{row},one,{}\n", row % 2)).collect();
    project.write("human.csv", format!("sample,model,label\n{}", labels.concat()));
    let calibrate = ["judge", "calibrate", "last", "--labels", "human.csv"];
    let told = project.evals().args(calibrate).args(["--format", "json"]).run().ok().json();
    assert_eq!(told["bias"]["position"]["value"], 1.0);
    project.evals().args(calibrate).run().ok().says("first place preferred, less last place");
}

#[test]
fn a_judge_that_is_down_leaves_comparisons_out_and_is_asked_again_for_these_only() {
    let down = Arc::new(AtomicBool::new(true));
    let is_down = Arc::clone(&down);
    let stub = Stub::start(move |request, _| {
        if is_down.load(Ordering::SeqCst) && said(request).contains("q1?") {
            return openai_error(500, "down", "x");
        }
        fair(request)
    });
    let project = project(&["one", "two", "three"], &pairwise(&stub, ""));
    let json = run(&project, &["--no-cache"]).code(3).json();
    let pairs = &json["pairwise"][0]["pairs"];
    for at in 0..3 {
        assert_eq!(pairs[at]["n"], 5, "what the judge did not say is no tie: {pairs}");
    }
    assert_eq!(json["results"][0]["unscored"], 1);
    let before = stub.requests().len();
    down.store(false, Ordering::SeqCst);
    let json = project.evals().args(["resume", "--format", "json", "-q"]).run().ok().json();
    // Three pairs in two orders, of the one row.
    assert_eq!(stub.requests().len() - before, 6);
    let pairs = &json["pairwise"][0]["pairs"];
    let counts = |at: usize| {
        let pair = &pairs[at];
        ["n", "a_won", "b_won", "tied"].map(|key| pair[key].as_u64().unwrap())
    };
    assert_eq!([counts(0), counts(1), counts(2)], [[6, 4, 1, 1], [6, 4, 1, 1], [6, 1, 4, 1]]);
}

#[test]
fn a_killed_run_goes_on_and_pays_for_no_comparison_twice() {
    let stub = Stub::start(|request, _| {
        let text = said(request);
        let early = ["q0?", "q1?", "q2?"].iter().any(|question| text.contains(question));
        if early { fair(request) } else { fair(request).held() }
    });
    let project = project(&["one", "two"], &pairwise(&stub, ""));
    let running =
        project.evals().args(["run", "-q", "--no-report", "--no-cache", "-j", "20"]).spawn();
    stub.wait_for(12);
    let store = rusqlite::Connection::open(project.path(".evals/runs.db")).expect("the store");
    let recorded = || -> i64 {
        let sql = "SELECT count(DISTINCT key) FROM judgements WHERE verdict IS NOT NULL";
        store.query_row(sql, [], |row| row.get(0)).expect("a count")
    };
    while recorded() < 6 {
        std::thread::yield_now();
    }
    running.signal("KILL");
    running.wait();
    stub.release();
    let json =
        project.evals().args(["resume", "--format", "json", "-q", "--no-report"]).run().ok().json();
    assert_eq!(json["pairwise"][0]["comparisons"], 6);
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    for request in stub.requests() {
        *asked.entry(said(&request)).or_default() += 1;
    }
    assert_eq!(asked.len(), 12);
    for (text, times) in asked {
        let early = ["q0?", "q1?", "q2?"].iter().any(|question| text.contains(question));
        assert_eq!(times, if early { 1 } else { 2 }, "{text}");
    }
}

#[test]
fn a_finished_run_is_compared_without_calling_its_models() {
    let stub = Stub::start(|request, _| fair(request));
    let project = project(&["one", "two", "three"], "- contains: {value: good}\n");
    run(&project, &[]).ok();
    let scorer =
        format!("{{pairwise: {{model: {}, pairs: [[one, three]]}}}}", judge(&stub.base_url(), ""));
    let line = ["score", "last", "--format", "json", "-q", "--no-report", "-s", &scorer];
    let json = project.evals().args(line).run().ok().json();
    let pairs = json["pairwise"][0]["pairs"].as_array().expect("pairs");
    assert_eq!((pairs.len(), &pairs[0]["b"], &pairs[0]["a_won"]), (1, &json!("three"), &json!(4)));
    assert_eq!(stub.requests().len(), 12);
    assert_eq!(json["results"][1]["unscored"], 6, "`two` is in no pair");
}

#[test]
fn the_best_of_several_is_picked_in_two_orders() {
    let stub = Stub::start(|request, _| {
        let text = said(request);
        // The number before the answer that is good, or the first one.
        let good = text.find("good ").unwrap_or(text.len());
        let number = text[..good].rfind("Answer ").map_or("1", |at| &text[at + 7..at + 8]);
        let number = if text.contains("good ") { number } else { "1" };
        openai_chat(&format!("VERDICT: {number}"), (10, 5))
    });
    let scorer = format!("- select_best: {{model: {}}}\n", judge(&stub.base_url(), ""));
    let project = project(&["one", "two", "three"], &scorer);
    run(&project, &["--no-cache"]).ok();
    assert_eq!(stub.requests().len(), 12, "two orders of six rows, whoever asks");
    let lines = export(&project);
    let values = |row: usize| -> Vec<Value> {
        (0..3).map(|at| lines[row * 3 + at]["scores"]["select_best"]["value"].clone()).collect()
    };
    assert_eq!(values(0), [json!(1.0), json!(0.0), json!(0.0)]);
    assert_eq!(values(3), [json!(0.0), json!(1.0), json!(0.0)]);
    // Whatever stands first: the first one, and in the opposite order the last one.
    assert_eq!(values(4), [json!(0.5), json!(0.0), json!(0.5)]);
    assert_eq!(lines[0]["scores"]["select_best"]["explanation"], "picked both times: one");
}

#[test]
fn what_cannot_be_compared_is_refused_before_any_call() {
    let stub = Stub::start(|request, _| fair(request));
    let check = |names: &[&str], scorers: &str, says: &str| {
        let project = project(names, scorers);
        run(&project, &[]).code(2).complains(says);
    };
    let two = &["one", "two"][..];
    check(&["one"], &pairwise(&stub, ""), "compares models, and the run has one");
    check(two, &pairwise(&stub, ", pairs: [[one, tow]]"), "did you mean `two`?");
    check(two, &pairwise(&stub, ", pairs: [[one, one]]"), "a list of two models each");
    check(two, &pairwise(&stub, ", pairs: some"), "a list of two models each");
    check(two, &pairwise(&stub, ", use: humor"), "it compares nothing");
    check(two, &pairwise(&stub, ", use: batle"), "did you mean `battle`?");
    check(two, "- pairwise: {}\n", "is missing: who judges?");
    let inner = pairwise(&stub, "").replace("- ", "").replace('\n', "");
    check(two, &format!("- not: {{of: {{{inner}}}}}\n"), "stands directly under `scorers`");
    assert!(stub.requests().is_empty());
}
