//! Whether an answer keeps to the texts that it rests on.

use futures_util::future::BoxFuture;

use super::{
    About, CONTEXT, Ground, Measure, Rag,
    claims::{count, named},
    follow,
    ground::score,
    list, verdicts,
};
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
struct Supported {
    claims: Step,
    verdicts: Step,
}

impl ScorerKind for Faithfulness {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let ground = Ground::of(args)?;
        let measure = Supported {
            claims: ground.step(args, "claims", list())?,
            verdicts: ground.step(args, "verdicts", verdicts())?,
        };
        Ok(Rag::built(ground, measure))
    }
}

impl Measure for Supported {
    fn judged<'a>(&'a self, about: About<'a>) -> BoxFuture<'a, Result<Score, Verdict>> {
        Box::pin(async move {
            let (question, output, texts) = (about.question()?, about.output()?, about.texts()?);
            let claims = about.claims(&self.claims, &question, output).await?;
            if claims.is_empty() {
                return Err(Verdict::Skipped("the answer claims nothing".to_owned()));
            }
            let marks = follow(about, &self.verdicts, &claims, &texts.join("\n\n")).await?;
            let (supported, all) = (count(&marks), claims.len());
            let mut why = format!("{supported} of {all} claims follow from the context");
            if supported < all {
                why = format!("{why}; not {}", named(&claims, &marks, false));
            }
            Ok(score(supported as f64 / all as f64, &why))
        })
    }

    fn needs_expected(&self) -> bool {
        false
    }

    fn needs_context(&self) -> bool {
        true
    }

    fn steps(&self, _: u64) -> Vec<(&Step, u64)> {
        vec![(&self.claims, 1), (&self.verdicts, 1)]
    }
}
