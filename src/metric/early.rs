//! Whether enough is known for a run to end before its last sample.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    domain::{
        measure::{StoppedCell, StoppedEarly},
        run::{RunHeader, TrialDigest},
        trial::TrialKey,
    },
    metric::CONFIDENCE,
    stats::ConfidenceSequence,
};

/// Where the rule stands in the config of a header.
pub const KEY: &str = "stop";

/// Half widths that can be asked for: sequences are no finer, and all are narrower than 0.5.
pub const HALF_WIDTHS: Range<f64> = 0.002..0.5;

/// Follows the values of one scorer. Samples count in the order of the plan, and only as far as all
/// trials of each have ended: how fast an answer comes has no say in whether it counts.
///
/// Of a sample that waits for an earlier one, its values are held.
#[derive(Debug)]
pub struct EarlyStop {
    scorer: usize,
    half_width: f64,
    prompts: u32,
    /// For each model, one for each prompt.
    cells: Vec<ConfidenceSequence>,
    /// The first sample that has not counted yet.
    next: u64,
    /// Ended trials of it and of later ones: their cells and values.
    waiting: BTreeMap<u64, Vec<(usize, Option<f64>)>>,
}

impl EarlyStop {
    /// Nothing yet, of the run that `header` describes; `None` when it has no such rule.
    pub fn new(header: &RunHeader) -> Option<Self> {
        let rule = header.config.get(KEY)?;
        let (id, half_width) = (rule.get("scorer")?.as_str()?, rule.get("half_width")?.as_f64()?);
        let cells = header.models.len() * header.prompts.len();
        Some(Self {
            scorer: header.scorers.iter().position(|info| info.id == id && info.unit_range)?,
            half_width,
            prompts: header.prompts.len() as u32,
            cells: vec![ConfidenceSequence::new(CONFIDENCE)?; cells],
            next: 0,
            waiting: BTreeMap::new(),
        })
        .filter(|_| cells > 0 && header.epochs == 1)
    }

    /// Index of the scorer whose values are followed.
    pub fn scorer(&self) -> usize {
        self.scorer
    }

    /// A trial has ended, with this value of the scorer; `None` when it has none.
    pub fn add(&mut self, key: TrialKey, value: Option<f64>) {
        let cell = (key.model * self.prompts + key.prompt) as usize;
        if key.sample < self.next || key.prompt >= self.prompts || cell >= self.cells.len() {
            return;
        }
        self.waiting.entry(key.sample).or_default().push((cell, value));
        while let Some(first) = self.waiting.first_entry() {
            if *first.key() != self.next || first.get().len() < self.cells.len() {
                return;
            }
            for (cell, value) in first.remove() {
                if let Some(value) = value.filter(|value| value.is_finite()) {
                    self.cells[cell].add(value);
                }
            }
            self.next += 1;
        }
    }

    /// The same of a trial that is recorded; one that lacks verdicts has not ended.
    pub fn add_recorded(&mut self, trial: &TrialDigest, scorers: usize) {
        if trial.scores.len() >= scorers {
            self.add(trial.key, trial.scores.get(self.scorer).and_then(|score| score.value));
        }
    }

    /// Whether the interval of every model and prompt is narrow enough. Once true, it stays so.
    pub fn is_reached(&self) -> bool {
        let narrow = |cell: &ConfidenceSequence| {
            let found = cell.interval();
            // Ends are thousandths: the slack is for their rounding only.
            found.high - found.low <= 2.0 * self.half_width + 1e-9
        };
        self.cells.iter().all(narrow)
    }

