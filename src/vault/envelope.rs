//! The file as written: a header and the sealed credentials, in JSON.
//!
//! Reading is strict. There is one way to write a given content, and every other one is refused, so
//! that the code at the end covers each byte. What could make reading dear is checked before
//! anything is derived from it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{EntryKey, SlotKind, Status, seal};
use crate::vault::seal::Key;

/// The format's name and version.
const FORMAT: &str = "evals.vault/1";

/// Slots at most.
pub(super) const MOST_SLOTS: usize = 4;

/// Bytes of the salt of a passphrase.
pub(super) const SALT: usize = 16;

/// Memory, passes and lanes that are accepted from a file: enough to be worth something, and not so
/// much that a hostile file stops the machine.
const MEMORY_KIB: std::ops::RangeInclusive<u32> = 19 * 1024..=1024 * 1024;
const PASSES: std::ops::RangeInclusive<u32> = 1..=10;
const LANES: std::ops::RangeInclusive<u32> = 1..=16;

/// Bytes, in base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Bytes(Vec<u8>);

impl Bytes {
    pub(super) fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        URL_SAFE_NO_PAD.decode(text).map(Self).map_err(|_| D::Error::custom("not base64url"))
    }
}

/// How a passphrase becomes a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Argon2id {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    pub(super) salt: Bytes,
}

impl Argon2id {
    /// The second recommended set of RFC 9106: 64 MiB, three passes, four lanes.
    pub(super) fn new(salt: [u8; SALT]) -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 4, salt: Bytes::new(salt) }
    }
}

/// The data key, wrapped for one way to open the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slot {
    pub(super) kind: SlotKind,
    /// Tells slots of one kind apart; names the key in a keyring.
    pub(super) id: String,
    /// Of a passphrase only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) argon2id: Option<Argon2id>,
    pub(super) nonce: Bytes,
    pub(super) wrapped: Bytes,
}

/// A credential, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) slug: String,
    pub(super) field: String,
    pub(super) provider: String,
    pub(super) origin: String,
    pub(super) changed_ms: i64,
    pub(super) nonce: Bytes,
    pub(super) sealed: Bytes,
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Envelope {
    format: String,
    pub(super) vault_id: String,
    pub(super) counter: u64,
    pub(super) key_version: u32,
    pub(super) slots: Vec<Slot>,
    pub(super) entries: Vec<Entry>,
    mac: Bytes,
}

impl Envelope {
    /// An empty one, not yet signed.
    pub(super) fn new(vault_id: String) -> Self {
        Self {
            format: FORMAT.to_owned(),
            vault_id,
            counter: 0,
            key_version: 1,
            slots: Vec::new(),
            entries: Vec::new(),
            mac: Bytes::default(),
        }
    }

