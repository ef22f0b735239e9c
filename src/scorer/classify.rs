//! Which of some labels fits an answer.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{
    ArgError, Args, Asks, Better, Built, Card, Context, Foreseen, OptionCard, Range, ScorerKind,
    Subject,
    compare::{accepted, alternatives},
    judge::{
        Form, Step,
        card::{Choice, Scale},
    },
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

/// Most labels.
const MOST: usize = 100;

static CARD: Card = Card {
    name: "classify",
    summary: "Whether the label that a judge gives the answer is one of those that are wanted.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        JUDGE,
        OptionCard {
            name: "labels",
            kind: "list of texts, or mapping of labels to what they mean",
            default: "required",
            doc: "The labels; exactly one of them is given.",
        },
        OptionCard {
            name: "criterion",
            kind: "text",
            default: "which label fits the answer best",
            doc: "What the labels are about, in a sentence.",
        },
        OptionCard {
            name: "accept",
            kind: "text or list of texts",
            default: "none: the sample's expected answers",
            doc: "The labels with which the answer has passed.",
        },
        OptionCard {
            name: "use_cot",
            kind: "flag",
            default: "on",
            doc: "Whether the judge reasons before it gives the label.",
        },
        TRANSCRIPT,
        ANSWERS,
    ],
    edge_cases: &[
        "The label stands beside the score, whatever is accepted.",
        "Labels are compared without case; an expected answer that is no label is a failure of the \
         scorer.",
        "The judge does not see the expected answer.",
    ],
    source: "`LLMClassifier` of autoevals 0.4.1, for any labels",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Classify;

#[derive(Debug)]
struct Labelled {
    task: String,
    labels: Vec<String>,
    accept: Option<Vec<String>>,
    label: Step,
    transcript: Option<String>,
}

impl ScorerKind for Classify {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let ground = Ground::of(args)?;
        let (labels, means) = labels(args)?;
        let accept = args.texts("accept")?;
        for wanted in accept.iter().flatten() {
            if !labels.iter().any(|label| is(label, wanted)) {
                let all = labels.join("`, `");
                let message = format!("`{}` is no label; there are `{all}`", one_line(wanted, 60));
                return Err(args.error("accept", message));
            }
        }
        let reasons = args.switch("use_cot")?.unwrap_or(true);
        let wrong = |why: String| args.error("answers", why);
        let form = Form::choice(labels.clone(), reasons);
        let label = Step::new("label", ground.target(), form, ground.answers()).map_err(wrong)?;
        // What a label is worth is for simulated judges, which give the first and the last of these.
        let worth = |label: &String| {
            let wanted = accept.iter().flatten().any(|wanted| is(label, wanted));
            Choice { label: label.clone(), score: f64::from(u8::from(wanted)), means: None }
        };
        let scale = Scale::Choices(labels.iter().map(worth).collect());
        let criterion = args.text("criterion")?.unwrap_or("Which label fits `answer` best?");
        let task = format!(
            "Give `answer` a label.\n\n{}\n\n{}",
            criterion.trim(),
            labels
                .iter()
                .zip(means)
                .map(|(label, means)| described(label, means))
                .collect::<Vec<_>>()
                .join("\n")
        );
        Ok(Built::Asks(Arc::new(Labelled {
            task,
            labels,
            accept,
            label: label.worth(scale),
            transcript: args.text("transcript")?.map(str::to_owned),
        })))
    }
}

fn described(label: &str, means: Option<String>) -> String {
    match means {
        Some(means) => format!("- `{label}`: {}", means.trim()),
        None => format!("- `{label}`"),
    }
}

fn is(label: &str, other: &str) -> bool {
    label.to_lowercase() == other.trim().to_lowercase()
}

/// The labels, each with what it means where that is said.
fn labels(args: &Args) -> Result<(Vec<String>, Vec<Option<String>>), ArgError> {
    let wrong = |message: String| args.error("labels", message);
    let written: Vec<(String, Option<String>)> = match args.raw("labels") {
        Some(Value::Object(map)) => {
            let entry = |(label, means): (&String, &Value)| match means {
                Value::Null => Ok((label.clone(), None)),
                Value::String(means) => Ok((label.clone(), Some(means.clone()))),
                _ => Err(wrong(format!("what `{label}` means is a text"))),
            };
            map.iter().map(entry).collect::<Result<_, _>>()?
        }
        Some(_) => {
            let texts = args.texts("labels")?.unwrap_or_default();
            texts.into_iter().map(|label| (label, None)).collect()
        }
        None => return Err(wrong("is missing: `[spam, ham]`, or what each means".to_owned())),
    };
    if !(2..=MOST).contains(&written.len()) {
        return Err(wrong(format!("there are 2 to {MOST} labels, not {}", written.len())));
    }
    let (labels, means): (Vec<String>, Vec<Option<String>>) =
        written.into_iter().map(|(label, means)| (label.trim().to_owned(), means)).unzip();
    for (index, label) in labels.iter().enumerate() {
        if label.is_empty() || label.contains(['\n', '`']) {
            return Err(wrong(format!("`{}` cannot be a label", one_line(label, 60))));
        }
        if labels[..index].iter().any(|other| is(other, label)) {
            return Err(wrong(format!("two labels are `{label}`, whatever the case")));
        }
    }
    Ok((labels, means))
}

impl Labelled {
    async fn judged(
        &self,
        subject: Subject<'_>,
        context: &Context<'_>,
    ) -> Result<Verdict, Verdict> {
        let wanted: &[String] = match &self.accept {
            Some(accept) => accept,
            None => accepted(&subject)?,
        };
        if let Some(stranger) =
            wanted.iter().find(|wanted| !self.labels.iter().any(|label| is(label, wanted)))
        {
            let stranger = one_line(stranger, 60);
            return Err(Verdict::Failed(format!("the expected answer `{stranger}` is no label")));
        }
        let material = Material::of(&subject, context, self.transcript.as_deref())?;
        let material = material.without_expected();
        let sheet = material.sheet(self.task.clone());
        let value = sheet.put(&self.label, &subject, context).await?;
        let label = value["verdict"].as_str().unwrap_or_default().to_owned();
        let passed = wanted.iter().any(|wanted| is(&label, wanted));
        let reasoning = one_line(value["reasoning"].as_str().unwrap_or_default(), 800);
        let mut why = reasoning;
        if !passed {
            why = format!("`{label}`, not {}; {why}", alternatives(wanted));
        }
        let score = Score { label: Some(label), ..Score::binary(passed) };
        Ok(Verdict::Scored(score.because(one_line(why.trim_end_matches("; "), 1_000))))
    }
}

impl Asks for Labelled {
    fn ask<'a>(&'a self, subject: Subject<'a>, context: &'a Context<'a>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            match self.judged(subject, context).await {
                Ok(verdict) | Err(verdict) => verdict,
            }
        })
    }

    fn needs_expected(&self) -> bool {
        self.accept.is_none()
    }

    fn columns(&self) -> &[String] {
        self.transcript.as_slice()
    }

    fn targets(&self) -> Vec<Arc<Target>> {
        vec![Arc::clone(self.label.target())]
    }

    fn foreseen(&self, sample: &Sample) -> Vec<Foreseen> {
        let question = sample.input.clone().unwrap_or_default();
        vec![Sheet::new(self.task.clone()).show("question", &question).foreseen(&self.label, 1)]
    }
}
