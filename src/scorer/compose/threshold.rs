//! Whether another scorer's value lies where it should.

use super::{Compound, Fold, OPTION_OF_ONE, explained, one_part, part::Part, unscored};
use crate::{
    domain::score::{Score, Verdict},
    scorer::{ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind},
};

static CARD: Card = Card {
    name: "threshold",
    summary: "Whether the value of another scorer is large or small enough.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OPTION_OF_ONE,
        OptionCard {
            name: "min",
            kind: "number",
            default: "none",
            doc: "The lowest value with which the answer has passed, in the other scorer's unit.",
        },
        OptionCard {
            name: "max",
            kind: "number",
            default: "none",
            doc: "The highest value with which the answer has passed, in the other scorer's unit.",
        },
    ],
    edge_cases: &[
        "One of `min` and `max` is needed; both ends belong to what passes.",
        "`{min: {column: least}}` takes the bound of each row from its column `least`.",
        "The pass mark of the other scorer is not looked at; without its score there is none here.",
    ],
    source: "comparison of numbers",
};

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct Threshold;

#[derive(Debug)]
struct Between {
    min: Option<f64>,
    max: Option<f64>,
}

impl ScorerKind for Threshold {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let min = args.number("min", f64::MIN, f64::MAX)?;
        let max = args.number("max", f64::MIN, f64::MAX)?;
        let fold = match (min, max) {
            (None, None) => return Err(args.error("min", "say `min`, `max` or both")),
            (Some(min), Some(max)) if min > max => {
                return Err(args.error("min", format!("{min} is above `max`, {max}")));
            }
            (min, max) => Between { min, max },
        };
        Ok(Compound::new(vec![one_part(args)?], fold).into_built())
    }
}

impl Fold for Between {
    fn fold(&self, parts: &[Part], verdicts: Vec<Verdict>) -> Verdict {
        let Some(Verdict::Scored(Score { value, .. })) = verdicts.first() else {
            return unscored(parts.iter().zip(verdicts));
        };
        let low = self.min.filter(|min| value < min).map(|min| format!("below {min}: "));
        let high = self.max.filter(|max| value > max).map(|max| format!("above {max}: "));
        let why = low.or(high);
        let score = Score::binary(why.is_none());
        let said = explained(parts, &verdicts);
        Verdict::Scored(score.because(match why {
            Some(why) => crate::base::text::one_line(&format!("{why}{said}"), super::EXPLAINED),
            None => said,
        }))
    }
}
