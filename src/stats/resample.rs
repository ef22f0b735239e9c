//! The bootstrap: how far a statistic moves when the items are drawn anew.
//!
//! A draw is a weight for each item, the number of times that it was drawn, so that a statistic is
//! written once, for weighted items, and gives its own value for weights of 1.

use rand::{Rng as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};

use crate::stats::{Interval, quantile};

/// How a bootstrap is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rounds {
    /// Draws; 10,000 for the ends of a 95% interval.
    pub count: u32,
    /// What they depend on: the same seed gives the same draws on every machine.
    pub seed: u64,
    /// Share of the draws within the interval, such as 0.95.
    pub confidence: f64,
}

/// Items that are drawn together because they are not independent of each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    members: Vec<Vec<usize>>,
    items: usize,
}

impl Clusters {
    /// The clusters of items of which each is given the number of its cluster.
    pub fn of(cluster: &[usize]) -> Self {
        let mut members = vec![Vec::new(); cluster.iter().max().map_or(0, |most| most + 1)];
        for (item, cluster) in cluster.iter().enumerate() {
            members[*cluster].push(item);
        }
        members.retain(|items| !items.is_empty());
        Self { members, items: cluster.len() }
    }

    /// `items` items that stand by themselves.
    pub fn lone(items: usize) -> Self {
        Self { members: (0..items).map(|item| vec![item]).collect(), items }
    }

    /// How many clusters there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// How many items there are.
    pub fn items(&self) -> usize {
        self.items
    }

    /// The items of each cluster.
    pub fn members(&self) -> impl Iterator<Item = &[usize]> {
        self.members.iter().map(Vec::as_slice)
    }

    /// Whether every item stands by itself.
    pub fn are_lone(&self) -> bool {
        self.members.len() == self.items
    }

    /// The clusters in two halves, drawn by `seed`, as the items of each; the first one has the odd
    /// cluster.
    pub fn halves(&self, seed: u64) -> (Vec<usize>, Vec<usize>) {
        let order = shuffled(self.members.len(), seed);
        let (first, second) = order.split_at(order.len().div_ceil(2));
        let items = |clusters: &[usize]| {
            let items = clusters.iter().flat_map(|cluster| &self.members[*cluster]);
            let mut items: Vec<usize> = items.copied().collect();
            items.sort_unstable();
            items
        };
        (items(first), items(second))
    }

    /// As many clusters as there are, drawn with putting back, as the weight of each item.
    fn draw(&self, draws: &mut Draws, weights: &mut [f64]) {
        weights.fill(0.0);
        for _ in 0..self.members.len() {
            for item in &self.members[draws.below(self.members.len())] {
                weights[*item] += 1.0;
            }
        }
    }
}

/// Percentile intervals of several statistics, all from the same draws. `statistics` gives their
/// values, always in the same order and number, for the weights of the items.
///
/// `None` for a statistic that cannot be told in more draws than lie outside of one end of the
/// interval, or that is the same in all of them: then the bootstrap says nothing of its uncertainty.
///
/// # Source
/// Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
pub fn resampled(
    clusters: &Clusters,
    rounds: Rounds,
    mut statistics: impl FnMut(&[f64]) -> Vec<Option<f64>>,
) -> Vec<Option<Interval>> {
    if clusters.len() < 2 || rounds.count == 0 {
        return statistics(&vec![1.0; clusters.items]).iter().map(|_| None).collect();
    }
    let mut draws = Draws::new(rounds.seed);
    let mut weights = vec![0.0; clusters.items];
    let mut values: Vec<Vec<f64>> = Vec::new();
    for _ in 0..rounds.count {
        clusters.draw(&mut draws, &mut weights);
        let found = statistics(&weights);
        values.resize_with(found.len(), Vec::new);
        for (values, found) in values.iter_mut().zip(found) {
            values.extend(found.filter(|found| found.is_finite()));
        }
    }
    values.into_iter().map(|values| percentiles(values, rounds)).collect()
}

