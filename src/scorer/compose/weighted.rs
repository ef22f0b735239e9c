//! The weighted mean of several scorers.

use super::{Compound, Fold, OPTION_OF, explained, part::Part, parts, unscored};
use crate::{
    domain::score::{Score, Verdict},
    scorer::{ArgError, Args, Better, Built, Card, Range, ScorerKind, against::THRESHOLD},
};

static CARD: Card = Card {
    name: "weighted",
    summary: "The mean of several scorers, each with its `weight`.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[OPTION_OF, THRESHOLD],
    edge_cases: &[
        "A part has `weight`, a number above 0, among its options; without it 1.",
        "A part without a score leaves the whole without one: its weight is not given to the others.",
        "Parts whose values are no shares, such as `latency`, are refused; `threshold` around one makes it a share.",
    ],
    source: "weighted arithmetic mean",
};

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct Weighted;

#[derive(Debug)]
struct Mean {
    threshold: Option<f64>,
}

impl ScorerKind for Weighted {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let parts = parts(args)?;
        if let Some(part) = parts.iter().find(|part| !part.is_share()) {
            let message = format!(
                "the values of `{}` are no shares; put `threshold` around it",
                part.card.name
            );
            return Err(args.error("of", message));
        }
        let threshold = args.number("threshold", 0.0, 1.0)?;
        Ok(Compound::new(parts, Mean { threshold }).into_built())
    }
}

impl Fold for Mean {
    fn fold(&self, parts: &[Part], verdicts: Vec<Verdict>) -> Verdict {
        let (mut sum, mut weights) = (0.0, 0.0);
        for (part, verdict) in parts.iter().zip(&verdicts) {
            let Verdict::Scored(score) = verdict else {
                return unscored(parts.iter().zip(verdicts));
            };
            sum += score.value * part.weight;
            weights += part.weight;
        }
        let value = sum / weights;
        if !value.is_finite() {
            return Verdict::Failed("the weights are too large to be added".to_owned());
        }
        let passed = self.threshold.map(|least| value >= least);
        let score = Score { passed, ..Score::number(value) };
        Verdict::Scored(score.because(explained(parts, &verdicts)))
    }
}
