//! A vault that is open: reading and changing what it holds, and what opens it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    EntryInfo, EntryKey, KeyStore, NewSlot, Others, SlotKind, Unlock, VaultError,
    envelope::{Bytes, Entry, Envelope, MOST_SLOTS, Slot},
    file, keyring, mask,
    seal::{self, Key},
    slot,
};
use crate::base::{clock, digest, secret::Secret};

/// A vault is some hundred bytes a credential; no genuine one is larger.
const MOST_BYTES: u64 = 16 << 20;

/// Bytes of the longest credential; the largest in use, service accounts, have some thousand.
const LONGEST_SECRET: usize = 64 << 10;

/// Bytes of the longest slug, provider, field or origin.
const LONGEST_NAME: usize = 1_024;

/// An open vault. Dropping it forgets the data key.
///
/// It sees the file as it was when it was opened or last written; each change begins with what is
/// on disk then, so that what other processes have put in stays.
#[derive(Debug)]
pub struct Vault {
    path: PathBuf,
    envelope: Envelope,
    data: Key,
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
    pub fn create(path: &Path, slots: &[NewSlot]) -> Result<Self, VaultError> {
        file::make_directory(path)?;
        let held = file::lock(path)?;
        if path.symlink_metadata().is_ok() {
            return Err(VaultError::Exists { path: path.to_owned() });
        }
        let data = Key::random()?;
        let mut envelope = Envelope::new(digest::hex(&seal::random::<16>()?));
        envelope.slots = new_slots(&envelope, &data, slots)?;
        check_slots(&envelope.slots)?;
        let mut vault = Self { path: path.to_owned(), envelope: envelope.clone(), data };
        vault.write(envelope, &held)?;
        Ok(vault)
    }

    /// Opens the vault at `path` with the first part of `unlock` that does.
    ///
    /// # Errors
    /// There is none, it is damaged or open to others, or nothing in `unlock` opens it.
    pub fn open(path: &Path, unlock: &Unlock<'_>) -> Result<Self, VaultError> {
        let envelope = parse(path)?;
        let (opened, tried) = slot::open(&envelope, unlock, true)?;
        let Some(opened) = opened.into_iter().next() else {
            return Err(VaultError::Locked { tried });
        };
        if !envelope.is_signed(&opened.data) {
            return Err(not_genuine(path));
        }
        Ok(Self { path: path.to_owned(), envelope, data: opened.data })
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
        let Some(entry) = find(&self.envelope, key) else {
            return Err(VaultError::NoEntry { slug: key.slug.clone(), field: key.field.clone() });
        };
        // What is asked for decides, not what the file says: the seal holds for that place alone.
        self.unsealed(key, entry).ok_or_else(|| VaultError::Bound {
            slug: key.slug.clone(),
            field: key.field.clone(),
            stored: format!("{} at {}", entry.provider, entry.origin),
            wanted: format!("{} at {}", key.provider, key.origin),
        })
    }

    /// Files `secret` under `key`, in place of what has the same slug and field. It is on disk when
    /// this returns.
    ///
    /// # Errors
    /// The secret is empty, or the file cannot be written.
    pub fn put(&mut self, key: &EntryKey, secret: &Secret) -> Result<(), VaultError> {
        check_entry(key, secret)?;
        let data = self.data.clone();
        self.change(|envelope| {
            let entry = sealed(envelope, &data, key, secret, clock::now_ms())?;
            match envelope.entries.binary_search_by(|entry| place(entry).cmp(&wanted(key))) {
                Ok(at) => envelope.entries[at] = entry,
                Err(at) => envelope.entries.insert(at, entry),
            }
            Ok(())
        })
    }

