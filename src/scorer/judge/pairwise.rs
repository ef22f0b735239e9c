//! The scorer `pairwise`: an answer against those of the other models, each in both orders.
//!
//! Both models of a pair ask the same two questions, so that each is asked once in a run, and both
//! know what came of it.

use std::sync::Arc;

use futures_util::future::{BoxFuture, join, join_all};
use serde_json::{Map, Value};

use super::{
    Asked, Step,
    card::Definition,
    kind::{columns, definition, facts, named, said, steps},
    material::{Filling, Said},
};
use crate::{
    base::text::one_line,
    domain::{
        pairwise::{Flip, Meeting, Outcome, SCORER, counts},
        sample::Sample,
        score::{Score, Verdict},
        target::Target,
        trial::Status,
    },
    scorer::{
        ArgError, Args, Asks, Better, Built, Card, Context, Foreseen, OptionCard, Range, Rival,
        ScorerKind, Subject, sheet::JUDGE,
    },
};

/// The judge that compares where none is named.
const BATTLE: &str = "battle";

/// Longest explanation, in characters.
const EXPLAINED: usize = 1_000;

static CARD: Card = Card {
    name: SCORER,
    summary: "How the answer fares against those of the other models, by a judge that sees two at a \
              time, in both orders.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        JUDGE,
        OptionCard {
            name: "use",
            kind: "text",
            default: "`battle`",
            doc: "The judge: one that reads `output`, the first answer, and `expected`, the second one; a \
                  score above 0.5 prefers the first.",
        },
        OptionCard {
            name: "pairs",
            kind: "`all` or list of pairs",
            default: "`all`",
            doc: "Which models are compared: `[[a, b], [a, c]]`, by their names.",
        },
        OptionCard {
            name: "with",
            kind: "mapping",
            default: "none",
            doc: "What else the judge's file asks for; `{column: NAME}` takes it from the row.",
        },
        OptionCard {
            name: "criterion",
            kind: "text or column",
            default: "none",
            doc: "What the judge's file calls `criterion`.",
        },
        OptionCard {
            name: "context",
            kind: "text",
            default: "`context`",
            doc: "The column of the texts that the answers are to rest on.",
        },
        OptionCard {
            name: "use_cot",
            kind: "flag",
            default: "as the judge says, else `true`",
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
        "An answer wins when the judge prefers it in both orders, and loses when the other is preferred \
         in both; anything else is a tie. The value is the mean over the other models: 1, 0.5 or 0 each.",
        "Reports add who won how often against whom, strengths after Bradley and Terry with intervals, and \
         how often the order decided.",
        "A judge that fails leaves the comparison out, never as a tie or a loss: both answers are not \
         scored, and `evals resume` asks again for what is missing.",
        "A model whose call failed, or whose answer is refused, cut or empty, is not compared.",
        "All models answer a question before the first of them is compared.",
        "It stands directly under `scorers`, in a run of two models or more.",
    ],
    source: "Zheng et al. 2023, arXiv:2306.05685, section 3.4, for both orders; docs/judges.md",
};

/// The kind.
#[derive(Debug)]
pub struct Pairwise;

impl ScorerKind for Pairwise {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        if args.site().depth > 0 {
            return Err(args.error("model", "`pairwise` stands directly under `scorers`"));
        }
        let named_one = args.raw("use").is_some();
        let mut definition = if named_one { definition(args)? } else { named(args, BATTLE)? };
        if let Some(cot) = args.switch("use_cot")? {
            definition.cot = cot;
        }
        let both = ["output", "expected"];
        if let Some(lacking) = both.iter().find(|need| !definition.needs.iter().any(|n| n == *need))
        {
            let message = format!(
                "judge `{}` does not need `{lacking}`: it compares nothing; the first answer is \
                 `output`, the second one `expected`",
                definition.name
            );
            return Err(args.error("use", message));
        }
        let with = said(args, &definition)?;
        let mut steps = steps(args, &definition, ("compare", 1))?;
        let context = args.text("context")?.unwrap_or("context").to_owned();
        let columns = columns(&definition, &with, &context);
        let pairs = pairs(args)?;
        let models = args.site().subjects;
        let questions = match &pairs {
            None => models.saturating_sub(1),
            Some(pairs) => (2 * pairs.len()).div_ceil(models.max(1)),
        };
        Ok(Built::Asks(Arc::new(Comparing {
            step: steps.swap_remove(0),
            questions: questions.max(1) as u64,
            definition,
            with,
            context,
            columns,
            pairs,
        })))
    }
}

