//! The cryptography: sealing, wrapping, deriving, and the code that covers the whole file.
//!
//! XChaCha20-Poly1305 seals, under a nonce drawn anew each time. What a ciphertext is for is part
//! of its seal, each piece with its length before it, so that no two places can be confused.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use ring::{
    hkdf, hmac,
    rand::{SecureRandom as _, SystemRandom},
};
use zeroize::Zeroizing;

use super::{VaultError, envelope::Argon2id};

/// Bytes of a key.
pub(super) const KEY: usize = 32;
/// Bytes of a nonce.
pub(super) const NONCE: usize = 24;
/// Bytes that sealing adds.
pub(super) const TAG: usize = 16;

/// A key of 256 bits. Its memory is overwritten when it is dropped.
#[derive(Clone)]
pub(super) struct Key(Zeroizing<[u8; KEY]>);

impl Key {
    /// A fresh key.
    pub(super) fn random() -> Result<Self, VaultError> {
        let mut key = Self(Zeroizing::new([0; KEY]));
        fill(&mut *key.0)?;
        Ok(key)
    }

    /// The key that `bytes` are, if they are as many as they should be.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != KEY {
            return None;
        }
        // Made in its place: an array that is moved leaves a copy behind.
        let mut key = Self(Zeroizing::new([0; KEY]));
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &*self.0
    }

    /// The key for one purpose, derived from this one.
    pub(super) fn derive(&self, vault_id: &str, purpose: &str) -> Self {
        struct Length;
        impl hkdf::KeyType for Length {
            fn len(&self) -> usize {
                KEY
            }
        }
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, vault_id.as_bytes());
        let mut key = Self(Zeroizing::new([0; KEY]));
        let prk = salt.extract(self.bytes());
        let info = [purpose.as_bytes()];
        // Deriving fails for more than 255 blocks only, and this is one.
        prk.expand(&info, Length).and_then(|okm| okm.fill(&mut *key.0)).ok();
        key
    }

    /// The key that `passphrase` is.
    pub(super) fn from_passphrase(passphrase: &str, kdf: &Argon2id) -> Option<Self> {
        let params = Params::new(kdf.memory_kib, kdf.passes, kdf.lanes, Some(KEY)).ok()?;
        // The key can be computed from what stands here at the end, so it is wiped as well.
        let mut memory = Zeroizing::new(Vec::new());
        memory.try_reserve_exact(params.block_count()).ok()?;
        memory.resize(params.block_count(), Block::new());
        let mut key = Self(Zeroizing::new([0; KEY]));
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                passphrase.as_bytes(),
                kdf.salt.bytes(),
                &mut *key.0,
                &mut **memory,
            )
            .ok()?;
        Some(key)
    }

    /// `plain`, sealed for `place`.
    pub(super) fn seal(&self, nonce: &[u8], place: &[&[u8]], plain: &[u8]) -> Option<Vec<u8>> {
        let aad = joined(place);
        let nonce = XNonce::try_from(nonce).ok()?;
        self.cipher()?.encrypt(&nonce, Payload { msg: plain, aad: &aad }).ok()
    }

    /// What was sealed for `place`; `None` if it was not, or by another key.
    pub(super) fn unseal(
        &self,
        nonce: &[u8],
        place: &[&[u8]],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let aad = joined(place);
        let nonce = XNonce::try_from(nonce).ok()?;
        self.cipher()?.decrypt(&nonce, Payload { msg: sealed, aad: &aad }).ok().map(Zeroizing::new)
    }

    /// The code that only a holder of the key can make for `bytes`.
    pub(super) fn code(&self, bytes: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.bytes());
        hmac::sign(&key, bytes).as_ref().to_vec()
    }

    /// Whether `code` is the one for `bytes`; takes as long either way.
    pub(super) fn is_code(&self, bytes: &[u8], code: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.bytes());
        hmac::verify(&key, bytes, code).is_ok()
    }

    fn cipher(&self) -> Option<XChaCha20Poly1305> {
        XChaCha20Poly1305::new_from_slice(self.bytes()).ok()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// `N` random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

fn fill(bytes: &mut [u8]) -> Result<(), VaultError> {
    SystemRandom::new().fill(bytes).map_err(|_| VaultError::Random)
}

/// The pieces, each with its length before it.
fn joined(pieces: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in pieces {
        bytes.extend((piece.len() as u64).to_le_bytes());
        bytes.extend(*piece);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{
        super::envelope::{Argon2id, Bytes},
        *,
    };
    use crate::base::digest::hex;

    /// What other programs compute of the same input: see `tests/golden/vault.py`.
    #[test]
    fn keys_and_seals_are_those_of_the_standards() {
        let kdf = Argon2id {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 2,
            salt: Bytes::new(*b"0123456789abcdef"),
        };
        let key = Key::from_passphrase("correct horse battery", &kdf).expect("a key");
        assert_eq!(hex(key.bytes()), GOLDEN_ARGON2);
        let key = Key::from_bytes(&[7; KEY]).expect("a key");
        assert_eq!(hex(key.derive("id", "purpose").bytes()), GOLDEN_HKDF);
        assert_eq!(hex(&key.code(b"bytes")), GOLDEN_HMAC);
        let sealed = key.seal(&[9; NONCE], &[b"a", b"bc"], b"plain").expect("sealed");
        assert_eq!(hex(&sealed), GOLDEN_SEALED);
    }

    const GOLDEN_ARGON2: &str = "08279c2820fdca1252b1366d142b6a45ccd79bb457b6dc544e7a7f0bf52cf88a";
    const GOLDEN_HKDF: &str = "a2ebb81a794cf3334565bd2e414a3535a083ccbadf1d1254cb499a33c47f29f6";
    const GOLDEN_HMAC: &str = "4f4c8ce2912b20d97e3ae0b8e49e5e597f0c70ae57e9e2c79dc52701fd11f427";
    const GOLDEN_SEALED: &str = "ce1e83e3124e1bf248df36a4c46fad75cc420c160c";
}
