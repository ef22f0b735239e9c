//! How many samples it takes to see a difference, and how small a one can be seen.

use crate::stats::normal_quantile;

/// How much the differences of pairs vary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spread {
    /// Of yes and no: the share of samples on which the two disagree.
    YesNo {
        /// That share, between 0 and 1.
        discordance: f64,
    },
    /// Of numbers.
    Numbers {
        /// The variance of the differences.
        variance: f64,
    },
}

/// What is asked of a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    /// The chance, to two sides, of a difference that is none: 0.05 for an interval of 95%.
    pub alpha: f64,
    /// The chance that a difference of the size looked for is seen.
    pub power: f64,
    /// By how much clusters inflate the variance; 1 without clusters ([`design_effect`]).
    pub effect: f64,
}

impl Default for Design {
    fn default() -> Self {
        Self { alpha: 0.05, power: 0.8, effect: 1.0 }
    }
}

impl Design {
    /// The quantiles of the normal distribution for both chances; `None` when one is no chance.
    fn quantiles(self) -> Option<(f64, f64)> {
        let alpha = normal_quantile(1.0 - self.alpha / 2.0)?;
        let power = normal_quantile(self.power)?;
        // With less power than chance alone gives, nothing needs to be seen.
        (self.effect > 0.0 && self.effect.is_finite() && alpha + power > 0.0)
            .then_some((alpha, power))
    }
}

/// The smallest true mean difference of pairs that `n` of them show with the wanted power.
///
/// `None` when there is none: without samples, without variation, or when of yes and no even
/// wins only, on all samples on which the two disagree, would not be enough.
///
/// # Source
/// Numbers: Miller (2024), arXiv:2411.00640, section 5. Yes and no: Connor (1987), Biometrics 43,
/// 207-211, solved for the difference.
pub fn detectable(spread: Spread, n: u64, design: Design) -> Option<f64> {
    let (alpha, power) = design.quantiles()?;
    let n = n as f64 / design.effect;
    if n <= 0.0 {
        return None;
    }
    let found = match spread {
        Spread::Numbers { variance } => (alpha + power) * (variance / n).sqrt(),
        Spread::YesNo { discordance } => {
            // (alpha sqrt(d) + power sqrt(d - x²))² = n x², solved for x.
            let tail = alpha * discordance.sqrt();
            let scale = n + power * power;
            let rest = tail * tail * n - scale * (tail * tail - power * power * discordance);
            (tail * n.sqrt() + power.signum() * rest.max(0.0).sqrt()) / scale
        }
    };
    let most = if let Spread::YesNo { discordance } = spread { discordance } else { f64::INFINITY };
    (found > 0.0 && found <= most && found.is_finite()).then_some(found)
}

/// How many samples it takes to see a true mean difference of pairs of `difference` with the wanted
/// power, rounded up; `None` when no number is enough, or there is nothing to see.
///
/// # Source
/// As [`detectable`].
pub fn needed(spread: Spread, difference: f64, design: Design) -> Option<u64> {
    let (alpha, power) = design.quantiles()?;
    let squared = difference * difference;
    if squared.is_nan() || squared <= 0.0 {
        return None;
    }
    let root = match spread {
        Spread::Numbers { variance } => (alpha + power) * variance.sqrt(),
        Spread::YesNo { discordance } if difference.abs() > discordance => return None,
        Spread::YesNo { discordance } => {
            alpha * discordance.sqrt() + power * (discordance - squared).max(0.0).sqrt()
        }
    };
    let n = (root * root / squared * design.effect).ceil();
    // Beyond this, `f64` no longer counts one by one.
    (0.0..9e15).contains(&n).then_some((n as u64).max(1))
}

/// By how much clusters of `size` samples on average inflate the variance of a mean, when samples of
/// a cluster correlate by `correlation`.
///
/// # Source
/// Kish (1965), Survey Sampling: `1 + (m - 1) ICC`.
pub fn design_effect(size: f64, correlation: f64) -> f64 {
    1.0 + (size - 1.0) * correlation
}

/// The variance of a difference when each side is the mean of repeats: `between` samples, and
/// `within` each of the two sides, each with its number of repeats.
///
/// # Source
/// Miller (2024), arXiv:2411.00640, section 5: `w² + s_a² / k_a + s_b² / k_b`.
pub fn variance_of_repeats(between: f64, within: [(f64, u32); 2]) -> f64 {
    between + within.iter().map(|(variance, repeats)| variance / f64::from(*repeats)).sum::<f64>()
}
