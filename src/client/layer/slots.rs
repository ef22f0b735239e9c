//! The limit on attempts in flight for the whole run.

use futures_util::future::BoxFuture;
use tokio::sync::{Semaphore, watch};

use crate::{
    base::clock,
    client::not_sent,
    domain::{
        contract::{Call, Generate, Reply},
        fault::{Fault, FaultKind},
    },
};

/// Lets so many attempts through at a time. Once the run stops, nothing that still waits is sent.
#[derive(Debug)]
pub(in crate::client) struct Slots<S> {
    inner: S,
    places: Semaphore,
    stop: Option<watch::Receiver<bool>>,
}

impl<S> Slots<S> {
    /// `count` places around `inner`, until `stop` turns true.
    pub(in crate::client) fn new(
        inner: S,
        count: u32,
        stop: Option<watch::Receiver<bool>>,
    ) -> Self {
        Self { inner, places: Semaphore::new(count as usize), stop }
    }
}

impl<S: Generate> Generate for Slots<S> {
    fn generate<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            let asked = clock::instant();
            let place = tokio::select! {
                biased;
                () = stopped(self.stop.clone()) => None,
                place = self.places.acquire() => place.ok(),
            };
            let Some(place) = place else {
                return not_sent(call, Fault::new(FaultKind::Stopped, "the run was stopped"));
            };
            let queued_us = asked.elapsed().as_micros() as u64;
            let mut reply = self.inner.generate(call).await;
            drop(place);
            if let Some(first) = reply.attempts.first_mut() {
                first.queued_us += queued_us;
            }
            reply
        })
    }
}

/// Resolves when the run is to stop; never, when nobody can say so.
pub(in crate::client) async fn stopped(stop: Option<watch::Receiver<bool>>) {
    let told = match stop {
        Some(mut stop) => stop.wait_for(|stop| *stop).await.is_ok(),
        None => false,
    };
    if !told {
        std::future::pending::<()>().await;
    }
}
