//! The answers of four real models to 1,319 real questions give the figures that their authors
//! counted: replayed from the recorded file, and over HTTP.

use std::{collections::HashMap, fs, path::Path};

use serde_json::Value;

use crate::support::{Output, Project, Stub, openai_chat, openai_stream, root, shared_dir};

const CORRECT: [(&str, f64); 4] = [
    ("6b_finetuning", 286.0),
    ("6b_verification", 515.0),
    ("175b_finetuning", 458.0),
    ("175b_verification", 742.0),
];

/// The recorded answers, by question.
fn recorded(data: &Path) -> HashMap<String, Value> {
    let text = fs::read_to_string(data.join("example_model_solutions.jsonl")).expect("answers");
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    rows.map(|row| (row["question"].as_str().unwrap().to_owned(), row)).collect()
}

#[track_caller]
fn has_the_figures(output: &Output) {
    let json = output.json();
    let counted: Vec<(String, f64)> = json["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|r| {
            assert_eq!((&r["n"], &r["unscored"]), (&Value::from(1319), &Value::from(0)), "{r}");
            let correct = r["value"].as_f64().unwrap() * 1319.0;
            assert!((correct - correct.round()).abs() < 1e-6, "{r}");
            (r["model"].as_str().unwrap().to_owned(), correct.round())
        })
        .collect();
    assert_eq!(counted, CORRECT.map(|(model, correct)| (model.to_owned(), correct)));
}

/// Each of the 5,276 scores is what the authors said of that answer.
fn agrees_answer_by_answer(project: &Project, recorded: &HashMap<String, Value>) {
    let lines = project.evals().args(["export", "last"]).run().ok().json_lines();
    assert_eq!(lines.len(), 4 * 1319);
    for line in lines {
        let question = line["input"].as_str().expect("a question");
        let said = &recorded[question][line["model"].as_str().unwrap()];
        assert_eq!(line["output"], said["solution"], "the whole answer is kept");
        let correct = f64::from(u8::from(said["is_correct"] == true));
        let score = &line["scores"]["numeric"]["value"];
        assert_eq!(score.as_f64(), Some(correct), "of {}", line["output"]);
    }
}

#[test]
fn replayed_answers_are_scored_as_their_authors_did() {
    let Some(shared) = shared_dir() else { return };
    let data = shared.join("data/gsm8k");
    let project = Project::new();
    let config = root().join("datasets/gsm8k.yaml");
    let define = format!("gsm8k={}", data.display());
    let run = project.evals().arg("run").arg(&config).args(["-D", &define, "--format", "json"]);
    has_the_figures(&run.run().ok());
    agrees_answer_by_answer(&project, &recorded(&data));
}

#[test]
fn the_same_answers_over_http_are_scored_the_same() {
    let Some(shared) = shared_dir() else { return };
    let data = shared.join("data/gsm8k");
    let answers = recorded(&data);
    let served = answers.clone();
    let stub = Stub::start(move |request, _| {
        let body = request.json();
        let model = body["model"].as_str().unwrap_or_default();
        let solution = served[&request.last_user()][model]["solution"].as_str().unwrap_or_default();
        if body["stream"] != true {
            return openai_chat(solution, (1, 1));
        }
        let cut = solution.floor_char_boundary(solution.len() / 2);
        let (front, back) = solution.split_at(cut);
        openai_stream(&[front, back], (1, 1))
    });

    // The repository's own config, with other models.
    let config = fs::read_to_string(root().join("datasets/gsm8k.yaml")).expect("the config");
    let (front, rest) = config.split_once("\nmodels:\n").expect("models");
    let (_, back) = rest.split_once("\nextract:\n").expect("an extraction");
    let models: Vec<String> = CORRECT
        .iter()
        .map(|(model, _)| {
            let (url, stream) = (stub.base_url(), model.starts_with("175b"));
            format!(
                "  - {{id: {model}, provider: openai-compatible, base_url: '{url}', \
                 model: {model}, stream: {stream}}}\n"
            )
        })
        .collect();
    let models = models.concat();
    let project = Project::new();
    project.write("evals.yaml", format!("{front}\nmodels:\n{models}\nextract:\n{back}"));
    let define = format!("gsm8k={}", data.display());
    let output = project.evals().args(["run", "-D", &define, "--format", "json"]).run().ok();
    has_the_figures(&output);
    assert_eq!(stub.requests().len(), 4 * 1319);
    agrees_answer_by_answer(&project, &answers);
}
