//! The protocol: what a request and a reply hold, and the verdict that a reply comes to.

use serde_json::{Map, Value, json};

use crate::{
    base::text::one_line,
    domain::score::{Score, Verdict},
    scorer::{ArgError, Args, Context, Subject},
};

/// Characters of an explanation at most.
const EXPLANATION: usize = 300;

/// Characters of a label at most.
const LABEL: usize = 80;

/// A request without its id.
#[derive(Debug)]
pub(super) struct Request(Map<String, Value>);

impl Request {
    /// The line to send, with its line feed.
    pub(super) fn line(&self, number: u64) -> Vec<u8> {
        let mut object = Map::with_capacity(self.0.len() + 1);
        object.insert("id".to_owned(), number.into());
        object.extend(self.0.iter().map(|(key, value)| (key.clone(), value.clone())));
        let mut line = Value::Object(object).to_string().into_bytes();
        line.push(b'\n');
        line
    }
}

/// What a program is told of `subject`.
pub(super) fn request(
    subject: &Subject<'_>,
    context: &Context<'_>,
    options: &Map<String, Value>,
) -> Request {
    let about = [
        ("scorer", json!(context.scorer)),
        ("model", json!(context.model)),
        ("prompt", json!(context.prompt)),
    ];
    let mut fields = named(about);
    fields.extend(of_subject(subject));
    fields.insert("options".to_owned(), Value::Object(options.clone()));
    Request(fields)
}

fn named<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What anybody's code is told of `subject`.
pub(in crate::scorer) fn of_subject(subject: &Subject<'_>) -> Map<String, Value> {
    let Subject { sample, answer, generation, output } = subject;
    let calls: Vec<Value> = generation
        .tool_calls
        .iter()
        .map(|call| json!({"name": call.name, "arguments": call.arguments}))
        .collect();
    named([
        ("epoch", json!(answer.key.epoch)),
        ("sample_id", json!(sample.id)),
        ("input", json!(sample.input)),
        ("expected", json!(sample.expected)),
        ("output", json!(output)),
        ("answer", json!(generation.text)),
        ("tool_calls", Value::Array(calls)),
        ("finish_reason", json!(generation.finish_reason.name())),
        ("vars", Value::Object(sample.vars.clone())),
        ("metadata", Value::Object(sample.metadata.clone())),
    ])
}

/// What a program said.
#[derive(Debug, Default, PartialEq)]
pub(in crate::scorer) struct Reply {
    pub(super) score: Option<f64>,
    pub(super) passed: Option<bool>,
    pub(super) label: Option<String>,
    pub(super) explanation: Option<String>,
    pub(super) error: Option<String>,
    pub(super) skipped: Option<String>,
}

impl Reply {
    /// Reads the line that answers request `number`.
    pub(super) fn read(line: &[u8], number: u64) -> Result<Self, String> {
        let shown = || one_line(String::from_utf8_lossy(line).trim(), 80);
        let text = std::str::from_utf8(line)
            .map_err(|_| format!("the reply is not UTF-8: `{}`", shown()))?;
        let value: Value = serde_json::from_str(text)
            .map_err(|error| format!("the reply is not JSON ({error}): `{}`", shown()))?;
        let Value::Object(fields) = value else {
            return Err(format!("the reply is not a JSON object: `{}`", shown()));
        };
        match fields.get("id") {
            Some(id) if id.as_u64() == Some(number) => {}
            None => return Err(format!("the reply has no `id`: `{}`", shown())),
            Some(id) => {
                let id = one_line(&id.to_string(), 40);
                return Err(format!("the reply is to request {id}, and {number} was asked"));
            }
        }
        Self::of(&fields)
    }

    /// Reads the fields of a reply; those that are not known are left alone.
    pub(in crate::scorer) fn of(fields: &Map<String, Value>) -> Result<Self, String> {
        let get = |name: &str| fields.get(name).filter(|value| !value.is_null());
        let wrong = |name: &str, wanted: &str, value: &Value| {
            format!("`{name}` of the reply is {wanted}, not `{}`", one_line(&value.to_string(), 40))
        };
        let text = |name: &str| match get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(wrong(name, "a text", other)),
        };
        let score = match get("score").or_else(|| get("value")) {
            None => None,
            Some(Value::Bool(yes)) => Some(f64::from(u8::from(*yes))),
            Some(Value::Number(number)) => number.as_f64(),
            Some(other) => return Err(wrong("score", "a number", other)),
        };
        let passed = match get("passed") {
            None => None,
            Some(Value::Bool(passed)) => Some(*passed),
            Some(other) => return Err(wrong("passed", "`true` or `false`", other)),
        };
        Ok(Self {
            score,
            passed,
            label: text("label")?,
            explanation: text("explanation")?,
            error: text("error")?,
            skipped: text("skipped")?,
        })
    }
}

/// How a score becomes a value from 0 to 1, and when it has passed.
#[derive(Debug, Clone, Copy)]
pub(in crate::scorer) struct Scale {
    least: f64,
    most: f64,
    threshold: Option<f64>,
}

impl Scale {
    /// By the options `range` and `threshold`.
    pub(in crate::scorer) fn of(args: &Args) -> Result<Self, ArgError> {
        let wrong = || args.error("range", "must be two numbers, the lower one first: `[1, 5]`");
        let (least, most) = match args.raw("range") {
            None => (0.0, 1.0),
            Some(Value::Array(ends)) => match ends.as_slice() {
                [least, most] => {
                    let ends = least.as_f64().zip(most.as_f64());
                    ends.filter(|(least, most)| least < most && (most - least).is_finite())
                        .ok_or_else(wrong)?
                }
                _ => return Err(wrong()),
            },
            Some(_) => return Err(wrong()),
        };
        Ok(Self { least, most, threshold: args.number("threshold", 0.0, 1.0)? })
    }

    /// The verdict of `score`; a score out of range is a failure.
    pub(in crate::scorer) fn verdict(self, score: f64, passed: Option<bool>) -> Verdict {
        let Self { least, most, threshold } = self;
        if !(least..=most).contains(&score) {
            return Verdict::Failed(format!("the score {score} is not between {least} and {most}"));
        }
        let value = ((score - least) / (most - least)).clamp(0.0, 1.0);
        let passed = passed.or_else(|| threshold.map(|threshold| value >= threshold));
        Verdict::Scored(Score { passed, ..Score::number(value) })
    }
}

/// What `reply` comes to.
pub(in crate::scorer) fn verdict(reply: &Reply, scale: Scale) -> Verdict {
    if let Some(error) = &reply.error {
        return Verdict::Failed(one_line(error, EXPLANATION));
    }
    if let Some(why) = &reply.skipped {
        return Verdict::Skipped(one_line(why, EXPLANATION));
    }
    let verdict = match (reply.score, reply.passed) {
        (Some(score), passed) => scale.verdict(score, passed),
        (None, Some(passed)) => Verdict::Scored(Score::binary(passed)),
        (None, None) => Verdict::Failed("the reply has neither `score` nor `passed`".to_owned()),
    };
    match verdict {
        Verdict::Scored(score) => Verdict::Scored(Score {
            label: reply.label.as_deref().map(|label| one_line(label, LABEL)),
            explanation: reply.explanation.as_deref().map(|why| one_line(why, EXPLANATION)),
            ..score
        }),
        other => other,
    }
}
