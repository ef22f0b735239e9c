//! What a run's samples can show, and how many it takes to show more.

use crate::{
    metric::{BySample, by_sample::Cell},
    stats::{Design, Moments, Spread, clustered_error, detectable, needed},
};

/// What the samples of a comparison can show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// Index of the scorer.
    pub scorer: u32,
    /// Model and prompt of each side; the second is `None` when the run has only one, and another is
    /// imagined that is as good and right or wrong independently of it.
    pub sides: (u32, u32, Option<(u32, u32)>),
    /// Whether values lie between 0 and 1.
    pub unit_range: bool,
    /// Samples that both sides have a value for.
    pub n: u64,
    /// How much the differences vary; `None` when they do not, or nobody knows.
    pub spread: Option<Spread>,
    /// By how much clusters inflate the variance; at least 1.
    pub effect: f64,
    /// The smallest difference that is seen with the wanted power.
    pub detectable: Option<f64>,
    /// Samples that it takes to see the wanted difference; `None` when none is wanted too.
    pub needed: Option<u64>,
}

/// An outlook for every two models and prompts of the run, by scorer; for the one that there is.
/// `design` has the chances; its effect of clusters is measured.
pub fn outlooks(values: &BySample, design: Design, wanted: Option<f64>) -> Vec<Outlook> {
    let cells = values.cells();
    let mut outlooks = Vec::new();
    let scorers = cells.iter().map(|cell| cell.scorer).max().map_or(0, |last| last + 1);
    for scorer in 0..scorers {
        let sides: Vec<Cell> = cells.iter().copied().filter(|cell| cell.scorer == scorer).collect();
        if let [only] = sides[..] {
            outlooks.push(alone(values, only, design, wanted));
        }
        for (place, one) in sides.iter().enumerate() {
            for other in &sides[place + 1..] {
                outlooks.push(pair(values, *one, *other, design, wanted));
            }
        }
    }
    outlooks
}

/// Both sides' values by sample, with their clusters.
fn pair(values: &BySample, one: Cell, other: Cell, design: Design, wanted: Option<f64>) -> Outlook {
    let both = values.values(one).iter().zip(values.values(other));
    let off: Vec<(f64, Option<u32>)> = both
        .enumerate()
        .map(|(sample, (one, other))| (one - other, values.cluster(sample)))
        .filter(|(off, _)| !off.is_nan())
        .collect();
    let is_yes_no = one.unit_range && yes_no(values.values(one)) && yes_no(values.values(other));
    let n = off.len() as u64;
    let spread = if is_yes_no {
        let differ = off.iter().filter(|(off, _)| off.abs() > 0.5).count();
        (differ > 0).then(|| Spread::YesNo { discordance: differ as f64 / n as f64 })
    } else {
        numbers(&off)
    };
    let effect = effect_of_clusters(&off);
    let sides = (one.model, one.prompt, Some((other.model, other.prompt)));
    outlook(Outlook { spread, effect, ..bare(one, sides, n) }, design, wanted)
}

/// One side, and another one that is imagined.
fn alone(values: &BySample, cell: Cell, design: Design, wanted: Option<f64>) -> Outlook {
    let known: Vec<(f64, Option<u32>)> = values
        .values(cell)
        .iter()
        .enumerate()
        .map(|(sample, value)| (*value, values.cluster(sample)))
        .filter(|(value, _)| !value.is_nan())
        .collect();
    let n = known.len() as u64;
    let spread = if cell.unit_range && yes_no(values.values(cell)) {
        let rate = known.iter().map(|(value, _)| value).sum::<f64>() / n as f64;
        independent(rate)
    } else {
        numbers(&known).map(|spread| match spread {
            Spread::Numbers { variance } => Spread::Numbers { variance: 2.0 * variance },
            other @ Spread::YesNo { .. } => other,
        })
    };
    let effect = effect_of_clusters(&known);
    let bare = bare(cell, (cell.model, cell.prompt, None), n);
    outlook(Outlook { spread, effect, ..bare }, design, wanted)
}

/// How often two disagree that are right at this rate, independently of each other; `None` when they
/// never do.
pub fn independent(rate: f64) -> Option<Spread> {
    let discordance = 2.0 * rate * (1.0 - rate);
    (discordance > 0.0).then_some(Spread::YesNo { discordance })
}

fn bare(cell: Cell, sides: (u32, u32, Option<(u32, u32)>), n: u64) -> Outlook {
    Outlook {
        scorer: cell.scorer,
        sides,
        unit_range: cell.unit_range,
        n,
        spread: None,
        effect: 1.0,
        detectable: None,
        needed: None,
    }
}

fn outlook(found: Outlook, design: Design, wanted: Option<f64>) -> Outlook {
    let design = Design { effect: found.effect, ..design };
    Outlook {
        detectable: found.spread.and_then(|spread| detectable(spread, found.n, design)),
        needed: found.spread.zip(wanted).and_then(|(spread, off)| needed(spread, off, design)),
        ..found
    }
}

fn yes_no(values: &[f64]) -> bool {
    let is = |value: f64, wanted: f64| value.to_bits() == wanted.to_bits();
    values.iter().all(|value| value.is_nan() || is(*value, 1.0) || is(value.abs(), 0.0))
}

fn moments(values: &[(f64, Option<u32>)]) -> Moments {
    let mut moments = Moments::default();
    for (value, _) in values {
        moments.add(*value);
    }
    moments
}

/// The variance of numbers; `None` when they do not vary.
fn numbers(values: &[(f64, Option<u32>)]) -> Option<Spread> {
    let moments = moments(values);
    let variance = moments.standard_error()?.powi(2) * moments.n() as f64;
    (variance > 0.0).then_some(Spread::Numbers { variance })
}

/// By how much the cluster-robust variance of the mean exceeds that of as many lone values.
fn effect_of_clusters(values: &[(f64, Option<u32>)]) -> f64 {
    let mut clusters = std::collections::BTreeMap::new();
    let mut lone = Moments::default();
    for (value, cluster) in values {
        match cluster {
            None => lone.add(*value),
            Some(cluster) => {
                let (n, sum) = clusters.entry(cluster).or_insert((0_u64, 0.0));
                (*n, *sum) = (*n + 1, *sum + value);
            }
        }
    }
    if clusters.values().all(|(n, _)| *n < 2) {
        return 1.0;
    }
    let all = moments(values);
    let robust = all.mean().and_then(|mean| clustered_error(mean, clusters.into_values(), &lone));
    let ratio = robust
        .zip(all.standard_error())
        .map(|(robust, plain)| (robust.standard_error / plain).powi(2));
    ratio.filter(|ratio| ratio.is_finite()).map_or(1.0, |ratio| ratio.max(1.0))
}
