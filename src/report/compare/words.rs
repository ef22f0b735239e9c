//! What every report of a comparison says of a pair, before it is dressed for one of them. The text
//! here is as it came: each format makes it harmless itself.

use crate::{
    domain::comparison::{Comparison, Difference, Pair, PairVerdict, PairedScore, What},
    report::{
        number::{Unit, significant},
        verdict::unit_of,
    },
};

/// What is said of one pair and scorer.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// The first side.
    pub(super) a: &'a str,
    /// The second side.
    pub(super) b: &'a str,
    /// The pair that it is of.
    pub(super) pair: &'a Pair,
    /// What was found.
    pub(super) score: &'a PairedScore,
    /// How many tests were made.
    tests: u64,
    /// The p-value from which on a difference is what chance makes.
    level: f64,
}

/// Every pair by every scorer, in order.
pub(super) fn lines(comparison: &Comparison) -> Vec<Line<'_>> {
    let of_pair = |pair| {
        let (a, b) = comparison.sides_of(pair);
        let (tests, level) = (comparison.tests, 1.0 - comparison.confidence);
        let of_score = move |score| Line { a: &a.label, b: &b.label, pair, score, tests, level };
        pair.scores.iter().map(of_score)
    };
    comparison.pairs.iter().flat_map(of_pair).collect()
}

impl Line<'_> {
    fn unit(&self) -> Unit<'_> {
        unit_of(self.score)
    }

    /// A mean.
    pub(super) fn mean(&self, value: Option<f64>) -> Option<String> {
        value.map(|value| self.unit().show(value))
    }

    /// A difference: of shares in points, with a sign.
    fn off(&self, value: f64, precise: bool) -> String {
        let size = value.abs();
        let text = match self.unit() {
            Unit::Share if precise => format!("{:.2}", size * 100.0),
            Unit::Share => format!("{:.1}", size * 100.0),
            unit => unit.show(size),
        };
        let nothing = !text.contains(|c: char| c.is_ascii_digit() && c != '0');
        let sign = match value {
            _ if nothing => "",
            value if value < 0.0 => "-",
            _ => "+",
        };
        format!("{sign}{text}")
    }

    /// The difference.
    pub(super) fn difference(&self) -> Option<String> {
        self.score.difference.map(|value| self.off(value, true))
    }

    /// Its interval.
    pub(super) fn interval(&self) -> Option<String> {
        let (low, high) = self.score.low.zip(self.score.high)?;
        Some(format!("[{}, {}]", self.off(low, true), self.off(high, true)))
    }

    /// Who is better, in a sentence without a full stop.
    pub(super) fn verdict(&self) -> String {
        let (better, worse) = match self.score.verdict {
            PairVerdict::A => (self.a, self.b),
            PairVerdict::B => (self.b, self.a),
            PairVerdict::Tied => return "tied".to_owned(),
            PairVerdict::Unknown => return "too few samples to tell".to_owned(),
        };
        format!("{better} is better than {worse}")
    }

    /// The whole of it, as a person would say it.
    pub(super) fn sentence(&self) -> String {
        let points = if self.score.unit_range { " points" } else { "" };
        let size = self.score.difference.map(|off| {
            let amount = self.off(off.abs(), true);
            format!("{}{points}", amount.trim_start_matches('+'))
        });
        let sign: f64 = match self.score.verdict {
            PairVerdict::A => -1.0,
            PairVerdict::B => 1.0,
            _ if self.score.difference.is_some_and(|off| off < 0.0) => -1.0,
            _ => 1.0,
        };
        let sign = if self.score.lower_is_better { sign.abs() } else { sign };
        let within = self.score.low.zip(self.score.high).map(|(low, high)| {
            let ends = [low * sign, high * sign];
            let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
            let shown = |end| self.off(end, true).trim_start_matches('+').to_owned();
            format!(", 95% interval {} to {}", shown(low), shown(high))
        });
        let within = within.unwrap_or_default();
        let scorer = &self.score.scorer;
        match (self.score.verdict, size) {
            (PairVerdict::A | PairVerdict::B, Some(size)) => {
                format!("{scorer}: {} by {size}{within}", self.verdict())
            }
            (PairVerdict::Tied, Some(size)) => {
                let (a, b) = (self.a, self.b);
                let why = match self.score.p {
                    Some(p) if p < self.level => {
                        format!("is what chance makes among {} tests", self.tests)
                    }
                    _ => "is within chance".to_owned(),
                };
                format!("{scorer}: {a} and {b} are tied; the difference of {size}{within} {why}")
            }
            _ => format!("{scorer}: too few samples to tell {} from {}", self.a, self.b),
        }
    }

    /// The p-value, adjusted.
    pub(super) fn p(&self) -> Option<String> {
        self.score.p_adjusted.map(p_value)
    }
}

/// A p-value as people write it.
pub(super) fn p_value(p: f64) -> String {
    if p < 1e-4 { "<0.0001".to_owned() } else { format!("{p:.4}") }
}

/// A ratio: `1.8x`.
pub(super) fn ratio(ratio: f64) -> String {
    match ratio {
        0.01..100.0 => format!("{ratio:.2}x"),
        _ => format!("{}x", significant(ratio)),
    }
}

/// What differs between the sides of all pairs, each difference once with the pairs it is of.
pub(super) fn differences(comparison: &Comparison) -> Vec<(&Difference, Vec<&Pair>)> {
    let mut found: Vec<(&Difference, Vec<&Pair>)> = Vec::new();
    for pair in &comparison.pairs {
        for difference in pair.differences.iter().filter(|found| !found.unknown) {
            match found.iter_mut().find(|(known, _)| *known == difference) {
                Some((_, pairs)) => pairs.push(pair),
                None => found.push((difference, vec![pair])),
            }
        }
    }
    found.sort_by_key(|(difference, _)| difference.what);
    found
}

/// A difference in a sentence without a full stop.
pub(super) fn told(difference: &Difference) -> String {
    let of = if difference.of.is_empty() { String::new() } else { format!(" ({})", difference.of) };
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    let what = match difference.what {
        What::Params => "parameter",
        what => what.words(),
    };
    format!("{what}{of}: {} against {}", shown(&difference.a), shown(&difference.b))
}
