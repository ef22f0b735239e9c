//! How long the output is.

use unicode_segmentation::UnicodeSegmentation;

use crate::{
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        bounds::{Bounds, MAX, MIN, VALUE},
        compare::output,
    },
};

const UNITS: [&str; 6] = ["chars", "graphemes", "bytes", "words", "sentences", "tokens"];

static CARD: Card = Card {
    name: "length",
    summary: "How long the output is, in characters, words, sentences or tokens.",
    range: Range::Number { unit: "chars" },
    better: Better::Lower,
    reads_output: true,
    options: &[
        OptionCard {
            name: "unit",
            kind: "chars, graphemes, bytes, words, sentences or tokens",
            default: "chars",
            doc: "What is counted.",
        },
        MIN,
        MAX,
        VALUE,
    ],
    edge_cases: &[
        "`chars` are code points, as Python's `len` counts; `graphemes` are what a reader takes for \
         a character, so that a family emoji is one.",
        "`words` are the segments between the word boundaries of UAX #29 that hold a letter or a \
         digit: `can't` and `3.5` are one, Han and Hiragana count by the character.",
        "`sentences` are those of UAX #29 that hold a letter or a digit; it knows no abbreviations, \
         so that `Mr. Smith` ends one.",
        "`tokens` are the provider's count for the whole answer without its reasoning, whatever was \
         extracted; where the provider says nothing there is no score.",
        "White space at the ends counts as written.",
        "Without bounds it has neither passed nor failed; shorter is called better, since one value \
         has to be.",
    ],
    source: "Unicode Standard Annex #29, as in the Rust crate `unicode-segmentation`",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Length;

#[derive(Debug)]
struct Counter {
    unit: &'static str,
    bounds: Bounds,
}

impl ScorerKind for Length {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let unit = args.name("unit", &UNITS)?.unwrap_or("chars");
        Ok(Built::pure(Counter { unit, bounds: Bounds::read(args)? }))
    }
}

fn has_letter(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

impl Counter {
    fn count(&self, subject: &Subject<'_>, text: &str) -> Option<u64> {
        let count = match self.unit {
            "bytes" => text.len(),
            "graphemes" => text.graphemes(true).count(),
            "words" => text.split_word_bounds().filter(|word| has_letter(word)).count(),
            // The crate subtracts 1 from the length of a text that it takes for at least one sentence.
            "sentences" if text.is_empty() => 0,
            "sentences" => text.split_sentence_bounds().filter(|part| has_letter(part)).count(),
            "tokens" => {
                let usage = subject.generation.usage?;
                return Some(usage.output.saturating_sub(usage.reasoning));
            }
            _ => text.chars().count(),
        };
        Some(count as u64)
    }
}

impl Scorer for Counter {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let text = match output(subject) {
            Ok(text) => text,
            Err(Verdict::Scored(nothing)) => {
                let passed = self.bounds.check(0.0);
                return Verdict::Scored(Score { passed, ..nothing });
            }
            Err(verdict) => return verdict,
        };
        let Some(count) = self.count(subject, text) else {
            return Verdict::Skipped("the provider gives no count of tokens".to_owned());
        };
        self.bounds.verdict(count as f64, self.unit)
    }
}
