//! The numbers of other programs, from `tests/fixtures/stats/inference.json`, and what they do not
//! say.

use proptest::prelude::*;
use serde::Deserialize;

use super::close;
use crate::stats::*;

#[derive(Deserialize)]
struct Golden {
    mcnemar: Vec<Split>,
    tango: Vec<Table>,
    flips: Vec<Values>,
    paired: Vec<Columns>,
    welch: Vec<Sides>,
    shares: Vec<Shares>,
    holm: Vec<Tests>,
    benjamini_hochberg: Vec<Tests>,
    bca: Vec<Draws>,
    needed: Vec<Needed>,
    detectable: Vec<Detectable>,
    quantile_interval: Vec<Quantile>,
    normal_cdf: Vec<Point>,
    sequence: Vec<Sequence>,
}

#[derive(Deserialize)]
struct Split {
    wins: u64,
    losses: u64,
    value: f64,
}

#[derive(Deserialize)]
struct Table {
    wins: u64,
    losses: u64,
    n: u64,
    confidence: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Values {
    values: Vec<f64>,
    value: f64,
}

#[derive(Deserialize)]
struct Columns {
    subject: Vec<f64>,
    against: Vec<f64>,
    clusters: Vec<u32>,
    confidence: f64,
    difference: f64,
    low: f64,
    high: f64,
    effect: f64,
}

#[derive(Deserialize)]
struct Sides {
    one: Vec<f64>,
    other: Vec<f64>,
    clusters: Vec<u32>,
    confidence: f64,
    low: f64,
    high: f64,
    p: f64,
}

#[derive(Deserialize)]
struct Shares {
    table: [[usize; 2]; 2],
    confidence: f64,
    low: f64,
    high: f64,
    p: f64,
}

#[derive(Deserialize)]
struct Tests {
    values: Vec<f64>,
    adjusted: Vec<f64>,
}

#[derive(Deserialize)]
struct Draws {
    drawn: Vec<f64>,
    observed: f64,
    left_out: Vec<f64>,
    confidence: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Needed {
    discordance: Option<f64>,
    variance: Option<f64>,
    alpha: f64,
    power: f64,
    difference: f64,
    value: u64,
}

#[derive(Deserialize)]
struct Detectable {
    discordance: Option<f64>,
    variance: Option<f64>,
    alpha: f64,
    power: f64,
    n: u64,
    value: Option<f64>,
}

#[derive(Deserialize)]
struct Quantile {
    values: Vec<f64>,
    q: f64,
    confidence: f64,
    low: Option<f64>,
    high: Option<f64>,
}

#[derive(Deserialize)]
struct Point {
    z: f64,
    value: f64,
}

#[derive(Deserialize)]
struct Sequence {
    values: Vec<f64>,
    confidence: f64,
    low: f64,
    high: f64,
}

fn golden() -> Golden {
    let text = include_str!("../../../tests/fixtures/stats/inference.json");
    serde_json::from_str(text).expect("fixture is JSON")
}

#[track_caller]
fn close_to(found: Interval, low: f64, high: f64, what: &str) {
    close(found.low, low, what);
    close(found.high, high, what);
}

fn spread(discordance: Option<f64>, variance: Option<f64>) -> Spread {
    match (discordance, variance) {
        (Some(discordance), _) => Spread::YesNo { discordance },
        (None, variance) => Spread::Numbers { variance: variance.expect("either") },
    }
}

#[test]
fn mid_p_as_statsmodels_and_scipy() {
    for Split { wins, losses, value } in golden().mcnemar {
        close(mcnemar_mid_p(wins, losses), value, &format!("{wins} to {losses}"));
    }
}

#[test]
fn tango_as_worked_out_without_the_closed_form() {
    for case in golden().tango {
        let what = format!("{} to {} of {}", case.wins, case.losses, case.n);
        let found = tango(case.wins, case.losses, case.n, case.confidence).expect("exists");
        close_to(found, case.low, case.high, &what);
    }
}

#[test]
fn sign_flips_as_scipy() {
    for Values { values, value } in golden().flips {
        let zeros = vec![0.0; values.len()];
        let pairs = Pairs { subject: &values, against: &zeros, clusters: &[], yes_no: false };
        let found = paired(&pairs, 0.95, 1);
        close(found.p_value.expect("pairs"), value, &format!("{values:?}"));
        assert_eq!(found.test, "sign flips, all of them");
    }
}

#[test]
fn differences_of_pairs_as_scipy_and_statsmodels() {
    for case in golden().paired {
        let clusters: Vec<_> = case.clusters.iter().copied().map(Some).collect();
        let Columns { subject, against, .. } = &case;
        let pairs = Pairs { subject, against, clusters: &clusters, yes_no: false };
        let found = paired(&pairs, case.confidence, 1);
        let what = format!("{} pairs", found.n);
        close(found.difference.expect("pairs"), case.difference, &what);
        close_to(found.interval.expect("several"), case.low, case.high, &what);
        close(found.effect.expect("they vary"), case.effect, &what);
    }
}

#[test]
fn differences_of_sides_as_scipy_and_statsmodels() {
    let golden = golden();
    for case in golden.welch {
        let clusters: Vec<_> = case.clusters.iter().copied().map(Some).collect();
        let (first, second) = clusters.split_at(case.one.len().min(clusters.len()));
        let one = Side { values: &case.one, clusters: first };
        let other = Side { values: &case.other, clusters: second };
        let found = unpaired(one, other, false, case.confidence);
        let what = format!("{} and {} by {}", case.one.len(), case.other.len(), found.test);
        close_to(found.interval.expect("several"), case.low, case.high, &what);
        close(found.p_value.expect("several"), case.p, &what);
    }
    for case in golden.shares {
        let column = |[ones, n]: [usize; 2]| -> Vec<f64> {
            (0..n).map(|place| f64::from(u8::from(place < ones))).collect()
        };
        let [one, other] = case.table.map(column);
        let side = |values| Side { values, clusters: &[] };
        let found = unpaired(side(&one), side(&other), true, case.confidence);
        let what = format!("{:?}", case.table);
        close_to(found.interval.expect("several"), case.low, case.high, &what);
        close(found.p_value.expect("several"), case.p, &what);
    }
}

#[test]
fn a_side_without_values_has_no_difference() {
    let side = |values| Side { values, clusters: &[] };
    for yes_no in [true, false] {
        let found = unpaired(side(&[]), side(&[1.0, 0.0]), yes_no, 0.95);
        assert_eq!((found.difference, found.interval, found.p_value), (None, None, None));
    }
    let same = unpaired(side(&[0.5, 0.5]), side(&[0.5, 0.5]), false, 0.95);
    assert_eq!((same.difference, same.interval, same.p_value), (Some(0.0), None, None));
    // Three of which all are alike say nothing of how much others like them would vary.
    let few = unpaired(side(&[1.0; 3]), side(&[0.5, 1.0, 0.5, 1.0]), false, 0.95);
    assert_eq!((few.difference, few.interval, few.p_value), (Some(0.25), None, None));
    let together = [Some(1); 4];
    let one = Side { values: &[1.0, 0.0], clusters: &together };
    let found = unpaired(one, one, true, 0.95);
    assert_eq!((found.test, found.interval), ("cluster-robust t", None), "one cluster");
}

#[test]
fn adjusted_p_values_as_statsmodels() {
    let golden = golden();
    for (cases, adjust) in [
        (golden.holm, holm as fn(&[Option<f64>]) -> Vec<Option<f64>>),
        (golden.benjamini_hochberg, benjamini_hochberg),
    ] {
        for Tests { values, adjusted } in cases {
            // What is unknown changes nothing.
            let with_unknown: Vec<_> =
                [None].into_iter().chain(values.into_iter().map(Some)).collect();
            let found = adjust(&with_unknown);
            assert_eq!(found[0], None);
            for (found, expected) in found[1..].iter().zip(&adjusted) {
                close(found.expect("known"), *expected, &format!("{with_unknown:?}"));
            }
        }
    }
}

#[test]
fn bca_as_scipy() {
    for case in golden().bca {
        let found = bca(&case.drawn, case.observed, &case.left_out, case.confidence);
        close_to(found.expect("they vary"), case.low, case.high, "BCa");
    }
}

#[test]
fn power_as_statsmodels() {
    let golden = golden();
    for case in golden.needed {
        let design = Design { alpha: case.alpha, power: case.power, effect: 1.0 };
        let spread = spread(case.discordance, case.variance);
        let what = format!("{} of {spread:?} by {design:?}", case.difference);
        assert_eq!(needed(spread, case.difference, design), Some(case.value), "{what}");
        let doubled = needed(spread, case.difference, Design { effect: 2.0, ..design });
        let doubled = doubled.expect("exists");
        assert!((2 * case.value - 2..=2 * case.value).contains(&doubled), "{what}: {doubled}");
    }
    for case in golden.detectable {
        let design = Design { alpha: case.alpha, power: case.power, effect: 1.0 };
        let spread = spread(case.discordance, case.variance);
        let what = format!("{} of {spread:?} by {design:?}", case.n);
        let found = detectable(spread, case.n, design);
        assert_eq!(found.is_some(), case.value.is_some(), "{what}");
        if let Some((found, expected)) = found.zip(case.value) {
            close(found, expected, &what);
            let wider = Design { effect: 2.0, ..design };
            close(detectable(spread, 2 * case.n, wider).expect("as before"), expected, &what);
        }
    }
}

#[test]
fn quantile_intervals_as_scipy() {
    for case in golden().quantile_interval {
        let found = quantile_interval(&case.values, case.q, case.confidence);
        let expected = case.low.zip(case.high).map(|(low, high)| Interval { low, high });
        assert_eq!(found, expected, "{} of {} values", case.q, case.values.len());
    }
}

#[test]
fn normal_chances_as_scipy() {
    for Point { z, value } in golden().normal_cdf {
        close(normal_cdf(z), value, &format!("up to {z}"));
    }
}

#[test]
fn confidence_sequences_as_confseq() {
    for case in golden().sequence {
        let mut sequence = ConfidenceSequence::new(case.confidence).expect("a confidence");
        for value in &case.values {
            sequence.add(*value);
        }
        assert_eq!(sequence.n(), case.values.len() as u64);
        let what = format!("{} values, mean {:?}", sequence.n(), sequence.mean());
        close_to(sequence.interval(), case.low, case.high, &what);
    }
}

fn compare(subject: &[f64], against: &[f64], yes_no: bool) -> Paired {
    paired(&Pairs { subject, against, clusters: &[], yes_no }, 0.95, 1)
}

#[test]
fn pairs_that_tell_little_say_so() {
    let none = compare(&[], &[], true);
    assert_eq!((none.n, none.difference, none.p_value, none.effect), (0, None, None, None));
    assert_eq!(none.interval, None);

    let one = compare(&[0.75], &[0.25], false);
    assert_eq!((one.n, one.wins, one.interval, one.effect), (1, 1, None, None));
    assert_eq!((one.difference, one.p_value), (Some(0.5), Some(1.0)));

    let same = compare(&[0.5; 40], &[0.5; 40], false);
    assert_eq!((same.ties, same.difference, same.interval), (40, Some(0.0), None));
    assert_eq!((same.p_value, same.effect), (Some(1.0), None));

    let right = compare(&[1.0; 40], &[1.0; 40], true);
    let interval = right.interval.expect("a score interval has a width");
    assert!((-0.1..-0.05).contains(&interval.low) && (0.05..0.1).contains(&interval.high));
    assert_eq!((right.p_value, right.effect), (Some(1.0), None));

    let always = compare(&[1.0; 20], &[0.0; 20], true);
    assert_eq!(always.interval.map(|found| found.high), Some(1.0));
    assert_eq!((always.effect, always.wins), (Some(0.5), 20));

    let unknown = compare(&[f64::NAN, 1.0, 2.0], &[0.0, f64::INFINITY, 1.0], false);
    assert_eq!((unknown.n, unknown.difference), (1, Some(1.0)));
}

#[test]
fn clusters_are_flipped_together() {
    // Sixty samples, of which each ten belong together and agree: six independent ones, as it were.
    let subject = [1.0; 60];
    let against = [0.0; 60];
    let clusters: Vec<_> = (0..60).map(|place| Some(place / 10)).collect();
    let pairs = |clusters, yes_no| Pairs { subject: &subject, against: &against, clusters, yes_no };
    let alone = paired(&pairs(&[], true), 0.95, 1);
    let together = paired(&pairs(&clusters, true), 0.95, 1);
    assert!(alone.p_value < Some(1e-15) && alone.test == "McNemar exact mid-p");
    assert_eq!(together.p_value, Some(2.0 / 64.0));
    assert_eq!(together.test, "sign flips, all of them");
    assert_eq!(together.interval, None, "sums that do not vary");
    let lone: Vec<_> = (0..60).map(Some).collect();
    assert_eq!(paired(&pairs(&lone, true), 0.95, 1), alone, "clusters of one are none");
}

#[test]
fn drawn_flips_come_near_the_exact_number_and_repeat() {
    let subject: Vec<f64> = (0..200).map(|place| f64::from(place % 7) / 7.0).collect();
    let against: Vec<f64> = (0..200).map(|place| f64::from(place % 5) / 5.0).collect();
    let found = compare(&subject, &against, false);
    assert_eq!(found.test, "sign flips, 20,000 drawn");
    // With 200 pairs the t test says nearly the same.
    let t = 0.028_571_428_571_428_57 / (0.028_571_428_571_428_57 / found.effect.expect("varies"))
        * 200.0_f64.sqrt();
    let normal = 2.0 * normal_cdf(-t.abs());
    let p = found.p_value.expect("pairs");
    assert!((p - normal).abs() < 0.02, "{p} is not near {normal}");
    assert_eq!(compare(&subject, &against, false), found, "the same for a seed");
    let far = compare(&[1.0; 200], &[0.5; 200], false);
    assert_eq!(far.p_value, Some(1.0 / 20_001.0), "never 0");
}

#[test]
fn a_bootstrap_repeats_and_follows_the_skew() {
    let values: Vec<f64> =
        (0..60).map(|place| f64::from(place) / 60.0).map(|x| x.powi(6)).collect();
    let mean = values.iter().sum::<f64>() / 60.0;
    let found = bootstrap_mean(&values, &[], 0.95, 4000, 7).expect("exists");
    assert_eq!(bootstrap_mean(&values, &[], 0.95, 4000, 7), Some(found));
    assert!(found.high - mean > mean - found.low, "the long tail is above: {found:?}");
    let pairs: Vec<_> = (0..60).map(|place| Some(place / 2)).collect();
    let wider = bootstrap_mean(&values, &pairs, 0.95, 4000, 7).expect("exists");
    assert!(wider.high - wider.low > 1.2 * (found.high - found.low), "{wider:?} to {found:?}");

    assert_eq!(bootstrap_mean(&[], &[], 0.95, 100, 1), None);
    assert_eq!(bootstrap_mean(&[1.0], &[], 0.95, 100, 1), None);
    assert_eq!(bootstrap_mean(&[1.0, 1.0], &[], 0.95, 100, 1), None);
    assert_eq!(bootstrap_mean(&[0.0, 1.0], &[], 0.95, 0, 1), None);
    assert_eq!(bootstrap_mean(&[0.0, 1.0], &[Some(1), Some(1)], 0.95, 100, 1), None);
    assert_eq!(bootstrap_mean(&[0.0, 1.0, 0.5], &[], 1.0, 100, 1), None);
}

#[test]
fn what_no_number_shows_is_none() {
    let yes_no = Spread::YesNo { discordance: 0.1 };
    assert_eq!(needed(yes_no, 0.2, Design::default()), None, "they disagree too rarely");
    assert_eq!(needed(yes_no, 0.0, Design::default()), None);
    assert_eq!(needed(yes_no, f64::NAN, Design::default()), None);
    assert_eq!(detectable(yes_no, 0, Design::default()), None);
    assert_eq!(detectable(yes_no, 10, Design::default()), None);
    assert_eq!(detectable(Spread::Numbers { variance: 0.0 }, 10, Design::default()), None);
    assert_eq!(detectable(yes_no, 100, Design { power: 1.0, ..Design::default() }), None);
    close(design_effect(5.0, 0.2), 1.8, "Kish");
    close(variance_of_repeats(0.1, [(0.2, 4), (0.3, 2)]), 0.3, "repeats");
}

#[test]
fn the_front_is_what_nothing_beats() {
    let choice = |quality: f64, cost: f64, latency: Option<f64>| Choice {
        quality: Some(quality),
        cost: Some(cost),
        latency,
    };
    let front = pareto_front(&[
        choice(0.9, 3.0, Some(1.0)),
        choice(0.8, 1.0, Some(1.0)),
        choice(0.8, 1.0, Some(1.0)),
        choice(0.7, 2.0, Some(1.0)),
        choice(0.7, 2.0, Some(0.5)),
    ]);
    assert_eq!(front, [Some(true), Some(true), Some(true), Some(false), Some(true)]);
    // Unknown of all: not looked at.
    let front = pareto_front(&[choice(0.9, 1.0, None), choice(0.8, 1.0, None)]);
    assert_eq!(front, [Some(true), Some(false)]);
    // Unknown of one: it might be the fastest, and might beat.
    let front = pareto_front(&[
        choice(0.9, 1.0, Some(1.0)),
        choice(0.8, 2.0, None),
        choice(0.7, 0.5, Some(2.0)),
        choice(0.6, 3.0, Some(3.0)),
    ]);
    assert_eq!(front, [Some(true), None, Some(true), Some(false)]);
    let unknown = Choice { cost: Some(1.0), ..Choice::default() };
    assert_eq!(pareto_front(&[unknown]), [None], "without a quality nothing can be said");
    assert!(pareto_front(&[]).is_empty());
}

proptest! {
    #[test]
    fn what_is_compared_may_be_exchanged(
        table in proptest::collection::vec((any::<bool>(), any::<bool>(), 0_u32..4), 1..60),
        clustered in any::<bool>(),
        yes_no in any::<bool>(),
    ) {
        let column = |side: fn(&(bool, bool, u32)) -> bool| -> Vec<f64> {
            table.iter().map(|row| f64::from(u8::from(side(row)))).collect()
        };
        let (a, b) = (column(|row| row.0), column(|row| row.1));
        let clusters: Vec<_> =
            if clustered { table.iter().map(|row| Some(row.2)).collect() } else { Vec::new() };
        let one = paired(&Pairs { subject: &a, against: &b, clusters: &clusters, yes_no }, 0.95, 3);
        let other = paired(&Pairs { subject: &b, against: &a, clusters: &clusters, yes_no }, 0.95, 3);
        prop_assert_eq!((one.wins, one.losses, one.ties), (other.losses, other.wins, other.ties));
        prop_assert_eq!(one.n, one.wins + one.losses + one.ties);
        let difference = one.difference.expect("pairs");
        prop_assert!((difference + other.difference.expect("pairs")).abs() < 1e-12);
        if let (Some(one), Some(other)) = (one.interval, other.interval) {
            prop_assert!((one.low + other.high).abs() < 1e-9 && (one.high + other.low).abs() < 1e-9);
            prop_assert!(one.low <= difference && difference <= one.high);
        }
        let p = one.p_value.expect("pairs");
        prop_assert!(p > 0.0 && p <= 1.0);
        if one.test != "sign flips, 20,000 drawn" {
            prop_assert!((p - other.p_value.expect("pairs")).abs() < 1e-12);
        }
    }
}
