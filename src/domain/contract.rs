//! Where floors meet: traits that one floor implements and another calls.

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;

use crate::domain::{
    event::Event, fault::Fault, generation::Generation, limits::RateLimits, message::Message,
    sample::Sample, target::Target, trial::Attempt,
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
    /// Whether the answer came from the response cache.
    pub cached: bool,
    /// What the provider said of its rate limits in the last reply, answer or not.
    pub limits: Option<RateLimits>,
}

/// Something that answers calls: a sender, or a policy around another one.
pub trait Generate: Send + Sync {
    /// Answers `call`. Failure is part of the reply; dropping the future abandons the call.
    fn generate<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Reply>;
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
