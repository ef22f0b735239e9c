//! Gates as people write them.

use serde_json::json;

use super::*;
use crate::domain::{
    run::{RunHeader, ScorerInfo},
    score::Corpus,
};

fn scorers() -> Vec<ScorerInfo> {
    ["exact_match", "latency", "wer"]
        .map(|id| ScorerInfo {
            id: id.to_owned(),
            name: id.to_owned(),
            options: json!({}),
            extract: None,
            unit_range: id == "exact_match",
            corpus: (id == "wer").then_some(Corpus::ErrorRate),
        })
        .to_vec()
}

/// A run with these scorers and a metric made of theirs.
fn header() -> RunHeader {
    let config = json!({"metrics": {"right_a_second": "exact_match.mean / latency.p50"}});
    let mut header: RunHeader = serde_json::from_value(json!({
        "id": "r", "name": "n", "created_ms": 0, "version": "1", "config": config, "dataset": "d",
        "dataset_digest": "x", "samples": 1, "prompts": [], "models": [], "scorers": [],
        "extracts": [], "epochs": 1, "reduce": "mean", "gates": []
    }))
    .expect("a header");
    header.scorers = scorers();
    header
}

fn check(text: &str, measured: Measured, op: Op, bound: f64) {
    let gate = parse(text, &header()).expect("a right gate");
    assert_eq!((gate.measured, gate.op), (measured, op), "{text}");
    assert!((gate.bound - bound).abs() < 1e-12, "{text}: {}", gate.bound);
}

fn refused(text: &str) -> String {
    let error = parse(text, &header()).expect_err("should be refused");
    format!("{error} | {}", error.hint)
}

#[test]
fn as_written() {
    check("exact_match.mean >= 0.90", Measured::ScorerMean(0), Op::AtLeast, 0.9);
    check("exact_match.mean>90%", Measured::ScorerMean(0), Op::Above, 0.9);
    check("latency.mean < 3", Measured::ScorerMean(1), Op::Below, 3.0);
    check("wer.corpus <= 12%", Measured::ScorerCorpus(2), Op::AtMost, 0.12);
    check("latency.p95 < 3s", Measured::Latency(parse::Quantile::P95), Op::Below, 3_000.0);
    check("cost.total <= $2.00", Measured::CostTotal, Op::AtMost, 2.0);
    check("errors.rate < 1%", Measured::ErrorRate, Op::Below, 0.01);
    let derived = Measured::Derived("right_a_second".to_owned());
    check("right_a_second > 12.5", derived, Op::Above, 12.5);
    check("errors.count == 0", Measured::ErrorCount, Op::Equal, 0.0);
}

#[test]
fn refused_with_a_way_out() {
    assert!(refused("exact_match.mean").contains("compares nothing"));
    assert!(refused("exact_match.men >= 1").contains("did you mean `exact_match.mean`?"));
    assert!(refused("exact_match.corpus >= 1").contains("there is no measure"));
    assert!(refused("wer.corpora >= 1").contains("did you mean `wer.corpus`?"));
    assert!(refused("right_a_secnd >= 1").contains("did you mean `right_a_second`?"));
    assert!(refused("latency.p95 < 3").contains("a latency is written"));
    assert!(refused("exact_match.mean != 1").contains("no comparison"));
    assert!(refused("exact_match.mean >= 90").contains("did you mean `90%`?"));
    assert!(refused("exact_match.mean >= nan").contains("is no value"));
    assert!(refused("exact_match.mean vs baseline > -0.02 at 95%").contains("baseline"));
}
