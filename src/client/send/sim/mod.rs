//! A simulated model: deterministic answers, latencies and failures without a network.
//!
//! Everything follows from the profile's seed, the sample's id, the prompt and the epoch, so a run
//! repeats exactly, on any machine and under any concurrency. The latency recorded is the one that
//! was drawn, not the one that the machine managed.

mod answer;
mod draws;
mod judge;
pub(in crate::client) mod vector;

use std::time::Duration;

use self::draws::Draws;
use crate::{
    base::clock,
    domain::{
        contract::{Call, Reply},
        fault::{Fault, FaultKind},
        generation::{FinishReason, Generation, Usage},
        message::Message,
        target::SimProfile,
        trial::Attempt,
    },
};

/// Tokens of a word, roughly, in English.
const TOKENS_PER_WORD: f64 = 1.3;

/// Longest latency that is drawn.
const LONGEST: Duration = Duration::from_hours(1);

/// Makes one attempt at `call`.
pub(super) async fn send(call: &Call, profile: &SimProfile) -> Reply {
    let mut draws = Draws::new(profile.seed, &call.sample.id, call.prompt, call.epoch);
    let (fails, right) = (draws.share(), draws.share());
    let latency = latency(profile, draws.normal());
    let first_share = 0.2 + 0.2 * draws.share();
    let started_ms = clock::now_ms();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let result = if fails < profile.error_rate {
        Err(Fault::new(FaultKind::Transient, "simulated failure"))
    } else {
        Ok(generation(call, profile, right < profile.accuracy, &mut draws))
    };
    let usage = result.as_ref().ok().and_then(|generation| generation.usage);
    let attempt = Attempt {
        started_ms,
        latency_us: latency.as_micros() as u64,
        ttft_us: usage.map(|_| latency.mul_f64(first_share).as_micros() as u64),
        fault: result.as_ref().err().cloned(),
        usage,
        cost: call.target.price.as_ref().and_then(|price| Some(price.cost(&usage?))),
        ..Attempt::default()
    };
    Reply {
        result,
        attempts: vec![attempt],
        served_by: call.target.name.clone(),
        cached: None,
        limits: None,
    }
}

/// The profile's median, spread log-normally; a median of zero stays zero.
fn latency(profile: &SimProfile, normal: f64) -> Duration {
    if profile.latency.is_zero() {
        return Duration::ZERO;
    }
    let seconds = profile.latency.as_secs_f64() * (profile.jitter * normal).exp();
    Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST)
}

fn generation(call: &Call, profile: &SimProfile, right: bool, draws: &mut Draws) -> Generation {
    if let Some(judge) = profile.judge {
        let said = judge::reply(call, judge, profile.accuracy, profile.seed);
        let mut made = spoken(call, profile, said.text);
        if !said.calls.is_empty() {
            made.finish_reason = FinishReason::ToolCalls;
            made.tool_calls = said.calls;
        }
        return made;
    }
    spoken(call, profile, answer::text(call, right, profile.verbosity, draws))
}

/// `text` as an answer, cut where `max_tokens` says.
fn spoken(call: &Call, profile: &SimProfile, mut text: String) -> Generation {
    let asked: usize =
        call.messages.iter().map(Message::joined_text).map(|text| words(&text)).sum();
    let mut output = profile.output_tokens.unwrap_or_else(|| tokens(words(&text)));
    let mut finish_reason = FinishReason::Stop;
    if let Some(most) = call.target.params.max_tokens.filter(|most| *most < output) {
        let kept = words(&text) as f64 * most as f64 / output as f64;
        text.truncate(end_of_word(&text, kept as usize));
        output = most;
        finish_reason = FinishReason::Length;
    }
    Generation {
        text,
        finish_reason,
        raw_finish_reason: Some(finish_reason.name().to_owned()),
        usage: Some(Usage {
            input: profile.input_tokens.unwrap_or_else(|| tokens(asked)),
            output,
            ..Usage::default()
        }),
        served_model: Some(call.target.model.clone()).filter(|model| !model.is_empty()),
        ..Generation::default()
    }
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn tokens(words: usize) -> u64 {
    (words as f64 * TOKENS_PER_WORD).ceil() as u64
}

/// The byte after the `count`-th word.
fn end_of_word(text: &str, count: usize) -> usize {
    let Some(last) = count.checked_sub(1) else { return 0 };
    let word = text.split_whitespace().nth(last);
    word.map_or(text.len(), |word| word.as_ptr().addr() - text.as_ptr().addr() + word.len())
}

#[cfg(test)]
mod tests;
