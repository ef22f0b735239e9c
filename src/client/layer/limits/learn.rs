//! What an account learns from its replies.

use std::time::{Duration, Instant};

use super::{
    account::{ANNOUNCED, Account, State, text_of},
    adaptive::Adaptive,
    breaker::Change,
};
use crate::{
    base::clock,
    domain::{
        contract::{Call, Reply},
        fault::{Fault, FaultKind},
        limits::{RateLimits, Window},
    },
};

/// Longest time that calls are held back because those under way may use up what is left.
const SOON: Duration = Duration::from_mins(1);

impl Account {
    /// Learns from the end of an attempt.
    pub(super) fn learn(&self, call: &Call, reply: &Reply, probe: bool) {
        let mut guard = self.state();
        let state = &mut *guard;
        if reply.attempts.is_empty() {
            // Nothing was sent, so nothing is known.
            state.breaker.abandon_if(probe);
            return;
        }
        let now = clock::instant();
        let model = &call.target.name;
        let change = match &reply.result {
            Ok(generation) => {
                if !state.answered.contains(model) {
                    state.answered.insert(model.clone());
                }
                if self.ledger.counts_tokens() {
                    state.tokens.learn(call, generation.usage);
                }
                state.adapt(Adaptive::answered);
                if let Some(pace) = &mut state.pace {
                    pace.answered(now);
                }
                state.breaker.replied(now, probe)
            }
            Err(fault) => self.learn_fault(state, now, model, (fault, probe)),
        };
        match change {
            Change::None => {}
            Change::Opened(pause) => self.say(&format!(
                "only fails; its trials wait, and one tries again in {}",
                text_of(pause)
            )),
            Change::Closed(time) => {
                self.say(&format!("is back after {}", text_of(time)));
            }
        }
        if let Some(wait) = reply.limits.as_ref().and_then(|limits| state.used_up(limits)) {
            self.pause(state, now, wait);
        }
    }

    fn learn_fault(
        &self,
        state: &mut State,
        now: Instant,
        model: &str,
        (fault, probe): (&Fault, bool),
    ) -> Change {
        match fault.kind {
            FaultKind::Transient | FaultKind::Timeout | FaultKind::Truncated => {
                state.adapt(Adaptive::failed);
                if let Some(wait) = fault.retry_after {
                    self.pause(state, now, wait);
                }
                return state.breaker.failed(now, probe, fault.status.is_some());
            }
            FaultKind::RateLimited => {
                state.adapt(|adaptive| adaptive.limited(now));
                if let Some(pace) = &mut state.pace {
                    pace.limited(now);
                }
                if let Some(wait) = fault.retry_after {
                    self.pause(state, now, wait);
                }
            }
            // A key that is wrong for one model is wrong for all. A 403 may be about one of them.
            FaultKind::Auth if fault.status != Some(403) && state.dead.is_none() => {
                state.dead = Some(fault.clone());
                let message = &fault.message;
                self.say(&format!("refuses the credential, nothing more is sent: {message}"));
            }
            FaultKind::Quota if state.dead.is_none() => {
                state.dead = Some(fault.clone());
                let message = &fault.message;
                self.say(&format!("has no credit left, nothing more is sent: {message}"));
            }
            FaultKind::BadRequest if fault.status == Some(404) => {
                // One that has answered exists; then something else was not found.
                let known = state.answered.contains(model) || state.missing.contains_key(model);
                if !known {
                    state.missing.insert(model.to_owned(), fault.clone());
                    let message = &fault.message;
                    self.say(&format!("has no model for `{model}`, it is not asked: {message}"));
                }
            }
            FaultKind::Dns | FaultKind::Tls | FaultKind::Stopped => {
                state.breaker.abandon_if(probe);
                return Change::None;
            }
            _ => {}
        }
        state.breaker.replied(now, probe)
    }

    /// Sends nothing for so long, in no process.
    fn pause(&self, state: &mut State, now: Instant, wait: Duration) {
        let until = now + wait;
        if state.paused.is_some_and(|paused| paused >= until) {
            return;
        }
        state.paused = Some(until);
        self.ledger.pause(wait);
        if wait > ANNOUNCED && !std::mem::replace(&mut state.parked, true) {
            let wait = text_of(wait);
            self.say(&format!("asks to wait {wait}; its trials wait until then, others go on"));
        }
    }
}

impl State {
    fn adapt(&mut self, change: impl FnOnce(&mut Adaptive)) {
        if let Some(adaptive) = &mut self.adaptive {
            change(adaptive);
        }
    }

    /// How long to wait because nothing is left, or no more than what is under way will take.
    fn used_up(&self, limits: &RateLimits) -> Option<Duration> {
        let others = u64::from(self.in_flight.saturating_sub(1));
        let requests = wait_for(limits.requests, others);
        let tokens = wait_for(limits.tokens, 0);
        requests.into_iter().chain(tokens).max()
    }
}

/// Until a window that has no more than `spoken_for` left is full again.
fn wait_for(window: Option<Window>, spoken_for: u64) -> Option<Duration> {
    let window = window?;
    let (remaining, reset) = (window.remaining?, window.reset?);
    (remaining == 0 || (remaining <= spoken_for && reset <= SOON)).then_some(reset)
}
