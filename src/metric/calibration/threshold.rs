//! A pass mark, found on one half of the labels and told on the other.

use super::{Item, clusters, figure, figures};
use crate::{
    domain::calibration::{Figure, LabelKind, Told, Tuned},
    metric::CONFIDENCE,
    stats::{
        Clusters, Rounds,
        agreement::{Confusion, Weighting},
        best_threshold, distinct, wilson,
    },
};

/// Fewer different scores than this leave no mark to choose.
const LEAST_VALUES: usize = 3;

/// `None` where there is nothing to tune: labels that are no passes and fails, too few different
/// scores, or a half in which people said only one thing.
pub(super) fn tuned(kind: LabelKind, labelled: &[(Item, f64)], rounds: Rounds) -> Option<Tuned> {
    let values = distinct(labelled.iter().map(|(item, _)| item.value));
    if kind != LabelKind::PassFail || values.len() < LEAST_VALUES {
        return None;
    }
    let all = clusters(labelled.iter().map(|(item, _)| item.cluster));
    let (first, second) = all.halves(rounds.seed);
    let scored: Vec<(f64, bool)> =
        first.iter().map(|at| (labelled[*at].0.value, labelled[*at].1 > 0.5)).collect();
    let mark = best_threshold(&scored)?;
    let rest: Vec<(Item, f64)> = second.iter().map(|at| labelled[*at]).collect();
    let passes = rest.iter().filter(|(_, human)| *human > 0.5).count();
    if passes == 0 || passes == rest.len() {
        return None;
    }
    let groups = clusters(rest.iter().map(|(item, _)| item.cluster));
    let with = |passed: &dyn Fn(&Item) -> bool| told(&rest, &groups, rounds, passed);
    Some(Tuned {
        mark,
        found_by: first.len() as u64,
        told_on: second.len() as u64,
        tuned: with(&|item| item.value >= mark),
        given: with(&|item| item.decided > 0.5),
    })
}

fn told(
    rest: &[(Item, f64)],
    groups: &Clusters,
    rounds: Rounds,
    passed: &dyn Fn(&Item) -> bool,
) -> Told {
    let pairs: Vec<(usize, usize)> = rest
        .iter()
        .map(|(item, human)| (usize::from(*human > 0.5), usize::from(passed(item))))
        .collect();
    let found = figures(groups, Some(rounds), |weights| {
        let table = Confusion::of(2, pairs.iter().zip(weights).map(|((a, b), w)| (*a, *b, *w)));
        let share = |row| {
            let all = table.at(row, 0) + table.at(row, 1);
            (all > 0.0).then(|| table.at(row, row) / all)
        };
        let balanced = share(0).zip(share(1)).map(|(fails, passes)| f64::midpoint(fails, passes));
        vec![table.accuracy(), balanced, table.kappa(Weighting::Nominal)]
    });
    let [accuracy, balanced, kappa] = found[..] else { return Told::default() };
    let right = pairs.iter().filter(|(a, b)| a == b).count() as u64;
    let exact = || figure(accuracy.value, wilson(right, pairs.len() as u64, CONFIDENCE));
    let accuracy: Figure = if groups.are_lone() { exact() } else { accuracy };
    Told { accuracy, balanced, kappa }
}
