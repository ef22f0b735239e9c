//! Two columns of values about the same samples, compared sample by sample.

use rand::{Rng as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};

use crate::stats::{
    Interval, Moments, clustered_error, normal_quantile, t_interval,
    units::{Unit, units},
};

/// Random sign flips that are drawn where there are too many to try all of them.
pub const SIGN_FLIPS: usize = 20_000;

/// Differences that are not 0, or sums of those of clusters, up to which all sign flips are tried.
const EXACT_UP_TO: usize = 20;

/// Halvings that take the ends of an interval from -1..1 to the last bit.
const HALVINGS: u32 = 64;

/// What is compared: the values of the same samples, in the same order. Of lists that differ in
/// length, the rest of the longer one is left out, as is every pair with a value that is not finite.
#[derive(Debug, Clone, Copy)]
pub struct Pairs<'a> {
    /// Values of what is compared.
    pub subject: &'a [f64],
    /// Values of what it is compared with.
    pub against: &'a [f64],
    /// The number of each sample's cluster, `None` for a sample that stands by itself. Empty when
    /// there are no clusters; clusters of one sample each are none either.
    pub clusters: &'a [Option<u32>],
    /// Whether all values are 0 or 1.
    pub yes_no: bool,
}

/// What came of comparing pairs. The difference is the subject's value less the other's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// Pairs compared.
    pub n: u64,
    /// Pairs in which the subject has more.
    pub wins: u64,
    /// Pairs in which it has less.
    pub losses: u64,
    /// Pairs in which both have the same.
    pub ties: u64,
    /// The mean difference; `None` without pairs.
    pub difference: Option<f64>,
    /// Its interval; `None` when the pairs do not tell: too few, or, where it rests on how much
    /// differences vary, all the same.
    pub interval: Option<Interval>,
    /// How the interval was made.
    pub interval_method: &'static str,
    /// The chance of a difference at least as large, to either side, were there none; 1 when all
    /// pairs are ties, `None` without pairs.
    pub p_value: Option<f64>,
    /// How the p-value was made.
    pub test: &'static str,
    /// How large the difference is on a scale without unit; `None` where it has none.
    pub effect: Option<f64>,
    /// Which scale: `Cohen's d_z`, the mean difference in standard deviations of the differences,
    /// or, of yes and no, `Cohen's g`, the share of wins among the pairs that differ, less one half.
    pub effect_name: &'static str,
}

/// Compares `pairs`: mean difference with its interval at `confidence`, and whether there is one.
///
/// | pairs | interval | p-value |
/// | --- | --- | --- |
/// | yes and no | Tango's score interval | `McNemar`'s exact test, mid-p |
/// | numbers | Student's t on the differences | sign flips |
/// | clustered, of either kind | cluster-robust t | sign flips of whole clusters |
///
/// Sign flips are all tried where 20 or fewer differences are not 0; of more, [`SIGN_FLIPS`] are
/// drawn by `seed`, and the observed one counts as one of them.
///
/// # Source
/// Miller (2024), arXiv:2411.00640, for pairing and clusters; Fagerland, Lydersen and Laake (2013),
/// BMC Medical Research Methodology 13, 91, for the mid-p; Phipson and Smyth (2010), Statistical
/// Applications in Genetics and Molecular Biology 9, 39, for counting the observed flip; Cohen
/// (1988), Statistical Power Analysis for the Behavioral Sciences, for the scales.
pub fn paired(pairs: &Pairs<'_>, confidence: f64, seed: u64) -> Paired {
    let (differences, clusters) = differences(pairs);
    let n = differences.len() as u64;
    let wins = differences.iter().filter(|off| **off > 0.0).count() as u64;
    let losses = differences.iter().filter(|off| **off < 0.0).count() as u64;
    let mut moments = Moments::default();
    for off in &differences {
        moments.add(*off);
    }
    let difference = moments.mean();
    let units = units(&differences, &clusters);
    let clustered = (units.len() as u64) < n;

    let (interval, interval_method) = match difference {
        _ if pairs.yes_no && !clustered => (tango(wins, losses, n, confidence), "Tango score"),
        Some(mean) if clustered => {
            (robust(mean, &units, confidence), "cluster-robust t of the differences")
        }
        Some(mean) => {
            let error = moments.standard_error().filter(|error| *error > 0.0);
            let t = |error| t_interval(mean, error, n as f64 - 1.0, confidence);
            (error.and_then(t), "t of the differences")
        }
        None => (None, "t of the differences"),
    };
    let most = if pairs.yes_no { 1.0 } else { f64::INFINITY };
    let (p_value, test) = if pairs.yes_no && !clustered {
        (mcnemar_mid_p(wins, losses), "McNemar exact mid-p")
    } else {
        sign_flips(&units, seed)
    };
    let (effect, effect_name) = if pairs.yes_no {
        let differing = wins + losses;
        ((differing > 0).then(|| wins as f64 / differing as f64 - 0.5), "Cohen's g")
    } else {
        (standardised(&moments), "Cohen's d_z")
    };
    Paired {
        n,
        wins,
        losses,
        ties: n - wins - losses,
        difference,
        interval: interval.map(|found| found.clipped(-most, most)),
        interval_method,
        p_value: (n > 0).then_some(p_value),
        test,
        effect,
        effect_name,
    }
}

