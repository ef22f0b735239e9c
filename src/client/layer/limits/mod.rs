//! What an account allows: pauses, outages, rates, requests in flight.
//!
//! An account is a credential at a host (`Target::account`). All models behind it share what it
//! allows and what is learned of it; no other account waits for it.

mod account;
mod adaptive;
mod breaker;
mod learn;
mod ledger;
mod meter;
mod pace;
mod tokens;

#[cfg(test)]
pub(in crate::client) mod tests;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;

pub(in crate::client) use self::account::Account;
use self::ledger::Ledger;
use super::slots::Slots;
use crate::{
    base::clock,
    client::{Notice, RetryPolicy, by_target::ByTarget, not_sent},
    domain::{
        contract::{Call, Generate, Reply},
        fault::{Fault, FaultKind},
        limits::Limits,
        target::{Endpoint, Target},
    },
};

/// The longest wait for an account that a call keeps although there is a fallback.
pub(in crate::client) const PATIENCE: Duration = Duration::from_secs(30);

/// The accounts of a run, as they turn up.
#[derive(Debug)]
pub(in crate::client) struct Accounts {
    /// `None`: nothing is retried, and no account learns anything.
    pub(in crate::client) policy: Option<RetryPolicy>,
    /// What the config says, by account.
    pub(in crate::client) limits: Vec<(String, Limits)>,
    /// Whether the requests in flight are found out where nothing is said.
    pub(in crate::client) adaptive: bool,
    /// Where processes meet.
    pub(in crate::client) directory: Option<PathBuf>,
    /// Who hears of pauses and outages.
    pub(in crate::client) notice: Option<Notice>,
    /// Those that turned up, by name.
    pub(in crate::client) known: Mutex<HashMap<String, Arc<Account>>>,
    /// The same by target, whose account has a name that is dear to make.
    pub(in crate::client) seen: ByTarget<Account>,
}

impl Accounts {
    /// The account that calls to `target` count against; `None` for models that are nobody's.
    pub(in crate::client) fn of(&self, target: &Arc<Target>) -> Option<Arc<Account>> {
        let policy = self.policy?;
        if !matches!(target.endpoint, Endpoint::Http(_)) {
            return None;
        }
        Some(self.seen.of(target, || self.named(target.account(), policy)))
    }

    fn named(&self, name: String, policy: RetryPolicy) -> Arc<Account> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let account = known.entry(name).or_insert_with_key(|name| {
            let limits = self.limits.iter().find(|(account, _)| account == name);
            let limits = limits.map(|(_, limits)| *limits).unwrap_or_default();
            let ledger = Ledger::new(name, limits, self.directory.as_deref());
            let counted = (ledger, limits.concurrency);
            Arc::new(Account::new(name, policy, self.adaptive, counted, self.notice.clone()))
        });
        Arc::clone(account)
    }
}

/// Lets attempts through as their account and the run's concurrency allow. Once the run stops,
/// nothing that still waits is sent.
#[derive(Debug)]
pub(in crate::client) struct Limited<S> {
    inner: S,
    accounts: Arc<Accounts>,
    slots: Arc<Slots>,
}

impl<S> Limited<S> {
    /// The limits of `accounts` and `slots` around `inner`.
    pub(in crate::client) fn new(inner: S, accounts: Arc<Accounts>, slots: Arc<Slots>) -> Self {
        Self { inner, accounts, slots }
    }
}

impl<S: Generate> Generate for Limited<S> {
    fn generate<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            let asked = clock::instant();
            let stopped = || not_sent(call, Fault::new(FaultKind::Stopped, "the run was stopped"));
            let Some(account) = self.accounts.of(&call.target) else {
                let slot = self.slots.unless_stopped(self.slots.take()).await.flatten();
                let Some(_slot) = slot else { return stopped() };
                let queued_us = asked.elapsed().as_micros() as u64;
                return queued(self.inner.generate(call).await, queued_us);
            };
            let pass = match self.slots.unless_stopped(account.admit(call, &self.slots)).await {
                None => return stopped(),
                Some(Err(fault)) => return not_sent(call, fault),
                Some(Ok(pass)) => pass,
            };
            let queued_us = asked.elapsed().as_micros() as u64;
            let reply = self.inner.generate(call).await;
            pass.settle(call, &reply);
            // What is made of a reply is nobody's wait: the request that gets this place is sent
            // before it, and replies that came in the same moment are read.
            tokio::task::yield_now().await;
            queued(reply, queued_us)
        })
    }
}

/// `reply` with the time that its first attempt waited.
fn queued(mut reply: Reply, queued_us: u64) -> Reply {
    if let Some(first) = reply.attempts.first_mut() {
        first.queued_us += queued_us;
    }
    reply
}
