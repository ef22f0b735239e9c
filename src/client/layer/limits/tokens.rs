//! How many tokens a call will take, before it is made.

use crate::domain::{contract::Call, generation::Usage, message::Message};

/// Bytes of a token, roughly: what is wrong with it is learned with the first answers.
const BYTES: f64 = 4.0;

/// An answer's tokens where nothing is known.
const ANSWER: f64 = 256.0;

/// Weight of the latest answer among those before.
const LATEST: f64 = 0.1;

/// What was learned of an account's calls.
#[derive(Debug)]
pub(super) struct Tokens {
    /// Bytes of a prompt's token.
    bytes: f64,
    /// Tokens of an answer.
    answer: f64,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { bytes: BYTES, answer: ANSWER }
    }
}

impl Tokens {
    /// An estimate of what `call` takes.
    pub(super) fn of(&self, call: &Call) -> u64 {
        let most = call.target.params.max_tokens.map_or(f64::MAX, |most| most as f64);
        (prompt_bytes(call) / self.bytes + self.answer.min(most)).ceil() as u64
    }

    /// Learns from what a call took.
    pub(super) fn learn(&mut self, call: &Call, usage: Option<Usage>) {
        let Some(usage) = usage.filter(|usage| usage.input > 0) else { return };
        let bytes = (prompt_bytes(call) / usage.input as f64).clamp(0.1, 16.0);
        self.bytes += LATEST * (bytes - self.bytes);
        self.answer += LATEST * (usage.output as f64 - self.answer);
    }
}

fn prompt_bytes(call: &Call) -> f64 {
    let bytes = |message: &Message| message.joined_text().len();
    call.messages.iter().map(bytes).sum::<usize>() as f64
}
