//! Gates: on any metric, slice, latency, cost and errors, against a baseline and over repeats; what a CI
//! job gets of them.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Output, Project};

/// 60 rows, of which every third has the difficulty 3.
fn rows() -> String {
    let row = |at: usize| format!("q{at:02},{},question {at},right\n", at % 3 + 1);
    format!("id,difficulty,question,answer\n{}", (0..60).map(row).collect::<Vec<_>>().concat())
}

fn answers(output: impl Fn(usize) -> &'static str) -> String {
    let line =
        |at: usize| format!("{}\n", json!({"id": format!("q{at:02}"), "output": output(at)}));
    (0..60).map(line).collect::<Vec<_>>().concat()
}

const ASK: [&str; 8] =
    ["-p", "{{question}}", "--expected", "answer", "-s", "exact_match", "--no-report", "--quiet"];

/// A run called `good` that is wrong on 3 of 60 rows, all of difficulty 3.
fn project() -> Project {
    let project = Project::new();
    project.write("rows.csv", rows());
    let good = answers(|at| if at < 9 && at % 3 == 2 { "wrong" } else { "right" });
    project.write("good.jsonl", good);
    project.write("bad.jsonl", answers(|at| if at % 3 == 2 { "wrong" } else { "right" }));
    run(&project, "good", &[]).ok();
    project
}

fn run(project: &Project, answers: &str, more: &[&str]) -> Output {
    let model = format!("{{id: model, use: 'replay:{answers}.jsonl'}}");
    let args = ["run", "rows.csv", "-m", &model, "--name", answers, "--format", "json"];
    project.evals().args(args).args(ASK).args(more).run()
}

fn gate(project: &Project, gate: &str) -> Output {
    project.evals().args(["gate", "good", "--format", "json", "-g", gate]).run()
}

fn first(output: &Output) -> (Value, String) {
    let gate = &output.json()["gates"][0];
    (gate["passed"].clone(), gate["reason"].as_str().expect("a reason").to_owned())
}

#[test]
fn a_recorded_run_is_asked_for_anything_that_was_measured() {
    let project = project();
    let cases = [
        ("exact_match.mean >= 0.9", 0, "measured 0.9500 (95% interval"),
        ("exact_match.mean >= 0.96", 1, "which is not >= 0.9600"),
        ("exact_match.mean[difficulty=3] >= 0.8", 0, "n = 20"),
        ("exact_match.mean[difficulty=3] >= 0.9", 1, "measured 0.8500"),
        ("exact_match.mean[difficulty=4] >= 0.9", 3, "no sample has `4` in `difficulty`"),
        ("exact_match.median >= 1", 0, "measured 1.0000"),
        ("exact_match.min >= 1", 1, "measured 0.0000"),
        (
            "exact_match.at_least(1) == 100%",
            1,
            "3 samples were right less than 1 times: q02, q05, q08",
        ),
        ("errors.rate < 1%", 0, "0.00% (0 of 60 trials, 95% interval 0.00% to 6.02%)"),
        ("errors.count == 0", 0, "0 trials"),
        ("cost.total <= $1", 0, "measured"),
        ("cost.model <= $1", 0, "measured"),
        ("cost.per_sample <= $1", 0, "measured"),
    ];
    for (text, code, reason) in cases {
        let output = gate(&project, text).code(code);
        let (_, said) = first(&output);
        assert!(said.contains(reason), "{text}: {said}");
    }
    let table = project.evals().args(["gate", "good", "-g", "exact_match.mean >= 0.96"]).run();
    table.code(1).says("FAIL").says("1 of 1 gate failed");
    project
        .evals()
        .args(["run", "rows.csv", "-m", "sim/good", "--name", "timed"])
        .args(ASK)
        .run()
        .ok();
    let args = ["gate", "timed", "-g", "latency.p50 < 10s", "--format", "json"];
    let (_, said) = first(&project.evals().args(args).run().ok());
    assert!(
        said.contains(" ms (95% interval ") && said.contains(" ms, n = 60), which is <"),
        "{said}"
    );
    let none = project.evals().args(["gate", "good"]).run().code(2);
    none.complains("has no gates");
    let wrong = gate(&project, "exact_match.mean vs baseline > 0").code(2);
    wrong.complains("no baseline is named");
}

