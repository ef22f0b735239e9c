//! Vectors in the response cache: each text's under the request that asks for it alone.

use std::sync::Arc;

use crate::{
    base::money::Money,
    client::{Caching, layer::cache},
    domain::{
        contract::{CacheKey, Kept},
        generation::{Embeddings, Generation, Texts},
        target::Endpoint,
        trial::{Attempt, Hit},
    },
    provider,
};

/// The vector of `text`, of the model that `asked` goes to.
pub(super) fn get(caching: Option<&Caching>, asked: &Texts, text: &str) -> Option<Vec<f32>> {
    let caching = caching?;
    let kept = caching.store.get(&key(asked, text)?, caching.oldest_ms())?;
    let vector: Vec<f32> = serde_json::from_str(&kept.generation.text).ok()?;
    let whole = !vector.is_empty() && vector.iter().all(|number| number.is_finite());
    whole.then(|| {
        caching.store.used(&kept.origin);
        vector
    })
}

/// Keeps the vectors that were `made` for `asked` by one request, which `attempt` was.
pub(super) fn put(
    caching: Option<&Caching>,
    asked: &Texts,
    made: &Embeddings,
    attempt: Option<&Attempt>,
) {
    let Some(caching) = caching else { return };
    let count = i64::try_from(asked.texts.len()).unwrap_or(i64::MAX).max(1);
    let cost = attempt.and_then(|attempt| attempt.cost);
    let origin = Hit {
        latency_us: attempt.map(|attempt| attempt.latency_us),
        ttft_us: None,
        // A request's cost is not told apart by texts; in equal parts it adds up to what was paid.
        saved: cost.map(|cost| Money::from_pico(cost.pico() / count)),
    };
    for (text, vector) in asked.texts.iter().zip(&made.vectors) {
        let (Some(key), Ok(numbers)) = (key(asked, text), serde_json::to_string(vector)) else {
            continue;
        };
        let generation = Generation { text: numbers, ..Generation::default() };
        caching.store.put(key, &asked.target, Arc::new(Kept { generation, origin }));
    }
}

/// What the vector of `text` is kept under.
pub(super) fn key(asked: &Texts, text: &str) -> Option<CacheKey> {
    let Endpoint::Http(endpoint) = &asked.target.endpoint else { return None };
    let provider = provider::find(asked.target.provider)?;
    let alone = Texts { texts: vec![text.to_owned()], ..asked.clone() };
    let request = provider.encode_embeddings(&alone, endpoint).ok()?;
    Some(cache::key::of_vector(provider.name(), &request, endpoint))
}
