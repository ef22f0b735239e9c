//! Floor 3: a call in, a reply out.
//!
//! [`client`] puts the parts together, and it is the one place that knows their order. From the
//! outside to the inside:
//!
//! | layer | what it does |
//! | --- | --- |
//! | cache | answers what was asked before, and asks once what is asked twice at a time |
//! | budget | sets aside what a call can use, and ends the run before it goes over |
//! | fallback | asks the next model when one gives no answer |
//! | retry | makes a request again that failed for a reason that may pass |
//! | limits | holds back what an account or the run's concurrency does not allow yet |
//! | timeout | ends an attempt that takes longer than its target allows |
//! | send | makes the attempt: over HTTP, by the simulator, out of a recording |
//!
//! Every policy is a file of `layer/` around one [`Generate`]. A cached answer waits for nothing, the
//! primary is exhausted before the fallback, and every attempt has its own permit and its own time:
//! what waits for anything else holds no slot.

mod by_target;
mod embed;
mod estimate;
mod flights;
mod layer;
mod policy;
mod send;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::watch;

use self::{by_target::ByTarget, flights::Flights};
pub use self::{
    embed::{Embedded, Embedder},
    estimate::{Tokens, UNKNOWN_OUTPUT},
    policy::{Notice, RetryPolicy},
    send::replay::{ReplayBook, ReplayError},
};
use crate::{
    base::clock,
    domain::{
        budget::{Budget, Spent},
        contract::{CacheKey, Call, Generate, Reply, ResponseCache},
        fault::{Fault, FaultKind},
        limits::Limits,
        target::{Endpoint, ReplaySource, Target},
    },
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

impl Caching {
    /// The time from which on answers count, in milliseconds since the epoch.
    fn oldest_ms(&self) -> i64 {
        let ttl = i64::try_from(self.ttl.as_millis()).unwrap_or(i64::MAX);
        let since = clock::now_ms().saturating_sub(ttl);
        self.since_ms.map_or(since, |floor| floor.max(since))
    }
}

/// What the client is made with.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Attempts in flight at most.
    pub concurrency: u32,
    /// What all calls together may use up.
    pub budget: Budget,
    /// What of it is gone already.
    pub spent: Spent,
    /// What calls of scorers may use up of it.
    pub judge_budget: Budget,
    /// What of that is gone already.
    pub judge_spent: Spent,
    /// Turns true when nothing that still waits is to be sent.
    pub stop: Option<watch::Receiver<bool>>,
    /// The recordings of all targets that replay a file, by the source that names them.
    pub books: Vec<(ReplaySource, Arc<ReplayBook>)>,
    /// The response cache; `None` asks anew whatever was asked before.
    pub cache: Option<Caching>,
    /// When failed requests are made again. `None`: never, and no account waits or is given up.
    pub retry: Option<RetryPolicy>,
    /// What accounts may be asked for, by [`Target::account`].
    pub limits: Vec<(String, Limits)>,
    /// Whether the requests in flight are found out for accounts that no limit is set for.
    pub adaptive: bool,
    /// The directory where processes of this machine share the limits of accounts.
    pub shared: Option<PathBuf>,
    /// Who hears of waits and outages.
    pub notice: Option<Notice>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            concurrency: 16,
            budget: Budget::default(),
            spent: Spent::default(),
            judge_budget: Budget::default(),
            judge_spent: Spent::default(),
            cache: None,
            stop: None,
            books: Vec::new(),
            retry: None,
            limits: Vec::new(),
            adaptive: false,
            shared: None,
            notice: None,
        }
    }
}

/// Everything between a call and its reply, and between texts and their vectors.
#[derive(Clone)]
pub struct Client {
    /// Answers calls.
    pub calls: Arc<dyn Generate>,
    /// Answers calls of scorers: by the same layers, and within a budget of their own besides.
    pub judges: Arc<dyn Generate>,
    /// Makes vectors for scorers, under the limits and the budgets of their calls.
    pub vectors: Arc<Embedder>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("vectors", &self.vectors).finish_non_exhaustive()
    }
}

/// The part of [`client`] that answers calls.
pub fn stack(options: ClientOptions) -> Arc<dyn Generate> {
    client(options).calls
}

/// The client.
///
/// It is used inside a tokio runtime with I/O and time.
pub fn client(options: ClientOptions) -> Client {
    let stop = options.stop.clone();
    let slots = Arc::new(layer::slots::Slots::new(options.concurrency, options.stop));
    let accounts = Arc::new(layer::limits::Accounts {
        policy: options.retry,
        limits: options.limits,
        adaptive: options.adaptive,
        directory: options.shared,
        notice: options.notice,
        known: Mutex::default(),
        seen: ByTarget::default(),
    });
    let till = Arc::new(layer::budget::Till::new(options.budget, options.spent, stop.clone()));
    let of_judges = layer::budget::Till::new(options.judge_budget, options.judge_spent, stop);
    let of_judges = Arc::new(of_judges);
    let http = Arc::new(send::http::HttpSender::default());
    let vectors = Arc::new(Embedder {
        http: Arc::clone(&http),
        accounts: Arc::clone(&accounts),
        slots: Arc::clone(&slots),
        till: Arc::clone(&till),
        of_scorers: Arc::clone(&of_judges),
        cache: options.cache.clone(),
        flights: Flights::default(),
        asked: ByTarget::default(),
    });
    let send = send::Sender::new(http, options.books);
    let timeout = layer::timeout::Timeout::new(send);
    let limited = layer::limits::Limited::new(timeout, Arc::clone(&accounts), Arc::clone(&slots));
    let retry = layer::retry::Retry::new(limited, accounts, slots);
    let fallback = layer::fallback::Fallback::new(retry);
    let budget = Arc::new(layer::budget::Purse::new(fallback, till));
    let judges = layer::budget::Purse::new(Arc::clone(&budget), of_judges);
    Client {
        calls: cached(budget, options.cache.clone()),
        judges: cached(judges, options.cache),
        vectors,
    }
}

/// `inner` behind the response cache, where there is one.
fn cached(inner: impl Generate + 'static, caching: Option<Caching>) -> Arc<dyn Generate> {
    match caching {
        Some(caching) => Arc::new(layer::cache::Cache::new(inner, caching)),
        None => Arc::new(inner),
    }
}

/// What the answer of `call` is kept under in the response cache; `None` for calls that are not
/// cached.
pub fn cache_key(call: &Call) -> Option<CacheKey> {
    layer::cache::asked(call).1.map(|(key, _)| key)
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
