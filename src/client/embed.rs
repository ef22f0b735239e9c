//! Vectors for texts, by the rules that hold for calls: the same addresses, masks, retries, limits,
//! budget and cache.
//!
//! A batch of texts passes through the layers as one call whose answer has no text. What is cached is
//! the vector of one text, so that it does not matter which others it was sent with.

mod batch;
mod kept;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use self::batch::Batch;
use crate::{
    client::{
        Caching, ClientOptions,
        by_target::ByTarget,
        layer::{
            budget::{Purse, Till},
            limits::{Accounts, Limited},
            retry::Retry,
            slots::Slots,
            timeout::Timeout,
        },
        send::http::HttpSender,
    },
    domain::{
        contract::{Call, Generate as _},
        fault::{Fault, FaultKind},
        generation::{Embeddings, Texts, Usage},
        limits::RateLimits,
        target::{Endpoint, Target},
        trial::Attempt,
    },
    provider,
};

/// Asks for vectors. Keeps connections, tokens and what is known of accounts for the next time.
#[derive(Debug)]
pub struct Embedder {
    pub(super) http: Arc<HttpSender>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) slots: Arc<Slots>,
    pub(super) till: Arc<Till>,
    /// What of it is for scorers.
    pub(super) of_scorers: Arc<Till>,
    pub(super) cache: Option<Caching>,
    /// The targets as the layers see them: an answer without tokens, and nobody who stands in.
    pub(super) asked: ByTarget<Target>,
}

impl Default for Embedder {
    /// One that retries, limits and keeps nothing.
    fn default() -> Self {
        let made = super::client(ClientOptions::default()).vectors;
        Self {
            http: Arc::clone(&made.http),
            accounts: Arc::clone(&made.accounts),
            slots: Arc::clone(&made.slots),
            till: Arc::clone(&made.till),
            of_scorers: Arc::clone(&made.of_scorers),
            cache: None,
            asked: ByTarget::default(),
        }
    }
}

/// What came of asking for vectors.
#[derive(Debug)]
pub struct Embedded {
    /// A vector for each text, in their order, or why there are none. Tokens and costs are those of
    /// the requests that were made.
    pub result: Result<Embeddings, Fault>,
    /// Every request made, in order; texts beyond what a provider takes at once need several.
    pub attempts: Vec<Attempt>,
    /// Texts whose vectors came from the response cache.
    pub cached: usize,
    /// What the last reply said of rate limits.
    pub limits: Option<RateLimits>,
}

impl Embedder {
    /// The vectors of `asked`, in as many requests as the provider needs, one after another; the
    /// first that fails for good is the last. Texts that are alike are asked once, those in the
    /// cache not at all. Called inside a tokio runtime with I/O and time.
    pub async fn embed(&self, asked: &Texts) -> Embedded {
        let none = Embeddings {
            usage: Some(Usage::default()),
            reported_cost: Some(crate::base::money::Money::ZERO),
            ..Embeddings::default()
        };
        let mut embedded =
            Embedded { result: Ok(none), attempts: Vec::new(), cached: 0, limits: None };
        let most = match at_once(asked) {
            Ok(most) => most,
            Err(fault) => return Embedded { result: Err(fault), ..embedded },
        };
        let mut known: HashMap<&str, Option<Vec<f32>>> = HashMap::new();
        let mut missing: Vec<&str> = Vec::new();
        for text in &asked.texts {
            if let Entry::Vacant(place) = known.entry(text) {
                let kept = kept::get(self.cache.as_ref(), asked, text);
                missing.extend(kept.is_none().then_some(text.as_str()));
                place.insert(kept);
            }
        }
        let has = |text: &&String| known.get(text.as_str()).is_some_and(Option::is_some);
        embedded.cached = asked.texts.iter().filter(has).count();
        for texts in missing.chunks(most) {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            let part = Texts { texts, ..asked.clone() };
            let so_far = std::mem::replace(&mut embedded.result, Ok(Embeddings::default()));
            let came = self.ask(&part, &mut embedded).await;
            embedded.result = joined(so_far, came);
            if embedded.result.is_err() {
                return embedded;
            }
        }
        embedded.result = embedded.result.and_then(|made| in_order(made, asked, known, &missing));
        embedded
    }

