//! The scorer `select_best`: a judge picks the best of all models' answers, in two orders.

use std::sync::Arc;

use futures_util::future::{BoxFuture, join};
use serde_json::Value;

use super::{Answers, Asked, Form, Step};
use crate::{
    base::fence::Fence,
    domain::{
        message::{Message, Role},
        sample::Sample,
        score::{Score, Verdict},
        target::Target,
        trial::Status,
    },
    scorer::{
        ArgError, Args, Asks, Better, Built, Card, Context, Foreseen, OptionCard, Range,
        ScorerKind, Subject, sheet::JUDGE,
    },
};

/// What is best, where nobody says otherwise.
const CRITERION: &str = "it follows the instructions best, and is correct, complete and clear";

static CARD: Card = Card {
    name: "select_best",
    summary: "Whether a judge that sees the answers of all models picks this one, in two orders.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        JUDGE,
        OptionCard {
            name: "criterion",
            kind: "text",
            default: "following the instructions, correct, complete and clear",
            doc: "What makes an answer the best one.",
        },
        OptionCard {
            name: "use_cot",
            kind: "flag",
            default: "`true`",
            doc: "Whether it reasons before its verdict.",
        },
        OptionCard {
            name: "answers",
            kind: "name",
            default: "`auto`: the strictest that the model is known to have",
            doc: "How it is made to answer: `schema`, `tool`, `json`, `text`.",
        },
    ],
    edge_cases: &[
        "The judge is asked twice, the second time in the opposite order: 1 when it picks the answer both \
         times, 0.5 when once, 0 else. The answer has passed at 1.",
        "What all models ask alike is asked once.",
        "Models without a whole answer take no part; with no other one the answer is not scored.",
        "A judge that fails leaves all answers to the question without a score; `evals resume` asks it \
         again.",
        "It stands directly under `scorers`, in a run of two models or more.",
    ],
    source: "the idea of promptfoo's select-best, asked in two orders; our own words",
};

/// The kind.
#[derive(Debug)]
pub struct SelectBest;

impl ScorerKind for SelectBest {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        if args.site().depth > 0 {
            return Err(args.error("model", "`select_best` stands directly under `scorers`"));
        }
        let Some(target) = args.model("model")? else {
            let message = "is missing: who judges? Such as `anthropic/claude-sonnet-4-5`";
            return Err(args.error("model", message));
        };
        let answers = Answers::of(args)?;
        let choosing = Choosing {
            target,
            criterion: args.text("criterion")?.unwrap_or(CRITERION).to_owned(),
            cot: args.switch("use_cot")?.unwrap_or(true),
            answers,
        };
        choosing.step(args.site().subjects.max(2)).map_err(|why| args.error("model", why))?;
        Ok(Built::Asks(Arc::new(choosing)))
    }
}

#[derive(Debug)]
struct Choosing {
    target: Arc<Target>,
    criterion: String,
    cot: bool,
    answers: Answers,
}

impl Choosing {
    /// The question, for so many answers.
    fn step(&self, count: usize) -> Result<Step, String> {
        let labels = (1..=count).map(|number| number.to_string()).collect();
        Step::new("best", &self.target, Form::choice(labels, self.cot), self.answers)
    }

    fn body(&self, fence: &Fence, input: &str, answers: &[&str]) -> String {
        let mut body = format!(
            "{} answers were given to the same instructions. Pick the best one: {}.\nThe order in which \
             they stand, how long they are and how sure they sound must not count.\n\nThe \
             instructions:\n{}\n",
            answers.len(),
            self.criterion.trim_end_matches('.'),
            fence.wrap("input", input)
        );
        for (number, answer) in (1_usize..).zip(answers) {
            let answer = fence.wrap("answer", answer);
            body.extend(["\nAnswer ", &number.to_string(), ":\n", &answer, "\n"]);
        }
        body + "\nWhich answer is the best one? Say its number."
    }

    /// The place of the best one of `answers` as they stand.
    async fn picked(
        &self,
        subject: &Subject<'_>,
        context: &Context<'_>,
        (input, answers): (&str, &[&str]),
    ) -> Result<usize, Verdict> {
        let step = self.step(answers.len()).map_err(Verdict::Failed)?;
        let fence = Fence::around(answers.iter().copied().chain([input]));
        let body = self.body(&fence, input, answers);
        let value = step.ask(context, &Asked::about(subject, &fence, &body)).await?;
        let verdict = value.get("verdict").and_then(Value::as_str).unwrap_or_default();
        let number = verdict.parse::<usize>().ok().filter(|n| (1..=answers.len()).contains(n));
        number
            .map(|number| number - 1)
            .ok_or_else(|| Verdict::Failed(format!("`{verdict}` is none of the answers")))
    }

    async fn chosen(
        &self,
        subject: Subject<'_>,
        context: &Context<'_>,
    ) -> Result<Verdict, Verdict> {
        let Some(output) = subject.output else {
            return Ok(Verdict::Skipped("there is no output to compare".to_owned()));
        };
        let whole = context.rivals.iter().filter(|rival| rival.status == Status::Ok);
        let mut all: Vec<(u32, &str)> =
            whole.filter_map(|rival| Some((rival.model, rival.output?))).collect();
        if all.is_empty() {
            let why = "no other model has an answer to compare with";
            return Ok(Verdict::Skipped(why.to_owned()));
        }
        let own = subject.answer.key.model;
        all.push((own, output));
        all.sort_unstable_by_key(|(model, _)| *model);
        let asked = context.messages.iter().rev().find(|message| message.role == Role::User);
        let input = subject.sample.input.clone().or_else(|| asked.map(Message::joined_text));
        let input = input.unwrap_or_default();
        let forth: Vec<&str> = all.iter().map(|(_, text)| *text).collect();
        let back: Vec<&str> = forth.iter().rev().copied().collect();
        let (one, other) = join(
            self.picked(&subject, context, (&input, &forth)),
            self.picked(&subject, context, (&input, &back)),
        )
        .await;
        let (one, other) = (one?, other?);
        let picks = [all[one].0, all[all.len() - 1 - other].0];
        let times = picks.iter().filter(|pick| **pick == own).count();
        let name = |model: u32| {
            let rival = context.rivals.iter().find(|rival| rival.model == model);
            rival.map_or(context.model, |rival| rival.name)
        };
        let why = if picks[0] == picks[1] {
            format!("picked both times: {}", name(picks[0]))
        } else {
            format!("picked: {}, in the opposite order {}", name(picks[0]), name(picks[1]))
        };
        Ok(Verdict::Scored(Score {
            value: times as f64 / 2.0,
            passed: Some(times == 2),
            label: None,
            explanation: Some(why),
            counts: Vec::new(),
        }))
    }
}

impl Asks for Choosing {
    fn ask<'a>(&'a self, subject: Subject<'a>, context: &'a Context<'a>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            match self.chosen(subject, context).await {
                Ok(verdict) | Err(verdict) => verdict,
            }
        })
    }

    fn compares(&self) -> bool {
        true
    }

    fn targets(&self) -> Vec<Arc<Target>> {
        vec![Arc::clone(&self.target)]
    }

    fn foreseen(&self, sample: &Sample) -> Vec<Foreseen> {
        let input = sample.input.clone().unwrap_or_default();
        let fence = Fence::around([input.as_str()]);
        let Ok(step) = self.step(2) else { return Vec::new() };
        vec![step.foreseen(&fence, &self.body(&fence, &input, &["…", "…"]))]
    }
}
