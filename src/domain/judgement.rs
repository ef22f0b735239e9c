//! What a model said when a scorer asked it: recorded before anything is made of it.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    base::money::Money,
    domain::{
        fault::Fault,
        generation::{Generation, Usage},
        message::Message,
        trial::{Attempt, Hit, cost},
    },
};

/// What a judgement is found under again: a digest of who is asked what, and for which repeat.
pub type JudgementKey = [u8; 32];

/// One question of a scorer to a model, with what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Place of the trial in the plan.
    pub seq: u64,
    /// Index of the scorer.
    pub scorer: u32,
    /// What the question is for, such as `verdict` or `claims`.
    pub step: String,
    /// The name of the model that was asked.
    pub model: String,
    /// Repeat of the same question, from 0.
    pub repeat: u32,
    /// How often it was asked again because the reply before could not be used, from 0.
    pub turn: u32,
    /// How often the trial was judged anew after the judge had failed, from 0.
    pub round: u32,
    /// What it is found under.
    pub key: JudgementKey,
    /// What was said to the model.
    pub messages: Arc<[Message]>,
    /// The reply, or why there is none.
    pub result: Result<Generation, Fault>,
    /// Every request made, in order.
    pub attempts: Vec<Attempt>,
    /// The name of the model that replied.
    pub served_by: String,
    /// Set when the reply was known and no request was made.
    pub cached: Option<Hit>,
    /// What was read out of the reply, or why it cannot be used; `None` without a reply.
    pub read: Option<Result<Value, String>>,
    /// Whether the judge gives up here: nothing usable came, and it is not asked again.
    pub last: bool,
}

impl Judgement {
    /// What all requests cost together; `None` when one that may be billed has no known cost.
    pub fn cost(&self) -> Option<Money> {
        cost(&self.attempts)
    }

    /// Latency of the request that made the reply, in microseconds.
    pub fn latency_us(&self) -> Option<u64> {
        self.attempts.last().map(|attempt| attempt.latency_us)
    }

    /// Tokens of all requests, as far as they are known.
    pub fn usage(&self) -> Option<Usage> {
        let known = self.attempts.iter().filter_map(|attempt| attempt.usage);
        known.reduce(|sum, next| Usage {
            input: sum.input + next.input,
            output: sum.output + next.output,
            cache_read: sum.cache_read + next.cache_read,
            cache_write: sum.cache_write + next.cache_write,
            cache_write_1h: sum.cache_write_1h + next.cache_write_1h,
            reasoning: sum.reasoning + next.reasoning,
        })
    }
}

/// A reply that is recorded, to be used again.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownReply {
    /// Place of the trial that it was asked for.
    pub seq: u64,
    /// Index of the scorer that it was asked for.
    pub scorer: u32,
    /// The reply.
    pub generation: Generation,
    /// The name of the model that replied.
    pub served_by: String,
    /// What the call had come to.
    pub origin: Hit,
}

/// A stored judgement, for exports and reports.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgementRecord {
    /// Index of the scorer.
    pub scorer: u32,
    /// What the question was for.
    pub step: String,
    /// The name of the model that was asked.
    pub model: String,
    /// The name of the model that replied.
    pub served_by: String,
    /// Repeat of the same question.
    pub repeat: u32,
    /// How often it was asked again because the reply before could not be used.
    pub turn: u32,
    /// How often the trial was judged anew after the judge had failed.
    pub round: u32,
    /// What was said to the model.
    pub messages: Vec<Message>,
    /// The reply's text; `None` when there is none.
    pub output: Option<String>,
    /// The arguments of the function that the model called in place of writing, as JSON.
    pub arguments: Option<String>,
    /// The finish reason's name.
    pub finish_reason: Option<String>,
    /// Why there is no reply: the fault's kind and message.
    pub error: Option<(String, String)>,
    /// What was read out of the reply.
    pub verdict: Option<Value>,
    /// Why the reply cannot be used.
    pub problem: Option<String>,
    /// Requests made.
    pub attempts: u32,
    /// Whether the reply was known and no request was made.
    pub cached: bool,
    /// Latency of the last request, in microseconds.
    pub latency_us: Option<u64>,
    /// Tokens, where known.
    pub usage: Option<Usage>,
    /// Cost in picodollars, where known.
    pub cost_pico: Option<i64>,
}