    /// Removes all credentials of `slug`; gives how many there were.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remove(&mut self, slug: &str) -> Result<usize, VaultError> {
        if !self.envelope.entries.iter().any(|entry| entry.slug == slug) {
            return Ok(0);
        }
        let mut removed = 0;
        self.change(|envelope| {
            let before = envelope.entries.len();
            envelope.entries.retain(|entry| entry.slug != slug);
            removed = before - envelope.entries.len();
            Ok(())
        })?;
        Ok(removed)
    }

    /// All credentials as they may be shown, sorted by slug and field.
    pub fn list(&self) -> Vec<EntryInfo> {
        let shown = |entry: &Entry| {
            let secret = self.unsealed(&entry.key(), entry);
            secret.map_or_else(|| mask::MASK.to_owned(), |secret| mask::masked(secret.expose()))
        };
        self.envelope.entries.iter().map(|entry| info(entry, shown(entry))).collect()
    }

    /// What can be told of it.
    pub fn status(&self) -> Status {
        self.envelope.status()
    }

    /// Wraps the data key anew: slots of the kinds of `new` are replaced or added, those of other
    /// kinds kept or dropped. The credentials stay as they are. Of keyrings, only slots of the one
    /// that is given are replaced: those of other machines are of another kind.
    ///
    /// # Errors
    /// There would be too many slots, or the file cannot be written.
    pub fn rekey(&mut self, new: &[NewSlot], others: Others) -> Result<(), VaultError> {
        let data = self.data.clone();
        let mut forgotten = Vec::new();
        self.change(|envelope| {
            let mut made = new_slots(envelope, &data, new)?;
            let (mut kept, mut gone) = (Vec::new(), Vec::new());
            for slot in std::mem::take(&mut envelope.slots) {
                let replaced = new.iter().any(|new| replaces(new, envelope, &slot));
                let drop = replaced || others == Others::Drop;
                if drop { gone.push(slot) } else { kept.push(slot) }
            }
            kept.append(&mut made);
            check_slots(&kept)?;
            envelope.slots = kept;
            forgotten = gone.iter().map(|slot| slot::account(envelope, slot)).collect();
            Ok(())
        })?;
        // The file no longer needs them. One that stays behind opens nothing but old copies.
        for new in new {
            if let NewSlot::Keyring(store) = new {
                for account in &forgotten {
                    keyring::delete(store, account).ok();
                }
            }
        }
        Ok(())
    }

    /// Makes `store` forget its keys of this vault, and the vault the slots that they opened. Gives
    /// how many there were.
    ///
    /// # Errors
    /// Nothing else opens the vault, the keyring does not answer, or the file cannot be written.
    pub fn lock(&mut self, store: &Arc<dyn KeyStore>) -> Result<usize, VaultError> {
        let mut accounts = Vec::new();
        for slot in self.envelope.slots.iter().filter(|slot| slot.kind == SlotKind::Keyring) {
            let account = slot::account(&self.envelope, slot);
            if keyring::get(store, &account).map_err(VaultError::Keyring)?.is_some() {
                accounts.push(account);
            }
        }
        if accounts.is_empty() {
            return Ok(0);
        }
        self.change(|envelope| {
            let slots = std::mem::take(&mut envelope.slots);
            let is_kept = |slot: &Slot| !accounts.contains(&slot::account(envelope, slot));
            let kept: Vec<Slot> = slots.into_iter().filter(is_kept).collect();
            if kept.is_empty() {
                return Err(VaultError::Slots(
                    "nothing but this keyring opens the vault; `evals vault rekey --passphrase` \
                     adds another way"
                        .to_owned(),
                ));
            }
            envelope.slots = kept;
            Ok(())
        })?;
        for account in &accounts {
            keyring::delete(store, account).map_err(VaultError::Keyring)?;
        }
        Ok(accounts.len())
    }

    /// Changes the data key: all credentials are sealed anew, in one write. Every slot has to be
    /// wrapped anew as well, so `unlock` has to bring what opens each; those that it does not open
    /// are dropped, or, if they are to be kept, nothing is done.
    ///
    /// # Errors
    /// A slot that is to be kept is not opened by `unlock`, or the file cannot be written.
    pub fn rotate(&mut self, unlock: &Unlock<'_>, others: Others) -> Result<(), VaultError> {
        let (opened, tried) = slot::open(&self.envelope, unlock, false)?;
        let all = opened.len() == self.envelope.slots.len();
        if opened.is_empty() || (!all && others == Others::Keep) {
            return Err(VaultError::Locked { tried });
        }
        let (old, new) = (self.data.clone(), Key::random()?);
        let known = self.envelope.slots.clone();
        self.change(|envelope| {
            if envelope.slots != known {
                return Err(VaultError::Changed);
            }
            let plain = plain_entries(envelope, &old)?;
            envelope.key_version =
                envelope.key_version.checked_add(1).ok_or(VaultError::Sealing)?;
            envelope.slots = Vec::with_capacity(opened.len());
            for opened in opened {
                let mut slot = known[opened.index].clone();
                let key = match &opened.passphrase {
                    Some(passphrase) => slot::from_passphrase(&mut slot, passphrase)?,
                    None => opened.key,
                };
                slot.nonce = Bytes::new(seal::random::<{ seal::NONCE }>()?);
                envelope.wrap(&mut slot, &key, &new).ok_or(VaultError::Sealing)?;
                envelope.slots.push(slot);
            }
            let resealed = plain
                .iter()
                .map(|(key, secret, changed_ms)| sealed(envelope, &new, key, secret, *changed_ms));
            envelope.entries = resealed.collect::<Result<_, _>>()?;
            Ok(new.clone())
        })
        .map(|new| self.data = new)
    }

    fn unsealed(&self, key: &EntryKey, entry: &Entry) -> Option<Secret> {
        unsealed(&self.envelope, &self.data, key, entry)
    }
}

