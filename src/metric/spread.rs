//! How far verdicts of models differ: of one asked again, and of several about the same answer.

use crate::{
    domain::{
        measure::{Agreement, JudgeSpread, Spreads},
        trial::TrialKey,
    },
    stats::{IntervalAlpha, Nested},
};

/// What one model said once about one answer. They come scorer by scorer, in the order of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// Index of the scorer.
    pub scorer: u32,
    /// The trial.
    pub key: TrialKey,
    /// The model that judges.
    pub judge: String,
    /// What its verdict is worth.
    pub score: f64,
}

/// Adds up opinions. Its memory grows with the judges, not with the answers.
#[derive(Debug, Default)]
pub struct Spread {
    scorer: Option<u32>,
    /// The answer at hand, and what was said of it.
    answer: Option<TrialKey>,
    said: Vec<(String, Vec<f64>)>,
    judges: Vec<(String, Nested, bool)>,
    alpha: IntervalAlpha,
    found: Spreads,
}

impl Spread {
    /// Takes in one opinion.
    pub fn add(&mut self, opinion: Opinion) {
        let Opinion { scorer, key, judge, score } = opinion;
        if self.scorer != Some(scorer) {
            self.end_scorer();
            self.scorer = Some(scorer);
        }
        if self.answer != Some(key) {
            self.end_answer();
            let same = |other: TrialKey| {
                (other.sample, other.prompt, other.model) == (key.sample, key.prompt, key.model)
            };
            if !self.answer.is_some_and(same) {
                self.judges.iter_mut().for_each(|(_, nested, _)| nested.end_group());
            }
            self.answer = Some(key);
        }
        match self.said.iter_mut().find(|(known, _)| *known == judge) {
            Some((_, scores)) => scores.push(score),
            None => self.said.push((judge, vec![score])),
        }
    }

    /// What was found.
    pub fn finish(mut self) -> Spreads {
        self.end_scorer();
        self.found
    }

    fn end_answer(&mut self) {
        let means: Vec<f64> = self
            .said
            .iter()
            .map(|(_, scores)| scores.iter().sum::<f64>() / scores.len() as f64)
            .collect();
        self.alpha.add(&means);
        for (judge, scores) in self.said.drain(..) {
            let place = match self.judges.iter().position(|(known, ..)| *known == judge) {
                Some(place) => place,
                None => {
                    self.judges.push((judge, Nested::default(), false));
                    self.judges.len() - 1
                }
            };
            let (_, nested, repeated) = &mut self.judges[place];
            *repeated |= scores.len() > 1;
            for score in scores {
                nested.add(score);
            }
            nested.end_part();
        }
    }

    fn end_scorer(&mut self) {
        self.end_answer();
        self.answer = None;
        let Some(scorer) = self.scorer else { return };
        let alpha = std::mem::take(&mut self.alpha);
        if alpha.units() > 0 {
            let (answers, alpha) = (alpha.units(), alpha.value());
            self.found.agreements.push(Agreement { scorer, answers, alpha });
        }
        for (judge, nested, repeated) in self.judges.drain(..) {
            // Without a repeat nothing tells the judge's noise from the model's.
            if !repeated {
                continue;
            }
            let found = nested.components();
            let deviation = |variance: Option<f64>| variance.map(f64::sqrt);
            self.found.judges.push(JudgeSpread {
                scorer,
                judge,
                asked_again: deviation(found.within),
                between_epochs: deviation(found.parts),
                between_samples: deviation(found.groups),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opinion(scorer: u32, sample: u64, epoch: u32, judge: &str, score: f64) -> Opinion {
        let seq = sample * 2 + u64::from(epoch);
        let key = TrialKey { seq, sample, prompt: 0, model: 0, epoch };
        Opinion { scorer, key, judge: judge.to_owned(), score }
    }

    #[test]
    fn noise_of_the_judge_is_told_from_that_of_the_model() {
        let mut spread = Spread::default();
        for (sample, base) in [(0, 0.0), (1, 10.0)] {
            for epoch in 0..2 {
                for step in [-1.0, 1.0] {
                    let score = base + 4.0 * f64::from(epoch) + step;
                    spread.add(opinion(0, sample, epoch, "a", score));
                }
            }
        }
        spread.add(opinion(1, 0, 0, "a", 1.0));
        spread.add(opinion(1, 0, 0, "b", 1.0));
        spread.add(opinion(1, 1, 0, "a", 0.0));
        spread.add(opinion(1, 1, 0, "b", 0.0));
        let Spreads { judges, agreements } = spread.finish();
        assert_eq!(judges.len(), 1, "{judges:?}");
        let near =
            |found: Option<f64>, expected: f64| (found.expect("known") - expected).abs() < 1e-9;
        // Within: 2. Between epochs: (16 - 2) / 2. Between samples: (200 - 16) / 4.
        assert!(near(judges[0].asked_again, 2_f64.sqrt()), "{judges:?}");
        assert!(near(judges[0].between_epochs, 7_f64.sqrt()), "{judges:?}");
        assert!(near(judges[0].between_samples, 46_f64.sqrt()), "{judges:?}");
        assert_eq!(agreements, [Agreement { scorer: 1, answers: 2, alpha: Some(1.0) }]);
    }
}
