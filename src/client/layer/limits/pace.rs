//! How many requests a second an account takes, found out by its rate limits.
//!
//! Requests in flight say little about a limit by the minute: of a model that answers at once, even
//! one at a time may be too many. So when rate limits come again and again, requests are paced at the
//! rate that was answered last. The pace grows little by little, and faster once the limits are long
//! past.

use std::time::{Duration, Instant};

/// Rate limits within this time of one another belong together.
const EPISODE: Duration = Duration::from_secs(5);

/// A single rate limit may be the provider's trouble; another one within this time is ours.
const AGAIN: Duration = Duration::from_mins(1);

/// Seconds over which answers are counted.
const WINDOW: u64 = 10;

/// The pace grows in steps of this time,
const STEP: Duration = Duration::from_secs(5);

/// carefully for so many,
const CAREFUL: u32 = 6;

/// by this factor,
const CREEP: f64 = 1.01;

/// and then by this one.
const STRIDE: f64 = 1.1;

/// What a rate limit leaves of it.
const CUT: f64 = 0.95;

/// Requests a second at least.
const LEAST: f64 = 0.1;

/// Requests a second from which on there is no pace.
const MOST: f64 = 1_000.0;

/// The pace of one account.
#[derive(Debug)]
pub(super) struct Pace {
    begun: Instant,
    /// Answers in each of the last seconds, by the second modulo their number.
    answers: [u32; WINDOW as usize],
    /// The latest of these seconds.
    second: u64,
    per_second: Option<f64>,
    limited: Option<Instant>,
    /// When the pace was last changed, and how often it has grown since it was cut.
    changed: Instant,
    steps: u32,
    /// When the next request may go.
    next: Instant,
}

impl Pace {
    /// No pace yet.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            begun: now,
            answers: [0; WINDOW as usize],
            second: 0,
            per_second: None,
            limited: None,
            changed: now,
            steps: 0,
            next: now,
        }
    }

    /// When the next request may go, if not now.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        self.per_second.and(Some(self.next)).filter(|next| *next > now)
    }

    /// A request goes.
    pub(super) fn sent(&mut self, now: Instant) {
        self.grow(now);
        if let Some(per_second) = self.per_second {
            self.next = self.next.max(now) + Duration::from_secs_f64(1.0 / per_second);
        }
    }

    /// An answer came.
    pub(super) fn answered(&mut self, now: Instant) {
        self.turn(now);
        self.answers[(self.second % WINDOW) as usize] += 1;
    }

    /// The provider said that it was too much.
    pub(super) fn limited(&mut self, now: Instant) {
        self.turn(now);
        let since = self.limited.map(|limited| now.saturating_duration_since(limited));
        if since.is_some_and(|since| since < EPISODE) {
            return;
        }
        self.limited = Some(now);
        let again = since.is_some_and(|since| since < AGAIN);
        if self.per_second.is_none() && !again {
            return;
        }
        let lived = now.saturating_duration_since(self.begun).as_secs_f64();
        let answered = f64::from(self.answers.iter().sum::<u32>());
        let measured = answered / lived.clamp(1.0, WINDOW as f64);
        let pace = match self.per_second {
            Some(pace) => measured.clamp(pace / 2.0, pace * CUT),
            None => measured,
        };
        self.per_second = Some(pace.max(LEAST));
        self.changed = now;
        self.steps = 0;
    }

    /// Grows the pace for the time that has passed.
    fn grow(&mut self, now: Instant) {
        while let Some(pace) = self.per_second
            && now.saturating_duration_since(self.changed) >= STEP
        {
            self.changed += STEP;
            self.steps += 1;
            let faster = pace * if self.steps <= CAREFUL { CREEP } else { STRIDE };
            self.per_second = Some(faster).filter(|pace| *pace < MOST);
        }
    }

    /// Forgets the seconds that are over.
    fn turn(&mut self, now: Instant) {
        let second = now.saturating_duration_since(self.begun).as_secs();
        for over in (self.second + 1..=second).take(WINDOW as usize) {
            self.answers[(over % WINDOW) as usize] = 0;
        }
        if second >= self.second + WINDOW {
            self.answers = [0; WINDOW as usize];
        }
        self.second = second;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::{super::adaptive::Adaptive, *};
    use crate::base::clock;

    const TICK: Duration = Duration::from_millis(10);
    const LATENCY: Duration = Duration::from_millis(50);

    /// A provider that takes `rate` requests a second and saves up a second's worth, and a client
    /// that always has something to send.
    struct World {
        now: Instant,
        rate: f64,
        saved: f64,
        pace: Pace,
        adaptive: Adaptive,
        in_flight: VecDeque<(Instant, bool)>,
    }

    impl World {
        fn new(rate: f64) -> Self {
            let now = clock::instant();
            let (pace, adaptive) = (Pace::new(now), Adaptive::default());
            Self { now, rate, saved: rate, pace, adaptive, in_flight: VecDeque::new() }
        }

        /// Answers and refusals in so many seconds.
        fn run(&mut self, seconds: u32) -> (u32, u32) {
            let (mut answers, mut refusals) = (0, 0);
            for _ in 0..seconds * 100 {
                self.now += TICK;
                self.saved = (self.saved + self.rate * TICK.as_secs_f64()).min(self.rate);
                while self.in_flight.front().is_some_and(|(end, _)| *end <= self.now) {
                    let Some((_, taken)) = self.in_flight.pop_front() else { break };
                    if taken {
                        answers += 1;
                        self.adaptive.answered();
                        self.pace.answered(self.now);
                    } else {
                        refusals += 1;
                        self.adaptive.limited(self.now);
                        self.pace.limited(self.now);
                    }
                }
                while (self.in_flight.len() as u32) < self.adaptive.limit()
                    && self.pace.wait(self.now).is_none()
                {
                    let taken = self.saved >= 1.0;
                    self.saved -= f64::from(u8::from(taken));
                    self.in_flight.push_back((self.now + LATENCY, taken));
                    self.adaptive.sent(self.in_flight.len() as u32);
                    self.pace.sent(self.now);
                }
            }
            (answers, refusals)
        }
    }

    #[track_caller]
    fn well_used(world: &mut World, seconds: u32) {
        let (answers, refusals) = world.run(seconds);
        let most = world.rate * f64::from(seconds);
        assert!(f64::from(answers) >= 0.9 * most, "{answers} of {most}");
        let requests = f64::from(answers + refusals);
        assert!(f64::from(refusals) <= 0.02 * requests, "{refusals} refused of {requests}");
    }

    #[test]
    fn a_limit_that_nobody_names_is_found_and_used() {
        let mut world = World::new(10.0);
        world.run(60);
        well_used(&mut world, 300);
        world.rate = 5.0;
        world.run(60);
        well_used(&mut world, 300);
    }

    #[test]
    fn a_single_rate_limit_sets_no_pace() {
        let now = clock::instant();
        let mut pace = Pace::new(now);
        pace.limited(now);
        pace.limited(now + EPISODE / 2);
        pace.limited(now + AGAIN * 2);
        pace.sent(now);
        assert_eq!(pace.wait(now), None);
    }

    #[test]
    fn a_pace_that_meets_no_limit_goes_away() {
        let now = clock::instant();
        let mut pace = Pace::new(now);
        for n in 0..3 {
            pace.answered(now);
            pace.limited(now + EPISODE * n);
        }
        assert!(pace.per_second.is_some());
        pace.sent(now + Duration::from_mins(30));
        assert_eq!(pace.per_second, None);
    }
}
