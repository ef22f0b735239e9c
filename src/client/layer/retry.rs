//! The one loop that makes a failed request again.
//!
//! Providers' own words were turned into a kind of fault long before; that kind alone decides. What
//! is wrong with the request, the credential or the account stays wrong, so it is never repeated.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use super::{
    limits::{Accounts, PATIENCE},
    slots::Slots,
};
use crate::{
    base::clock,
    client::RetryPolicy,
    domain::{
        contract::{Call, Generate, Reply},
        fault::{Fault, FaultKind},
        target::{Credential, Endpoint, Target},
    },
};

/// Further requests after a reply that makes no sense: a proxy's page is often gone the next time.
const PROTOCOL: u32 = 1;

/// Repeats calls that failed for a reason that may pass.
#[derive(Debug)]
pub(in crate::client) struct Retry<S> {
    inner: S,
    accounts: Arc<Accounts>,
    slots: Arc<Slots>,
}

impl<S> Retry<S> {
    /// Retries around `inner`, as the policy of `accounts` says.
    pub(in crate::client) fn new(inner: S, accounts: Arc<Accounts>, slots: Arc<Slots>) -> Self {
        Self { inner, accounts, slots }
    }
}

impl<S: Generate> Generate for Retry<S> {
    fn generate<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            // Simulated and recorded models would only fail the same way again.
            let Some(account) = self.accounts.of(&call.target) else {
                return self.inner.generate(call).await;
            };
            let mut tries = Tries::new(*account.policy(), call);
            let mut attempts = Vec::new();
            let mut share = None;
            let mut waited = Duration::ZERO;
            loop {
                let mut reply = self.inner.generate(call).await;
                drop(share.take());
                if let Some(first) = reply.attempts.first_mut() {
                    first.backoff_us += waited.as_micros() as u64;
                }
                attempts.append(&mut reply.attempts);
                let wait = match &reply.result {
                    Ok(_) => None,
                    Err(fault) => tries.wait(fault, attempts.len(), account.is_out()),
                };
                // Where another model may answer, nobody waits long for this one.
                let patient = call.target.fallback.is_empty();
                let wait = wait.filter(|wait| patient || wait.time <= PATIENCE);
                let Some(wait) = wait else { return Reply { attempts, ..reply } };
                let failed = clock::instant();
                let ready = self.slots.unless_stopped(async {
                    tokio::time::sleep(wait.time).await;
                    if wait.in_turn { Some(account.retry_share().await) } else { None }
                });
                match ready.await {
                    Some(ready) => share = ready,
                    None => {
                        let fault = Fault::new(FaultKind::Stopped, "the run was stopped");
                        return Reply { result: Err(fault), attempts, ..reply };
                    }
                }
                waited = failed.elapsed();
            }
        })
    }
}

/// What comes before the next request.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Wait {
    time: Duration,
    /// Whether it is one of the retries of which an account has few at a time.
    in_turn: bool,
}

/// Requests that one attempt at `target` may take.
pub(super) fn requests_of_one(target: &Target) -> usize {
    // These prove themselves by what may have expired; the sender then asks once more by itself.
    let renews = match &target.endpoint {
        Endpoint::Http(endpoint) => {
            matches!(&endpoint.credential, Credential::Aws { .. } | Credential::ServiceAccount(_))
        }
        Endpoint::Sim(_) | Endpoint::Replay(_) => false,
    };
    if renews { 2 } else { 1 }
}

/// What a call may still try.
#[derive(Debug)]
struct Tries {
    policy: RetryPolicy,
    /// Requests that one attempt may take.
    each: usize,
    /// Requests that all may take.
    most: usize,
    rate_limited: u32,
    transient: u32,
    protocol: u32,
}

impl Tries {
    fn new(policy: RetryPolicy, call: &Call) -> Self {
        let (each, most) = (requests_of_one(&call.target), call.requests);
        Self { policy, each, most, rate_limited: 0, transient: 0, protocol: 0 }
    }

