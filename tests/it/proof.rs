//! What is proved of each provider, and by what.
//!
//! [`rows::ROWS`] says which program stood in for which provider and what that proves. A test for
//! each such program runs its rows through the built program and checks everything that a row
//! claims; `page` makes docs/provider-tests.md of the same rows and of the fixtures. So there is
//! no claim on the page without a test.

mod doubles;
mod moto;
mod oracles;
mod page;
mod rows;

use std::{collections::BTreeMap, path::Path};

use evals::domain::fault::FaultKind;
use serde_json::Value;

use crate::support::{Output, Project, root};

/// What can be proved of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Proof {
    Plain,
    Stream,
    Schema,
    Tools,
    Image,
    Cache,
    Reasoning,
    Logprobs,
    /// What proves who asks is what the other side wants: a key in its header, a signature.
    Credential,
    /// The provider's own figure of the cost is taken.
    Cost,
    Fault(FaultKind),
}

/// The programs that others wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Double {
    Aimock,
    LiteLlm,
    Mlflow,
    Moto,
    GoogleAuth,
    LlamaCpp,
    Botocore,
    OpenAiSdk,
    AnthropicSdk,
}

/// One model of one provider, asked of a double.
struct Row {
    double: Double,
    provider: &'static str,
    /// Further lines of the model. `{base}` and the like stand for what the double says of itself.
    model: &'static [&'static str],
    /// Variables of the environment, with the same words in braces.
    env: &'static [(&'static str, &'static str)],
    /// What has to come out.
    proves: &'static [&'static [Proof]],
}

impl Row {
    fn proves(&self) -> impl Iterator<Item = Proof> + Clone {
        self.proves.iter().copied().flatten().copied()
    }

    fn claims(&self, proof: Proof) -> bool {
        self.proves().any(|claimed| claimed == proof)
    }
}

/// What every double answers to the plain question.
const PLAIN: &str = "Plain é 🦀.";

impl Proof {
    /// What is asked for it. Doubles that follow a script know what to do by these words.
    fn question(self) -> String {
        match self {
            Self::Plain | Self::Stream | Self::Credential | Self::Cost => "plain".to_owned(),
            Self::Schema => "schema".to_owned(),
            Self::Tools => "weather".to_owned(),
            Self::Image => "picture".to_owned(),
            Self::Cache => "cached".to_owned(),
            Self::Reasoning => "think".to_owned(),
            Self::Logprobs => "likely".to_owned(),
            Self::Fault(kind) => format!("fault {}", kind.name()),
        }
    }

    /// How the question has to be put.
    fn way(self) -> Way {
        match self {
            Self::Schema | Self::Image => Way::Form,
            Self::Stream => Way::Stream,
            Self::Logprobs => Way::Logprobs,
            _ => Way::Plain,
        }
    }

    /// Whether the exported `line` proves it.
    fn holds(self, double: Double, line: &Value) -> bool {
        let done = line["error"].is_null();
        match self {
            Self::Credential if double == Double::Moto => line["error"]["kind"] == "transient",
            // Random weights say something, and seldom stop by themselves.
            Self::Plain if double == Double::LlamaCpp => {
                done && line["output"].as_str().is_some_and(|said| !said.is_empty())
            }
            Self::Stream if double == Double::LlamaCpp => {
                Self::Plain.holds(double, line) && line["ttft_ms"].is_number()
            }
            Self::Plain | Self::Credential => done && line["output"] == PLAIN,
            Self::Stream => done && line["output"] == PLAIN && line["ttft_ms"].is_number(),
            Self::Schema => {
                let made = line["output"].as_str().and_then(|text| serde_json::from_str(text).ok());
                made.is_some_and(|made: Value| done && made["status"].is_string())
            }
            Self::Tools => done && line["finish_reason"] == "tool_calls",
            // That the image arrived is seen at the other end.
            Self::Image => done && line["output"] == "A dot.",
            Self::Cache => line["usage"]["cache_read"] == 40,
            Self::Reasoning => {
                done && line["reasoning"] == "Let me think." && line["output"] == "42."
            }
            Self::Logprobs if double == Double::LlamaCpp => {
                let tokens = line["logprobs"].as_array().map_or(0, Vec::len);
                done && tokens > 0 && line["logprobs"][0]["logprob"].is_number()
            }
            Self::Logprobs => done && line["output"].is_string(),
            // The entry says a million dollars a token.
            Self::Cost => line["cost_usd"].as_f64().is_some_and(|cost| cost > 0.0 && cost < 1.0),
            Self::Fault(kind) => line["error"]["kind"] == kind.name(),
        }
    }
}

/// How questions are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    /// As [`Way::Plain`], with everything that it proves, and streamed.
    Stream,
    /// With an image, and an answer by a schema.
    Form,
    Logprobs,
}

const TOOLS: &str = "tools: [{name: get_weather, description: Looks it up, parameters: {type: \
                     object, properties: {city: {type: string}}, required: [city]}}]";
