//! Whether intervals hold what they promise: simulated datasets of which the truth is known.
//!
//! The table of docs/statistics.md is made here: `EVALS_UPDATE_DOCS=1 cargo test --test it coverage`
//! writes it anew. Everything is seeded, so it comes out the same each time.

use std::{fmt::Write as _, fs};

use evals::stats::{
    ConfidenceSequence, Interval, Moments, Pairs, Side, bootstrap_mean, clustered_error, paired,
    quantile_interval, t_interval, unpaired, wilson,
};
use rand::{Rng as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};

use crate::support::root;

/// Simulated datasets for each number.
const DATASETS: u32 = 2000;
/// Of the methods that draw or bet themselves, which take long.
const FEW_DATASETS: u32 = 400;
const RATES: [f64; 3] = [0.02, 0.5, 0.98];
const CONFIDENCE: f64 = 0.95;
const BEGIN: &str = "<!-- coverage: made by the tests -->\n";
const END: &str = "<!-- end of coverage -->\n";

/// Draws for a dataset.
struct Draw(Xoshiro256PlusPlus);

impl Draw {
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn yes(&mut self, rate: f64) -> f64 {
        f64::from(u8::from(self.uniform() < rate))
    }

    /// A grade in fifths, of the mean `rate`.
    fn grade(&mut self, rate: f64) -> f64 {
        (0..5).map(|_| self.yes(rate)).sum::<f64>() / 5.0
    }

    fn many(&mut self, n: usize, one: impl Fn(&mut Self) -> f64) -> Vec<f64> {
        (0..n).map(|_| one(self)).collect()
    }

    /// Values in clusters of five, of which half are what the whole cluster is.
    fn clustered(&mut self, n: usize, rate: f64) -> Vec<f64> {
        let mut values = Vec::with_capacity(n);
        while values.len() < n {
            let all = self.yes(rate);
            values.extend(
                self.many(5, |draw| if draw.uniform() < 0.5 { all } else { draw.yes(rate) }),
            );
        }
        values
    }

    /// For each of `values`, the same in seven cases of ten, else one drawn anew.
    fn alike(&mut self, values: &[f64], one: impl Fn(&mut Self) -> f64) -> Vec<f64> {
        values.iter().map(|value| if self.uniform() < 0.7 { *value } else { one(self) }).collect()
    }
}

/// A method, with what it is tried on.
struct Method {
    name: &'static str,
    datasets: u32,
    sizes: &'static [usize],
    /// Whether the truth lies in the interval of a dataset of this size and rate.
    holds: fn(&mut Draw, usize, f64) -> bool,
    /// Sizes and rates for which the documentation promises 93% to 97%.
    promised: fn(usize, f64) -> bool,
}

/// Whether values lie as often at the one end as at the other.
fn middle(rate: f64) -> bool {
    (rate - 0.5).abs() < 0.01
}

fn within(interval: Option<Interval>, truth: f64) -> bool {
    interval.is_some_and(|found| found.low <= truth && truth <= found.high)
}

fn moments(values: &[f64]) -> Moments {
    let mut moments = Moments::default();
    for value in values {
        moments.add(*value);
    }
    moments
}

fn t(values: &[f64]) -> Option<Interval> {
    let moments = moments(values);
    t_interval(moments.mean()?, moments.standard_error()?, values.len() as f64 - 1.0, CONFIDENCE)
}

fn fives(n: usize) -> Vec<Option<u32>> {
    (0..n as u32).map(|place| Some(place / 5)).collect()
}

fn robust(values: &[f64]) -> Option<Interval> {
    let clusters = values.chunks(5).map(|five| (5, five.iter().sum()));
    let mean = moments(values).mean()?;
    let found = clustered_error(mean, clusters, &Moments::default())?;
    t_interval(mean, found.standard_error, found.clusters as f64 - 1.0, CONFIDENCE)
}

fn difference(subject: &[f64], against: &[f64], clusters: &[Option<u32>], yes_no: bool) -> bool {
    let pairs = Pairs { subject, against, clusters, yes_no };
    within(paired(&pairs, CONFIDENCE, 1).interval, 0.0)
}

