//! Whether the output is the expected number.

use std::borrow::Cow;

use crate::{
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{accepted, difference, output, quoted, yes_or_no},
        quantity::{self, Quantity},
    },
};

static CARD: Card = Card {
    name: "numeric",
    summary: "Whether the output is the expected number, however it is written.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "find",
            kind: "first or last",
            default: "the whole output must be a number",
            doc: "Takes the first or the last number out of the output.",
        },
        OptionCard {
            name: "decimal",
            kind: "point or comma",
            default: "point",
            doc: "What stands before the decimals, on both sides: with `comma`, `1.234,5` is 1234.5.",
        },
        OptionCard {
            name: "abs_tol",
            kind: "number",
            default: "0",
            doc: "The difference that is allowed.",
        },
        OptionCard {
            name: "rel_tol",
            kind: "number",
            default: "1e-9",
            doc: "The difference that is allowed, as a share of the larger of the two numbers.",
        },
    ],
    edge_cases: &[
        "Read are `1,234.5`, `-$5`, `5 apples`, `1/2`, `1 1/2`, `2½`, `2e3`, `2 × 10^3`, \
         `1.8 billion`; not numbers in words, and `1.234,5` only with `decimal: comma`.",
        "With a percent sign on both sides, or on none, numbers count as written; with one on one \
         side `5%` equals `5` and `0.05`.",
        "An output without a number scores 0; an expected answer that is no number is a failure of \
         the scorer, unless another one matches.",
        "With the `rel_tol` of 1e-9 digits beyond the ninth make no difference.",
    ],
    source: "tolerances as in Python's `math.isclose`",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Numeric;

#[derive(Debug, Clone, Copy)]
enum Find {
    Whole,
    First,
    Last,
}

#[derive(Debug)]
struct Close {
    find: Find,
    comma: bool,
    abs_tol: f64,
    rel_tol: f64,
}

impl ScorerKind for Numeric {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let find = match args.name("find", &["first", "last"])? {
            None => Find::Whole,
            Some("first") => Find::First,
            Some(_) => Find::Last,
        };
        let comma = args.name("decimal", &["point", "comma"])? == Some("comma");
        let abs_tol = args.number("abs_tol", 0.0, f64::MAX)?.unwrap_or(0.0);
        let rel_tol = args.number("rel_tol", 0.0, 1.0)?.unwrap_or(1e-9);
        Ok(Built::pure(Close { find, comma, abs_tol, rel_tol }))
    }
}

impl Close {
    fn read(&self, output: &str) -> Option<Quantity> {
        let output = self.plain(output);
        match self.find {
            Find::Whole => quantity::whole(&output),
            Find::First => quantity::first(&output),
            Find::Last => quantity::last(&output),
        }
    }

    fn plain<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let spelt = quantity::spelt_out(text);
        if self.comma { Cow::Owned(quantity::with_points(&spelt)) } else { spelt }
    }

    fn is_close(&self, a: f64, b: f64) -> bool {
        let allowed = self.abs_tol.max(self.rel_tol * a.abs().max(b.abs()));
        (a - b).abs() <= allowed
    }

    fn equal(&self, got: Quantity, expected: Quantity) -> bool {
        let share = |quantity: Quantity| {
            if quantity.percent { quantity.value / 100.0 } else { quantity.value }
        };
        self.is_close(got.value, expected.value)
            || (got.percent != expected.percent && self.is_close(share(got), share(expected)))
    }

    fn no_number(&self, output: &str) -> String {
        match self.find {
            Find::Whole if quantity::first(&self.plain(output)).is_some() => {
                format!("{} is more than a number; `find` takes one out of it", quoted(output))
            }
            _ => format!("no number in {}", quoted(output)),
        }
    }
}

impl Scorer for Close {
    fn needs_expected(&self) -> bool {
        true
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let expected = match accepted(subject) {
            Ok(expected) => expected,
            Err(verdict) => return verdict,
        };
        let numbers: Vec<Option<Quantity>> =
            expected.iter().map(|text| quantity::whole(&self.plain(text))).collect();
        let matched = |got| numbers.iter().flatten().any(|number| self.equal(got, *number));
        let got = subject.output.and_then(|output| self.read(output));
        if got.is_some_and(matched) {
            return yes_or_no(true, String::new);
        }
        if let Some(broken) = numbers.iter().position(Option::is_none) {
            let text = quoted(&expected[broken]);
            return Verdict::Failed(format!("the expected answer {text} is not a number"));
        }
        match (output(subject), got) {
            (Err(verdict), _) => verdict,
            (Ok(output), None) => {
                Verdict::Scored(Score::binary(false).because(self.no_number(output)))
            }
            (Ok(output), Some(_)) => yes_or_no(false, || difference(expected, output)),
        }
    }
}
