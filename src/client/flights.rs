//! Asks once for what several want at the same time.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::domain::contract::CacheKey;

/// What is being asked for, by what it is kept under.
#[derive(Debug)]
pub(in crate::client) struct Flights<T>(Mutex<HashMap<CacheKey, Landing<T>>>);

/// What those wait for who want what is being asked for.
#[derive(Debug, Clone)]
pub(in crate::client) struct Landing<T>(watch::Receiver<Option<T>>);

/// Something that is being asked for. When it is dropped, those who wait for it are told what it
/// brought.
#[derive(Debug)]
pub(in crate::client) struct Flight<'a, T> {
    flights: &'a Flights<T>,
    key: CacheKey,
    tell: watch::Sender<Option<T>>,
    /// What those are told who wait.
    pub(in crate::client) brought: Option<T>,
}

/// Whether to ask, or to wait for who is asking.
#[derive(Debug)]
pub(in crate::client) enum Turn<'a, T> {
    /// Nobody else asks. What an earlier flight brought was kept before this one began.
    Ask(Flight<'a, T>),
    /// Somebody asks already.
    Wait(Landing<T>),
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Flights<T> {
    /// Who asks for what is kept under `key`.
    pub(in crate::client) fn turn(&self, key: CacheKey) -> Turn<'_, T> {
        match self.under_way().entry(key) {
            Entry::Occupied(flight) => Turn::Wait(flight.get().clone()),
            Entry::Vacant(place) => {
                let (tell, landing) = watch::channel(None);
                place.insert(Landing(landing));
                Turn::Ask(Flight { flights: self, key, tell, brought: None })
            }
        }
    }
}

impl<T> Flights<T> {
    fn under_way(&self) -> MutexGuard<'_, HashMap<CacheKey, Landing<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Landing<T> {
    /// What the flight brought; `None` when it brought nothing.
    pub(in crate::client) async fn landed(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

impl<T> Drop for Flight<'_, T> {
    fn drop(&mut self) {
        self.flights.under_way().remove(&self.key);
        // Nobody can join any longer. Those who wait for nothing see the channel close.
        if let Some(brought) = self.brought.take()
            && self.tell.receiver_count() > 0
        {
            self.tell.send_replace(Some(brought));
        }
    }
}
