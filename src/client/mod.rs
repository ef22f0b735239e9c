//! Floor 3: a call in, a reply out.
//!
//! [`stack`] puts the parts together, and it is the one place that knows their order. From the
//! outside to the inside:
//!
//! | layer | what it does |
//! | --- | --- |
//! | timeout | ends an attempt that takes longer than its target allows |
//! | send | makes the attempt: over HTTP, by the simulator, out of a recording |
//!
//! Every policy is a file of `layer/` around one [`Generate`]. The places of those to come, outermost
//! first: cache, budget, fallback, retry, rate limit, adaptive concurrency, then timeout. A cached
//! answer waits for nothing, the primary is exhausted before the fallback, and every attempt has
//! its own permit and its own time.

mod layer;
mod send;

use std::sync::Arc;

pub use self::send::replay::{ReplayBook, ReplayError};
use crate::domain::{
    contract::Generate,
    fault::{Fault, FaultKind},
    target::{Endpoint, ReplaySource, Target},
};

/// What the stack is made with.
#[derive(Debug, Clone, Default)]
pub struct ClientOptions {
    /// The recordings of all targets that replay a file, by the source that names them.
    pub books: Vec<(ReplaySource, Arc<ReplayBook>)>,
}

/// The client: everything between a call and its reply.
///
/// Calls are answered inside a tokio runtime with I/O and time.
pub fn stack(options: ClientOptions) -> Arc<dyn Generate> {
    let send = send::Sender::new(options.books);
    let timeout = layer::timeout::Timeout::new(send);
    Arc::new(timeout)
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