#[test]
fn a_baseline_that_knows_noise() {
    let project = project();
    // The same answers again: three differ nowhere.
    let clause = "exact_match.mean vs baseline > -0.1 at 95%";
    let again = run(&project, "good", &["--baseline", "last", "-g", clause]).ok();
    let (passed, reason) = first(&again);
    assert_eq!(passed, true);
    assert!(reason.contains("with 95% confidence above -0.0"), "{reason}");
    assert!(reason.contains("non-inferior"), "{reason}");

    // A margin that 60 samples cannot show.
    let strict = "exact_match.mean vs baseline > -0.01 at 95%";
    let unsure = run(&project, "good", &["--baseline", "last", "-g", strict]).code(1);
    assert!(first(&unsure).1.contains("too little is known to rule it out"), "{unsure:?}");

    // Worse by 17 of 60. Another recording is another model, and that has to be meant.
    let refused = run(&project, "bad", &["--baseline", "last", "-g", clause]).code(3);
    let (passed, reason) = first(&refused);
    assert_eq!(passed, Value::Null);
    assert!(reason.contains("not like this run: the model (address)"), "{reason}");
    assert!(reason.contains("`allow model`"), "{reason}");
    let worse = ["--baseline", "good", "-g", clause, "--allow", "model"];
    let (passed, reason) = first(&run(&project, "bad", &worse).code(1));
    assert_eq!(passed, false);
    assert!(reason.contains("the baseline is better"), "{reason}");

    // The same is said of the stored run, later.
    let shown = project.evals().args(["show", "last", "--format", "json"]).run().ok();
    assert_eq!(first(&shown).1, reason);
    let allowed = format!("{clause} allow model");
    let args = ["gate", "bad", "--baseline", "good", "-g", &allowed];
    project.evals().args(args).run().code(1).says("FAIL");

    // A baseline may be a file, and a comparison without confidence, or a ratio.
    project.evals().args(["export", "good", "-o", "base.jsonl"]).run().ok();
    let file = ["gate", "bad", "--baseline", "base.jsonl", "-g"];
    project.evals().args(file).arg("exact_match.mean vs baseline > -0.3").run().ok();
    project.evals().args(file).arg("exact_match.mean vs baseline >= 0.95x").run().code(1);
    project.evals().args(file).arg("errors.rate vs baseline <= 1%").run().ok();
    project
        .evals()
        .args(["run", "rows.csv", "--baseline", "gone", "-m", "sim/good"])
        .args(ASK)
        .run()
        .code(2);
}

#[test]
fn runs_that_are_not_alike_are_refused_before_the_first_call() {
    let project = project();
    let clause = "exact_match.mean vs baseline > -0.1 at 95%";
    let fewer = ["-n", "50", "--baseline", "last", "-g", clause];
    let refused = run(&project, "good", &fewer).code(2);
    refused.complains("the dataset of the baseline").complains("--allow dataset");
    run(&project, "good", &[&fewer[..], &["--allow", "dataset"]].concat()).ok();
    let model = "{id: model, use: 'replay:good.jsonl'}";
    let other = ["run", "rows.csv", "-m", model, "-p", "Q: {{question}}", "--expected", "answer"];
    let rest = ["-s", "exact_match", "--baseline", "last~1", "-g", clause, "--no-report"];
    let refused = project.evals().args(other).args(rest).run().code(2);
    refused.complains("the prompt of the baseline");
    let runs = project.evals().args(["list", "--format", "json"]).run().ok().json();
    assert_eq!(runs.as_array().map(Vec::len), Some(2), "nothing was recorded");
    project.evals().args(other).args(rest).args(["--allow", "prompt"]).run().ok();
    let wrong = project.evals().args(other).args(rest).args(["--allow", "promt"]).run().code(2);
    wrong.complains("did you mean `prompt`?");
}

