//! `evals compare`: pairs by the ids of samples, across runs, models, prompts and exported files.

use std::{collections::HashMap, fs};

use serde_json::{Value, json};

use crate::support::{Output, Project, root, shared_dir};

/// Rows whose answers two recordings give: `a` is right on the first ones, `b` on others.
fn rows(count: usize) -> String {
    let lines: Vec<String> =
        (0..count).map(|at| format!("q{at:03},question {at},right\n")).collect();
    format!("id,question,answer\n{}", lines.concat())
}

/// A recording in which the samples of `wrong` are answered wrongly.
fn answers(count: usize, wrong: impl Fn(usize) -> bool) -> String {
    let line = |at: usize| {
        let output = if wrong(at) { "wrong" } else { "right" };
        format!("{}\n", json!({"id": format!("q{at:03}"), "output": output}))
    };
    (0..count).map(line).collect::<Vec<_>>().concat()
}

fn run(project: &Project, rows: &str, answers: &str, name: &str) -> Output {
    project
        .evals()
        .args(["run", rows, "-m", &format!("{{id: model, use: 'replay:{answers}'}}")])
        .args(["-p", "{{question}}", "--expected", "answer", "-s", "exact_match"])
        .args(["--name", name, "--no-report", "--quiet", "--format", "json"])
        .run()
}

/// Two runs, `before` and `after`, of 60 rows; `after` has a row more, in front.
fn two_runs() -> Project {
    let project = Project::new();
    project.write("rows.csv", rows(60));
    project.write("before.jsonl", answers(60, |at| at % 3 == 0));
    run(&project, "rows.csv", "before.jsonl", "before").ok();
    let more = rows(60).replacen("q000,", "new,a new question,right\nq000,", 1);
    project.write("more.csv", more);
    let new = format!("{}\n", json!({"id": "new", "output": "wrong"}));
    project.write("after.jsonl", format!("{new}{}", answers(60, |at| at % 12 == 0)));
    run(&project, "more.csv", "after.jsonl", "after").ok();
    project
}

fn compared(project: &Project, args: &[&str]) -> Value {
    project.evals().arg("compare").args(args).args(["--format", "json"]).run().ok().json()
}

#[test]
fn a_row_that_was_put_in_front_does_not_shift_the_pairs() {
    let project = two_runs();
    let json = compared(&project, &["before", "after"]);
    assert_eq!(json["schema"], "evals.compare/1");
    let score = &json["pairs"][0]["scores"][0];
    assert_eq!((&score["n"], &score["wins"]), (&json!(60), &json!(15)), "{score}");
    assert_eq!((&score["losses"], &score["ties"]), (&json!(0), &json!(45)));
    assert!((score["difference"].as_f64().expect("a number") - 0.25).abs() < 1e-12);
    assert_eq!(score["verdict"], "b");
    // 2 * (0.5 ^ 15) / 2, by hand.
    assert!((score["p"].as_f64().expect("p") - 0.5_f64.powi(15)).abs() < 1e-12, "{score}");
    assert_eq!(score["missing_a"], json!({"samples": 1, "absent": 1, "first": ["new"]}));
    assert_eq!(score["missing_b"]["samples"], 0);
    let what: Vec<&str> = json["pairs"][0]["differences"]
        .as_array()
        .expect("differences")
        .iter()
        .map(|found| found["what"].as_str().expect("a kind"))
        .collect();
    assert_eq!(what, ["dataset", "model"], "the recordings differ too");
}

#[test]
fn what_people_read_says_it_in_words() {
    let project = two_runs();
    let table = project.evals().args(["compare", "before", "after"]).run().ok();
    table
        .says("exact_match: after is better than before by 25.00 points, 95% interval")
        .says("what differs besides")
        .says("1 of the samples have no value on the side of before (1 are not in its run): new");
    let same = project.evals().args(["compare", "before", "before"]).run().ok();
    same.says("tied");
    let markdown = project.evals().args(["compare", "before", "after", "--format", "markdown"]);
    markdown.run().ok().says("| ⬆️ b | `before` | `after` | `exact_match` | 60 |");
    let csv = project.evals().args(["compare", "before", "after", "--format", "csv"]).run().ok();
    assert_eq!(csv.stdout.lines().count(), 2, "{csv:?}");
    let html = project.evals().args(["compare", "before", "after", "--format", "html"]).run().ok();
    html.says("<!DOCTYPE html>").says("after is better than before");
}

