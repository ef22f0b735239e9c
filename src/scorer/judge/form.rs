//! The form of a reply: how it is asked for, and how it is read.

use serde_json::{Map, Value, json};

use super::parse::{label, last_object, last_verdict, number, on_scale};
use crate::{
    base::text::one_line,
    domain::{
        generation::{FinishReason, Generation},
        params::{AnswerSchema, Params, ResponseFormat, Tool, ToolChoice},
        target::{Capabilities, Target},
    },
    scorer::{
        ArgError, Args,
        schema::{Reading, Schema},
    },
};

/// The function that a judge is to call where it answers by a call.
const FUNCTION: &str = "verdict";

/// How a judge is made to answer in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answers {
    /// The strictest way that the model is known to have.
    #[default]
    Auto,
    /// By a JSON Schema.
    Schema,
    /// By the call of a function.
    Tool,
    /// In JSON.
    Json,
    /// In words.
    Text,
}

impl Answers {
    /// All of them, with their names in configs.
    pub const ALL: [(&'static str, Self); 5] = [
        ("auto", Self::Auto),
        ("schema", Self::Schema),
        ("tool", Self::Tool),
        ("json", Self::Json),
        ("text", Self::Text),
    ];

    /// What the option `answers` says.
    pub(in crate::scorer) fn of(args: &Args) -> Result<Self, ArgError> {
        let named = args.name("answers", &Self::ALL.map(|(name, _)| name))?;
        let known = Self::ALL.iter().find(|(name, _)| Some(*name) == named);
        Ok(known.map(|(_, way)| *way).unwrap_or_default())
    }

    /// How a model that can do what `can` says is asked.
    ///
    /// # Errors
    /// It is known not to do what is wanted.
    fn settle(self, target: &Target) -> Result<Self, String> {
        let can: Capabilities = target.capabilities;
        let params = &target.params;
        // Who sets these knows best what the server takes; the reply is read all the same.
        let own = params.response_format.is_some() || !params.tools.is_empty();
        let refused = |name: &str, what: &str| {
            Err(format!(
                "`answers: {name}` needs a model that {what}, and `{}` is known not to; `answers: \
                 auto` takes what it has",
                target.name
            ))
        };
        match self {
            Self::Auto if own => Ok(Self::Text),
            Self::Auto if can.schema == Some(true) => Ok(Self::Schema),
            Self::Auto if can.tools == Some(true) => Ok(Self::Tool),
            Self::Auto if can.json == Some(true) => Ok(Self::Json),
            Self::Auto => Ok(Self::Text),
            Self::Schema if can.schema == Some(false) => {
                refused("schema", "takes a JSON Schema for its answer")
            }
            Self::Tool if can.tools == Some(false) => refused("tool", "calls functions"),
            Self::Json if can.json == Some(false) => {
                refused("json", "can be made to answer in JSON")
            }
            settled => Ok(settled),
        }
    }
}

/// What a reply has to hold.
#[derive(Debug)]
pub struct Form {
    shape: Shape,
    /// Whether the judge says why before it says what.
    reasons: bool,
}

#[derive(Debug)]
enum Shape {
    Choice(Vec<String>),
    Number { least: f64, most: f64, whole: bool },
    Object { schema: Value, compiled: Schema },
}

impl Form {
    /// One of `labels`. Read as `{"verdict": LABEL}`, with `reasoning` where there is some.
    pub fn choice(labels: Vec<String>, reasons: bool) -> Self {
        Self { shape: Shape::Choice(labels), reasons }
    }

    /// A number from `least` to `most`. Read as `{"verdict": NUMBER}`, with `reasoning` where there is
    /// some.
    pub fn number((least, most): (f64, f64), whole: bool, reasons: bool) -> Self {
        Self { shape: Shape::Number { least, most, whole }, reasons }
    }

    /// A JSON object that `schema` describes, which is itself an object with `properties`, all of them
    /// `required`, and `additionalProperties: false`, as providers want it. Read as it is.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub fn object(schema: Value) -> Result<Self, String> {
        let compiled = Schema::compile(&schema, Reading::default())?;
        Ok(Self { shape: Shape::Object { schema, compiled }, reasons: false })
    }

    /// The ends of the scale, where the reply is a number.
    pub(super) fn ends(&self) -> Option<(f64, f64)> {
        match &self.shape {
            Shape::Number { least, most, .. } => Some((*least, *most)),
            _ => None,
        }
    }

    /// The schema of the reply.
    fn schema(&self) -> Value {
        let verdict = match &self.shape {
            Shape::Choice(labels) => json!({ "type": "string", "enum": labels }),
            Shape::Number { least, most, whole } => json!({
                "type": if *whole { "integer" } else { "number" },
                "minimum": least,
                "maximum": most,
            }),
            Shape::Object { schema, .. } => return schema.clone(),
        };
        let mut properties = Map::new();
        let mut required = Vec::new();
        if self.reasons {
            let about = "Your reasoning, before the verdict.";
            properties
                .insert("reasoning".to_owned(), json!({ "type": "string", "description": about }));
            required.push("reasoning");
        }
        properties.insert("verdict".to_owned(), verdict);
        required.push("verdict");
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    }

