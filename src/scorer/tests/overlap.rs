//! Scorers of likeness against the implementations that they follow, on thousands of pairs.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use super::{built, verdict};
use crate::{
    base::digest::sha256_hex,
    domain::score::{Score, Verdict},
    scorer::{Scorer, python_text::split},
    stats::pooled,
};

const SCORERS: [&str; 14] = [
    "levenshtein",
    "jaro_winkler",
    "bleu",
    "chrf",
    "ter",
    "rouge1",
    "rouge2",
    "rougeL",
    "rougeLsum",
    "meteor",
    "gleu",
    "wer",
    "cer",
    "list_contains",
];

fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/overlap/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect(name)
}

/// A long text by the rule of `tests/golden/overlap.py`.
fn long_text(rule: &[u64]) -> String {
    let [count, step, square, kinds] = *rule else { panic!("{rule:?}") };
    let word = |n: u64| {
        let end = if n % 29 == 28 { '\n' } else { ' ' };
        format!("w{}{end}", (step * n + square * n * n) % kinds)
    };
    (0..count).map(word).collect()
}

/// Expected texts and outputs.
fn pairs() -> (Vec<String>, Vec<String>) {
    let fixture = fixture("pairs");
    let short: Vec<[String; 2]> = serde_json::from_value(fixture["pairs"].clone()).expect("pairs");
    let long: Vec<[Vec<u64>; 2]> = serde_json::from_value(fixture["long"].clone()).expect("rules");
    let long = long.into_iter().map(|rules| rules.map(|rule| long_text(&rule)));
    let (expected, outputs): (Vec<_>, Vec<_>) =
        short.into_iter().chain(long).map(<(String, String)>::from).unzip();
    assert!(expected.len() >= 2_000);
    (expected, outputs)
}

fn score(scorer: &dyn Scorer, expected: &[String], output: &str) -> Score {
    match verdict(scorer, expected, Some(output)) {
        Verdict::Scored(score) => score,
        other => panic!("{expected:?} and {output:?}: {other:?}"),
    }
}

/// The first words of a text as a JSON array.
fn list(text: &str) -> String {
    Value::from(split(text).take(12).collect::<Vec<_>>()).to_string()
}

/// Compares a run of the fixture; what differs is the result.
fn differences(name: &str, run: &Value, expected: &[String], outputs: &[String]) -> Vec<String> {
    let scorer = built(name, &run["options"]).expect(name);
    let count = run["references"].as_u64().expect("a count") as usize;
    let values: Vec<f64> = serde_json::from_value(run["values"].clone()).expect("values");
    assert_eq!(values.len(), outputs.len(), "{name}");
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    let mut sums: Vec<f64> = Vec::new();
    let mut wrong = Vec::new();
    for (at, (output, value)) in outputs.iter().zip(values).enumerate() {
        let references: Vec<String> =
            (0..count).map(|k| expected[(at + k) % expected.len()].clone()).collect();
        let found = if name == "list_contains" {
            score(&*scorer, &[list(&references[0])], &list(output))
        } else {
            score(&*scorer, &references, output)
        };
        if !near(found.value, value) {
            let options = &run["options"];
            let found = found.value;
            wrong.push(format!(
                "{name} {options} gave {found}, not {value}, for {references:?} and {output:?}"
            ));
        }
        sums.resize(found.counts.len(), 0.0);
        sums.iter_mut().zip(found.counts).for_each(|(sum, count)| *sum += count);
    }
    if let Some(whole) = run["corpus"].as_f64() {
        let corpus = scorer.corpus().expect("counts");
        let found = pooled(corpus, &sums).expect("a value");
        if !near(found, whole) {
            wrong.push(format!("{name}: the corpus gave {found}, not {whole}"));
        }
    }
    wrong
}

#[track_caller]
fn assert_none(wrong: &[String]) {
    let shown: Vec<String> = wrong.iter().take(5).map(|w| w.chars().take(600).collect()).collect();
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), shown.join("\n"));
}

