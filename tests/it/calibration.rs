//! Scorers measured by people: files of labels, labels made at the terminal, corrected means.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::Project;

/// Marks whose answer it is; must not be seen while labelling.
const MODEL: &str = "model-canary-71";

/// A project with a run of two recorded models over twenty samples: `exact_match` passes the first
/// ten of the one and the first five of the other.
fn recorded() -> Project {
    let project = Project::new();
    let mut rows = String::from("id,question,answer\n");
    let mut answers = String::new();
    for at in 0..20 {
        writeln!(rows, "s{at:02},Question {at}?,right").unwrap();
        for (model, passes) in [(MODEL, 10), ("other", 5)] {
            let output = if at < passes { "right".to_owned() } else { format!("wrong{at}") };
            let line = json!({"id": format!("s{at:02}"), "model": model, "output": output});
            writeln!(answers, "{line}").unwrap();
        }
    }
    project.write("rows.csv", rows);
    project.write("answers.jsonl", answers);
    project.write(
        "evals.yaml",
        format!(
            "name: recorded\ndataset: {{path: rows.csv, input: question, expected: answer}}\n\
             prompts: ['{{{{question}}}}']\nmodels: ['replay:answers.jsonl#{MODEL}', 'replay:answers.jsonl#other']\n\
             scorers: [exact_match, levenshtein]\n"
        ),
    );
    project.evals().args(["run", "--no-report"]).run().ok();
    project
}

/// The names that the run gives its two models.
fn names(project: &Project) -> [String; 2] {
    let shown = project.evals().args(["show", "--format", "json"]).run().ok().json();
    [0, 1].map(|at| shown["models"][at]["model"].as_str().expect("a name").to_owned())
}

/// Labels of the samples 0 to 11 of both models: people pass the first eight of both.
fn labels(project: &Project) -> String {
    let mut text = String::from("sample_id,model,label\n");
    for model in names(project) {
        for at in 0..12 {
            let label = if at < 8 { "pass" } else { "fail" };
            writeln!(text, "s{at:02},{model},{label}").unwrap();
        }
    }
    text
}

fn calibrate(project: &Project, more: &[&str]) -> Value {
    let line = ["judge", "calibrate", "last", "--labels", "human.csv", "--draws", "500"];
    project.evals().args(line).args(["--format", "json"]).args(more).run().ok().json()
}

