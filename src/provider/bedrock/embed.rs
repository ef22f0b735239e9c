//! Vectors, by `InvokeModel`, whose body differs by family: Amazon's Titan and Cohere's Embed.

use serde_json::{Map, Value, json};

use super::{encode, fault};
use crate::{
    domain::{
        fault::Fault,
        generation::{Embeddings, Texts, Usage},
        target::{HttpEndpoint, Target},
    },
    provider::{HttpReply, HttpRequest, classify, cohere, post::bad, vectors},
};

/// Titan reads one text a request.
pub(super) fn at_once(target: &Target) -> usize {
    if target.model.to_ascii_lowercase().contains("titan-embed") { 1 } else { 32 }
}

/// The request for the vectors of texts.
pub(super) fn request(asked: &Texts, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
    let (texts, target) = (asked.texts.as_slice(), &asked.target);
    let model = target.model.to_ascii_lowercase();
    let mut body = Map::new();
    if model.contains("titan-embed") {
        let [text] = texts else {
            let count = texts.len();
            return Err(bad(format!("Titan takes one text a request, and there are {count}")));
        };
        body.insert("inputText".to_owned(), json!(text));
    } else if model.contains("cohere.embed") {
        body.insert("texts".to_owned(), json!(texts));
        body.insert("input_type".to_owned(), json!(cohere::input_type(asked.kind)));
    } else {
        return Err(bad(format!(
            "`{}` is not known to give vectors; on Bedrock, `amazon.titan-embed-…` and \
             `cohere.embed-…` do",
            target.model
        )));
    }
    // `dimensions` and `normalize` of Titan; `input_type`, `truncate` and others of Cohere.
    body.extend(target.params.extra.clone());
    encode::ask(&target.model, "invoke", endpoint, &body)
}

/// The vectors in a whole reply.
pub(super) fn reply(reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
    let body: Value = serde_json::from_slice(reply.body)
        .map_err(|error| classify::protocol(reply, &format!("the reply is not JSON ({error})")))?;
    // Titan gives one vector, Cohere a list of them or such a list for each type of number.
    let titan = vectors::vector(&body["embedding"]).map(|vector| vec![vector]);
    let lists = [&body["embeddings"], &body["embeddings"]["float"]];
    let found = titan.or_else(|| lists.into_iter().find_map(vectors::list));
    let vectors = found.ok_or_else(|| {
        fault::inner(&body, reply.status)
            .unwrap_or_else(|| classify::protocol(reply, "the reply has no embeddings"))
    })?;
    let counted = reply.headers.get("x-amzn-bedrock-input-token-count");
    let counted = counted.and_then(|count| count.trim().parse().ok());
    let input = body["inputTextTokenCount"].as_u64().or(counted);
    Ok(Embeddings {
        vectors,
        usage: input.map(|input| Usage { input, ..Usage::default() }),
        ..Embeddings::default()
    })
}