#[test]
fn an_exported_file_is_a_run_as_well() {
    let project = two_runs();
    project.evals().args(["export", "before", "-o", "before-run.jsonl"]).run().ok();
    let of_runs = compared(&project, &["before", "after"]);
    let of_file = compared(&project, &["before-run.jsonl", "after"]);
    assert_eq!(of_file["pairs"][0]["scores"], of_runs["pairs"][0]["scores"]);
    assert_eq!(of_file["sides"][0]["file"], "before-run.jsonl");
    let unknown = &of_file["pairs"][0]["differences"][1];
    assert_eq!((&unknown["what"], &unknown["unknown"]), (&json!("prompt"), &json!(true)));
    project.write("broken.jsonl", "{\"run_id\": \"x\"}\nnonsense\n");
    let broken = project.evals().args(["compare", "broken.jsonl", "after"]).run().code(2);
    broken.complains("broken.jsonl:1: there is no text `model`");
    project.write("broken.jsonl", "\n[1]\n");
    let broken = project.evals().args(["compare", "broken.jsonl", "after"]).run().code(2);
    broken.complains("broken.jsonl:2: not an object").complains("evals export");
}

#[test]
fn models_and_prompts_of_one_run() {
    let project = Project::new();
    project.write("rows.csv", rows(40));
    project.write("good.jsonl", answers(40, |at| at < 2));
    project.write("weak.jsonl", answers(40, |at| at < 20));
    let models = [
        "-m",
        "{id: good, use: 'replay:good.jsonl'}",
        "-m",
        "{id: weak, use: 'replay:weak.jsonl'}",
    ];
    let ask = ["--expected", "answer", "-s", "exact_match", "--no-report", "--quiet"];
    let prompts = ["-p", "{{question}}", "-p", "Answer: {{question}}"];
    project.evals().args(["run", "rows.csv"]).args(models).args(prompts).args(ask).run().ok();
    let all = compared(&project, &[]);
    assert_eq!(all["pairs"].as_array().map(Vec::len), Some(6), "each two of four");
    let one = compared(&project, &["last#good", "last#weak"]);
    assert!(one["pairs"].as_array().is_some_and(|pairs| !pairs.is_empty()));
    let sides = compared(&project, &["last#good#p1", "last#weak#p1"]);
    assert_eq!(sides["pairs"].as_array().map(Vec::len), Some(1));
    assert_eq!(sides["pairs"][0]["scores"][0]["verdict"], "a");
    let labels = [&sides["sides"][0]["label"], &sides["sides"][1]["label"]];
    assert_eq!(labels, [&json!("good"), &json!("weak")]);
    let by_colon = compared(&project, &["last:good", "last:weak"]);
    assert_eq!(by_colon["pairs"].as_array().map(Vec::len), Some(2), "prompt by prompt");
    let wrong = project.evals().args(["compare", "last#god", "last#weak"]).run().code(2);
    wrong.complains("has no model `god`").complains("`good`, `weak`");
    let wrong = project.evals().args(["compare", "-s", "exact_mtch"]).run().code(2);
    wrong.complains("did you mean `exact_match`?");
    let based = compared(&project, &["last#weak#p1", "--baseline", "last#good#p1"]);
    assert_eq!(based["baseline"], 0);
}

#[test]
fn one_model_alone_has_nothing_to_be_compared_with() {
    let project = Project::new();
    project.write("rows.csv", rows(5));
    project.write("a.jsonl", answers(5, |_| false));
    run(&project, "rows.csv", "a.jsonl", "alone").ok();
    let output = project.evals().arg("compare").run().code(2);
    output.complains("there is nothing to compare").complains("evals compare last~1 last");
    project.evals().args(["compare", "last", "gone"]).run().code(2).complains("gone");
}

