//! Whether the output begins with one of several texts.

use crate::{
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, Range, Scorer, ScorerKind, Subject,
        parts::{OPTIONS, Parts},
    },
};

static CARD: Card = Card {
    name: "starts_with",
    summary: "Whether the output begins with one of several texts.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: OPTIONS,
    edge_cases: &[
        "White space counts: an output that begins with a line feed begins with nothing else.",
        "Words are not told apart: `catalogue` begins with `cat`.",
        "Code points are compared: `e` + accent begins with `e`, and `é` does not.",
        "An expected answer that is empty is not looked for; when there is no other, the scorer fails.",
    ],
    source: "prefix comparison on code points",
};

/// The kind.
#[derive(Debug)]
pub(super) struct StartsWith;

#[derive(Debug)]
struct Finder(Parts);

impl ScorerKind for StartsWith {
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
        self.0.any(subject, "no leading", |output, part| output.starts_with(part))
    }
}
