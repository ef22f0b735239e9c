//! How alike the output and the expected answer are, letter by letter.

use rapidfuzz::distance::levenshtein::normalized_similarity;

use crate::{
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{accepted, difference, output},
    },
};

static CARD: Card = Card {
    name: "levenshtein",
    summary: "1 minus the edit distance to the expected answer, as a share of the longer text.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[OptionCard {
        name: "threshold",
        kind: "number from 0 to 1",
        default: "none: neither passed nor failed",
        doc: "The value from which on the answer has passed.",
    }],
    edge_cases: &[
        "Of several expected answers the most alike counts.",
        "Insertion, deletion and substitution of a code point cost 1 each; an emoji of several code \
         points counts as several.",
        "Two empty texts are alike: 1.",
    ],
    source: "Levenshtein 1966; `Levenshtein.normalized_similarity` of rapidfuzz",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Levenshtein;

#[derive(Debug)]
struct Similarity {
    threshold: Option<f64>,
}

impl ScorerKind for Levenshtein {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        Ok(Built::pure(Similarity { threshold: args.number("threshold", 0.0, 1.0)? }))
    }
}

impl Scorer for Similarity {
    fn needs_expected(&self) -> bool {
        true
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let expected = match accepted(subject) {
            Ok(expected) => expected,
            Err(verdict) => return verdict,
        };
        let (value, reason) = match (output(subject), subject.output) {
            (Ok(output), _) => {
                let alike = |text: &String| normalized_similarity(text.chars(), output.chars());
                let best = expected.iter().map(alike).fold(0.0, f64::max);
                (best, (best < 1.0).then(|| difference(expected, output)))
            }
            (Err(Verdict::Scored(nothing)), _) => (nothing.value, nothing.explanation),
            (Err(verdict), _) => return verdict,
        };
        let passed = self.threshold.map(|threshold| value >= threshold);
        Verdict::Scored(Score { passed, explanation: reason, ..Score::number(value) })
    }
}
