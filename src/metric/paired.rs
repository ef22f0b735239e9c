//! Values of two runs, paired by the ids of their samples.
//!
//! A [`Roster`] numbers the samples of all runs by hashes of their ids. [`Values`] takes the trials of
//! one run, in the order of the plan, and keeps what pairing needs of the models and prompts that are
//! compared: a number a sample and scorer, and what a sample cost. [`pair`] then compares two of them.

mod values;

use std::collections::HashSet;

pub use self::values::{Cell, Overlap, Roster, Values};
use self::values::{Cost, NOWHERE};
use super::CONFIDENCE;
use crate::{
    domain::{
        comparison::{Missing, Pair, PairVerdict, PairedScore},
        run::ScorerInfo,
    },
    stats::{self, Design, Interval, Moments, Pairs, Spread},
};

/// Seed of the tests that draw random numbers: the same runs give the same p-values everywhere.
const SEED: u64 = 0x00e7_a150;

/// Ids of missing samples that are named.
const NAMED: usize = 5;

/// One of two that are compared.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The run's values.
    pub values: &'a Values,
    /// Index of the model and prompt among those that were asked for.
    pub cell: usize,
    /// Tells the id of a sample of this run.
    pub id_of: &'a dyn Fn(u64) -> Option<String>,
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject").field("cell", &self.cell).finish_non_exhaustive()
    }
}

impl Subject<'_> {
    fn cell(&self) -> &Cell {
        &self.values.cells[self.cell]
    }
}

/// What is asked of two columns of values.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The scorer, as the first side's run has it.
    pub scorer: &'a ScorerInfo,
    /// Its index in each run.
    pub places: (usize, usize),
    /// Whether lower values are better.
    pub lower_is_better: bool,
    /// Confidence of the interval.
    pub confidence: f64,
}

/// Two columns of values over the same samples.
#[derive(Debug, Default)]
struct Columns {
    a: Vec<f64>,
    b: Vec<f64>,
    clusters: Vec<Option<u32>>,
    missing_a: Missing,
    missing_b: Missing,
}

/// Compares two sides by one scorer. The p-value is not adjusted, and there is no verdict yet:
/// [`settle`] gives both.
pub fn pair(
    roster: &Roster,
    (a, b): (Subject<'_>, Subject<'_>),
    asked: &Question<'_>,
) -> PairedScore {
    let columns = columns(roster, (a, b), asked.places);
    let binary = |value: &f64| *value == 0.0 || (*value - 1.0).abs() < f64::EPSILON;
    let scorer = asked.scorer;
    let yes_no = scorer.unit_range && columns.a.iter().chain(&columns.b).all(binary);
    let found = stats::paired(
        &Pairs { subject: &columns.b, against: &columns.a, clusters: &columns.clusters, yes_no },
        asked.confidence,
        SEED,
    );
    let units = units(&columns.clusters);
    let mut interval = found.interval;
    if interval.is_none() && scorer.unit_range && found.n > 0 && found.ties == found.n {
        // Values that never differ have a spread of nothing, which nobody may believe: they differ on
        // so small a share of samples that none was seen.
        interval = stats::tango(0, 0, units, asked.confidence);
    }
    let (wins, losses) =
        if asked.lower_is_better { (found.losses, found.wins) } else { (found.wins, found.losses) };
    let unit = scorer.options.get("unit").and_then(serde_json::Value::as_str);
    PairedScore {
        scorer: scorer.id.clone(),
        unit_range: scorer.unit_range,
        lower_is_better: asked.lower_is_better,
        unit: unit.filter(|unit| !scorer.unit_range && !unit.is_empty()).map(str::to_owned),
        n: found.n,
        units,
        mean_a: mean(&columns.a),
        mean_b: mean(&columns.b),
        difference: found.difference,
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        interval_method: found.interval_method,
        p: found.p_value,
        p_adjusted: None,
        test: found.test,
        effect: found.effect,
        effect_name: found.effect_name,
        wins,
        losses,
        ties: found.ties,
        verdict: PairVerdict::Unknown,
        detectable: detectable(&columns, units, yes_no, interval),
        missing_a: columns.missing_a,
        missing_b: columns.missing_b,
    }
}

