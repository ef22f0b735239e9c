//! What an answer is kept under: everything that the answer depends on, and nothing else.
//!
//! That is the request as its provider encodes it: address, body, and the headers that are no
//! credential; then the provider itself, since it says how the answer is read, and the repeat. Who
//! asks is left out: the same question under another key has the same answer, and a key that is
//! changed costs nothing. Streamed and whole answers are different requests: only the former have a
//! time to the first token.

use std::sync::Arc;

use crate::{
    base::{digest::Hasher, secret::carries_secret},
    domain::{
        contract::{CacheKey, Call},
        target::{Endpoint, HttpEndpoint, Target},
    },
    provider::{self, HttpRequest},
};

/// Told apart from keys that were made in another way.
const VERSION: &str = "evals.cache/1";

/// The key of `call` when `target` is asked, and the request that it is the key of; `None` for calls
/// that are not cached: simulated and recorded ones, which cost nothing, and those that cannot be
/// made.
pub(super) fn of(call: &Call, target: &Arc<Target>) -> Option<(CacheKey, HttpRequest)> {
    let Endpoint::Http(endpoint) = &target.endpoint else { return None };
    let provider = provider::find(target.provider)?;
    let request = if Arc::ptr_eq(&call.target, target) {
        provider.encode(call, endpoint).ok()?
    } else {
        let call = Call { target: Arc::clone(target), ..call.clone() };
        provider.encode(&call, endpoint).ok()?
    };
    Some((digest(provider.name(), &request, endpoint, call.epoch), request))
}

/// The key of the vector that `request` asks for.
pub(in crate::client) fn of_vector(
    provider: &str,
    request: &HttpRequest,
    endpoint: &HttpEndpoint,
) -> CacheKey {
    // No wire format has one address for answers and for vectors, so neither is taken for the other.
    digest(provider, request, endpoint, 0)
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
    let named = |pair: &&str| !carries_secret(pair.split('=').next().unwrap_or_default());
    for pair in query.split('&').filter(named) {
        feed(b"?");
        feed(pair.as_bytes());
    }
    let mut secrets = endpoint.credential.secrets();
    secrets.retain(|secret| !secret.expose().is_empty());
    for (name, value) in &request.headers {
        let value = value.expose();
        let secret = secrets.iter().any(|secret| value.contains(secret.expose()));
        if !secret && !carries_secret(name) {
            feed(b":");
            feed(name.as_bytes());
            feed(value.as_bytes());
        }
    }
    CacheKey(hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, time::Duration};

    use super::*;
    use crate::{
        base::{money::Money, secret::Secret},
        domain::{
            limits::Limits,
            message::{Message, Role},
            params::Params,
            sample::{Sample, Vars},
            target::{Capabilities, Credential, Flavour, Price, Settings, Timeouts},
        },
    };

    fn target() -> Target {
        Target {
            name: "local".to_owned(),
            provider: "openai-compatible",
            model: "m".to_owned(),
            endpoint: Endpoint::Http(HttpEndpoint {
                base_url: "http://127.0.0.1:9/v1?api-version=1&key=k1".to_owned(),
                credential: Credential::Key(Secret::new("sk-1")),
                credential_slug: None,
                settings: Settings::default(),
                headers: vec![
                    ("X-Beta".to_owned(), Secret::new("a")),
                    ("X-Auth".to_owned(), Secret::new("b")),
                ],
                flavour: Flavour::Chat,
                stream: true,
                insecure_http: false,
                header_digest: 0,
            }),
            params: Params::default(),
            price: None,
            capabilities: Capabilities::default(),
            timeouts: Timeouts::default(),
            max_output: None,
            fallback: Vec::new(),
            pool: Vec::new(),
            base_model: None,
            limits: Limits::default(),
        }
    }

    fn call(target: Target, text: &str) -> Call {
        let sample = Sample {
            index: 0,
            id: "1".to_owned(),
            input: None,
            expected: Vec::new(),
            vars: Vars::new(),
            metadata: Vars::new(),
            cluster: None,
            tags: Vec::new(),
        };
        let messages: Arc<[Message]> = Arc::new([Message::text(Role::User, text)]);
        Call {
            target: Arc::new(target),
            messages,
            sample: Arc::new(sample),
            prompt: 0,
            epoch: 0,
            requests: Call::MOST_REQUESTS,
            encoded: None,
        }
    }

    fn of(call: &Call) -> Option<CacheKey> {
        super::of(call, &call.target).map(|(key, _)| key)
    }

    fn changed(change: impl FnOnce(&mut Target, &mut HttpEndpoint)) -> Option<CacheKey> {
        let mut target = target();
        let Endpoint::Http(mut endpoint) = target.endpoint.clone() else { unreachable!("HTTP") };
        change(&mut target, &mut endpoint);
        target.endpoint = Endpoint::Http(endpoint);
        of(&call(target, "hi"))
    }

    #[test]
    fn every_part_of_the_request_counts() {
        let keys = [
            changed(|_, _| ()),
            changed(|target, _| target.model = "m2".to_owned()),
            changed(|target, _| target.params.temperature = Some(0.5)),
            changed(|target, _| target.provider = "openai"),
            changed(|_, endpoint| endpoint.stream = false),
            changed(|_, endpoint| endpoint.flavour = Flavour::Completion),
            changed(|_, endpoint| endpoint.base_url = "http://127.0.0.1:9/v2".to_owned()),
            changed(|_, endpoint| {
                endpoint.base_url = "http://127.0.0.1:9/v1?api-version=2".to_owned();
            }),
            changed(|_, endpoint| endpoint.headers[0].1 = Secret::new("c")),
            changed(|_, endpoint| endpoint.headers[0].0 = "X-Gamma".to_owned()),
            of(&call(target(), "hi there")),
            of(&Call { epoch: 1, ..call(target(), "hi") }),
        ];
        let different: HashSet<[u8; 32]> = keys.iter().flatten().map(|key| key.0).collect();
        assert_eq!(different.len(), keys.len());
    }

    #[test]
    fn who_asks_for_how_much_and_for_which_row_does_not() {
        let key = changed(|_, _| ());
        assert!(key.is_some());
        let same = [
            changed(|target, _| target.name = "other".to_owned()),
            changed(|target, _| {
                target.price = Some(Price::new(Money::from_pico(1), Money::from_pico(2)));
            }),
            changed(|target, _| target.timeouts.total = Duration::from_secs(1)),
            changed(|_, endpoint| endpoint.credential = Credential::Key(Secret::new("sk-2"))),
            changed(|_, endpoint| endpoint.credential = Credential::None),
            changed(|_, endpoint| endpoint.headers[1].1 = Secret::new("c")),
            changed(|_, endpoint| endpoint.base_url = endpoint.base_url.replace("k1", "k2")),
            of(&Call { prompt: 3, ..call(target(), "hi") }),
        ];
        assert_eq!(same, [key; 8]);
    }

    #[test]
    fn a_header_that_repeats_the_credential_does_not_count() {
        let with = |key: &str| {
            changed(|_, endpoint| {
                endpoint.credential = Credential::Key(Secret::new(key));
                endpoint.headers.push(("X-Team".to_owned(), Secret::new(format!("team {key}"))));
            })
        };
        assert_eq!(with("sk-1"), with("sk-2"));
    }
}
