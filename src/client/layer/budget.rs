//! The limit on cost and tokens: set aside before a call, settled after it.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, watch};

use super::slots::stopped;
use crate::{
    base::money::Money,
    client::{Tokens, not_sent},
    domain::{
        budget::{Budget, Spent},
        contract::{Call, Generate, Reply},
        fault::{Fault, FaultKind},
        target::Target,
        trial::Attempt,
    },
};

/// Lets a call through only when what it can use at most is left.
///
/// While calls in flight may give back enough of what was set aside for them, a call waits; when
/// even that would not do, it ends with [`FaultKind::Budget`].
#[derive(Debug)]
pub(in crate::client) struct Purse<S> {
    inner: S,
    till: Arc<Till>,
}

/// What is left of the budget, for all that spend of it.
#[derive(Debug)]
pub(in crate::client) struct Till {
    budget: Budget,
    books: Mutex<Books>,
    settled: Notify,
    stop: Option<watch::Receiver<bool>>,
}

#[derive(Debug, Default)]
struct Books {
    spent: Spent,
    set_aside: Spent,
}

/// What is set aside for one call. Gives it back when dropped.
struct Reserved<'a> {
    till: &'a Till,
    need: Spent,
}

impl<S> Purse<S> {
    /// The budget of `till` around `inner`.
    pub(in crate::client) fn new(inner: S, till: Arc<Till>) -> Self {
        Self { inner, till }
    }
}

impl Till {
    /// `budget`, of which `spent` is gone already.
    pub(in crate::client) fn new(
        budget: Budget,
        spent: Spent,
        stop: Option<watch::Receiver<bool>>,
    ) -> Self {
        let books = Mutex::new(Books { spent, set_aside: Spent::default() });
        Self { budget, books, settled: Notify::new(), stop }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Books) -> T) -> T {
        change(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets `need` aside, waiting for calls in flight to settle.
    async fn reserve(&self, need: Spent) -> Result<Reserved<'_>, Fault> {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            // Before the books are looked at, so that no settlement in between is missed.
            settled.as_mut().enable();
            if self.with(|books| books.take(need, &self.budget))? {
                return Ok(Reserved { till: self, need });
            }
            tokio::select! {
                biased;
                () = stopped(self.stop.clone()) => {
                    return Err(Fault::new(FaultKind::Stopped, "the run was stopped"));
                }
                () = settled => {}
            }
        }
    }
}

impl Books {
    /// Sets `need` aside. `false`: not now.
    fn take(&mut self, need: Spent, budget: &Budget) -> Result<bool, Fault> {
        let cost = self.spent.cost + need.cost;
        let tokens = self.spent.tokens.saturating_add(need.tokens);
        // What costs nothing cannot go over a budget that is used up.
        let over_usd = |cost: Money| {
            let limit = budget.usd.filter(|_| need.cost > Money::ZERO);
            limit.filter(|limit| cost > *limit)
        };
        let over_tokens = |tokens: u64| budget.tokens.filter(|limit| tokens > *limit);
        if let Some(limit) = over_usd(cost) {
            let message = format!(
                "the next call can cost {}, and {} of {limit} are spent; `max_tokens` bounds answers",
                need.cost, self.spent.cost
            );
            return Err(Fault::new(FaultKind::Budget, message));
        }
        if let Some(limit) = over_tokens(tokens) {
            let message = format!(
                "the next call can use {} tokens, and {} of {limit} are used; `max_tokens` bounds \
                 answers",
                need.tokens, self.spent.tokens
            );
            return Err(Fault::new(FaultKind::Budget, message));
        }
        if over_usd(cost + self.set_aside.cost).is_some()
            || over_tokens(tokens.saturating_add(self.set_aside.tokens)).is_some()
        {
            return Ok(false);
        }
        self.set_aside = self.set_aside.plus(need);
        Ok(true)
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.till.with(|books| books.set_aside = books.set_aside.minus(self.need));
        self.till.settled.notify_waiters();
    }
}

impl<S: Generate> Generate for Purse<S> {
    fn generate<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            let till = &self.till;
            if till.budget.usd.is_none() && till.budget.tokens.is_none() {
                return self.inner.generate(call).await;
            }
            let need = need(call);
            let reserved = match till.reserve(need).await {
                Ok(reserved) => reserved,
                Err(fault) => return not_sent(call, fault),
            };
            let reply = self.inner.generate(call).await;
            let used = reply.attempts.iter().map(|attempt| used(attempt, need));
            let used = used.fold(Spent::default(), Spent::plus);
            till.with(|books| books.spent = books.spent.plus(used));
            drop(reserved);
            reply
        })
    }
}

/// What a call can use at most, whichever of its models answers.
fn need(call: &Call) -> Spent {
    let of = |target: &Target| {
        let tokens = Tokens::bound(target, &call.messages);
        Spent { cost: tokens.cost(target).unwrap_or_default(), tokens: tokens.total() }
    };
    call.target.with_stand_ins().map(of).fold(Spent::default(), |most, next| Spent {
        cost: most.cost.max(next.cost),
        tokens: most.tokens.max(next.tokens),
    })
}

/// What an attempt used; what it may have used and nobody says counts at its most.
fn used(attempt: &Attempt, most: Spent) -> Spent {
    let unknown = if attempt.may_be_billed() { most } else { Spent::default() };
    Spent {
        cost: attempt.cost.unwrap_or(unknown.cost),
        tokens: attempt
            .usage
            .map_or(unknown.tokens, |usage| usage.input.saturating_add(usage.output)),
    }
}
