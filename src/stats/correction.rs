//! What the mean would be by people's labels, out of many scores of a judge and a few labels.

use crate::stats::{Interval, normal_quantile};

/// An item with a label: what the person and what the judge gave it, and how often it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Labelled {
    /// The person's value.
    pub human: f64,
    /// The judge's.
    pub judge: f64,
    /// How often it counts; 1 unless items are drawn anew.
    pub weight: f64,
}

/// A mean that the judge's scores made more certain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Powered {
    /// The mean.
    pub value: f64,
    /// Its standard error; `None` for fewer than two labels.
    pub standard_error: Option<f64>,
    /// How much of the judge's word was taken, from 0, not at all, to 1.
    pub lambda: f64,
}

impl Powered {
    /// The normal interval.
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        normal(self.value, self.standard_error?, confidence)
    }
}

/// The prediction-powered mean: that of the judge's scores of all items, put right by how far the
/// judge was off on the labelled ones. `unlabelled` are scores with their weights. Without `lambda`
/// it is chosen so that the error is least, from 0 to 1.
///
/// `None` without labels. Without scores beyond them it is the mean of the labels.
///
/// # Source
/// Angelopoulos, Bates, Fannjiang, Jordan and Zrnic (2023), Science 382, 669-674, and for `lambda`
/// Angelopoulos, Duchi and Zrnic (2023), arXiv:2311.01453; in the numbers as ppi-python 0.2.3.
pub fn powered_mean(
    labelled: &[Labelled],
    unlabelled: &[(f64, f64)],
    lambda: Option<f64>,
) -> Option<Powered> {
    let n: f64 = labelled.iter().map(|item| item.weight).sum();
    let more: f64 = unlabelled.iter().map(|(_, weight)| weight).sum();
    if n <= 0.0 {
        return None;
    }
    let lambda =
        if more > 0.0 { lambda.unwrap_or_else(|| best(labelled, unlabelled)) } else { 0.0 };
    let rest = labelled.iter().map(|item| (item.human - lambda * item.judge, item.weight));
    let (rest_mean, rest_variance) = mean_variance(rest)?;
    let (guess, guess_variance) = mean_variance(unlabelled.iter().copied()).unwrap_or((0.0, 0.0));
    let guess_error = if more > 0.0 { lambda * lambda * guess_variance / more } else { 0.0 };
    let value = lambda * guess + rest_mean;
    let standard_error = (n > 1.0).then(|| (guess_error + rest_variance / n).sqrt());
    value.is_finite().then_some(Powered { value, standard_error, lambda })
}

/// The `lambda` with the least error.
fn best(labelled: &[Labelled], unlabelled: &[(f64, f64)]) -> f64 {
    let n: f64 = labelled.iter().map(|item| item.weight).sum();
    let more: f64 = unlabelled.iter().map(|(_, weight)| weight).sum();
    let own = || labelled.iter().map(|item| (item.judge, item.weight));
    let humans = labelled.iter().map(|item| (item.human, item.weight));
    let (Some((judge, _)), Some((human, _)), Some((_, variance))) = (
        mean_variance(own()),
        mean_variance(humans),
        mean_variance(own().chain(unlabelled.iter().copied())),
    ) else {
        return 0.0;
    };
    let both = |item: &Labelled| item.weight * (item.human - human) * (item.judge - judge);
    let covariance = labelled.iter().map(both).sum::<f64>() / n;
    let variance = variance * (n + more) / (n + more - 1.0);
    let lambda = covariance / ((1.0 + n / more) * variance);
    if lambda.is_finite() { lambda.clamp(0.0, 1.0) } else { 0.0 }
}

/// Mean and variance of weighted values; `None` without any.
fn mean_variance(values: impl Iterator<Item = (f64, f64)> + Clone) -> Option<(f64, f64)> {
    let n: f64 = values.clone().map(|(_, weight)| weight).sum();
    if n <= 0.0 {
        return None;
    }
    let mean = values.clone().map(|(value, weight)| value * weight).sum::<f64>() / n;
    let squares = values.map(|(value, weight)| weight * (value - mean) * (value - mean));
    Some((mean, squares.sum::<f64>() / n))
}

/// What is known of a judge that says yes or no, in counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct YesNo {
    /// Items that the judge decided.
    pub items: f64,
    /// Of these: it said yes.
    pub yes: f64,
    /// Labelled items that are a yes by the person.
    pub positives: f64,
    /// Of these: the judge said yes.
    pub true_positives: f64,
    /// Labelled items that are a no by the person.
    pub negatives: f64,
    /// Of these: the judge said no.
    pub true_negatives: f64,
}

/// A share that was put right for the errors of a judge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoganGladen {
    /// The share, cut to 0 and 1.
    pub value: f64,
    /// Share of the positives at which the judge said yes.
    pub sensitivity: f64,
    /// Share of the negatives at which the judge said no.
    pub specificity: f64,
    /// The interval of Lang and Reiczigel, which holds for few labels.
    pub interval: Interval,
    /// The interval by the delta method.
    pub delta: Interval,
}

