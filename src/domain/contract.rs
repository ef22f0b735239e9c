//! Where floors meet: traits that one floor implements and another calls.

use std::{borrow::Cow, fmt, sync::Arc};

use futures_util::future::BoxFuture;

use crate::{
    base::secret::Secret,
    domain::{
        event::Event,
        fault::Fault,
        generation::Generation,
        limits::RateLimits,
        message::Message,
        sample::Sample,
        target::Target,
        trial::{Attempt, Hit},
    },
};

/// One logical call to a model.
#[derive(Debug, Clone)]
pub struct Call {
    /// Whom to ask.
    pub target: Arc<Target>,
    /// What to say.
    pub messages: Arc<[Message]>,
    /// The row that it is about; simulated and recorded models answer by it.
    pub sample: Arc<Sample>,
    /// Index of the prompt.
    pub prompt: u32,
    /// Repeat, from 0.
    pub epoch: u32,
    /// Requests that may be made for it.
    pub requests: usize,
    /// The request that asks it, where somebody had to write it already.
    pub encoded: Option<Arc<Encoded>>,
}

impl Call {
    /// Requests of one call in all: repetitions, renewals of a token and those to models that stand
    /// in, together.
    pub const MOST_REQUESTS: usize = 9;
}

/// A request, to be sent by `POST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The whole address.
    pub url: String,
    /// Header names in lower case, with their values. Any value may be a secret.
    pub headers: Vec<(Cow<'static, str>, Secret)>,
    /// The body; its type is among the headers.
    pub body: Vec<u8>,
}

/// A request as a wire format writes it, before it is signed.
#[derive(Debug)]
pub struct Encoded {
    /// The one whom it asks, and nobody else.
    pub target: Arc<Target>,
    /// The request.
    pub request: HttpRequest,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The answer, or the fault of the last attempt.
    pub result: Result<Generation, Fault>,
    /// Every request made, in order.
    pub attempts: Vec<Attempt>,
    /// The name of the model that answered.
    pub served_by: String,
    /// Set when the answer came from the response cache.
    pub cached: Option<Hit>,
    /// What the provider said of its rate limits in the last reply, answer or not.
    pub limits: Option<RateLimits>,
}

/// Something that answers calls: a sender, or a policy around another one.
pub trait Generate: Send + Sync {
    /// Answers `call`. Failure is part of the reply; dropping the future abandons the call.
    fn generate<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Reply>;
}

impl<T: Generate + ?Sized> Generate for Arc<T> {
    fn generate<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Reply> {
        self.as_ref().generate(call)
    }
}

/// What an answer is kept under: a digest of the request and of the repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey(pub [u8; 32]);

/// An answer in the response cache.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The answer.
    pub generation: Generation,
    /// What the call had come to that brought it.
    pub origin: Hit,
}

/// Keeps whole answers. It is a help and nothing more: what it cannot do is not done, and no call
/// waits or fails for it.
pub trait ResponseCache: Send + Sync + fmt::Debug {
    /// The answer under `key`, unless it was kept before `since_ms`, in milliseconds since the
    /// epoch. What was put by this process is found at once.
    fn get(&self, key: &CacheKey, since_ms: i64) -> Option<Arc<Kept>>;

    /// Keeps an answer of `target`, in place of an older one.
    fn put(&self, key: CacheKey, target: &Target, answer: Arc<Kept>);

    /// Takes note that an answer was used, for the statistics.
    fn used(&self, origin: &Hit);
}

/// A sink that could not keep what it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// A promise that an event is kept: resolves when it is durable.
pub type Receipt = BoxFuture<'static, Result<(), SinkError>>;

/// Takes the events of a run.
pub trait Sink: Send + Sync + fmt::Debug {
    /// Takes `event` without waiting. `None`: nothing to wait for.
    fn emit(&self, event: &Event) -> Option<Receipt>;
}
