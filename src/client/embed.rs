//! Vectors for texts, by the rules that hold for calls: the same addresses, masks, retries, limits,
//! budget and cache.
//!
//! A batch of texts passes through the layers as one call whose answer has no text. What is cached is
//! the vector of one text, so that it does not matter which others it was sent with.

mod batch;
mod kept;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use self::batch::Batch;
use crate::{
    client::{
        Caching, ClientOptions,
        by_target::ByTarget,
        flights::{Flight, Flights, Landing, Turn},
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
    /// The texts that are being asked for, where there is a cache to find them in afterwards.
    pub(super) flights: Flights<()>,
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
            flights: Flights::default(),
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
    /// first that fails for good is the last. Texts that are alike are asked once, also by two who
    /// ask at the same time, and those in the cache not at all. Called inside a tokio runtime with I/O and time.
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
        let mut known = HashMap::new();
        self.gather((asked, most), &mut known, &mut embedded).await;
        embedded.result = embedded.result.and_then(|made| in_order(made, asked, &known));
        embedded
    }

    /// Looks the texts of `asked` up, waits for those that somebody else asks for, and asks for the
    /// others, `most` at a time.
    async fn gather<'a>(
        &self,
        (asked, most): (&'a Texts, usize),
        known: &mut HashMap<&'a str, Vec<f32>>,
        embedded: &mut Embedded,
    ) {
        let (mut missing, mut awaited) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for text in asked.texts.iter().filter(|text| seen.insert(text.as_str())) {
            match self.find(asked, text) {
                Found::Kept(vector) => {
                    known.insert(text, vector);
                }
                Found::Nobody(flight) => missing.push((text.as_str(), flight)),
                Found::Asked(landing) => awaited.push((text.as_str(), landing)),
            }
        }
        let cached = |known: &HashMap<&str, _>| {
            asked.texts.iter().filter(|text| known.contains_key(text.as_str())).count()
        };
        embedded.cached = cached(known);
        self.ask_all((asked, most), missing, known, embedded).await;
        let (before, mut missing) = (cached(known), Vec::new());
        for (text, landing) in awaited {
            landing.landed().await;
            // What was brought is kept by now.
            match kept::get(self.cache.as_ref(), asked, text) {
                Some(vector) => {
                    known.insert(text, vector);
                }
                None => missing.push((text, None)),
            }
        }
        embedded.cached += cached(known) - before;
        self.ask_all((asked, most), missing, known, embedded).await;
    }

    /// Where the vector of `text` is to come from.
    fn find(&self, asked: &Texts, text: &str) -> Found<'_> {
        let cache = self.cache.as_ref();
        let Some(key) = cache.and_then(|_| kept::key(asked, text)) else {
            return Found::Nobody(None);
        };
        match self.flights.turn(key) {
            Turn::Wait(landing) => Found::Asked(landing),
            // Only now: what an earlier flight brought was kept before it made way for this one.
            Turn::Ask(flight) => match kept::get(cache, asked, text) {
                Some(vector) => Found::Kept(vector),
                None => Found::Nobody(Some(flight)),
            },
        }
    }

    /// Asks for the texts that are `missing`, `most` at a time. Those who wait for one of them are
    /// told when it is there, or will not be.
    async fn ask_all<'a>(
        &self,
        (asked, most): (&Texts, usize),
        mut missing: Vec<(&'a str, Option<Flight<'_, ()>>)>,
        known: &mut HashMap<&'a str, Vec<f32>>,
        embedded: &mut Embedded,
    ) {
        while !missing.is_empty() && embedded.result.is_ok() {
            let rest = missing.split_off(most.min(missing.len()));
            let part = std::mem::replace(&mut missing, rest);
            let texts = part.iter().map(|(text, _)| (*text).to_owned()).collect();
            let asked = Texts { texts, ..asked.clone() };
            let so_far = std::mem::replace(&mut embedded.result, Ok(Embeddings::default()));
            let came = self.ask(&asked, embedded).await;
            if let Ok(made) = &came {
                let texts = part.iter().map(|(text, _)| *text);
                known.extend(texts.zip(made.vectors.iter().cloned()));
            }
            embedded.result = joined(so_far, came);
        }
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

/// Where a vector is to come from.
enum Found<'a> {
    /// It is here.
    Kept(Vec<f32>),
    /// Somebody asks for it.
    Asked(Landing<()>),
    /// Whoever holds this asks for it; others wait for him, where there is a cache.
    Nobody(Option<Flight<'a, ()>>),
}

/// A vector for each text of `asked`, of those `known`.
fn in_order(
    made: Embeddings,
    asked: &Texts,
    known: &HashMap<&str, Vec<f32>>,
) -> Result<Embeddings, Fault> {
    let find = |text: &String| known.get(text.as_str()).cloned();
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
