//! The numbers of other programs, from `tests/fixtures/stats/intervals.json`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

mod inference;

#[derive(Deserialize)]
struct Golden {
    wilson: Vec<WilsonCase>,
    t: Vec<MeanCase>,
    clustered: Vec<MeanCase>,
    quantiles: Vec<QuantileCase>,
    normal: Vec<PointCase>,
    student: Vec<PointCase>,
}

#[derive(Deserialize)]
struct WilsonCase {
    successes: u64,
    n: u64,
    confidence: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct MeanCase {
    values: Vec<f64>,
    #[serde(default)]
    clusters: Vec<u32>,
    confidence: f64,
    mean: f64,
    standard_error: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct QuantileCase {
    values: Vec<f64>,
    q: f64,
    value: f64,
}

#[derive(Deserialize)]
struct PointCase {
    p: f64,
    #[serde(default)]
    df: f64,
    value: f64,
}

fn golden() -> Golden {
    let text = include_str!("../../tests/fixtures/stats/intervals.json");
    serde_json::from_str(text).expect("fixture is JSON")
}

/// Within 1e-9, relative to numbers above 1.
#[track_caller]
fn close(found: f64, expected: f64, what: &str) {
    let off = (found - expected).abs() / expected.abs().max(1.0);
    assert!(off <= 1e-9, "{what}: {found} is not {expected}");
}

#[test]
fn wilson_as_statsmodels() {
    let cases = golden().wilson;
    assert!(cases.len() > 20);
    for case in cases {
        let what = format!("{} of {} at {}", case.successes, case.n, case.confidence);
        let found = wilson(case.successes, case.n, case.confidence).expect("exists");
        close(found.low, case.low, &what);
        close(found.high, case.high, &what);
    }
}

#[test]
fn t_as_scipy() {
    for case in golden().t {
        let what = format!("{:?} at {}", case.values, case.confidence);
        let mut moments = Moments::default();
        for value in &case.values {
            moments.add(*value);
        }
        let (mean, error) =
            (moments.mean().expect("values"), moments.standard_error().expect("several"));
        close(mean, case.mean, &what);
        close(error, case.standard_error, &what);
        let found = t_interval(mean, error, moments.n() as f64 - 1.0, case.confidence);
        let found = found.expect("exists");
        close(found.low, case.low, &what);
        close(found.high, case.high, &what);
    }
}

/// Runs each case with every cluster summed, and again with the clusters of one value as lone ones.
#[test]
fn clustered_as_statsmodels() {
    for case in golden().clustered {
        let mut sums: BTreeMap<u32, (u64, f64)> = BTreeMap::new();
        for (value, cluster) in case.values.iter().zip(&case.clusters) {
            let entry = sums.entry(*cluster).or_default();
            *entry = (entry.0 + 1, entry.1 + value);
        }
        for alone in [0, 1] {
            let mut lone = Moments::default();
            for (_, sum) in sums.values().filter(|(n, _)| *n <= alone) {
                lone.add(*sum);
            }
            let clusters = sums.values().copied().filter(|(n, _)| *n > alone);
            let found = clustered_error(case.mean, clusters, &lone).expect("several clusters");
            assert_eq!(found.clusters, sums.len() as u64);
            close(found.standard_error, case.standard_error, "standard error");
            let df = found.clusters as f64 - 1.0;
            let interval = t_interval(case.mean, found.standard_error, df, case.confidence);
            let interval = interval.expect("exists");
            close(interval.low, case.low, "low");
            close(interval.high, case.high, "high");
        }
    }
}

#[test]
fn quantiles_as_numpy() {
    for case in golden().quantiles {
        let found = quantile(&case.values, case.q).expect("values");
        close(found, case.value, &format!("{} of {:?}", case.q, case.values));
    }
}

#[test]
fn distributions_as_scipy() {
    let cases = golden();
    for case in cases.normal {
        close(normal_quantile(case.p).expect("inside"), case.value, &format!("normal {}", case.p));
    }
    for case in cases.student {
        let what = format!("t {} with {} degrees of freedom", case.p, case.df);
        close(t_quantile(case.p, case.df).expect("inside"), case.value, &what);
    }
}

#[test]
fn what_cannot_be_told_is_none() {
    assert_eq!(wilson(0, 0, 0.95), None);
    assert_eq!(wilson(2, 1, 0.95), None);
    assert_eq!(wilson(1, 2, 1.0), None);
    assert_eq!(wilson(1, 2, f64::NAN), None);
    assert_eq!(t_interval(0.0, 1.0, 0.0, 0.95), None);
    assert_eq!(t_interval(f64::NAN, 1.0, 3.0, 0.95), None);
    assert_eq!(t_quantile(0.5, f64::INFINITY), None);
    assert_eq!(normal_quantile(0.0), None);
    assert_eq!(quantile(&[], 0.5), None);
    assert_eq!(quantile(&[1.0], 1.5), None);
    let mut one = Moments::default();
    assert_eq!((one.mean(), one.standard_error()), (None, None));
    one.add(f64::MAX);
    one.add(f64::MAX);
    assert_eq!(one.mean(), None, "a sum beyond the range of f64");
    assert_eq!(clustered_error(0.5, [(3, 1.5)], &Moments::default()), None);
}

#[test]
fn a_wilson_interval_stays_within_0_and_1_and_holds_the_share() {
    for n in 1..60 {
        for successes in 0..=n {
            let found = wilson(successes, n, 0.95).expect("exists");
            let share = successes as f64 / n as f64;
            assert!(0.0 <= found.low && found.low <= share, "{successes} of {n}");
            assert!(share <= found.high && found.high <= 1.0, "{successes} of {n}");
        }
    }
}

#[test]
fn a_sum_does_not_lose_small_values_beside_large_ones() {
    let mut moments = Moments::default();
    for value in [1e16, 1.0, -1e16] {
        moments.add(value);
    }
    assert_eq!(moments.sum().to_bits(), 1.0_f64.to_bits());
}
