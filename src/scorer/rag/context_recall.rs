//! Whether the context holds what the expected answer says.

use futures_util::future::BoxFuture;

use super::{About, CONTEXT, Ground, Measure, Rag, claims::Held};
use crate::{
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, Range, ScorerKind,
        against::THRESHOLD,
        judge::Step,
        sheet::{ANSWERS, JUDGE},
    },
};

static CARD: Card = Card {
    name: "context_recall",
    summary: "The share of the expected answer's claims that follow from the context.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: false,
    options: &[JUDGE, CONTEXT, THRESHOLD, ANSWERS],
    edge_cases: &[
        "Two steps: `claims` takes the expected answer apart, `verdicts` holds its claims against all \
         texts of the context together.",
        "An expected answer without claims is not scored.",
        "It is about the context alone: the same for every model, and asked once for all of them.",
        "Several expected answers are read as one text.",
    ],
    source: "RAGAS: attributed claims / claims",
};

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct ContextRecall;

#[derive(Debug)]
struct Attributed(Held);

impl ScorerKind for ContextRecall {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let ground = Ground::of(args)?;
        let measure = Attributed(Held::of(&ground, args)?);
        Ok(Rag::built(ground, measure))
    }
}

impl Measure for Attributed {
    fn judged<'a>(&'a self, about: About<'a>) -> BoxFuture<'a, Result<Score, Verdict>> {
        Box::pin(async move {
            let (question, expected) = (about.question()?, about.expected()?);
            let why =
                |found, all| format!("the context holds {found} of the {all} claims expected");
            let none = "the expected answer claims nothing";
            self.0.share(about, (&question, &expected), none, why).await
        })
    }

    fn needs_expected(&self) -> bool {
        true
    }

    fn needs_context(&self) -> bool {
        true
    }

    fn steps(&self, _: u64) -> Vec<(&Step, u64)> {
        self.0.steps()
    }
}