fn columns(roster: &Roster, (a, b): (Subject<'_>, Subject<'_>), places: (usize, usize)) -> Columns {
    let mut found = Columns::default();
    for (sample, number) in a.values.numbers.iter().enumerate() {
        let Some(value) = a.cell().value(places.0, sample) else { continue };
        let there = b.values.sample(*number).filter(|_| *number != NOWHERE);
        match there.and_then(|there| b.cell().value(places.1, there)) {
            Some(other) => {
                found.a.push(value);
                found.b.push(other);
                found.clusters.push(roster.clusters.get(*number as usize).copied().flatten());
            }
            None => note(&mut found.missing_b, there.is_none(), || (a.id_of)(sample as u64)),
        }
    }
    for (sample, number) in b.values.numbers.iter().enumerate() {
        if b.cell().value(places.1, sample).is_none() {
            continue;
        }
        let there = a.values.sample(*number).filter(|_| *number != NOWHERE);
        if there.and_then(|there| a.cell().value(places.0, there)).is_none() {
            note(&mut found.missing_a, there.is_none(), || (b.id_of)(sample as u64));
        }
    }
    found
}

fn note(missing: &mut Missing, absent: bool, name: impl Fn() -> Option<String>) {
    missing.samples += 1;
    missing.absent += u64::from(absent);
    if missing.first.len() < NAMED {
        missing.first.extend(name());
    }
}

/// Clusters, and samples outside of them.
fn units(clusters: &[Option<u32>]) -> u64 {
    let named: HashSet<u32> = clusters.iter().flatten().copied().collect();
    let lone = clusters.iter().filter(|cluster| cluster.is_none()).count();
    (named.len() + lone) as u64
}

fn moments(values: &[f64]) -> Moments {
    let mut moments = Moments::default();
    for value in values {
        moments.add(*value);
    }
    moments
}

fn mean(values: &[f64]) -> Option<f64> {
    moments(values).mean()
}

/// The smallest difference that as many pairs show with a chance of 80%.
fn detectable(
    columns: &Columns,
    units: u64,
    yes_no: bool,
    interval: Option<Interval>,
) -> Option<f64> {
    let n = columns.a.len() as u64;
    let off: Vec<f64> = columns.a.iter().zip(&columns.b).map(|(a, b)| b - a).collect();
    if yes_no && units == n {
        let differing = off.iter().filter(|off| off.abs() > 0.0).count() as f64;
        let spread = Spread::YesNo { discordance: differing / n as f64 };
        return stats::detectable(spread, n, Design::default());
    }
    if units < n {
        // Half the width of the interval over its quantile is the error that takes account of
        // clusters.
        let half = interval.map(|found| (found.high - found.low) / 2.0)?;
        let quantile = stats::t_quantile(f64::midpoint(1.0, CONFIDENCE), units as f64 - 1.0)?;
        let variance = (half / quantile).powi(2) * n as f64;
        return stats::detectable(Spread::Numbers { variance }, n, Design::default());
    }
    let variance = moments(&off).standard_error()?.powi(2) * n as f64;
    stats::detectable(Spread::Numbers { variance }, n, Design::default())
}

/// What the second side costs for one sample divided by what the first does.
pub fn cost_ratio(a: Subject<'_>, b: Subject<'_>) -> Option<f64> {
    let (mut here, mut there) = (0_i128, 0_i128);
    for (sample, number) in a.values.numbers.iter().enumerate() {
        let Some(other) = b.values.sample(*number).filter(|_| *number != NOWHERE) else { continue };
        let costs = (a.cell().costs.get(sample), b.cell().costs.get(other));
        if let (Some(Cost::Pico(a)), Some(Cost::Pico(b))) = costs {
            (here, there) = (here + i128::from(*a), there + i128::from(*b));
        }
    }
    (here > 0).then(|| there as f64 / here as f64)
}

/// The median latency of the second side divided by that of the first.
pub fn latency_ratio(a: Subject<'_>, b: Subject<'_>) -> Option<f64> {
    let median = |side: Subject<'_>| side.cell().all.quantile_ms(0.5);
    median(a).filter(|ms| *ms > 0.0).zip(median(b)).map(|(a, b)| b / a)
}

/// Adjusts the p-values of all pairs for each other, and says who is better. Gives the number of
/// tests.
pub fn settle(pairs: &mut [Pair], confidence: f64) -> u64 {
    let raw: Vec<Option<f64>> =
        pairs.iter().flat_map(|pair| pair.scores.iter().map(|score| score.p)).collect();
    let tests = raw.iter().flatten().count() as u64;
    let adjusted = stats::holm(&raw);
    let scores = pairs.iter_mut().flat_map(|pair| &mut pair.scores);
    for (score, p) in scores.zip(adjusted) {
        score.p_adjusted = p;
        score.verdict = match (p, score.difference) {
            (Some(p), Some(difference)) if score.units > 1 => {
                let significant = p < 1.0 - confidence && difference.abs() > 0.0;
                match (significant, (difference > 0.0) != score.lower_is_better) {
                    (false, _) => PairVerdict::Tied,
                    (true, true) => PairVerdict::B,
                    (true, false) => PairVerdict::A,
                }
            }
            _ => PairVerdict::Unknown,
        };
    }
    tests
}
