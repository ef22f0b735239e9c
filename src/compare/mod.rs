//! Floor 5: runs compared in pairs: which sides there are, their values out of the store, what differs
//! between them.
//!
//! Runs come out of a store, or out of a file that `evals export` wrote. Each is streamed once, and a
//! few words a sample are kept ([`crate::metric::paired`]).

mod import;
mod likeness;
mod open;
mod read;
mod sides;

use std::path::PathBuf;

pub use self::{
    likeness::differences,
    open::{Opened, Reference, Source, open},
    read::{Read, lower_is_better},
    sides::{cells_of, matched_cells},
};
use self::{
    read::runs,
    sides::{Group, matched},
};
use crate::{
    base::text::one_line,
    domain::{
        comparison::{Comparison, Missing, PairVerdict, Side},
        run::{RunRecord, RunStatus},
    },
    metric::{CONFIDENCE, paired},
    store::{Store, StoreError},
};

/// Samples below which a warning says that intervals are wide.
const FEW_SAMPLES: u64 = 30;

/// What is asked of a comparison.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The scorers to compare by, by id; all when empty.
    pub scorers: &'a [String],
    /// Whether the first of what is named is the one that all others are compared with.
    pub baseline: bool,
}

/// Something that is compared: a run, or some of its models and prompts.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The run.
    pub source: Source<'a>,
    /// Index of the model that is meant; all of them when `None`.
    pub model: Option<u32>,
    /// Index of the prompt that is meant.
    pub prompt: Option<u32>,
}

/// Why there is no comparison.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The store does not have it, or cannot be read.
    #[error("failed to {0}")]
    Store(#[from] StoreError),
    /// An exported file that cannot be used.
    #[error("{}{}: {message}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Export {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: Option<u64>,
        /// What is wrong.
        message: String,
    },
    /// The run has no such model or prompt.
    #[error("run {run} has no {what} `{name}`")]
    Unknown {
        /// The run, as it was named.
        run: String,
        /// `model` or `prompt`.
        what: &'static str,
        /// What was named.
        name: String,
        /// What the run has.
        known: Vec<String>,
    },
    /// What was named cannot be compared.
    #[error("{message}")]
    Nothing {
        /// Why.
        message: String,
        /// How to mend it.
        hint: String,
    },
}

impl CompareError {
    /// How to mend it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(_) => None,
            Self::Export { .. } => {
                Some("an exported file is the JSONL that `evals export -o FILE` writes".to_owned())
            }
            Self::Unknown { what, known, .. } => {
                let known: Vec<String> =
                    known.iter().map(|name| format!("`{}`", one_line(name, 60))).collect();
                Some(format!("its {what}s: {}", known.join(", ")))
            }
            Self::Nothing { hint, .. } => Some(hint.clone()),
        }
    }
}

