//! A scorer measured by people's labels.

mod agreement;
mod corrected;
mod threshold;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    domain::{
        calibration::{Calibration, Figure, Judged, Label, LabelKind},
        pairwise::Meeting,
    },
    metric::{CONFIDENCE, estimated},
    stats::{Clusters, Interval, Rounds, distinct, resampled, same},
};

/// More different values than this are numbers, not grades.
const MOST_GRADES: usize = 12;

/// What calibration is made from besides labels and scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibrate {
    /// Index of the scorer.
    pub scorer: u32,
    /// From where on a score is a pass, for scorers that do not say so themselves.
    pub mark: f64,
    /// How intervals are drawn; `None` leaves out what has to be drawn: it takes a while.
    pub draws: Option<u32>,
    /// What draws and halves depend on.
    pub seed: u64,
}

impl Calibrate {
    fn rounds(&self) -> Option<Rounds> {
        let rounds = |count| Rounds { count, seed: self.seed, confidence: CONFIDENCE };
        self.draws.map(rounds)
    }
}

/// An answer with a score.
#[derive(Debug, Clone, Copy)]
struct Item {
    model: u32,
    cluster: usize,
    value: f64,
    /// What the scorer decides: 1 for a pass, 0 for a fail.
    decided: f64,
    length: Option<u64>,
    /// By how much the scorer, where it compares, prefers what stands first: from −1 to 1.
    lean: Option<f64>,
    human: Option<f64>,
}

/// What `labels` say of the scores of `judged`, which are all answers of the run; `None` without a
/// label on a scored answer.
pub fn calibrate(judged: &[Judged], labels: &[Label], how: Calibrate) -> Option<Calibration> {
    let mut given: BTreeMap<u64, BTreeMap<&str, f64>> = BTreeMap::new();
    for label in labels {
        given.entry(label.seq).or_default().insert(&label.rater, label.value);
    }
    let raters: BTreeSet<&str> = labels.iter().map(|label| label.rater.as_str()).collect();
    let pass_fail = labels.iter().all(|label| is_pass_or_fail(label.value));
    let (mut split, mut unscored) = (0, 0);
    let mut numbers = HashMap::new();
    let mut items = Vec::new();
    for answer in judged {
        let human = given.get(&answer.seq).map(mean);
        let Some(value) = answer.value else {
            unscored += u64::from(human.is_some());
            continue;
        };
        let even = pass_fail && human.is_some_and(|mean| same(mean, 0.5));
        split += u64::from(even);
        let human = human.filter(|_| !even).map(|mean| if pass_fail { mean.round() } else { mean });
        let name = answer.cluster.clone().ok_or(answer.sample);
        let next = numbers.len();
        let cluster = *numbers.entry(name).or_insert(next);
        let passed = answer.passed.unwrap_or(value >= how.mark);
        let decided = f64::from(u8::from(passed));
        let (model, length) = (answer.model, answer.length);
        let lean = lean(&answer.meetings);
        items.push(Item { model, cluster, value, decided, length, lean, human });
    }
    let labelled: Vec<(Item, f64)> =
        items.iter().filter_map(|item| Some((*item, item.human?))).collect();
    if labelled.is_empty() {
        return None;
    }
    let kind = kind(pass_fail, &labelled);
    let clusters = clusters(labelled.iter().map(|(item, _)| item.cluster));
    let table = agreement::Table::of(kind, &labelled, &clusters);
    let units: Vec<Vec<Option<f64>>> = given
        .values()
        .map(|unit| raters.iter().map(|rater| unit.get(rater).copied()).collect())
        .collect();
    let decide = |(item, _): &(Item, f64)| table.said(item);
    Some(Calibration {
        scorer: how.scorer,
        raters: raters.iter().map(|rater| (*rater).to_owned()).collect(),
        kind,
        labelled: labelled.len() as u64,
        unscored,
        split,
        clustered: !clusters.are_lone(),
        human: average(&labelled.iter().map(|(_, human)| *human).collect::<Vec<_>>(), &clusters),
        judge: average(&labelled.iter().map(decide).collect::<Vec<_>>(), &clusters),
        agreement: table.agreement(how.rounds()),
        raters_agree: (raters.len() > 1)
            .then(|| agreement::among_raters(kind, &units, how.rounds())),
        confusion: table.confusion(),
        bias: table.bias(how.rounds()),
        threshold: how.rounds().and_then(|rounds| threshold::tuned(kind, &labelled, rounds)),
        corrected: corrected::by_model(kind, &items),
    })
}

/// The mean over `meetings` of what the place was worth.
fn lean(meetings: &[Meeting]) -> Option<f64> {
    let sum: f64 = meetings.iter().map(|meeting| meeting.lean()).sum();
    (!meetings.is_empty()).then(|| sum / meetings.len() as f64)
}

/// Whether a value is that of a fail or of a pass.
fn is_pass_or_fail(value: f64) -> bool {
    same(value, 0.0) || same(value, 1.0)
}

/// What several raters said, as one value.
fn mean(values: &BTreeMap<&str, f64>) -> f64 {
    values.values().sum::<f64>() / values.len() as f64
}

fn kind(pass_fail: bool, labelled: &[(Item, f64)]) -> LabelKind {
    if pass_fail {
        return LabelKind::PassFail;
    }
    let values = labelled.iter().flat_map(|(item, human)| [item.value, *human]);
    if distinct(values).len() <= MOST_GRADES { LabelKind::Grades } else { LabelKind::Numbers }
}

/// The clusters of some of the items, numbered anew.
fn clusters(of: impl Iterator<Item = usize>) -> Clusters {
    let mut numbers = HashMap::new();
    let numbered = of.map(|cluster| {
        let next = numbers.len();
        *numbers.entry(cluster).or_insert(next)
    });
    Clusters::of(&numbered.collect::<Vec<usize>>())
}

fn average(values: &[f64], clusters: &Clusters) -> Figure {
    estimated(values, clusters, CONFIDENCE)
}

fn figure(value: Option<f64>, interval: Option<Interval>) -> Figure {
    let interval = interval.filter(|_| value.is_some());
    Figure { value, low: interval.map(|i| i.low), high: interval.map(|i| i.high) }
}

/// The figures that `statistics` give, with intervals by drawing anew where `rounds` are given.
fn figures(
    clusters: &Clusters,
    rounds: Option<Rounds>,
    statistics: impl Fn(&[f64]) -> Vec<Option<f64>>,
) -> Vec<Figure> {
    let found = statistics(&vec![1.0; clusters.items()]);
    let intervals = match rounds {
        Some(rounds) => resampled(clusters, rounds, &statistics),
        None => vec![None; found.len()],
    };
    found.into_iter().zip(intervals).map(|(value, interval)| figure(value, interval)).collect()
}

#[cfg(test)]
mod tests;
