//! A run that ends as soon as a mean is known well enough.

use serde_json::Value;

use crate::support::{Output, Project};

/// More rows than the rule needs.
const ROWS: u64 = 3_000;

/// A model that is right half of the time and does not wait.
const HALF: &str = "{use: sim/weak, id: half, latency: 0ms}";

const RULE: &str = "stop: {scorer: exact_match, half_width: 0.1}\n";

/// Rows in a random order, a model and three scorers.
fn project(more: &str) -> Project {
    let project = Project::new();
    let rows: String = (0..ROWS)
        .map(|row| format!("{row},question {row},answer {row}\n"))
        .collect::<Vec<_>>()
        .concat();
    project.write("rows.csv", format!("id,question,answer\n{rows}"));
    project.write("evals.yaml", config("shuffle: 1", more));
    project
}

fn config(order: &str, more: &str) -> String {
    format!(
        "dataset: {{path: rows.csv, expected: answer, {order}}}\nprompts: ['{{{{question}}}}']\n\
         models: [{HALF}]\nscorers: [exact_match, contains, latency]\n{more}"
    )
}

fn run(project: &Project, flags: &[&str]) -> Output {
    project.evals().args(["run", "--format", "json", "-j", "4"]).args(flags).run()
}

#[test]
fn a_run_ends_when_it_knows_enough_and_everything_says_so() {
    let project = project(&format!("{RULE}gates: [exact_match.mean >= 0.2, errors.rate < 1%]\n"));
    let output = run(&project, &[]).ok();
    let json = output.json();
    assert_eq!(json["status"], "complete");
    assert_eq!(json["trials"]["total"], ROWS, "what was planned stays");
    let asked = json["trials"]["ok"].as_u64().expect("a number");
    assert!(asked < ROWS, "it ended early");

    let early = &json["stopped_early"];
    assert_eq!((&early["scorer"], &early["half_width"]), (&"exact_match".into(), &0.1.into()));
    let counted = early["samples"].as_u64().expect("a number");
    assert!((50..=asked).contains(&counted), "{counted} of {asked}");
    let known = &early["intervals"][0];
    assert_eq!((&known["model"], &known["n"]), (&"half".into(), &counted.into()));
    let at = |key: &str| known[key].as_f64().expect("a number");
    assert!(at("high") - at("low") <= 0.2 + 1e-9, "{known}");
    assert!(at("low") < at("value") && at("value") < at("high"), "{known}");
    assert_eq!(json["results"][0]["unscored"], 0, "what was not asked is not unscored");
    assert!(json["gates"].as_array().expect("gates").iter().all(|gate| gate["passed"] == true));

    // The stored run says the same, in every form.
    let shown = project.evals().args(["show", "--format", "json"]).run().ok().json();
    assert_eq!(shown["stopped_early"], *early);
    let said = format!("stopped early by its own rule, after {counted} of 3,000 samples");
    let table = project.evals().arg("show").run().ok().stdout.replace('\n', " ");
    let table = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(table.contains(&said), "{table}");
    assert!(!table.contains("not ended"), "{table}");
    project.evals().args(["show", "--format", "markdown"]).run().ok().says(&said);
    project.evals().args(["report", "--output", "page.html"]).run().ok();
    assert!(project.read("page.html").contains(&said));

    // Nothing goes on with it by accident.
    project.evals().args(["resume", "last"]).run().code(2).complains("ended early by its own rule");
    project.evals().arg("resume").run().code(2).complains("every run is complete");
}

#[test]
fn a_flag_says_the_same_and_the_whole_run_is_made_where_it_does_not_suffice() {
    let project = project("");
    let json = run(&project, &["--stop", "exact_match=10%"]).ok().json();
    assert_eq!(json["stopped_early"]["half_width"], 0.1);
    let json = run(&project, &["--stop", "exact_match=0.01", "--limit", "40"]).ok().json();
    assert_eq!((&json["stopped_early"], &json["trials"]["ok"]), (&Value::Null, &40.into()));
}

#[test]
fn a_run_that_was_stopped_by_its_budget_goes_on_to_the_same_end() {
    let project = project(RULE);
    let whole = run(&project, &["--no-cache"]).ok().json();
    let first = run(&project, &["--no-cache", "--budget-tokens", "1000"]).code(4).json();
    assert_eq!(first["stopped_early"], Value::Null);
    let again = ["resume", "--format", "json", "--budget-tokens", "100000000"];
    let json = project.evals().args(again).run().ok().json();
    assert_eq!(json["status"], "complete");
    assert!(json["trials"]["ok"].as_u64() < Some(ROWS));
    // Calls in flight at the end still count, a few more or less.
    let samples = |json: &Value| json["stopped_early"]["samples"].as_u64().expect("a number");
    assert!(samples(&json).abs_diff(samples(&whole)) < 1_000);
}

#[test]
fn what_would_not_hold_is_refused_with_its_place() {
    let project = project("");
    let rule =
        |scorer: &str, width: &str| format!("stop: {{scorer: {scorer}, half_width: {width}}}\n");
    let good = rule("exact_match", "0.02");
    let cases = [
        ("limit: 9", good.clone(), "evals.yaml:5:7", "shuffle: 1"),
        ("sample: 9", good.clone(), "evals.yaml:5:7", "`sample` alone keeps the order"),
        (
            "shuffle: 1",
            rule("exact_mach", "0.02"),
            "evals.yaml:5:16",
            "did you mean `exact_match`?",
        ),
        ("shuffle: 1", rule("latency", "0.02"), "evals.yaml:5:16", "`exact_match`, `contains`"),
        ("shuffle: 1", rule("exact_match", "0.5"), "evals.yaml:5:41", "two points up and down"),
        ("shuffle: 1", rule("exact_match", ".nan"), "evals.yaml:5:41", "two points up and down"),
        ("shuffle: 1", format!("{good}epochs: 2\n"), "evals.yaml:5:7", "`epochs`"),
        ("shuffle: 1, cluster: answer", good.clone(), "evals.yaml:5:7", "`cluster`"),
        ("shuffle: 1", "stop: {scorer: exact_match}\n".to_owned(), "evals.yaml:5:", "half_width"),
    ];
    for (order, more, place, hint) in cases {
        project.write("evals.yaml", config(order, &more));
        run(&project, &[]).code(2).complains(place).complains(hint);
    }
    project.write("evals.yaml", config("shuffle: 1", &good));
    run(&project, &["--shard", "1/2"]).code(2).complains("shards");
    run(&project, &["--stop", "exact_match"]).code(2).complains("SCORER=HALF_WIDTH");
    run(&project, &["--stop", "exact_mach=0.1"]).code(2).complains("--stop: ");
    assert!(!project.files().iter().any(|file| file.contains("runs.db")), "nothing is written");
}
