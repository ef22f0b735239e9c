//! What these judges read of a sample, the options that they share, and how they ask.

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::{
    base::text::one_line,
    domain::{
        generation::Generation,
        message::{Message, Role},
        sample::{Sample, value_text},
        score::{Score, Verdict},
        target::Target,
        trial::{Answer, TrialKey},
    },
    scorer::{
        ArgError, Args, Asks, Built, Context, Foreseen, OptionCard, Subject,
        judge::{Answers, Form, Step},
        sheet::Sheet,
        vectors::Vectors,
    },
};

/// Most texts of a context.
const MOST_TEXTS: usize = 200;

/// The option for the column of the context.
pub(super) const CONTEXT: OptionCard = OptionCard {
    name: "context",
    kind: "text",
    default: "`context`",
    doc: "The column of the texts that the answer rests on: a list, best first, or one text.",
};

/// What is the same in all of them: whom they ask, and where the context is.
#[derive(Debug)]
pub(in crate::scorer) struct Ground {
    target: Arc<Target>,
    answers: Answers,
    context: String,
    threshold: Option<f64>,
}

impl Ground {
    /// What `args` say of it.
    pub(in crate::scorer) fn of(args: &Args) -> Result<Self, ArgError> {
        let target =
            args.model("model")?.ok_or_else(|| args.error("model", "is missing: who judges?"))?;
        Ok(Self {
            target,
            answers: Answers::of(args)?,
            context: args.text("context")?.unwrap_or("context").to_owned(),
            threshold: args.number("threshold", 0.0, 1.0)?,
        })
    }

    /// The same with a mark that is not to be exceeded.
    pub(in crate::scorer) fn at_most(mut self, args: &Args) -> Result<Self, ArgError> {
        self.threshold = args.number("max", 0.0, 1.0)?;
        Ok(self)
    }

    /// The step called `name`, whose reply `schema` describes.
    pub(in crate::scorer) fn step(
        &self,
        args: &Args,
        name: &str,
        schema: Value,
    ) -> Result<Step, ArgError> {
        let form = Form::object(schema).map_err(|why| args.error("answers", why))?;
        Step::new(name, &self.target, form, self.answers).map_err(|why| args.error("answers", why))
    }

    /// Whom it asks.
    pub(in crate::scorer) fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// How it is made to answer.
    pub(in crate::scorer) fn answers(&self) -> Answers {
        self.answers
    }

    /// The pass mark.
    pub(in crate::scorer) fn threshold(&self) -> Option<f64> {
        self.threshold
    }
}

/// An answer that is judged.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) context: &'a Context<'a>,
    ground: &'a Ground,
}

impl<'a> About<'a> {
    /// What the model was asked: the sample's input, else the last that the user said.
    pub(super) fn question(&self) -> Result<String, Verdict> {
        let asked = || {
            let last = self.context.messages.iter().rev().find(|said| said.role == Role::User);
            last.map(Message::joined_text)
        };
        let question = self.subject.sample.input.clone().or_else(asked);
        question
            .filter(|question| !question.trim().is_empty())
            .ok_or_else(|| Verdict::Skipped("the sample has no input".to_owned()))
    }

    /// What it answered.
    pub(super) fn output(&self) -> Result<&'a str, Verdict> {
        let output = self.subject.output.filter(|output| !output.trim().is_empty());
        output.ok_or_else(|| Verdict::Skipped("there is no output to judge".to_owned()))
    }

    /// The expected answers, as one text.
    pub(super) fn expected(&self) -> Result<String, Verdict> {
        let texts = self.subject.sample.expected.iter().filter(|text| !text.trim().is_empty());
        let texts: Vec<&str> = texts.map(String::as_str).collect();
        if texts.is_empty() {
            return Err(Verdict::Skipped("the sample has no expected answer".to_owned()));
        }
        Ok(texts.join("\n"))
    }

    /// The texts of the context, in their order; at least one.
    pub(super) fn texts(&self) -> Result<Vec<String>, Verdict> {
        let texts = match self.subject.sample.vars.get(&self.ground.context) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(value_text).collect(),
            Some(other) => vec![value_text(other)],
        };
        let texts: Vec<String> = texts.into_iter().filter(|text| !text.trim().is_empty()).collect();
        match texts.len() {
            0 => Err(Verdict::Skipped("the sample has no context".to_owned())),
            1..=MOST_TEXTS => Ok(texts),
            n => Err(Verdict::Failed(format!(
                "the context has {n} texts; at most {MOST_TEXTS} are judged"
            ))),
        }
    }

    /// What `step` says of `sheet`.
    pub(super) async fn ask(&self, step: &Step, sheet: &Sheet<'_>) -> Result<Value, Verdict> {
        sheet.put(step, self.subject, self.context).await
    }
}