/// The form that llama-cpp-python knows for a schema, which it keeps by a grammar.
const GRAMMAR: &str = "extra: {response_format: {type: json_object, schema: {type: object, \
                       properties: {status: {type: string, maxLength: 8}}, required: [status]}}}";
const SCHEMA: &str = "response_format: {schema: {type: object, properties: {status: {type: \
                      string}}, required: [status], additionalProperties: false}}";

/// Asks everything that `row` claims, and panics at the first claim that does not hold.
fn exercise(row: &Row, fill: &dyn Fn(&str) -> String) {
    for way in [Way::Plain, Way::Stream, Way::Form, Way::Logprobs] {
        let streams = row.claims(Proof::Stream);
        let fits = |proof: &Proof| match way {
            Way::Stream => proof.way() == way || streams && proof.way() == Way::Plain,
            _ => proof.way() == way,
        };
        let proofs: Vec<Proof> = row.proves().filter(fits).collect();
        if proofs.is_empty() {
            continue;
        }
        // A refused key or an empty account is the end of all calls to it: each fault has its run.
        let (faults, others): (Vec<Proof>, Vec<Proof>) =
            proofs.iter().copied().partition(|proof| matches!(proof, Proof::Fault(_)));
        let runs = faults.chunks(1).chain(Some(others.as_slice()).filter(|rest| !rest.is_empty()));
        let answers: BTreeMap<String, Value> =
            runs.flat_map(|proofs| asked(row, fill, way, proofs)).collect();
        for proof in proofs {
            let line = &answers[&proof.question()];
            let place = format!("{:?} as {}, {way:?}", row.double, row.provider);
            assert!(proof.holds(row.double, line), "{place}: {proof:?} is not proved by\n{line:#}");
        }
    }
}

/// The exported lines by their questions.
fn asked(
    row: &Row,
    fill: &dyn Fn(&str) -> String,
    way: Way,
    proofs: &[Proof],
) -> BTreeMap<String, Value> {
    let project = Project::new();
    let questions: Vec<String> = proofs.iter().map(|proof| proof.question()).collect();
    project.write("rows.csv", format!("question\n{}\n", questions.join("\n")));
    std::fs::copy(root().join("tests/doubles/dot.png"), project.path("dot.png")).expect("a copy");
    let image = if proofs.contains(&Proof::Image) { ", {image: dot.png}" } else { "" };
    let real = row.double == Double::LlamaCpp;
    let mut params = vec!["max_tokens: 64"];
    let more = match way {
        Way::Plain | Way::Stream if proofs.contains(&Proof::Tools) => Some(TOOLS),
        Way::Form if proofs.contains(&Proof::Schema) && real => Some(GRAMMAR),
        Way::Form if proofs.contains(&Proof::Schema) => Some(SCHEMA),
        Way::Logprobs => Some("logprobs: 2"),
        _ => None,
    };
    params.extend(more);
    let model: Vec<String> = row.model.iter().map(|line| format!("\n    {}", fill(line))).collect();
    // A real model has to be asked for more than its 512 tokens; the others go by the words.
    let too_long = real && proofs.contains(&Proof::Fault(FaultKind::ContextLength));
    let text = "{{question}} ".repeat(if too_long { 100 } else { 1 });
    let text = text.trim_end();
    let config = format!(
        "dataset: {{path: rows.csv}}\n\
         prompts: [{{messages: [{{role: user, content: [{{text: '{text}'}}{image}]}}]}}]\n\
         models:\n  - id: double\n    provider: {}\n    stream: {}{}\n    params: {{{}}}\n\
         scorers: [is_json]\nretry: {{rate_limited: 0, transient: 0, breaker: 0s}}\n",
        row.provider,
        way == Way::Stream,
        model.concat(),
        params.join(", ")
    );
    project.write("evals.yaml", config);
    // Whatever is asked twice is to be answered twice.
    let evals = project.evals().args(["run", "--no-cache", "--format", "json"]);
    let run = row.env.iter().fold(evals, |run, pair| run.env(pair.0, fill(pair.1)));
    let output: Output = run.run();
    assert!(matches!(output.code, Some(0 | 3)), "{:?} as {}: {output:?}", row.double, row.provider);
    let lines = project.evals().args(["export", "last"]).run().ok().json_lines();
    let question = |line: &Value| line["vars"]["question"].as_str().unwrap_or_default().to_owned();
    lines.into_iter().map(|line| (question(&line), line)).collect()
}

/// Runs the rows of `double`; `after` sees each when it is through.
fn exercise_all(double: Double, fill: &dyn Fn(&str) -> String, after: &mut dyn FnMut(&Row)) {
    let rows: Vec<&Row> = rows::ROWS.iter().filter(|row| row.double == double).collect();
    assert!(!rows.is_empty(), "no row of {double:?}");
    for row in rows {
        exercise(row, fill);
        after(row);
    }
}

/// A file of `tests/doubles`.
fn script(name: &str) -> std::path::PathBuf {
    let path: &Path = root();
    path.join("tests/doubles").join(name)
}