    /// The vectors of texts that go into one request.
    async fn ask(&self, part: &Texts, embedded: &mut Embedded) -> Result<Embeddings, Fault> {
        let target = self.asked.of(&part.target, || {
            let mut target = part.target.as_ref().clone();
            target.params.max_tokens = Some(0);
            // Vectors of another model could not be compared with these.
            target.fallback.clear();
            target.pool.clear();
            Arc::new(target)
        });
        let batch = Batch::new(&self.http, part);
        let timeout = Timeout::new(&batch);
        let limited = Limited::new(timeout, Arc::clone(&self.accounts), Arc::clone(&self.slots));
        let retry = Retry::new(limited, Arc::clone(&self.accounts), Arc::clone(&self.slots));
        let purse = Purse::new(retry, Arc::clone(&self.till));
        let purse = Purse::new(purse, Arc::clone(&self.of_scorers));
        let call: Call = batch::call(target, &part.texts);
        let reply = purse.generate(&call).await;
        let cost = reply.attempts.last().cloned();
        embedded.attempts.extend(reply.attempts);
        embedded.limits = reply.limits;
        reply.result?;
        let made = batch.made().ok_or_else(|| {
            Fault::new(FaultKind::Protocol, "the vectors were lost on the way".to_owned())
        })?;
        kept::put(self.cache.as_ref(), part, &made, cost.as_ref());
        Ok(made)
    }
}

/// Texts that a simulated model takes at a time.
const SIMULATED_AT_ONCE: usize = 128;

/// How many texts `asked` may hold at a time.
fn at_once(asked: &Texts) -> Result<usize, Fault> {
    let target = asked.target.as_ref();
    let bad = |message: String| Err(Fault::new(FaultKind::BadRequest, message));
    match target.endpoint {
        Endpoint::Http(_) => {}
        Endpoint::Sim(_) => return Ok(SIMULATED_AT_ONCE),
        Endpoint::Replay(_) => return bad("a recording has no vectors".to_owned()),
    }
    match provider::find(target.provider) {
        Some(provider) => Ok(provider.embeddings_at_once(target).max(1)),
        None => bad(format!("there is no provider called `{}`", target.provider)),
    }
}

/// A vector for each text of `asked`: those that were `known`, and those `made` for the `missing`.
fn in_order<'a>(
    made: Embeddings,
    asked: &Texts,
    mut known: HashMap<&'a str, Option<Vec<f32>>>,
    missing: &[&'a str],
) -> Result<Embeddings, Fault> {
    let Embeddings { vectors, .. } = &made;
    for (text, vector) in missing.iter().zip(vectors) {
        known.insert(text, Some(vector.clone()));
    }
    let find = |text: &String| known.get(text.as_str()).cloned().flatten();
    let vectors: Option<Vec<Vec<f32>>> = asked.texts.iter().map(find).collect();
    let lost = || Fault::new(FaultKind::Protocol, "a text has no vector".to_owned());
    let vectors = vectors.ok_or_else(lost)?;
    let size = vectors.first().map_or(0, Vec::len);
    if let Some(other) = vectors.iter().find(|vector| vector.len() != size) {
        let other = other.len();
        let message = format!("vectors of {other} numbers came beside vectors of {size}");
        return Err(Fault::new(FaultKind::Protocol, message));
    }
    Ok(Embeddings { vectors, ..made })
}

/// The vectors so far and those of the next texts. A sum with an unknown part is unknown.
fn joined(
    so_far: Result<Embeddings, Fault>,
    next: Result<Embeddings, Fault>,
) -> Result<Embeddings, Fault> {
    let (mut all, next) = (so_far?, next?);
    let size = |made: &Embeddings| made.vectors.first().map(Vec::len);
    if let (Some(have), Some(came)) = (size(&all), size(&next))
        && have != came
    {
        let message = format!("vectors of {came} numbers came after vectors of {have}");
        return Err(Fault::new(FaultKind::Protocol, message));
    }
    all.vectors.extend(next.vectors);
    all.usage = all.usage.zip(next.usage).map(|(a, b)| Usage {
        input: a.input + b.input,
        output: a.output + b.output,
        cache_read: a.cache_read + b.cache_read,
        cache_write: a.cache_write + b.cache_write,
        cache_write_1h: a.cache_write_1h + b.cache_write_1h,
        reasoning: a.reasoning + b.reasoning,
    });
    all.reported_cost = all.reported_cost.zip(next.reported_cost).map(|(a, b)| a + b);
    all.served_model = next.served_model.or(all.served_model);
    all.request_id = next.request_id.or(all.request_id);
    Ok(all)
}

#[cfg(test)]
mod tests;
