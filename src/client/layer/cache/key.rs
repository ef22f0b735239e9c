//! What an answer is kept under: everything that the answer depends on, and nothing else.
//!
//! That is the request as its provider encodes it: address, body, and the headers that are no
//! credential; then the provider itself, since it says how the answer is read, and the repeat. Who
//! asks is left out: the same question under another key has the same answer, and a key that is
//! changed costs nothing. Streamed and whole answers are different requests: only the former have a
//! time to the first token.

use crate::{
    base::digest::Hasher,
    domain::{
        contract::{CacheKey, Call},
        target::{Endpoint, HttpEndpoint},
    },
    provider::{self, HttpRequest},
};

/// Told apart from keys that were made in another way.
const VERSION: &str = "evals.cache/1";

/// Parts of the names of headers and of query parameters that carry credentials.
const CREDENTIAL: [&str; 8] =
    ["auth", "key", "token", "secret", "cookie", "password", "signature", "credential"];

/// The key of `call`; `None` for calls that are not cached: simulated and recorded ones, which cost
/// nothing, and those that cannot be made.
pub(super) fn of(call: &Call) -> Option<CacheKey> {
    let Endpoint::Http(endpoint) = &call.target.endpoint else { return None };
    let provider = provider::find(call.target.provider)?;
    let request = provider.encode(call, endpoint).ok()?;
    Some(digest(provider.name(), &request, endpoint, call.epoch))
}

fn digest(provider: &str, request: &HttpRequest, endpoint: &HttpEndpoint, epoch: u32) -> CacheKey {
    let mut hasher = Hasher::default();
    // Each part with its length, and the lists last, with a mark before each of their parts: no two
    // requests read the same.
    let mut feed = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    feed(VERSION.as_bytes());
    feed(provider.as_bytes());
    feed(&epoch.to_le_bytes());
    let (address, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    feed(address.as_bytes());
    feed(&request.body);
    let named = |pair: &&str| !is_credential(pair.split('=').next().unwrap_or_default());
    for pair in query.split('&').filter(named) {
        feed(b"?");
        feed(pair.as_bytes());
    }
    let mut secrets = endpoint.credential.secrets();
    secrets.retain(|secret| !secret.expose().is_empty());
    for (name, value) in &request.headers {
        let value = value.expose();
        let secret = secrets.iter().any(|secret| value.contains(secret.expose()));
        if !secret && !is_credential(name) {
            feed(b":");
            feed(name.as_bytes());
            feed(value.as_bytes());
        }
    }
    CacheKey(hasher.finish())
}

fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    CREDENTIAL.iter().any(|part| name.contains(part))
}
