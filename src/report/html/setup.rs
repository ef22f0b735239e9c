//! What was asked of whom, as the page tells it at its end.

use serde::Serialize;
use serde_json::Value;

use crate::{
    base::money::Money,
    domain::{
        run::{ModelInfo, PromptInfo, RunHeader, ScorerInfo},
        target::Price,
    },
    report::html::text::{Text, name, options, text},
};

/// What `setup.hbs` shows.
#[derive(Debug, Serialize)]
pub(super) struct Setup {
    n_prompts: usize,
    prompts: Vec<Prompt>,
    n_models: usize,
    models: Vec<SetupModel>,
    n_scorers: usize,
    scorers: Vec<SetupScorer>,
    config: Text,
}

#[derive(Debug, Serialize)]
struct Prompt {
    id: String,
    messages: Vec<Template>,
}

#[derive(Debug, Serialize)]
struct Template {
    label: Option<String>,
    text: Text,
}

#[derive(Debug, Serialize)]
struct SetupModel {
    name: String,
    called: Option<String>,
    provider: String,
    model: String,
    origin: String,
    price: String,
    params: String,
}

#[derive(Debug, Serialize)]
struct SetupScorer {
    id: String,
    name: String,
    reads: String,
    options: String,
}

/// The setup of the run with this header.
pub(super) fn setup(header: &RunHeader) -> Setup {
    let models = header.models.iter().enumerate();
    Setup {
        n_prompts: header.prompts.len(),
        prompts: header.prompts.iter().map(prompt).collect(),
        n_models: header.models.len(),
        models: models.map(|(at, info)| setup_model(&header.label(at), info)).collect(),
        n_scorers: header.scorers.len(),
        scorers: header.scorers.iter().map(setup_scorer).collect(),
        config: text(&pretty(&header.config)),
    }
}

fn prompt(info: &PromptInfo) -> Prompt {
    Prompt { id: name(&info.id), messages: templates(&info.template) }
}

/// A template as labelled texts: a text as it is, messages by their roles, the fields of an object
/// by their names.
fn templates(value: &Value) -> Vec<Template> {
    let one = |label: Option<&str>, value: &Value| Template {
        label: label.map(name),
        text: match value {
            Value::String(template) => text(template),
            other => text(&pretty(other)),
        },
    };
    match value {
        Value::Array(messages) => messages
            .iter()
            .map(|message| match (message.get("role").and_then(Value::as_str), message) {
                (Some(role), Value::Object(fields)) if fields.contains_key("content") => {
                    one(Some(role), &fields["content"])
                }
                _ => one(None, message),
            })
            .collect(),
        Value::Object(fields) if fields.len() == 1 && fields.values().all(Value::is_array) => {
            fields.values().flat_map(templates).collect()
        }
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(label, value)| one(Some(label), value))
            .collect(),
        other => vec![one(None, other)],
    }
}

fn setup_model(label: &str, info: &ModelInfo) -> SetupModel {
    SetupModel {
        name: name(label),
        called: info.title.as_ref().map(|_| name(&info.name)),
        provider: name(&info.provider),
        model: name(&info.model),
        origin: name(&info.origin),
        price: info.price.as_ref().map_or_else(|| "unknown".to_owned(), price),
        params: options(&info.params),
    }
}

fn price(price: &Price) -> String {
    let million = |of: Money| of.times(1_000_000).to_string();
    format!("{} in, {} out per million tokens", million(price.input), million(price.output))
}

fn setup_scorer(info: &ScorerInfo) -> SetupScorer {
    let reads = info.extract.as_deref().map_or_else(|| "the whole output".to_owned(), name);
    SetupScorer {
        id: name(&info.id),
        name: name(&info.name),
        reads,
        options: options(&info.options),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}
