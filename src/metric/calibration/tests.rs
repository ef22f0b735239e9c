//! What labels make of scores, on small cases that can be reckoned by hand.

use super::*;

const HOW: Calibrate = Calibrate { scorer: 0, mark: 0.5, draws: Some(500), seed: 1 };

fn judged(seq: u64, value: f64) -> Judged {
    let (sample, length) = (seq, Some(10 + seq));
    Judged {
        seq,
        sample,
        prompt: 0,
        model: 0,
        epoch: 0,
        cluster: None,
        value: Some(value),
        passed: None,
        length,
        meetings: Vec::new(),
    }
}

fn label(seq: u64, rater: &str, value: f64) -> Label {
    Label { seq, rater: rater.to_owned(), value }
}

fn value(calibration: &Calibration, name: &str) -> Option<f64> {
    let found = calibration.agreement.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no {name}")).1.value
}

#[track_caller]
fn close(found: Option<f64>, expected: f64) {
    let found = found.unwrap_or(f64::NAN);
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

#[test]
fn passes_and_fails_are_compared_with_what_the_scorer_decides() {
    // People pass 0 to 5 of eight; the scorer passes 0 to 3 of them, and 6.
    let answers: Vec<Judged> =
        (0..20).map(|seq| judged(seq, if seq < 4 || seq == 6 { 0.9 } else { 0.2 })).collect();
    let labels: Vec<Label> =
        (0..8).map(|seq| label(seq, "anna", f64::from(u8::from(seq < 6)))).collect();
    let found = calibrate(&answers, &labels, HOW).expect("labels");
    assert_eq!((found.kind, found.labelled, found.unscored), (LabelKind::PassFail, 8, 0));
    close(found.human.value, 0.75);
    close(found.judge.value, 0.625);
    close(value(&found, "accuracy"), 0.625);
    // Both pass 4, both fail 1: chance agrees in 0.75 * 0.625 + 0.25 * 0.375.
    close(value(&found, "cohen_kappa"), (0.625 - 0.5625) / (1.0 - 0.5625));
    let table = found.confusion.expect("passes and fails");
    assert_eq!(table.counts, [[1, 1], [2, 4]]);
    assert!(found.threshold.is_none(), "two different scores leave nothing to tune");
    assert!(found.raters_agree.is_none());
    let own = &found.corrected[0];
    assert_eq!((own.scored, own.labelled), (20, 8));
    close(own.sensitivity, 4.0 / 6.0);
    close(own.specificity, 0.5);
    // (0.25 + 0.5 - 1) / (0.667 + 0.5 - 1) is below 0.
    close(own.rogan_gladen.value, 0.0);
    assert!(own.powered.low < own.powered.value && own.powered.value < own.powered.high);
}

#[test]
fn raters_who_differ_are_averaged_and_even_votes_are_no_label() {
    let answers: Vec<Judged> = (0..4).map(|seq| judged(seq, 1.0)).collect();
    let mut labels = vec![label(0, "a", 1.0), label(0, "b", 0.0), label(1, "a", 1.0)];
    labels.extend([label(1, "b", 1.0), label(2, "a", 0.0), label(2, "b", 0.0)]);
    labels.extend([label(2, "c", 1.0), label(3, "c", 1.0)]);
    let found = calibrate(&answers, &labels, HOW).expect("labels");
    assert_eq!((found.labelled, found.split, found.raters.len()), (3, 1, 3));
    close(found.human.value, 2.0 / 3.0);
    assert!(found.raters_agree.expect("several raters").value.is_some());
}

#[test]
fn an_answer_without_a_score_is_counted_and_no_disagreement() {
    let mut answers: Vec<Judged> = (0..3).map(|seq| judged(seq, 1.0)).collect();
    answers[0].value = None;
    let labels: Vec<Label> = (0..3).map(|seq| label(seq, "a", 1.0)).collect();
    let found = calibrate(&answers, &labels, HOW).expect("labels");
    assert_eq!((found.labelled, found.unscored), (2, 1));
    close(value(&found, "accuracy"), 1.0);
    assert_eq!(value(&found, "cohen_kappa"), None, "all are passes: chance agrees in all");
    assert!(calibrate(&answers[..1], &labels[..1], HOW).is_none());
}

#[test]
fn a_scorer_that_likes_long_answers_is_found_out() {
    let answers: Vec<Judged> = (0..60).map(|seq| judged(seq, seq as f64 / 60.0)).collect();
    let labels: Vec<Label> =
        (0..60).map(|seq| label(seq, "a", f64::from(u8::from(seq % 2 == 0)))).collect();
    let found = calibrate(&answers, &labels, HOW).expect("labels");
    let (_, by_length) = found.bias.iter().find(|(name, _)| *name == "length").expect("lengths");
    assert!(by_length.low > Some(0.2), "{by_length:?}");
    let tuned = found.threshold.expect("many scores");
    assert_eq!((tuned.found_by, tuned.told_on), (30, 30));
    assert!(tuned.tuned.accuracy.low.is_some());
}

#[test]
fn grades_and_numbers_have_figures_of_their_own() {
    let answers: Vec<Judged> = (0..30).map(|seq| judged(seq, (seq % 5) as f64)).collect();
    let grades: Vec<Label> = (0..30).map(|seq| label(seq, "a", (seq % 5) as f64)).collect();
    let found = calibrate(&answers, &grades, HOW).expect("labels");
    assert_eq!(found.kind, LabelKind::Grades);
    close(value(&found, "kappa_quadratic"), 1.0);
    close(value(&found, "alpha_ordinal"), 1.0);
    assert!(found.corrected[0].sensitivity.is_none());
    let numbers: Vec<Label> = (0..30).map(|seq| label(seq, "a", seq as f64 * 1.5)).collect();
    let found = calibrate(&answers, &numbers, HOW).expect("labels");
    assert_eq!((found.kind, &found.confusion), (LabelKind::Numbers, &None));
    assert!(value(&found, "pearson").is_some());
}

#[test]
fn clusters_widen_the_intervals_and_change_no_estimate() {
    let alone: Vec<Judged> =
        (0..80).map(|seq| judged(seq, f64::from(u8::from(seq % 3 > 0)))).collect();
    let mut together = alone.clone();
    for answer in &mut together {
        answer.cluster = Some(format!("{}", answer.seq % 4));
        answer.value = Some(f64::from(u8::from(answer.seq % 4 > 1)));
    }
    let mut apart = together.clone();
    for answer in &mut apart {
        answer.cluster = None;
    }
    let labels: Vec<Label> =
        (0..40).map(|seq| label(seq, "a", f64::from(u8::from(seq % 5 > 0)))).collect();
    let (together, apart) =
        (calibrate(&together, &labels, HOW).unwrap(), calibrate(&apart, &labels, HOW).unwrap());
    assert!(together.clustered && !apart.clustered);
    let (wide, narrow) = (together.corrected[0].powered, apart.corrected[0].powered);
    assert_eq!(wide.value, narrow.value);
    assert!(wide.low.is_some() && narrow.low.is_some());
}
