//! Requests and tokens a minute, spread evenly.
//!
//! Each rate is an interval, and each of its meters an instant: until then, everything is used up.
//! A request moves it on. As far as a second ahead may be used at once. Tokens are charged by an
//! estimate and corrected when they are known, so that a call larger than a second's share goes
//! through and what follows waits for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::limits::Limits;

/// Milliseconds of a rate that may be used at once.
const BURST: f64 = 1_000.0;

/// Milliseconds in the future that are believed; more means that the clock was set back.
const BELIEVED: f64 = 3_600_000.0;

/// The same for a pause, which a provider may ask to last a day.
const LONGEST_PAUSE: f64 = 24.0 * BELIEVED;

/// How many milliseconds a request and a token take.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Rates {
    request: Option<f64>,
    token: Option<f64>,
}

impl Rates {
    /// The rates that `limits` set.
    pub(super) fn of(limits: Limits) -> Self {
        let interval = |a_minute: Option<u64>| a_minute.map(|n| 60_000.0 / n.max(1) as f64);
        Self { request: interval(limits.rpm), token: interval(limits.tpm) }
    }

    /// Whether there is one of tokens.
    pub(super) fn count_tokens(&self) -> bool {
        self.token.is_some()
    }

    /// Whether there are none.
    pub(super) fn is_free(&self) -> bool {
        self.request.is_none() && self.token.is_none()
    }
}

/// Where an account's meters stand, in milliseconds since the epoch: processes share them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Meters {
    requests: f64,
    tokens: f64,
    paused: f64,
}

impl Meters {
    /// Charges a request of so many tokens, or says how long it has to wait.
    pub(super) fn charge(
        &mut self,
        rates: &Rates,
        now_ms: f64,
        tokens: u64,
    ) -> Result<(), Duration> {
        if let Some(left) = self.paused_for(now_ms) {
            return Err(left);
        }
        for meter in [&mut self.requests, &mut self.tokens] {
            let sound = meter.is_finite() && *meter <= now_ms + BELIEVED;
            *meter = if sound { meter.max(now_ms) } else { now_ms };
        }
        let wait = |meter: f64, burst: f64| meter - burst - now_ms;
        let request = rates.request.map(|each| wait(self.requests, (BURST - each).max(0.0)));
        let token = rates.token.map(|_| wait(self.tokens, BURST));
        let longest = request.into_iter().chain(token).fold(0.0, f64::max);
        if longest > 0.0 {
            return Err(Duration::from_secs_f64(longest / 1_000.0));
        }
        self.requests += rates.request.unwrap_or_default();
        self.tokens += rates.token.unwrap_or_default() * tokens as f64;
        Ok(())
    }

    /// Corrects the tokens charged by the difference to those used.
    pub(super) fn correct(&mut self, rates: &Rates, more: f64) {
        self.tokens = (self.tokens + rates.token.unwrap_or_default() * more).max(0.0);
    }

    /// Lets nothing through before then.
    pub(super) fn pause(&mut self, until_ms: f64) {
        self.paused = self.paused.max(until_ms);
    }

    /// How much longer nothing goes through.
    pub(super) fn paused_for(&self, now_ms: f64) -> Option<Duration> {
        let left = self.paused - now_ms;
        (left > 0.0 && left <= LONGEST_PAUSE).then(|| Duration::from_secs_f64(left / 1_000.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When each of `n` requests of `tokens` goes, in milliseconds, sent as soon as it may.
    fn times(limits: Limits, n: usize, tokens: u64) -> Vec<f64> {
        let rates = Rates::of(limits);
        let (mut meters, mut now) = (Meters::default(), 1e12);
        let mut times = Vec::new();
        while times.len() < n {
            match meters.charge(&rates, now, tokens) {
                Ok(()) => times.push(now - 1e12),
                Err(wait) => now += wait.as_secs_f64() * 1_000.0 + 1e-3,
            }
        }
        times
    }

    #[test]
    fn a_limit_by_the_minute_is_used_and_kept() {
        let times = times(Limits { rpm: Some(600), ..Limits::default() }, 1_300, 0);
        let within =
            |from: f64, to: f64| times.iter().filter(|at| (from..to).contains(*at)).count();
        assert!(within(0.0, 60_000.0) <= 610, "{}", within(0.0, 60_000.0));
        assert!((598..=601).contains(&within(60_000.0, 120_000.0)));
        for second in 0..100 {
            assert!(within(f64::from(second) * 1e3, f64::from(second + 1) * 1e3) <= 20);
        }
    }

    #[test]
    fn a_slow_limit_has_no_burst() {
        let times = times(Limits { rpm: Some(6), ..Limits::default() }, 3, 0);
        assert!(times[1] >= 10_000.0 && times[2] >= 20_000.0, "{times:?}");
    }

    #[test]
    fn tokens_are_lent_and_waited_for() {
        let limits = Limits { tpm: Some(6_000), ..Limits::default() };
        // 100 a second: a call of 1,000 takes ten seconds of what follows.
        let times = times(limits, 3, 1_000);
        assert!((times[0], (times[1] / 1e3).round(), (times[2] / 1e3).round()) == (0.0, 9.0, 19.0));
        let rates = Rates::of(limits);
        let mut meters = Meters::default();
        meters.charge(&rates, 1e12, 1_000).expect("the first");
        meters.correct(&rates, -900.0);
        assert_eq!(meters.charge(&rates, 1e12, 1), Ok(()), "it had used a tenth");
    }

    #[test]
    fn nonsense_of_another_program_is_not_believed() {
        let rates = Rates::of(Limits { rpm: Some(60), ..Limits::default() });
        for text in [r#"{"requests":1e300,"paused":1e300}"#, r#"{"requests":-1e300}"#, "{}"] {
            let mut meters: Meters = serde_json::from_str(text).expect(text);
            assert_eq!(meters.charge(&rates, 1e12, 0), Ok(()), "{text}");
            assert!(meters.charge(&rates, 1e12, 0).is_err());
        }
    }
}
