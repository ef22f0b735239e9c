//! The values of a run by sample, for what looks at samples one by one: slices, pairs.

use crate::domain::run::RunHeader;

/// The number of no cluster.
const NONE: u32 = u32::MAX;

/// Values by sample: eight bytes for each group and sample, and four a sample.
#[derive(Debug)]
pub struct BySample {
    models: u32,
    prompts: u32,
    /// For each scorer, whether its values lie between 0 and 1.
    unit_ranges: Vec<bool>,
    /// For each model x prompt x scorer the value of each sample; not a number where there is none.
    values: Vec<Vec<f64>>,
    /// The cluster of each sample.
    clusters: Vec<u32>,
}

/// A model, prompt and scorer with the place of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Index of the model.
    pub model: u32,
    /// Index of the prompt.
    pub prompt: u32,
    /// Index of the scorer.
    pub scorer: u32,
    /// Whether the scorer's values lie between 0 and 1.
    pub unit_range: bool,
    place: usize,
}

impl BySample {
    /// Nothing yet, of the run that `header` describes.
    pub(super) fn new(header: &RunHeader) -> Self {
        let samples = header.samples as usize;
        let (models, prompts) = (header.models.len(), header.prompts.len());
        let groups = models * prompts * header.scorers.len();
        Self {
            models: models as u32,
            prompts: prompts as u32,
            unit_ranges: header.scorers.iter().map(|scorer| scorer.unit_range).collect(),
            values: vec![vec![f64::NAN; samples]; groups],
            clusters: vec![NONE; samples],
        }
    }

    /// Takes in the value of a sample in a group.
    pub(super) fn add(&mut self, group: usize, sample: u64, value: f64, cluster: Option<u32>) {
        let sample = sample as usize;
        let held = self.values.get_mut(group).and_then(|values| values.get_mut(sample));
        if let Some((held, number)) = held.zip(self.clusters.get_mut(sample)) {
            *held = value;
            *number = cluster.unwrap_or(NONE);
        }
    }

    /// The cells, in the order of the plan.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::with_capacity(self.values.len());
        for model in 0..self.models {
            for prompt in 0..self.prompts {
                for (scorer, unit_range) in (0..).zip(&self.unit_ranges) {
                    let place = cells.len();
                    cells.push(Cell { model, prompt, scorer, unit_range: *unit_range, place });
                }
            }
        }
        cells
    }

    /// The values of a cell, by sample; not a number where there is none.
    pub fn values(&self, cell: Cell) -> &[f64] {
        self.values.get(cell.place).map_or(&[], Vec::as_slice)
    }

    /// The number of the cluster of the sample at this place; `None` when it stands by itself.
    pub fn cluster(&self, sample: usize) -> Option<u32> {
        self.clusters.get(sample).copied().filter(|cluster| *cluster != NONE)
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.clusters.len()
    }
}
