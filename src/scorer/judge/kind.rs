//! The scorer `judge`: a question out of a file, to one model or several, once or several times.

use std::{fs, path::Path, sync::Arc};

use futures_util::future::{BoxFuture, try_join_all};
use serde_json::{Map, Value, json};

use super::{
    Answers, Asked, Form, Step, builtin,
    card::{Choice, Definition, FOLDER, Scale},
    material::{Filling, Said},
    panel::{Combine, Opinion, combined},
};
use crate::{
    base::digest::sha256_hex,
    config::error::suggestion,
    domain::{sample::Sample, score::Verdict, target::Target},
    prompt::Template,
    scorer::{
        ArgError, Args, Asks, Better, Built, Card, Context, Foreseen, MODEL, MODELS, OptionCard,
        Range, ScorerKind, Subject,
    },
};

/// Most times that one judge is asked the same.
const MOST_REPEATS: u64 = 100;

static CARD: Card = Card {
    name: "judge",
    summary: "What a model says of the answer, asked by a judge: a built-in one, a file of yours, or a \
              criterion in one line.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "use",
            kind: "text",
            default: "`rubric`, where there is a criterion",
            doc: "The judge: `factuality`, `closed_qa`, … (`evals judge list`), one of your own in \
                  `judges/NAME.yaml` beside the config, or the path of a file.",
        },
        OptionCard {
            name: "model",
            kind: MODEL,
            default: "required, or `models`",
            doc: "Who judges: written as under `models` of a config. The config's `params` are for the \
                  models that are judged; a judge takes its own.",
        },
        OptionCard {
            name: "models",
            kind: MODELS,
            default: "none",
            doc: "Several who judge, each by itself.",
        },
        OptionCard {
            name: "criterion",
            kind: "text or column",
            default: "none",
            doc: "What the answer is judged by, in a sentence or more; `{column: NAME}` has one for \
                  each row.",
        },
        OptionCard {
            name: "prompt",
            kind: "template",
            default: "the judge's",
            doc: "What the judge is told, in place of a judge file; with `choice_scores`.",
        },
        OptionCard {
            name: "choice_scores",
            kind: "mapping of choices to scores",
            default: "the judge's",
            doc: "What it may answer, and what that is worth, from 0 to 1.",
        },
        OptionCard {
            name: "use_cot",
            kind: "flag",
            default: "as the judge says, else `true`",
            doc: "Whether it reasons before its verdict.",
        },
        OptionCard {
            name: "with",
            kind: "mapping",
            default: "none",
            doc: "What else the judge's file asks for, such as `{language: French}`; `{column: NAME}` \
                  takes it from the row.",
        },
        OptionCard {
            name: "context",
            kind: "text",
            default: "`context`",
            doc: "The column of the texts that the answer is to rest on.",
        },
        OptionCard {
            name: "threshold",
            kind: "number from 0 to 1",
            default: "the judge's, else 0.5",
            doc: "The score from which on the answer has passed.",
        },
        OptionCard {
            name: "combine",
            kind: "name",
            default: "`mean`",
            doc: "How several verdicts become one: `mean`, `median`, `majority` (what most say; an even \
                  split is not scored) or `unanimous` (the lowest).",
        },
        OptionCard {
            name: "repeats",
            kind: "whole number from 1 to 100",
            default: "1",
            doc: "How often each judge is asked the same, to tell its noise from the model's. It is then \
                  asked at its own temperature.",
        },
        OptionCard {
            name: "answers",
            kind: "name",
            default: "`auto`: the strictest that the model is known to have",
            doc: "How it is made to answer: `schema` (a JSON Schema), `tool` (a call), `json`, `text`.",
        },
    ],
    edge_cases: &[
        "What is judged stands between marks that it cannot close, and the judge is told that it is \
         data.",
        "A verdict is taken whole or not at all: the last one counts, and none outside of the choices or \
         the scale. A reply that cannot be used is asked for again, twice at most.",
        "A judge that declines, is cut, is down or answers nothing that can be used: not scored, never a \
         number. `evals resume` asks it again.",
        "What is asked twice in a run is asked once.",
        "The value is the score of the verdict; on a scale, its place between the ends.",
        "With several verdicts, one that is missing leaves the answer without a score.",
        "A judge is asked at temperature 0 where it is known to take one, and for no more than 2,048 \
         tokens unless it thinks; its `params` say otherwise.",
    ],
    source: "docs/judges.md",
};

/// The kind.
#[derive(Debug)]
pub struct Judge;

