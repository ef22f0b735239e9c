//! ROUGEL: f-measure of the longest common subsequence of words with the expected answer.

use crate::scorer::{
    ArgError, Args, Better, Built, Card, Range, ScorerKind,
    rouge::{self, Kind},
};

static CARD: Card = Card {
    name: "rougeL",
    summary: "F-measure of the longest common subsequence of words with the expected answer.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: rouge::OPTIONS,
    edge_cases: rouge::EDGE_CASES,
    source: rouge::SOURCE,
};

/// The kind.
#[derive(Debug)]
pub(super) struct RougeL;

impl ScorerKind for RougeL {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        rouge::build(Kind::Longest, args)
    }
}
