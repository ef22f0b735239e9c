//! Scorers that read a language: an expected answer before the first byte 0, an output behind it.
#![no_main]

use std::sync::LazyLock;

use evals::{
    domain::{
        generation::Generation,
        sample::Sample,
        score::Verdict,
        trial::{Answer, TrialKey},
    },
    scorer::{Args, Built, Scorer, Subject, find},
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, json};

static SCORERS: LazyLock<Vec<(&str, Box<dyn Scorer>)>> = LazyLock::new(|| {
    let wanted = [
        ("math", json!({})),
        ("numeric", json!({"find": "last"})),
        ("choice", json!({})),
        ("drop_f1", json!({})),
        ("list_contains", json!({})),
        ("is_json", json!({})),
        ("json_diff", json!({})),
        ("is_xml", json!({})),
        ("is_html", json!({})),
        ("is_yaml", json!({})),
        ("is_sql", json!({})),
        ("ter", json!({})),
        ("rougeLsum", json!({"stem": true})),
        ("refusal", json!({})),
        ("language", json!({"value": "en"})),
    ];
    let built = wanted.into_iter().filter_map(|(name, options)| {
        let kind = find(name)?;
        let args = Args::new(kind.card(), options.as_object()?).ok()?;
        match kind.build(&args) {
            Ok(Built::Pure(scorer)) => Some((name, scorer)),
            _ => None,
        }
    });
    built.collect()
});

fuzz_target!(|text: &str| {
    let (expected, output) = text.split_once('\0').unwrap_or(("", text));
    let sample = Sample {
        index: 0,
        id: String::new(),
        input: None,
        expected: vec![expected.to_owned()],
        vars: Map::new(),
        metadata: Map::new(),
        cluster: None,
        tags: Vec::new(),
    };
    let answer = Answer {
        key: TrialKey { seq: 0, sample: 0, prompt: 0, model: 0, epoch: 0 },
        result: Ok(Generation::default()),
        attempts: Vec::new(),
        served_by: String::new(),
        cached: None,
        extracted: Vec::new(),
    };
    let generation = Generation { text: output.to_owned(), ..Generation::default() };
    let subject =
        Subject { sample: &sample, answer: &answer, generation: &generation, output: Some(output) };
    for (name, scorer) in SCORERS.iter() {
        if let Verdict::Scored(score) = scorer.score(&subject) {
            assert!(score.value.is_finite(), "{name}: {}", score.value);
        }
    }
});
