//! The next model, when one gives no answer; and the choice among models that share the calls.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::retry::requests_of_one;
use crate::{
    base::digest::sha256_u64,
    domain::{
        contract::{Call, Generate, Reply},
        fault::FaultKind,
        target::Target,
    },
};

/// Asks the models of a target in order until one answers.
#[derive(Debug)]
pub(in crate::client) struct Fallback<S> {
    inner: S,
}

impl<S> Fallback<S> {
    /// The order around `inner`.
    pub(in crate::client) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: Generate> Generate for Fallback<S> {
    fn generate<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Reply> {
        if call.target.fallback.is_empty() && call.target.pool.is_empty() {
            return self.inner.generate(call);
        }
        Box::pin(async move {
            let first = drawn(call).unwrap_or(&call.target);
            let requests = share(first, &call.target.fallback, call.requests);
            let first = Call { target: Arc::clone(first), requests, ..call.clone() };
            let mut reply = self.inner.generate(&first).await;
            for (next, further) in later(&call.target.fallback) {
                let moves_on = |reply: &Reply| {
                    reply.result.as_ref().is_err_and(|fault| another_may_answer(fault.kind))
                };
                if !moves_on(&reply) {
                    break;
                }
                let left = call.requests.saturating_sub(reply.attempts.len());
                if left < requests_of_one(next) {
                    break;
                }
                let requests = share(next, further, left);
                let call = Call { target: Arc::clone(next), requests, ..call.clone() };
                let later = self.inner.generate(&call).await;
                let mut attempts = reply.attempts;
                attempts.extend(later.attempts.iter().cloned());
                reply = Reply { attempts, ..later };
            }
            reply
        })
    }
}

/// Each model with those that are asked after it.
fn later(models: &[Arc<Target>]) -> impl Iterator<Item = (&Arc<Target>, &[Arc<Target>])> {
    models.iter().enumerate().map(|(at, model)| (model, &models[at + 1..]))
}

/// The requests that `target` may make when `left` are left: each of those after it keeps one.
fn share(target: &Target, after: &[Arc<Target>], left: usize) -> usize {
    let kept = after.iter().map(|target| requests_of_one(target)).sum();
    left.saturating_sub(kept).max(requests_of_one(target)).min(left)
}

/// The model of a pool that this call goes to: by weight, and the same one every time.
pub(super) fn drawn(call: &Call) -> Option<&Arc<Target>> {
    let pool = &call.target.pool;
    let total: u64 = pool.iter().map(|(weight, _)| u64::from(*weight)).sum();
    if total == 0 {
        return None;
    }
    let what = format!("{}\0{}\0{}\0{}", call.target.name, call.sample.id, call.prompt, call.epoch);
    let mut at = sha256_u64(what.as_bytes()) % total;
    let member = pool.iter().find(|(weight, _)| {
        let found = at < u64::from(*weight);
        at = at.saturating_sub(u64::from(*weight));
        found
    });
    member.map(|(_, target)| target)
}

/// Whether another model may answer what this one did not. What is wrong with the request, or was
/// refused for its content, is this model's answer; the rest is no answer at all.
const fn another_may_answer(kind: FaultKind) -> bool {
    match kind {
        FaultKind::RateLimited
        | FaultKind::Quota
        | FaultKind::Auth
        | FaultKind::Transient
        | FaultKind::Timeout
        | FaultKind::Truncated
        | FaultKind::Protocol
        | FaultKind::TooLarge
        | FaultKind::ContextLength
        | FaultKind::Tls
        | FaultKind::Dns
        | FaultKind::Outage
        | FaultKind::RedirectRefused => true,
        FaultKind::BadRequest
        | FaultKind::ContentFilter
        | FaultKind::NotRecorded
        | FaultKind::Prompt
        | FaultKind::Stopped
        | FaultKind::Budget => false,
    }
}
