//! Tokens that credentials were exchanged for, kept until shortly before they run out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    HttpSender,
    address::{self, Carries},
    read, redact, to_reqwest,
};
use crate::{
    base::{clock, digest, secret::Secret},
    domain::{
        contract::Call,
        fault::{Fault, FaultKind},
        target::{Credential, HttpEndpoint},
    },
    provider::{HttpRequest, Provider, Token},
};

#[cfg(test)]
mod tests;

/// A token is renewed this long before its end, so that no request arrives with one that has ended.
const EARLY: Duration = Duration::from_mins(5);

/// What is exchanged is a secret always, and travels encrypted or stays on this machine.
const TOKEN: Carries = Carries { secret: true, insecure_http: false };

type Slot = Arc<tokio::sync::Mutex<Option<(Token, Instant)>>>;

/// The tokens of all credentials in use.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    slots: Mutex<HashMap<String, Slot>>,
}

impl Tokens {
    fn slot(&self, provider: &dyn Provider, endpoint: &HttpEndpoint) -> Slot {
        let secrets = endpoint.credential.secrets().into_iter().map(Secret::expose);
        let key: Vec<&str> = std::iter::once(provider.name()).chain(secrets).collect();
        let key = digest::sha256_hex(key.join("\0").as_bytes());
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key).or_default())
    }

    /// Forgets a token that the provider did not accept.
    pub(super) async fn forget(
        &self,
        provider: &dyn Provider,
        endpoint: &HttpEndpoint,
        token: &Token,
    ) {
        let slot = self.slot(provider, endpoint);
        let mut held = slot.lock().await;
        // Another call may have renewed it meanwhile.
        if held.as_ref().is_some_and(|(have, _)| have == token) {
            *held = None;
        }
    }
}

impl HttpSender {
    /// The token that `call` needs; one exchange serves all calls that wait for it.
    pub(super) async fn token(
        &self,
        provider: &'static dyn Provider,
        call: &Call,
        endpoint: &HttpEndpoint,
    ) -> Result<Option<Token>, Fault> {
        // No other credential is exchanged.
        let Credential::ServiceAccount(_) = endpoint.credential else { return Ok(None) };
        let slot = self.tokens.slot(provider, endpoint);
        let mut held = slot.lock().await;
        if let Some((token, until)) = held.as_ref()
            && clock::instant() < *until
        {
            return Ok(Some(token.clone()));
        }
        // Made only now: it is signed, which takes time, and says when that was.
        let Some(request) = provider.token_request(endpoint, clock::now_ms())? else {
            return Ok(None);
        };
        let token = self.exchange(provider, call, request).await?;
        let lifetime = token.lifetime.saturating_sub(EARLY).max(token.lifetime / 2);
        *held = Some((token.clone(), clock::instant() + lifetime.min(Duration::from_hours(24))));
        Ok(Some(token))
    }

    async fn exchange(
        &self,
        provider: &dyn Provider,
        call: &Call,
        request: HttpRequest,
    ) -> Result<Token, Fault> {
        let timeouts = &call.target.timeouts;
        let url = address::parse(&request.url)?;
        let client = self.clients.get(address::route(&url, TOKEN, timeouts.connect)?)?;
        let form = String::from_utf8_lossy(&request.body).into_owned();
        let request = to_reqwest(url, request)?;
        let within = timeouts.total.min(Duration::from_mins(1));
        let read =
            read::whole(&client, request, timeouts.connect, |reply| provider.read_token(reply));
        let outcome = tokio::time::timeout(within, read).await.unwrap_or_else(|_| {
            let message = format!("no token within {} s", within.as_secs_f64());
            Err(Fault::new(FaultKind::Timeout, message))
        });
        // What was sent is good for a while, and the server may repeat it.
        outcome.map_err(|mut fault| {
            redact::mask_form(&mut fault, &form);
            fault
        })
    }
}
