//! Runs to report on: recorded answers, so that everything in the page is known.

use std::{fmt::Write as _, path::PathBuf};

use serde_json::json;

use crate::support::Project;

/// Forty sums asked of three models: `alpha` is wrong in one of ten, `beta` in twelve more and `gamma`
/// has no answer to six.
pub(super) fn recorded() -> Project {
    let project = Project::new();
    let (mut rows, mut answers) = ("id,question,answer,parity,level\n".to_owned(), String::new());
    for n in 0..40 {
        let parity = if n % 2 == 0 { "even" } else { "odd" };
        let right =
            if n == 1 { "eight is the answer".to_owned() } else { format!("it is {}", n + 7) };
        writeln!(rows, "q-{n:02},What is 7 plus {n}?,{right},{parity},{}", n % 4).ok();
        let wrong = right.replace("eight", "nine").replace("it is ", "it is not ");
        let beta_fails = n % 4 == 1 || n == 3 || n == 7;
        let said = [
            ("alpha", Some(if n % 10 == 9 { &wrong } else { &right })),
            ("beta", Some(if beta_fails { &wrong } else { &right })),
            ("gamma", (n % 7 != 6 && n != 0).then_some(&right)),
        ];
        for (model, output) in said {
            if let Some(output) = output {
                let line = json!({"id": format!("q-{n:02}"), "model": model, "output": output});
                writeln!(answers, "{line}").ok();
            }
        }
    }
    project.write("sums.csv", rows);
    project.write("answers.jsonl", answers);
    let models = ["alpha", "beta", "gamma"]
        .map(|model| json!({"id": model, "use": format!("replay:answers.jsonl#{model}")}));
    let config = json!({
        "name": "sums",
        "dataset": {"path": "sums.csv", "id": "id", "input": "question", "expected": "answer",
            "tags": "parity"},
        "models": models,
        "scorers": ["exact_match", "levenshtein"],
        "gates": ["exact_match.mean >= 0.5"],
    });
    project.write("evals.yaml", config.to_string());
    project.evals().args(["run", "--allow-errors", "100%"]).run().code(0);
    project
}

/// `n` answers of some hundred words each by two models.
pub(super) fn wordy(n: usize) -> Project {
    let project = Project::new();
    let (mut rows, mut answers) = (String::new(), String::new());
    // Words that are drawn, so that they can be packed about as well as a language can.
    let mut state = 7_u32;
    let mut draw = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    for row in 0..n / 2 {
        let input = format!("Question {row}?");
        let line = json!({"id": row.to_string(), "input": input, "expected": "yes"});
        writeln!(rows, "{line}").ok();
        for model in ["a", "b"] {
            let mut words = String::new();
            for _ in 0..220 {
                let word = draw(90) * draw(90);
                let begins = ["on", "re", "in", "la", "te"][word as usize % 5];
                write!(words, "{begins}{word} ").ok();
            }
            let line = json!({"id": row.to_string(), "model": model, "output": words.trim_end()});
            writeln!(answers, "{line}").ok();
        }
    }
    project.write("rows.jsonl", rows);
    project.write("answers.jsonl", answers);
    let args = [
        "run",
        "rows.jsonl",
        "-m",
        "replay:answers.jsonl#a",
        "-m",
        "replay:answers.jsonl#b",
        "-s",
        "contains",
    ];
    project.evals().args(args).run().ok();
    project
}

/// The report of the project's last run.
pub(super) fn report(project: &Project) -> PathBuf {
    let files = project.files();
    let page = files.iter().rfind(|file| file.starts_with(".evals/reports/"));
    project.path(page.expect("a report"))
}