/// The pairs that are written; `None` for all.
fn pairs(args: &Args) -> Result<Option<Vec<(String, String)>>, ArgError> {
    let wrong = || args.error("pairs", "is `all`, or a list of two models each: `[[a, b]]`");
    match args.raw("pairs") {
        None => Ok(None),
        Some(Value::String(all)) if all == "all" => Ok(None),
        Some(Value::Array(written)) if !written.is_empty() => {
            let pair = |pair: &Value| {
                let names: Option<Vec<&str>> =
                    pair.as_array().and_then(|pair| pair.iter().map(Value::as_str).collect());
                match names.as_deref() {
                    Some([one, other]) if one != other => {
                        Ok(((*one).to_owned(), (*other).to_owned()))
                    }
                    _ => Err(wrong()),
                }
            };
            written.iter().map(pair).collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(wrong()),
    }
}

/// A judge that compares.
#[derive(Debug)]
struct Comparing {
    definition: Definition,
    with: Vec<(String, Said)>,
    step: Step,
    context: String,
    columns: Vec<String>,
    pairs: Option<Vec<(String, String)>>,
    /// Questions about an answer, since both sides share theirs.
    questions: u64,
}

impl Comparing {
    fn filling(&self) -> Filling<'_> {
        let Self { definition, with, context, .. } = self;
        Filling { definition, with, context }
    }

    fn compares(&self, one: &str, other: &str) -> bool {
        let is = |(a, b): &(String, String)| (a == one && b == other) || (a == other && b == one);
        self.pairs.as_ref().is_none_or(|pairs| pairs.iter().any(is))
    }

    /// What the judge says of the two texts in this order: 1 when the first is better, 0 when the
    /// second one is.
    async fn asked(
        &self,
        subject: Subject<'_>,
        context: &Context<'_>,
        (first, second): (&str, &str),
    ) -> Result<f64, Verdict> {
        let sample = Sample { expected: vec![second.to_owned()], ..subject.sample.clone() };
        let subject = Subject { sample: &sample, output: Some(first), ..subject };
        let filled = self.filling().fill(&subject, context.messages)?;
        let asked = Asked::about(&subject, &filled.fence, &filled.body);
        let value = self.step.ask(context, &asked).await?;
        let score = value.get("score").and_then(Value::as_f64);
        score.ok_or_else(|| Verdict::Failed("the verdict has no score".to_owned()))
    }

    async fn compared(
        &self,
        subject: Subject<'_>,
        context: &Context<'_>,
    ) -> Result<Verdict, Verdict> {
        let Some(own) = subject.output else {
            return Ok(Verdict::Skipped("there is no output to compare".to_owned()));
        };
        let mut rivals = Vec::new();
        let mut failed = Vec::new();
        for rival in context.rivals.iter().filter(|rival| self.compares(context.model, rival.name))
        {
            match rival {
                Rival { status: Status::Ok, output: Some(output), .. } => {
                    rivals.push((rival, *output));
                }
                Rival { status: Status::Error, .. } => failed.push(rival.name),
                _ => {}
            }
        }
        if rivals.is_empty() {
            return Ok(if failed.is_empty() {
                Verdict::Skipped("no other model has an answer to compare with".to_owned())
            } else {
                let names = one_line(&failed.join(", "), 200);
                Verdict::Failed(format!("no call of {names} succeeded: nothing to compare with"))
            });
        }
        // All at once: of those that come to nothing the others are recorded, and not asked again.
        let meetings = rivals.iter().map(|&(rival, other)| async move {
            let first = self.asked(subject, context, (own, other));
            let last = self.asked(subject, context, (other, own));
            let (first, last) = join(first, last).await;
            Ok::<_, Verdict>((rival, Meeting::of(first?, 1.0 - last?)))
        });
        let met: Result<Vec<_>, Verdict> = join_all(meetings).await.into_iter().collect();
        Ok(scored(&met?, context.rivals.len() + 1))
    }
}

/// The score of an answer out of what came of each comparison, in a run of so many models.
fn scored(met: &[(&Rival<'_>, Meeting)], models: usize) -> Verdict {
    let mut by_model = vec![None; models];
    let mut said = Vec::new();
    for (rival, meeting) in met {
        if let Some(place) = by_model.get_mut(rival.model as usize) {
            *place = Some(*meeting);
        }
        let what = match meeting.outcome {
            Outcome::Won => "better than",
            Outcome::Lost => "worse than",
            Outcome::Tied => "tied with",
        };
        let how = match meeting.flip {
            Flip::None => "",
            Flip::First => " (whatever stood first was preferred)",
            Flip::Last => " (whatever stood last was preferred)",
            Flip::Half => " (preferred in one order only)",
        };
        said.push(format!("{what} {}{how}", rival.name));
    }
    let worth: f64 = met.iter().map(|(_, meeting)| meeting.outcome.worth()).sum();
    let label = match met {
        [(_, meeting)] => Some(match meeting.outcome {
            Outcome::Won => "won".to_owned(),
            Outcome::Lost => "lost".to_owned(),
            Outcome::Tied => "tied".to_owned(),
        }),
        _ => None,
    };
    Verdict::Scored(Score {
        value: worth / met.len() as f64,
        passed: None,
        label,
        explanation: Some(one_line(&said.join("; "), EXPLAINED)),
        counts: counts(&by_model),
    })
}

impl Asks for Comparing {
    fn ask<'a>(&'a self, subject: Subject<'a>, context: &'a Context<'a>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            match self.compared(subject, context).await {
                Ok(verdict) | Err(verdict) => verdict,
            }
        })
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn compares(&self) -> bool {
        true
    }

    fn names_models(&self) -> Vec<String> {
        let pairs = self.pairs.iter().flatten();
        pairs.flat_map(|(one, other)| [one.clone(), other.clone()]).collect()
    }

    fn targets(&self) -> Vec<Arc<Target>> {
        vec![Arc::clone(self.step.target())]
    }

    fn foreseen(&self, sample: &Sample) -> Vec<Foreseen> {
        // What was asked is not known yet where the row has no input; the call is made all the same.
        let input = sample.input.clone().unwrap_or_else(|| "…".to_owned());
        let expected = vec!["…".to_owned()];
        let sample = Sample { expected, input: Some(input), ..sample.clone() };
        let Some(filled) = self.filling().foreseen(&sample) else { return Vec::new() };
        let call = self.step.foreseen(&filled.fence, &filled.body);
        vec![Foreseen { times: self.questions, ..call }]
    }

    fn facts(&self) -> Map<String, Value> {
        facts(&self.definition)
    }
}