#[test]
fn runs_are_named_by_tags_and_branches() {
    let project = two_runs();
    project.write(".git/HEAD", "ref: refs/heads/feature/x\n");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    project.write(".git/packed-refs", format!("# pack-refs\n{commit} refs/heads/feature/x\n"));
    run(&project, "more.csv", "after.jsonl", "third").ok();
    project.evals().args(["tag", "before", "release"]).run().ok();
    let listed = project.evals().args(["list", "--format", "json"]).run().ok().json();
    assert_eq!((&listed[0]["branch"], &listed[0]["commit"]), (&json!("feature/x"), &json!(commit)));
    assert_eq!(listed[2]["tags"], json!(["release"]));
    let json = compared(&project, &["release", "last:feature/x"]);
    assert_eq!(json["sides"][0]["run_name"], "before");
    assert_eq!(json["sides"][1]["run_name"], "third");
    // The run that got a tag last is meant by it.
    project.evals().args(["tag", "after", "release"]).run().ok();
    let json = compared(&project, &["release", "last:feature/x"]);
    assert_eq!(json["sides"][0]["run_name"], "after");
    project.evals().args(["tag", "after", "release", "--delete"]).run().ok();
    project.evals().args(["tag", "after", "release", "--delete"]).run().code(2);
    project.evals().args(["tag", "after", "last"]).run().code(2).complains("is no tag");
    project.evals().args(["list"]).run().ok().says("TAGS").says("release");
    project.evals().args(["compare", "last:nowhere", "last"]).run().code(2);
}

#[test]
fn clusters_stay_together() {
    let project = Project::new();
    let lines: Vec<String> =
        (0..60).map(|at| format!("q{at:03},c{},question {at},right\n", at / 20)).collect();
    project.write("rows.csv", format!("id,group,question,answer\n{}", lines.concat()));
    project.write("a.jsonl", answers(60, |at| at % 2 == 0));
    project.write("b.jsonl", answers(60, |at| at >= 40 && at % 2 == 0));
    let args = |answers: &str, name: &str| {
        project
            .evals()
            .args(["run", "rows.csv", "-m", &format!("{{id: m, use: 'replay:{answers}'}}")])
            .args(["-p", "{{question}}", "--expected", "answer", "-s", "exact_match"])
            .args(["--cluster", "group", "--name", name, "--no-report", "--quiet"])
            .run()
            .ok()
    };
    args("a.jsonl", "a");
    args("b.jsonl", "b");
    let json = compared(&project, &["a", "b"]);
    let score = &json["pairs"][0]["scores"][0];
    assert_eq!((&score["n"], &score["units"]), (&json!(60), &json!(3)), "{score}");
    // Three clusters, two of which differ the same way: two of four flips come as far.
    assert_eq!(score["p"], json!(0.5), "{score}");
    assert_eq!(score["verdict"], "tied", "20 wins of 20 are but two clusters");
}

/// `ln(n!)`.
fn ln_factorial(n: u64) -> f64 {
    (1..=n).map(|k| (k as f64).ln()).sum()
}

/// The chance of `k` heads of `n` coins.
fn coins(n: u64, k: u64) -> f64 {
    let ln = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k) - n as f64 * 2.0_f64.ln();
    ln.exp()
}

/// `McNemar`'s exact p-value with mid-p, by its definition.
fn mid_p(wins: u64, losses: u64) -> f64 {
    let (n, fewer) = (wins + losses, wins.min(losses));
    let below: f64 = (0..fewer).map(|k| coins(n, k)).sum();
    2.0 * (below + coins(n, fewer) / 2.0)
}

/// The ends of the 95% score interval of a paired difference of shares: where the statistic is the
/// normal quantile, with the likeliest share of losses found by search rather than by its formula.
fn score_interval(wins: f64, losses: f64, n: f64) -> (f64, f64) {
    let z = 1.959_963_984_540_054_f64;
    let statistic = |off: f64| {
        let likelihood = |share: f64| {
            let part =
                |count: f64, chance: f64| if count > 0.0 { count * chance.ln() } else { 0.0 };
            part(wins, share + off)
                + part(losses, share)
                + part(n - wins - losses, 1.0 - 2.0 * share - off)
        };
        let (mut low, mut high) = ((-off).max(0.0), (1.0 - off) / 2.0);
        for _ in 0..200 {
            let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
            if likelihood(a) < likelihood(b) { low = a } else { high = b }
        }
        let share = f64::midpoint(low, high);
        (wins - losses - n * off) / (n * (2.0 * share + off * (1.0 - off))).sqrt()
    };
    let observed = (wins - losses) / n;
    let search = |mut outside: f64, wanted: f64| {
        let mut inside = observed;
        for _ in 0..60 {
            let middle = f64::midpoint(outside, inside);
            if (statistic(middle) - wanted) * wanted > 0.0 {
                outside = middle;
            } else {
                inside = middle;
            }
        }
        inside
    };
    (search(-1.0 + 1e-9, z), search(1.0 - 1e-9, -z))
}

