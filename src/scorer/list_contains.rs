//! How well a list of items covers the expected one, each item with its best partner.

use serde_json::Value;

use crate::scorer::{
    ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind,
    against::{Compare, Found, THRESHOLD, best, higher, likeness},
    assignment::most,
    edits::similarity,
};

static CARD: Card = Card {
    name: "list_contains",
    summary: "Likeness of the output's items to the expected ones, paired so that it is highest, by the longer list.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        THRESHOLD,
        OptionCard {
            name: "allow_extra",
            kind: "flag",
            default: "false",
            doc: "Items beyond the expected ones cost nothing.",
        },
        OptionCard {
            name: "separator",
            kind: "text",
            default: "a JSON array, or else an item a line",
            doc: "What stands between the items of a text that is no JSON array.",
        },
    ],
    edge_cases: &[
        "The likeness of two items is that of `levenshtein`.",
        "Several expected answers are the items of one list, unless one of them is a JSON array: then \
         each is a list of its own, and the best one counts.",
        "Items lose white space around them; empty ones are none. Two empty lists score 1, an empty \
         and another 0.",
        "Items of an array that are no texts are compared as JSON.",
        "More than 1,000 items are a failure of the scorer.",
    ],
    source: "`ListContains` of autoevals 0.4.1",
};

/// Most items of a list.
const MAX_ITEMS: usize = 1_000;

/// The kind.
#[derive(Debug)]
pub(super) struct ListContains;

#[derive(Debug)]
struct Coverage {
    allow_extra: bool,
    separator: Option<String>,
}

impl ScorerKind for ListContains {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let separator = args.text("separator")?.map(str::to_owned);
        if separator.as_deref() == Some("") {
            return Err(args.error("separator", "an empty text separates nothing"));
        }
        likeness(args, Coverage { allow_extra: args.flag("allow_extra")?, separator })
    }
}

impl Compare for Coverage {
    fn compare(&self, expected: &[String], output: &str) -> Result<Found, String> {
        let items = self.items(output);
        let lists = if expected.len() == 1 || expected.iter().any(|text| array(text).is_some()) {
            expected.iter().map(|text| self.items(text)).collect()
        } else {
            vec![expected.iter().filter_map(|text| item(text)).collect()]
        };
        best(&lists, higher, |expected| self.covered(expected, &items).map(Found::value))
    }
}

impl Coverage {
    fn items(&self, text: &str) -> Vec<String> {
        if let Some(items) = array(text) {
            let text =
                |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            return items.iter().filter_map(|value| item(&text(value))).collect();
        }
        let separator = self.separator.as_deref().unwrap_or("\n");
        text.split(separator).filter_map(item).collect()
    }

    fn covered(&self, expected: &[String], items: &[String]) -> Result<f64, String> {
        if expected.is_empty() || items.is_empty() {
            return Ok(f64::from(u8::from(expected.is_empty() && items.is_empty())));
        }
        let longer = expected.len().max(items.len());
        if longer > MAX_ITEMS {
            return Err(format!("a list of {longer} items; at most {MAX_ITEMS} are compared"));
        }
        let row = |item: &String| expected.iter().map(|other| similarity(item, other)).collect();
        let alike: Vec<Vec<f64>> = items.iter().map(row).collect::<Result<_, String>>()?;
        let all = if self.allow_extra { expected.len() } else { longer };
        Ok((most(&alike) / all as f64).clamp(0.0, 1.0))
    }
}

fn item(text: &str) -> Option<String> {
    let item = text.trim();
    (!item.is_empty()).then(|| item.to_owned())
}

fn array(text: &str) -> Option<Vec<Value>> {
    text.trim_start().starts_with('[').then(|| serde_json::from_str(text).ok())?
}
