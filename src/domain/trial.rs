//! A trial: sample x prompt x model x epoch, the unit that is scheduled, recorded and resumed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    base::money::Money,
    domain::{
        fault::Fault,
        generation::{FinishReason, Generation, Usage},
        score::Verdict,
    },
};

/// Which trial. Ordered by `seq`, the place in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrialKey {
    /// Place in the plan, from 0: samples outermost, then prompts, models, epochs.
    pub seq: u64,
    /// Index of the sample.
    pub sample: u64,
    /// Index of the prompt.
    pub prompt: u32,
    /// Index of the model.
    pub model: u32,
    /// Repeat, from 0.
    pub epoch: u32,
}

/// How a trial ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A whole answer.
    Ok,
    /// The model or its provider declined to answer.
    Refused,
    /// The answer was cut at the token limit.
    Length,
    /// The answer has no text.
    Empty,
    /// There is no answer.
    Error,
}

impl Status {
    /// The status of a call's outcome.
    pub fn of(result: &Result<Generation, Fault>) -> Self {
        let Ok(generation) = result else { return Self::Error };
        match generation.finish_reason {
            FinishReason::ContentFilter | FinishReason::Refusal => Self::Refused,
            FinishReason::Length | FinishReason::Context => Self::Length,
            _ if generation.text.trim().is_empty() && generation.tool_calls.is_empty() => {
                Self::Empty
            }
            _ => Self::Ok,
        }
    }

    /// The status's name in stores, exports and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Length => "length",
            Self::Empty => "empty",
            Self::Error => "error",
        }
    }

    /// The status called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ok, Self::Refused, Self::Length, Self::Empty, Self::Error]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// One request of a logical call, kept whatever came of it.
///
/// `latency_us` begins when the request is handed over; what it waited for before is apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attempt {
    /// Milliseconds since the epoch when the request was handed to the socket.
    pub started_ms: i64,
    /// Time that it waited for a free place, under a limit or for a connection, in microseconds.
    pub queued_us: u64,
    /// Time that it waited because the attempt before it had failed, in microseconds.
    pub backoff_us: u64,
    /// From handing over the request to the last byte, in microseconds.
    pub latency_us: u64,
    /// From handing over the request to the first piece of text, in microseconds; streamed only.
    pub ttft_us: Option<u64>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// Why it failed, when it did.
    pub fault: Option<Fault>,
    /// Tokens billed, as far as known.
    pub usage: Option<Usage>,
    /// Cost, as far as known.
    pub cost: Option<Money>,
    /// Whether `cost` is the provider's own figure, not ours by its prices.
    pub cost_reported: bool,
    /// Whether the provider had the whole request and did not refuse it: it may have done the work,
    /// whatever became of the reply.
    pub accepted: bool,
    /// Whether a secret was masked in what came back: the text is not quite what was said.
    pub masked: bool,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The registered credential that it was made with, by its slug.
    pub credential: Option<String>,
}

impl Attempt {
    /// Whether the provider may bill it: it answered, had begun to when it failed, or had all that it
    /// needed to.
    pub fn may_be_billed(&self) -> bool {
        let begun = self.fault.as_ref().is_none_or(|fault| fault.partial.is_some());
        begun || self.accepted || self.usage.is_some() || self.cost.is_some()
    }
}

/// That an answer came out of the response cache, and what the call had come to that it is from.
/// Getting it took no request, so it has no latency and no cost of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hit {
    /// Latency of the attempt that had brought the answer, in microseconds.
    pub latency_us: Option<u64>,
    /// Time to first token of that attempt, in microseconds; streamed only.
    pub ttft_us: Option<u64>,
    /// What that attempt had cost, as far as known.
    pub saved: Option<Money>,
}

/// A trial's answer, or its failure, before scoring.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Which trial.
    pub key: TrialKey,
    /// The answer or the fault of the last attempt.
    pub result: Result<Generation, Fault>,
    /// Every request made, in order. The last one made the result.
    pub attempts: Vec<Attempt>,
    /// The model that answered, by the name it has in the config.
    pub served_by: String,
    /// Set when the answer came from the response cache.
    pub cached: Option<Hit>,
    /// What each extraction pipeline found, in the order of the plan; `None` where it found nothing.
    pub extracted: Vec<Option<String>>,
}

impl Answer {
    /// How the trial ended.
    pub fn status(&self) -> Status {
        Status::of(&self.result)
    }

    /// Latency of the attempt that made the result.
    pub fn latency_us(&self) -> Option<u64> {
        self.attempts.last().map(|attempt| attempt.latency_us)
    }

    /// Time to first token of the attempt that made the result.
    pub fn ttft_us(&self) -> Option<u64> {
        self.attempts.last().and_then(|attempt| attempt.ttft_us)
    }

    /// What all attempts cost together; `None` when one that may be billed has no known cost.
    pub fn cost(&self) -> Option<Money> {
        cost(&self.attempts)
    }
}

/// What `attempts` cost together; `None` when one that may be billed has no known cost.
pub fn cost(attempts: &[Attempt]) -> Option<Money> {
    attempts.iter().filter(|attempt| attempt.may_be_billed()).map(|attempt| attempt.cost).sum()
}

/// Whose figures the known costs of `attempts` are: `provider`, `price` or `mixed`.
pub fn cost_source(attempts: &[Attempt]) -> Option<&'static str> {
    let known = || attempts.iter().filter(|attempt| attempt.cost.is_some());
    match (known().any(|a| a.cost_reported), known().any(|a| !a.cost_reported)) {
        (true, true) => Some("mixed"),
        (true, false) => Some("provider"),
        (false, true) => Some("price"),
        (false, false) => None,
    }
}

/// A trial's verdicts, in the order of the plan's scorers.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Which trial.
    pub key: TrialKey,
    /// One verdict a scorer.
    pub verdicts: Vec<Verdict>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::FaultKind;

    #[test]
    fn a_failed_attempt_that_had_begun_to_answer_is_part_of_the_cost() {
        let answered =
            Attempt { latency_us: 1, cost: Some(Money::from_pico(5)), ..Attempt::default() };
        let refused = Fault::new(FaultKind::RateLimited, "later");
        let cut = Fault { partial: Some("ha".into()), ..refused.clone() };
        let failed =
            |fault: &Fault, cost| Attempt { fault: Some(fault.clone()), cost, ..answered.clone() };
        let cost = |attempts: &[Attempt]| {
            let answer = Answer {
                key: TrialKey { seq: 0, sample: 0, prompt: 0, model: 0, epoch: 0 },
                result: Ok(Generation::default()),
                attempts: attempts.to_vec(),
                served_by: String::new(),
                cached: None,
                extracted: Vec::new(),
            };
            answer.cost().map(Money::pico)
        };
        assert_eq!(cost(&[failed(&refused, None), answered.clone()]), Some(5));
        assert_eq!(cost(&[failed(&cut, Some(Money::from_pico(3))), answered.clone()]), Some(8));
        assert_eq!(cost(&[failed(&cut, None), answered.clone()]), None);
        let lost = Attempt { accepted: true, ..failed(&refused, None) };
        assert_eq!(cost(&[lost, answered.clone()]), None);
        assert_eq!(cost(&[]), Some(0));
    }
}