/// Writing.
impl Vault {
    /// Lets `change` change what is on disk now, while no other process does.
    fn change<T: NewKey>(
        &mut self,
        change: impl FnOnce(&mut Envelope) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let held = file::lock(&self.path)?;
        let mut envelope = parse(&self.path)?;
        if !envelope.is_signed(&self.data) {
            let same = envelope.vault_id == self.envelope.vault_id
                && envelope.key_version == self.envelope.key_version;
            return Err(if same { not_genuine(&self.path) } else { VaultError::Changed });
        }
        let done = change(&mut envelope)?;
        let signer = done.key().unwrap_or(&self.data).clone();
        self.write_signed(envelope, &signer, &held)?;
        Ok(done)
    }

    fn write(&mut self, envelope: Envelope, held: &file::Lock) -> Result<(), VaultError> {
        let signer = self.data.clone();
        self.write_signed(envelope, &signer, held)
    }

    fn write_signed(
        &mut self,
        mut envelope: Envelope,
        signer: &Key,
        held: &file::Lock,
    ) -> Result<(), VaultError> {
        envelope.counter = envelope.counter.saturating_add(1);
        envelope.sign(signer);
        file::replace(&self.path, &envelope.written(), held)?;
        self.envelope = envelope;
        Ok(())
    }
}

/// What can be told of the vault at `path` without opening it.
///
/// # Errors
/// There is none, or it is damaged or open to others.
pub fn status(path: &Path) -> Result<Status, VaultError> {
    parse(path).map(|envelope| envelope.status())
}

/// The credentials in the vault at `path`, without opening it: all are shown as `****`. Whether the
/// list is genuine, only opening it tells.
///
/// # Errors
/// As [`status`].
pub fn list_locked(path: &Path) -> Result<Vec<EntryInfo>, VaultError> {
    let envelope = parse(path)?;
    Ok(envelope.entries.iter().map(|entry| info(entry, mask::MASK.to_owned())).collect())
}

fn parse(path: &Path) -> Result<Envelope, VaultError> {
    let bytes = file::read(path, MOST_BYTES)?;
    Envelope::parse(&bytes)
        .map_err(|problem| VaultError::Damaged { path: path.to_owned(), problem })
}

fn not_genuine(path: &Path) -> VaultError {
    let problem = "its code does not match its content".to_owned();
    VaultError::Damaged { path: path.to_owned(), problem }
}

/// Whether `new` takes the place of `slot`.
fn replaces(new: &NewSlot, envelope: &Envelope, slot: &Slot) -> bool {
    if new.kind() != slot.kind {
        return false;
    }
    let NewSlot::Keyring(store) = new else { return true };
    keyring::get(store, &slot::account(envelope, slot)).is_ok_and(|key| key.is_some())
}

fn new_slots(envelope: &Envelope, data: &Key, new: &[NewSlot]) -> Result<Vec<Slot>, VaultError> {
    let mut slots = Vec::with_capacity(new.len());
    for new in new {
        let (mut slot, key) = slot::make(envelope, new)?;
        slot.nonce = Bytes::new(seal::random::<{ seal::NONCE }>()?);
        envelope.wrap(&mut slot, &key, data).ok_or(VaultError::Sealing)?;
        slots.push(slot);
    }
    Ok(slots)
}

