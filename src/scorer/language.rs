//! Whether the output is in a language.

use crate::{
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{output, quoted, wanted},
        tongue,
    },
};

static CARD: Card = Card {
    name: "language",
    summary: "Whether the output is in one of the expected languages.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "value",
            kind: "code or list of codes: en, pt-BR, deu",
            default: "the expected answers",
            doc: "The languages, by their codes of ISO 639-1 or 639-3; what follows a hyphen is left out.",
        },
        OptionCard {
            name: "confidence",
            kind: "number from 0 to 1",
            default: "0",
            doc: "How sure the guess must be; an output that is less clear is not scored.",
        },
    ],
    edge_cases: &[
        "The label is the language that was found, by its code of two letters.",
        "It is a guess from letters and their sequences, good for a sentence or more; single words, \
         names and code are often taken for another language.",
        "An output of several languages has the one that most of its beginning is in; 16 kB are \
         looked at.",
        "An output without a letter is not scored: no language can be told.",
        "71 languages are told apart; a code of another one is refused, in an expected answer it is \
         a failure of the scorer. Bokmål, Nynorsk and `no` are one, as are the scripts of Chinese.",
        "Swahili is told by its commonest words.",
    ],
    source: "trigrams and alphabets, as in the Rust crate `whatlang` 0.18",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Language;

#[derive(Debug)]
struct Detector {
    values: Option<Vec<String>>,
    confidence: f64,
}

impl ScorerKind for Language {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let values = args.texts("value")?;
        if let Some(unknown) = values.iter().flatten().find(|v| tongue::code(v).is_none()) {
            let message = format!("{} is no language that can be told", quoted(unknown));
            return Err(args.error("value", message));
        }
        let confidence = args.number("confidence", 0.0, 1.0)?.unwrap_or(0.0);
        Ok(Built::pure(Detector { values, confidence }))
    }
}

impl Scorer for Detector {
    fn needs_expected(&self) -> bool {
        self.values.is_none()
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let sides = wanted(self.values.as_deref(), subject).and_then(|w| Ok((w, output(subject)?)));
        let (wanted, output) = match sides {
            Ok(sides) => sides,
            Err(verdict) => return verdict,
        };
        let mut codes = Vec::with_capacity(wanted.len());
        for written in wanted {
            let Some(code) = tongue::code(written) else {
                let written = quoted(written);
                return Verdict::Failed(format!("{written} is no language that can be told"));
            };
            codes.push(code);
        }
        let Some((found, confidence)) = tongue::detect(output) else {
            return Verdict::Skipped(format!("no language can be told of {}", quoted(output)));
        };
        if confidence < self.confidence {
            return Verdict::Skipped(format!(
                "it may be `{found}`, with {confidence:.2} confidence"
            ));
        }
        let passed = codes.contains(&found);
        let score = Score { label: Some(found.to_owned()), ..Score::binary(passed) };
        Verdict::Scored(if passed {
            score
        } else {
            score.because(format!("expected `{}`, got `{found}`", codes.join("` or `")))
        })
    }
}
