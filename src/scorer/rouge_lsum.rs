//! ROUGE-Lsum: f-measure of the longest common subsequences of words, taken line by line, with the expected answer.

use crate::scorer::{
    ArgError, Args, Better, Built, Card, Range, ScorerKind,
    rouge::{self, Kind},
};

static CARD: Card = Card {
    name: "rougeLsum",
    summary: "F-measure of the longest common subsequences of words, taken line by line, with the expected answer.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: rouge::OPTIONS,
    edge_cases: &[
        rouge::EDGE_CASES[0],
        rouge::EDGE_CASES[1],
        rouge::EDGE_CASES[2],
        "Sentences are lines: nothing else splits them.",
    ],
    source: rouge::SOURCE,
};

/// The kind.
#[derive(Debug)]
pub(super) struct RougeLsum;

impl ScorerKind for RougeLsum {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        rouge::build(Kind::Lines, args)
    }
}
