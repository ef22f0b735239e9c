//! Whether the output contains every one of several texts.

use crate::{
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, Range, Scorer, ScorerKind, Subject,
        parts::{OPTIONS, Parts},
    },
};

static CARD: Card = Card {
    name: "contains_all",
    summary: "Whether the output contains every one of several texts.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: OPTIONS,
    edge_cases: &[
        "All expected answers are looked for, not one of them, as in the other scorers.",
        "Texts may overlap in the output: `ab` and `b` are both found in `ab`.",
        "An expected answer that is empty is not looked for; when there is no other, the scorer fails.",
    ],
    source: "substring search on code points",
};

/// The kind.
#[derive(Debug)]
pub(super) struct ContainsAll;

#[derive(Debug)]
struct Finder(Parts);

impl ScorerKind for ContainsAll {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        Ok(Built::pure(Finder(Parts::read(args)?)))
    }
}

impl Scorer for Finder {
    fn needs_expected(&self) -> bool {
        self.0.are_expected()
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        self.0.all(subject)
    }
}