fn near(found: &Value, expected: f64) {
    let value = found.as_f64().unwrap_or(f64::NAN);
    assert!((value - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[test]
fn a_scorer_is_measured_by_labels_and_the_means_are_put_right() {
    let project = recorded();
    project.write("human.csv", labels(&project));
    let found = calibrate(&project, &["--scorer", "exact_match"]);
    assert_eq!(found["schema"], "evals.calibration/1");
    assert_eq!(found["labels"]["kind"], "pass_fail");
    assert_eq!(found["labels"]["labelled"], 24);
    assert_eq!(found["labels"]["clustered"], true, "two models answer the same sample");
    // People: 16 of 24. The scorer: 10 and 5 of 12 each; both pass 8 and 5, both fail 2 and 4.
    near(&found["base_rate"]["human"]["value"], 16.0 / 24.0);
    near(&found["base_rate"]["scorer"]["value"], 15.0 / 24.0);
    assert_eq!(found["confusion"]["human_by_scorer"], json!([[6, 2], [3, 13]]));
    let agreement = &found["agreement"];
    near(&agreement["accuracy"]["value"], 19.0 / 24.0);
    let chance = (16.0 * 15.0 + 8.0 * 9.0) / (24.0 * 24.0);
    near(&agreement["cohen_kappa"]["value"], (19.0 / 24.0 - chance) / (1.0 - chance));
    for name in ["cohen_kappa", "gwet_ac1", "krippendorff_alpha", "spearman", "kendall_tau_b"] {
        let figure = &agreement[name];
        assert!(figure["low"].as_f64() < figure["value"].as_f64(), "{name}: {figure}");
        assert!(figure["value"].as_f64() < figure["high"].as_f64(), "{name}: {figure}");
    }
    near(&found["bias"]["excess"]["value"], -1.0 / 24.0);
    assert!(found["bias"]["length"]["value"].is_number());
    // The first model passes 10 of 20, with 8 of 8 passes and 2 of 4 fails told right.
    let own = &found["corrected"][0];
    near(&own["sensitivity"], 1.0);
    near(&own["specificity"], 0.5);
    near(&own["rogan_gladen"]["value"], 0.0);
    assert_eq!((&own["scored"], &own["labelled"]), (&json!(20), &json!(12)));
    near(&own["human_mean"]["value"], 8.0 / 12.0);
    let powered = &own["prediction_powered"];
    assert!(powered["low"].as_f64() < powered["value"].as_f64());
    assert_eq!(found["threshold"], Value::Null, "two different scores leave no mark to tune");

    // The same seed gives the same draws, and nothing was kept so far.
    assert_eq!(found, calibrate(&project, &["--scorer", "exact_match"]));
    let shown = project.evals().args(["show", "--format", "json"]).run().ok().json();
    assert_eq!(shown["calibrations"], json!([]));
}

#[test]
fn labels_that_are_kept_stand_in_every_report() {
    let project = recorded();
    project.write("human.csv", labels(&project));
    let kept = calibrate(&project, &["--scorer", "exact_match", "--save"]);
    let shown = project.evals().args(["show", "--format", "json"]).run().ok().json();
    let own = &shown["calibrations"][0];
    assert_eq!(own["scorer"], "exact_match");
    assert_eq!(own["corrected"], kept["corrected"]);
    let table = project.evals().arg("show").run().ok();
    table.says("Means of exact_match as people give them").says("prediction-powered");
    let markdown = project.evals().args(["report", "--format", "markdown"]).run().ok();
    markdown.says("| model | scored | labelled | scorer | labels alone | prediction-powered |");
    // Without a file the labels of the run are taken, and their scorer with them.
    let again = ["judge", "calibrate", "--draws", "500", "--format", "json"];
    assert_eq!(project.evals().args(again).run().ok().json(), kept);
    let text = project.evals().args(["judge", "calibrate", "--draws", "200"]).run().ok();
    text.says("exact_match by 24 labelled answers (pass or fail)").says("cohen kappa");
    let text = ["judge", "calibrate", "--draws", "200", "--format", "markdown"];
    project.evals().args(text).run().ok().says("| agreement | value | 95% interval |");
    project.evals().args(["rm", "last", "--yes"]).run().ok();
    project.evals().arg("doctor").run().ok();
}

#[test]
fn a_graded_scorer_gets_a_mark_that_is_told_on_the_other_half() {
    let project = recorded();
    let mut text = String::from("id,model,anna,ben\n");
    for model in names(&project) {
        for at in 0..20 {
            let pass = u8::from(at < 12);
            writeln!(text, "s{at:02},{model},{pass},{}", if at == 3 { 0 } else { pass }).unwrap();
        }
    }
    project.write("human.csv", text);
    let more = ["--scorer", "levenshtein", "--label", "anna", "--label", "ben"];
    let found = calibrate(&project, &more);
    assert_eq!(found["labels"]["raters"], json!(["anna", "ben"]));
    assert_eq!((&found["labels"]["split"], &found["labels"]["labelled"]), (&json!(2), &json!(38)));
    assert!(found["raters_alpha"]["value"].as_f64() > Some(0.8));
    let tuned = &found["threshold"];
    assert_eq!(tuned["found_by"].as_u64().unwrap() + tuned["told_on"].as_u64().unwrap(), 38);
    assert!(tuned["tuned"]["accuracy"]["low"].is_number(), "{tuned}");
    assert!(tuned["given"]["cohen_kappa"].is_object());
}

#[test]
fn what_is_wrong_with_labels_is_said_with_its_line() {
    let project = recorded();
    let [first, _] = names(&project);
    let check = |text: &str, more: &[&str], says: &[&str]| {
        project.write("human.csv", text);
        let line = ["judge", "calibrate", "last", "--labels", "human.csv"];
        let mut found = project.evals().args(line).args(more).run().code(2);
        for part in says {
            found = found.complains(part);
        }
    };
    let exact = &["--scorer", "exact_match"][..];
    let head = "sample_id,model,label\n";
    let row = |id: &str, label: &str| format!("{head}s01,{first},pass\n{id},{first},{label}\n");
    check(
        &row("s0x", "pass"),
        exact,
        &["human.csv:3: the run has no sample `s0x`", "did you mean"],
    );
    check(&row("s01", "fail"), exact, &["human.csv:3: this answer is labelled twice", "in line 2"]);
    check(&row("s02", "maybe"), exact, &["human.csv:3: `maybe` in column `label` is no label"]);
    check(&row("s02", "inf"), exact, &["`inf` in column `label`"]);
    check(
        &format!("{head}s01,replay,pass\n"),
        exact,
        &["human.csv:2: the run has no model `replay`"],
    );
    check("sample_id,label\ns01,pass\n", exact, &["human.csv:1: the run has 2 models", "`model`"]);
    check("row,model,label\n", exact, &["human.csv:1: there is no column `sample_id`"]);
    check("sample_id,model,lable\n", exact, &["no column `label`", "did you mean `lable`?"]);
    check(head, exact, &["there is no label for `exact_match`"]);
    check(&row("s02", "pass"), &[], &["several scorers could be meant", "`levenshtein`"]);
    check(
        &row("s02", "pass"),
        &["--scorer", "exat_match"],
        &["has no scorer `exat_match`", "did you mean"],
    );
    let ragged = format!("{head}s01,{first},pass,more\n");
    check(&ragged, exact, &["human.csv", "line: 2"]);
    let absent = ["judge", "calibrate", "--labels", "absent.csv", "--scorer", "exact_match"];
    project.evals().args(absent).run().code(2).complains("absent.csv");
    let none = project.evals().args(["judge", "calibrate"]).run().code(2);
    none.complains("no labels are kept with run").complains("evals judge label");
}

#[test]
fn labels_are_made_at_the_terminal_blind_and_go_on_later() {
    let project = recorded();
    let line = ["judge", "label", "--scorer", "exact_match", "--sample", "4:7", "--rater", "anna"];
    let Some(mut terminal) = project.evals().args(line).at_terminal() else { return };
    let keys = "p pass | f fail | s skip | u undo | q quit: ";
    terminal
        .sees("--- 1 of 4 ---")
        .sees("Expected:")
        .sees("right")
        .sees(keys)
        .types("x")
        .types("p");
    terminal.sees("pass").sees("--- 2 of 4 ---").sees(keys).types("f");
    terminal.sees("--- 3 of 4 ---").sees(keys).types("u");
    terminal.sees("undo").sees("--- 2 of 4 ---").sees(keys).types("p");
    terminal.sees("--- 3 of 4 ---").sees(keys).types("s");
    terminal.sees("skipped").sees("--- 4 of 4 ---").sees(keys).types("q");
    terminal.sees("2 labels made, 2 in `human.csv`");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains(MODEL) && !shown.contains("levenshtein"), "not blind:\n{shown}");
    let made = project.read("human.csv");
    assert_eq!(made.lines().next(), Some("sample_id,model,prompt,epoch,rater,label"));
    assert_eq!(made.matches(",anna,pass").count(), 2, "{made}");

    // What is labelled is not asked again; what was skipped is.
    let Some(mut terminal) = project.evals().args(line).at_terminal() else { return };
    terminal.sees("--- 1 of 2 ---").sees(keys).types("f").sees("--- 2 of 2 ---").types("f");
    terminal.sees("2 labels made, 4 in `human.csv`");
    assert_eq!(terminal.end().0, 0);
    let made = project.read("human.csv");
    assert_eq!((made.lines().count(), made.matches(",anna,fail").count()), (5, 2), "{made}");
    let found = calibrate(&project, &["--scorer", "exact_match"]);
    assert_eq!(
        (&found["labels"]["labelled"], &found["labels"]["raters"]),
        (&json!(4), &json!(["anna"]))
    );

    // All drawn are labelled by now; another rater begins anew in the same file.
    let Some(mut terminal) = project.evals().args(line).at_terminal() else { return };
    terminal.sees("every answer that was drawn has its label");
    assert_eq!(terminal.end().0, 0);
    let other = ["judge", "label", "--sample", "4:7", "--rater", "ben", "--grades", "01"];
    let Some(mut terminal) = project.evals().args(other).at_terminal() else { return };
    terminal
        .sees("--- 1 of 4 ---")
        .sees("0 | 1 | s skip")
        .types("1")
        .sees("--- 2 of 4 ---")
        .types("q");
    assert_eq!(terminal.end().0, 0);
    assert_eq!(project.read("human.csv").lines().count(), 6);
}

#[test]
fn labelling_needs_a_terminal_and_shows_hidden_characters() {
    let project = Project::new();
    project.evals().args(["judge", "label"]).run().code(2).complains("there is none");
    let answer = json!({"id": "a", "output": "up\u{1b}[2Jdown\u{202e}"});
    project.write("answers.jsonl", format!("{answer}\n"));
    project.write("rows.csv", "id,question,answer\na,Why?,x\n");
    let line =
        ["run", "rows.csv", "-m", "replay:answers.jsonl", "-p", "{{question}}", "--no-report"];
    project.evals().args(line).args(["--expected", "answer", "-s", "contains"]).run().ok();
    project.write("human.csv", "id,label\na,pass\n");
    let Some(mut terminal) = project.evals().args(["judge", "label"]).at_terminal() else { return };
    terminal.sees("human.csv:1: this file was not made by");
    assert_eq!(terminal.end().0, 2);
    let line = ["judge", "label", "--out", "mine.csv", "--grades", "1,1"];
    let Some(mut terminal) = project.evals().args(line).at_terminal() else { return };
    terminal.sees("no different digits");
    assert_eq!(terminal.end().0, 2);
    let line = ["judge", "label", "--out", "mine.csv", "--rater", "me"];
    let Some(mut terminal) = project.evals().args(line).at_terminal() else { return };
    terminal.sees("Asked:").sees("Why?").sees("up[U+001B][2Jdown[U+202E]").types("\u{3}");
    let (_, shown) = terminal.end();
    assert!(!shown.contains("\u{1b}[2J"), "{shown:?}");
}
