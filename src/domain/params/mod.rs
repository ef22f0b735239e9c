//! What is asked of a model besides the messages.
//!
//! The neutral form: each provider sends it under its own names, or says that it cannot.

mod read;

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Parameters of a call; only what was set is sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Params {
    /// Randomness.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Sample from the most likely tokens only.
    pub top_k: Option<u64>,
    /// Sample from tokens above this share of the likeliest.
    pub min_p: Option<f64>,
    /// Penalty for tokens that occurred.
    pub presence_penalty: Option<f64>,
    /// Penalty for tokens by how often they occurred.
    pub frequency_penalty: Option<f64>,
    /// Multiplicative penalty for tokens that occurred.
    pub repetition_penalty: Option<f64>,
    /// Longest answer, in tokens.
    pub max_tokens: Option<u64>,
    /// Sampling seed.
    pub seed: Option<i64>,
    /// Strings that end an answer.
    pub stop: Vec<String>,
    /// The form of the answer.
    pub response_format: Option<ResponseFormat>,
    /// Functions that the model may ask to call.
    pub tools: Vec<Tool>,
    /// Whether it has to.
    pub tool_choice: Option<ToolChoice>,
    /// How much a reasoning model thinks.
    pub reasoning: Option<Reasoning>,
    /// Log probabilities of the answer's tokens, with this many alternatives to each.
    pub logprobs: Option<u32>,
    /// Further fields of the request, sent verbatim under their names.
    pub extra: BTreeMap<String, Value>,
    /// Names of those above that are not sent although something more general sets them.
    pub omit: Vec<String>,
}

/// The form that an answer must have.
#[derive(Debug, Clone, PartialEq)]
pub enum ResponseFormat {
    /// Any JSON object.
    Json,
    /// JSON that a schema describes.
    Schema(AnswerSchema),
    /// In the words of one provider, sent as it is.
    Verbatim(Value),
}

/// The JSON Schema of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerSchema {
    /// What the provider calls it: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The schema.
    pub schema: Value,
    /// Whether the provider must guarantee it, where it can.
    pub strict: Option<bool>,
}

/// A function that a model may ask to call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The JSON Schema of its arguments, an object.
    pub parameters: Value,
    /// Whether arguments must follow the schema exactly, where the provider can.
    pub strict: Option<bool>,
}

/// Whether a model calls functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it sees fit.
    Auto,
    /// Not at all.
    None,
    /// At least one.
    Required,
    /// This one.
    Function(String),
}

/// How much a reasoning model thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reasoning {
    /// In words.
    Effort(Effort),
    /// In tokens.
    MaxTokens(u64),
}

/// The words for how much a model thinks. Which of them a model knows differs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Not at all.
    None,
    /// As little as it can.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// Very much.
    Xhigh,
    /// As much as it can.
    Max,
}

