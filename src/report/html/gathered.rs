//! What the drawings need of the trials beside the measures: collected in the one pass in which the
//! trials are packed.

use std::collections::BTreeMap;

use crate::{
    domain::{
        run::{RunHeader, TrialRecord},
        trial::Status,
    },
    report::html::slices::Samples,
};

/// By model, in the order of the plan.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Latencies of answers that were asked for, in microseconds.
    pub(super) latencies: Vec<Vec<u64>>,
    /// Trials that did not end in a whole answer, by what they ended in, then by model.
    pub(super) trouble: BTreeMap<String, Vec<u64>>,
    /// Trials that were seen.
    pub(super) trials: u64,
    /// What slices are made of.
    pub(super) samples: Samples,
}

impl Gathered {
    /// Adds a trial.
    pub(super) fn add(&mut self, header: &RunHeader, trial: &TrialRecord) {
        let (models, model) = (header.models.len(), trial.key.model as usize);
        self.trials += 1;
        self.samples.add(header, trial);
        self.latencies.resize(models, Vec::new());
        if let (Some(latencies), Some(us)) = (self.latencies.get_mut(model), trial.latency_us)
            && trial.status != Status::Error
        {
            latencies.push(us);
        }
        let kind = match (trial.status, &trial.error) {
            (Status::Ok, _) => return,
            (Status::Error, Some((kind, _))) => kind.clone(),
            (status, _) => status.name().to_owned(),
        };
        let by_model = self.trouble.entry(kind).or_insert_with(|| vec![0; models]);
        if let Some(n) = by_model.get_mut(model) {
            *n += 1;
        }
    }
}