const ALL: &[usize] = &[20, 100, 1000];

const METHODS: &[Method] = &[
    Method {
        name: "mean of yes and no: Wilson",
        datasets: DATASETS,
        sizes: ALL,
        holds: |draw, n, rate| {
            let ones: f64 = draw.many(n, |draw| draw.yes(rate)).iter().sum();
            within(wilson(ones as u64, n as u64, CONFIDENCE), rate)
        },
        promised: |_, _| true,
    },
    Method {
        name: "mean of grades: t",
        datasets: DATASETS,
        sizes: ALL,
        holds: |draw, n, rate| within(t(&draw.many(n, |draw| draw.grade(rate))), rate),
        promised: |n, rate| n >= 1000 || middle(rate),
    },
    Method {
        name: "mean of yes and no in clusters of 5: cluster-robust t",
        datasets: DATASETS,
        sizes: ALL,
        holds: |draw, n, rate| within(robust(&draw.clustered(n, rate)), rate),
        promised: |n, rate| n >= 100 && middle(rate),
    },
    Method {
        name: "difference of pairs of yes and no: Tango",
        datasets: DATASETS,
        sizes: ALL,
        holds: |draw, n, rate| {
            let against = draw.many(n, |draw| draw.yes(rate));
            let subject = draw.alike(&against, |draw| draw.yes(rate));
            difference(&subject, &against, &[], true)
        },
        promised: |n, rate| n >= 1000 || middle(rate),
    },
    Method {
        name: "difference of pairs of grades: t",
        datasets: FEW_DATASETS,
        sizes: &[20, 100],
        holds: |draw, n, rate| {
            let against = draw.many(n, |draw| draw.grade(rate));
            let subject = draw.alike(&against, |draw| draw.grade(rate));
            difference(&subject, &against, &[], false)
        },
        promised: |_, rate| middle(rate),
    },
    Method {
        name: "difference of a slice and the rest, yes and no: Newcombe",
        datasets: DATASETS,
        sizes: ALL,
        holds: |draw, n, rate| {
            let values = draw.many(n, |draw| draw.yes(rate));
            let (one, rest) = values.split_at(n / 4);
            let side = |values| Side { values, clusters: &[] };
            within(unpaired(side(one), side(rest), true, CONFIDENCE).interval, 0.0)
        },
        promised: |n, rate| n >= 1000 || (n >= 100 && middle(rate)),
    },
    Method {
        name: "difference of a slice and the rest, grades: Welch's t",
        datasets: DATASETS,
        sizes: ALL,
        holds: |draw, n, rate| {
            let values = draw.many(n, |draw| draw.grade(rate));
            let (one, rest) = values.split_at(n / 4);
            let side = |values| Side { values, clusters: &[] };
            within(unpaired(side(one), side(rest), false, CONFIDENCE).interval, 0.0)
        },
        promised: |n, rate| n >= 1000 || middle(rate),
    },
    Method {
        name: "median of any values: order statistics",
        datasets: DATASETS,
        sizes: ALL,
        holds: |draw, n, rate| {
            // The median of what is drawn is the rate itself, whatever the shape to its sides.
            let mut values = draw.many(n, |draw| {
                let off = draw.uniform() - 0.5;
                if off > 0.0 { rate + off * off } else { rate + off }
            });
            values.sort_unstable_by(f64::total_cmp);
            within(quantile_interval(&values, 0.5, CONFIDENCE), rate)
        },
        promised: |_, _| true,
    },
    Method {
        name: "mean of grades: BCa bootstrap",
        datasets: FEW_DATASETS,
        sizes: &[20],
        holds: |draw, n, rate| {
            let values = draw.many(n, |draw| draw.grade(rate));
            within(bootstrap_mean(&values, &[], CONFIDENCE, 1000, 1), rate)
        },
        promised: |_, _| false,
    },
];