/// One of these judges.
pub(super) trait Measure: Send + Sync + fmt::Debug + 'static {
    /// The score of an answer, or the verdict where there is none.
    fn judged<'a>(&'a self, about: About<'a>) -> BoxFuture<'a, Result<Score, Verdict>>;

    /// Whether it can say nothing of a sample without expected answers.
    fn needs_expected(&self) -> bool;

    /// Whether it can say nothing of a sample without a context.
    fn needs_context(&self) -> bool;

    /// The steps with how often each is asked about a sample with so many texts of context.
    fn steps(&self, texts: u64) -> Vec<(&Step, u64)>;

    /// Who makes vectors for it.
    fn vectors(&self) -> Option<&Vectors> {
        None
    }

    /// Whether less is better.
    fn less_is_better(&self) -> bool {
        false
    }
}

/// A judge as a scorer.
#[derive(Debug)]
pub(super) struct Rag<M> {
    ground: Ground,
    measure: M,
    columns: Vec<String>,
}

impl<M: Measure> Rag<M> {
    pub(super) fn built(ground: Ground, measure: M) -> Built {
        let columns = measure.needs_context().then(|| ground.context.clone());
        let columns = columns.into_iter().collect();
        Built::Asks(Arc::new(Self { ground, measure, columns }))
    }
}

impl<M: Measure> Asks for Rag<M> {
    fn ask<'a>(&'a self, subject: Subject<'a>, context: &'a Context<'a>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            let about = About { subject: &subject, context, ground: &self.ground };
            match self.measure.judged(about).await {
                Ok(score) => {
                    let passes = |mark: f64| {
                        if self.measure.less_is_better() {
                            score.value <= mark + 1e-9
                        } else {
                            score.value >= mark - 1e-9
                        }
                    };
                    Verdict::Scored(Score { passed: self.ground.threshold.map(passes), ..score })
                }
                Err(verdict) => verdict,
            }
        })
    }

    fn needs_expected(&self) -> bool {
        self.measure.needs_expected()
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn targets(&self) -> Vec<Arc<Target>> {
        let steps = self.measure.steps(1);
        let first = steps.first().map(|(step, _)| Arc::clone(step.target()));
        let vectors = self.measure.vectors().map(|vectors| Arc::clone(vectors.target()));
        first.into_iter().chain(vectors).collect()
    }

    fn foreseen(&self, sample: &Sample) -> Vec<Foreseen> {
        let answer = Answer {
            key: TrialKey { seq: 0, sample: sample.index, prompt: 0, model: 0, epoch: 0 },
            result: Ok(Generation::default()),
            attempts: Vec::new(),
            served_by: String::new(),
            cached: None,
            extracted: Vec::new(),
        };
        let generation = Generation::default();
        let subject = Subject { sample, answer: &answer, generation: &generation, output: None };
        let texts = match subject.sample.vars.get(&self.ground.context) {
            Some(Value::Array(items)) => items.iter().map(value_text).collect(),
            Some(Value::Null) | None => Vec::new(),
            Some(other) => vec![value_text(other)],
        };
        let question = sample.input.clone().unwrap_or_default();
        let all = texts.join("\n") + &sample.expected.join("\n");
        let sheet = Sheet::new("…").show("question", &question).show("context", &all);
        let steps = self.measure.steps(texts.len().max(1) as u64);
        let steps = steps.into_iter().map(|(step, times)| sheet.foreseen(step, times));
        let texts: Vec<String> = sample.input.iter().chain(&sample.expected).cloned().collect();
        steps.chain(self.measure.vectors().map(|vectors| vectors.foreseen(&texts))).collect()
    }
}

/// A value with what it is made of.
pub(super) fn score(value: f64, why: &str) -> Score {
    Score::number(value.clamp(0.0, 1.0)).because(one_line(why, 1_000))
}
