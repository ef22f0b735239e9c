//! Comparisons of two answers each become a table of wins and the strengths of models.

use std::collections::{BTreeMap, HashMap};

use crate::{
    domain::{
        calibration::Figure,
        pairwise::{Apart, Flip, Matchup, Meeting, Pairwise, SCORER, meetings},
        run::RunHeader,
        trial::TrialKey,
    },
    metric::{CONFIDENCE, estimated},
    stats::{self, Clusters, Rounds, Wins, resampled},
};

/// Draws of the intervals of strengths.
const DRAWS: u32 = 2_000;

/// The comparisons of one scorer.
#[derive(Debug)]
struct Record {
    scorer: u32,
    /// Of the sample and prompt at hand, by epoch and the two models, as the lower one sees it: both
    /// models report it.
    open: BTreeMap<(u32, u32, u32), Meeting>,
    known: Vec<Known>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    a: u32,
    b: u32,
    meeting: Meeting,
    cluster: usize,
}

/// Takes the comparisons of a run in, trial by trial, in the order of the plan.
#[derive(Debug)]
pub struct Tournament {
    records: Vec<Record>,
    /// The sample and the prompt at hand.
    at: Option<(u64, u32)>,
    /// The cluster at hand, by its number.
    cluster: usize,
    numbers: HashMap<Result<String, u64>, usize>,
}

impl Tournament {
    /// For the run of `header`.
    pub fn new(header: &RunHeader) -> Self {
        let scorers = (0_u32..).zip(&header.scorers);
        let pairwise = scorers.filter(|(_, scorer)| scorer.name == SCORER);
        let record = |(scorer, _)| Record { scorer, open: BTreeMap::new(), known: Vec::new() };
        Self {
            records: pairwise.map(record).collect(),
            at: None,
            cluster: 0,
            numbers: HashMap::new(),
        }
    }

    /// Takes a trial in: what each scorer counted, by its index.
    pub fn add<'a>(
        &mut self,
        key: TrialKey,
        cluster: Option<&str>,
        counts: impl Fn(u32) -> Option<&'a [f64]>,
    ) {
        if self.records.is_empty() {
            return;
        }
        let at = (key.sample, key.prompt);
        if self.at != Some(at) {
            self.close();
            self.at = Some(at);
            let name = cluster.map(str::to_owned).ok_or(key.sample);
            let next = self.numbers.len();
            self.cluster = *self.numbers.entry(name).or_insert(next);
        }
        for record in &mut self.records {
            let own = counts(record.scorer).map(meetings).unwrap_or_default();
            for (other, meeting) in (0_u32..).zip(own) {
                let Some(meeting) = meeting.filter(|_| other != key.model) else { continue };
                let (a, b, seen) = if key.model < other {
                    (key.model, other, meeting)
                } else {
                    (other, key.model, meeting.reversed())
                };
                record.open.entry((key.epoch, a, b)).or_insert(seen);
            }
        }
    }

    /// Moves what is at hand to what is known.
    fn close(&mut self) {
        let cluster = self.cluster;
        for record in &mut self.records {
            let open = std::mem::take(&mut record.open);
            record.known.extend(open.into_iter().map(|((_, a, b), meeting)| Known {
                a,
                b,
                meeting,
                cluster,
            }));
        }
    }

    /// What the comparisons say, one entry a scorer that made some.
    pub fn finish(mut self) -> Vec<Pairwise> {
        self.close();
        self.records.iter().filter(|record| !record.known.is_empty()).map(told).collect()
    }
}

