//! The numbers of other programs, from `tests/fixtures/stats/agreement.json`.

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Golden {
    confusion: Vec<PairCase>,
    alpha: Vec<AlphaCase>,
    rank: Vec<RankCase>,
}

#[derive(Deserialize)]
struct PairCase {
    first: Vec<usize>,
    second: Vec<usize>,
    categories: usize,
    accuracy: f64,
    matrix: Vec<Vec<f64>>,
    kappa: Vec<f64>,
    gwet: Vec<f64>,
}

#[derive(Deserialize)]
struct AlphaCase {
    units: Vec<Vec<Option<f64>>>,
    nominal: f64,
    ordinal: f64,
    interval: f64,
}

#[derive(Deserialize)]
struct RankCase {
    first: Vec<f64>,
    second: Vec<f64>,
    spearman: f64,
    kendall: f64,
    pearson: f64,
}

fn golden() -> Golden {
    let text = include_str!("../../../tests/fixtures/stats/agreement.json");
    serde_json::from_str(text).expect("fixture is JSON")
}

#[track_caller]
fn close(found: Option<f64>, expected: f64, what: &str) {
    let found = found.unwrap_or(f64::NAN);
    assert!((found - expected).abs() < 1e-9, "{what}: {found} is not {expected}");
}

#[test]
fn two_raters_as_scikit_learn_and_irr_cac() {
    let cases = golden().confusion;
    assert!(cases.len() > 5);
    for case in cases {
        let items = case.first.iter().zip(&case.second).map(|(a, b)| (*a, *b, 1.0));
        let found = Confusion::of(case.categories, items);
        close(found.accuracy(), case.accuracy, "accuracy");
        for (row, counts) in case.matrix.iter().enumerate() {
            for (column, count) in counts.iter().enumerate() {
                close(Some(found.at(row, column)), *count, "matrix");
            }
        }
        for (at, weighting) in
            [Weighting::Nominal, Weighting::Linear, Weighting::Quadratic].into_iter().enumerate()
        {
            close(found.kappa(weighting), case.kappa[at], "kappa");
            close(found.gwet(weighting), case.gwet[at], "gwet");
        }
    }
}

#[test]
fn alpha_as_krippendorff() {
    let cases = golden().alpha;
    assert!(cases.len() > 5);
    for case in cases {
        let ones = vec![1.0; case.units.len()];
        let alpha = |level| krippendorff_alpha(level, &case.units, &ones);
        close(alpha(Level::Nominal), case.nominal, "nominal");
        close(alpha(Level::Ordinal), case.ordinal, "ordinal");
        close(alpha(Level::Interval), case.interval, "interval");
    }
}

#[test]
fn correlations_as_scipy() {
    for case in golden().rank {
        let ones = vec![1.0; case.first.len()];
        let ranked = Ranked::of(&case.first, &case.second);
        close(ranked.spearman(&ones), case.spearman, "spearman");
        close(ranked.kendall(&ones), case.kendall, "kendall");
        close(pearson(&case.first, &case.second, &ones), case.pearson, "pearson");
    }
}

/// A weight of 2 is the item twice, and of 0 no item, for every figure.
#[test]
fn weights_are_counts() {
    let weights = [2.0, 0.0, 1.0, 3.0, 1.0, 1.0];
    let first = [0.0, 1.0, 2.0, 1.0, 0.0, 2.0];
    let second = [0.0, 2.0, 1.0, 1.0, 1.0, 2.0];
    let repeated = |values: &[f64]| -> Vec<f64> {
        let times = values.iter().zip(weights);
        times.flat_map(|(value, weight)| vec![*value; weight as usize]).collect()
    };
    let (long_first, long_second) = (repeated(&first), repeated(&second));
    let ones = vec![1.0; long_first.len()];
    let same = |found: Option<f64>, expected: Option<f64>| {
        close(found, expected.expect("exists"), "weighted");
    };
    let confusion = |a: &[f64], b: &[f64], weights: &[f64]| {
        let items = a.iter().zip(b).zip(weights);
        Confusion::of(3, items.map(|((a, b), weight)| (*a as usize, *b as usize, *weight)))
    };
    assert_eq!(confusion(&first, &second, &weights), confusion(&long_first, &long_second, &ones));
    let units = |a: &[f64], b: &[f64]| -> Vec<Vec<Option<f64>>> {
        a.iter().zip(b).map(|(a, b)| vec![Some(*a), Some(*b)]).collect()
    };
    for level in [Level::Nominal, Level::Ordinal, Level::Interval] {
        same(
            krippendorff_alpha(level, &units(&first, &second), &weights),
            krippendorff_alpha(level, &units(&long_first, &long_second), &ones),
        );
    }
    let (ranked, long) = (Ranked::of(&first, &second), Ranked::of(&long_first, &long_second));
    same(ranked.spearman(&weights), long.spearman(&ones));
    same(ranked.kendall(&weights), long.kendall(&ones));
    same(pearson(&first, &second, &weights), pearson(&long_first, &long_second, &ones));
}

#[test]
fn what_cannot_be_told_is_none() {
    let empty = Confusion::of(2, []);
    assert_eq!((empty.accuracy(), empty.kappa(Weighting::Nominal)), (None, None));
    let one_sided = Confusion::of(2, [(0, 0, 5.0)]);
    assert_eq!(one_sided.kappa(Weighting::Nominal), None, "chance agrees in all");
    close(one_sided.gwet(Weighting::Nominal), 1.0, "AC1 of one category");
    assert_eq!(Confusion::of(1, [(0, 0, 5.0)]).gwet(Weighting::Nominal), None);
    let same = vec![vec![Some(1.0), Some(1.0)]; 4];
    assert_eq!(krippendorff_alpha(Level::Nominal, &same, &[1.0; 4]), None);
    let alone = vec![vec![Some(1.0), None], vec![None, Some(2.0)]];
    assert_eq!(krippendorff_alpha(Level::Interval, &alone, &[1.0; 2]), None);
    let flat = Ranked::of(&[1.0, 1.0], &[1.0, 2.0]);
    assert_eq!((flat.spearman(&[1.0; 2]), flat.kendall(&[1.0; 2])), (None, None));
    assert_eq!(pearson(&[], &[], &[]), None);
}