impl Effort {
    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Params {
    /// These parameters, with those set in `over` taking precedence.
    #[must_use]
    pub fn overridden_by(&self, over: &Self) -> Self {
        let base = self.without(&over.omit);
        let set = over.to_value();
        let kept = base.omit.iter().filter(|name| set.get(name.as_str()).is_none());
        let mut omit: Vec<String> = kept.chain(&over.omit).cloned().collect();
        omit.sort_unstable();
        omit.dedup();
        base.set_by(over, omit)
    }

    /// These parameters without those called `names`.
    #[must_use]
    fn without(&self, names: &[String]) -> Self {
        let mut left = self.clone();
        for name in names {
            match name.as_str() {
                "temperature" => left.temperature = None,
                "top_p" => left.top_p = None,
                "top_k" => left.top_k = None,
                "min_p" => left.min_p = None,
                "presence_penalty" => left.presence_penalty = None,
                "frequency_penalty" => left.frequency_penalty = None,
                "repetition_penalty" => left.repetition_penalty = None,
                "max_tokens" => left.max_tokens = None,
                "seed" => left.seed = None,
                "stop" => left.stop = Vec::new(),
                "response_format" => left.response_format = None,
                "tools" => left.tools = Vec::new(),
                "tool_choice" => left.tool_choice = None,
                "reasoning" => left.reasoning = None,
                "logprobs" => left.logprobs = None,
                further => {
                    left.extra.remove(further);
                }
            }
        }
        left
    }

    fn set_by(&self, over: &Self, omit: Vec<String>) -> Self {
        fn list<T: Clone>(base: &[T], over: &[T]) -> Vec<T> {
            if over.is_empty() { base.to_vec() } else { over.to_vec() }
        }
        let mut extra = self.extra.clone();
        extra.extend(over.extra.clone());
        Self {
            temperature: over.temperature.or(self.temperature),
            top_p: over.top_p.or(self.top_p),
            top_k: over.top_k.or(self.top_k),
            min_p: over.min_p.or(self.min_p),
            presence_penalty: over.presence_penalty.or(self.presence_penalty),
            frequency_penalty: over.frequency_penalty.or(self.frequency_penalty),
            repetition_penalty: over.repetition_penalty.or(self.repetition_penalty),
            max_tokens: over.max_tokens.or(self.max_tokens),
            seed: over.seed.or(self.seed),
            stop: list(&self.stop, &over.stop),
            response_format: over.response_format.clone().or_else(|| self.response_format.clone()),
            tools: list(&self.tools, &over.tools),
            tool_choice: over.tool_choice.clone().or_else(|| self.tool_choice.clone()),
            reasoning: over.reasoning.or(self.reasoning),
            logprobs: over.logprobs.or(self.logprobs),
            extra,
            omit,
        }
    }

    /// What is set, as an object for stores and reports.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(name.to_owned(), value);
            }
        };
        put("temperature", self.temperature.map(Value::from));
        put("top_p", self.top_p.map(Value::from));
        put("top_k", self.top_k.map(Value::from));
        put("min_p", self.min_p.map(Value::from));
        put("presence_penalty", self.presence_penalty.map(Value::from));
        put("frequency_penalty", self.frequency_penalty.map(Value::from));
        put("repetition_penalty", self.repetition_penalty.map(Value::from));
        put("max_tokens", self.max_tokens.map(Value::from));
        put("seed", self.seed.map(Value::from));
        put("stop", (!self.stop.is_empty()).then(|| json!(self.stop)));
        put("response_format", self.response_format.as_ref().map(ResponseFormat::to_value));
        let tools: Vec<Value> = self.tools.iter().map(Tool::to_value).collect();
        put("tools", (!tools.is_empty()).then(|| json!(tools)));
        put("tool_choice", self.tool_choice.as_ref().map(ToolChoice::to_value));
        put("reasoning", self.reasoning.map(Reasoning::to_value));
        put("logprobs", self.logprobs.map(Value::from));
        for (name, value) in &self.extra {
            put(name, Some(value.clone()));
        }
        Value::Object(map)
    }
}

impl ResponseFormat {
    /// In the form of `OpenAI`'s chat completions.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Json => json!({ "type": "json_object" }),
            Self::Verbatim(value) => value.clone(),
            Self::Schema(schema) => {
                let mut inner = json!({ "name": schema.name, "schema": schema.schema });
                if let Some(description) = &schema.description {
                    inner["description"] = json!(description);
                }
                if let Some(strict) = schema.strict {
                    inner["strict"] = json!(strict);
                }
                json!({ "type": "json_schema", "json_schema": inner })
            }
        }
    }
}

impl Tool {
    /// In the form of `OpenAI`'s chat completions.
    pub fn to_value(&self) -> Value {
        let mut function = json!({ "name": self.name });
        if let Some(description) = &self.description {
            function["description"] = json!(description);
        }
        function["parameters"] = self.parameters.clone();
        if let Some(strict) = self.strict {
            function["strict"] = json!(strict);
        }
        json!({ "type": "function", "function": function })
    }
}

impl ToolChoice {
    /// In the form of `OpenAI`'s chat completions.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Auto => json!("auto"),
            Self::None => json!("none"),
            Self::Required => json!("required"),
            Self::Function(name) => json!({ "type": "function", "function": { "name": name } }),
        }
    }
}

impl Reasoning {
    /// As it is written in configs.
    pub fn to_value(self) -> Value {
        match self {
            Self::Effort(effort) => json!({ "effort": effort }),
            Self::MaxTokens(tokens) => json!({ "max_tokens": tokens }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_omitted_is_not_sent_unless_something_nearer_sets_it() {
        let registered = Params { top_p: Some(0.5), seed: Some(1), ..Params::default() };
        let extra = BTreeMap::from([("user".to_owned(), json!("me"))]);
        let run = Params { temperature: Some(0.0), extra, ..Params::default() };
        let omit = ["temperature", "top_p", "user"].map(str::to_owned).to_vec();
        let own = Params { omit, ..Params::default() };
        let all = registered.overridden_by(&run.overridden_by(&own));
        assert_eq!(all.to_value(), json!({ "seed": 1 }));
        let nearer = Params { temperature: Some(1.0), ..Params::default() };
        assert_eq!(all.overridden_by(&nearer).to_value(), json!({ "temperature": 1.0, "seed": 1 }));
    }
}
