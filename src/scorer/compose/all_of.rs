//! Whether all of several scorers pass.

use super::{Compound, Fold, OPTION_OF, explained, part::Part, parts, passed, unscored};
use crate::{
    domain::score::{Score, Verdict},
    scorer::{ArgError, Args, Better, Built, Card, Range, ScorerKind},
};

static CARD: Card = Card {
    name: "all_of",
    summary: "Whether all of several scorers pass.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[OPTION_OF],
    edge_cases: &[
        "One part that fails decides, whatever the others say; else a part without a score leaves the whole without one.",
        "A part without a pass mark, such as `levenshtein` without `threshold`, counts as one without a score.",
        "The explanation says what each part gave.",
    ],
    source: "Kleene's three-valued logic",
};

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct AllOf;

#[derive(Debug)]
struct Every;

impl ScorerKind for AllOf {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        Ok(Compound::new(parts(args)?, Every).into_built())
    }
}

impl Fold for Every {
    fn fold(&self, parts: &[Part], verdicts: Vec<Verdict>) -> Verdict {
        let marks: Vec<_> = verdicts.iter().map(passed).collect();
        let decided = marks.contains(&Ok(false));
        if !decided && marks.iter().any(Result::is_err) {
            let open = parts.iter().zip(marks);
            return unscored(open.filter_map(|(part, mark)| Some((part, mark.err()?))));
        }
        let score = Score::binary(!decided);
        Verdict::Scored(score.because(explained(parts, &verdicts)))
    }
}
