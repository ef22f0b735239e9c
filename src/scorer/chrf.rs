//! chrF and chrF++: how many character n-grams, and word n-grams, two texts share.

use crate::{
    domain::score::Corpus,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind,
        against::{Compare, Found, THRESHOLD, best, higher, likeness},
        ngrams::{matches, sorted},
        python_text::{is_space, split},
        words::Ids,
    },
};

static CARD: Card = Card {
    name: "chrf",
    summary: "F-score of the character n-grams shared with the expected answer, and with `word_order` of word n-grams too.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        THRESHOLD,
        OptionCard {
            name: "char_order",
            kind: "whole number from 1 to 6",
            default: "6",
            doc: "The longest character n-grams.",
        },
        OptionCard {
            name: "word_order",
            kind: "whole number from 0 to 4",
            default: "0",
            doc: "The longest word n-grams; 2 makes it chrF++.",
        },
        OptionCard {
            name: "beta",
            kind: "number from 0 to 100",
            default: "2",
            doc: "How many times recall weighs as much as precision.",
        },
        OptionCard {
            name: "lowercase",
            kind: "flag",
            default: "false",
            doc: "Compares in lower case.",
        },
        OptionCard {
            name: "whitespace",
            kind: "flag",
            default: "false",
            doc: "White space is part of character n-grams.",
        },
    ],
    edge_cases: &[
        "The value is sacreBLEU's divided by 100.",
        "The metric `mean` is the mean over answers, `corpus` the value of all answers as one text.",
        "Of several expected answers the most alike counts.",
        "Orders that one of the two texts is too short for are left out; two empty texts score 0.",
        "Only ASCII punctuation is taken off words, one sign from the end or else from the start.",
    ],
    source: "Popović 2015 and 2017; `CHRF` of sacrebleu 2.6.0",
};

/// Bits of a code point; six of them fit an n-gram.
const CHAR_BITS: u32 = 21;

/// The kind.
#[derive(Debug)]
pub(super) struct Chrf;

#[derive(Debug)]
struct FScore {
    char_order: usize,
    word_order: usize,
    lowercase: bool,
    whitespace: bool,
    corpus: Corpus,
}

impl ScorerKind for Chrf {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let order = |name: &str, least: f64, most: f64, default: usize| {
            let Some(order) = args.number(name, least, most)? else { return Ok(default) };
            let whole = order.fract().abs() < f64::EPSILON;
            whole
                .then_some(order as usize)
                .ok_or_else(|| args.error(name, "must be a whole number"))
        };
        let compare = FScore {
            char_order: order("char_order", 1.0, 6.0, 6)?,
            word_order: order("word_order", 0.0, 4.0, 0)?,
            lowercase: args.flag("lowercase")?,
            whitespace: args.flag("whitespace")?,
            corpus: Corpus::Chrf { beta: args.number("beta", 0.0, 100.0)?.unwrap_or(2.0) },
        };
        likeness(args, compare)
    }
}

impl FScore {
    /// The sorted n-grams of `text`: characters of every order, then words of every order.
    fn grams<'a>(&self, text: &'a str, ids: &mut Ids<'a>) -> Vec<Vec<u128>> {
        let keep = |c: &char| self.whitespace || !is_space(*c);
        let chars: Vec<u32> = text.chars().filter(keep).map(u32::from).collect();
        let mut grams: Vec<_> =
            (1..=self.char_order).map(|n| sorted(&chars, n, CHAR_BITS)).collect();
        if self.word_order > 0 {
            let words: Vec<u32> = split(text).flat_map(apart).map(|word| ids.of(word)).collect();
            grams.extend((1..=self.word_order).map(|n| sorted(&words, n, 32)));
        }
        grams
    }

    fn lower(&self, text: &str) -> Option<String> {
        self.lowercase.then(|| text.to_lowercase())
    }
}

/// A word, with one sign of punctuation cut from its end or else from its start.
fn apart(word: &str) -> impl Iterator<Item = &str> {
    let is_punct = |c: char| c.is_ascii_punctuation();
    let last = word.char_indices().next_back().map_or(0, |(at, _)| at);
    let cut = match () {
        // One character, whatever it is.
        () if last == 0 => None,
        () if word.ends_with(is_punct) => Some(last),
        () if word.starts_with(is_punct) => Some(1),
        () => None,
    };
    let (head, tail) = cut.map_or((word, None), |at| (&word[..at], Some(&word[at..])));
    std::iter::once(head).chain(tail)
}

impl Compare for FScore {
    fn compare(&self, expected: &[String], output: &str) -> Result<Found, String> {
        let lowered: Vec<Option<String>> = expected.iter().map(|text| self.lower(text)).collect();
        let lower = self.lower(output);
        let output = lower.as_deref().unwrap_or(output);
        let mut ids = Ids::default();
        let grams = self.grams(output, &mut ids);
        let references: Vec<Vec<Vec<u128>>> = expected
            .iter()
            .zip(&lowered)
            .map(|(text, lower)| self.grams(lower.as_ref().unwrap_or(text), &mut ids))
            .collect();
        best(&references, higher, |reference| {
            let count = |(grams, reference): (&Vec<u128>, &Vec<u128>)| {
                let all = if reference.is_empty() { 0 } else { grams.len() };
                [all, reference.len(), matches(grams, &[reference])].map(|count| count as f64)
            };
            let counts = grams.iter().zip(reference).flat_map(count).collect();
            Ok(Found::counted(self.corpus, counts))
        })
    }

    fn corpus(&self) -> Option<Corpus> {
        Some(self.corpus)
    }
}
