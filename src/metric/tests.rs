//! A run of a few trials, added up.

use serde_json::Value;

use super::*;
use crate::{
    base::money::Money,
    domain::{
        generation::Usage,
        measure::RunMeasures,
        run::{DigestScore, ModelInfo, PromptInfo, RunHeader, ScorerInfo, TrialDigest},
        score::Corpus,
        trial::{Hit, Status, TrialKey},
    },
    stats::{t_interval, wilson},
};

pub(super) fn header(samples: u64, epochs: u32, unit_range: bool) -> RunHeader {
    let model = |name: &str| ModelInfo {
        name: name.into(),
        title: None,
        provider: "sim".into(),
        model: String::new(),
        origin: String::new(),
        params: Value::Null,
        price: None,
        fallback: Vec::new(),
        pool: Vec::new(),
        reference: None,
    };
    RunHeader {
        id: "01J".into(),
        name: "run".into(),
        created_ms: 0,
        version: String::new(),
        config: Value::Null,
        dataset: String::new(),
        dataset_digest: String::new(),
        samples,
        prompts: vec![PromptInfo { id: "p".into(), template: Value::Null }],
        models: vec![model("a"), model("b")],
        scorers: vec![ScorerInfo {
            id: "s".into(),
            name: "s".into(),
            options: Value::Null,
            extract: None,
            unit_range,
            corpus: None,
        }],
        extracts: Vec::new(),
        epochs,
        reduce: "mean".into(),
        gates: Vec::new(),
        command: None,
        forked_from: None,
        judges: Vec::new(),
        context: crate::domain::run::RunContext::default(),
    }
}

/// A trial of a run with one prompt, two models and `epochs` repeats.
pub(super) fn trial(sample: u64, model: u32, epoch: u32, value: Option<f64>) -> TrialDigest {
    TrialDigest {
        key: TrialKey { seq: 0, sample, prompt: 0, model, epoch },
        cluster: None,
        status: Status::Ok,
        error_kind: None,
        stand_in: None,
        cached: None,
        unpriced: false,
        latency_us: Some(1000 * (sample + 1)),
        ttft_us: None,
        usage: Some(Usage { input: 10, output: 2, ..Usage::default() }),
        cost_pico: Some(7),
        scores: vec![DigestScore { value, ..DigestScore::default() }],
    }
}

fn tally(header: &RunHeader, trials: impl IntoIterator<Item = TrialDigest>) -> RunMeasures {
    let mut tally = Tally::new(header);
    trials.into_iter().for_each(|trial| tally.add(&trial));
    tally.finish()
}

/// The estimate of model `a`, when each sample has one value and one cluster.
fn estimate(values: &[(f64, Option<&str>)], unit_range: bool) -> Estimate {
    let trials = values.iter().zip(0..).map(|((value, cluster), sample)| TrialDigest {
        cluster: cluster.map(str::to_owned),
        ..trial(sample, 0, 0, Some(*value))
    });
    tally(&header(values.len() as u64, 1, unit_range), trials).measures[0].estimate
}

fn bounds(found: Estimate) -> Option<(f64, f64)> {
    found.low.zip(found.high)
}

#[test]
fn binary_values_get_wilson_and_others_t() {
    let found = estimate(&[(1.0, None), (0.0, None), (1.0, None)], true);
    let expected = wilson(2, 3, 0.95).expect("exists");
    assert_eq!((found.n, found.value), (3, Some(2.0 / 3.0)));
    assert_eq!(bounds(found), Some((expected.low, expected.high)));

    let values = [(0.2, None), (0.4, None), (0.9, None)];
    let free = bounds(estimate(&values, false)).expect("exists");
    assert!((free.1 - 1.395_669).abs() < 1e-6, "{free:?}");
    assert_eq!(free.0.to_bits(), 0.0_f64.to_bits(), "what is never negative has no negative mean");
    let below = [(-0.2, None), (0.4, None), (0.9, None)];
    let below = bounds(estimate(&below, false)).expect("exists");
    assert!((below.0 - -1.001_490).abs() < 1e-6, "{below:?}");
    assert_eq!(bounds(estimate(&values, true)), Some((0.0, 1.0)));
}

#[test]
fn clusters_widen_the_interval() {
    let values =
        [(1.0, Some("x")), (1.0, Some("x")), (0.0, Some("y")), (0.0, Some("y")), (1.0, None)];
    let found = bounds(estimate(&values, false)).expect("exists");
    // Residual sums 0.8, -1.2 and 0.4 about 0.6; three clusters.
    let error = (1.5_f64 * (0.64 + 1.44 + 0.16)).sqrt() / 5.0;
    let expected = t_interval(0.6, error, 2.0, 0.95).expect("exists");
    assert!(expected.low < 0.0 && found.0 == 0.0 && (found.1 - expected.high).abs() < 1e-12);
    assert_eq!(bounds(estimate(&values, true)), Some((0.0, 1.0)));
}

#[test]
fn one_cluster_or_one_number_has_no_interval() {
    assert_eq!(bounds(estimate(&[(1.0, Some("x")), (0.0, Some("x"))], true)), None);
    assert_eq!(bounds(estimate(&[(0.4, None)], true)), None);
    assert!(bounds(estimate(&[(1.0, None)], true)).is_some(), "Wilson holds for one");
}

#[test]
fn clusters_of_one_are_no_clusters_and_agreement_is_not_certainty() {
    let lone = [(1.0, Some("x")), (0.0, Some("y")), (1.0, Some("z"))];
    let expected = wilson(2, 3, 0.95).expect("exists");
    assert_eq!(bounds(estimate(&lone, true)), Some((expected.low, expected.high)));

    let right = [(1.0, Some("x")), (1.0, Some("x")), (1.0, Some("y")), (1.0, Some("y"))];
    let expected = wilson(2, 2, 0.95).expect("exists");
    assert_eq!(bounds(estimate(&right, true)), Some((expected.low, expected.high)));
}