#[test]
fn samples_without_a_score_fail_a_gate_unless_they_are_allowed() {
    let project = project();
    project.write("gaps.jsonl", answers(|at| if at < 2 { "" } else { "right" }));
    let failed = run(&project, "gaps", &["-g", "exact_match.mean >= 0.5"]).code(1);
    let (passed, reason) = first(&failed);
    assert_eq!(passed, false);
    assert!(
        reason.starts_with("2 of 60 samples have no score (2 refused, cut or empty)"),
        "{reason}"
    );
    run(&project, "gaps", &["-g", "exact_match.mean >= 0.5 allow unscored"]).ok();
    run(&project, "gaps", &["-g", "exact_match.mean >= 0.5", "--allow", "unscored"]).ok();
    // A failed call is an outage: it decides nothing, unless the run was told that it may.
    let lines = answers(|_| "right");
    project.write("short.jsonl", lines.lines().skip(1).collect::<Vec<_>>().join("\n"));
    let open = run(&project, "short", &["-g", "exact_match.mean >= 0.5"]).code(3);
    assert_eq!(first(&open).0, Value::Null);
    let allowed = ["-g", "exact_match.mean >= 0.5", "--allow-errors", "5%"];
    assert_eq!(first(&run(&project, "short", &allowed).ok()).0, true);
}

#[test]
fn repeats_have_gates_of_their_own() {
    let project = Project::new();
    project.write("rows.csv", rows());
    let gates = ["exact_match.pass^3 <= 100%", "exact_match.pass@3 >= 0"];
    let model = "{use: sim/instant, id: m, accuracy: 0.7, seed: 4}";
    let mut args = vec!["run", "rows.csv", "-m", model, "--epochs", "3", "--format", "json"];
    args.extend(gates.iter().flat_map(|gate| ["-g", gate]));
    let output = project.evals().args(&args).args(ASK).run().ok();
    let json = output.json();
    let exported = project.evals().args(["export"]).run().ok().json_lines();
    let right = |sample: &str| {
        let of = |line: &&Value| line["sample_id"] == sample;
        exported.iter().filter(of).filter(|l| l["scores"]["exact_match"]["value"] == 1.0).count()
    };
    let ids: Vec<String> = (0..60).map(|at| format!("q{at:02}")).collect();
    let all = ids.iter().filter(|id| right(id) == 3).count() as f64 / 60.0;
    let any = ids.iter().filter(|id| right(id) > 0).count() as f64 / 60.0;
    let measured = |at: usize| json["gates"][at]["measured"].as_f64();
    assert!((measured(0).expect("a number") - all).abs() < 1e-12, "{json}");
    assert!((measured(1).expect("a number") - any).abs() < 1e-12, "{json}");
    assert!(all < any, "the model is not always the same");
    let four = project.evals().args(&args).args(ASK).args(["-g", "exact_match.at_least(4) >= 0"]);
    four.run().code(2).complains("needs 4 repeats, and there are 3").complains("--epochs 4");
    let slice = project.evals().args(&args).args(ASK).args(["-g", "exact_match.mean[size=3] >= 0"]);
    slice.run().code(2).complains("has no column `size`").complains("`difficulty`");
    let twice =
        project.evals().args(["gate", "-g", "exact_match.at_least(2) == 100%"]).run().code(1);
    twice.says("samples were right less than 2 times: q");
}

/// Names that mean something to XML, Markdown and GitHub.
const HOSTILE: &str = "<b>\"]]>&'::error::x%0A\u{1b}[31m|`";

