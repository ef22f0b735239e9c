//! Whether the output contains one of several texts.

use crate::{
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, Range, Scorer, ScorerKind, Subject,
        parts::{OPTIONS, Parts},
    },
};

static CARD: Card = Card {
    name: "contains_any",
    summary: "Whether the output contains one of several texts.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: OPTIONS,
    edge_cases: &[
        "The label is the first text that was found, in the order they are written.",
        "The same as `contains`, under the name that goes with `contains_all`.",
        "An expected answer that is empty is not looked for; when there is no other, the scorer fails.",
    ],
    source: "substring search on code points",
};

/// The kind.
#[derive(Debug)]
pub(super) struct ContainsAny;

#[derive(Debug)]
struct Finder(Parts);

impl ScorerKind for ContainsAny {
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
        self.0.any(subject, "no", |output, part| output.contains(part))
    }
}