    /// The parameters of `target` with what makes it answer in this form, and which way that is.
    ///
    /// # Errors
    /// The model is known not to be able to answer in the way that is wanted.
    pub(super) fn params(
        &self,
        target: &Target,
        wanted: Answers,
    ) -> Result<(Params, Answers), String> {
        let way = wanted.settle(target)?;
        let mut params = target.params.clone();
        match way {
            Answers::Schema => {
                params.response_format = Some(ResponseFormat::Schema(AnswerSchema {
                    name: FUNCTION.to_owned(),
                    description: None,
                    schema: self.schema(),
                    strict: Some(true),
                }));
            }
            Answers::Tool => {
                params.tools = vec![Tool {
                    name: FUNCTION.to_owned(),
                    description: Some("Hands in what you came to.".to_owned()),
                    parameters: self.schema(),
                    strict: None,
                }];
                params.tool_choice = Some(ToolChoice::Function(FUNCTION.to_owned()));
            }
            Answers::Json => params.response_format = Some(ResponseFormat::Json),
            Answers::Auto | Answers::Text => {}
        }
        Ok((params, way))
    }

    /// How to answer, in words; the end of what is said to the judge.
    pub(super) fn instructions(&self, way: Answers) -> String {
        let what = match &self.shape {
            Shape::Choice(labels) => format!("one of `{}`", labels.join("`, `")),
            Shape::Number { least, most, whole } => {
                let kind = if *whole { "a whole number" } else { "a number" };
                format!("{kind} from {least} to {most}")
            }
            Shape::Object { .. } => String::new(),
        };
        let in_json = || {
            format!(
                "Answer with one JSON object and nothing else. It follows this JSON Schema: {}",
                self.schema()
            )
        };
        match (way, &self.shape) {
            (Answers::Tool, Shape::Object { .. }) => format!("Call the function `{FUNCTION}`."),
            (Answers::Tool, _) if self.reasons => format!(
                "Call the function `{FUNCTION}`: reason step by step in `reasoning`, then give \
                 `verdict`, {what}."
            ),
            (Answers::Tool, _) => {
                format!("Call the function `{FUNCTION}` with `verdict`, {what}.")
            }
            (Answers::Json, _) | (_, Shape::Object { .. }) => in_json(),
            (Answers::Schema, _) if self.reasons => format!(
                "Answer in JSON: reason step by step in `reasoning`, then give `verdict`, {what}."
            ),
            (Answers::Schema, _) => format!("Answer in JSON with `verdict`, {what}."),
            _ if self.reasons => format!(
                "Reason step by step first. Then end with a line of its own that reads `VERDICT: X`, \
                 where X is {what}, and write nothing after it."
            ),
            _ => format!(
                "Answer with one line that reads `VERDICT: X`, where X is {what}, and nothing else."
            ),
        }
    }

    /// What the reply says, in this form.
    ///
    /// # Errors
    /// Why it cannot be used: a fragment.
    pub(super) fn read(&self, generation: &Generation) -> Result<Value, String> {
        match generation.finish_reason {
            FinishReason::Length | FinishReason::Context => {
                return Err("the reply was cut at the token limit".to_owned());
            }
            FinishReason::ContentFilter | FinishReason::Refusal => {
                return Err("the judge declined to answer".to_owned());
            }
            FinishReason::Error => return Err("the judge broke off".to_owned()),
            _ => {}
        }
        let called = generation.tool_calls.iter().rev().find(|call| call.name == FUNCTION);
        match (called, &self.shape) {
            (Some(call), _) => {
                let arguments: Value = serde_json::from_str(&call.arguments)
                    .map_err(|_| "the call's arguments are no JSON".to_owned())?;
                self.object_of(arguments)
            }
            (None, Shape::Object { .. }) => {
                let found = last_object(&generation.text, |_| true);
                self.object_of(found.ok_or("the reply has no JSON object")?)
            }
            (None, _) => self.written(&generation.text),
        }
    }

    /// A verdict in a text: a JSON object that has one, or words.
    fn written(&self, text: &str) -> Result<Value, String> {
        if let Some(object) = last_object(text, |value| value.get("verdict").is_some()) {
            return self.object_of(object);
        }
        let verdict = self.verdict(&Value::from(last_verdict(text)?))?;
        let mut found = Map::new();
        let reasoning = text.rfind('\n').map_or("", |end| text[..end].trim());
        if !reasoning.is_empty() {
            found.insert("reasoning".to_owned(), reasoning.into());
        }
        found.insert("verdict".to_owned(), verdict);
        Ok(Value::Object(found))
    }

    fn object_of(&self, value: Value) -> Result<Value, String> {
        if let Shape::Object { compiled, .. } = &self.shape {
            let fits = compiled.check(&value).and_then(|fits| fits);
            return fits.map(|()| value).map_err(|why| format!("the reply does not fit: {why}"));
        }
        let Value::Object(mut object) = value else {
            return Err("the reply is no JSON object".to_owned());
        };
        let verdict = object.get("verdict").ok_or("the reply has no `verdict`")?;
        let verdict = self.verdict(verdict)?;
        object.retain(|key, value| key == "reasoning" && value.is_string());
        object.insert("verdict".to_owned(), verdict);
        Ok(Value::Object(object))
    }

    fn verdict(&self, said: &Value) -> Result<Value, String> {
        let shown = || one_line(&said.to_string(), 60);
        match (&self.shape, said) {
            (Shape::Choice(labels), Value::String(text)) => label(text, labels).map(Value::from),
            (Shape::Choice(labels), _) => {
                Err(format!("`{}` is none of `{}`", shown(), labels.join("`, `")))
            }
            (Shape::Number { least, most, whole }, Value::Number(value)) => {
                let value = value.as_f64().unwrap_or(f64::NAN);
                on_scale(value, *least, *most, *whole).map(Value::from)
            }
            (Shape::Number { least, most, whole }, Value::String(text)) => {
                number(text, *least, *most, *whole).map(Value::from)
            }
            (Shape::Number { least, most, .. }, _) => {
                Err(format!("`{}` is no number from {least} to {most}", shown()))
            }
            (Shape::Object { .. }, _) => Ok(said.clone()),
        }
    }
}
