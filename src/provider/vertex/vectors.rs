//! Vectors of texts, by the method `predict`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    domain::{
        fault::Fault,
        generation::{Embeddings, Texts, Usage},
    },
    provider::{
        HttpReply, classify, google,
        loose::{Loose, WireObject},
    },
};

/// Options that belong to each text; the others belong to the request.
const OF_A_TEXT: [&str; 2] = ["task_type", "title"];

/// The body that asks for the vectors of `texts`.
pub(super) fn body(asked: &Texts) -> Map<String, Value> {
    let mut options = google::vector_options(asked);
    if let Some(task) = options.shift_remove("taskType") {
        options.insert("task_type".to_owned(), task);
    }
    let (of_a_text, of_all): (Map<_, _>, Map<_, _>) =
        options.into_iter().partition(|(name, _)| OF_A_TEXT.contains(&name.as_str()));
    let instances = asked.texts.iter().map(|text| {
        let mut instance = of_a_text.clone();
        instance.insert("content".to_owned(), json!(text));
        Value::Object(instance)
    });
    let mut body = Map::from_iter([("instances".to_owned(), instances.collect())]);
    if !of_all.is_empty() {
        body.insert("parameters".to_owned(), Value::Object(of_all));
    }
    body
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    predictions: Option<Vec<Prediction>>,
}

#[derive(Debug, Deserialize)]
struct Prediction {
    embeddings: Vector,
}

#[derive(Debug, Deserialize)]
struct Vector {
    values: Vec<f32>,
    #[serde(default)]
    statistics: Loose<Statistics>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Statistics {
    token_count: Loose<u64>,
}

impl WireObject<'_> for Statistics {}

/// The vectors in a whole reply.
pub(super) fn reply(reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
    let body: Body = serde_json::from_slice(reply.body).map_err(|error| {
        classify::protocol(reply, &format!("the reply is no vectors ({error})"))
    })?;
    let predictions = body
        .predictions
        .ok_or_else(|| classify::protocol(reply, "the reply has no `predictions`"))?;
    let counts = predictions.iter().map(|one| one.embeddings.statistics.0.as_ref()?.token_count.0);
    // One text that was not counted leaves the sum unknown.
    let input: Option<u64> = counts.sum();
    let usage = input.filter(|_| !predictions.is_empty());
    Ok(Embeddings {
        vectors: predictions.into_iter().map(|one| one.embeddings.values).collect(),
        usage: usage.map(|input| Usage { input, ..Usage::default() }),
        ..Embeddings::default()
    })
}
