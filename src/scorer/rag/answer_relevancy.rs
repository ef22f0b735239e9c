//! Whether an answer is one to the question.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{About, Ground, Measure, Rag, ground::score};
use crate::{
    base::text::one_line,
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

/// Questions that are made of an answer.
const QUESTIONS: usize = 3;

/// The option for who makes vectors.
pub(super) const EMBEDDING: OptionCard = OptionCard {
    name: "embedding_model",
    kind: MODEL,
    default: "required",
    doc: "Who makes the vectors of texts that are compared.",
};

static CARD: Card = Card {
    name: "answer_relevancy",
    summary: "How near the questions that the answer would answer are to the one that was asked.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[JUDGE, EMBEDDING, THRESHOLD, ANSWERS],
    edge_cases: &[
        "Two steps: `questions` makes three questions of the answer, without seeing the one that was \
         asked; `vectors` compares them with it. The value is the mean of the cosines.",
        "An answer that commits itself to nothing, such as “I do not know”, scores 0.",
        "Whether the answer is right does not matter.",
    ],
    source: "RAGAS: mean cosine of 3 generated questions and the question, 0 if noncommittal; the three \
             are asked for at once",
};

const TASK: &str = "\
Write three questions, each different from the others, to which `answer` would be a whole and direct \
answer. Say whether the answer is noncommittal: evasive, vague, or that it does not know. Write the \
questions in the language of the answer.";

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct AnswerRelevancy;

#[derive(Debug)]
struct Nearness {
    questions: Step,
    vectors: Vectors,
}

impl ScorerKind for AnswerRelevancy {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let ground = Ground::of(args)?;
        let schema = json!({
            "type": "object",
            "properties": {
                "noncommittal": {"type": "boolean"},
                "questions": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["noncommittal", "questions"],
            "additionalProperties": false,
        });
        let questions = ground.step(args, "questions", schema)?;
        let vectors = Vectors::by(args, "embedding_model")?
            .ok_or_else(|| args.error("embedding_model", "is missing: who makes the vectors?"))?;
        Ok(Rag::built(ground, Nearness { questions, vectors }))
    }
}

impl Measure for Nearness {
    fn judged<'a>(&'a self, about: About<'a>) -> BoxFuture<'a, Result<Score, Verdict>> {
        Box::pin(async move {
            let (question, output) = (about.question()?, about.output()?);
            let sheet = Sheet::new(TASK).show("answer", output);
            let check = |value: &Value| match made(value).len() {
                QUESTIONS => Ok(()),
                n => Err(format!("there are {n} questions, and {QUESTIONS} are wanted")),
            };
            let value =
                sheet.put_checked(&self.questions, about.subject, about.context, &check).await?;
            let questions = made(&value);
            let shown = one_line(&questions.join(" / "), 600);
            if value["noncommittal"] == true {
                return Ok(score(0.0, &format!("the answer commits itself to nothing; {shown}")));
            }
            let texts: Vec<&str> = std::iter::once(question.as_str()).chain(questions).collect();
            let vectors = self.vectors.known(&texts, about.context).await?;
            let [asked, made @ ..] = vectors.as_slice() else {
                return Err(Verdict::Failed("there are no vectors".to_owned()));
            };
            let mut sum = 0.0;
            for vector in made {
                sum += Similarity::Cosine.of(asked, vector).map_err(Verdict::Failed)?;
            }
            Ok(score(sum / made.len().max(1) as f64, &format!("it answers: {shown}")))
        })
    }

    fn needs_expected(&self) -> bool {
        false
    }

    fn needs_context(&self) -> bool {
        false
    }

    fn steps(&self, _: u64) -> Vec<(&Step, u64)> {
        vec![(&self.questions, 1)]
    }

    fn vectors(&self) -> Option<&Vectors> {
        Some(&self.vectors)
    }
}

fn made(value: &Value) -> Vec<&str> {
    let questions = value["questions"].as_array().into_iter().flatten().filter_map(Value::as_str);
    questions.filter(|question| !question.trim().is_empty()).collect()
}