    /// What is known by now, where that is enough.
    pub fn reached(&self) -> Option<StoppedEarly> {
        self.is_reached().then(|| StoppedEarly {
            scorer: self.scorer as u32,
            half_width: self.half_width,
            samples: self.next,
            cells: (0..)
                .zip(&self.cells)
                .map(|(place, cell)| {
                    let found = cell.interval();
                    StoppedCell {
                        model: place / self.prompts,
                        prompt: place % self.prompts,
                        n: cell.n(),
                        mean: cell.mean(),
                        low: found.low,
                        high: found.high,
                    }
                })
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(models: usize, half_width: f64) -> EarlyStop {
        EarlyStop {
            scorer: 0,
            half_width,
            prompts: 1,
            cells: vec![ConfidenceSequence::new(CONFIDENCE).expect("a confidence"); models],
            next: 0,
            waiting: BTreeMap::new(),
        }
    }

    fn key(sample: u64, model: u32) -> TrialKey {
        TrialKey { seq: 0, sample, prompt: 0, model, epoch: 0 }
    }

    #[test]
    fn samples_count_in_the_order_of_the_plan_once_all_their_models_are_done() {
        let mut rule = rule(2, 0.1);
        let counted = |rule: &EarlyStop| (rule.next, rule.cells[0].n(), rule.cells[1].n());
        rule.add(key(1, 0), Some(1.0));
        rule.add(key(1, 1), Some(1.0));
        rule.add(key(2, 0), Some(1.0));
        rule.add(key(0, 1), Some(0.0));
        assert_eq!(counted(&rule), (0, 0, 0), "the first sample lacks a model");
        rule.add(key(0, 0), None);
        assert_eq!(counted(&rule), (2, 1, 2), "what has no score does not count");
        rule.add(key(2, 1), Some(1.0));
        assert_eq!(counted(&rule), (3, 2, 3));
        assert_eq!(rule.cells[1].mean(), Some(2.0 / 3.0));
        assert!(rule.waiting.is_empty());
    }

    #[test]
    fn the_order_in_which_trials_end_changes_nothing() {
        let value = |sample: u64, model: u32| {
            Some(f64::from(u8::from((sample + u64::from(model)).is_multiple_of(3))))
        };
        let (mut forth, mut back) = (rule(2, 0.1), rule(2, 0.1));
        for sample in 0..400 {
            for model in 0..2 {
                forth.add(key(sample, model), value(sample, model));
                back.add(key(399 - sample, 1 - model), value(399 - sample, 1 - model));
            }
        }
        assert!(forth.is_reached());
        assert_eq!(forth.reached(), back.reached());
    }

    #[test]
    fn every_model_has_to_be_known_well_enough() {
        let mut rule = rule(2, 0.05);
        for sample in 0..200 {
            rule.add(key(sample, 0), Some(1.0));
            rule.add(key(sample, 1), None);
        }
        assert!(!rule.is_reached(), "nothing is known of the second model");
        for sample in 200..400 {
            rule.add(key(sample, 0), Some(1.0));
            rule.add(key(sample, 1), Some(1.0));
        }
        let found = rule.reached().expect("both are known");
        assert_eq!((found.samples, found.cells[0].n, found.cells[1].n), (400, 400, 200));
        assert!(found.cells.iter().all(|cell| cell.high - cell.low <= 0.1 + 1e-9));
    }

    #[test]
    fn a_run_without_a_rule_has_none() {
        let header = |config| {
            serde_json::from_value::<RunHeader>(json!({
                "id": "", "name": "", "created_ms": 0, "version": "", "config": config,
                "dataset": "", "dataset_digest": "", "samples": 0, "scorers": [{"id": "a",
                "name": "exact_match", "options": {}, "extract": null, "unit_range": true}],
                "prompts": [{"id": "p", "template": ""}], "models": [{"name": "m", "provider": "",
                "model": "", "origin": "", "params": {}, "price": null}],
                "extracts": [], "epochs": 1, "reduce": "mean", "gates": []
            }))
            .expect("a header")
        };
        assert!(EarlyStop::new(&header(json!(null))).is_none());
        assert!(
            EarlyStop::new(&header(json!({"stop": {"scorer": "b", "half_width": 0.1}}))).is_none()
        );
        assert!(
            EarlyStop::new(&header(json!({"stop": {"scorer": "a", "half_width": 0.1}}))).is_some()
        );
    }
}
