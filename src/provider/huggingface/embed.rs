//! Vectors, by the task that Hugging Face calls feature extraction.

use serde_json::{Map, Value, json};

use super::address;
use crate::{
    base::secret::Secret,
    domain::{
        fault::Fault,
        generation::Embeddings,
        target::{HttpEndpoint, Target},
    },
    provider::{HttpReply, HttpRequest, classify, post, vectors},
};

/// The request for the vectors of `texts`.
pub(super) fn request(
    texts: &[String],
    target: &Target,
    endpoint: &HttpEndpoint,
) -> Result<HttpRequest, Fault> {
    let mut body = Map::new();
    body.insert("inputs".to_owned(), json!(texts));
    body.extend(target.params.extra.clone());
    ask(address::vectors(&endpoint.base_url, &target.model), endpoint, &body)
}

/// A request with `body` to `url`.
pub(super) fn ask(
    url: String,
    endpoint: &HttpEndpoint,
    body: &Map<String, Value>,
) -> Result<HttpRequest, Fault> {
    let key = endpoint.credential.key();
    let key = key.map(|key| ("authorization", Secret::new(format!("Bearer {}", key.expose()))));
    post::request(url, key.into_iter().collect(), endpoint, body)
}

/// The vectors in a whole reply: an array with an entry for each text.
pub(super) fn reply(reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
    let body: Value = serde_json::from_slice(reply.body)
        .map_err(|error| classify::protocol(reply, &format!("the reply is not JSON ({error})")))?;
    let lone = || vectors::vector(&body).filter(|vector| !vector.is_empty()).map(|one| vec![one]);
    let each = || body.as_array()?.iter().map(pooled).collect::<Option<Vec<_>>>();
    let found = lone().or_else(each).ok_or_else(|| {
        classify::error_in(&body).map_or_else(
            || classify::protocol(reply, "the reply is not an array of vectors"),
            |error| classify::inner_fault(&error, reply.status),
        )
    })?;
    Ok(Embeddings { vectors: found, ..Embeddings::default() })
}

/// The vector of a text. Models without pooling give one for each token; their mean stands for all.
fn pooled(text: &Value) -> Option<Vec<f32>> {
    if let Some(vector) = vectors::vector(text) {
        return Some(vector).filter(|vector| !vector.is_empty());
    }
    let tokens: Vec<Vec<f32>> = text.as_array()?.iter().map(pooled).collect::<Option<_>>()?;
    let size = tokens.first()?.len();
    if tokens.iter().any(|token| token.len() != size) {
        return None;
    }
    let mean = |place: usize| {
        let sum: f64 = tokens.iter().map(|token| f64::from(token[place])).sum();
        (sum / tokens.len() as f64) as f32
    };
    Some((0..size).map(mean).collect())
}
