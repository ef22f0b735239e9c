//! Translation edit rate: what it takes to turn the output into a reference.

mod edits;
mod tokens;

use edits::edits;
use tokens::Tokens;

use crate::{
    domain::score::Corpus,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind,
        against::{Compare, Found, MAX, errors},
        python_text::split,
        words::Ids,
    },
};

static CARD: Card = Card {
    name: "ter",
    summary: "Insertions, deletions, substitutions and shifts of words that lead to the expected answer, by its length.",
    range: Range::Number { unit: "edits/word" },
    better: Better::Lower,
    reads_output: true,
    options: &[
        MAX,
        OptionCard {
            name: "normalized",
            kind: "flag",
            default: "false",
            doc: "Cuts punctuation from words and reads four entities of HTML.",
        },
        OptionCard {
            name: "no_punct",
            kind: "flag",
            default: "false",
            doc: "Drops `.`, `,`, `?`, `:`, `;`, `!`, `\"`, `(` and `)`.",
        },
        OptionCard {
            name: "asian_support",
            kind: "flag",
            default: "false",
            doc: "With `normalized`, each Chinese character is a word; with `no_punct`, East Asian punctuation is dropped too.",
        },
        OptionCard {
            name: "case_sensitive",
            kind: "flag",
            default: "false",
            doc: "Does not compare in lower case.",
        },
    ],
    edge_cases: &[
        "The value is sacreBLEU's divided by 100; it may be above 1.",
        "The metric `mean` is the mean over answers, `corpus` the edits of all answers by all words.",
        "Of several expected answers the fewest edits count, and the mean of their lengths.",
        "Against an empty expected answer any words are a rate of 1, none are 0.",
        "Texts of more than 20,000 words are a failure of the scorer.",
    ],
    source: "Snover et al. 2006; `TER` of sacrebleu 2.6.0, which follows Tercom with its beam and limits",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Ter;

#[derive(Debug)]
struct Rate {
    tokens: Tokens,
}

impl ScorerKind for Ter {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let tokens = Tokens {
            normalized: args.flag("normalized")?,
            no_punct: args.flag("no_punct")?,
            asian: args.flag("asian_support")?,
            case_sensitive: args.flag("case_sensitive")?,
        };
        errors(args, Rate { tokens })
    }
}

impl Compare for Rate {
    fn compare(&self, expected: &[String], output: &str) -> Result<Found, String> {
        let output = self.tokens.apply(output);
        // SacreBLEU cuts references twice, which matters where the first cut makes blanks.
        let twice = |text: &String| {
            let once = self.tokens.apply(text);
            self.tokens.apply(&split(&once).collect::<Vec<_>>().join(" "))
        };
        let expected: Vec<String> = expected.iter().map(twice).collect();
        let mut ids = Ids::default();
        let output = ids.of_words(&output);
        let (mut fewest, mut lengths) = (usize::MAX, 0);
        for reference in &expected {
            let reference = ids.of_words(reference);
            fewest = fewest.min(edits(&output, &reference)?);
            lengths += reference.len();
        }
        let counts = vec![fewest as f64, lengths as f64 / expected.len() as f64];
        Ok(Found::counted(Corpus::EditRate, counts))
    }

    fn corpus(&self) -> Option<Corpus> {
        Some(Corpus::EditRate)
    }
}
