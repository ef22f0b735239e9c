//! What is known of one account, and who may send to it.
//!
//! Calls stand in line. Only the first of them looks whether it may go, so that nobody overtakes and
//! a thousand that wait cost nothing.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, SemaphorePermit};

use super::{
    PATIENCE,
    adaptive::Adaptive,
    breaker::{Breaker, Permission},
    ledger::{Ledger, Place},
    pace::Pace,
    tokens::Tokens,
};
use crate::{
    base::{clock, text},
    client::{Notice, RetryPolicy, layer::slots::Slots},
    domain::{
        contract::{Call, Reply},
        fault::{Fault, FaultKind},
    },
};

/// A wait that is longer is announced.
pub(super) const ANNOUNCED: Duration = Duration::from_mins(5);

/// Retries after failures that may pass: at least so many at a time, else a share of the requests.
const RETRIES: u32 = 3;
const RETRIES_ONE_IN: u32 = 5;

/// An account.
#[derive(Debug)]
pub(in crate::client) struct Account {
    /// What it is called towards people.
    shown: String,
    policy: RetryPolicy,
    /// Requests in flight that its limits allow.
    places: Option<u32>,
    pub(super) ledger: Ledger,
    notice: Option<Notice>,
    line: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// For the first in line.
    changed: Notify,
    /// For those that wait for a share of the retries.
    retried: Notify,
}

/// What is learned of it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) in_flight: u32,
    pub(super) retries: u32,
    pub(super) paused: Option<Instant>,
    /// The pause was announced.
    pub(super) parked: bool,
    /// Why nothing is to be sent any more.
    pub(super) dead: Option<Fault>,
    /// Models that do not exist, by their names.
    pub(super) missing: HashMap<String, Fault>,
    /// Models that answered.
    pub(super) answered: HashSet<String>,
    pub(super) breaker: Breaker,
    pub(super) adaptive: Option<Adaptive>,
    pub(super) pace: Option<Pace>,
    pub(super) tokens: Tokens,
}

/// What the first in line is told.
enum Verdict {
    Go { probe: bool },
    Refused(Fault),
    Until(Instant),
    WhenChanged,
}

/// Why a call with a fallback is not sent: others wait for the account, it need not.
fn elsewhere(what: &str) -> Fault {
    Fault::new(FaultKind::Outage, format!("the account {what}, and there is a fallback"))
}

impl Account {
    /// The account called `name`.
    pub(super) fn new(
        name: &str,
        policy: RetryPolicy,
        adaptive: bool,
        (ledger, places): (Ledger, Option<u32>),
        notice: Option<Notice>,
    ) -> Self {
        let paced = adaptive && ledger.is_free();
        let shown = name.rsplit_once(' ').map_or(name, |(shown, _)| shown);
        Self {
            shown: shown.replacen(' ', " at ", 1),
            policy,
            places,
            ledger,
            notice,
            line: tokio::sync::Mutex::default(),
            state: Mutex::new(State {
                in_flight: 0,
                retries: 0,
                paused: None,
                parked: false,
                dead: None,
                missing: HashMap::new(),
                answered: HashSet::new(),
                breaker: Breaker::new(policy.breaker),
                adaptive: (adaptive && places.is_none()).then(Adaptive::default),
                pace: paced.then(|| Pace::new(clock::instant())),
                tokens: Tokens::default(),
            }),
            changed: Notify::new(),
            retried: Notify::new(),
        }
    }

    /// When its failed requests are made again.
    pub(in crate::client) fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// Whether it is left alone because it only fails.
    pub(in crate::client) fn is_out(&self) -> bool {
        self.state().breaker.out_since().is_some()
    }