fn draw(method: usize, n: usize, rate: f64) -> Draw {
    let seed = ((method as u64) << 32) | ((n as u64) << 8) | (rate * 100.0) as u64;
    Draw(Xoshiro256PlusPlus::seed_from_u64(seed))
}

/// The share of datasets in whose interval the truth lies.
fn coverage(place: usize, method: &Method, n: usize, rate: f64) -> f64 {
    let mut draw = draw(place, n, rate);
    let held = (0..method.datasets).filter(|_| (method.holds)(&mut draw, n, rate)).count();
    held as f64 / f64::from(method.datasets)
}

/// What is promised is held, and the documentation shows what was measured.
#[test]
fn intervals_hold_what_the_documentation_promises() {
    let mut table = String::from(
        "| interval | n | p = 0.02 | p = 0.5 | p = 0.98 |\n| --- | --: | --: | --: | --: |\n",
    );
    let mut broken = Vec::new();
    for (place, method) in METHODS.iter().enumerate() {
        for n in method.sizes {
            let cells = RATES.map(|rate| {
                let share = coverage(place, method, *n, rate);
                let good = (0.93..=0.97).contains(&share);
                if (method.promised)(*n, rate) && !good {
                    broken.push(format!("{} at n = {n}, p = {rate}: {share}", method.name));
                }
                format!("{:.1}%{}", share * 100.0, if good { "" } else { " ∗" })
            });
            writeln!(table, "| {} | {n} | {} |", method.name, cells.join(" | ")).ok();
        }
    }
    assert!(broken.is_empty(), "promised 93% to 97%:\n{}\n{table}", broken.join("\n"));

    let path = root().join("docs/statistics.md");
    let page = fs::read_to_string(&path).expect("docs/statistics.md");
    let (before, rest) = page.split_once(BEGIN).expect("the place of the table");
    let (shown, after) = rest.split_once(END).expect("the end of the table");
    if std::env::var_os("EVALS_UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}\n{table}\n{END}{after}")).expect("written");
        return;
    }
    assert_eq!(
        shown.trim(),
        table.trim(),
        "docs/statistics.md is out of date: `EVALS_UPDATE_DOCS=1 cargo test --test it coverage`"
    );
}

/// Looking after every value, the truth is hardly ever outside.
#[test]
fn a_confidence_sequence_holds_at_all_times_together() {
    for rate in RATES {
        let mut draw = draw(METHODS.len(), 60, rate);
        let left = (0..FEW_DATASETS).filter(|_| {
            let mut sequence = ConfidenceSequence::new(CONFIDENCE).expect("a confidence");
            (0..60).any(|_| {
                sequence.add(draw.yes(rate));
                !within(Some(sequence.interval()), rate)
            })
        });
        let left = left.count();
        assert!(left as f64 <= 0.05 * f64::from(FEW_DATASETS), "{left} at p = {rate}");
    }
}

/// Where there is no difference, tests seldom say that there is one.
#[test]
fn tests_of_pairs_seldom_see_what_is_not_there() {
    for (n, yes_no, clusters) in [
        (20, true, Vec::new()),
        (200, true, Vec::new()),
        (15, false, Vec::new()),
        (60, true, fives(60)),
    ] {
        let mut draw = draw(METHODS.len() + 1, n, 0.5);
        let seen = (0..DATASETS).filter(|_| {
            let one = |draw: &mut Draw| if yes_no { draw.yes(0.5) } else { draw.grade(0.5) };
            let against = draw.many(n, one);
            let subject = if clusters.is_empty() {
                draw.alike(&against, one)
            } else {
                draw.clustered(n, 0.5)
            };
            let pairs = Pairs { subject: &subject, against: &against, clusters: &clusters, yes_no };
            paired(&pairs, CONFIDENCE, 1).p_value.is_some_and(|p| p < 0.05)
        });
        let share = seen.count() as f64 / f64::from(DATASETS);
        assert!(share < 0.062, "{share} of {n}, yes and no {yes_no}, clusters {}", clusters.len());
    }
}