fn check_slots(slots: &[Slot]) -> Result<(), VaultError> {
    let passphrases = slots.iter().filter(|slot| slot.kind == SlotKind::Passphrase).count();
    if slots.is_empty() {
        return Err(VaultError::Slots("nothing would open the vault".to_owned()));
    }
    if slots.len() > MOST_SLOTS || passphrases > 1 {
        let text = format!("a vault has {MOST_SLOTS} slots at most, and one passphrase");
        return Err(VaultError::Slots(text));
    }
    Ok(())
}

fn check_entry(key: &EntryKey, secret: &Secret) -> Result<(), VaultError> {
    let names = [&key.slug, &key.provider, &key.field, &key.origin];
    if names.iter().any(|name| name.is_empty() || name.len() > LONGEST_NAME) {
        return Err(VaultError::Unstorable("a name is empty or too long for the vault"));
    }
    if names.iter().any(|name| name.chars().any(char::is_control)) {
        return Err(VaultError::Unstorable("a name holds control characters"));
    }
    if secret.expose().trim().is_empty() {
        return Err(VaultError::Unstorable("the credential is empty"));
    }
    if secret.expose().len() > LONGEST_SECRET {
        return Err(VaultError::Unstorable("the credential is longer than 64 KiB"));
    }
    Ok(())
}

fn place(entry: &Entry) -> (&str, &str) {
    (&entry.slug, &entry.field)
}

fn wanted(key: &EntryKey) -> (&str, &str) {
    (&key.slug, &key.field)
}

fn find<'a>(envelope: &'a Envelope, key: &EntryKey) -> Option<&'a Entry> {
    let entries = &envelope.entries;
    let at = entries.binary_search_by(|entry| place(entry).cmp(&wanted(key))).ok()?;
    entries.get(at)
}

fn sealed(
    envelope: &Envelope,
    data: &Key,
    key: &EntryKey,
    secret: &Secret,
    changed_ms: i64,
) -> Result<Entry, VaultError> {
    let nonce = seal::random::<{ seal::NONCE }>()?;
    let plain = secret.expose().as_bytes();
    let sealed = envelope
        .with_entry_place(key, |place| envelope.entry_key(data).seal(&nonce, place, plain))
        .ok_or(VaultError::Sealing)?;
    Ok(Entry {
        slug: key.slug.clone(),
        field: key.field.clone(),
        provider: key.provider.clone(),
        origin: key.origin.clone(),
        changed_ms,
        nonce: Bytes::new(nonce),
        sealed: Bytes::new(sealed),
    })
}

fn unsealed(envelope: &Envelope, data: &Key, key: &EntryKey, entry: &Entry) -> Option<Secret> {
    let (nonce, sealed) = (entry.nonce.bytes(), entry.sealed.bytes());
    let plain = envelope
        .with_entry_place(key, |place| envelope.entry_key(data).unseal(nonce, place, sealed))?;
    std::str::from_utf8(&plain).ok().map(Secret::new)
}

type Plain = (EntryKey, Secret, i64);

fn plain_entries(envelope: &Envelope, data: &Key) -> Result<Vec<Plain>, VaultError> {
    let plain = |entry: &Entry| {
        let key = entry.key();
        let secret = unsealed(envelope, data, &key, entry).ok_or(VaultError::Sealing)?;
        Ok((key, secret, entry.changed_ms))
    };
    envelope.entries.iter().map(plain).collect()
}

fn info(entry: &Entry, shown: String) -> EntryInfo {
    let EntryKey { slug, provider, field, origin } = entry.key();
    EntryInfo { slug, provider, field, origin, shown, changed_ms: entry.changed_ms }
}

/// What a change may give: nothing, or the new data key.
trait NewKey {
    fn key(&self) -> Option<&Key>;
}

impl NewKey for () {
    fn key(&self) -> Option<&Key> {
        None
    }
}

impl NewKey for Key {
    fn key(&self) -> Option<&Key> {
        Some(self)
    }
}
