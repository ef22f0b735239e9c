//! Whether the output is the expected answer.

use crate::{
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{accepted, difference, output, yes_or_no},
        normalize::{NAMES, Normalize},
    },
};

static CARD: Card = Card {
    name: "exact_match",
    summary: "Whether the output equals one of the expected answers.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[OptionCard {
        name: "normalize",
        kind: "list of nfkc, casefold, punctuation, articles, whitespace, trim",
        default: "none",
        doc: "What is done to both sides first, in this order: `nfkc` compatibility characters; \
              `casefold` full Unicode case folding; `punctuation` drops Unicode category P; \
              `articles` drops the words a, an, the; `whitespace` makes runs one blank; `trim`.",
    }],
    edge_cases: &[
        "Without `normalize` every code point counts: `1` is not `1.0`, `é` is not `e` + accent.",
        "Symbols such as `$`, `+` and `<` are no punctuation and stay.",
        "Two texts of which nothing is left are equal.",
    ],
    source: "SQuAD's exact match (Rajpurkar et al. 2016) is casefold, punctuation, articles, \
             whitespace, trim, with ASCII punctuation in place of Unicode's.",
};

/// The kind.
#[derive(Debug)]
pub(super) struct ExactMatch;

#[derive(Debug)]
struct Exact(Normalize);

impl ScorerKind for ExactMatch {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        Ok(Built::pure(Exact(Normalize::new(&args.names("normalize", &NAMES)?))))
    }
}

impl Scorer for Exact {
    fn needs_expected(&self) -> bool {
        true
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let (expected, output) = match accepted(subject).and_then(|e| Ok((e, output(subject)?))) {
            Ok(sides) => sides,
            Err(verdict) => return verdict,
        };
        let got = self.0.apply(output);
        let matches = expected.iter().any(|text| self.0.apply(text) == got);
        yes_or_no(matches, || difference(expected, output))
    }
}
