//! Krippendorff's alpha.

use crate::stats::same;

/// What can be said of the values that raters give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// They are equal or not.
    Nominal,
    /// They have an order.
    Ordinal,
    /// Their differences mean something.
    Interval,
}

/// Krippendorff's alpha: one minus the disagreement within units as a share of what chance would
/// give. `units` has for each unit what the raters gave it, `None` where one gave nothing; `weights`
/// says how often each unit counts.
///
/// `None` when no unit has two values, or all values are the same: then nothing could disagree.
///
/// # Source
/// Krippendorff (2011), Computing Krippendorff's Alpha-Reliability. The ordinal difference of that
/// paper, the sum of the values between two less half of theirs, is the difference of their mean
/// ranks; so both levels with an order come down to sums of squares, and no matrix is needed.
pub fn krippendorff_alpha(
    level: Level,
    units: &[Vec<Option<f64>>],
    weights: &[f64],
) -> Option<f64> {
    let units: Vec<(Vec<f64>, f64)> = units
        .iter()
        .zip(weights)
        .map(|(unit, weight)| {
            (unit.iter().flatten().map(|value| value + 0.0).collect::<Vec<f64>>(), *weight)
        })
        .filter(|(unit, weight)| unit.len() > 1 && *weight > 0.0)
        .collect();
    let mut values: Vec<(f64, f64)> = units
        .iter()
        .flat_map(|(unit, weight)| unit.iter().map(|value| (*value, *weight)))
        .collect();
    let n: f64 = values.iter().map(|(_, weight)| weight).sum();
    if n <= 1.0 {
        return None;
    }
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let groups: Vec<(f64, f64)> = values
        .chunk_by(|a, b| same(a.0, b.0))
        .map(|group| (group[0].0, group.iter().map(|(_, weight)| weight).sum()))
        .collect();
    let places = places(level, &groups);
    let place = |value: f64| {
        groups.binary_search_by(|group| group.0.total_cmp(&value)).map_or(0.0, |at| places[at])
    };
    let pooled = groups.iter().zip(&places).map(|(group, place)| (*place, group.1));
    let expected = differences(level, pooled) / (n - 1.0);
    let observed: f64 = units
        .iter()
        .map(|(unit, weight)| {
            let own = unit.iter().map(|value| (place(*value), 1.0));
            weight * differences(level, own) / (unit.len() as f64 - 1.0)
        })
        .sum();
    (expected > 1e-12).then(|| 1.0 - observed / expected)
}

/// Where each of the sorted `groups` of equal values stands: by its number, its mean rank, or its
/// own value as seen from the middle.
fn places(level: Level, groups: &[(f64, f64)]) -> Vec<f64> {
    match level {
        Level::Nominal => (0..groups.len()).map(|at| at as f64).collect(),
        Level::Ordinal => {
            let mut below = 0.0;
            let rank = |(_, count): &(f64, f64)| {
                let rank = below + count / 2.0;
                below += count;
                rank
            };
            groups.iter().map(rank).collect()
        }
        Level::Interval => {
            let n: f64 = groups.iter().map(|(_, count)| count).sum();
            let middle = groups.iter().map(|(value, count)| value * count / n).sum::<f64>();
            groups.iter().map(|(value, _)| value - middle).collect()
        }
    }
}

/// The sum of the differences of all ordered pairs among values, given with their counts.
fn differences(level: Level, values: impl Iterator<Item = (f64, f64)>) -> f64 {
    if level == Level::Nominal {
        // Equal values lie beside each other once they are sorted.
        let mut values: Vec<(f64, f64)> = values.collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let n: f64 = values.iter().map(|(_, count)| count).sum();
        let equal = values.chunk_by(|a, b| same(a.0, b.0)).map(|group| {
            let count: f64 = group.iter().map(|(_, count)| count).sum();
            count * count
        });
        return n * n - equal.sum::<f64>();
    }
    let (n, sum, squares) = values.fold((0.0, 0.0, 0.0), |(n, sum, squares), (value, count)| {
        (n + count, sum + count * value, squares + count * value * value)
    });
    2.0 * (n * squares - sum * sum).max(0.0)
}