    /// The content of a file, its form checked; what is wrong with it otherwise. Whether it is
    /// genuine, only the data key tells.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let envelope: Self = serde_json::from_slice(bytes).map_err(|error| {
            // serde_json's words may quote the file.
            format!("line {}, column {}: not of the form of a vault", error.line(), error.column())
        })?;
        envelope.check()?;
        if envelope.written() != bytes {
            return Err("it was edited".to_owned());
        }
        Ok(envelope)
    }

    fn check(&self) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("its format is not `{FORMAT}`: this program is too old for it"));
        }
        if !is_hex(&self.vault_id, 32) || self.mac.bytes().len() != 32 {
            return Err("its header is not of the right form".to_owned());
        }
        if self.slots.is_empty() || self.slots.len() > MOST_SLOTS {
            return Err(format!(
                "it has {} slots; 1 to {MOST_SLOTS} are possible",
                self.slots.len()
            ));
        }
        let of_passphrase =
            self.slots.iter().filter(|slot| slot.kind == SlotKind::Passphrase).count();
        if of_passphrase > 1 {
            return Err(format!("it has {of_passphrase} passphrases; one is possible"));
        }
        self.slots.iter().try_for_each(check_slot)?;
        let is_twice =
            |(at, slot): (usize, &Slot)| self.slots[..at].iter().any(|s| s.id == slot.id);
        if self.slots.iter().enumerate().any(is_twice) {
            return Err("two of its slots have the same id".to_owned());
        }
        let sorted = self
            .entries
            .windows(2)
            .all(|pair| (&pair[0].slug, &pair[0].field) < (&pair[1].slug, &pair[1].field));
        if !sorted {
            return Err("its entries are not in order".to_owned());
        }
        let sound = |entry: &Entry| {
            entry.nonce.bytes().len() == seal::NONCE && entry.sealed.bytes().len() > seal::TAG
        };
        if !self.entries.iter().all(sound) {
            return Err("an entry is not of the right form".to_owned());
        }
        Ok(())
    }

    /// The file.
    pub(super) fn written(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Signs it with the data key.
    pub(super) fn sign(&mut self, key: &Key) {
        self.mac = Bytes::default();
        self.mac = Bytes::new(self.mac_key(key).code(&self.written()));
    }

    /// Whether a holder of the data key signed it as it stands.
    pub(super) fn is_signed(&self, key: &Key) -> bool {
        let bare = Self { mac: Bytes::default(), ..self.clone() };
        self.mac_key(key).is_code(&bare.written(), self.mac.bytes())
    }

    fn mac_key(&self, key: &Key) -> Key {
        key.derive(&self.vault_id, "evals.vault/1 mac")
    }

    /// The place of a slot, which its wrapping is bound to.
    fn with_slot_place<T>(&self, slot: &Slot, run: impl FnOnce(&[&[u8]]) -> T) -> T {
        let version = self.key_version.to_le_bytes();
        let kdf = slot.argon2id.as_ref().map_or([[0; 4]; 3], |kdf| {
            [kdf.memory_kib, kdf.passes, kdf.lanes].map(u32::to_le_bytes)
        });
        run(&[
            FORMAT.as_bytes(),
            b"slot",
            self.vault_id.as_bytes(),
            slot.kind.name().as_bytes(),
            slot.id.as_bytes(),
            &kdf.concat(),
            &version,
        ])
    }

    /// Wraps the data key into `slot` with the slot's key.
    pub(super) fn wrap(&self, slot: &mut Slot, with: &Key, data: &Key) -> Option<()> {
        let nonce = slot.nonce.bytes();
        let wrapped = self.with_slot_place(slot, |place| with.seal(nonce, place, data.bytes()))?;
        slot.wrapped = Bytes::new(wrapped);
        Some(())
    }

    /// The data key, if `with` opens `slot`.
    pub(super) fn unwrap(&self, slot: &Slot, with: &Key) -> Option<Key> {
        let (nonce, wrapped) = (slot.nonce.bytes(), slot.wrapped.bytes());
        let plain = self.with_slot_place(slot, |place| with.unseal(nonce, place, wrapped))?;
        Key::from_bytes(&plain)
    }

    /// The key that seals entries.
    pub(super) fn entry_key(&self, data: &Key) -> Key {
        data.derive(&self.vault_id, "evals.vault/1 entries")
    }

    /// The place of a credential, which its seal is bound to.
    pub(super) fn with_entry_place<T>(&self, key: &EntryKey, run: impl FnOnce(&[&[u8]]) -> T) -> T {
        run(&[
            FORMAT.as_bytes(),
            b"entry",
            self.vault_id.as_bytes(),
            key.slug.as_bytes(),
            key.provider.as_bytes(),
            key.field.as_bytes(),
            key.origin.as_bytes(),
            &self.key_version.to_le_bytes(),
        ])
    }

    /// What can be told without a key.
    pub(super) fn status(&self) -> Status {
        Status {
            vault_id: self.vault_id.clone(),
            counter: self.counter,
            key_version: self.key_version,
            slots: self.slots.iter().map(|slot| slot.kind).collect(),
            entries: self.entries.len(),
        }
    }
}

impl Entry {
    /// What it is filed under.
    pub(super) fn key(&self) -> EntryKey {
        EntryKey {
            slug: self.slug.clone(),
            provider: self.provider.clone(),
            field: self.field.clone(),
            origin: self.origin.clone(),
        }
    }
}

fn check_slot(slot: &Slot) -> Result<(), String> {
    let sound = is_hex(&slot.id, 16)
        && slot.nonce.bytes().len() == seal::NONCE
        && slot.wrapped.bytes().len() == seal::KEY + seal::TAG
        && slot.argon2id.is_some() == (slot.kind == SlotKind::Passphrase);
    if !sound {
        return Err("a slot is not of the right form".to_owned());
    }
    let Some(kdf) = &slot.argon2id else { return Ok(()) };
    let within = MEMORY_KIB.contains(&kdf.memory_kib)
        && PASSES.contains(&kdf.passes)
        && LANES.contains(&kdf.lanes)
        && kdf.salt.bytes().len() == SALT;
    if within {
        return Ok(());
    }
    Err(format!(
        "its passphrase would take {} KiB, {} passes and {} lanes; accepted are 19 MiB to 1 GiB, at \
         most 10 passes and at most 16 lanes",
        kdf.memory_kib, kdf.passes, kdf.lanes
    ))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