#[test]
fn repeats_fold_before_they_count_and_what_is_missing_is_unscored() {
    // Sample 0: one repeat of three has a value. Sample 1: a mean of 0.5. Sample 2 never ran.
    let trials = [
        trial(0, 0, 0, None),
        trial(0, 0, 1, Some(1.0)),
        trial(0, 0, 2, None),
        trial(0, 1, 0, None),
        trial(1, 0, 0, Some(1.0)),
        trial(1, 0, 1, Some(0.0)),
    ];
    let found = tally(&header(3, 3, true), trials);
    assert_eq!(found.planned, 18);
    let [a, b] = [found.measures[0].estimate, found.measures[1].estimate];
    assert_eq!((a.n, a.unscored, a.value), (2, 1, Some(0.75)));
    assert_eq!((b.n, b.unscored, b.value, b.low, b.high), (0, 3, None, None, None));
}

#[test]
fn totals_count_what_each_model_did() {
    let error = |sample, kind: &str| TrialDigest {
        status: Status::Error,
        error_kind: Some(kind.into()),
        latency_us: Some(9_000_000),
        usage: None,
        cost_pico: None,
        unpriced: true,
        scores: Vec::new(),
        ..trial(sample, 0, 0, None)
    };
    let cached = TrialDigest {
        cached: Some(Hit {
            latency_us: Some(1),
            saved: Some(Money::from_pico(7)),
            ..Hit::default()
        }),
        latency_us: None,
        ..trial(2, 0, 0, Some(1.0))
    };
    let streamed = TrialDigest { ttft_us: Some(500), ..trial(3, 0, 0, Some(1.0)) };
    let failed = DigestScore { failed: true, ..DigestScore::default() };
    let unscored = TrialDigest { scores: vec![failed], ..trial(4, 0, 0, None) };
    let trials = [error(0, "timeout"), error(1, "auth"), cached, streamed, unscored];
    let found = tally(&header(5, 1, true), trials);

    let a = &found.models[0];
    assert_eq!((a.trials, a.errors, a.cached, a.unpriced_calls), (5, 2, 1, 2));
    assert_eq!((a.saved, a.unpriced_hits), (Money::from_pico(7), 0));
    assert_eq!(
        (a.input_tokens, a.output_tokens, a.cost),
        (Some(30), Some(6), Money::from_pico(21))
    );
    assert_eq!(a.latency.p50, Some(4.5), "of 4 ms and 5 ms");
    assert_eq!(a.latency.ttft_p50, Some(0.5));
    assert_eq!(found.models[1].latency.p50, None);
    assert_eq!(found.errors, [("auth".to_owned(), 1), ("timeout".to_owned(), 1)]);
    assert_eq!(found.scorer_failures, 1);
    assert_eq!((found.ended(), found.failed()), (5, 2));
}

#[test]
fn what_the_header_does_not_know_is_left_out() {
    let beyond = TrialKey { seq: 0, sample: 0, prompt: 9, model: 0, epoch: 0 };
    let infinite = trial(0, 0, 0, Some(f64::INFINITY));
    let trials =
        [TrialDigest { key: beyond, ..trial(0, 0, 0, None) }, trial(0, 9, 0, None), infinite];
    let found = tally(&header(1, 1, true), trials);
    assert_eq!(found.ended(), 1);
    assert_eq!(found.measures[0].estimate.value, None);
}

#[test]
fn what_was_counted_becomes_one_value_with_its_interval() {
    let mut header = header(4, 1, false);
    header.scorers[0].corpus = Some(Corpus::ErrorRate);
    let counts = [[1.0, 10.0], [4.0, 8.0], [0.0, 5.0], [3.0, 12.0]];
    let scored = |cluster: [Option<&str>; 4]| {
        let trials = counts.iter().zip(cluster).zip(0..).map(|((counts, cluster), sample)| {
            let value = Some(counts[0] / counts[1]);
            TrialDigest {
                cluster: cluster.map(str::to_owned),
                scores: vec![DigestScore {
                    value,
                    counts: counts.to_vec(),
                    ..DigestScore::default()
                }],
                ..trial(sample, 0, 0, None)
            }
        });
        let found = tally(&header, trials).measures;
        assert_eq!((found[0].metric, found[1].metric, found.len()), ("mean", "corpus", 4));
        found[1].estimate
    };
    // The textbook's ratio estimator: residuals of each sample, and of each cluster.
    let expected = |residuals: &[f64]| {
        let units = residuals.len() as f64;
        let squares: f64 = residuals.iter().map(|off| off * off).sum();
        let error = (units / (units - 1.0) * squares).sqrt() / 35.0;
        t_interval(8.0 / 35.0, error, units - 1.0, 0.95).expect("exists").clipped(0.0, 9.0)
    };
    let off = counts.map(|[errors, length]| errors - 8.0 / 35.0 * length);
    let clusters = [Some("x"), Some("x"), Some("y"), None];
    for (cluster, residuals) in
        [([None; 4], off.to_vec()), (clusters, vec![off[0] + off[1], off[2], off[3]])]
    {
        let (found, expected) = (scored(cluster), expected(&residuals));
        assert_eq!((found.n, found.unscored, found.value), (4, 0, Some(8.0 / 35.0)));
        let (low, high) = bounds(found).expect("exists");
        assert!((low - expected.low).abs() < 1e-8 && (high - expected.high).abs() < 1e-8);
    }
    let nothing = tally(&header, [trial(0, 0, 0, Some(0.5))]).measures[1].estimate;
    assert_eq!((nothing.n, nothing.value, nothing.unscored), (0, None, 4));
}
