//! Rank correlation of paired numbers.

use crate::stats::{distinct, place_among};

/// Paired numbers, sorted once, so that the correlations of many draws of them are quick.
#[derive(Debug, Clone)]
pub struct Ranked {
    /// The place of each pair's first number among the distinct ones, from 0.
    first: Vec<usize>,
    /// The same of its second number.
    second: Vec<usize>,
    /// The pairs by their first place, then by their second one.
    order: Vec<usize>,
}

impl Ranked {
    /// The pairs of `first` and `second`, which are as many and finite.
    pub fn of(first: &[f64], second: &[f64]) -> Self {
        let (first, second) = (places(first), places(second));
        let mut order: Vec<usize> = (0..first.len().min(second.len())).collect();
        order.sort_unstable_by_key(|pair| (first[*pair], second[*pair]));
        Self { first, second, order }
    }

    /// Spearman's rho: the correlation of the mean ranks. `None` where one side has one value only.
    ///
    /// # Source
    /// Spearman (1904), The American Journal of Psychology 15, 72-101.
    pub fn spearman(&self, weights: &[f64]) -> Option<f64> {
        let ranks = |places: &[usize]| -> Vec<f64> {
            let ranks = mean_ranks(places, weights);
            places.iter().map(|place| ranks[*place]).collect()
        };
        pearson(&ranks(&self.first), &ranks(&self.second), weights)
    }

    /// Kendall's tau-b. `None` where one side has one value only.
    ///
    /// # Source
    /// Kendall (1945), Biometrika 33, 239-251.
    pub fn kendall(&self, weights: &[f64]) -> Option<f64> {
        let n: f64 = weights.iter().sum();
        let pairs = n * (n - 1.0) / 2.0;
        let mut before = Sums::new(self.second.iter().max().map_or(0, |most| most + 1));
        let (mut balance, mut ties_first, mut seen) = (0.0, 0.0, 0.0);
        for group in self.order.chunk_by(|a, b| self.first[*a] == self.first[*b]) {
            for pair in group {
                let place = self.second[*pair];
                let (below, same) = (before.up_to(place), before.up_to(place + 1));
                balance += weights[*pair] * (below - (seen - same));
            }
            let own: f64 = group.iter().map(|pair| weights[*pair]).sum();
            ties_first += own * (own - 1.0) / 2.0;
            for pair in group {
                before.add(self.second[*pair], weights[*pair]);
            }
            seen += own;
        }
        let ties_second: f64 =
            (counts(&self.second, weights).iter()).map(|own| own * (own - 1.0) / 2.0).sum();
        let room = (pairs - ties_first) * (pairs - ties_second);
        (room > 1e-9).then(|| (balance / room.sqrt()).clamp(-1.0, 1.0))
    }
}

/// Pearson's correlation of weighted pairs. `None` where one side does not vary.
pub fn pearson(first: &[f64], second: &[f64], weights: &[f64]) -> Option<f64> {
    let n: f64 = weights.iter().sum();
    if n <= 0.0 {
        return None;
    }
    let mean = |values: &[f64]| -> f64 {
        values.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f64>() / n
    };
    let (middle, centre) = (mean(first), mean(second));
    let (mut both, mut one, mut other) = (0.0, 0.0, 0.0);
    for ((a, b), weight) in first.iter().zip(second).zip(weights) {
        let (a, b) = (a - middle, b - centre);
        both += weight * a * b;
        one += weight * a * a;
        other += weight * b * b;
    }
    let flat = |squares: f64, middle: f64| squares <= n * middle * middle * 1e-24;
    if flat(one, middle) || flat(other, centre) {
        return None;
    }
    Some((both / (one.sqrt() * other.sqrt())).clamp(-1.0, 1.0)).filter(|found| found.is_finite())
}

/// The place of each value among the distinct ones, from 0.
fn places(values: &[f64]) -> Vec<usize> {
    let known = distinct(values.iter().copied());
    values.iter().map(|value| place_among(&known, *value)).collect()
}

/// The sum of the weights at each place.
fn counts(places: &[usize], weights: &[f64]) -> Vec<f64> {
    let mut counts = vec![0.0; places.iter().max().map_or(0, |most| most + 1)];
    for (place, weight) in places.iter().zip(weights) {
        counts[*place] += weight;
    }
    counts
}

/// The mean rank of the values at each place.
fn mean_ranks(places: &[usize], weights: &[f64]) -> Vec<f64> {
    let mut below = 0.0;
    let rank = |count: f64| {
        let rank = below + f64::midpoint(count, 1.0);
        below += count;
        rank
    };
    counts(places, weights).into_iter().map(rank).collect()
}

/// Sums of the values at the first places, each in logarithmic time.
///
/// # Source
/// Fenwick (1994), Software: Practice and Experience 24, 327-336.
struct Sums(Vec<f64>);

impl Sums {
    fn new(places: usize) -> Self {
        Self(vec![0.0; places + 1])
    }

    fn add(&mut self, place: usize, value: f64) {
        let mut at = place + 1;
        while let Some(sum) = self.0.get_mut(at) {
            *sum += value;
            at += at & at.wrapping_neg();
        }
    }

    /// The sum over the places below `end`.
    fn up_to(&self, end: usize) -> f64 {
        let (mut at, mut sum) = (end, 0.0);
        while at > 0 {
            sum += self.0[at];
            at &= at - 1;
        }
        sum
    }
}
