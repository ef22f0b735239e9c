//! What is drawn, flipped or left out as a whole: a cluster, or a value that stands by itself.

use std::collections::BTreeMap;

/// Values that go together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unit {
    /// How many there are.
    pub n: u64,
    /// Their sum.
    pub sum: f64,
}

/// The units of `values`, in the order in which they first appear. `clusters` has the number of each
/// value's cluster; where it is too short, and where it says `None`, the value stands by itself.
pub(super) fn units(values: &[f64], clusters: &[Option<u32>]) -> Vec<Unit> {
    let mut places = BTreeMap::new();
    let mut units: Vec<Unit> = Vec::new();
    for (place, value) in values.iter().enumerate() {
        let at = match clusters.get(place).copied().flatten() {
            Some(cluster) => *places.entry(cluster).or_insert(units.len()),
            None => units.len(),
        };
        match units.get_mut(at) {
            Some(unit) => *unit = Unit { n: unit.n + 1, sum: unit.sum + value },
            None => units.push(Unit { n: 1, sum: *value }),
        }
    }
    units
}

/// The mean of the values of `units`; `None` when there are none.
pub(super) fn mean_of(units: &[Unit]) -> Option<f64> {
    let (n, sum) = units.iter().fold((0, 0.0), |(n, sum), unit| (n + unit.n, sum + unit.sum));
    let mean = sum / n as f64;
    mean.is_finite().then_some(mean)
}
