//! The keyring of the operating system, as the vault needs it.

use std::{fmt, sync::Arc};

use crate::base::secret::Secret;

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

/// Why a keyring did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyStoreError(pub String);

/// The keyring of this machine; `None` where the program was built without one.
pub fn system_keyring() -> Option<Arc<dyn KeyStore>> {
    None
}
