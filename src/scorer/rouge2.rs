//! ROUGE2: f-measure of the pairs of neighbouring words shared with the expected answer.

use crate::scorer::{
    ArgError, Args, Better, Built, Card, Range, ScorerKind,
    rouge::{self, Kind},
};

static CARD: Card = Card {
    name: "rouge2",
    summary: "F-measure of the pairs of neighbouring words shared with the expected answer.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: rouge::OPTIONS,
    edge_cases: rouge::EDGE_CASES,
    source: rouge::SOURCE,
};

/// The kind.
#[derive(Debug)]
pub(super) struct Rouge2;

impl ScorerKind for Rouge2 {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        rouge::build(Kind::Ngrams(2), args)
    }
}