/// The differences of the pairs that have one, with their clusters.
fn differences(pairs: &Pairs<'_>) -> (Vec<f64>, Vec<Option<u32>>) {
    let both = pairs.subject.iter().zip(pairs.against).enumerate();
    let each = both.map(|(place, (subject, against))| {
        (subject - against, pairs.clusters.get(place).copied().flatten())
    });
    each.filter(|(off, _)| off.is_finite()).unzip()
}

/// The cluster-robust t interval of `mean`; `None` where the clusters' sums do not vary about it.
fn robust(mean: f64, units: &[Unit], confidence: f64) -> Option<Interval> {
    let sums = units.iter().map(|unit| (unit.n, unit.sum));
    let found = clustered_error(mean, sums, &Moments::default())?;
    let error = Some(found.standard_error).filter(|error| *error > 0.0)?;
    t_interval(mean, error, found.clusters as f64 - 1.0, confidence)
}

/// The mean in standard deviations; `None` where the values do not vary.
fn standardised(moments: &Moments) -> Option<f64> {
    let deviation = moments.standard_error()? * (moments.n() as f64).sqrt();
    Some(moments.mean()? / deviation).filter(|effect| effect.is_finite())
}

/// Tango's score interval of the difference of two shares over the same `n` samples, of which
/// `wins` are 1 for the subject alone and `losses` for the other alone.
///
/// It holds those differences that a score test of the pairs, whose value at 0 is `McNemar`'s
/// statistic, does not reject; so it has a width where all pairs are ties. `None` when `n` is 0,
/// `wins` and `losses` exceed it, or not `0 < confidence < 1`.
///
/// # Source
/// Tango (1998), Statistics in Medicine 17, 891-908, equations 18 to 20.
pub fn tango(wins: u64, losses: u64, n: u64, confidence: f64) -> Option<Interval> {
    if n == 0 || wins + losses > n {
        return None;
    }
    let z = normal_quantile(f64::midpoint(1.0, confidence))?;
    let observed = (wins as f64 - losses as f64) / n as f64;
    let low = tango_end(observed, z, &|off| score(wins, losses, n, off));
    let high = -tango_end(-observed, z, &|off| score(losses, wins, n, off));
    Some(Interval { low, high })
}

/// The smallest difference up to `observed` whose score does not exceed `z`. `score` gives what was
/// observed over the difference, and the variance of that.
fn tango_end(observed: f64, z: f64, score: &dyn Fn(f64) -> (f64, f64)) -> f64 {
    let (mut below, mut above) = (-1.0, observed);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(below, above);
        let (off, variance) = score(middle);
        if off > z * variance.max(0.0).sqrt() {
            below = middle;
        } else {
            above = middle;
        }
    }
    above
}

