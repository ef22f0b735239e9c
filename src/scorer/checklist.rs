//! Points for each item of a list that the answer meets.

use std::sync::Arc;

use futures_util::future::{BoxFuture, try_join_all};
use serde_json::{Value, json};

use super::{
    ArgError, Args, Asks, Better, Built, Card, Context, Foreseen, OptionCard, Range, ScorerKind,
    Subject,
    against::THRESHOLD,
    judge::Step,
    material::{Material, TRANSCRIPT},
    rag::Ground,
    sheet::{ANSWERS, JUDGE, Sheet},
};
use crate::{
    base::text::one_line,
    domain::{
        sample::Sample,
        score::{Score, Verdict},
        target::Target,
    },
};

/// Most items of a list.
const MOST: usize = 100;

static CARD: Card = Card {
    name: "checklist",
    summary: "The points of the items that the answer meets, as a share of all that can be had.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        JUDGE,
        OptionCard {
            name: "items",
            kind: "list of items",
            default: "none: those of `items_column`",
            doc: "What to look for: texts, or `{criterion: …, points: 3}`. Points below 0 are for what \
                  an answer should not do; 1 by default.",
        },
        OptionCard {
            name: "items_column",
            kind: "text",
            default: "`rubric`, where there are no `items`",
            doc: "The column with the items of each row, written in the same way.",
        },
        TRANSCRIPT,
        THRESHOLD,
        ANSWERS,
    ],
    edge_cases: &[
        "One step for each item, `item`: whether the answer meets it, seen by itself.",
        "The value is the sum of the points of all items that are met / the sum of the points above 0, \
         between 0 and 1.",
        "A row whose list cannot be read, or has no points above 0, is a failure of the scorer; one \
         without a list is not scored.",
        "An item whose judgement is missing leaves the answer without a score.",
    ],
    source: "Arora et al. 2025 (HealthBench), section 3",
};

const TASK: &str = "\
Decide whether `answer`, the last turn of what is shown, meets `criterion`. Look at this criterion \
alone. It may describe something good or something bad: it is met when what it describes is the case. \
If it names several things, all of them must be the case, unless it says that they are examples. Give \
the reason first.";

/// The kind.
#[derive(Debug)]
pub(super) struct Checklist;

/// One thing to look for.
#[derive(Debug, Clone, PartialEq)]
struct Item {
    criterion: String,
    points: f64,
}

#[derive(Debug)]
struct Points {
    items: Option<Vec<Item>>,
    column: String,
    columns: Vec<String>,
    item: Step,
    transcript: Option<String>,
    threshold: Option<f64>,
}

impl ScorerKind for Checklist {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let ground = Ground::of(args)?;
        let schema = json!({
            "type": "object",
            "properties": {"reason": {"type": "string"}, "met": {"type": "boolean"}},
            "required": ["reason", "met"],
            "additionalProperties": false,
        });
        let items =
            args.raw("items").map(|written| items(written).map_err(|why| args.error("items", why)));
        let items = items.transpose()?;
        let named = args.text("items_column")?;
        if items.is_some() && named.is_some() {
            return Err(args.error("items_column", "stands in place of `items`; write one of both"));
        }
        let column = named.unwrap_or("rubric").to_owned();
        let transcript = args.text("transcript")?.map(str::to_owned);
        let columns = items.is_none().then(|| column.clone()).into_iter().chain(transcript.clone());
        Ok(Built::Asks(Arc::new(Points {
            columns: columns.collect(),
            items,
            column,
            item: ground.step(args, "item", schema)?,
            transcript,
            threshold: ground.threshold(),
        })))
    }
}

impl Points {
    fn items(&self, sample: &Sample) -> Result<Vec<Item>, Verdict> {
        if let Some(items) = &self.items {
            return Ok(items.clone());
        }
        let column = &self.column;
        let value = sample.vars.get(column).filter(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty(),
            _ => true,
        });
        let value = value
            .ok_or_else(|| Verdict::Skipped(format!("column `{column}` is empty in this row")))?;
        // A cell of a CSV file holds the list as text.
        let read = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        items(read.as_ref().unwrap_or(value))
            .map_err(|why| Verdict::Failed(format!("column `{column}`: {why}")))
    }

    async fn judged(
        &self,
        subject: Subject<'_>,
        context: &Context<'_>,
    ) -> Result<Verdict, Verdict> {
        let items = self.items(subject.sample)?;
        let material = Material::of(&subject, context, self.transcript.as_deref())?;
        let (material, subject) = (&material, &subject);
        let each = items.iter().map(|item| async move {
            let sheet = material.sheet(TASK).show("criterion", &item.criterion);
            let value = sheet.put(&self.item, subject, context).await?;
            Ok::<_, Verdict>(value["met"] == Value::Bool(true))
        });
        let met = try_join_all(each).await?;
        let (value, points, all) = points(&items, &met);
        let passed = self.threshold.map(|least| value >= least - 1e-9);
        let missed = items.iter().zip(&met).filter(|(item, met)| (item.points > 0.0) != **met);
        let missed: Vec<String> = missed
            .take(5)
            .map(|(item, met)| {
                let sign = if *met { "met" } else { "not met" };
                format!("{sign}: “{}” ({})", one_line(&item.criterion, 120), item.points)
            })
            .collect();
        let mut why = format!("{points} of {all} points");
        if !missed.is_empty() {
            why = format!("{why}; {}", missed.join("; "));
        }
        let score = Score { passed, ..Score::number(value) };
        Ok(Verdict::Scored(score.because(one_line(&why, 1_000))))
    }
}

