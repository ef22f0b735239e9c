//! Slots: the ways to open a vault.

use std::{fmt, sync::Arc};

use super::{VaultError, keyring::KeyStore};
use crate::base::secret::Secret;

/// The kinds of slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// A key of 32 bytes in `EVALS_VAULT_KEY`, for CI.
    Env,
    /// A key in the keyring of the operating system.
    Keyring,
    /// A passphrase that somebody types.
    Passphrase,
}

impl SlotKind {
    /// The kind's name in the file and in commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::Keyring => "keyring",
            Self::Passphrase => "passphrase",
        }
    }
}

/// A slot to be made.
#[derive(Clone)]
pub enum NewSlot {
    /// Opened by this value of `EVALS_VAULT_KEY`: 32 bytes in base64url.
    Env(Secret),
    /// Opened by a fresh key that is put into this keyring.
    Keyring(Arc<dyn KeyStore>),
    /// Opened by this passphrase.
    Passphrase(Secret),
}

impl NewSlot {
    /// Its kind.
    pub const fn kind(&self) -> SlotKind {
        match self {
            Self::Env(_) => SlotKind::Env,
            Self::Keyring(_) => SlotKind::Keyring,
            Self::Passphrase(_) => SlotKind::Passphrase,
        }
    }
}

impl fmt::Debug for NewSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name())
    }
}

/// What becomes of slots of other kinds when some are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// They still open the vault.
    Keep,
    /// They no longer do.
    Drop,
}

/// What a vault may be opened with, tried in the order of the fields.
#[derive(Default, Clone)]
pub struct Unlock<'a> {
    /// The value of `EVALS_VAULT_KEY`; an empty one counts as none.
    pub env_key: Option<Secret>,
    /// The keyring.
    pub keyring: Option<Arc<dyn KeyStore>>,
    /// Asks somebody for the passphrase. `None`: there is nobody to ask, and nobody is asked.
    pub passphrase: Option<&'a dyn Fn() -> Option<Secret>>,
}

impl fmt::Debug for Unlock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unlock")
            .field("env_key", &self.env_key)
            .field("keyring", &self.keyring.is_some())
            .field("passphrase", &self.passphrase.is_some())
            .finish()
    }
}

/// A fresh value for `EVALS_VAULT_KEY`.
///
/// # Errors
/// The system has no random numbers to give.
pub fn new_env_key() -> Result<Secret, VaultError> {
    Err(VaultError::Random)
}
