//! The sides of a comparison within one run, and the scorer that stands for quality.

use crate::{
    domain::{
        comparison::{Comparison, Pair, PairedScore, Side},
        measure::Estimate,
        run::{RunHeader, ScorerInfo},
    },
    report::{View, facts::unit_of, number::Unit},
};

/// The scorer by which models are told better from worse where only one can be shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quality<'a> {
    pub(super) scorer: &'a str,
    pub(super) unit: Unit<'a>,
    pub(super) lower_is_better: bool,
}

/// The first scorer whose values are shares, else the first one at all.
pub(super) fn quality<'a>(
    header: &'a RunHeader,
    comparison: &'a Comparison,
) -> Option<Quality<'a>> {
    let scores = &comparison.pairs.first()?.scores;
    let score = scores.iter().find(|score| score.unit_range).or(scores.first())?;
    let info = scorer(header, &score.scorer)?;
    Some(Quality {
        scorer: &score.scorer,
        unit: unit_of(info),
        lower_is_better: score.lower_is_better,
    })
}

/// The scorer called `id`.
pub(super) fn scorer<'a>(header: &'a RunHeader, id: &str) -> Option<&'a ScorerInfo> {
    header.scorers.iter().find(|scorer| scorer.id == id)
}

/// What was measured of a side of this run: the first metric of the scorer called `id`.
pub(super) fn estimate_of(view: &View<'_>, side: &Side, id: &str) -> Option<Estimate> {
    let header = &view.run.header;
    let model = header.models.iter().position(|model| model.name == side.model)?;
    let prompt = header.prompts.iter().position(|prompt| prompt.id == side.prompt)?;
    let scorer = header.scorers.iter().position(|scorer| scorer.id == id)?;
    let measures = &view.measures.measures;
    let found = measures.iter().find(|measure| {
        (measure.model as usize, measure.prompt as usize, measure.scorer as usize)
            == (model, prompt, scorer)
    });
    found.map(|measure| measure.estimate)
}

/// What a scorer says of two sides, and whether they stand the other way round in the comparison.
pub(super) fn between<'a>(
    comparison: &'a Comparison,
    a: usize,
    b: usize,
    scorer: &str,
) -> Option<(&'a PairedScore, bool)> {
    let found = comparison.pairs.iter().find_map(|pair: &Pair| match (pair.a, pair.b) {
        same if same == (a, b) => Some((pair, false)),
        other if other == (b, a) => Some((pair, true)),
        _ => None,
    });
    let (pair, turned) = found?;
    Some((pair.scores.iter().find(|score| score.scorer == scorer)?, turned))
}
