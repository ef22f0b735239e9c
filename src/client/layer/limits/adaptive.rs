//! How many requests of an account are in flight, found out by its rate limits.
//!
//! Additive increase, multiplicative decrease. A round is as many answers as the limit is; a round
//! without trouble raises it, if it was used. It doubles until the first rate limit and grows by a
//! twentieth from then on. A rate limit cuts it by a fifth, once for all the replies that belong to
//! the same episode. Other failures stop growth and cut nothing: fewer requests would not help.

use std::time::{Duration, Instant};

const START: u32 = 20;
const LEAST: u32 = 1;
const MOST: u32 = 100;

/// Rate limits within this time of a cut are part of the same episode.
const EPISODE: Duration = Duration::from_secs(15);

/// The controller of one account.
#[derive(Debug)]
pub(super) struct Adaptive {
    limit: u32,
    doubling: bool,
    /// Answers of the round so far.
    clean: u32,
    /// Most requests that were in flight during the round.
    peak: u32,
    cut: Option<Instant>,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self { limit: START, doubling: true, clean: 0, peak: 0, cut: None }
    }
}

impl Adaptive {
    /// Requests that may be in flight.
    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// A request was sent; so many are in flight now.
    pub(super) fn sent(&mut self, in_flight: u32) {
        self.peak = self.peak.max(in_flight);
    }

    /// An answer came.
    pub(super) fn answered(&mut self) {
        self.clean += 1;
        if self.clean < self.limit {
            return;
        }
        // A limit that nobody ran into has not been tried.
        if self.peak * 5 >= self.limit * 4 {
            let more = if self.doubling { self.limit } else { (self.limit / 20).max(1) };
            self.limit = (self.limit + more).min(MOST);
        }
        self.new_round();
    }

    /// The provider said that it was too much.
    pub(super) fn limited(&mut self, now: Instant) {
        self.doubling = false;
        self.new_round();
        if self.cut.is_none_or(|cut| now.saturating_duration_since(cut) >= EPISODE) {
            self.limit = (self.limit * 4 / 5).max(LEAST);
            self.cut = Some(now);
        }
    }

    /// Something else went wrong.
    pub(super) fn failed(&mut self) {
        self.new_round();
    }

    fn new_round(&mut self) {
        self.clean = 0;
        self.peak = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock;

    /// A round of answers, at a load of `in_flight`.
    fn round(adaptive: &mut Adaptive, in_flight: u32) -> u32 {
        for _ in 0..adaptive.limit() {
            adaptive.sent(in_flight);
            adaptive.answered();
        }
        adaptive.limit()
    }

    #[test]
    fn it_doubles_until_the_first_rate_limit_and_creeps_afterwards() {
        let mut adaptive = Adaptive::default();
        assert_eq!(round(&mut adaptive, 20), 40);
        let now = clock::instant();
        adaptive.limited(now);
        assert_eq!(adaptive.limit(), 32);
        assert_eq!(round(&mut adaptive, 32), 33);
        let mut fast = Adaptive::default();
        assert_eq!([(); 4].map(|()| round(&mut fast, 100)), [40, 80, 100, 100]);
        fast.limited(now);
        assert_eq!([fast.limit(), round(&mut fast, 80)], [80, 84]);
    }

    #[test]
    fn row_01_an_episode_cuts_once() {
        let mut adaptive = Adaptive::default();
        let now = clock::instant();
        for ms in [0, 10, 14_999] {
            adaptive.limited(now + Duration::from_millis(ms));
        }
        assert_eq!(adaptive.limit(), 16);
        adaptive.limited(now + EPISODE);
        assert_eq!(adaptive.limit(), 12);
        for n in 2..40 {
            adaptive.limited(now + EPISODE * n);
        }
        assert_eq!(adaptive.limit(), LEAST);
        assert_eq!(round(&mut adaptive, 1), 2, "and it comes back");
    }

    #[test]
    fn row_07_failures_stop_growth_and_cut_nothing() {
        let mut adaptive = Adaptive::default();
        for _ in 0..10 {
            for _ in 0..19 {
                adaptive.sent(20);
                adaptive.answered();
            }
            adaptive.failed();
        }
        assert_eq!(adaptive.limit(), 20);
    }

    #[test]
    fn a_limit_that_is_not_used_does_not_grow() {
        let mut adaptive = Adaptive::default();
        assert_eq!(round(&mut adaptive, 15), 20);
        assert_eq!(round(&mut adaptive, 16), 40);
    }
}
