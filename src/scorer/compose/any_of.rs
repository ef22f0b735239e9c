//! Whether one of several scorers passes.

use super::{Compound, Fold, OPTION_OF, explained, part::Part, parts, passed, unscored};
use crate::{
    domain::score::{Score, Verdict},
    scorer::{ArgError, Args, Better, Built, Card, Range, ScorerKind},
};

static CARD: Card = Card {
    name: "any_of",
    summary: "Whether one of several scorers passes.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[OPTION_OF],
    edge_cases: &[
        "One part that passes decides, whatever the others say; else a part without a score leaves the whole without one.",
        "A part without a pass mark, such as `levenshtein` without `threshold`, counts as one without a score.",
        "The explanation says what each part gave.",
    ],
    source: "Kleene's three-valued logic",
};

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct AnyOf;

#[derive(Debug)]
struct AtLeastOne;

impl ScorerKind for AnyOf {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        Ok(Compound::new(parts(args)?, AtLeastOne).into_built())
    }
}

impl Fold for AtLeastOne {
    fn fold(&self, parts: &[Part], verdicts: Vec<Verdict>) -> Verdict {
        let marks: Vec<_> = verdicts.iter().map(passed).collect();
        let decided = marks.contains(&Ok(true));
        if !decided && marks.iter().any(Result::is_err) {
            let open = parts.iter().zip(marks);
            return unscored(open.filter_map(|(part, mark)| Some((part, mark.err()?))));
        }
        let score = Score::binary(decided);
        Verdict::Scored(score.because(explained(parts, &verdicts)))
    }
}
