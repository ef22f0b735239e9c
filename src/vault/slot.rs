//! Slots: the ways to open a vault.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    VaultError,
    envelope::{Argon2id, Bytes, Envelope, Slot},
    keyring::{self, KeyStore},
    seal::{self, Key},
};
use crate::base::{digest, secret::Secret};

/// Characters of the shortest passphrase.
const SHORTEST_PASSPHRASE: usize = 8;

/// The kinds of slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    Key::random().map(|key| encoded(&key))
}

/// A key as text.
fn encoded(key: &Key) -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(key.bytes()))
}

/// The key that `text` is.
fn decoded(text: &Secret) -> Option<Key> {
    let bytes = URL_SAFE_NO_PAD.decode(text.expose().trim()).map(Zeroizing::new).ok()?;
    Key::from_bytes(&bytes)
}

/// The name of a slot's key in a keyring.
pub(super) fn account(envelope: &Envelope, slot: &Slot) -> String {
    format!("{}/{}", envelope.vault_id, slot.id)
}

/// The slot that `new` asks for, and the key that opens it. A keyring has the key when this returns.
pub(super) fn make(envelope: &Envelope, new: &NewSlot) -> Result<(Slot, Key), VaultError> {
    let mut slot = Slot {
        kind: new.kind(),
        id: digest::hex(&seal::random::<8>()?),
        argon2id: None,
        nonce: Bytes::default(),
        wrapped: Bytes::default(),
    };
    let key = match new {
        NewSlot::Env(value) => decoded(value).ok_or(VaultError::EnvKey)?,
        NewSlot::Passphrase(passphrase) => {
            if passphrase.expose().chars().count() < SHORTEST_PASSPHRASE {
                return Err(VaultError::Passphrase { least: SHORTEST_PASSPHRASE });
            }
            from_passphrase(&mut slot, passphrase)?
        }
        NewSlot::Keyring(store) => {
            let key = Key::random()?;
            let (account, value) = (account(envelope, &slot), encoded(&key));
            keyring::set(store, &account, &value).map_err(VaultError::Keyring)?;
            // A keyring that says yes and forgets would lock the vault for good.
            match keyring::get(store, &account).map_err(VaultError::Keyring)? {
                Some(kept) if kept == value => key,
                _ => {
                    let problem = "does not give back what was put into it".to_owned();
                    return Err(VaultError::Keyring(problem));
                }
            }
        }
    };
    Ok((slot, key))
}

/// Gives `slot` a fresh salt, and the key that the passphrase is with it.
pub(super) fn from_passphrase(slot: &mut Slot, passphrase: &Secret) -> Result<Key, VaultError> {
    let kdf = Argon2id::new(seal::random()?);
    let key = Key::from_passphrase(passphrase.expose(), &kdf).ok_or(VaultError::Sealing)?;
    slot.argon2id = Some(kdf);
    Ok(key)
}

/// What opened a slot.
#[derive(Debug)]
pub(super) struct Opened {
    /// The slot's place in the list.
    pub(super) index: usize,
    /// The slot's key.
    pub(super) key: Key,
    /// The passphrase, where it was one.
    pub(super) passphrase: Option<Secret>,
    /// The data key.
    pub(super) data: Key,
}

/// The slots that `unlock` opens, and what was tried where it opened none. With `first_only` no
/// more than one is opened: nobody is asked for what is not needed.
pub(super) fn open(
    envelope: &Envelope,
    unlock: &Unlock<'_>,
    first_only: bool,
) -> Result<(Vec<Opened>, Vec<String>), VaultError> {
    let (mut opened, mut tried) = (Vec::new(), Vec::new());
    for kind in [SlotKind::Env, SlotKind::Keyring, SlotKind::Passphrase] {
        let slots: Vec<(usize, &Slot)> =
            envelope.slots.iter().enumerate().filter(|(_, slot)| slot.kind == kind).collect();
        let result = match kind {
            SlotKind::Env => open_env(envelope, &slots, unlock)?,
            SlotKind::Keyring => open_keyring(envelope, &slots, unlock),
            SlotKind::Passphrase => open_passphrase(envelope, &slots, unlock),
        };
        opened.extend(result.0);
        tried.extend(result.1);
        if first_only && !opened.is_empty() {
            break;
        }
    }
    Ok((opened, tried))
}

type Attempt = (Vec<Opened>, Option<String>);

fn said(text: impl Into<String>) -> Attempt {
    (Vec::new(), Some(text.into()))
}

fn open_with(envelope: &Envelope, (index, slot): (usize, &Slot), key: &Key) -> Option<Opened> {
    let data = envelope.unwrap(slot, key)?;
    Some(Opened { index, key: key.clone(), passphrase: None, data })
}

fn open_env(
    envelope: &Envelope,
    slots: &[(usize, &Slot)],
    unlock: &Unlock<'_>,
) -> Result<Attempt, VaultError> {
    let given = unlock.env_key.as_ref().filter(|value| !value.expose().is_empty());
    // A value that cannot be a key is a mistake in the set-up, whatever else would open the vault.
    let given = given.map(|value| decoded(value).ok_or(VaultError::EnvKey)).transpose()?;
    Ok(match given {
        None if slots.is_empty() => (Vec::new(), None),
        None => said("`EVALS_VAULT_KEY` would open it, and is not set"),
        Some(_) if slots.is_empty() => {
            said("`EVALS_VAULT_KEY` is set, and the vault was not made to be opened by it")
        }
        Some(key) => {
            let opened: Vec<Opened> =
                slots.iter().filter_map(|slot| open_with(envelope, *slot, &key)).collect();
            let wrong = opened.is_empty();
            (opened, wrong.then(|| "`EVALS_VAULT_KEY` is not the key of this vault".to_owned()))
        }
    })
}

fn open_keyring(envelope: &Envelope, slots: &[(usize, &Slot)], unlock: &Unlock<'_>) -> Attempt {
    if slots.is_empty() {
        return (Vec::new(), None);
    }
    let Some(store) = &unlock.keyring else {
        return said(
            "a keyring would open it, and keyrings are not available on this system (Linux only)",
        );
    };
    let (mut opened, mut problem) = (Vec::new(), None);
    for slot in slots {
        match keyring::get(store, &account(envelope, slot.1)) {
            Ok(Some(value)) => match decoded(&value)
                .and_then(|key| open_with(envelope, *slot, &key))
            {
                Some(slot) => opened.push(slot),
                None => problem = Some("the keyring gave something that is no key of this vault"),
            },
            Ok(None) => problem = problem.or(Some("the keyring of this machine has no key for it")),
            // What keeps it from answering keeps it from answering again.
            Err(why) => return (opened, Some(format!("the keyring {why}"))),
        }
    }
    (opened, problem.map(str::to_owned))
}

fn open_passphrase(envelope: &Envelope, slots: &[(usize, &Slot)], unlock: &Unlock<'_>) -> Attempt {
    let Some((index, slot)) = slots.first() else { return (Vec::new(), None) };
    let Some(ask) = unlock.passphrase else {
        return said("a passphrase would open it, and there is no terminal to ask at");
    };
    let Some(passphrase) = ask() else { return said("no passphrase was given") };
    let key = slot.argon2id.as_ref().and_then(|kdf| Key::from_passphrase(passphrase.expose(), kdf));
    match key.and_then(|key| open_with(envelope, (*index, slot), &key)) {
        Some(opened) => (vec![Opened { passphrase: Some(passphrase), ..opened }], None),
        None => said("the passphrase is not the one of this vault"),
    }
}
