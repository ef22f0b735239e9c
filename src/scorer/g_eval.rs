//! A judge that first writes down how it will judge, and whose number is weighed by how likely it
//! found the others.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{
    ArgError, Args, Asks, Better, Built, Card, Context, Foreseen, OptionCard, Range, ScorerKind,
    Subject,
    against::THRESHOLD,
    judge::{Answers, Form, Step},
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

/// The highest number.
const MOST: f64 = 10.0;

static CARD: Card = Card {
    name: "g_eval",
    summary: "How well the answer meets a criterion, from 0 to 10, by steps that the judge writes down \
              once for all answers.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        JUDGE,
        OptionCard {
            name: "criterion",
            kind: "text",
            default: "required",
            doc: "What the answer is judged by, in a sentence or more.",
        },
        OptionCard {
            name: "steps",
            kind: "text or list of texts",
            default: "none: the judge writes them",
            doc: "The steps of judging, in place of those that the judge would write.",
        },
        OptionCard {
            name: "weighted",
            kind: "flag",
            default: "on where the provider gives probabilities of tokens and the model does not think",
            doc: "Whether the number is the mean of the numbers that the judge considered, each weighed \
                  by its probability.",
        },
        TRANSCRIPT,
        THRESHOLD,
        ANSWERS,
    ],
    edge_cases: &[
        "Two steps: `steps` is asked once for a criterion, whatever the number of answers; `verdict` is \
         asked about each.",
        "The value is the number / 10. Weighted, it is the mean of the whole numbers from 0 to 10 among \
         the five likeliest tokens in its place; where the reply has no probabilities, it is the number \
         itself, and the explanation does not say `weighted`.",
        "An expected answer is shown to the judge where there is one.",
    ],
    source: "Liu et al. 2023 (G-Eval): chain of steps, score weighted by token probabilities",
};

/// The kind.
#[derive(Debug)]
pub(super) struct GEval;

#[derive(Debug)]
struct Graded {
    criterion: String,
    given: Option<Vec<String>>,
    steps: Step,
    verdict: Step,
    transcript: Option<String>,
    threshold: Option<f64>,
}

impl ScorerKind for GEval {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let ground = Ground::of(args)?;
        let criterion = args.text("criterion")?.filter(|text| !text.trim().is_empty());
        let criterion =
            criterion.ok_or_else(|| args.error("criterion", "is missing: judged by what?"))?;
        let schema = json!({
            "type": "object",
            "properties": {"steps": {"type": "array", "items": {"type": "string"}}},
            "required": ["steps"],
            "additionalProperties": false,
        });
        let wrong = |why: String| args.error("answers", why);
        let form = Form::number((0.0, MOST), true, true);
        // The arguments of a function come without probabilities.
        let way = match ground.answers() {
            Answers::Auto if ground.target().capabilities.schema != Some(true) => Answers::Text,
            way => way,
        };
        let mut verdict = Step::new("verdict", ground.target(), form, way).map_err(wrong)?;
        let weighted = args.switch("weighted")?;
        match (weighted, verdict.can_weigh()) {
            (Some(false), _) | (None, Err(_)) => {}
            (Some(true), Err(why)) => return Err(args.error("weighted", why)),
            (_, Ok(())) => verdict = verdict.weighed(),
        }
        Ok(Built::Asks(Arc::new(Graded {
            criterion: criterion.trim().to_owned(),
            given: args.texts("steps")?,
            steps: ground.step(args, "steps", schema)?,
            verdict,
            transcript: args.text("transcript")?.map(str::to_owned),
            threshold: ground.threshold(),
        })))
    }
}

impl Graded {
    /// What the steps of judging are asked for by: the criterion alone, so that they are the same for
    /// all answers.
    fn plan(&self) -> Sheet<'static> {
        Sheet::new(format!(
            "Answers of language models are to be judged by this criterion:\n\n{}\n\nWrite down, in \
             order, the steps by which a careful reader finds out how well an answer meets it: what to \
             look at, what to compare with what, what costs how much. Three to six steps, each one \
             sentence. You do not see an answer yet.",
            self.criterion
        ))
    }

    fn task(&self, steps: &[String]) -> String {
        let steps = super::rag::numbered(steps);
        format!(
            "Judge how well `answer` meets this criterion:\n\n{}\n\nGo through these steps:\n\n\
             {steps}\n\nThen give a whole number: 0 where it does not meet the criterion at all, 10 \
             where it could not meet it better.",
            self.criterion
        )
    }

    async fn judged(
        &self,
        subject: Subject<'_>,
        context: &Context<'_>,
    ) -> Result<Verdict, Verdict> {
        let material = Material::of(&subject, context, self.transcript.as_deref())?;
        let steps = match &self.given {
            Some(steps) => steps.clone(),
            None => {
                let check = |value: &Value| match steps(value).len() {
                    0 => Err("there are no steps".to_owned()),
                    _ => Ok(()),
                };
                // Nothing of the row is in the question, so nothing of it may be in what it goes by.
                let value = self.plan().put_checked(&self.steps, &subject, context, &check).await?;
                steps(&value)
            }
        };
        let value = material.sheet(self.task(&steps)).put(&self.verdict, &subject, context).await?;
        let number = value["verdict"].as_f64();
        let number =
            number.ok_or_else(|| Verdict::Failed("the verdict is no number".to_owned()))?;
        let weighted = value["weighted"].as_f64();
        let score = (weighted.unwrap_or(number) / MOST).clamp(0.0, 1.0);
        let passed = self.threshold.map(|least| score >= least - 1e-9);
        let reasoning = value["reasoning"].as_str().unwrap_or_default();
        let why = match weighted {
            Some(weighted) => format!("{number} of 10, weighted {weighted:.2}: {reasoning}"),
            None => format!("{number} of 10: {reasoning}"),
        };
        Ok(Verdict::Scored(Score { passed, ..Score::number(score) }.because(one_line(&why, 1_000))))
    }
}

fn steps(value: &Value) -> Vec<String> {
    let steps = value["steps"].as_array().into_iter().flatten().filter_map(Value::as_str);
    steps.map(|step| one_line(step, 1_000)).filter(|step| !step.is_empty()).take(20).collect()
}

impl Asks for Graded {
    fn ask<'a>(&'a self, subject: Subject<'a>, context: &'a Context<'a>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            match self.judged(subject, context).await {
                Ok(verdict) | Err(verdict) => verdict,
            }
        })
    }

    fn columns(&self) -> &[String] {
        self.transcript.as_slice()
    }

    fn targets(&self) -> Vec<Arc<Target>> {
        vec![Arc::clone(self.verdict.target())]
    }

    fn foreseen(&self, sample: &Sample) -> Vec<Foreseen> {
        let question = sample.input.clone().unwrap_or_default();
        let task = self.task(&self.given.clone().unwrap_or_else(|| vec!["…".repeat(60); 5]));
        // That the steps are asked for once in a run is less than the estimate can say.
        vec![Sheet::new(task).show("question", &question).foreseen(&self.verdict, 1)]
    }
}