impl ScorerKind for Judge {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let definition = definition(args)?;
        let with = said(args, &definition)?;
        let combine = args.name("combine", &Combine::ALL.map(|(name, _)| name))?;
        let combine = Combine::ALL.iter().find(|(name, _)| Some(*name) == combine);
        let repeats = args.whole("repeats", 1, MOST_REPEATS)?.unwrap_or(1) as u32;
        let steps = steps(args, &definition, ("verdict", repeats))?;
        let threshold = args.number("threshold", 0.0, 1.0)?.unwrap_or(definition.threshold);
        let context = args.text("context")?.unwrap_or("context").to_owned();
        let columns = columns(&definition, &with, &context);
        Ok(Built::Asks(Arc::new(Asking {
            with,
            steps,
            repeats,
            combine: combine.map(|(_, how)| *how).unwrap_or_default(),
            threshold,
            context,
            columns,
            definition,
        })))
    }
}

/// A judge with whom it asks.
#[derive(Debug)]
struct Asking {
    definition: Definition,
    with: Vec<(String, Said)>,
    /// One for each model.
    steps: Vec<Step>,
    repeats: u32,
    combine: Combine,
    threshold: f64,
    context: String,
    columns: Vec<String>,
}

impl Asking {
    fn filling(&self) -> Filling<'_> {
        let Self { definition, with, context, .. } = self;
        Filling { definition, with, context }
    }

    async fn judged(
        &self,
        subject: Subject<'_>,
        context: &Context<'_>,
    ) -> Result<Verdict, Verdict> {
        let filled = self.filling().fill(&subject, context.messages)?;
        let asked = Asked::about(&subject, &filled.fence, &filled.body);
        let each = self.steps.iter().flat_map(|step| (0..self.repeats).map(move |n| (step, n)));
        // All at once: of those that come to nothing the others are recorded, and not asked again.
        let opinions = each.map(|(step, repeat)| async move {
            let value = step.ask(context, &asked.repeated(repeat)).await?;
            let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
            let verdict = value.get("verdict").unwrap_or(&Value::Null);
            let score = value.get("score").and_then(Value::as_f64);
            Ok::<_, Verdict>(Opinion {
                judge: step.target().name.clone(),
                label: text("verdict").unwrap_or_else(|| verdict.to_string()),
                score: score
                    .ok_or_else(|| Verdict::Failed("the verdict has no score".to_owned()))?,
                reasoning: text("reasoning"),
            })
        });
        Ok(combined(&try_join_all(opinions).await?, self.combine, self.threshold))
    }
}

impl Asks for Asking {
    fn ask<'a>(&'a self, subject: Subject<'a>, context: &'a Context<'a>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            match self.judged(subject, context).await {
                Ok(verdict) | Err(verdict) => verdict,
            }
        })
    }

    fn needs_expected(&self) -> bool {
        self.definition.needs.iter().any(|need| need == "expected")
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn targets(&self) -> Vec<Arc<Target>> {
        self.steps.iter().map(|step| Arc::clone(step.target())).collect()
    }

    fn foreseen(&self, sample: &Sample) -> Vec<Foreseen> {
        let Some(filled) = self.filling().foreseen(sample) else { return Vec::new() };
        let call = |step: &Step| Foreseen {
            times: u64::from(self.repeats),
            ..step.foreseen(&filled.fence, &filled.body)
        };
        self.steps.iter().map(call).collect()
    }

    fn facts(&self) -> Map<String, Value> {
        facts(&self.definition)
    }
}

/// What a run keeps of a judge.
pub(super) fn facts(definition: &Definition) -> Map<String, Value> {
    let Definition { name, version, digest, .. } = definition;
    let judge = json!({ "name": name, "version": version, "digest": &digest[..16] });
    Map::from_iter([("judge".to_owned(), judge)])
}

/// Where a judge's file is: its text, and what messages call it.
fn file(args: &Args, name: &str) -> Result<Option<(String, String)>, ArgError> {
    let is_path = Path::new(name).extension().is_some_and(|end| end == "yaml" || end == "yml");
    let base = &args.site().base_dir;
    let path = if is_path {
        base.join(name)
    } else {
        let simple = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let path = base.join(FOLDER).join(format!("{name}.yaml"));
        if !name.chars().all(simple) || !path.is_file() {
            return Ok(None);
        }
        path
    };
    let shown = path.display().to_string();
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some((text, shown))),
        Err(error) => Err(args.error("use", format!("failed to read judge `{shown}`: {error}"))),
    }
}

