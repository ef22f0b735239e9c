//! How much of the context bears on the question.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{About, CONTEXT, Ground, Measure, Rag, claims::numbered, ground::score};
use crate::{
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, Range, ScorerKind,
        against::THRESHOLD,
        instruction::sentence::sentences,
        judge::Step,
        sheet::{ANSWERS, JUDGE, Sheet},
    },
};

/// Most sentences of a context.
const MOST: usize = 1_000;

static CARD: Card = Card {
    name: "context_relevancy",
    summary: "The share of the context, in characters of its sentences, that the question needs.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: false,
    options: &[JUDGE, CONTEXT, THRESHOLD, ANSWERS],
    edge_cases: &[
        "One step, `needed`: the judge names the sentences that an answer could make use of, by their \
         numbers. So it cannot name what is not there.",
        "A context of which nothing is needed scores 0.",
        "It is about the context alone: the same for every model, and asked once for all of them.",
    ],
    source: "`ContextRelevancy` of autoevals 0.4.1: characters of relevant sentences / characters",
};

const TASK: &str = "\
The context of `question` stands in `sentences`, numbered. Name the numbers of those that an answer to \
the question could make use of. Leave out what is only on the same subject. Where no sentence is of \
use, give an empty list.";

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct ContextRelevancy;

#[derive(Debug)]
struct Needed {
    needed: Step,
}

impl ScorerKind for ContextRelevancy {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let ground = Ground::of(args)?;
        let schema = json!({
            "type": "object",
            "properties": {"needed": {"type": "array", "items": {"type": "integer"}}},
            "required": ["needed"],
            "additionalProperties": false,
        });
        let needed = ground.step(args, "needed", schema)?;
        Ok(Rag::built(ground, Needed { needed }))
    }
}

impl Measure for Needed {
    fn judged<'a>(&'a self, about: About<'a>) -> BoxFuture<'a, Result<Score, Verdict>> {
        Box::pin(async move {
            let (question, texts) = (about.question()?, about.texts()?);
            let parts: Vec<String> =
                texts.iter().flat_map(|text| sentences(text)).map(str::to_owned).collect();
            if parts.is_empty() || parts.len() > MOST {
                let n = parts.len();
                let why = format!("the context has {n} sentences; 1 to {MOST} are judged");
                return Err(Verdict::Failed(why));
            }
            let lines = numbered(&parts);
            let sheet = Sheet::new(TASK).show("question", &question).show("sentences", &lines);
            let check = |value: &Value| places(value, parts.len()).map(drop);
            let value =
                sheet.put_checked(&self.needed, about.subject, about.context, &check).await?;
            let needed = places(&value, parts.len()).map_err(Verdict::Failed)?;
            let size = |text: &String| text.chars().count();
            let all: usize = parts.iter().map(size).sum();
            let of_use: usize = needed.iter().map(|place| size(&parts[*place])).sum();
            let why = format!("{} of {} sentences are of use", needed.len(), parts.len());
            Ok(score(of_use as f64 / all.max(1) as f64, &why))
        })
    }

    fn needs_expected(&self) -> bool {
        false
    }

    fn needs_context(&self) -> bool {
        true
    }

    fn steps(&self, _: u64) -> Vec<(&Step, u64)> {
        vec![(&self.needed, 1)]
    }
}

/// The places that a reply names, from 0, each once.
fn places(value: &Value, count: usize) -> Result<Vec<usize>, String> {
    let mut places = Vec::new();
    for number in value["needed"].as_array().into_iter().flatten() {
        let place = number.as_u64().and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
        match place.filter(|place| *place < count) {
            Some(place) => places.push(place),
            None => return Err(format!("there is no sentence {number}; there are 1 to {count}")),
        }
    }
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sentences_that_are_there_count_and_each_once() {
        assert_eq!(places(&json!({"needed": [3, 1, 3]}), 3), Ok(vec![0, 2]));
        assert_eq!(places(&json!({"needed": []}), 3), Ok(vec![]));
        assert!(places(&json!({"needed": [4]}), 3).expect_err("none").contains("no sentence 4"));
        assert!(places(&json!({"needed": [0]}), 3).is_err());
    }
}
