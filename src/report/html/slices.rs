//! How each model does on parts of the samples, by tag and by the value of a column, and where that is
//! unlike the rest.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use crate::{
    domain::{
        measure::Estimate,
        run::{RunHeader, ScorerInfo, TrialRecord},
    },
    metric::{CONFIDENCE, Folded, METRICS},
    report::{
        facts::unit_of,
        html::{
            bar::{Bar, bar, scale},
            data::facets,
            text::name,
        },
        number::{count, or_unknown},
    },
    stats::{Side, benjamini_hochberg, unpaired},
};

/// Different values that a column may have for it to make slices.
const MOST_VALUES: usize = 12;
/// Slices that are shown.
const MOST_SLICES: usize = 60;
/// Samples that a slice must have.
const FEWEST: usize = 5;
/// The false discovery rate at which a slice is marked.
const RATE: f64 = 0.05;

/// What is kept of the samples: a number for each model and prompt, and which slices they are in.
#[derive(Debug, Default)]
pub(super) struct Samples {
    /// By model and prompt: the sum of the values of each sample, and how many there are.
    values: Vec<Vec<(f64, u32)>>,
    clusters: Vec<Option<u32>>,
    cluster_numbers: HashMap<String, u32>,
    /// By column, the empty name being that of tags: which samples have which value. A column with
    /// too many has none.
    columns: BTreeMap<String, Option<BTreeMap<String, Vec<u32>>>>,
    last: Option<u64>,
}

/// The scorer by which slices are told apart: the first one whose values are shares, else the first.
fn scorer(header: &RunHeader) -> Option<(usize, &ScorerInfo)> {
    let shares = header.scorers.iter().position(|scorer| scorer.unit_range);
    let at = shares.unwrap_or(0);
    Some((at, header.scorers.get(at)?))
}

impl Samples {
    /// Adds a trial; those of a sample come together.
    pub(super) fn add(&mut self, header: &RunHeader, trial: &TrialRecord) {
        let Some((scorer, _)) = scorer(header) else { return };
        if self.last != Some(trial.key.sample) {
            self.last = Some(trial.key.sample);
            self.begin(trial);
        }
        let (models, prompts) = (header.models.len(), header.prompts.len());
        let side = trial.key.model as usize * prompts + trial.key.prompt as usize;
        self.values.resize(models * prompts, Vec::new());
        let score = trial.scores.iter().find(|score| score.scorer as usize == scorer);
        let value = score.and_then(|score| score.value).filter(|value| value.is_finite());
        if let (Some(values), Some(value)) = (self.values.get_mut(side), value) {
            values.resize(self.clusters.len(), (0.0, 0));
            if let Some((sum, n)) = values.last_mut() {
                (*sum, *n) = (*sum + value, *n + 1);
            }
        }
    }

    fn begin(&mut self, trial: &TrialRecord) {
        let sample = self.clusters.len() as u32;
        let numbers = &mut self.cluster_numbers;
        let next = numbers.len() as u32;
        let cluster = trial.cluster.as_ref();
        self.clusters.push(cluster.map(|name| *numbers.entry(name.clone()).or_insert(next)));
        let tags = trial.tags.iter().map(|tag| (String::new(), tag.clone()));
        for (column, value) in tags.chain(facets(trial)) {
            let most = if column.is_empty() { MOST_SLICES } else { MOST_VALUES };
            let slices = self.columns.entry(column).or_insert_with(|| Some(BTreeMap::new()));
            let Some(values) = slices else { continue };
            values.entry(value).or_default().push(sample);
            if values.len() > most {
                *slices = None;
            }
        }
    }

    /// The value of a sample on a side: the mean of its repeats.
    fn value(&self, side: usize, sample: usize) -> Option<f64> {
        let (sum, n) = *self.values.get(side)?.get(sample)?;
        (n > 0).then(|| sum / f64::from(n))
    }
}

/// What `slices.hbs` shows.
#[derive(Debug, Serialize)]
pub(super) struct Slices {
    scorer: String,
    sides: Vec<String>,
    rows: Vec<Row>,
    left_out: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    column: String,
    value: String,
    n: String,
    cells: Vec<Cell>,
}

#[derive(Debug, Serialize)]
struct Cell {
    value: String,
    interval: String,
    bar: Bar,
    class: &'static str,
    sign: &'static str,
    word: &'static str,
}

/// A slice before it is dressed.
struct Slice<'a> {
    column: &'a str,
    value: &'a str,
    samples: &'a [u32],
}

