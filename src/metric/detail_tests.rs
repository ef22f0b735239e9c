//! What is said of a mean beside its interval: quantiles, repeats, costs, slices, what can be shown.

use super::tests::{header, trial};
use crate::{
    domain::{
        measure::RunMeasures,
        run::{RunHeader, TrialDigest},
        slice::Slices,
    },
    metric::{Tally, power::outlooks},
    stats::{Design, Side, Spread, benjamini_hochberg, unpaired},
};

/// Trials of the models, one sample after the other: `values` of sample and model.
fn trials(values: &[[f64; 2]]) -> Vec<TrialDigest> {
    let both = values.iter().zip(0..).flat_map(|(pair, sample)| {
        pair.iter().zip(0..).map(move |(value, model)| trial(sample, model, 0, Some(*value)))
    });
    both.collect()
}

fn measured(header: &RunHeader, tally: Tally, trials: &[TrialDigest]) -> RunMeasures {
    let mut tally = tally;
    for trial in trials {
        tally.add(trial);
    }
    let found = tally.finish();
    assert_eq!(found.measures.len(), header.models.len());
    found
}

#[test]
fn numbers_have_quantiles_and_shares_what_a_correct_answer_cost() {
    let grades: Vec<[f64; 2]> = (0..9).map(|sample| [f64::from(sample) / 8.0, 1.0]).collect();
    let of = header(9, 1, true);
    let found = measured(&of, Tally::new(&of), &trials(&grades));
    let [a, b] = [&found.measures[0].detail, &found.measures[1].detail];
    let quantiles = a.quantiles.expect("numbers");
    assert_eq!((quantiles.p10, quantiles.p50, quantiles.p90), (0.1, 0.5, 0.9));
    assert_eq!((quantiles.p50_low, quantiles.p50_high), (Some(0.125), Some(0.875)));
    assert_eq!((a.interval_method, a.correct, a.cost_per_correct), ("t", None, None));
    assert_eq!((b.interval_method, b.quantiles, b.correct), ("Wilson", None, Some(9)));
    // Each call cost 7 picodollars.
    assert!((b.cost_per_correct.expect("known") - 7e-12).abs() < 1e-20);
    assert_eq!(found.models[1].cost_per_trial(), b.cost_per_correct);
    assert!((a.standard_error.expect("several") - 0.114_108_9).abs() < 1e-6);
}

#[test]
fn what_one_call_cost_may_be_unknown() {
    let of = header(2, 1, true);
    let mut trials = trials(&[[1.0, 1.0], [1.0, 0.0]]);
    trials[0].unpriced = true;
    let found = measured(&of, Tally::new(&of), &trials);
    assert_eq!(found.measures[0].detail.cost_per_correct, None);
    assert_eq!(found.models[0].cost_per_trial(), None);
    assert!((found.measures[1].detail.cost_per_correct.expect("known") - 14e-12).abs() < 1e-20);
}

#[test]
fn repeats_tell_how_often_some_and_how_often_all_are_correct() {
    let of = header(2, 3, true);
    let values = [[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]];
    let trials: Vec<_> = values
        .iter()
        .zip(0..)
        .flat_map(|(repeats, sample)| {
            repeats.iter().zip(0..).map(move |(value, epoch)| trial(sample, 0, epoch, Some(*value)))
        })
        .collect();
    let found = measured(&of, Tally::new(&of), &trials);
    let detail = &found.measures[0].detail;
    assert_eq!(detail.correct, Some(5));
    let shown: Vec<_> =
        detail.passes.iter().map(|passes| (passes.k, passes.any.value, passes.all.value)).collect();
    let third = f64::midpoint(1.0 / 3.0, 1.0);
    assert_eq!(shown[0].0, 1);
    assert!((shown[0].1.expect("a value") - 5.0 / 6.0).abs() < 1e-12);
    assert_eq!((shown[1].0, shown[1].1), (2, Some(1.0)));
    assert!((shown[1].2.expect("a value") - third).abs() < 1e-12);
    assert_eq!((shown[2].1, shown[2].2), (Some(1.0), Some(0.5)));
    assert!(found.measures[1].detail.passes.is_empty(), "nothing was answered");
}

#[test]
fn a_slice_is_compared_with_the_rest() {
    let of = header(8, 1, true);
    let values = [1, 1, 1, 1, 0, 0, 0, 1].map(|value| [f64::from(value), 1.0]);
    let mut slices = Slices::by(["level".to_owned(), "gone".to_owned()]);
    for sample in 0..8 {
        slices.add([(0, if sample < 4 { "easy" } else { "hard" })]);
    }
    let tally = Tally::new(&of).slicing(slices, &of);
    let found = measured(&of, tally, &trials(&values));
    assert_eq!(found.unsliced.len(), 1);
    let named: Vec<_> = found.slices.iter().map(|s| (s.value.as_str(), s.model)).collect();
    assert_eq!(named, [("easy", 0), ("easy", 1), ("hard", 0), ("hard", 1)]);
    let easy = &found.slices[0];
    assert_eq!((easy.estimate.n, easy.estimate.value, easy.difference), (4, Some(1.0), Some(0.75)));
    let side = |values| Side { values, clusters: &[] };
    let expected = unpaired(side(&[1.0; 4]), side(&[0.0, 0.0, 0.0, 1.0]), true, 0.95);
    assert_eq!((easy.p_value, easy.test), (expected.p_value, "Fisher exact mid-p"));
    let p: Vec<_> = found.slices.iter().map(|slice| slice.p_value).collect();
    let adjusted: Vec<_> = found.slices.iter().map(|slice| slice.p_adjusted).collect();
    assert_eq!(adjusted, benjamini_hochberg(&p));
}

#[test]
fn what_a_run_can_show_is_told_by_how_often_two_disagree() {
    let of = header(40, 1, true);
    let values: Vec<[f64; 2]> =
        (0..40).map(|sample| [1.0, if sample % 4 == 0 { 0.0 } else { 1.0 }]).collect();
    let mut tally = Tally::new(&of).keeping(&of);
    for trial in trials(&values) {
        tally.add(&trial);
    }
    let values = tally.finish_values().expect("kept");
    let found = outlooks(&values, Design::default(), Some(0.1));
    assert_eq!(found.len(), 1, "of two models");
    assert_eq!((found[0].n, found[0].effect), (40, 1.0));
    assert_eq!(found[0].spread, Some(Spread::YesNo { discordance: 0.25 }));
    assert!(found[0].detectable.is_some_and(|off| off > 0.15 && off < 0.25));
    assert!(found[0].needed.is_some_and(|n| n > 150 && n < 250), "{found:?}");
}
