//! Whether the output ends with one of several texts.

use crate::{
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, Range, Scorer, ScorerKind, Subject,
        parts::{OPTIONS, Parts},
    },
};

static CARD: Card = Card {
    name: "ends_with",
    summary: "Whether the output ends with one of several texts.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: OPTIONS,
    edge_cases: &[
        "White space counts: an output that ends with a line feed ends with nothing else.",
        "Words are not told apart: `bobcat` ends with `cat`.",
        "An expected answer that is empty is not looked for; when there is no other, the scorer fails.",
    ],
    source: "suffix comparison on code points",
};

/// The kind.
#[derive(Debug)]
pub(super) struct EndsWith;

#[derive(Debug)]
struct Finder(Parts);

impl ScorerKind for EndsWith {
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
        self.0.any(subject, "no trailing", |output, part| output.ends_with(part))
    }
}
