//! Gates as people write them.

use serde_json::json;

use super::*;
use crate::{
    domain::{
        comparison::What,
        run::{RunHeader, ScorerInfo},
        score::Corpus,
    },
    metric::probe::Stat,
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
    check("exact_match.mean >= 0.90", Measured::Score(0, Stat::Metric("mean")), Op::AtLeast, 0.9);
    check("exact_match.mean>90%", Measured::Score(0, Stat::Metric("mean")), Op::Above, 0.9);
    check("latency.mean < 3", Measured::Score(1, Stat::Metric("mean")), Op::Below, 3.0);
    check("wer.corpus <= 12%", Measured::Score(2, Stat::Metric("corpus")), Op::AtMost, 0.12);
    check("latency.p95 < 3s", Measured::Latency(Quantile::P95), Op::Below, 3_000.0);
    check("cost.total <= $2.00", Measured::CostTotal, Op::AtMost, 2.0);
    check("errors.rate < 1%", Measured::ErrorRate, Op::Below, 0.01);
    check("right_a_second > 12.5", Measured::Derived(0), Op::Above, 12.5);
    check("errors.count == 0", Measured::ErrorCount, Op::Equal, 0.0);
    check("exact_match.median >= 1", Measured::Score(0, Stat::Quantile(0.5)), Op::AtLeast, 1.0);
    check("exact_match.pass^3 > 50%", Measured::Score(0, Stat::PassAll(3)), Op::Above, 0.5);
    check("exact_match.pass@2 > 50%", Measured::Score(0, Stat::PassAt(2)), Op::Above, 0.5);
    check("exact_match.at_least(2) == 1", Measured::Score(0, Stat::AtLeast(2)), Op::Equal, 1.0);
    check("cost.per_sample <= $0.01", Measured::CostPerSample, Op::AtMost, 0.01);
    check("tokens.total < 100000", Measured::Tokens(Tokens::Total), Op::Below, 1e5);
}

#[test]
fn refused_with_a_way_out() {
    assert!(refused("exact_match.mean").contains("compares nothing"));
    assert!(refused("exact_match.men >= 1").contains("did you mean `exact_match.mean`?"));
    assert!(refused("exact_match.corpus >= 1").contains("there is no measure"));
    assert!(refused("wer.corpora >= 1").contains("did you mean `wer.corpus`?"));
    assert!(refused("latency.p95 < 3").contains("a latency is written"));
    assert!(refused("exact_match.mean != 1").contains("no comparison"));
    assert!(refused("exact_match.mean >= 90").contains("did you mean `90%`?"));
    assert!(refused("exact_match.mean >= nan").contains("is no value"));
    assert!(refused("exact_match.mean vs last > -0.02").contains("`--baseline last:main`"));
    assert!(refused("exact_match.mean > 0.9 at 95%").contains("a comparison with a baseline"));
    assert!(refused("exact_match.median vs baseline > 0 at 95%").contains("two means"));
    assert!(refused("exact_match.mean vs baseline > 0 at 5%").contains("is no confidence"));
    assert!(refused("exact_match.mean vs baseline > 0x").contains("is no ratio"));
    assert!(refused("exact_match.mean[a] > 0").contains("names no value"));
    assert!(refused("latency.p95[a=b] < 1s").contains("has no slices"));
    assert!(refused("exact_match.mean > 0 allow promt").contains("did you mean `prompt`?"));
}

#[test]
fn slices_baselines_and_what_is_allowed() {
    let text =
        "exact_match.mean[topic=\"a = b\"] vs baseline > -0.02 at 95% allow prompt, unscored";
    let gate = parse(text, &header()).expect("a right gate");
    let slice = Slice { column: "topic".to_owned(), value: "a = b".to_owned() };
    assert_eq!((gate.slice, gate.bound, gate.op), (Some(slice), -0.02, Op::Above));
    assert_eq!(gate.versus, Some(Versus { ratio: false, confidence: Some(0.95) }));
    assert_eq!(gate.allow, Allow { unscored: true, what: vec![What::Prompt] });
    let gate = parse("cost.total vs baseline <= 1.1x", &header()).expect("a right gate");
    assert_eq!(gate.versus, Some(Versus { ratio: true, confidence: None }));
    let gate = parse("latency.p50 vs baseline < 200ms", &header()).expect("a right gate");
    assert!((gate.bound - 200.0).abs() < 1e-9);
}