#[test]
fn what_a_ci_job_gets_is_whole_whatever_the_names() {
    let project = Project::new();
    project.write("rows.csv", rows());
    project.write("bad.jsonl", answers(|at| if at < 3 { "" } else { "wrong" }));
    let config = json!({
        "name": HOSTILE,
        "dataset": {"path": "rows.csv", "expected": "answer"},
        "prompts": ["{{question}}"],
        "models": [{"id": HOSTILE, "use": "replay:bad.jsonl"}],
        "scorers": ["exact_match"],
        "gates": ["exact_match.mean >= 0.9", "errors.rate < 1%"],
    });
    project.write("evals.yaml", config.to_string());
    let files =
        ["--junit", "junit.xml", "--comment", "comment.md", "--code-quality", "quality.json"];
    let output = project
        .evals()
        .args(["run", "--no-report", "--quiet"])
        .args(files)
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", project.path("summary.md"))
        .run()
        .code(1);
    let annotations: Vec<&str> =
        output.stderr.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(annotations.len(), 1, "{output:?}");
    assert!(annotations[0].starts_with("::error file=evals.yaml,line=1,title="), "{annotations:?}");
    assert!(annotations[0].contains("%250A"), "{annotations:?}");

    let xml = project.read("junit.xml");
    let document = roxmltree::Document::parse(&xml).expect("well-formed");
    let suite =
        document.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    let attribute = |name: &str| suite.attribute(name).map(str::to_owned);
    assert_eq!(attribute("tests").as_deref(), Some("3"));
    assert_eq!(attribute("failures").as_deref(), Some("1"));
    assert_eq!(attribute("errors").as_deref(), Some("0"));
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).expect("one");
    let message = failure.attribute("message").expect("a message");
    assert!(message.contains("3 of 60 samples have no score"), "{message}");
    assert!(message.contains("which is not >= 0.9000"), "{message}");
    let case = failure.parent().and_then(|case| case.attribute("name")).expect("a name");
    assert!(case.contains("<b>\"]]>&'::error::x%0A"), "{case}");

    let quality: Value = serde_json::from_str(&project.read("quality.json")).expect("JSON");
    assert_eq!(quality[0]["location"], json!({"path": "evals.yaml", "lines": {"begin": 1}}));
    let comment = project.read("comment.md");
    assert_eq!(comment, project.read("summary.md"));
    assert!(comment.starts_with("<!-- evals -->\n"), "{comment}");
    assert!(comment.len() < 65_536 && !comment.contains('\u{1b}'), "{comment}");
    let rows = comment.lines().filter(|line| line.starts_with("| ❌"));
    assert_eq!(rows.clone().count(), 1, "{comment}");
    rows.for_each(|row| assert_eq!(row.matches('|').count(), 5, "{row}"));
}

#[test]
fn a_comment_has_the_size_that_forges_take() {
    let project = Project::new();
    project.write("rows.csv", "question,answer\nq,right\n");
    project.write("a.jsonl", "{\"input\": \"q\", \"output\": \"right\"}\n");
    let models: Vec<Value> = (0..400)
        .map(|at| json!({"id": format!("model-{at}-{}", "long".repeat(20)), "use": "sim/instant"}))
        .collect();
    let config = json!({
        "dataset": {"path": "rows.csv", "expected": "answer"}, "prompts": ["{{question}}"],
        "models": models, "scorers": ["exact_match"], "gates": ["exact_match.mean >= 0"],
    });
    project.write("evals.yaml", config.to_string());
    let args = ["run", "--no-report", "--quiet", "--comment", "comment.md"];
    project.evals().args(args).run().ok();
    let size = fs::metadata(project.path("comment.md")).expect("a file").len();
    assert!((30_000..65_536).contains(&size), "{size}");
    assert!(project.read("comment.md").contains("did not fit here"));
}

#[test]
fn a_comment_has_the_comparison_beside_the_gates() {
    let project = project();
    let args = ["--baseline", "good", "--allow", "model", "--comment", "comment.md"];
    run(&project, "bad", &args).ok();
    let comment = project.read("comment.md");
    assert!(comment.contains("**Compared with `good`**"), "{comment}");
    let row = comment.lines().find(|line| line.starts_with("| ⬇️ a |")).expect("a pair");
    assert!(row.contains("| -28.33 |") && row.contains("0 / 17 / 43"), "{row}");
    // A recorded run, and a baseline that only the gate names.
    let gate = [
        "gate",
        "bad",
        "--baseline",
        "good",
        "--allow",
        "model",
        "-g",
        "exact_match.mean vs baseline > -1 at 95%",
    ];
    project.evals().args(gate).args(["--comment", "again.md"]).run().ok();
    assert!(project.read("again.md").contains(row), "{}", project.read("again.md"));
    // Without a baseline, models of the run are compared with each other.
    let args = [
        "run",
        "rows.csv",
        "-m",
        "{id: one, use: 'replay:good.jsonl'}",
        "-m",
        "{id: two, use: 'replay:bad.jsonl'}",
    ];
    let more = ["--name", "both", "--comment", "both.md"];
    project.evals().args(args).args(ASK).args(more).run().ok();
    assert!(project.read("both.md").contains("**Compared with each other**"));
}
