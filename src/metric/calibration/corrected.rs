//! The mean of each model as people would have given it.

use std::collections::BTreeMap;

use super::{Item, average, clusters, figure};
use crate::{
    domain::calibration::{Corrected, Figure, LabelKind},
    metric::CONFIDENCE,
    stats::{
        Interval, Labelled, Moments, RoganGladen, YesNo, clustered_error, powered_mean,
        rogan_gladen, same, t_interval,
    },
};

/// One entry a model that has a label, by its index.
pub(super) fn by_model(kind: LabelKind, items: &[Item]) -> Vec<Corrected> {
    let mut models: BTreeMap<u32, Vec<&Item>> = BTreeMap::new();
    for item in items {
        models.entry(item.model).or_default().push(item);
    }
    models
        .into_iter()
        .filter(|(_, items)| items.iter().any(|item| item.human.is_some()))
        .map(|(model, items)| corrected(kind, model, &items))
        .collect()
}

fn corrected(kind: LabelKind, model: u32, items: &[&Item]) -> Corrected {
    let pairs: Vec<(&Item, f64)> =
        items.iter().filter_map(|item| Some((*item, item.human?))).collect();
    let own = clusters(pairs.iter().map(|(item, _)| item.cluster));
    let human = average(&pairs.iter().map(|(_, human)| *human).collect::<Vec<_>>(), &own);
    let lone = clusters(items.iter().map(|item| item.cluster)).are_lone();
    let (powered, lambda) = powered(items, lone);
    let shares = (kind == LabelKind::PassFail).then(|| shares(items, lone)).flatten();
    Corrected {
        model,
        scored: items.len() as u64,
        labelled: pairs.len() as u64,
        judge: Some(items.iter().map(|item| item.value).sum::<f64>() / items.len() as f64),
        human,
        powered,
        lambda,
        rogan_gladen: shares
            .map_or_else(Figure::default, |(found, interval)| figure(Some(found.value), interval)),
        sensitivity: shares.map(|(found, _)| found.sensitivity),
        specificity: shares.map(|(found, _)| found.specificity),
    }
}

fn powered(items: &[&Item], lone: bool) -> (Figure, Option<f64>) {
    let labelled: Vec<Labelled> = items
        .iter()
        .filter_map(|item| Some(Labelled { human: item.human?, judge: item.value, weight: 1.0 }))
        .collect();
    let rest = items.iter().filter(|item| item.human.is_none());
    let unlabelled: Vec<(f64, f64)> = rest.map(|item| (item.value, 1.0)).collect();
    let Some(found) = powered_mean(&labelled, &unlabelled, None) else {
        return (Figure::default(), None);
    };
    let interval = if lone {
        found.interval(CONFIDENCE)
    } else {
        let (n, more) = (labelled.len() as f64, unlabelled.len() as f64);
        let guess = unlabelled.iter().map(|(value, _)| value).sum::<f64>() / more.max(1.0);
        let rest_mean = found.value - found.lambda * guess;
        spread(found.value, items, |item| match item.human {
            Some(human) => (human - found.lambda * item.value - rest_mean) / n,
            None => found.lambda * (item.value - guess) / more,
        })
    };
    (figure(Some(found.value), interval), Some(found.lambda))
}

fn shares(items: &[&Item], lone: bool) -> Option<(RoganGladen, Option<Interval>)> {
    let count =
        |which: &dyn Fn(&Item) -> bool| items.iter().filter(|item| which(item)).count() as f64;
    let person = |item: &Item, passed: f64| item.human.is_some_and(|human| same(human, passed));
    let counts = YesNo {
        items: items.len() as f64,
        yes: count(&|item| item.decided > 0.5),
        positives: count(&|item| person(item, 1.0)),
        true_positives: count(&|item| person(item, 1.0) && item.decided > 0.5),
        negatives: count(&|item| person(item, 0.0)),
        true_negatives: count(&|item| person(item, 0.0) && item.decided < 0.5),
    };
    let found = rogan_gladen(counts, CONFIDENCE)?;
    if lone {
        return Some((found, Some(found.interval)));
    }
    // The delta method, with what each answer adds to the estimate summed over its cluster.
    let better = found.sensitivity + found.specificity - 1.0;
    let share = counts.yes / counts.items;
    let interval = spread(found.value, items, |item| {
        let own = (item.decided - share) / counts.items;
        let by_label = match item.human {
            Some(human) if human > 0.5 => {
                -found.value * (item.decided - found.sensitivity) / counts.positives
            }
            Some(_) => {
                let right = 1.0 - item.decided;
                (1.0 - found.value) * (right - found.specificity) / counts.negatives
            }
            None => 0.0,
        };
        (own + by_label) / better
    });
    Some((found, interval.map(|interval| interval.clipped(0.0, 1.0))))
}

/// The interval of an estimate to which each item adds its `influence`, by sums over clusters.
fn spread(value: f64, items: &[&Item], influence: impl Fn(&Item) -> f64) -> Option<Interval> {
    let mut sums: BTreeMap<usize, f64> = BTreeMap::new();
    for item in items {
        *sums.entry(item.cluster).or_default() += influence(item);
    }
    let found = clustered_error(0.0, sums.values().map(|sum| (1, *sum)), &Moments::default())?;
    let error = found.standard_error * found.clusters as f64;
    t_interval(value, error, found.clusters as f64 - 1.0, CONFIDENCE)
}
