//! The keyring of the operating system, as the vault needs it.

use std::{
    fmt,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use crate::base::{
    secret::Secret,
    text::{one_line, prefix},
};

mod secret_tool;

/// How long a keyring is waited for. One that is locked may ask somebody who is not there.
const LIMIT: Duration = Duration::from_secs(3);

/// A place outside the vault that keeps small secrets by name.
///
/// A call may take as long as it likes: the vault stops waiting after three seconds.
pub trait KeyStore: Send + Sync + fmt::Debug {
    /// The secret called `account`; `None` where there is none.
    ///
    /// # Errors
    /// The store is absent, locked, or does not answer as it should.
    fn get(&self, account: &str) -> Result<Option<Secret>, KeyStoreError>;

    /// Stores `secret` as `account`.
    ///
    /// # Errors
    /// As [`KeyStore::get`].
    fn set(&self, account: &str, secret: &Secret) -> Result<(), KeyStoreError>;

    /// Forgets `account`, which need not exist.
    ///
    /// # Errors
    /// As [`KeyStore::get`].
    fn delete(&self, account: &str) -> Result<(), KeyStoreError>;
}

/// Why a keyring did not do what it was asked: `is locked`, `does not answer` …
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyStoreError(pub String);

/// The keyring of this machine, reached by the system's own program for it: `secret-tool`, which
/// speaks to the Secret Service, on Linux. `None` elsewhere: this program knows neither the Keychain
/// of macOS nor the Credential Manager of Windows. `variable` looks up what that
/// program may know of the environment.
pub fn system_keyring(variable: &dyn Fn(&str) -> Option<String>) -> Option<Arc<dyn KeyStore>> {
    cfg!(target_os = "linux")
        .then(|| Arc::new(secret_tool::SecretTool::new(variable)) as Arc<dyn KeyStore>)
}

/// [`KeyStore::get`], within the time that there is.
pub(super) fn get(store: &Arc<dyn KeyStore>, account: &str) -> Result<Option<Secret>, String> {
    let account = account.to_owned();
    within_limit(store, move |store| store.get(&account))
}

/// [`KeyStore::set`], within the time that there is.
pub(super) fn set(store: &Arc<dyn KeyStore>, account: &str, secret: &Secret) -> Result<(), String> {
    let (account, secret) = (account.to_owned(), secret.clone());
    within_limit(store, move |store| store.set(&account, &secret))
}

/// [`KeyStore::delete`], within the time that there is.
pub(super) fn delete(store: &Arc<dyn KeyStore>, account: &str) -> Result<(), String> {
    let account = account.to_owned();
    within_limit(store, move |store| store.delete(&account))
}

/// A call that does not come back is left behind; the process ends without it.
fn within_limit<T: Send + 'static>(
    store: &Arc<dyn KeyStore>,
    call: impl FnOnce(&dyn KeyStore) -> Result<T, KeyStoreError> + Send + 'static,
) -> Result<T, String> {
    let (answer, answered) = mpsc::channel();
    let store = Arc::clone(store);
    let spawned = thread::Builder::new().name("keyring".to_owned()).spawn(move || {
        answer.send(call(&*store)).ok();
    });
    spawned.map_err(|error| format!("cannot be called ({error})"))?;
    match answered.recv_timeout(LIMIT) {
        Ok(result) => result.map_err(|error| one_line(prefix(&error.0, 1_000), 200)),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(format!("did not answer within {} s; is it locked?", LIMIT.as_secs()))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => Err("broke".to_owned()),
    }
}
