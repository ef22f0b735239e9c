//! Means of slices, each compared with the rest of the samples.

use crate::{
    domain::{measure::SliceMeasure, slice::Slices},
    metric::{BySample, CONFIDENCE, by_sample::Cell, mean::MeanSoFar},
    stats::{Side, benjamini_hochberg, unpaired},
};

/// Every slice in every cell, with p-values adjusted for all of them.
pub(super) fn measures(slices: &Slices, values: &BySample) -> Vec<SliceMeasure> {
    let cells = values.cells();
    let mut measures = Vec::new();
    for (slice, column, value) in slices.measured() {
        let holds: Vec<bool> =
            (0..values.samples()).map(|sample| slices.holds(sample, slice)).collect();
        measures.extend(cells.iter().map(|cell| SliceMeasure {
            column: column.to_owned(),
            value: value.to_owned(),
            ..measure(values, *cell, &holds)
        }));
    }
    let p: Vec<_> = measures.iter().map(|measure| measure.p_value).collect();
    for (measure, adjusted) in measures.iter_mut().zip(benjamini_hochberg(&p)) {
        measure.p_adjusted = adjusted;
    }
    measures
}

/// The samples of a cell for which `holds` is true, compared with the others.
fn measure(values: &BySample, cell: Cell, holds: &[bool]) -> SliceMeasure {
    let mut mean = MeanSoFar::new(cell.unit_range);
    let mut all = MeanSoFar::new(cell.unit_range);
    let mut sides = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
    let known = values.values(cell).iter().zip(holds).enumerate();
    for (sample, (value, inside)) in known.filter(|(_, (value, _))| !value.is_nan()) {
        let cluster = values.cluster(sample);
        all.add(*value, None);
        if *inside {
            mean.add(*value, cluster);
        }
        let (values, clusters) = &mut sides[usize::from(!*inside)];
        values.push(*value);
        clusters.push(cluster);
    }
    let [one, rest] =
        [0, 1].map(|side: usize| Side { values: &sides[side].0, clusters: &sides[side].1 });
    let found = unpaired(one, rest, all.is_yes_no(), CONFIDENCE);
    let planned = holds.iter().filter(|inside| **inside).count() as u64;
    SliceMeasure {
        column: String::new(),
        value: String::new(),
        model: cell.model,
        prompt: cell.prompt,
        scorer: cell.scorer,
        estimate: mean.estimate(planned),
        difference: found.difference,
        difference_low: found.interval.map(|interval| interval.low),
        difference_high: found.interval.map(|interval| interval.high),
        p_value: found.p_value,
        p_adjusted: None,
        test: found.test,
    }
}