/// The interval that `values`, one a draw where it could be told, leave.
fn percentiles(mut values: Vec<f64>, rounds: Rounds) -> Option<Interval> {
    let tail = (1.0 - rounds.confidence) / 2.0;
    let missing = f64::from(rounds.count) - values.len() as f64;
    if !(0.0..0.5).contains(&tail) || missing > tail * f64::from(rounds.count) {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let (first, last) = (values.first()?, values.last()?);
    if last - first <= 1e-12 * last.abs().max(1.0) {
        return None;
    }
    let (low, high) = (quantile(&values, tail)?, quantile(&values, 1.0 - tail)?);
    Some(Interval { low, high })
}

/// The numbers below `count` in a random order (Fisher and Yates, as in Knuth's algorithm P).
pub fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut draws = Draws::new(seed);
    for place in (1..count).rev() {
        order.swap(place, draws.below(place + 1));
    }
    order
}

/// Random numbers by a named generator, so that a seed means the same for ever.
struct Draws(Xoshiro256PlusPlus);

impl Draws {
    fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number below `count`, evenly: of a product of 128 bits the upper half (Lemire 2019), which
    /// is off by less than `count` in 2^64.
    fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.0.next_u64()) * count as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUNDS: Rounds = Rounds { count: 2000, seed: 7, confidence: 0.95 };

    fn mean(values: &[f64]) -> impl Fn(&[f64]) -> Vec<Option<f64>> {
        move |weights| {
            let sum: f64 = weights.iter().zip(values).map(|(weight, value)| weight * value).sum();
            let n: f64 = weights.iter().sum();
            vec![(n > 0.0).then(|| sum / n)]
        }
    }

    #[test]
    fn the_interval_of_a_mean_is_about_that_of_the_normal_theory() {
        let values: Vec<f64> = (0..200).map(|at| f64::from(at % 10)).collect();
        let found = resampled(&Clusters::lone(200), ROUNDS, mean(&values))[0].expect("spread");
        // The deviation of 0 to 9 is 2.872, so that the interval is 4.5 with 0.398 on both sides.
        assert!((found.low - 4.102).abs() < 0.04, "{found:?}");
        assert!((found.high - 4.898).abs() < 0.04, "{found:?}");
        assert_eq!(found, resampled(&Clusters::lone(200), ROUNDS, mean(&values))[0].unwrap());
    }

    #[test]
    fn clusters_are_drawn_as_wholes() {
        // Ten clusters of twenty equal values: as uncertain as ten values.
        let cluster: Vec<usize> = (0..200).map(|at| at / 20).collect();
        let values: Vec<f64> = (0..200).map(|at| f64::from(at / 20)).collect();
        let found = resampled(&Clusters::of(&cluster), ROUNDS, mean(&values))[0].expect("spread");
        assert!(found.high - found.low > 3.0, "{found:?}");
    }

    #[test]
    fn what_says_nothing_has_no_interval() {
        assert_eq!(resampled(&Clusters::lone(5), ROUNDS, mean(&[1.0; 5])), [None]);
        assert_eq!(resampled(&Clusters::lone(1), ROUNDS, mean(&[1.0])), [None]);
        let mut odd = false;
        let half = resampled(&Clusters::lone(5), ROUNDS, |weights| {
            odd = !odd;
            vec![odd.then_some(weights[0])]
        });
        assert_eq!(half, [None]);
    }

    #[test]
    fn halves_keep_clusters_together_and_lose_nothing() {
        let clusters = Clusters::of(&[0, 1, 0, 2, 4, 4, 2]);
        assert_eq!((clusters.len(), clusters.items(), clusters.are_lone()), (4, 7, false));
        let (first, second) = clusters.halves(3);
        let mut all: Vec<usize> = first.iter().chain(&second).copied().collect();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5, 6]);
        for pair in [(0, 2), (3, 6), (4, 5)] {
            assert_eq!(first.contains(&pair.0), first.contains(&pair.1));
        }
    }
}
