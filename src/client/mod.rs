//! Floor 3: a call in, a reply out.
//!
//! [`stack`] puts the parts together, and it is the one place that knows their order. From the
//! outside to the inside:
//!
//! | layer | what it does |
//! | --- | --- |
//! | cache | answers what was asked before, and asks once what is asked twice at a time |
//! | budget | sets aside what a call can use, and ends the run before it goes over |
//! | fallback | asks the next model when one gives no answer |
//! | slots | holds back what exceeds the run's concurrency |
//! | timeout | ends an attempt that takes longer than its target allows |
//! | send | makes the attempt: over HTTP, by the simulator, out of a recording |
//!
//! Every policy is a file of `layer/` around one [`Generate`]. The places of those to come, from the
//! cache inwards: budget, fallback, retry, rate limit, adaptive concurrency, then slots. A cached
//! answer waits for nothing, the primary is exhausted before the fallback, and every attempt has
//! its own permit and its own time: what waits for anything else holds no slot.

mod embed;
mod estimate;
mod layer;
mod send;

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

pub use self::{
    embed::{Embedded, Embedder},
    estimate::{Tokens, UNKNOWN_OUTPUT},
    send::replay::{ReplayBook, ReplayError},
};
use crate::domain::{
    budget::{Budget, Spent},
    contract::{Call, Generate, Reply, ResponseCache},
    fault::{Fault, FaultKind},
    target::{Endpoint, ReplaySource, Target},
};

/// How answers that were given before are used.
#[derive(Debug, Clone)]
pub struct Caching {
    /// Where they are kept.
    pub store: Arc<dyn ResponseCache>,
    /// The oldest ones that count.
    pub ttl: Duration,
    /// Only those count that were kept from this time on, in milliseconds since the epoch.
    pub since_ms: Option<i64>,
}

/// What the stack is made with.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Attempts in flight at most.
    pub concurrency: u32,
    /// What all calls together may use up.
    pub budget: Budget,
    /// What of it is gone already.
    pub spent: Spent,
    /// Turns true when nothing that still waits is to be sent.
    pub stop: Option<watch::Receiver<bool>>,
    /// The recordings of all targets that replay a file, by the source that names them.
    pub books: Vec<(ReplaySource, Arc<ReplayBook>)>,
    /// The response cache; `None` asks anew whatever was asked before.
    pub cache: Option<Caching>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            concurrency: 16,
            budget: Budget::default(),
            spent: Spent::default(),
            stop: None,
            books: Vec::new(),
            cache: None,
        }
    }
}

/// The client: everything between a call and its reply.
///
/// Calls are answered inside a tokio runtime with I/O and time.
pub fn stack(options: ClientOptions) -> Arc<dyn Generate> {
    let send = send::Sender::new(options.books);
    let timeout = layer::timeout::Timeout::new(send);
    let slots = layer::slots::Slots::new(timeout, options.concurrency, options.stop.clone());
    let fallback = layer::fallback::Fallback::new(slots);
    let budget = layer::budget::Purse::new(fallback, options.budget, options.spent, options.stop);
    match options.cache {
        Some(caching) => Arc::new(layer::cache::Cache::new(budget, caching)),
        None => Arc::new(budget),
    }
}

/// The reply of a call for which no request was made.
fn not_sent(call: &Call, fault: Fault) -> Reply {
    Reply {
        result: Err(fault),
        attempts: Vec::new(),
        served_by: call.target.name.clone(),
        cached: None,
        limits: None,
    }
}

/// Refuses a target that no call could reach, without calling it: a bad address, a key that would
/// travel in clear, parameters that cannot be sent.
///
/// # Errors
///
/// The fault that every call would end in.
pub fn check(target: &Target) -> Result<(), Fault> {
    let Endpoint::Http(endpoint) = &target.endpoint else { return Ok(()) };
    let provider = crate::provider::find(target.provider).ok_or_else(|| {
        let name = target.provider;
        Fault::new(FaultKind::BadRequest, format!("there is no provider called `{name}`"))
    })?;
    provider.check(target, endpoint)?;
    send::http::check(endpoint, target.timeouts.connect)
}
