//! How near the output's number is to the expected one.

use crate::scorer::{
    ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind,
    against::{Compare, Found, THRESHOLD, best, higher, likeness},
    compare::quoted,
    quantity::{self, Quantity},
};

static CARD: Card = Card {
    name: "numeric_diff",
    summary: "1 minus the difference to the expected number, as a share of the sum of their sizes.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        THRESHOLD,
        OptionCard {
            name: "find",
            kind: "first or last",
            default: "the whole output must be a number",
            doc: "Takes the first or the last number out of the output.",
        },
    ],
    edge_cases: &[
        "Numbers of different signs, and any number against 0, score 0; 0 against 0 scores 1.",
        "Numbers of different signs near 1e308 score 0 as well; the reference overflows there, to no \
         number.",
        "Numbers are read as by `numeric`; a percent sign on one side makes the number a hundredth, \
         if that is nearer.",
        "An output without a number scores 0; an expected answer that is no number is a failure of \
         the scorer.",
    ],
    source: "`NumericDiff` of autoevals 0.4.1",
};

/// The kind.
#[derive(Debug)]
pub(super) struct NumericDiff;

#[derive(Debug)]
struct Nearness {
    read: fn(&str) -> Option<Quantity>,
}

impl ScorerKind for NumericDiff {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let read = match args.name("find", &["first", "last"])? {
            None => quantity::whole,
            Some("first") => quantity::first,
            Some(_) => quantity::last,
        };
        likeness(args, Nearness { read })
    }
}

impl Compare for Nearness {
    fn compare(&self, expected: &[String], output: &str) -> Result<Found, String> {
        let got = (self.read)(output);
        best(expected, higher, |reference| {
            let wanted = quantity::whole(reference).ok_or_else(|| {
                format!("the expected answer {} is not a number", quoted(reference))
            })?;
            Ok(Found::value(got.map_or(0.0, |got| nearness(got, wanted))))
        })
    }
}

fn nearness(got: Quantity, wanted: Quantity) -> f64 {
    let share = |quantity: Quantity| {
        if quantity.percent { quantity.value / 100.0 } else { quantity.value }
    };
    let written = near(got.value, wanted.value);
    if got.percent == wanted.percent {
        written
    } else {
        written.max(near(share(got), share(wanted)))
    }
}

fn near(a: f64, b: f64) -> f64 {
    // Divided by the larger size first, so that no sum is out of range.
    let size = a.abs().max(b.abs());
    if size <= 0.0 {
        return 1.0;
    }
    let (a, b) = (a / size, b / size);
    1.0 - (a - b).abs() / (a.abs() + b.abs())
}