    /// Waits for a share of the retries, given back when dropped. Retries beyond a part of what is
    /// under way would only add to the load that a provider in trouble has.
    pub(in crate::client) async fn retry_share(&self) -> RetryShare<'_> {
        loop {
            let again = self.retried.notified();
            if self.try_retry_share() {
                return RetryShare(self);
            }
            again.await;
        }
    }

    fn try_retry_share(&self) -> bool {
        let mut state = self.state();
        let free = state.retries < RETRIES.max(state.in_flight / RETRIES_ONE_IN);
        state.retries += u32::from(free);
        free
    }

    /// Waits until `call` may be sent.
    ///
    /// # Errors
    ///
    /// The fault that every call to this account, or to this model, ends in.
    pub(super) async fn admit<'a>(
        &'a self,
        call: &Call,
        slots: &'a Slots,
    ) -> Result<Pass<'a>, Fault> {
        let _first_in_line = self.line.lock().await;
        let estimate = if self.ledger.counts_tokens() { self.state().tokens.of(call) } else { 0 };
        let mut charged = false;
        loop {
            match self.verdict(call, false) {
                Verdict::Go { .. } => {}
                Verdict::Refused(fault) => return Err(fault),
                Verdict::Until(at) => {
                    self.change(Some(at)).await;
                    continue;
                }
                Verdict::WhenChanged => {
                    self.change(None).await;
                    continue;
                }
            }
            if !charged {
                if let Err(wait) = self.charge(estimate) {
                    self.change(Some(clock::instant() + wait)).await;
                    continue;
                }
                charged = true;
            }
            let place = match self.ledger.place() {
                None => None,
                Some(Ok(place)) => Some(place),
                Some(Err(wait)) => {
                    self.change(Some(clock::instant() + wait)).await;
                    continue;
                }
            };
            let slot = slots.take().await;
            // Much may have happened while it waited.
            if let Verdict::Go { probe } = self.verdict(call, true) {
                return Ok(Pass { account: self, probe, estimate, _place: place, _slot: slot });
            }
        }
    }

    /// Whether `call` may be sent; if so and `enter`, it counts as sent.
    fn verdict(&self, call: &Call, enter: bool) -> Verdict {
        let mut guard = self.state();
        let state = &mut *guard;
        let now = clock::instant();
        let has_fallback = !call.target.fallback.is_empty();
        let dead = state.dead.as_ref().or_else(|| state.missing.get(&call.target.name));
        if let Some(fault) = dead {
            return Verdict::Refused(fault.clone());
        }
        if let Some(until) = state.paused {
            if now < until && has_fallback && until - now > PATIENCE {
                return Verdict::Refused(elsewhere("asks to be left alone for a while"));
            }
            if now < until {
                return Verdict::Until(until);
            }
            state.paused = None;
            if std::mem::take(&mut state.parked) {
                self.say("goes on");
            }
        }
        let mut probe = false;
        if let Some(since) = state.breaker.out_since() {
            let end = since + self.policy.max_outage;
            if now >= end {
                let fault = self.outage();
                state.dead = Some(fault.clone());
                self.say(&format!("{}; what is left of its trials fails", fault.message));
                return Verdict::Refused(fault);
            }
            match state.breaker.permission(now) {
                Permission::Go => {}
                Permission::Probe => probe = true,
                Permission::Until(_) | Permission::Probing if has_fallback => {
                    return Verdict::Refused(elsewhere("is out"));
                }
                Permission::Until(at) => return Verdict::Until(at.min(end)),
                Permission::Probing => return Verdict::Until(end),
            }
        }
        let adaptive = state.adaptive.as_ref().map(Adaptive::limit);
        let most = adaptive.into_iter().chain(self.places).min();
        if most.is_some_and(|most| state.in_flight >= most) {
            return Verdict::WhenChanged;
        }
        if let Some(at) = state.pace.as_ref().and_then(|pace| pace.wait(now)) {
            return Verdict::Until(at);
        }
        if enter {
            state.in_flight += 1;
            if probe {
                state.breaker.probe();
            }
            if let Some(adaptive) = &mut state.adaptive {
                adaptive.sent(state.in_flight);
            }
            if let Some(pace) = &mut state.pace {
                pace.sent(now);
            }
        }
        Verdict::Go { probe }
    }

    /// Charges a request to the account's meters, or says how long to wait.
    fn charge(&self, tokens: u64) -> Result<(), Duration> {
        match self.ledger.charge(tokens) {
            Ok(Err(wait)) if wait > ANNOUNCED => {
                let mut state = self.state();
                if !std::mem::replace(&mut state.parked, true) {
                    let wait = text_of(wait);
                    self.say(&format!("was told to wait {wait}; its trials wait until then"));
                }
                state.paused = Some(clock::instant() + wait);
                Err(Duration::ZERO)
            }
            Ok(charged) => charged,
            Err(error) => {
                self.say(&format!("limits are kept by this process alone: {error}"));
                Err(Duration::ZERO)
            }
        }
    }

    /// Waits until something changed, or till `at`.
    async fn change(&self, at: Option<Instant>) {
        match at {
            None => self.changed.notified().await,
            Some(at) => {
                tokio::time::timeout_at(at.into(), self.changed.notified()).await.ok();
            }
        }
    }

    fn outage(&self) -> Fault {
        let time = text_of(self.policy.max_outage);
        Fault::new(FaultKind::Outage, format!("out for longer than {time}"))
    }

    /// Tells people, with the account's name.
    pub(super) fn say(&self, what: &str) {
        if let Some(notice) = &self.notice {
            notice.say(&format!("{} {}", self.shown, text::one_line(what, 600)));
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A duration as people say it.
pub(super) fn text_of(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

/// The right to one attempt.
pub(super) struct Pass<'a> {
    account: &'a Account,
    probe: bool,
    estimate: u64,
    _place: Option<Place>,
    _slot: Option<SemaphorePermit<'a>>,
}

impl Pass<'_> {
    /// The attempt is over.
    pub(super) fn settle(mut self, call: &Call, reply: &Reply) {
        self.account.learn(call, reply, self.probe);
        self.probe = false;
        if self.account.ledger.counts_tokens() {
            let used = match &reply.result {
                Ok(generation) => generation.usage.map(|usage| usage.input + usage.output),
                // What was refused was not counted.
                Err(fault) if fault.kind == FaultKind::RateLimited => Some(0),
                Err(_) => None,
            };
            if let Some(used) = used {
                self.account.ledger.correct(used as f64 - self.estimate as f64);
            }
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.account.state();
        state.in_flight -= 1;
        state.breaker.abandon_if(self.probe);
        drop(state);
        self.account.changed.notify_one();
    }
}

/// A share of the account's retries.
pub(in crate::client) struct RetryShare<'a>(&'a Account);

impl Drop for RetryShare<'_> {
    fn drop(&mut self) {
        self.0.state().retries -= 1;
        self.0.retried.notify_waiters();
    }
}
