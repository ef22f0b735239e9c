//! Two columns of values about different samples: a slice and the rest.

use statrs::function::factorial::ln_binomial;

use crate::stats::{
    Interval, Moments,
    distribution::{t_quantile, t_tails},
    wilson,
};

/// Values of one side, with the number of each one's cluster; `None`, and a list that is too short:
/// it stands by itself.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The values, which are finite.
    pub values: &'a [f64],
    /// Their clusters, numbered over both sides.
    pub clusters: &'a [Option<u32>],
}

/// What came of comparing two sides. The difference is the mean of the one less that of the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unpaired {
    /// The difference; `None` when a side is empty.
    pub difference: Option<f64>,
    /// Its interval; `None` when it cannot be told.
    pub interval: Option<Interval>,
    /// How the interval was made.
    pub interval_method: &'static str,
    /// The chance of a difference at least as large, to either side, were there none; `None` when
    /// it cannot be told.
    pub p_value: Option<f64>,
    /// How the p-value was made.
    pub test: &'static str,
}

/// Compares the means of `one` and `other`. `yes_no`: all values are 0 or 1.
///
/// | values | interval | p-value |
/// | --- | --- | --- |
/// | yes and no | Newcombe's, of two Wilson intervals | Fisher's exact test, mid-p |
/// | numbers | Welch's t | Welch's t |
/// | clustered, of either kind | cluster-robust t | cluster-robust t |
///
/// Clusters of one sample each are none. Where all numbers of a side, or all of its clustered values,
/// are the same, they do not tell how much they vary, and interval and p-value are unknown.
///
/// # Source
/// Newcombe (1998), Statistics in Medicine 17, 873-890, method 10; Welch (1947), Biometrika 34,
/// 28-35; Liang and Zeger (1986), Biometrika 73, 13-22, of a regression on which side a value is.
pub fn unpaired(one: Side<'_>, other: Side<'_>, yes_no: bool, confidence: f64) -> Unpaired {
    let (a, b) = (moments(one.values), moments(other.values));
    let difference = a.mean().zip(b.mean()).map(|(a, b)| a - b);
    let clusters = shared_clusters(one, other);
    if !clusters.is_empty() {
        let found = difference.filter(|_| vary(&a) && vary(&b));
        let found = found.zip(robust(one, other, &clusters));
        let found = found.and_then(|(off, (error, df))| t_of(off, error, df, confidence));
        let limit = if yes_no { 1.0 } else { f64::INFINITY };
        return Unpaired {
            difference,
            interval: found.map(|(interval, _)| interval.clipped(-limit, limit)),
            interval_method: "cluster-robust t",
            p_value: found.map(|(_, p)| p),
            test: "cluster-robust t",
        };
    }
    if yes_no {
        let ones = |values: &[f64]| values.iter().filter(|value| **value > 0.5).count() as u64;
        let table = [(ones(one.values), a.n()), (ones(other.values), b.n())];
        return Unpaired {
            difference,
            interval: newcombe(table, confidence),
            interval_method: "Newcombe",
            p_value: difference.map(|_| fisher_mid_p(table)),
            test: "Fisher exact mid-p",
        };
    }
    let found = difference.filter(|_| vary(&a) && vary(&b)).zip(welch(&a, &b));
    let found = found.and_then(|(off, (error, df))| t_of(off, error, df, confidence));
    Unpaired {
        difference,
        interval: found.map(|(interval, _)| interval),
        interval_method: "Welch's t",
        p_value: found.map(|(_, p)| p),
        test: "Welch's t",
    }
}

fn moments(values: &[f64]) -> Moments {
    let mut moments = Moments::default();
    for value in values {
        moments.add(*value);
    }
    moments
}

/// Whether values differ from each other.
fn vary(values: &Moments) -> bool {
    values.standard_error().is_some_and(|error| error > 0.0)
}

/// The interval of `off` and the p-value against 0, by Student's t.
fn t_of(off: f64, error: f64, df: f64, confidence: f64) -> Option<(Interval, f64)> {
    if error.is_nan() || error <= 0.0 {
        return None;
    }
    let half = t_quantile(f64::midpoint(1.0, confidence), df)? * error;
    Some((Interval { low: off - half, high: off + half }, t_tails(off / error, df)?))
}