/// The judge that `args` describe.
pub(super) fn definition(args: &Args) -> Result<Definition, ArgError> {
    let mut definition = match (args.text("use")?, args.text("prompt")?) {
        (Some(name), None) => named(args, name)?,
        (None, Some(prompt)) => inline(args, prompt)?,
        (None, None) if args.raw("criterion").is_some() => named(args, "rubric")?,
        (None, None) => {
            let message =
                "is missing: name a judge, or say a `criterion`; `evals judge list` has them";
            return Err(args.error("use", message));
        }
        (Some(_), Some(_)) => {
            return Err(args.error("prompt", "stands in place of `use`; write one of both"));
        }
    };
    if let Some(written) = args.raw("choice_scores") {
        definition.scale = Scale::Choices(choices(args, written)?);
    }
    if let Some(cot) = args.switch("use_cot")? {
        definition.cot = cot;
    }
    Ok(definition)
}

pub(super) fn named(args: &Args, name: &str) -> Result<Definition, ArgError> {
    if let Some((text, shown)) = file(args, name)? {
        return Definition::read(&text, &shown).map_err(|wrong| {
            let hint = wrong.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            args.error("use", format!("{wrong}{hint}"))
        });
    }
    builtin::find(name).cloned().ok_or_else(|| {
        let known = suggestion(name, builtin::names(), "judges");
        let own = args.site().base_dir.join(FOLDER).join(format!("{name}.yaml"));
        let own = Path::new(&own).display();
        args.error("use", format!("there is no judge `{name}`; {known}; your own would be `{own}`"))
    })
}

/// A judge that stands in the config as a whole.
fn inline(args: &Args, prompt: &str) -> Result<Definition, ArgError> {
    if args.raw("choice_scores").is_none() {
        return Err(
            args.error("choice_scores", "is missing: what may the judge answer to `prompt`?")
        );
    }
    let known = super::card::VARIABLES.map(|(name, _)| name);
    let template =
        Template::compile(prompt).map_err(|wrong| args.error("prompt", wrong.to_string()))?;
    let with = args.raw("with").and_then(Value::as_object);
    let said = |name: &str| name == "criterion" || with.is_some_and(|with| with.contains_key(name));
    let strange = |name: &&String| !known.contains(&name.as_str()) && !said(name);
    if let Some(name) = template.variables().iter().find(strange) {
        let hint = suggestion(name, known, "variables");
        let message =
            format!("reads `{name}`, which no sample has; {hint}; a column is `vars.NAME`");
        return Err(args.error("prompt", message));
    }
    let needs = ["output", "expected", "input"];
    let needs = needs.iter().filter(|name| template.variables().contains(**name));
    Ok(Definition {
        name: "inline".to_owned(),
        version: 1,
        summary: String::new(),
        source: "the config".to_owned(),
        needs: needs.map(|name| (*name).to_owned()).collect(),
        cot: true,
        scale: Scale::Choices(Vec::new()),
        threshold: 0.5,
        with: template
            .variables()
            .iter()
            .filter(|name| said(name))
            .map(|name| (name.clone(), super::card::Parameter::default()))
            .collect(),
        digest: sha256_hex(prompt.as_bytes()),
        prompt: template,
    })
}

/// The choices of `choice_scores`.
fn choices(args: &Args, written: &Value) -> Result<Vec<Choice>, ArgError> {
    let option = "choice_scores";
    let wrong = |message: String| args.error(option, message);
    let Value::Object(map) = written else {
        return Err(wrong("is a mapping, such as `{Yes: 1, No: 0}`".to_owned()));
    };
    if map.len() < 2 {
        return Err(wrong("has two choices at least".to_owned()));
    }
    let choice = |(label, score): (&String, &Value)| {
        let label = label.trim().to_owned();
        if label.is_empty() || label.contains(['\n', '`']) {
            return Err(wrong(format!("`{label}` cannot be a choice")));
        }
        let score = match score {
            Value::Null => return Err(wrong(format!("the choice `{label}` has no score"))),
            score => {
                score.as_f64().filter(|score| (0.0..=1.0).contains(score)).ok_or_else(|| {
                    wrong(format!("the score of `{label}` lies between 0 and 1, not `{score}`"))
                })?
            }
        };
        Ok(Choice { label, score, means: None })
    };
    let choices: Vec<Choice> = map.iter().map(choice).collect::<Result<_, _>>()?;
    let twice = |(at, choice): (usize, &Choice)| {
        choices[..at].iter().any(|other| other.label.eq_ignore_ascii_case(&choice.label))
    };
    if choices.iter().enumerate().any(twice) {
        return Err(wrong("two choices differ in their case only".to_owned()));
    }
    Ok(choices)
}

