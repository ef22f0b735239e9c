//! Tokens that credentials were exchanged for, kept until shortly before they run out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    HttpSender,
    address::{self, Carries},
    read, redact, skew, to_reqwest,
};
use crate::{
    base::{clock, digest, secret::Secret},
    domain::{
        fault::{Fault, FaultKind},
        target::{Credential, HttpEndpoint, Timeouts},
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
    /// The token that a request to `endpoint` needs; one exchange serves all calls that wait for it.
    pub(super) async fn token(
        &self,
        provider: &'static dyn Provider,
        timeouts: &Timeouts,
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
        let Some(token) = self.exchanged(provider, timeouts, endpoint).await? else {
            return Ok(None);
        };
        let lifetime = token.lifetime.saturating_sub(EARLY).max(token.lifetime / 2);
        *held = Some((token.clone(), clock::instant() + lifetime.min(Duration::from_hours(24))));
        Ok(Some(token))
    }

    /// Exchanges the credential; a second time when its proof was refused for our clock.
    async fn exchanged(
        &self,
        provider: &'static dyn Provider,
        timeouts: &Timeouts,
        endpoint: &HttpEndpoint,
    ) -> Result<Option<Token>, Fault> {
        let mut ahead_ms = 0;
        loop {
            // Made only now: it is signed, which takes time, and says when that was.
            let now_ms = clock::now_ms().saturating_add(ahead_ms);
            let Some(request) = provider.token_request(endpoint, now_ms)? else {
                return Ok(None);
            };
            let (outcome, skew_ms) = self.exchange(provider, timeouts, request).await?;
            match skew_ms.filter(|skew_ms| ahead_ms == 0 && skew::matters(*skew_ms)) {
                Some(skew_ms) if outcome.is_err() => ahead_ms = skew_ms,
                _ => return outcome.map(Some),
            }
        }
    }

    /// One exchange, and how far the server's clock is ahead where it refused the time.
    async fn exchange(
        &self,
        provider: &dyn Provider,
        timeouts: &Timeouts,
        request: HttpRequest,
    ) -> Result<(Result<Token, Fault>, Option<i64>), Fault> {
        let url = address::parse(&request.url)?;
        let client = self.clients.get(address::route(&url, TOKEN, timeouts.connect)?)?;
        let form = String::from_utf8_lossy(&request.body).into_owned();
        let (request, _) = to_reqwest(url, request)?;
        let within = timeouts.total.min(Duration::from_mins(1));
        let mut skew_ms = None;
        let read = read::whole(&client, request, timeouts.connect, |reply| {
            skew_ms = provider.clock_skew(reply);
            provider.read_token(reply)
        });
        let outcome = tokio::time::timeout(within, read).await.unwrap_or_else(|_| {
            let message = format!("no token within {} s", within.as_secs_f64());
            Err(Fault::new(FaultKind::Timeout, message))
        });
        // What was sent is good for a while, and the server may repeat it.
        let outcome = outcome.map_err(|mut fault| {
            redact::mask_form(&mut fault, &form);
            fault
        });
        Ok((outcome, skew_ms))
    }
}
