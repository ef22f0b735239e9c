//! How much of an answer is wrong because of the texts that it rests on.

use futures_util::future::{BoxFuture, try_join, try_join_all};

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
        ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind,
        against::MAX,
        judge::Step,
        sheet::{ANSWERS, JUDGE},
    },
};

static CARD: Card = Card {
    name: "noise_sensitivity",
    summary: "The share of the answer's claims that are wrong and follow from the context.",
    range: Range::Unit,
    better: Better::Lower,
    reads_output: true,
    options: &[
        JUDGE,
        CONTEXT,
        OptionCard {
            name: "mode",
            kind: "relevant or irrelevant",
            default: "`relevant`",
            doc: "Which texts the wrong claims are taken from: those that hold something of the expected \
                  answer, or only those that do not.",
        },
        MAX,
        ANSWERS,
    ],
    edge_cases: &[
        "Four steps: `claims` and `expected_claims` take both texts apart; `verdicts` holds the answer's \
         claims against the expected answer and against each text, `expected_verdicts` the expected \
         claims against each text.",
        "A claim is wrong when it does not follow from the expected answer.",
        "An answer without claims, or an expected answer without, is not scored.",
        "Several expected answers are read as one text.",
    ],
    source: "RAGAS: mean over claims of wrong and supported by a (ir)relevant text",
};

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct NoiseSensitivity;

#[derive(Debug)]
struct Noise {
    claims: Step,
    expected: Step,
    verdicts: Step,
    expected_verdicts: Step,
    irrelevant: bool,
}

impl ScorerKind for NoiseSensitivity {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let ground = Ground::of(args)?.at_most(args)?;
        let mode = args.name("mode", &["relevant", "irrelevant"])?;
        let measure = Noise {
            claims: ground.step(args, "claims", list())?,
            expected: ground.step(args, "expected_claims", list())?,
            verdicts: ground.step(args, "verdicts", verdicts())?,
            expected_verdicts: ground.step(args, "expected_verdicts", verdicts())?,
            irrelevant: mode == Some("irrelevant"),
        };
        Ok(Rag::built(ground, measure))
    }
}

impl Measure for Noise {
    fn judged<'a>(&'a self, about: About<'a>) -> BoxFuture<'a, Result<Score, Verdict>> {
        Box::pin(async move {
            let (question, output) = (about.question()?, about.output()?);
            let (expected, texts) = (about.expected()?, about.texts()?);
            let (ours, theirs) = try_join(
                about.claims(&self.claims, &question, output),
                about.claims(&self.expected, &question, &expected),
            )
            .await?;
            if ours.is_empty() {
                return Err(Verdict::Skipped("the answer claims nothing".to_owned()));
            }
            if theirs.is_empty() {
                return Err(Verdict::Skipped("the expected answer claims nothing".to_owned()));
            }
            let right = follow(about, &self.verdicts, &ours, &expected).await?;
            let held = texts.iter().map(|text| follow(about, &self.verdicts, &ours, text));
            let held = try_join_all(held).await?;
            let wanted = texts.iter().map(|t| follow(about, &self.expected_verdicts, &theirs, t));
            let wanted = try_join_all(wanted).await?;
            let relevant: Vec<bool> = wanted.iter().map(|marks| marks.contains(&true)).collect();
            let misled = misled(&right, &held, &relevant, self.irrelevant);
            let which = if self.irrelevant { "irrelevant" } else { "relevant" };
            let (wrong, all) = (count(&misled), ours.len());
            let mut why =
                format!("{wrong} of {all} claims are wrong and follow from {which} texts");
            if wrong > 0 {
                why = format!("{why}: {}", named(&ours, &misled, true));
            }
            Ok(score(wrong as f64 / all as f64, &why))
        })
    }

    fn needs_expected(&self) -> bool {
        true
    }

    fn needs_context(&self) -> bool {
        true
    }

    fn steps(&self, texts: u64) -> Vec<(&Step, u64)> {
        vec![
            (&self.claims, 1),
            (&self.expected, 1),
            (&self.verdicts, texts + 1),
            (&self.expected_verdicts, texts),
        ]
    }

    fn less_is_better(&self) -> bool {
        true
    }
}

/// Which claims are wrong and follow from a relevant text; or, with `irrelevant`, from irrelevant
/// texts only. `held` has, for each text, which claims follow from it.
fn misled(right: &[bool], held: &[Vec<bool>], relevant: &[bool], irrelevant: bool) -> Vec<bool> {
    let by = |claim: usize, wanted: bool| {
        held.iter().zip(relevant).any(|(marks, relevant)| *relevant == wanted && marks[claim])
    };
    let misled = |(claim, right): (usize, &bool)| {
        let from = if irrelevant { by(claim, false) && !by(claim, true) } else { by(claim, true) };
        !right && from
    };
    right.iter().enumerate().map(misled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_claims_are_laid_at_the_texts_that_they_follow_from() {
        // Four claims: right; wrong by a relevant text; wrong by an irrelevant one; made up.
        let right = [true, false, false, false];
        let held = [vec![true, true, false, false], vec![false, false, true, false]];
        let relevant = [true, false];
        assert_eq!(misled(&right, &held, &relevant, false), [false, true, false, false]);
        assert_eq!(misled(&right, &held, &relevant, true), [false, false, true, false]);
        // What both say is the relevant one's.
        let both = [vec![true, true, true, false], vec![false, false, true, false]];
        assert_eq!(misled(&right, &both, &relevant, true), [false; 4]);
        assert_eq!(misled(&right, &both, &relevant, false), [false, true, true, false]);
    }
}