/// The value, the points that were had, and those that could be.
fn points(items: &[Item], met: &[bool]) -> (f64, f64, f64) {
    let had: f64 =
        items.iter().zip(met).filter(|(_, met)| **met).map(|(item, _)| item.points).sum();
    let all: f64 = items.iter().map(|item| item.points.max(0.0)).sum();
    (if all > 0.0 { (had / all).clamp(0.0, 1.0) } else { 0.0 }, had, all)
}

/// The items that `written` lists.
fn items(written: &Value) -> Result<Vec<Item>, String> {
    let list = match written {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    if list.is_empty() || list.len() > MOST {
        return Err(format!("a list has 1 to {MOST} items, not {}", list.len()));
    }
    let item = |(number, written): (usize, &Value)| {
        let wrong = |why: &str| Err(format!("item {number} {why}"));
        let (criterion, points) = match written {
            Value::String(text) => (Some(text.as_str()), Some(1.0)),
            Value::Object(map) => {
                let stranger =
                    map.keys().find(|key| !["criterion", "points", "tags"].contains(&key.as_str()));
                if let Some(key) = stranger {
                    let key = one_line(key, 40);
                    return wrong(&format!(
                        "has the key `{key}`; it takes `criterion` and `points`"
                    ));
                }
                let points = map.get("points").map_or(Some(1.0), Value::as_f64);
                (map.get("criterion").and_then(Value::as_str), points)
            }
            _ => return wrong("is no text and no `{criterion, points}`"),
        };
        let Some(criterion) = criterion.filter(|text| !text.trim().is_empty()) else {
            return wrong("has no `criterion`, a text");
        };
        match points.filter(|points| points.is_finite() && points.abs() > 0.0) {
            Some(points) => Ok(Item { criterion: criterion.to_owned(), points }),
            None => wrong("has no `points`, a number that is not 0"),
        }
    };
    let items: Vec<Item> = (1..).zip(list).map(item).collect::<Result<_, String>>()?;
    if items.iter().all(|item| item.points < 0.0) {
        return Err("no item has points above 0".to_owned());
    }
    Ok(items)
}

impl Asks for Points {
    fn ask<'a>(&'a self, subject: Subject<'a>, context: &'a Context<'a>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            match self.judged(subject, context).await {
                Ok(verdict) | Err(verdict) => verdict,
            }
        })
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn targets(&self) -> Vec<Arc<Target>> {
        vec![Arc::clone(self.item.target())]
    }

    fn foreseen(&self, sample: &Sample) -> Vec<Foreseen> {
        let Ok(items) = self.items(sample) else { return Vec::new() };
        let question = sample.input.clone().unwrap_or_default();
        let criterion = items.first().map(|item| item.criterion.as_str()).unwrap_or_default();
        let sheet = Sheet::new(TASK).show("question", &question).show("criterion", criterion);
        vec![sheet.foreseen(&self.item, items.len() as u64)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_texts_or_have_points() {
        let read = items(&json!(["a", {"criterion": "b", "points": -2}, {"criterion": "c"}]));
        let item = |criterion: &str, points| Item { criterion: criterion.to_owned(), points };
        let expected = vec![item("a", 1.0), item("b", -2.0), item("c", 1.0)];
        assert_eq!(read, Ok(expected.clone()));
        for (met, value) in [
            ([true, false, true], 1.0),
            ([true, true, true], 0.0),
            ([true, false, false], 0.5),
            ([false, true, false], 0.0),
        ] {
            assert!((points(&expected, &met).0 - value).abs() < 1e-12, "{met:?}");
        }
        for (written, why) in [
            (json!([]), "1 to 100 items"),
            (json!([{"points": 1}]), "item 1 has no `criterion`"),
            (json!(["a", {"criterion": "b", "points": 0}]), "item 2 has no `points`"),
            (json!([{"criterion": "b", "pints": 1}]), "the key `pints`"),
            (json!([{"criterion": "b", "points": -1}]), "no item has points above 0"),
            (json!([1]), "item 1 is no text"),
        ] {
            let found = items(&written).expect_err(why);
            assert!(found.contains(why), "{found}");
        }
    }
}
