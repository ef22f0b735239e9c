//! METEOR: words matched one to one, and how torn apart the matches are.

use std::collections::HashMap;

use crate::scorer::{
    ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind,
    against::{Compare, Found, THRESHOLD, best, higher, likeness},
    porter::stem,
    python_text::split,
};

static CARD: Card = Card {
    name: "meteor",
    summary: "Mean of precision and recall of words and then of their stems, less for matches that are torn apart.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        THRESHOLD,
        OptionCard {
            name: "exact_only",
            kind: "flag",
            default: "false",
            doc: "Matches words only, not their stems after Porter.",
        },
        OptionCard {
            name: "alpha",
            kind: "number from 0 to 1",
            default: "0.9",
            doc: "The weight of precision against recall.",
        },
        OptionCard {
            name: "beta",
            kind: "number from 0 to 100",
            default: "3",
            doc: "The power of the share of chunks in the penalty.",
        },
        OptionCard {
            name: "gamma",
            kind: "number from 0 to 1",
            default: "0.5",
            doc: "The highest penalty.",
        },
    ],
    edge_cases: &[
        "Synonyms do not match: nltk's third stage needs WordNet and is left out.",
        "Words are what stands between white space, in lower case; punctuation stays with its word.",
        "Of several expected answers the best one counts; without a match the value is 0.",
    ],
    source: "Lavie and Agarwal 2007; `meteor_score` of nltk 3.10.4 without synonyms, on `str.split`",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Meteor;

#[derive(Debug)]
struct Matched {
    exact_only: bool,
    alpha: f64,
    beta: f64,
    gamma: f64,
}

impl ScorerKind for Meteor {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let compare = Matched {
            exact_only: args.flag("exact_only")?,
            alpha: args.number("alpha", 0.0, 1.0)?.unwrap_or(0.9),
            beta: args.number("beta", 0.0, 100.0)?.unwrap_or(3.0),
            gamma: args.number("gamma", 0.0, 1.0)?.unwrap_or(0.5),
        };
        likeness(args, compare)
    }
}

impl Compare for Matched {
    fn compare(&self, expected: &[String], output: &str) -> Result<Found, String> {
        let output = lower_words(output);
        best(expected, higher, |reference| {
            Ok(Found::value(self.value(&output, &lower_words(reference))))
        })
    }
}

impl Matched {
    fn value(&self, output: &[String], reference: &[String]) -> f64 {
        let ours: Vec<usize> = (0..output.len()).collect();
        let theirs: Vec<usize> = (0..reference.len()).collect();
        let word = |words: &[String], at: usize| words[at].clone();
        let mut found = Vec::new();
        let (ours, theirs) = pair(
            &keyed(&ours, |at| word(output, at)),
            &keyed(&theirs, |at| word(reference, at)),
            &mut found,
        );
        if !self.exact_only {
            pair(
                &keyed(&ours, |at| stem(&output[at])),
                &keyed(&theirs, |at| stem(&reference[at])),
                &mut found,
            );
        }
        if found.is_empty() {
            return 0.0;
        }
        found.sort_unstable();
        let apart = found.windows(2).filter(|pair| (pair[0].0 + 1, pair[0].1 + 1) != pair[1]);
        let (matched, chunks) = (found.len() as f64, apart.count() as f64 + 1.0);
        let (precision, recall) = (matched / output.len() as f64, matched / reference.len() as f64);
        let mean = precision * recall / (self.alpha * precision + (1.0 - self.alpha) * recall);
        (1.0 - self.gamma * (chunks / matched).powf(self.beta)) * mean
    }
}

fn lower_words(text: &str) -> Vec<String> {
    split(text).map(str::to_lowercase).collect()
}

/// The places of `places` with what is compared there.
fn keyed(places: &[usize], key: impl Fn(usize) -> String) -> Vec<(usize, String)> {
    places.iter().map(|at| (*at, key(*at))).collect()
}

/// Pairs words that are equal, from the end; gives the places that are left on both sides.
fn pair(
    ours: &[(usize, String)],
    theirs: &[(usize, String)],
    found: &mut Vec<(usize, usize)>,
) -> (Vec<usize>, Vec<usize>) {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, word) in theirs {
        places.entry(word).or_default().push(*at);
    }
    let mut left = Vec::new();
    for (at, word) in ours.iter().rev() {
        match places.get_mut(word.as_str()).and_then(Vec::pop) {
            Some(other) => found.push((*at, other)),
            None => left.push(*at),
        }
    }
    left.reverse();
    let mut left_there: Vec<usize> = places.into_values().flatten().collect();
    left_there.sort_unstable();
    (left, left_there)
}
