//! Whether an answer keeps to the texts that it rests on.

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
    name: "faithfulness",
    summary: "The share of the answer's claims that follow from the context.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[JUDGE, CONTEXT, THRESHOLD, ANSWERS],
    edge_cases: &[
        "Two steps: `claims` takes the answer apart, `verdicts` holds its claims against all texts of \
         the context together.",
        "An answer without claims, such as a refusal, is not scored.",
        "Whether a claim is true does not matter, only whether the context says so.",
    ],
    source: "Es et al. 2023 (RAGAS): supported claims / claims",
};

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct Faithfulness;

#[derive(Debug)]
struct Supported(Held);

impl ScorerKind for Faithfulness {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let ground = Ground::of(args)?;
        let measure = Supported(Held::of(&ground, args)?);
        Ok(Rag::built(ground, measure))
    }
}

impl Measure for Supported {
    fn judged<'a>(&'a self, about: About<'a>) -> BoxFuture<'a, Result<Score, Verdict>> {
        Box::pin(async move {
            let (question, output) = (about.question()?, about.output()?);
            let why = |found, all| format!("{found} of {all} claims follow from the context");
            self.0.share(about, (&question, output), "the answer claims nothing", why).await
        })
    }

    fn needs_expected(&self) -> bool {
        false
    }

    fn needs_context(&self) -> bool {
        true
    }

    fn steps(&self, _: u64) -> Vec<(&Step, u64)> {
        self.0.steps()
    }
}
