//! F1 of DROP: numbers, and answers of several spans.

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    domain::{sample::value_text, score::Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        against::THRESHOLD, assignment::greatest_sum, compare::accepted, graded::Graded,
        python_text, squad,
    },
};

/// Most spans of an answer: the work grows with their third power.
const MAX_SPANS: usize = 400;

static CARD: Card = Card {
    name: "drop_f1",
    summary: "How many words the output shares with the expected spans, numbers as numbers.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "separator",
            kind: "text",
            default: "none: the output is one span",
            doc: "What parts the output into spans; an output that is a JSON list is parted anyway.",
        },
        THRESHOLD,
    ],
    edge_cases: &[
        "An expected answer of several spans is a JSON list, `[\"Bears\", \"Lions\"]`: a list within \
         the list of expected answers. Of several expected answers the best counts.",
        "Spans of both sides are paired so that the sum is greatest; the mean is over the longer list.",
        "Words are a set here, parted at blanks and hyphens; a number counts by its value, and an \
         expected span with a number gives 0 unless the output has one of its numbers.",
        "The sign of a number is lost at the hyphen, and `$5.50` becomes 550, as in the reference.",
        "Rounded to two digits, as in the reference.",
        "An expected answer whose first span is blank does not count; when there is no other, the \
         scorer fails, where the reference gives 0. So it does beyond 400 spans.",
    ],
    source: "the evaluator of DROP (Dua et al. 2019), as in allennlp-models 2.10.1 and lm-eval 0.4.9.1",
};

/// The kind.
#[derive(Debug)]
pub(super) struct DropF1;

#[derive(Debug)]
struct Spans {
    separator: Option<String>,
    graded: Graded,
}

impl ScorerKind for DropF1 {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let separator = args.text("separator")?.map(str::to_owned);
        if separator.as_deref() == Some("") {
            return Err(args.error("separator", "an empty text parts nothing"));
        }
        Ok(Built::pure(Spans { separator, graded: Graded::read(args)? }))
    }
}

/// The spans of a JSON list of texts and numbers.
fn listed(text: &str) -> Option<Vec<String>> {
    if !text.trim_start().starts_with('[') {
        return None;
    }
    let items: Vec<Value> = serde_json::from_str(text).ok()?;
    let plain = |item: &Value| item.is_string() || item.is_number();
    (!items.is_empty() && items.iter().all(plain)).then(|| items.iter().map(value_text).collect())
}

/// A word of a span as the reference compares it.
fn word(token: &str) -> String {
    let lower = token.to_lowercase();
    let plain = match python_text::float(&lower) {
        Some(_) => lower,
        None => lower.chars().filter(|c| !python_text::is_punctuation(*c)).collect(),
    };
    let plain = python_text::float(&plain).map_or(plain, python_text::repr);
    python_text::split(&squad::without_articles(&plain)).collect::<Vec<_>>().join(" ")
}

fn bag(span: &str) -> HashSet<String> {
    let words = span.split([' ', '-']).map(word).collect::<Vec<_>>().join(" ");
    python_text::split(&words).map(str::to_owned).collect()
}

fn overlap(gold: &HashSet<String>, got: &HashSet<String>) -> f64 {
    let is_number = |word: &&String| python_text::float(word).is_some();
    let mut numbers = gold.iter().filter(is_number).peekable();
    if numbers.peek().is_some() && !numbers.any(|number| got.contains(number)) {
        return 0.0;
    }
    let same = gold.intersection(got).count() as f64;
    let share = |bag: &HashSet<String>| if bag.is_empty() { 1.0 } else { same / bag.len() as f64 };
    let (precision, recall) = (share(got), share(gold));
    if precision + recall > 0.0 { (2.0 * precision * recall) / (precision + recall) } else { 0.0 }
}

fn f1(gold: &[String], got: &[HashSet<String>]) -> f64 {
    let gold: Vec<HashSet<String>> = gold.iter().map(|span| bag(span)).collect();
    let values: Vec<Vec<f64>> =
        gold.iter().map(|gold| got.iter().map(|got| overlap(gold, got)).collect()).collect();
    let mean = greatest_sum(&values) / gold.len().max(got.len()).max(1) as f64;
    (mean * 100.0).round_ties_even() / 100.0
}

impl Spans {
    fn grade(&self, expected: &[String], output: &str) -> Result<f64, String> {
        let one = || vec![output.to_owned()];
        let spans = listed(output).unwrap_or_else(|| {
            let parts = |by: &String| {
                let parts = output.split(by.as_str()).filter(|part| !part.trim().is_empty());
                parts.map(str::to_owned).collect()
            };
            self.separator
                .as_ref()
                .map(parts)
                .filter(|parts: &Vec<_>| !parts.is_empty())
                .unwrap_or_else(one)
        });
        let golds: Vec<Vec<String>> = expected
            .iter()
            .map(|text| listed(text).unwrap_or_else(|| vec![text.clone()]))
            .filter(|spans| spans.first().is_some_and(|span| !python_text::strip(span).is_empty()))
            .collect();
        if golds.is_empty() {
            return Err("the expected answer is blank".to_owned());
        }
        if golds.iter().chain([&spans]).any(|spans| spans.len() > MAX_SPANS) {
            return Err(format!("there are more than {MAX_SPANS} spans"));
        }
        let got: Vec<HashSet<String>> = spans.iter().map(|span| bag(span)).collect();
        Ok(golds.iter().map(|gold| f1(gold, &got)).fold(0.0, f64::max))
    }
}

impl Scorer for Spans {
    fn needs_expected(&self) -> bool {
        true
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let expected = match accepted(subject) {
            Ok(expected) => expected,
            Err(verdict) => return verdict,
        };
        self.graded.verdict(subject, expected, |output| self.grade(expected, output))
    }
}