/// The share of yes that people would have said, after Rogan and Gladen.
///
/// `None` where a count is missing, or the judge is no better than a guess: sensitivity and
/// specificity add up to no more than 1.
///
/// # Source
/// Rogan and Gladen (1978), American Journal of Epidemiology 107, 71-76; interval: Lang and
/// Reiczigel (2014), Preventive Veterinary Medicine 113, 13-22, equations 4 and 6 to 17.
pub fn rogan_gladen(counts: YesNo, confidence: f64) -> Option<RoganGladen> {
    let YesNo { items, yes, positives, true_positives, negatives, true_negatives } = counts;
    if items <= 0.0 || positives <= 0.0 || negatives <= 0.0 {
        return None;
    }
    let z = normal_quantile(f64::midpoint(1.0, confidence))?;
    let (share, sensitivity, specificity) =
        (yes / items, true_positives / positives, true_negatives / negatives);
    let raw = Rates { share, sensitivity, specificity };
    let value = raw.corrected()?;
    let spread = raw.variance(items, positives, negatives).sqrt();
    let delta = Interval { low: value - z * spread, high: value + z * spread };
    let nudged = Rates {
        share: (yes + z * z / 2.0) / (items + z * z),
        sensitivity: (true_positives + 1.0) / (positives + 2.0),
        specificity: (true_negatives + 1.0) / (negatives + 2.0),
    };
    let centre = nudged.corrected()?;
    let (items, positives, negatives) = (items + z * z, positives + 2.0, negatives + 2.0);
    let sway = |rate: f64, n: f64| rate * (1.0 - rate) / n;
    let shift = 2.0
        * z
        * z
        * (centre * sway(nudged.sensitivity, positives)
            - (1.0 - centre) * sway(nudged.specificity, negatives));
    let half = z * nudged.variance(items, positives, negatives).sqrt();
    let interval = Interval { low: centre + shift - half, high: centre + shift + half };
    Some(RoganGladen {
        value: value.clamp(0.0, 1.0),
        sensitivity,
        specificity,
        interval: interval.clipped(0.0, 1.0),
        delta: delta.clipped(0.0, 1.0),
    })
}

struct Rates {
    share: f64,
    sensitivity: f64,
    specificity: f64,
}

impl Rates {
    fn corrected(&self) -> Option<f64> {
        let better = self.sensitivity + self.specificity - 1.0;
        (better > 1e-9).then(|| (self.share + self.specificity - 1.0) / better)
    }

    fn variance(&self, items: f64, positives: f64, negatives: f64) -> f64 {
        let better = self.sensitivity + self.specificity - 1.0;
        let value = (self.share + self.specificity - 1.0) / better;
        let sway = |rate: f64, n: f64| rate * (1.0 - rate) / n;
        (sway(self.share, items)
            + value * value * sway(self.sensitivity, positives)
            + (1.0 - value) * (1.0 - value) * sway(self.specificity, negatives))
            / (better * better)
    }
}

fn normal(mean: f64, standard_error: f64, confidence: f64) -> Option<Interval> {
    let half = normal_quantile(f64::midpoint(1.0, confidence))? * standard_error;
    half.is_finite().then_some(Interval { low: mean - half, high: mean + half })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Golden {
        powered: Vec<PoweredCase>,
        rogan_gladen: Vec<ShareCase>,
    }

    #[derive(Deserialize)]
    struct PoweredCase {
        human: Vec<f64>,
        judge: Vec<f64>,
        unlabelled: Vec<f64>,
        lambda: Option<f64>,
        confidence: f64,
        value: f64,
        low: f64,
        high: f64,
    }

    #[derive(Deserialize)]
    struct ShareCase {
        items: f64,
        yes: f64,
        positives: f64,
        true_positives: f64,
        negatives: f64,
        true_negatives: f64,
        confidence: f64,
        value: f64,
        low: f64,
        high: f64,
        delta_low: f64,
        delta_high: f64,
    }

    fn golden() -> Golden {
        let text = include_str!("../../tests/fixtures/stats/agreement.json");
        serde_json::from_str(text).expect("fixture is JSON")
    }

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn powered_means_as_ppi_python() {
        let cases = golden().powered;
        assert!(cases.len() > 5);
        for case in cases {
            let pairs = case.human.iter().zip(&case.judge);
            let labelled: Vec<Labelled> = pairs
                .map(|(human, judge)| Labelled { human: *human, judge: *judge, weight: 1.0 })
                .collect();
            let more: Vec<(f64, f64)> = case.unlabelled.iter().map(|score| (*score, 1.0)).collect();
            let found = powered_mean(&labelled, &more, case.lambda).expect("labels");
            close(found.value, case.value);
            let interval = found.interval(case.confidence).expect("several labels");
            close(interval.low, case.low);
            close(interval.high, case.high);
        }
    }

    #[test]
    fn shares_as_the_formulas_of_the_papers() {
        for case in golden().rogan_gladen {
            let counts = YesNo {
                items: case.items,
                yes: case.yes,
                positives: case.positives,
                true_positives: case.true_positives,
                negatives: case.negatives,
                true_negatives: case.true_negatives,
            };
            let found = rogan_gladen(counts, case.confidence).expect("better than a guess");
            close(found.value, case.value);
            close(found.interval.low, case.low);
            close(found.interval.high, case.high);
            close(found.delta.low, case.delta_low);
            close(found.delta.high, case.delta_high);
        }
    }

    #[test]
    fn what_cannot_be_told_is_none() {
        assert_eq!(powered_mean(&[], &[(1.0, 1.0)], None), None);
        let one = [Labelled { human: 1.0, judge: 0.0, weight: 1.0 }];
        let found = powered_mean(&one, &[(0.0, 1.0), (0.0, 1.0)], None).expect("a label");
        assert_eq!((found.value, found.standard_error, found.lambda), (1.0, None, 0.0));
        let coin = YesNo {
            items: 100.0,
            yes: 50.0,
            positives: 10.0,
            true_positives: 5.0,
            negatives: 10.0,
            true_negatives: 5.0,
        };
        assert_eq!(rogan_gladen(coin, 0.95), None);
        assert_eq!(rogan_gladen(YesNo { positives: 0.0, ..coin }, 0.95), None);
    }
}
