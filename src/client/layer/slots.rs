//! The limit on attempts in flight for the whole run, and the end of waiting when the run stops.

use tokio::sync::{Semaphore, SemaphorePermit, watch};

/// Places for so many attempts at a time.
#[derive(Debug)]
pub(in crate::client) struct Slots {
    places: Semaphore,
    stop: Option<watch::Receiver<bool>>,
}

impl Slots {
    /// `count` places, until `stop` turns true.
    pub(in crate::client) fn new(count: u32, stop: Option<watch::Receiver<bool>>) -> Self {
        Self { places: Semaphore::new(count as usize), stop }
    }

    /// Waits for a place. Whoever waits first is served first.
    pub(in crate::client) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        self.places.acquire().await.ok()
    }

    /// What `work` gives; `None` once the run stops, whatever `work` waits for.
    pub(in crate::client) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::select! {
            biased;
            () = stopped(self.stop.clone()) => None,
            done = work => Some(done),
        }
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