fn told(record: &Record) -> Pairwise {
    let known = &record.known;
    let flips = |of: &[&Known], which: &[Flip]| {
        of.iter().filter(|known| which.contains(&known.meeting.flip)).count() as u64
    };
    let any = [Flip::First, Flip::Last, Flip::Half];
    let mut by_pair: BTreeMap<(u32, u32), Vec<&Known>> = BTreeMap::new();
    for meeting in known {
        by_pair.entry((meeting.a, meeting.b)).or_default().push(meeting);
    }
    let pairs = by_pair.into_iter().map(|((a, b), own)| {
        let count = |wanted: f64| {
            let worth = |known: &&&Known| stats::same(known.meeting.outcome.worth(), wanted);
            own.iter().filter(worth).count() as u64
        };
        Matchup {
            a,
            b,
            n: own.len() as u64,
            won: count(1.0),
            lost: count(0.0),
            tied: count(0.5),
            flipped: flips(&own, &any),
            share: figure(&own, |known| known.meeting.outcome.worth()),
        }
    });
    let all: Vec<&Known> = known.iter().collect();
    let (strengths, apart) = strengths(known);
    Pairwise {
        scorer: record.scorer,
        pairs: pairs.collect(),
        strengths,
        apart,
        flipped: figure(&all, |known| f64::from(u8::from(known.meeting.flip != Flip::None))),
        first: flips(&all, &[Flip::First]),
        last: flips(&all, &[Flip::Last]),
        n: all.len() as u64,
    }
}

/// The mean over meetings, with its interval over clusters.
fn figure(of: &[&Known], value: impl Fn(&Known) -> f64) -> Figure {
    let values: Vec<f64> = of.iter().map(|known| value(known)).collect();
    estimated(&values, &clusters(of.iter().map(|known| known.cluster)), CONFIDENCE)
}

/// The clusters of some meetings, numbered anew.
fn clusters(of: impl Iterator<Item = usize>) -> Clusters {
    let mut numbers = HashMap::new();
    let numbered = of.map(|cluster| {
        let next = numbers.len();
        *numbers.entry(cluster).or_insert(next)
    });
    Clusters::of(&numbered.collect::<Vec<usize>>())
}

