//! Intervals out of draws from the sample itself.

use rand::{Rng as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};

use crate::stats::{
    Interval, normal_cdf, normal_quantile, quantile,
    units::{Unit, mean_of, units},
};

/// The bias-corrected and accelerated bootstrap interval (`BCa`) of the mean of `values`, of `draws`
/// resamples by `seed`.
///
/// With `clusters`, the number of each value's cluster (`None` and a list that is too short: by
/// itself), whole clusters are drawn and left out. `None` for fewer than two of these, where the
/// values do not vary, without draws, or when not `0 < confidence < 1`.
///
/// # Source
/// Efron (1987), Journal of the American Statistical Association 82, 171-185; Davison and Hinkley
/// (1997), Bootstrap Methods and their Application, section 3.8, for clusters.
pub fn bootstrap_mean(
    values: &[f64],
    clusters: &[Option<u32>],
    confidence: f64,
    draws: usize,
    seed: u64,
) -> Option<Interval> {
    let units = units(values, clusters);
    let observed = mean_of(&units)?;
    let (n, sum) = units.iter().fold((0, 0.0), |(n, sum), unit| (n + unit.n, sum + unit.sum));
    let without = |unit: &Unit| (sum - unit.sum) / (n - unit.n) as f64;
    let left_out: Vec<f64> = units.iter().map(without).collect();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut drawn: Vec<f64> = (0..draws).filter_map(|_| mean_of_a_draw(&units, &mut rng)).collect();
    drawn.sort_unstable_by(f64::total_cmp);
    bca(&drawn, observed, &left_out, confidence)
}

/// The mean of as many of `units` as there are, each drawn from all of them.
fn mean_of_a_draw(units: &[Unit], rng: &mut Xoshiro256PlusPlus) -> Option<f64> {
    let bound = units.len() as u128;
    let (mut n, mut sum) = (0, 0.0);
    for _ in 0..units.len() {
        // A number below `bound` by the high half of a product.
        let unit = &units[((u128::from(rng.next_u64()) * bound) >> 64) as usize];
        (n, sum) = (n + unit.n, sum + unit.sum);
    }
    (n > 0).then_some(sum / n as f64)
}

/// The `BCa` interval of a statistic, out of its values `drawn` from resamples, in ascending order,
/// its `observed` value, and its values with each unit `left_out`. `None` for fewer than two units,
/// where none changes it, without draws, or when all draws lie on one side of what was observed.
///
/// # Source
/// Efron and Tibshirani (1993), An Introduction to the Bootstrap, sections 14.3 and 15.4.
pub fn bca(drawn: &[f64], observed: f64, left_out: &[f64], confidence: f64) -> Option<Interval> {
    if drawn.is_empty() || left_out.len() < 2 {
        return None;
    }
    let below = drawn.partition_point(|value| *value < observed);
    let up_to = drawn.partition_point(|value| *value <= observed);
    let bias = normal_quantile((below + up_to) as f64 / (2 * drawn.len()) as f64)?;
    let centre = left_out.iter().sum::<f64>() / left_out.len() as f64;
    let power = |p: i32| left_out.iter().map(|value| (centre - value).powi(p)).sum::<f64>();
    let squares = power(2);
    if !(squares > 0.0 && squares.is_finite()) {
        return None;
    }
    let acceleration = power(3) / (6.0 * squares.powf(1.5));
    let z = normal_quantile(f64::midpoint(1.0, confidence))?;
    let end = |z: f64| {
        let off = bias + z;
        quantile(drawn, normal_cdf(bias + off / (1.0 - acceleration * off)))
    };
    Some(Interval { low: end(-z)?, high: end(z)? })
}
