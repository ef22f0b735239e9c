//! Nanoseconds that each scorer takes for a pair of texts; `benches/scorers.py` runs it.
//!
//! Arguments: a JSON file of `{"scorers": [[name, options, which], …], "pairs": {which: [[expected,
//! output], …]}}`. Prints a line of JSON a scorer: its name, and the median of five passes.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for the terminal that measures time"
)]

use std::{hint::black_box, time::Instant};

use evals::{
    domain::{
        generation::Generation,
        sample::Sample,
        trial::{Answer, TrialKey},
    },
    scorer::{Args, Built, Subject, find},
};
use mimalloc::MiMalloc;
use serde_json::{Map, Value, json};

/// As in the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Passes over the pairs.
const PASSES: usize = 5;

fn sample(expected: String) -> Sample {
    Sample {
        index: 0,
        id: String::new(),
        input: None,
        expected: vec![expected],
        vars: Map::new(),
        metadata: Map::new(),
        cluster: None,
        tags: Vec::new(),
    }
}

fn main() {
    let Some(path) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("the file");
    let work: Value = serde_json::from_str(&text).expect("JSON");
    let answer = Answer {
        key: TrialKey { seq: 0, sample: 0, prompt: 0, model: 0, epoch: 0 },
        result: Ok(Generation::default()),
        attempts: Vec::new(),
        served_by: String::new(),
        cached: None,
        extracted: Vec::new(),
    };
    let generation = Generation::default();
    for entry in work["scorers"].as_array().expect("scorers") {
        let name = entry[0].as_str().expect("a name");
        let options = entry[1].as_object().cloned().unwrap_or_default();
        let kind = find(name).expect("a scorer");
        let args = Args::new(kind.card(), &options).expect("options");
        let Ok(Built::Pure(scorer)) = kind.build(&args) else { continue };
        let which = entry[2].as_str().expect("pairs");
        let pairs: Vec<[String; 2]> =
            serde_json::from_value(work["pairs"][which].clone()).expect("pairs");
        let pairs: Vec<(Sample, String)> =
            pairs.into_iter().map(|[expected, output]| (sample(expected), output)).collect();
        let mut passes: Vec<u128> = (0..PASSES)
            .map(|_| {
                let begin = Instant::now();
                for (sample, output) in &pairs {
                    let output = Some(output.as_str());
                    let subject =
                        Subject { sample, answer: &answer, generation: &generation, output };
                    black_box(scorer.score(black_box(&subject)));
                }
                begin.elapsed().as_nanos()
            })
            .collect();
        passes.sort_unstable();
        let median = passes[PASSES / 2] as f64 / pairs.len().max(1) as f64;
        println!("{}", json!({"scorer": name, "options": entry[1], "pairs": which, "ns": median}));
    }
}