/// Compares what was asked for: of one run, each two of its models and prompts; of several, the models
/// and prompts of one with those of the same name in another, or all where only one is to choose.
///
/// # Errors
/// Nothing is there to compare, or a store cannot be read.
pub fn compare(asked: &[Asked<'_>], wanted: Wanted<'_>) -> Result<Comparison, CompareError> {
    let groups: Vec<Group> = sides::groups(asked);
    let reads = runs(asked, &groups)?;
    let places = sides::places(asked, &groups);
    let twos = twos(asked, &groups, &places, wanted)?;
    let mut sides: Vec<Side> = places.iter().map(|place| reads.side(*place)).collect();
    sides::label(&mut sides);
    let mut pairs = Vec::with_capacity(twos.len());
    for (a, b) in &twos {
        pairs.push(reads.pair((*a, *b), (places[*a], places[*b]), wanted.scorers)?);
    }
    // Sides that are in no pair have no part in it.
    let mut kept: Vec<usize> = twos.iter().flat_map(|(a, b)| [*a, *b]).collect();
    kept.sort_unstable();
    kept.dedup();
    let new = |old: usize| kept.iter().position(|kept| *kept == old).unwrap_or(0);
    for pair in &mut pairs {
        (pair.a, pair.b) = (new(pair.a), new(pair.b));
    }
    let sides: Vec<Side> =
        sides.into_iter().enumerate().filter(|(at, _)| kept.contains(at)).map(|(_, s)| s).collect();
    let tests = paired::settle(&mut pairs, CONFIDENCE);
    let baseline = (wanted.baseline && pairs.iter().all(|pair| pair.a == 0)).then_some(0);
    let mut comparison =
        Comparison { confidence: CONFIDENCE, sides, baseline, pairs, tests, warnings: Vec::new() };
    comparison.warnings = warnings(&comparison);
    Ok(comparison)
}

/// The models and prompts of one run, each two of them; `None` when there is only one.
///
/// # Errors
/// The store cannot be read.
pub fn within(store: &Store, run: &RunRecord) -> Result<Option<Comparison>, CompareError> {
    if run.header.models.len() * run.header.prompts.len() < 2 {
        return Ok(None);
    }
    let source = Source { store, run, file: None };
    compare(&[Asked { source, model: None, prompt: None }], Wanted::default()).map(Some)
}

/// Which two sides are compared, by their indices.
fn twos(
    asked: &[Asked<'_>],
    groups: &[Group],
    places: &[sides::Place],
    wanted: Wanted<'_>,
) -> Result<Vec<(usize, usize)>, CompareError> {
    let of_group = |group: usize| -> Vec<usize> {
        (0..places.len()).filter(|side| places[*side].group == group).collect()
    };
    let mut found = Vec::new();
    if let [only] = groups {
        let sides = of_group(0);
        if sides.len() < 2 {
            let id = &asked[only.first].source.run.header.id;
            return Err(CompareError::Nothing {
                message: format!(
                    "run {id} has one model and one prompt: there is nothing to compare"
                ),
                hint: "name another run, as in `evals compare last~1 last`".to_owned(),
            });
        }
        for (at, a) in sides.iter().enumerate() {
            found.extend(sides[at + 1..].iter().map(|b| (*a, *b)));
        }
        return Ok(found);
    }
    for a in 0..groups.len() {
        for b in a + 1..groups.len() {
            if wanted.baseline && a > 0 {
                continue;
            }
            found.extend(matched(places, &of_group(a), &of_group(b)));
        }
    }
    if found.is_empty() {
        return Err(CompareError::Nothing {
            message: "no model and prompt of one has the same name in the other".to_owned(),
            hint: "say which are meant: evals compare RUN#MODEL OTHER#MODEL".to_owned(),
        });
    }
    Ok(found)
}

/// That some of the samples have no value on one side.
fn lacks(side: &Side, missing: &Missing, scorers: &[&str]) -> String {
    let named: Vec<String> = missing.first.iter().map(|id| one_line(id, 40)).collect();
    let more = if missing.samples > missing.first.len() as u64 { ", …" } else { "" };
    format!(
        "{}: {} of the samples have no value on the side of {} ({} are not in its run): {}{more}",
        scorers.join(", "),
        missing.samples,
        side.label,
        missing.absent,
        named.join(", ")
    )
}

/// What a reader must know before trusting the numbers.
fn warnings(comparison: &Comparison) -> Vec<String> {
    let mut found = Vec::new();
    for side in &comparison.sides {
        if side.status != RunStatus::Complete && side.file.is_none() {
            let warning = format!("run {} is {}", side.run_id, side.status.name());
            if !found.contains(&warning) {
                found.push(warning);
            }
        }
    }
    let mut fewest: Option<u64> = None;
    for pair in &comparison.pairs {
        let (a, b) = comparison.sides_of(pair);
        // Scorers that lack the same samples are told together.
        let mut lacking: Vec<(&Side, &Missing, Vec<&str>)> = Vec::new();
        for score in &pair.scores {
            fewest = Some(fewest.map_or(score.n, |n: u64| n.min(score.n)));
            for (side, missing) in [(a, &score.missing_a), (b, &score.missing_b)] {
                if missing.samples == 0 {
                    continue;
                }
                let known = lacking
                    .iter_mut()
                    .find(|(of, same, _)| std::ptr::eq(*of, side) && *same == missing);
                match known {
                    Some((_, _, scorers)) => scorers.push(&score.scorer),
                    None => lacking.push((side, missing, vec![&score.scorer])),
                }
            }
        }
        found.extend(lacking.iter().map(|(side, missing, scorers)| lacks(side, missing, scorers)));
        for difference in pair.differences.iter().filter(|found| found.unknown) {
            let warning = format!(
                "whether {} differs is not known: an exported file does not say",
                difference.what.words()
            );
            if !found.contains(&warning) {
                found.push(warning);
            }
        }
        for scorer in &pair.unmatched_scorers {
            let warning = format!("scorer {scorer} is on one side only, and not compared");
            if !found.contains(&warning) {
                found.push(warning);
            }
        }
    }
    if let Some(n) = fewest.filter(|n| *n < FEW_SAMPLES) {
        found.push(format!("few samples: differences are hard to tell from chance (n = {n})"));
    }
    let significant = |score: &crate::domain::comparison::PairedScore| {
        matches!(score.verdict, PairVerdict::A | PairVerdict::B)
    };
    let scores = || comparison.pairs.iter().flat_map(|pair| &pair.scores);
    if comparison.tests > 1 && scores().any(significant) {
        found.push(format!(
            "{} tests were made; p-values are adjusted for that (Holm)",
            comparison.tests
        ));
    }
    found
}
