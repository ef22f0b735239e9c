//! Leaves an account alone that only fails.
//!
//! After ten failures in a row, or when half of the last fifty requests failed, nothing is sent for
//! a while; then one request tries, and the others follow when it comes through. Each further
//! failure makes the while longer. Nobody's call fails by this: it waits.
//!
//! An address from which no reply has ever come is not waited for: more likely than an outage is
//! that it is wrong, or that the server was not started, and its user wants to know.

use std::time::{Duration, Instant};

const IN_A_ROW: u32 = 10;

/// Bits of the recent requests; 1 failed.
const RECENT: u32 = 50;

/// The longest pause, in lengths of the first one.
const LONGEST: u32 = 10;

/// What a request may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    /// Go.
    Go,
    /// Go; everyone else waits for what comes of it.
    Probe,
    /// Wait till then.
    Until(Instant),
    /// Wait for the probe's end.
    Probing,
}

/// What a request's end changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// The account is left alone for so long, for the first time.
    Opened(Duration),
    /// The account is back, having been out for so long.
    Closed(Duration),
}

#[derive(Debug)]
struct Open {
    /// The first failure of those that opened it.
    since: Instant,
    until: Instant,
    pauses: u32,
    probing: bool,
}

/// The breaker of one account.
#[derive(Debug)]
pub(super) struct Breaker {
    pause: Duration,
    /// Whether any reply ever came.
    heard: bool,
    in_a_row: u32,
    /// The first failure since the last success.
    first: Option<Instant>,
    recent: u64,
    requests: u32,
    open: Option<Open>,
}

impl Breaker {
    /// A breaker whose first pause is `pause`; zero never opens.
    pub(super) fn new(pause: Duration) -> Self {
        Self { pause, heard: false, in_a_row: 0, first: None, recent: 0, requests: 0, open: None }
    }

    /// What a request may do.
    pub(super) fn permission(&self, now: Instant) -> Permission {
        match &self.open {
            None => Permission::Go,
            Some(open) if open.probing => Permission::Probing,
            Some(open) if now < open.until => Permission::Until(open.until),
            Some(_) => Permission::Probe,
        }
    }

    /// The probe is on its way.
    pub(super) fn probe(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing = true;
        }
    }

    /// If it was the `probe`, it was given up before it came to anything; the next one may go.
    pub(super) fn abandon_if(&mut self, probe: bool) {
        if let Some(open) = self.open.as_mut().filter(|_| probe) {
            open.probing = false;
        }
    }

    /// Since when nothing has come through, while the account is left alone.
    pub(super) fn out_since(&self) -> Option<Instant> {
        self.open.as_ref().map(|open| open.since)
    }

    /// The provider replied with anything that shows it to be there.
    pub(super) fn replied(&mut self, now: Instant, probe: bool) -> Change {
        self.heard = true;
        self.in_a_row = 0;
        self.first = None;
        self.note(false);
        match self.open.take() {
            Some(open) if probe => {
                (self.recent, self.requests) = (0, 0);
                Change::Closed(now.saturating_duration_since(open.since))
            }
            open => {
                self.open = open;
                Change::None
            }
        }
    }

    /// A request failed in a way that may pass; `heard` if there was a reply at all.
    pub(super) fn failed(&mut self, now: Instant, probe: bool, heard: bool) -> Change {
        self.heard |= heard;
        if let Some(open) = &mut self.open {
            // What was under way when it opened says nothing new.
            if probe {
                open.probing = false;
                open.pauses = (open.pauses + 1).min(LONGEST);
                open.until = now + self.pause * open.pauses;
            }
            return Change::None;
        }
        self.in_a_row += 1;
        let first = *self.first.get_or_insert(now);
        self.note(true);
        let half = self.requests >= RECENT && self.recent.count_ones() * 2 >= RECENT;
        if self.pause.is_zero() || !self.heard || !(self.in_a_row >= IN_A_ROW || half) {
            return Change::None;
        }
        let until = now + self.pause;
        self.open = Some(Open { since: first, until, pauses: 1, probing: false });
        Change::Opened(self.pause)
    }

    fn note(&mut self, failed: bool) {
        self.recent = (self.recent << 1 | u64::from(failed)) & ((1 << RECENT) - 1);
        self.requests = (self.requests + 1).min(RECENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock;

    const PAUSE: Duration = Duration::from_secs(30);

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(PAUSE);
        for _ in 1..IN_A_ROW {
            assert_eq!(breaker.failed(now, false, true), Change::None);
        }
        assert_eq!(breaker.failed(now, false, true), Change::Opened(PAUSE));
        breaker
    }

    #[test]
    fn row_09_ten_failures_open_it_and_one_probe_at_a_time_goes_through() {
        let now = clock::instant();
        let mut breaker = opened(now);
        assert_eq!(breaker.permission(now), Permission::Until(now + PAUSE));
        // Pauses of 30, 60, … 300, 300 s.
        let mut at = now;
        for pauses in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10] {
            at += PAUSE * pauses;
            assert_eq!(breaker.permission(at), Permission::Probe);
            breaker.probe();
            assert_eq!(breaker.permission(at), Permission::Probing);
            assert_eq!(breaker.failed(at, false, true), Change::None, "one from before");
            assert_eq!(breaker.permission(at), Permission::Probing);
            assert_eq!(breaker.failed(at, true, true), Change::None);
        }
        at += PAUSE * 10;
        breaker.probe();
        breaker.abandon_if(true);
        assert_eq!(breaker.permission(at), Permission::Probe);
        assert_eq!(breaker.replied(at, true), Change::Closed(at - now));
        assert_eq!(breaker.permission(at), Permission::Go);
    }

    #[test]
    fn half_of_the_last_fifty_open_it() {
        let now = clock::instant();
        let mut breaker = Breaker::new(PAUSE);
        let mut changes = Vec::new();
        for n in 0..50 {
            changes.push(match n % 2 {
                0 => breaker.replied(now, false),
                _ => breaker.failed(now, false, true),
            });
        }
        assert_eq!(changes.iter().position(|change| *change != Change::None), Some(49));
        // A third of failures, for ever, does not.
        let mut breaker = Breaker::new(PAUSE);
        for n in 0..3_000 {
            let change = match n % 3 {
                0 => breaker.failed(now, false, true),
                _ => breaker.replied(now, false),
            };
            assert_eq!(change, Change::None);
        }
    }

    #[test]
    fn an_address_that_never_replied_is_not_waited_for() {
        let now = clock::instant();
        let mut breaker = Breaker::new(PAUSE);
        assert!((0..100).all(|_| breaker.failed(now, false, false) == Change::None));
        assert_eq!(breaker.permission(now), Permission::Go);
        let mut off = Breaker::new(Duration::ZERO);
        assert!((0..100).all(|_| off.failed(now, false, true) == Change::None));
    }
}