/// What the config says to the judge, by the names of its file.
pub(super) fn said(args: &Args, definition: &Definition) -> Result<Vec<(String, Said)>, ArgError> {
    let mut given: Map<String, Value> = match args.raw("with") {
        None => Map::new(),
        Some(Value::Object(map)) => map.clone(),
        Some(_) => return Err(args.error("with", "is a mapping, such as `{language: French}`")),
    };
    if let Some(criterion) = args.raw("criterion") {
        given.insert("criterion".to_owned(), criterion.clone());
    }
    let option = |name: &str| if name == "criterion" { "criterion" } else { "with" };
    let known = || definition.with.keys().map(String::as_str);
    if let Some(stranger) = given.keys().find(|name| !definition.with.contains_key(*name)) {
        let judge = &definition.name;
        let what = match known().collect::<Vec<_>>() {
            all if all.is_empty() => "it takes nothing".to_owned(),
            all => format!("it takes `{}`", all.join("`, `")),
        };
        let message = format!("judge `{judge}` knows no `{stranger}`; {what}");
        return Err(args.error(option(stranger), message));
    }
    let mut said = Vec::new();
    for (name, parameter) in &definition.with {
        let text = match (given.get(name), &parameter.default) {
            (Some(Value::String(text)), _) if !text.trim().is_empty() => Said::Text(text.clone()),
            (Some(value), _) => match value.get("column").and_then(Value::as_str) {
                Some(column) => Said::Column(column.to_owned()),
                None => {
                    let message = format!("`{name}` is a text, or `{{column: NAME}}`");
                    return Err(args.error(option(name), message));
                }
            },
            (None, Some(default)) => Said::Text(default.clone()),
            (None, None) => {
                let doc = parameter.doc.trim_end_matches('.');
                let message = format!("judge `{}` needs `{name}`: {doc}", definition.name);
                return Err(args.error(option(name), message));
            }
        };
        said.push((name.clone(), text));
    }
    Ok(said)
}

/// One step called `name` for each model that judges.
pub(super) fn steps(
    args: &Args,
    definition: &Definition,
    (name, repeats): (&str, u32),
) -> Result<Vec<Step>, ArgError> {
    let (one, many) = (args.model("model")?, args.models("models")?);
    let (option, targets) = match (one, many.as_slice()) {
        (Some(one), []) => ("model", vec![one]),
        (None, [_, ..]) => ("models", many),
        (None, []) => {
            let message =
                "is missing: who judges? Such as `anthropic/claude-sonnet-4-5`, or `sim/judge`";
            return Err(args.error("model", message));
        }
        (Some(_), _) => return Err(args.error("models", "stands in place of `model`")),
    };
    let answers = Answers::of(args)?;
    let step = |target: &Arc<Target>| {
        let form = match &definition.scale {
            Scale::Choices(choices) => {
                Form::choice(choices.iter().map(|c| c.label.clone()).collect(), definition.cot)
            }
            Scale::Number { least, most, whole, .. } => {
                Form::number((*least, *most), *whole, definition.cot)
            }
        };
        let step = Step::new(name, target, form, answers);
        let step =
            step.map(|step| if repeats > 1 { step.at_its_own_temperature(target) } else { step });
        step.map(|step| step.worth(definition.scale.clone())).map_err(|why| args.error(option, why))
    };
    targets.iter().map(step).collect()
}

/// The columns that must be there.
pub(super) fn columns(
    definition: &Definition,
    with: &[(String, Said)],
    context: &str,
) -> Vec<String> {
    let mut columns: Vec<String> = with
        .iter()
        .filter_map(|(_, said)| match said {
            Said::Column(column) => Some(column.clone()),
            Said::Text(_) => None,
        })
        .collect();
    if definition.needs.iter().any(|need| need == "context") {
        columns.push(context.to_owned());
    }
    columns.extend(fields_of_row(definition.prompt.source()));
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// The columns that a template reads as `vars.NAME`.
fn fields_of_row(source: &str) -> Vec<String> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in source.match_indices("vars.") {
        let before = source[..at].chars().next_back();
        let in_tag = source[..at].rfind("{{") > source[..at].rfind("}}");
        let name: String = source[at + 5..].chars().take_while(|c| is_name(*c)).collect();
        if in_tag && !name.is_empty() && !before.is_some_and(is_name) {
            found.push(name);
        }
    }
    found
}