fn strengths(known: &[Known]) -> (Vec<(u32, Figure)>, Option<Apart>) {
    let mut models: Vec<u32> = known.iter().flat_map(|known| [known.a, known.b]).collect();
    models.sort_unstable();
    models.dedup();
    let place = |model: u32| models.binary_search(&model).unwrap_or_default();
    let games: Vec<(usize, usize, f64)> = known
        .iter()
        .map(|known| (place(known.a), place(known.b), known.meeting.outcome.worth()))
        .collect();
    let strengths = |weights: &[f64]| {
        let mut wins = Wins::new(models.len());
        for ((a, b, worth), weight) in games.iter().zip(weights) {
            wins.win(*a, *b, worth * weight);
            wins.win(*b, *a, (1.0 - worth) * weight);
        }
        wins.strengths()
    };
    let found = match strengths(&vec![1.0; games.len()]) {
        Ok(found) => found,
        Err(apart) => {
            let named = |places: Vec<usize>| places.into_iter().map(|at| models[at]).collect();
            let apart = match apart {
                stats::Apart::Unconnected(places) => Apart::Unconnected(named(places)),
                stats::Apart::Unbeaten(places) => Apart::Unbeaten(named(places)),
            };
            return (Vec::new(), Some(apart));
        }
    };
    let rounds = Rounds { count: DRAWS, seed: 0, confidence: CONFIDENCE };
    let clusters = clusters(known.iter().map(|known| known.cluster));
    let intervals = resampled(&clusters, rounds, |weights| match strengths(weights) {
        Ok(found) => found.into_iter().map(Some).collect(),
        Err(_) => vec![None; models.len()],
    });
    let figures = found.into_iter().zip(intervals).map(|(value, interval)| Figure {
        value: Some(value),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
    });
    (models.iter().copied().zip(figures).collect(), None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::pairwise::{Outcome, counts};

    fn header() -> RunHeader {
        serde_json::from_value(json!({
            "id": "", "name": "", "created_ms": 0, "version": "", "config": null, "dataset": "",
            "dataset_digest": "", "samples": 0, "prompts": [], "models": [],
            "scorers": [{"id": "duel", "name": "pairwise", "options": {}, "extract": null,
                "unit_range": true}],
            "extracts": [], "epochs": 1, "reduce": "mean", "gates": []
        }))
        .expect("a header")
    }

    /// A run of three models; `outcome` says how the lower one of two fares on a sample.
    fn run(samples: u64, outcome: impl Fn(u64, u32, u32) -> Option<Meeting>) -> Vec<Pairwise> {
        let mut tournament = Tournament::new(&header());
        for sample in 0..samples {
            for model in 0..3_u32 {
                let meetings: Vec<Option<Meeting>> = (0..3)
                    .map(|other| match model.cmp(&other) {
                        std::cmp::Ordering::Less => outcome(sample, model, other),
                        std::cmp::Ordering::Equal => None,
                        std::cmp::Ordering::Greater => {
                            outcome(sample, other, model).map(Meeting::reversed)
                        }
                    })
                    .collect();
                let counted = counts(&meetings);
                let seq = sample * 3 + u64::from(model);
                let key = TrialKey { seq, sample, prompt: 0, model, epoch: 0 };
                tournament.add(key, None, |_| Some(counted.as_slice()));
            }
        }
        tournament.finish()
    }

    fn meeting(outcome: Outcome, flip: Flip) -> Meeting {
        Meeting { outcome, flip }
    }

    #[test]
    fn each_comparison_counts_once_though_both_models_report_it() {
        let found = run(10, |sample, a, _| match (sample % 5, a) {
            (0, _) => Some(meeting(Outcome::Tied, Flip::First)),
            (1, 0) => Some(meeting(Outcome::Lost, Flip::None)),
            (1, _) => None,
            _ => Some(meeting(Outcome::Won, Flip::None)),
        });
        let [found] = &found[..] else { panic!("one scorer") };
        let counts: Vec<_> =
            found.pairs.iter().map(|p| (p.a, p.b, p.n, p.won, p.lost, p.tied, p.flipped)).collect();
        assert_eq!(counts, [(0, 1, 10, 6, 2, 2, 2), (0, 2, 10, 6, 2, 2, 2), (1, 2, 8, 6, 0, 2, 2)]);
        assert_eq!((found.n, found.first, found.last), (28, 6, 0));
        assert_eq!(found.flipped.value, Some(6.0 / 28.0));
        assert_eq!(found.pairs[0].share.value, Some(0.7));
        let strengths: Vec<f64> =
            found.strengths.iter().map(|(_, figure)| figure.value.expect("a strength")).collect();
        assert!(strengths[0] > strengths[1] && strengths[1] > strengths[2], "{strengths:?}");
        assert!(strengths.iter().sum::<f64>().abs() < 1e-9);
        assert!(found.strengths[0].1.low.is_some());
    }

    #[test]
    fn a_judge_that_always_says_the_first_gives_ties_and_flips() {
        let found = run(6, |_, _, _| Some(meeting(Outcome::Tied, Flip::First)));
        assert_eq!(found[0].flipped.value, Some(1.0));
        assert!(found[0].pairs.iter().all(|pair| pair.tied == pair.n && pair.n == 6));
        assert!(found[0].strengths.iter().all(|(_, s)| s.value.is_some_and(|s| s.abs() < 1e-9)));
    }

    #[test]
    fn a_model_that_wins_every_time_has_no_strength() {
        let found = run(6, |_, a, _| {
            Some(meeting(if a == 0 { Outcome::Won } else { Outcome::Tied }, Flip::None))
        });
        assert_eq!(found[0].apart, Some(Apart::Unbeaten(vec![0])));
        assert!(found[0].strengths.is_empty());
        let found = run(6, |_, _, b| (b == 1).then(|| meeting(Outcome::Tied, Flip::None)));
        assert_eq!(found[0].strengths.len(), 2, "the third was never compared");
        assert!(run(6, |_, _, _| None).is_empty());
    }
}