fn check(names: &[&str]) {
    let (expected, outputs) = pairs();
    let mut wrong = Vec::new();
    for name in names {
        let fixture = fixture(name);
        assert!(fixture["program"].is_string() && fixture["version"].is_string(), "{name}");
        for run in fixture["runs"].as_array().expect(name) {
            wrong.extend(differences(name, run, &expected, &outputs));
        }
    }
    assert_none(&wrong);
}

#[test]
fn distances_are_those_of_rapidfuzz() {
    check(&SCORERS[..2]);
}

#[test]
fn bleu_is_that_of_sacrebleu() {
    check(&SCORERS[2..3]);
}

#[test]
fn chrf_is_that_of_sacrebleu() {
    check(&SCORERS[3..4]);
}

#[test]
fn ter_is_that_of_sacrebleu() {
    check(&SCORERS[4..5]);
}

#[test]
fn rouge_is_that_of_rouge_score() {
    check(&SCORERS[5..9]);
}

#[test]
fn meteor_and_gleu_are_those_of_nltk() {
    check(&SCORERS[9..11]);
}

#[test]
fn error_rates_are_those_of_jiwer() {
    check(&SCORERS[11..13]);
}

#[test]
fn lists_are_covered_as_by_autoevals() {
    check(&SCORERS[13..]);
}

#[test]
fn naughty_strings_score_as_in_the_references() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/naughty/blns.json");
    let Ok(data) = fs::read(path) else {
        eprintln!("skipped: the list of naughty strings is not on this machine");
        return;
    };
    let fixture = fixture("naughty");
    if fixture["sha256"] != sha256_hex(&data).as_str() {
        eprintln!("skipped: the list of naughty strings is another one");
        return;
    }
    let strings: Vec<String> = serde_json::from_slice(&data).expect("a list of texts");
    let mut turned = strings.clone();
    turned.rotate_left(1);
    let wrong: Vec<String> = SCORERS
        .iter()
        .flat_map(|name| differences(name, &fixture["scorers"][name], &strings, &turned))
        .collect();
    assert_none(&wrong);
}

/// A verdict on long texts; they must come to an end.
fn long_verdict(name: &str, expected: String, output: String) -> Verdict {
    let (done, end) = std::sync::mpsc::channel();
    let name = name.to_owned();
    std::thread::spawn(move || {
        let scorer = built(&name, &json!({})).expect("builds");
        done.send(verdict(&*scorer, &[expected], Some(&output))).ok();
    });
    end.recv_timeout(Duration::from_mins(5)).expect("an end")
}

#[test]
fn ten_megabytes_are_refused_by_all() {
    for name in SCORERS {
        let huge = "漢 ".repeat(2_500_000);
        let Verdict::Failed(why) = long_verdict(name, "a".into(), huge) else {
            panic!("{name} scored ten megabytes");
        };
        let said = "the output has 5000000 characters; at most 2000000 are compared";
        assert_eq!(why, said, "{name}");
    }
}

#[test]
fn ten_thousand_words_are_scored_by_all() {
    for name in SCORERS.iter().filter(|name| **name != "ter" && **name != "list_contains") {
        // Unoptimised, distances of characters take half a minute for texts of this length.
        let by_letters = ["levenshtein", "jaro_winkler", "cer"].contains(name);
        let count = if by_letters { 1_000 } else { 10_000 };
        let text = |step| long_text(&[count, step, 1, 3_001]);
        let found = long_verdict(name, text(7), text(11));
        assert!(matches!(found, Verdict::Scored(_)), "{name}: {found:?}");
    }
}

#[test]
fn combining_marks_alone_are_texts_like_others() {
    for name in SCORERS {
        let (a, b) = ("\u{301}\u{316}".repeat(500), "\u{316}".repeat(700));
        let Verdict::Scored(score) = long_verdict(name, a, b) else { panic!("{name}") };
        assert!(score.value.is_finite(), "{name}");
    }
}