    /// How long to wait after `fault`, the end of `made` requests; `None`: it is final.
    ///
    /// While the whole account is `out`, its failures say nothing about this call and count for
    /// nothing.
    fn wait(&mut self, fault: &Fault, made: usize, out: bool) -> Option<Wait> {
        if made == 0 || made + self.each > self.most {
            return None;
        }
        let (tried, most) = match fault.kind {
            FaultKind::RateLimited => (&mut self.rate_limited, self.policy.rate_limited),
            FaultKind::Transient | FaultKind::Timeout | FaultKind::Truncated => {
                (&mut self.transient, self.policy.transient)
            }
            FaultKind::Protocol => (&mut self.protocol, PROTOCOL.min(self.policy.transient)),
            _ => return None,
        };
        let in_turn = fault.kind != FaultKind::RateLimited;
        let before = *tried;
        if !(in_turn && out) {
            if before >= most {
                return None;
            }
            *tried += 1;
        }
        let time = fault.retry_after.unwrap_or_else(|| {
            let longest = self.policy.base.saturating_mul(1 << before.min(16));
            longest.min(self.policy.cap).mul_f64(rand::random())
        });
        Some(Wait { time, in_turn })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries() -> Tries {
        with(RetryPolicy::default())
    }

    fn with(policy: RetryPolicy) -> Tries {
        let most = Call::MOST_REQUESTS;
        Tries { policy, each: 1, most, rate_limited: 0, transient: 0, protocol: 0 }
    }

    /// Requests made when each one ends in `kind`.
    fn requests(kind: FaultKind, mut tries: Tries) -> usize {
        let fault = Fault::new(kind, "x");
        (1..100).find(|made| tries.wait(&fault, *made, false).is_none()).expect("an end")
    }

    #[test]
    fn each_class_has_its_number_of_requests() {
        use FaultKind as K;
        for (kind, expected) in [
            (K::RateLimited, 9),
            (K::Transient, 4),
            (K::Timeout, 4),
            (K::Truncated, 4),
            (K::Protocol, 2),
        ] {
            assert_eq!(requests(kind, tries()), expected, "{kind}");
        }
        let never = [
            K::Auth,
            K::BadRequest,
            K::ContextLength,
            K::ContentFilter,
            K::Quota,
            K::TooLarge,
            K::RedirectRefused,
            K::Tls,
            K::Dns,
            K::Prompt,
            K::Outage,
            K::Stopped,
            K::Budget,
        ];
        for kind in never {
            assert_eq!(requests(kind, tries()), 1, "{kind}");
        }
    }

    #[test]
    fn row_04_nine_requests_are_the_most_of_any_mixture_and_renewals_count() {
        let policy = RetryPolicy { rate_limited: 100, transient: 100, ..RetryPolicy::default() };
        let tries = || with(policy);
        assert_eq!(requests(FaultKind::RateLimited, tries()), 9);
        assert_eq!(requests(FaultKind::Transient, tries()), 9);
        // One request short, since the last attempt may need a new token.
        let renewing = Tries { each: 2, ..tries() };
        assert_eq!(requests(FaultKind::RateLimited, renewing), 8);
    }

    #[test]
    fn back_off_is_drawn_up_to_a_bound_that_doubles_to_the_cap() {
        let policy = RetryPolicy { rate_limited: 100, ..RetryPolicy::default() };
        let fault = Fault::new(FaultKind::RateLimited, "x");
        let mut tries = with(policy);
        for doubled in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0] {
            let wait = tries.wait(&fault, 1, false).expect("a wait").time;
            assert!(wait <= Duration::from_secs_f64(doubled), "{wait:?} of {doubled} s");
        }
        let told = Fault { retry_after: Some(Duration::from_millis(2_345)), ..fault };
        assert_eq!(tries.wait(&told, 1, false).map(|w| w.time), told.retry_after, "exactly");
    }

    #[test]
    fn an_account_that_is_out_costs_no_tries() {
        let fault = Fault::new(FaultKind::Transient, "x");
        let mut tries = tries();
        assert!((0..50).all(|_| tries.wait(&fault, 1, true).is_some()));
        assert_eq!(requests(FaultKind::Transient, tries), 4, "all are left");
    }
}
