//! An open vault.

use std::path::{Path, PathBuf};

use super::{EntryInfo, EntryKey, NewSlot, Others, SlotKind, Unlock, VaultError};
use crate::base::secret::Secret;

/// An open vault. Dropping it forgets the data key.
#[derive(Debug)]
pub struct Vault {
    path: PathBuf,
}

/// What can be told of a vault without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its id, 32 hexadecimal digits.
    pub vault_id: String,
    /// How often it was written.
    pub counter: u64,
    /// How often the data key was changed, from 1.
    pub key_version: u32,
    /// What opens it.
    pub slots: Vec<SlotKind>,
    /// How many credentials it holds.
    pub entries: usize,
}

impl Vault {
    /// Makes a vault at `path` that `slots` open, and its directory where there is none.
    ///
    /// # Errors
    /// There is one already, there is no slot or there are too many, or the file cannot be written.
    pub fn create(path: &Path, _slots: &[NewSlot]) -> Result<Self, VaultError> {
        Err(VaultError::Exists { path: path.to_owned() })
    }

    /// Opens the vault at `path` with the first part of `unlock` that does.
    ///
    /// # Errors
    /// There is none, it is damaged or open to others, or nothing in `unlock` opens it.
    pub fn open(path: &Path, _unlock: &Unlock<'_>) -> Result<Self, VaultError> {
        Err(VaultError::Missing { path: path.to_owned() })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The credential filed under `key`.
    ///
    /// # Errors
    /// There is none, or it was stored for another provider or origin.
    pub fn get(&self, key: &EntryKey) -> Result<Secret, VaultError> {
        Err(VaultError::NoEntry { slug: key.slug.clone(), field: key.field.clone() })
    }

    /// Files `secret` under `key`, in place of what has the same slug and field. It is on disk when
    /// this returns.
    ///
    /// # Errors
    /// The secret is empty, or the file cannot be written.
    pub fn put(&mut self, _key: &EntryKey, _secret: &Secret) -> Result<(), VaultError> {
        Ok(())
    }

    /// Removes all credentials of `slug`; gives how many there were.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remove(&mut self, _slug: &str) -> Result<usize, VaultError> {
        Ok(0)
    }

    /// All credentials as they may be shown, sorted by slug and field.
    pub fn list(&self) -> Vec<EntryInfo> {
        Vec::new()
    }

    /// Wraps the data key anew: slots of the kinds of `new` are replaced or added, those of other
    /// kinds kept or dropped. The credentials stay as they are.
    ///
    /// # Errors
    /// There would be too many slots, or the file cannot be written.
    pub fn rekey(&mut self, _new: &[NewSlot], _others: Others) -> Result<(), VaultError> {
        Ok(())
    }

    /// Changes the data key: all credentials are sealed anew, in one write. Every slot has to be
    /// wrapped anew as well, so `unlock` has to bring what opens each.
    ///
    /// # Errors
    /// A slot cannot be opened with `unlock`, or the file cannot be written.
    pub fn rotate(&mut self, _unlock: &Unlock<'_>) -> Result<(), VaultError> {
        Ok(())
    }
}

/// What can be told of the vault at `path` without opening it.
///
/// # Errors
/// There is none, or it is damaged or open to others.
pub fn status(path: &Path) -> Result<Status, VaultError> {
    Err(VaultError::Missing { path: path.to_owned() })
}

/// The credentials in the vault at `path`, without opening it: all are shown as `****`.
///
/// # Errors
/// As [`status`].
pub fn list_locked(path: &Path) -> Result<Vec<EntryInfo>, VaultError> {
    Err(VaultError::Missing { path: path.to_owned() })
}
