//! Answers what was asked before out of the response cache, and asks once what is asked several
//! times at once.
//!
//! Only whole answers are kept: no fault, nothing cut, withheld, declined or empty, and nothing that
//! another model than the one asked has said. Whoever meets one of these asks for himself.

pub(in crate::client) mod key;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::{
    client::{
        Caching,
        flights::{Flights, Turn},
        layer::fallback::drawn,
    },
    domain::{
        contract::{CacheKey, Call, Encoded, Generate, HttpRequest, Kept, Reply},
        generation::FinishReason,
        target::Target,
        trial::{Hit, Status},
    },
};

/// The longest body that waits with its call, so that it is written once. Hundreds of calls wait, and
/// each that holds an image would hold it twice.
const KEPT_BODY: usize = 16 << 10;

/// The cache around `inner`.
#[derive(Debug)]
pub(in crate::client) struct Cache<S> {
    inner: S,
    caching: Caching,
    /// The calls under way, by their key.
    flights: Flights<Arc<Kept>>,
}

impl<S> Cache<S> {
    /// The answers of `caching` in front of `inner`.
    pub(in crate::client) fn new(inner: S, caching: Caching) -> Self {
        Self { inner, caching, flights: Flights::default() }
    }

    /// The reply of `target` that `kept` is.
    fn hit(&self, target: &Target, kept: Arc<Kept>) -> Reply {
        self.caching.store.used(&kept.origin);
        let Kept { generation, origin } = Arc::unwrap_or_clone(kept);
        Reply {
            result: Ok(generation),
            attempts: Vec::new(),
            served_by: target.name.clone(),
            cached: Some(origin),
            limits: None,
        }
    }
}

impl<S: Generate> Cache<S> {
    /// Asks, and keeps what may be kept of what `target` says.
    async fn ask(
        &self,
        call: &Call,
        target: &Arc<Target>,
        (key, request): (CacheKey, HttpRequest),
    ) -> (Reply, Option<Arc<Kept>>) {
        let call = Call { encoded: encoded(target, request), ..call.clone() };
        let reply = self.inner.generate(&call).await;
        let kept = keepable(&call, target, &reply).map(Arc::new);
        if let Some(kept) = &kept {
            self.caching.store.put(key, target, Arc::clone(kept));
        }
        (reply, kept)
    }
}

impl<S: Generate> Generate for Cache<S> {
    fn generate<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            let (target, found) = asked(call);
            let Some((key, request)) = found else { return self.inner.generate(call).await };
            let mut flight = match self.flights.turn(key) {
                Turn::Ask(flight) => flight,
                Turn::Wait(landing) => {
                    return match landing.landed().await {
                        Some(kept) => self.hit(target, kept),
                        // Not one after the other: each may fail as slowly as the first.
                        None => self.ask(call, target, (key, request)).await.0,
                    };
                }
            };
            // Only now: what an earlier flight brought was put before it made way for this one.
            if let Some(kept) = self.caching.store.get(&key, self.caching.oldest_ms()) {
                flight.brought = Some(Arc::clone(&kept));
                drop(flight);
                return self.hit(target, kept);
            }
            let (reply, kept) = self.ask(call, target, (key, request)).await;
            flight.brought = kept;
            reply
        })
    }
}

/// The request of `target` for whoever sends it.
fn encoded(target: &Arc<Target>, request: HttpRequest) -> Option<Arc<Encoded>> {
    let target = Arc::clone(target);
    (request.body.len() <= KEPT_BODY).then(|| Arc::new(Encoded { target, request }))
}

/// Whom `call` asks first, of a pool the one that it goes to, what the answer is kept under, and the
/// request.
pub(in crate::client) fn asked(call: &Call) -> (&Arc<Target>, Option<(CacheKey, HttpRequest)>) {
    let target = drawn(call).unwrap_or(&call.target);
    (target, key::of(call, target))
}

/// What to keep of `reply` for `target`, if anything.
fn keepable(call: &Call, target: &Target, reply: &Reply) -> Option<Kept> {
    let generation = reply.result.as_ref().ok()?;
    let whole = Status::of(&reply.result) == Status::Ok
        && generation.finish_reason != FinishReason::Error
        && reply.cached.is_none()
        && reply.served_by == target.name
        && call.target.fallback.iter().all(|other| other.name != target.name);
    let last = reply.attempts.last();
    whole.then(|| Kept {
        generation: generation.clone(),
        origin: Hit {
            latency_us: last.map(|attempt| attempt.latency_us),
            ttft_us: last.and_then(|attempt| attempt.ttft_us),
            saved: last.and_then(|attempt| attempt.cost),
        },
    })
}
