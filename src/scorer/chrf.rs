//! chrF and chrF++: how many character n-grams, and word n-grams, two texts share.

use crate::{
    domain::score::Corpus,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind,
        against::{Compare, Found, THRESHOLD, best, higher, likeness},
        ngrams::Grams,
        python_text::{is_space, split},
        words::{Ids, Numbers},
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
    /// The numbers of the characters and of the words of `text`.
    fn numbers<'a>(
        &self,
        text: &'a str,
        letters: &mut Letters,
        ids: &mut Ids<'a>,
    ) -> (Vec<u32>, Vec<u32>) {
        let keep = |c: &char| self.whitespace || !is_space(*c);
        let chars = text.chars().filter(keep).map(|c| letters.of(c)).collect();
        if self.word_order == 0 {
            return (chars, Vec::new());
        }
        (chars, split(text).flat_map(apart).map(|word| ids.of(word)).collect())
    }

    /// The n-grams of characters and those of words, each with its longest order.
    fn grams(
        &self,
        (chars, words): &(Vec<u32>, Vec<u32>),
        bits: (u32, u32),
    ) -> [(Grams, usize); 2] {
        [(chars, self.char_order, bits.0), (words, self.word_order, bits.1)]
            .map(|(items, order, bits)| (Grams::new(items, order, bits), order))
    }

    fn lower(&self, text: &str) -> Option<String> {
        self.lowercase.then(|| text.to_lowercase())
    }
}

/// Numbers for characters: most texts have few.
#[derive(Debug)]
struct Letters {
    /// Of ASCII; 0 where there is none yet, else the number and 1.
    ascii: [u32; 128],
    others: Numbers<char>,
    count: u32,
}

impl Default for Letters {
    fn default() -> Self {
        Self { ascii: [0; 128], others: Numbers::default(), count: 0 }
    }
}

impl Letters {
    fn of(&mut self, c: char) -> u32 {
        match self.ascii.get_mut(c as usize) {
            Some(number) => {
                if *number == 0 {
                    self.count += 1;
                    *number = self.count;
                }
                *number - 1
            }
            // Behind all of ASCII, whose numbers are still to come.
            None => 128 + self.others.of(c),
        }
    }

    /// Bits that every number fits into.
    fn bits(&self) -> u32 {
        match self.others.count() as u32 {
            0 => 32 - self.count.leading_zeros(),
            others => 32 - (128 + others).leading_zeros(),
        }
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
        let (mut letters, mut ids) = (Letters::default(), Ids::default());
        let output = self.numbers(output, &mut letters, &mut ids);
        let references: Vec<_> = expected
            .iter()
            .zip(&lowered)
            .map(|(text, lower)| {
                self.numbers(lower.as_ref().unwrap_or(text), &mut letters, &mut ids)
            })
            .collect();
        let bits = (letters.bits(), ids.bits());
        let grams = self.grams(&output, bits);
        best(&references, higher, |reference| {
            let reference = self.grams(reference, bits);
            let mut counts = Vec::with_capacity(3 * (self.char_order + self.word_order));
            for ((grams, order), (reference, _)) in grams.iter().zip(&reference) {
                for n in 1..=*order {
                    let there = reference.count(n);
                    let all = if there == 0 { 0 } else { grams.count(n) };
                    let found = [all, there, grams.matches(&[reference], n)];
                    counts.extend(found.map(|count| count as f64));
                }
            }
            Ok(Found::counted(self.corpus, counts))
        })
    }

    fn corpus(&self) -> Option<Corpus> {
        Some(self.corpus)
    }
}