/// How far the wins less the losses lie over what a true difference of `off` lets expect, and the
/// variance that they then have at the likeliest share of losses.
fn score(wins: u64, losses: u64, n: u64, off: f64) -> (f64, f64) {
    let (wins, losses, n) = (wins as f64, losses as f64, n as f64);
    let b = (2.0 * n - wins + losses) * off - wins - losses;
    let c = -losses * off * (1.0 - off);
    let root = (b * b - 8.0 * n * c).max(0.0).sqrt();
    // Of the two forms of the same root, the one that does not subtract numbers that are alike.
    let share = if b <= 0.0 { (root - b) / (4.0 * n) } else { -2.0 * c / (root + b) };
    (wins - losses - n * off, n * (2.0 * share + off * (1.0 - off)))
}

/// The p-value of `McNemar`'s exact test with mid-p, to two sides: the chance of so uneven a split of
/// `wins + losses` pairs that differ, were each as likely to be the one as the other. An outcome
/// just as likely as the observed one counts half. 1 when no pair differs.
///
/// # Source
/// `McNemar` (1947), Psychometrika 12, 153-157; Lancaster (1961), Journal of the American Statistical
/// Association 56, 223-234.
pub fn mcnemar_mid_p(wins: u64, losses: u64) -> f64 {
    let (fewer, all) = (wins.min(losses), wins + losses);
    if wins == losses {
        return 1.0;
    }
    // From the observed number downwards; each chance is the one above it times a ratio below 1.
    let mut chance = ln_half_binomial(all, fewer).exp();
    let mut sum = chance / 2.0;
    for k in (1..=fewer).rev() {
        chance *= k as f64 / (all - k + 1) as f64;
        sum += chance;
        if chance < sum * 1e-18 {
            break;
        }
    }
    (2.0 * sum).min(1.0)
}

/// The logarithm of the chance that `k` of `n` fair coins show heads.
fn ln_half_binomial(n: u64, k: u64) -> f64 {
    use statrs::function::factorial::ln_binomial;
    ln_binomial(n, k) - n as f64 * std::f64::consts::LN_2
}

/// The p-value of the mean of `units` under flips of their signs, and how it was made.
fn sign_flips(units: &[Unit], seed: u64) -> (f64, &'static str) {
    let sums: Vec<f64> = units.iter().map(|unit| unit.sum).filter(|sum| sum.abs() > 0.0).collect();
    let observed = sums.iter().sum::<f64>().abs();
    // Sums that would be equal, were they not rounded, count as equal.
    let reach = observed - 1e-12 * sums.iter().map(|sum| sum.abs()).sum::<f64>();
    if sums.len() <= EXACT_UP_TO {
        let reached = flips_that_reach(&sums, 0.0, reach);
        return (reached as f64 / (1_u64 << sums.len()) as f64, "sign flips, all of them");
    }
    (drawn_flips(&sums, reach, seed), "sign flips, 20,000 drawn")
}

/// Of all flips of `sums`, how many come at least as far from 0 as `reach`, with `so_far` added.
fn flips_that_reach(sums: &[f64], so_far: f64, reach: f64) -> u64 {
    match sums {
        [] => u64::from(so_far.abs() >= reach),
        [sum, rest @ ..] => {
            flips_that_reach(rest, so_far + sum, reach)
                + flips_that_reach(rest, so_far - sum, reach)
        }
    }
}

/// The share of drawn flips of `sums` that come at least as far from 0 as `reach`, the observed one
/// being one of them.
fn drawn_flips(sums: &[f64], reach: f64, seed: u64) -> f64 {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut totals = vec![0.0; SIGN_FLIPS];
    // Eight at a time: the sum under each of their 256 flips is looked up by a random byte.
    let mut flipped = [0.0; 256];
    for eight in sums.chunks(8) {
        flipped[0] = -eight.iter().sum::<f64>();
        for (bit, sum) in eight.iter().enumerate() {
            let half = 1 << bit;
            for flips in 0..half {
                flipped[flips + half] = flipped[flips] + 2.0 * sum;
            }
        }
        let mask = (1_u64 << eight.len()) - 1;
        for totals in totals.chunks_mut(8) {
            let mut bits = rng.next_u64();
            for total in totals {
                *total += flipped[(bits & mask) as usize];
                bits >>= 8;
            }
        }
    }
    let reached = totals.iter().filter(|total| total.abs() >= reach).count();
    (reached + 1) as f64 / (SIGN_FLIPS + 1) as f64
}
