"""Prints the golden values in the tests of src/vault/seal.rs: what other programs compute.

Run by hand; the values are copied into the tests.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install argon2-cffi==25.1.0 PyNaCl==1.6.0 cryptography==46.0.3
    /tmp/golden/bin/python tests/golden/vault.py

Sources: argon2-cffi (the reference implementation in C), cryptography's HKDF, Python's hmac, and
libsodium's XChaCha20-Poly1305.
"""

import hashlib
import hmac
import struct

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as seal

KEY = bytes([7] * 32)
PLACE = b"".join(struct.pack("<Q", len(piece)) + piece for piece in (b"a", b"bc"))

print("argon2", hash_secret_raw(
    b"correct horse battery", b"0123456789abcdef",
    time_cost=2, memory_cost=19 * 1024, parallelism=2, hash_len=32, type=Type.ID,
).hex())
print("hkdf", HKDF(algorithm=SHA256(), length=32, salt=b"id", info=b"purpose").derive(KEY).hex())
print("hmac", hmac.new(KEY, b"bytes", hashlib.sha256).hexdigest())
print("sealed", seal(b"plain", PLACE, bytes([9] * 24), KEY).hex())
