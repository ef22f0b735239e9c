//! The limit on the time of a whole attempt.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::{
    base::clock,
    domain::{
        contract::{Call, Generate, Reply},
        fault::{Fault, FaultKind},
        trial::Attempt,
    },
};

/// The HTTP sender keeps the same limit and knows what had arrived by then, so it speaks first.
const GRACE: Duration = Duration::from_millis(250);

/// Ends calls that take longer than their target's total allows.
#[derive(Debug)]
pub(in crate::client) struct Timeout<S> {
    inner: S,
}

impl<S> Timeout<S> {
    /// The limit around `inner`.
    pub(in crate::client) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: Generate> Generate for Timeout<S> {
    fn generate<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            let (started_ms, started) = (clock::now_ms(), clock::instant());
            let total = call.target.timeouts.total;
            let limit = total.saturating_add(GRACE);
            match tokio::time::timeout(limit, self.inner.generate(call)).await {
                Ok(reply) => reply,
                Err(_) => {
                    let fault = over(total);
                    let latency_us = started.elapsed().as_micros() as u64;
                    let attempt = Attempt {
                        started_ms,
                        latency_us,
                        fault: Some(fault.clone()),
                        credential: call.target.credential_slug(),
                        ..Attempt::default()
                    };
                    Reply {
                        result: Err(fault),
                        attempts: vec![attempt],
                        served_by: call.target.name.clone(),
                        cached: None,
                        limits: None,
                    }
                }
            }
        })
    }
}

/// The fault of a call that was not over within `total`.
pub(in crate::client) fn over(total: Duration) -> Fault {
    let message = format!("the call was not over within {} s", total.as_secs_f64());
    Fault::new(FaultKind::Timeout, message)
}
