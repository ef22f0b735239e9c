//! How often some and how often all of k repeats are correct.

use crate::{
    domain::measure::Passes,
    metric::{
        Folded,
        mean::MeanSoFar,
        reducer::{KS, all_of, any_of},
    },
};

/// What the repeats of samples came to so far.
#[derive(Debug, Default)]
pub(super) struct PassesSoFar {
    /// Whether a value was neither 0 nor 1.
    other: bool,
    correct: u64,
    /// Each number of repeats with the means of both chances; none before a sample has repeats.
    of: Vec<(u32, MeanSoFar, MeanSoFar)>,
}

impl PassesSoFar {
    /// Takes in the repeats of a sample.
    pub(super) fn add(&mut self, folded: &Folded<'_>) {
        let is = |value: f64, wanted: f64| value.to_bits() == wanted.to_bits();
        let correct = folded.repeats.iter().filter(|value| is(**value, 1.0)).count();
        let wrong = folded.repeats.iter().filter(|value| is(value.abs(), 0.0)).count();
        let n = folded.repeats.len();
        self.other |= correct + wrong < n;
        self.correct += correct as u64;
        if self.other {
            self.of = Vec::new();
            return;
        }
        for k in KS.iter().filter(|k| n > 1 && **k as usize <= n) {
            let (any, all) = (any_of(n, correct, *k), all_of(n, correct, *k));
            let Some((any, all)) = any.zip(all) else { continue };
            let at = self.of.iter().position(|(known, ..)| known == k).unwrap_or_else(|| {
                self.of.push((*k, MeanSoFar::new(true), MeanSoFar::new(true)));
                self.of.len() - 1
            });
            let (_, of_any, of_all) = &mut self.of[at];
            of_any.add(any, folded.cluster);
            of_all.add(all, folded.cluster);
        }
    }

    /// Correct repeats; `None` when a value was neither 0 nor 1.
    pub(super) fn correct(&self) -> Option<u64> {
        (!self.other).then_some(self.correct)
    }

    /// Both chances for each number of repeats, of `planned` samples.
    pub(super) fn estimates(&self, planned: u64) -> Vec<Passes> {
        let mut passes: Vec<Passes> = self
            .of
            .iter()
            .map(|(k, any, all)| Passes {
                k: *k,
                any: any.estimate(planned),
                all: all.estimate(planned),
            })
            .collect();
        passes.sort_by_key(|passes| passes.k);
        passes
    }
}
