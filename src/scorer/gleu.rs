//! GLEU: n-grams shared with a reference, by the longer side; made for single sentences.

use crate::{
    domain::score::Corpus,
    scorer::{
        ArgError, Args, Better, Built, Card, Range, ScorerKind,
        against::{Compare, Found, THRESHOLD, best, higher, likeness},
        ngrams::Grams,
        words::Ids,
    },
};

static CARD: Card = Card {
    name: "gleu",
    summary: "The lesser of precision and recall of all 1- to 4-grams shared with the expected answer.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[THRESHOLD],
    edge_cases: &[
        "Words are what stands between white space, with case and punctuation as they are.",
        "The metric `mean` is the mean over answers, `corpus` the value of all answers as one text.",
        "Of several expected answers the best one counts; two empty texts score 0, as in nltk.",
    ],
    source: "Wu et al. 2016; `sentence_gleu` and `corpus_gleu` of nltk 3.10.4, on `str.split`",
};

/// The longest n-grams.
const ORDERS: usize = 4;

/// The kind.
#[derive(Debug)]
pub(super) struct Gleu;

#[derive(Debug)]
struct Shared;

impl ScorerKind for Gleu {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        likeness(args, Shared)
    }
}

impl Compare for Shared {
    fn compare(&self, expected: &[String], output: &str) -> Result<Found, String> {
        let mut ids = Ids::for_texts(expected.iter().map(String::as_str).chain([output]));
        let output = ids.of_words(output);
        let references: Vec<Vec<u32>> = expected.iter().map(|text| ids.of_words(text)).collect();
        let bits = ids.bits();
        let output = Grams::new(&output, ORDERS, bits);
        let references: Vec<Grams> =
            references.iter().map(|words| Grams::new(words, ORDERS, bits)).collect();
        let count = |grams: &Grams| (1..=ORDERS).map(|n| grams.count(n)).sum::<usize>();
        let all = |reference: &Grams| count(&output).max(count(reference));
        // For an empty output an empty reference is passed over when there are others.
        let filled: Vec<_> = references.iter().filter(|reference| all(reference) > 0).collect();
        if filled.is_empty() {
            return Ok(Found::counted(Corpus::Share, vec![0.0, 0.0]));
        }
        best(filled, higher, |reference| {
            let shared: usize = (1..=ORDERS).map(|n| output.matches(&[reference], n)).sum();
            Ok(Found::counted(Corpus::Share, vec![shared as f64, all(reference) as f64]))
        })
    }

    fn corpus(&self) -> Option<Corpus> {
        Some(Corpus::Share)
    }
}
