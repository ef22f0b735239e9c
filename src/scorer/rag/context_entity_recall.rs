//! Whether the context names what the expected answer names.

use std::collections::BTreeSet;

use futures_util::future::{BoxFuture, try_join};
use serde_json::{Value, json};

use super::{About, CONTEXT, Ground, Measure, Rag, ground::score};
use crate::{
    base::text::one_line,
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, Range, ScorerKind,
        against::THRESHOLD,
        judge::Step,
        sheet::{ANSWERS, JUDGE, Sheet},
    },
};

static CARD: Card = Card {
    name: "context_entity_recall",
    summary: "The share of the persons, places, dates and things named in the expected answer that the \
              context names too.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: false,
    options: &[JUDGE, CONTEXT, THRESHOLD, ANSWERS],
    edge_cases: &[
        "Two steps, of one kind: `expected_entities` and `context_entities`.",
        "Names are compared without case, articles and punctuation; each counts once.",
        "An expected answer that names nothing is not scored.",
        "It is about the context alone: the same for every model, and asked once for all of them.",
    ],
    source: "RAGAS: names in both / names in the expected answer",
};

const TASK: &str = "\
List what is named in `text`: persons, places, organisations, works, products, dates, and quantities \
with their units. Each once, in the words of the text, in full where it is named several ways. A text \
that names nothing gives an empty list.";

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct ContextEntityRecall;

#[derive(Debug)]
struct Named {
    expected: Step,
    context: Step,
}

impl ScorerKind for ContextEntityRecall {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let ground = Ground::of(args)?;
        let schema = json!({
            "type": "object",
            "properties": {"entities": {"type": "array", "items": {"type": "string"}}},
            "required": ["entities"],
            "additionalProperties": false,
        });
        let measure = Named {
            expected: ground.step(args, "expected_entities", schema.clone())?,
            context: ground.step(args, "context_entities", schema)?,
        };
        Ok(Rag::built(ground, measure))
    }
}

impl Measure for Named {
    fn judged<'a>(&'a self, about: About<'a>) -> BoxFuture<'a, Result<Score, Verdict>> {
        Box::pin(async move {
            let (expected, texts) = (about.expected()?, about.texts()?.join("\n\n"));
            let of = |step, text| async move {
                let value = about.ask(step, &Sheet::new(TASK).show("text", text)).await?;
                Ok::<_, Verdict>(entities(&value))
            };
            let both = (of(&self.expected, expected.as_str()), of(&self.context, texts.as_str()));
            let (wanted, found) = try_join(both.0, both.1).await?;
            if wanted.is_empty() {
                return Err(Verdict::Skipped("the expected answer names nothing".to_owned()));
            }
            let missing: Vec<&str> = wanted.difference(&found).map(String::as_str).collect();
            let held = wanted.len() - missing.len();
            let mut why = format!("the context names {held} of {}", wanted.len());
            if !missing.is_empty() {
                why = format!("{why}; not {}", one_line(&missing.join(", "), 300));
            }
            Ok(score(held as f64 / wanted.len() as f64, &why))
        })
    }

    fn needs_expected(&self) -> bool {
        true
    }

    fn needs_context(&self) -> bool {
        true
    }

    fn steps(&self, _: u64) -> Vec<(&Step, u64)> {
        vec![(&self.expected, 1), (&self.context, 1)]
    }
}

/// What a reply names, in a form in which equal names are equal.
fn entities(value: &Value) -> BTreeSet<String> {
    let names = value["entities"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.map(plain).filter(|name| !name.is_empty()).collect()
}

fn plain(name: &str) -> String {
    let name = name.to_lowercase();
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    match words.as_slice() {
        ["the" | "a" | "an", rest @ ..] if !rest.is_empty() => rest.join(" "),
        words => words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_equal_in_spite_of_case_articles_and_punctuation() {
        let value = json!({"entities": ["The Eiffel Tower", "eiffel  tower.", "A", "1889", "!"]});
        let expected = ["1889", "a", "eiffel tower"].map(str::to_owned);
        assert_eq!(entities(&value), BTreeSet::from(expected));
        assert_eq!(entities(&json!({})), BTreeSet::new());
    }
}
