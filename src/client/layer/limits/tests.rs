//! Shares of the retries, and who belongs to an account.

use futures_util::{FutureExt as _, future::poll_immediate};

use super::*;
use crate::{
    base::secret::Secret,
    domain::{
        params::Params,
        target::{Capabilities, Credential, Flavour, HttpEndpoint, Settings, Timeouts},
    },
};

/// A target whose account has `key`.
pub(in crate::client) fn target(key: &str) -> Target {
    Target {
        name: "m".to_owned(),
        provider: "openai-compatible",
        model: "m".to_owned(),
        endpoint: Endpoint::Http(HttpEndpoint {
            base_url: "http://127.0.0.1:1/v1".to_owned(),
            credential: Credential::Key(Secret::new(key)),
            credential_slug: None,
            headers: Vec::new(),
            flavour: Flavour::Chat,
            stream: true,
            insecure_http: false,
            header_digest: 0,
            settings: Settings::default(),
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

fn accounts() -> Accounts {
    Accounts {
        policy: Some(RetryPolicy::default()),
        limits: Vec::new(),
        adaptive: true,
        directory: None,
        notice: None,
        known: Mutex::default(),
        seen: ByTarget::default(),
    }
}

#[test]
fn models_behind_one_key_are_one_account() {
    let accounts = accounts();
    let of = |key: &str| accounts.of(&Arc::new(target(key))).expect("an account");
    let other = Target { name: "other".to_owned(), model: "other".to_owned(), ..target("k1") };
    let other = Arc::new(other);
    assert!(Arc::ptr_eq(&of("k1"), &accounts.of(&other).expect("an account")));
    assert!(!Arc::ptr_eq(&of("k1"), &of("k2")));
    assert!(Accounts { policy: None, ..self::accounts() }.of(&other).is_none());
}

#[test]
fn three_retries_at_a_time_are_always_allowed() {
    let account = accounts().of(&Arc::new(target("k"))).expect("an account");
    let share = || account.retry_share().now_or_never();
    let mut shares: Vec<_> = std::iter::from_fn(share).collect();
    assert_eq!(shares.len(), 3);
    let mut fourth = Box::pin(account.retry_share());
    let poll = |future: &mut _| futures_util::FutureExt::now_or_never(poll_immediate(future));
    assert!(poll(&mut fourth).flatten().is_none());
    shares.pop();
    assert!(poll(&mut fourth).flatten().is_some());
}