/// The slices of a run whose sides are called `labels`; nothing where there are none.
pub(super) fn slices(header: &RunHeader, samples: &Samples, labels: &[String]) -> Option<Slices> {
    let (_, scorer) = scorer(header)?;
    let all = samples.clusters.len();
    // Columns often repeat each other, and tags a column: the same samples are shown once.
    let mut seen = HashSet::new();
    let found: Vec<Slice<'_>> = samples
        .columns
        .iter()
        .filter_map(|(column, values)| Some((column, values.as_ref()?)))
        .flat_map(|(column, values)| {
            values.iter().map(move |(value, samples)| Slice { column, value, samples })
        })
        .filter(|slice| slice.samples.len() >= FEWEST && slice.samples.len() < all)
        .filter(|slice| seen.insert(slice.samples))
        .collect();
    let shown = &found[..found.len().min(MOST_SLICES)];
    let sides = 0..labels.len();
    let yes_no = samples.values.iter().flatten().all(|(sum, n)| {
        let mean = if *n > 0 { sum / f64::from(*n) } else { 0.0 };
        scorer.unit_range && (mean.to_bits() == 0 || mean.to_bits() == 1.0_f64.to_bits())
    });
    let tests: Vec<(Estimate, Option<f64>, Option<f64>)> = shown
        .iter()
        .flat_map(|slice| sides.clone().map(move |side| (slice, side)))
        .map(|(slice, side)| measured(samples, slice.samples, side, scorer, yes_no))
        .collect();
    if tests.iter().all(|(estimate, ..)| estimate.n == 0) {
        return None;
    }
    let p_values: Vec<Option<f64>> = tests.iter().map(|(.., p)| *p).collect();
    let adjusted = benjamini_hochberg(&p_values);
    let ends = scale(scorer.unit_range, tests.iter().map(|(estimate, ..)| estimate));
    let cells: Vec<Cell> = tests
        .iter()
        .zip(&adjusted)
        .map(|((estimate, difference, _), p)| cell(scorer, estimate, *difference, *p, ends))
        .collect();
    let mut cells = cells.into_iter();
    let rows = shown.iter().map(|slice| Row {
        column: if slice.column.is_empty() { "tag".to_owned() } else { name(slice.column) },
        value: name(slice.value),
        n: count(slice.samples.len() as u64),
        cells: cells.by_ref().take(labels.len()).collect(),
    });
    Some(Slices {
        scorer: name(&scorer.id),
        sides: labels.to_vec(),
        rows: rows.collect(),
        left_out: (found.len() > shown.len())
            .then(|| format!("{} more slices are not shown.", found.len() - shown.len())),
    })
}

/// The mean of a side on a slice, how far it is from that of the rest, and the chance of that.
fn measured(
    samples: &Samples,
    slice: &[u32],
    side: usize,
    scorer: &ScorerInfo,
    yes_no: bool,
) -> (Estimate, Option<f64>, Option<f64>) {
    let mut inside = vec![false; samples.clusters.len()];
    for sample in slice {
        inside[*sample as usize] = true;
    }
    let mut accumulator = METRICS.first().and_then(|mean| mean.start(scorer));
    let (mut here, mut there) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for (sample, inside) in inside.into_iter().enumerate() {
        let Some(value) = samples.value(side, sample) else { continue };
        let cluster = samples.clusters[sample];
        if let (true, Some(accumulator)) = (inside, accumulator.as_mut()) {
            accumulator.add(&Folded { value, repeats: &[value], counts: &[], cluster });
        }
        let (values, clusters) = if inside { &mut here } else { &mut there };
        values.push(value);
        clusters.push(cluster);
    }
    let nothing = Estimate { n: 0, unscored: 0, value: None, low: None, high: None };
    let estimate = accumulator.map_or(nothing, |mean| mean.estimate(slice.len() as u64));
    let found = unpaired(
        Side { values: &here.0, clusters: &here.1 },
        Side { values: &there.0, clusters: &there.1 },
        yes_no,
        CONFIDENCE,
    );
    (estimate, found.difference, found.p_value)
}

fn cell(
    scorer: &ScorerInfo,
    estimate: &Estimate,
    difference: Option<f64>,
    p: Option<f64>,
    ends: (f64, f64),
) -> Cell {
    let unit = unit_of(scorer);
    let interval = estimate.low.zip(estimate.high);
    let interval = interval.map(|(low, high)| format!("{} to {}", unit.show(low), unit.show(high)));
    let unlike = p.is_some_and(|p| p <= RATE);
    let (class, sign, word) = match difference {
        Some(off) if unlike && off > 0.0 => ("above", "▲", "above the rest"),
        Some(off) if unlike && off < 0.0 => ("below", "▼", "below the rest"),
        _ => ("", "", ""),
    };
    Cell {
        value: name(&or_unknown(estimate.value.map(|value| unit.show(value)))),
        interval: name(&interval.unwrap_or_default()),
        bar: bar(estimate, ends),
        class,
        sign,
        word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_part_that_is_unlike_the_rest_is_marked() {
        let header = sample::run().run.header;
        let mut samples = Samples::default();
        for at in 0..120_u64 {
            for model in 0..2 {
                // The first model fails on all that is hard, the other one in every tenth row.
                let hard = at % 3 == 0;
                let right = if model == 0 { !hard } else { at % 10 != 0 };
                let answer = if right { "Paris" } else { "Rome" };
                let mut trial = sample::trial(at * 3 + model, "?", answer, "Paris");
                trial.vars.insert("hard".to_owned(), hard.into());
                trial.vars.insert("row".to_owned(), at.into());
                trial.tags = vec!["all".to_owned()];
                samples.add(&header, &trial);
            }
        }
        let labels = ["a", "b", "c"].map(str::to_owned);
        let found = slices(&header, &samples, &labels).expect("slices");
        let rows: Vec<_> =
            found.rows.iter().map(|row| (&*row.column, &*row.value, &*row.n)).collect();
        assert_eq!(rows, [("hard", "false", "80"), ("hard", "true", "40")]);
        let cells: Vec<_> = found.rows[1].cells.iter().map(|c| (&*c.value, c.word)).collect();
        assert_eq!(cells, [("0.000", "below the rest"), ("0.900", ""), ("–", "")]);
        assert_eq!(found.rows[0].cells[0].word, "above the rest");
        assert!(slices(&header, &Samples::default(), &labels).is_none());
    }
}