/// The standard error of the difference with its degrees of freedom, by Welch and Satterthwaite.
fn welch(a: &Moments, b: &Moments) -> Option<(f64, f64)> {
    let (a_square, b_square) = (a.standard_error()?.powi(2), b.standard_error()?.powi(2));
    let square = a_square + b_square;
    let part = |square: f64, n: u64| square * square / (n as f64 - 1.0);
    let df = square * square / (part(a_square, a.n()) + part(b_square, b.n()));
    df.is_finite().then_some((square.sqrt(), df))
}

/// The clusters of both sides in ascending order; none when no cluster has several values.
fn shared_clusters(one: Side<'_>, other: Side<'_>) -> Vec<u32> {
    let numbers = |side: Side<'_>| {
        let clusters = side.clusters.iter().take(side.values.len());
        clusters.filter_map(|cluster| *cluster).collect::<Vec<u32>>()
    };
    let mut seen = numbers(one);
    seen.extend(numbers(other));
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    if seen.len() == all { Vec::new() } else { seen }
}

/// The cluster-robust error of the difference with its degrees of freedom, `clusters` being those of
/// both sides.
fn robust(one: Side<'_>, other: Side<'_>, clusters: &[u32]) -> Option<(f64, f64)> {
    // How far each unit moves the difference, summed by cluster.
    let mut moved = vec![0.0; clusters.len()];
    let (mut lone, mut squares) = (0_u64, 0.0);
    for (side, sign) in [(one, 1.0), (other, -1.0)] {
        let n = side.values.len() as f64;
        let mean = side.values.iter().sum::<f64>() / n;
        for (place, value) in side.values.iter().enumerate() {
            let by = sign * (value - mean) / n;
            let cluster = side.clusters.get(place).copied().flatten();
            match cluster.and_then(|cluster| clusters.binary_search(&cluster).ok()) {
                Some(at) => moved[at] += by,
                None => {
                    lone += 1;
                    squares += by * by;
                }
            }
        }
    }
    squares += moved.iter().map(|by| by * by).sum::<f64>();
    let units = (clusters.len() as u64 + lone) as f64;
    let n = (one.values.len() + other.values.len()) as f64;
    if units < 2.0 || n < 3.0 {
        return None;
    }
    let correction = units / (units - 1.0) * (n - 1.0) / (n - 2.0);
    let error = (correction * squares).sqrt();
    error.is_finite().then_some((error, units - 1.0))
}

/// Newcombe's interval of the difference of two shares, each given as successes and tries.
fn newcombe([one, other]: [(u64, u64); 2], confidence: f64) -> Option<Interval> {
    let share = |(successes, n): (u64, u64)| successes as f64 / n as f64;
    let (a, b) = (wilson(one.0, one.1, confidence)?, wilson(other.0, other.1, confidence)?);
    let (p, q) = (share(one), share(other));
    let off = p - q;
    Some(Interval {
        low: off - (p - a.low).hypot(b.high - q),
        high: off + (a.high - p).hypot(q - b.low),
    })
}

/// The p-value of Fisher's exact test with mid-p, to two sides: tables as likely as the observed one
/// count half, less likely ones whole.
///
/// # Source
/// Fisher (1935), Journal of the Royal Statistical Society 98, 39-82; Lancaster (1961), Journal of
/// the American Statistical Association 56, 223-234.
fn fisher_mid_p([(a, n), (b, m)]: [(u64, u64); 2]) -> f64 {
    let successes = a + b;
    let (least, most) = (successes.saturating_sub(m), successes.min(n));
    let all = ln_binomial(n + m, successes);
    let chance = |k: u64| (ln_binomial(n, k) + ln_binomial(m, successes - k) - all).exp();
    let observed = chance(a);
    let (mut below, mut equal) = (0.0, 0.0);
    for k in least..=most {
        let chance = chance(k);
        // Chances that would be equal, were they not rounded, count as equal.
        if chance < observed * (1.0 - 1e-7) {
            below += chance;
        } else if chance <= observed * (1.0 + 1e-7) {
            equal += chance;
        }
    }
    (below + equal / 2.0 + if most == least { 0.5 } else { 0.0 }).min(1.0)
}
