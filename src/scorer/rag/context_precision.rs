//! Whether the useful texts of a context come first.

use futures_util::future::{BoxFuture, try_join_all};
use serde_json::{Value, json};

use super::{About, CONTEXT, Ground, Measure, Rag, ground::score};
use crate::{
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, Range, ScorerKind,
        against::THRESHOLD,
        judge::Step,
        sheet::{ANSWERS, JUDGE, Sheet},
    },
};

static CARD: Card = Card {
    name: "context_precision",
    summary: "Whether the texts of the context that are of use stand before those that are not.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[JUDGE, CONTEXT, THRESHOLD, ANSWERS],
    edge_cases: &[
        "One step for each text of the context, `useful`: whether it helps to come to the expected \
         answer, or to the model's where none is expected.",
        "The value is the mean, over the useful texts, of the share of useful ones among the texts down \
         to each: one useful text in the first place is 1, in the second place 0.5.",
        "A context of which nothing is useful scores 0.",
    ],
    source: "RAGAS: average precision, sum of precision@k over useful k / useful texts",
};

const TASK: &str = "\
Decide whether `text` was useful for coming to `answer` as the answer to `question`: whether it holds \
something that the answer says or follows from. A text on the same subject that holds nothing of the \
answer is not useful. Give the reason first.";

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct ContextPrecision;

#[derive(Debug)]
struct Ranked {
    useful: Step,
}

impl ScorerKind for ContextPrecision {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let ground = Ground::of(args)?;
        let schema = json!({
            "type": "object",
            "properties": {"reason": {"type": "string"}, "useful": {"type": "boolean"}},
            "required": ["reason", "useful"],
            "additionalProperties": false,
        });
        let useful = ground.step(args, "useful", schema)?;
        Ok(Rag::built(ground, Ranked { useful }))
    }
}

impl Measure for Ranked {
    fn judged<'a>(&'a self, about: About<'a>) -> BoxFuture<'a, Result<Score, Verdict>> {
        Box::pin(async move {
            let (question, texts) = (about.question()?, about.texts()?);
            let answer = match about.expected() {
                Ok(expected) => expected,
                Err(_) => about.output()?.to_owned(),
            };
            let (question, answer) = (&question, &answer);
            let each = texts.iter().map(|text| async move {
                let sheet = Sheet::new(TASK).show("question", question).show("answer", answer);
                let value = about.ask(&self.useful, &sheet.show("text", text)).await?;
                Ok::<_, Verdict>(value["useful"] == Value::Bool(true))
            });
            let marks = try_join_all(each).await?;
            let places: Vec<String> = (1..)
                .zip(&marks)
                .filter(|(_, useful)| **useful)
                .map(|(place, _): (usize, _)| place.to_string())
                .collect();
            let why = match places.as_slice() {
                [] => format!("none of {} texts is useful", marks.len()),
                places => format!("of {} texts are useful: {}", marks.len(), places.join(", ")),
            };
            Ok(score(average_precision(&marks), &why))
        })
    }

    fn needs_expected(&self) -> bool {
        false
    }

    fn needs_context(&self) -> bool {
        true
    }

    fn steps(&self, texts: u64) -> Vec<(&Step, u64)> {
        vec![(&self.useful, texts)]
    }
}

/// The mean over what is useful of the share of useful ones down to it; 0 when nothing is.
fn average_precision(useful: &[bool]) -> f64 {
    let (mut found, mut sum) = (0_u32, 0.0);
    for (place, useful) in (1_u32..).zip(useful) {
        if *useful {
            found += 1;
            sum += f64::from(found) / f64::from(place);
        }
    }
    if found == 0 { 0.0 } else { sum / f64::from(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_useful_counts_by_its_place() {
        for (useful, expected) in [
            (&[true, true, false][..], 1.0),
            (&[true, false, true], f64::midpoint(1.0, 2.0 / 3.0)),
            (&[false, true], 0.5),
            (&[false, false, true, true], f64::midpoint(1.0 / 3.0, 0.5)),
            (&[false, false], 0.0),
            (&[], 0.0),
        ] {
            assert!((average_precision(useful) - expected).abs() < 1e-12, "{useful:?}");
        }
    }
}
