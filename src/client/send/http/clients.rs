//! The pools of connections, made when they are first needed.
//!
//! Reading the system's certificates takes milliseconds and fails on machines that have none, so
//! runs that only call plain HTTP never do it.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use reqwest::{Client, redirect::Policy};
use rustls::crypto::{CryptoProvider, ring};

use super::address::{Names, Resolver, Route, System};
use crate::domain::fault::{Fault, FaultKind};

/// Below the keep-alive time of most servers and balancers, so that a connection is seldom reused
/// in the moment in which the other side closes it.
const POOL_IDLE: Duration = Duration::from_secs(50);

const USER_AGENT: &str = concat!("evals/", env!("CARGO_PKG_VERSION"));

/// One client for each kind of route.
#[derive(Debug)]
pub(super) struct Clients {
    made: RwLock<Vec<(Route, Client)>>,
    names: Arc<dyn Names>,
}

impl Default for Clients {
    fn default() -> Self {
        Self::knowing(Arc::new(System))
    }
}

impl Clients {
    /// Clients that ask `names` for addresses.
    pub(super) fn knowing(names: Arc<dyn Names>) -> Self {
        Self { made: RwLock::default(), names }
    }

    /// The client for `route`.
    ///
    /// # Errors
    ///
    /// `Tls` when the machine has no certificates to verify servers with.
    pub(super) fn get(&self, route: Route) -> Result<Client, Fault> {
        let find = |made: &[(Route, Client)]| {
            made.iter().find(|(have, _)| *have == route).map(|(_, client)| client.clone())
        };
        if let Some(client) = find(&self.made.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(client);
        }
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = find(&made) {
            return Ok(client);
        }
        let client = build(route, Arc::clone(&self.names)).map_err(|error| {
            let cause = super::failure::deepest(&error);
            let hint = "install `ca-certificates` or set `SSL_CERT_FILE`";
            Fault::new(FaultKind::Tls, format!("no TLS connection can be made: {cause}; {hint}"))
        })?;
        made.push((route, client.clone()));
        Ok(client)
    }
}

fn build(route: Route, names: Arc<dyn Names>) -> reqwest::Result<Client> {
    if CryptoProvider::get_default().is_none() {
        // Another thread may have been faster; then its provider serves as well.
        ring::default_provider().install_default().ok();
    }
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_gzip()
        .connect_timeout(route.connect)
        .pool_idle_timeout(POOL_IDLE)
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_mins(1))
        .dns_resolver(Arc::new(Resolver { reach: route.reach, names }));
    let builder = if route.direct { builder.no_proxy() } else { builder };
    // Without roots nothing is trusted: a plain client cannot be made to speak TLS unverified.
    let builder = if route.tls { builder } else { builder.tls_certs_only([]) };
    builder.build()
}
