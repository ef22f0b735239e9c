//! What happens in a run. The runner emits events and knows no sink.

use std::sync::Arc;

use crate::domain::{
    judgement::Judgement,
    message::Message,
    run::{RunHeader, RunStatus},
    sample::Sample,
    trial::{Answer, Attempt, Scored, TrialKey},
};

/// An event of a run. Cheap to clone.
///
/// Order: `Started`, `Resumed` or `Retried`; then, for each sample, `Sample` before its `Rendered`,
/// and both before the `Answered` of its trials; `Judged` and then `Scored` after the `Answered` of
/// the same trial, which may be recorded already; `Finished` last.
#[derive(Debug, Clone)]
pub enum Event {
    /// The run begins.
    Started(Arc<RunHeader>),
    /// A run that was recorded in part goes on; stands in place of `Started`.
    Resumed(Arc<RunHeader>),
    /// The same, and what failed is done again: an answer may follow on an error, and verdicts on
    /// those of a scorer that failed.
    Retried(Arc<RunHeader>),
    /// A sample is about to be asked.
    Sample(Arc<Sample>),
    /// What a prompt becomes for a sample.
    Rendered {
        /// Index of the sample.
        sample: u64,
        /// Index of the prompt.
        prompt: u32,
        /// The messages.
        messages: Arc<[Message]>,
    },
    /// A trial is left without an answer, though requests were made for it.
    Left {
        /// Which trial.
        key: TrialKey,
        /// The requests, in order.
        attempts: Arc<[Attempt]>,
    },
    /// A trial has its answer or its fault.
    Answered(Arc<Answer>),
    /// A scorer has asked a model about an answer.
    Judged(Arc<Judgement>),
    /// A trial has its verdicts.
    Scored(Arc<Scored>),
    /// The run ends.
    Finished(RunStatus),
}