#[test]
fn of_gsm8k_the_large_verifier_beats_the_small_one_by_17_points() {
    let Some(shared) = shared_dir() else { return };
    let data = shared.join("data/gsm8k");
    let project = Project::new();
    let define = format!("gsm8k={}", data.display());
    let config = root().join("datasets/gsm8k.yaml");
    project.evals().arg("run").arg(config).args(["-D", &define, "--no-report"]).run().ok();
    let json = compared(&project, &["last#6b_verification", "last#175b_verification"]);
    let score = &json["pairs"][0]["scores"][0];

    // What the authors themselves said of each answer.
    let text = fs::read_to_string(data.join("example_model_solutions.jsonl")).expect("answers");
    let mut counts: HashMap<(bool, bool), u64> = HashMap::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let right = |model: &str| row[model]["is_correct"] == true;
        *counts.entry((right("6b_verification"), right("175b_verification"))).or_default() += 1;
    }
    let (wins, losses) = (counts[&(false, true)], counts[&(true, false)]);
    assert_eq!((&score["wins"], &score["losses"]), (&json!(wins), &json!(losses)));
    assert_eq!(score["n"], 1319);
    let number = |key: &str| score[key].as_f64().expect(key);
    assert!((number("difference") - 227.0 / 1319.0).abs() < 1e-12);
    assert_eq!(format!("{:.2}", number("difference") * 100.0), "17.21");
    let (low, high) = score_interval(wins as f64, losses as f64, 1319.0);
    assert!((number("low") - low).abs() < 1e-6, "{} and {low}", number("low"));
    assert!((number("high") - high).abs() < 1e-6, "{} and {high}", number("high"));
    let p = mid_p(wins, losses);
    assert!((number("p") / p - 1.0).abs() < 1e-9, "{} and {p}", number("p"));
    assert_eq!(score["verdict"], "b");
    let table = project.evals().args(["compare", "last#6b_verification", "last#175b_verification"]);
    table.run().ok().says("175b_verification is better than 6b_verification by 17.21 points");
    let all = compared(&project, &[]);
    assert_eq!((all["pairs"].as_array().map(Vec::len), &all["tests"]), (Some(6), &json!(6)));
}

#[test]
fn no_name_means_anything_to_a_terminal_a_spreadsheet_or_a_page() {
    let project = Project::new();
    project.write("rows.csv", rows(8));
    let name = |at: usize| format!("=cmd{at}|<script>alert(1)</script>\u{1b}]0;x\u{7}@team #1\n`");
    let config = json!({
        "name": name(0),
        "dataset": {"path": "rows.csv", "expected": "answer"},
        "prompts": ["{{question}}"],
        "models": [{"id": name(1), "use": "sim/instant"}, {"id": name(2), "use": "sim/instant"}],
        "scorers": [{"exact_match": {"id": name(3)}}],
    });
    project.write("evals.yaml", config.to_string());
    project.evals().args(["run", "--no-report", "--quiet"]).run().ok();
    let shown =
        |format: &str| project.evals().args(["compare", "--format", format]).run().ok().stdout;
    let table = shown("table");
    assert!(!table.contains(|c: char| c.is_control() && c != '\n'), "{table:?}");
    let html = shown("html");
    assert!(!html.contains("<script>alert"), "{html}");
    assert!(!html.contains('\u{1b}'), "{html:?}");
    let table = shown("csv");
    let mut csv = csv::Reader::from_reader(table.as_bytes());
    let row = csv.records().next().expect("a row").expect("a row");
    assert!(row.get(0).is_some_and(|cell| cell.starts_with("'=cmd")), "{row:?}");
    let markdown = shown("markdown");
    let rows = markdown.lines().filter(|line| line.starts_with("| = tied"));
    assert_eq!(rows.map(|row| row.matches('|').count()).collect::<Vec<_>>(), [12], "{markdown}");
    let json = compared(&project, &[]);
    assert_eq!(json["sides"][0]["model"], name(1), "data stays as it is");
}
