//! Floor 2: the vault, where credentials are kept sealed.
//!
//! One file, apart from everything that is handed around: a header in JSON, in it the data key,
//! wrapped once for each way to open the vault (a slot), and the credentials, each sealed by the
//! data key for its place alone: its slug, its provider, its field, and the origin that it may be
//! sent to. What was stored for one origin cannot be had for another.
//!
//! Nothing here reads the environment or asks anybody: the caller brings paths, the value of
//! `EVALS_VAULT_KEY`, the keyring, and a way to ask for a passphrase if there is somebody to ask.

pub mod audit;
mod entry;
mod envelope;
mod error;
mod file;
mod keyring;
mod mask;
mod opened;
mod seal;
mod slot;

#[cfg(test)]
mod tests;

pub use self::{
    entry::{EntryInfo, EntryKey, origin},
    error::VaultError,
    file::make_directory,
    keyring::{KeyStore, KeyStoreError, system_keyring},
    mask::masked,
    opened::{Status, Vault, list_locked, status},
    slot::{NewSlot, Others, SlotKind, Unlock, new_env_key},
};
