//! METEOR: words matched one to one, and how torn apart the matches are.

use crate::scorer::{
    ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind,
    against::{Compare, Found, THRESHOLD, best, higher, likeness},
    porter::stem,
    python_text::split,
    words::{Ids, Numbers},
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
        let output = output.to_lowercase();
        let expected: Vec<String> = expected.iter().map(|text| text.to_lowercase()).collect();
        let output: Vec<&str> = split(&output).collect();
        best(&expected, higher, |reference| {
            let reference: Vec<&str> = split(reference).collect();
            Ok(Found::value(self.value(&output, &reference)))
        })
    }
}

impl Matched {
    fn value(&self, output: &[&str], reference: &[&str]) -> f64 {
        let mut found = Vec::new();
        let mut ids = Ids::with_room(output.len() + reference.len());
        let ours: Vec<_> = output.iter().map(|word| ids.of(*word)).enumerate().collect();
        let theirs: Vec<_> = reference.iter().map(|word| ids.of(*word)).enumerate().collect();
        let (ours, theirs) = pair(&ours, &theirs, &mut found);
        if !self.exact_only {
            let mut stems: Numbers<String> = Numbers::with_room(ours.len() + theirs.len());
            let mut stemmed = |places: &[usize], words: &[&str]| -> Vec<(usize, u32)> {
                places.iter().map(|at| (*at, stems.of(stem(words[*at])))).collect()
            };
            let (ours, theirs) = (stemmed(&ours, output), stemmed(&theirs, reference));
            pair(&ours, &theirs, &mut found);
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

/// Pairs words that are equal, from the end; gives the places that are left on both sides, in order.
/// Words are places with numbers.
fn pair(
    ours: &[(usize, u32)],
    theirs: &[(usize, u32)],
    found: &mut Vec<(usize, usize)>,
) -> (Vec<usize>, Vec<usize>) {
    let kinds = ours.iter().chain(theirs).map(|(_, number)| *number as usize + 1).max();
    // Of each number the last of theirs that is left, and for each of theirs the one before it.
    let mut last: Vec<Option<usize>> = vec![None; kinds.unwrap_or(0)];
    let mut before: Vec<Option<usize>> = Vec::with_capacity(theirs.len());
    for (index, (_, number)) in theirs.iter().enumerate() {
        before.push(last[*number as usize].replace(index));
    }
    let mut taken = vec![false; theirs.len()];
    let mut left = Vec::new();
    for (at, number) in ours.iter().rev() {
        match last[*number as usize] {
            Some(index) => {
                last[*number as usize] = before[index];
                taken[index] = true;
                found.push((*at, theirs[index].0));
            }
            None => left.push(*at),
        }
    }
    left.reverse();
    let left_there = theirs.iter().zip(taken).filter(|(_, taken)| !taken);
    (left, left_there.map(|((at, _), _)| *at).collect())
}
