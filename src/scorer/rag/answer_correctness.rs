//! Whether an answer says what is expected, and nothing else.

use futures_util::future::{BoxFuture, try_join};
use serde_json::{Value, json};

use super::{
    About, Ground, Measure, Rag,
    claims::{count, marks, named, numbered},
    ground::score,
    list,
};
use crate::{
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, MODEL, OptionCard, Range, ScorerKind,
        against::THRESHOLD,
        embedding_similarity::Similarity,
        judge::Step,
        sheet::{ANSWERS, JUDGE, Sheet},
        vectors::Vectors,
    },
};

/// How much the claims count, where vectors count too.
const CLAIMS: f64 = 0.75;

static CARD: Card = Card {
    name: "answer_correctness",
    summary: "How far the answer's claims and the expected ones are the same, and how near both texts \
              are in meaning.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        JUDGE,
        OptionCard {
            name: "embedding_model",
            kind: MODEL,
            default: "none: the claims alone count",
            doc: "Who makes the vectors of both texts.",
        },
        OptionCard {
            name: "claims_weight",
            kind: "number from 0 to 1",
            default: "0.75; 1 without `embedding_model`",
            doc: "How much the claims count; the nearness of the texts counts for the rest.",
        },
        THRESHOLD,
        ANSWERS,
    ],
    edge_cases: &[
        "Three steps: `claims` and `expected_claims` take both texts apart, `compared` says which claims \
         of each the other holds; with an embedding model, `vectors` compares the texts.",
        "TP are claims of the answer that the expected answer holds, FP the others, FN claims of the \
         expected answer that the answer lacks: F1 = TP / (TP + 0.5 (FP + FN)).",
        "Where neither text claims anything: not scored.",
        "Several expected answers are read as one text.",
    ],
    source: "RAGAS: 0.75 F1 + 0.25 cosine",
};

const TASK: &str = "\
`claims` are those of an answer to `question`, `expected_claims` those of the right answer; both are \
numbered. For each claim of the answer, say in `answer` whether the expected claims hold it: they say \
the same or more. For each expected claim, say in `expected` whether the answer's claims hold it. Give \
one verdict for each number, with the reason first.";

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct AnswerCorrectness;

#[derive(Debug)]
struct Correct {
    claims: Step,
    expected: Step,
    compared: Step,
    vectors: Option<Vectors>,
    weight: f64,
}

impl ScorerKind for AnswerCorrectness {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let ground = Ground::of(args)?;
        let verdicts = json!({"type": "array", "items": {
            "type": "object",
            "properties": {
                "claim": {"type": "integer"},
                "reason": {"type": "string"},
                "held": {"type": "boolean"},
            },
            "required": ["claim", "reason", "held"],
            "additionalProperties": false,
        }});
        let schema = json!({
            "type": "object",
            "properties": {"answer": verdicts, "expected": verdicts},
            "required": ["answer", "expected"],
            "additionalProperties": false,
        });
        let vectors = Vectors::by(args, "embedding_model")?;
        let weight = args.number("claims_weight", 0.0, 1.0)?;
        if vectors.is_none() && weight.is_some_and(|weight| weight < 1.0) {
            let why = "leaves something to `embedding_model`, which is missing";
            return Err(args.error("claims_weight", why));
        }
        let default = if vectors.is_some() { CLAIMS } else { 1.0 };
        let measure = Correct {
            claims: ground.step(args, "claims", list())?,
            expected: ground.step(args, "expected_claims", list())?,
            compared: ground.step(args, "compared", schema)?,
            vectors,
            weight: weight.unwrap_or(default),
        };
        Ok(Rag::built(ground, measure))
    }
}

impl Correct {
    /// F1 of the claims, in words too.
    async fn claims(&self, about: About<'_>, expected: &str) -> Result<(f64, String), Verdict> {
        let (question, output) = (about.question()?, about.output()?);
        let (ours, theirs) = try_join(
            about.claims(&self.claims, &question, output),
            about.claims(&self.expected, &question, expected),
        )
        .await?;
        if ours.is_empty() && theirs.is_empty() {
            return Err(Verdict::Skipped("neither answer claims anything".to_owned()));
        }
        if ours.is_empty() || theirs.is_empty() {
            // There is nothing to hold against the other.
            let which = if ours.is_empty() { "the answer" } else { "the expected answer" };
            return Ok((0.0, format!("{which} claims nothing")));
        }
        let (lines, expected_lines) = (numbered(&ours), numbered(&theirs));
        let sheet = Sheet::new(TASK)
            .show("question", &question)
            .show("claims", &lines)
            .show("expected_claims", &expected_lines);
        let both = |value: &Value| {
            let answer = marks(value, "answer", "held", ours.len())?;
            Ok::<_, String>((answer, marks(value, "expected", "held", theirs.len())?))
        };
        let check = |value: &Value| both(value).map(drop);
        let value = sheet.put_checked(&self.compared, about.subject, about.context, &check).await?;
        let (answer, wanted) = both(&value).map_err(Verdict::Failed)?;
        let right = count(&answer);
        let (wrong, missing) = (answer.len() - right, wanted.len() - count(&wanted));
        let mut why = format!("{right} claims right, {wrong} not expected, {missing} missing");
        if wrong > 0 {
            why = format!("{why}; not expected: {}", named(&ours, &answer, false));
        }
        if missing > 0 {
            why = format!("{why}; missing: {}", named(&theirs, &wanted, false));
        }
        Ok((f1(right, wrong, missing), why))
    }
}

impl Measure for Correct {
    fn judged<'a>(&'a self, about: About<'a>) -> BoxFuture<'a, Result<Score, Verdict>> {
        Box::pin(async move {
            let (expected, output) = (about.expected()?, about.output()?);
            let (f1, why) = self.claims(about, &expected).await?;
            let Some(vectors) = &self.vectors else { return Ok(score(f1, &why)) };
            let made = vectors.known(&[output, expected.as_str()], about.context).await?;
            let [ours, theirs] = made.as_slice() else {
                return Err(Verdict::Failed("there are no vectors".to_owned()));
            };
            let near = Similarity::Cosine.of(ours, theirs).map_err(Verdict::Failed)?.max(0.0);
            let value = self.weight * f1 + (1.0 - self.weight) * near;
            Ok(score(value, &format!("F1 {f1:.4}, cosine {near:.4}; {why}")))
        })
    }

    fn needs_expected(&self) -> bool {
        true
    }

    fn needs_context(&self) -> bool {
        false
    }

    fn steps(&self, _: u64) -> Vec<(&Step, u64)> {
        vec![(&self.claims, 1), (&self.expected, 1), (&self.compared, 1)]
    }

    fn vectors(&self) -> Option<&Vectors> {
        self.vectors.as_ref()
    }
}

/// TP / (TP + 0.5 (FP + FN)).
fn f1(right: usize, wrong: usize, missing: usize) -> f64 {
    let half = 0.5 * (wrong + missing) as f64;
    if right == 0 { 0.0 } else { right as f64 / (right as f64 + half) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_and_what_is_missing_count_alike() {
        for ((right, wrong, missing), expected) in
            [((2, 0, 0), 1.0), ((1, 1, 1), 0.5), ((3, 1, 0), 3.0 / 3.5), ((0, 0, 2), 0.0)]
        {
            assert!((f1(right, wrong, missing) - expected).abs() < 1e-12);
        }
    }
}
