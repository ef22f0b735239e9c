//! Metrics that a config makes of other metrics.

use serde_json::{Value, json};

use crate::support::Project;

const ROWS: &str = "id,q,answer\na,1,Paris\nb,2,Rome\nc,3,Oslo\nd,4,Bern\n";

fn project(metrics: &str) -> Project {
    let project = Project::new();
    project.write("rows.csv", ROWS);
    // The model's own answers: three of four are right.
    project.write("said.csv", "id,output\na,Paris\nb,Rome\nc,Oslo\nd,Basel\n");
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.csv, expected: answer}}\nprompts: ['{{{{q}}}}']\n\
             models: ['replay:said.csv']\nscorers: [exact_match, levenshtein]\n{metrics}"
        ),
    );
    project
}

#[test]
fn metrics_made_of_others_are_shown_everywhere_and_gate_a_run() {
    let project = project(
        "metrics:\n  both: 2 * exact_match.mean * levenshtein.mean / (exact_match.mean + levenshtein.mean)\n  \
         half: both / 2\n  hopeless: latency.ttft_p50 / 1000\n\
         gates: ['half >= 0.3', 'half >= 45%']\n",
    );
    let run = project.evals().args(["run", "--no-report", "--format", "json"]).run().code(1).json();
    let of = |name: &str| {
        let metrics = run["metrics"].as_array().expect("metrics");
        metrics.iter().find(|metric| metric["metric"] == name).expect(name).clone()
    };
    // Levenshtein of Bern and Basel: B stays, and so does one letter.
    let near = run["results"][1]["value"].as_f64().expect("a mean");
    let both = 2.0 * 0.75 * near / (0.75 + near);
    let value = of("both")["value"].as_f64().expect("a value");
    assert!((value - both).abs() < 1e-12, "{value} {both}");
    assert!(of("both")["expression"].as_str().expect("text").starts_with("2 * exact_match.mean"));
    assert_eq!(of("hopeless")["value"], Value::Null);
    assert_eq!(of("hopeless")["reason"], "`latency.ttft_p50` is unknown");
    assert_eq!(of("half")["model"], "replay:said.csv");
    let gates: Vec<&Value> =
        run["gates"].as_array().expect("gates").iter().map(|gate| &gate["passed"]).collect();
    assert_eq!(gates, [true, false]);
    assert_eq!(run["gates"][0]["measured"], of("half")["value"]);

    let table = project.evals().args(["show", "last"]).run().ok();
    for said in ["both", "half", "hopeless", "`latency.ttft_p50` is unknown"] {
        assert!(table.stdout.contains(said), "{said}: {table:?}");
    }
    let markdown = project.evals().args(["show", "last", "--format", "markdown"]).run().ok();
    assert!(markdown.stdout.contains("| `half` |"), "{markdown:?}");
    assert!(markdown.stdout.contains("`both / 2`"), "{markdown:?}");

    // What was recorded is scored with others, by flags.
    let scored = project
        .evals()
        .args(["score", "last", "-s", "exact_match", "--metric", "wrong=1 - exact_match.mean"])
        .args(["--gate", "wrong <= 0.25", "--no-report", "--format", "json"])
        .run()
        .ok()
        .json();
    assert_eq!(scored["metrics"][0]["value"], 0.25);
    assert_eq!(scored["gates"][0]["passed"], true);
}

#[test]
fn what_a_metric_cannot_be_made_of_is_refused_before_the_first_call() {
    for (written, said) in [
        (
            "metrics:\n  f1: exact_match.man / 2\n",
            "evals.yaml:6:7: metric `f1`, character 1: there is no measure `exact_match.man`",
        ),
        ("metrics:\n  a: b\n  b: a + 1\n", "evals.yaml:6:6: metric `a`, it depends on itself"),
        ("metrics:\n  a: 1 +\n", "evals.yaml:6:6: metric `a`, character 4: a value is expected"),
        ("metrics:\n  cost: 1\n", "the name stands for figures of the run"),
        ("metrics: [a]\n", "evals.yaml:5:10: expected a mapping"),
        ("metrics: {a: b.c}\ngates: [x > 1]\n", "there is no measure `b.c`"),
    ] {
        let project = project(written);
        let refused = project.evals().args(["run", "--no-report"]).run().code(2);
        refused.complains(said);
        assert!(!project.path(".evals").exists(), "{written}");
    }
    let project = project("");
    let flag = ["run", "--no-report", "--metric", "exact_match.mean"];
    project.evals().args(flag).run().code(2).complains("NAME=EXPRESSION");
    let flag = ["run", "--no-report", "--metric", "a=exact_match.mean", "--gate", "b > 1"];
    let refused = project.evals().args(flag).run().code(2);
    refused.complains("there is no measure `b`").complains("`a`");
}

#[test]
fn a_metric_is_decided_for_each_model_and_prompt() {
    let project = Project::new();
    project.write("rows.csv", ROWS);
    let run = project
        .evals()
        .args([
            "run",
            "rows.csv",
            "-m",
            "sim/instant",
            "-m",
            "sim/fast",
            "-p",
            "{{q}}",
            "-p",
            "? {{q}}",
        ])
        .args([
            "--expected",
            "answer",
            "-s",
            "exact_match",
            "--metric",
            "twice=2 * exact_match.mean",
        ])
        .args(["--gate", "twice >= 0", "--no-report", "--format", "json"])
        .run()
        .ok()
        .json();
    let metrics = run["metrics"].as_array().expect("metrics");
    assert_eq!(metrics.len(), 4);
    for (metric, result) in metrics.iter().zip(run["results"].as_array().expect("results")) {
        assert_eq!((&metric["model"], &metric["prompt"]), (&result["model"], &result["prompt"]));
        let mean = result["value"].as_f64().expect("a mean");
        assert_eq!(metric["value"], json!(2.0 * mean));
    }
    assert_eq!(run["gates"].as_array().expect("gates").len(), 4);
}
