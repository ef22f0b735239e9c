"""Makes tests/fixtures/vault/vectors.json, and prints the golden values in the tests of
src/vault/seal.rs: what other programs compute.

Run by hand; the printed values are copied into the tests.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install argon2-cffi==25.1.0 PyNaCl==1.6.0 cryptography==46.0.3
    /tmp/golden/bin/python tests/golden/vault.py

Sources: argon2-cffi (the reference implementation in C), cryptography's HKDF, Python's hmac, and
libsodium's XChaCha20-Poly1305. The format is written a second time here, from its description.
Nothing is random, so that the file is the same each time.

A vector has a `file` (or its bytes in `base64`), what it is to be opened with (`env_key`,
`passphrase`), and either `refused` (`damaged`, `locked` or `env-key`), or `gives`: what is asked of
the open vault, with the `secret` that it gives or `null` where it is to give none. `signed` says that
the code at the end of the file fits, so that something else has to be noticed.
"""

import base64
import copy
import hashlib
import hmac
import json
import pathlib
import struct
import unicodedata

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as seal

FORMAT = "evals.vault/1"
ORIGIN = "https://api.example.com:443"
PASSPHRASE = "correct horse battery"


def b64(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def made(name, length):
    """Bytes that look random and are the same each time."""
    return hashlib.shake_256(name.encode()).digest(length)


def place(*pieces):
    pieces = [piece.encode() if isinstance(piece, str) else piece for piece in pieces]
    return b"".join(struct.pack("<Q", len(piece)) + piece for piece in pieces)


def derive(data, vault_id, purpose):
    info = f"{FORMAT} {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=vault_id.encode(), info=info).derive(data)


def stretch(passphrase, kdf, salt):
    return hash_secret_raw(
        passphrase.encode(), salt, time_cost=kdf[1], memory_cost=kdf[0], parallelism=kdf[2],
        hash_len=32, type=Type.ID,
    )


def written(doc):
    return json.dumps(doc, indent=2, ensure_ascii=False) + "\n"


class Maker:
    """A vault, as the program would write it."""

    def __init__(self, name="vault", version=1, counter=3):
        self.vault_id = made(f"{name} id", 16).hex()
        self.data = made(f"{name} data key", 32)
        self.version = version
        self.counter = counter
        self.slots = []
        self.entries = []

    def slot(self, kind, key, number=0, kdf=None, salt=None):
        slot_id = made(f"slot {kind} {number}", 8).hex()
        nonce = made(f"slot nonce {kind} {number}", 24)
        bound = place(
            FORMAT, "slot", self.vault_id, kind, slot_id,
            struct.pack("<III", *(kdf or (0, 0, 0))), struct.pack("<I", self.version),
        )
        doc = {"kind": kind, "id": slot_id}
        if kdf:
            doc["argon2id"] = {
                "memory_kib": kdf[0], "passes": kdf[1], "lanes": kdf[2], "salt": b64(salt),
            }
        doc["nonce"] = b64(nonce)
        doc["wrapped"] = b64(seal(self.data, bound, nonce, key))
        self.slots.append(doc)
        return self

    def env(self, number=0):
        return self.slot("env", made(f"env key {number}", 32), number)

    def passphrase(self, passphrase=PASSPHRASE, kdf=(19456, 1, 1), number=0):
        salt = made(f"salt {number}", 16)
        return self.slot("passphrase", stretch(passphrase, kdf, salt), number, kdf, salt)

    def entry(self, secret, slug="mine", field="api_key", provider="custom", origin=ORIGIN, ms=1700000000000):
        nonce = made(f"entry nonce {slug} {field}", 24)
        bound = place(
            FORMAT, "entry", self.vault_id, slug, provider, field, origin,
            struct.pack("<I", self.version),
        )
        key = derive(self.data, self.vault_id, "entries")
        self.entries.append({
            "slug": slug, "field": field, "provider": provider, "origin": origin, "changed_ms": ms,
            "nonce": b64(nonce), "sealed": b64(seal(secret.encode(), bound, nonce, key)),
        })
        return self

    def doc(self):
        entries = sorted(self.entries, key=lambda e: (e["slug"].encode(), e["field"].encode()))
        return self.sign({
            "format": FORMAT, "vault_id": self.vault_id, "counter": self.counter,
            "key_version": self.version, "slots": self.slots, "entries": entries, "mac": "",
        })

    def sign(self, doc):
        doc = {**doc, "mac": ""}
        key = derive(self.data, doc["vault_id"] if isinstance(doc.get("vault_id"), str) else "", "mac")
        doc["mac"] = b64(hmac.new(key, written(doc).encode(), hashlib.sha256).digest())
        return doc


def env_key(number=0):
    return b64(made(f"env key {number}", 32))


def asks(secret, slug="mine", field="api_key", provider="custom", origin=ORIGIN):
    return {"slug": slug, "provider": provider, "field": field, "origin": origin, "secret": secret}


VECTORS = []


def vector(name, file, signed=True, **more):
    if isinstance(file, dict):
        file = written(file)
    content = {"file": file} if isinstance(file, str) else {"base64": base64.b64encode(file).decode()}
    VECTORS.append({"name": name, "signed": signed, **content, **more})


def opens():
    secret = "sk-a-secret-of-some-length-0123"
    gives = [asks(secret)]
    vector("no entries", Maker().env().doc(), env_key=env_key(), gives=[asks(None)])
    vector("one entry", Maker().env().entry(secret).doc(), env_key=env_key(), gives=gives)
    vector("a key with a line feed", Maker().env().entry(secret).doc(), env_key=env_key() + "\n", gives=gives)
    for name, odd in [
        ("one byte", "x"),
        ("letters of many scripts", "żółć 鍵 🔑"),
        ("characters that JSON escapes", "a\"b\\c\nd\te\u0001f/g"),
        ("four kibibytes", "0123456789abcdef" * 256),
        ("white space around it", "  secret  "),
        ("the JSON of a service account", json.dumps({"type": "service_account", "private_key": "-----BEGIN\n"})),
    ]:
        vector(f"a secret: {name}", Maker().env().entry(odd).doc(), env_key=env_key(), gives=[asks(odd)])
    pair = Maker().env().entry("of the pair", field="secret_access_key").entry(secret)
    vector("two fields of one slug", pair.doc(), env_key=env_key(),
           gives=[asks(secret), asks("of the pair", field="secret_access_key")])
    many = Maker().env()
    for slug in ["b", "a", "a-b", "aa", "a0"]:
        many.entry(f"of {slug}", slug=slug)
    vector("many entries, sorted by bytes", many.doc(), env_key=env_key(),
           gives=[asks(f"of {slug}", slug=slug) for slug in ["a", "a-b", "a0", "aa", "b"]])
    odd = Maker().env().entry(secret, slug="żółć \"quoted\"", provider="openai-compatible", origin="http://[::1]:8080")
    vector("odd names", odd.doc(), env_key=env_key(), gives=[
        asks(secret, slug="żółć \"quoted\"", provider="openai-compatible", origin="http://[::1]:8080")])
    for name, maker in [
        ("key version 7", Maker(version=7)),
        ("the last key version", Maker(version=2**32 - 1)),
        ("a counter beyond what a double holds", Maker(counter=2**53 + 1)),
        ("the last counter", Maker(counter=2**64 - 1)),
        ("the counter of a new vault", Maker(counter=1)),
    ]:
        vector(name, maker.env().entry(secret).doc(), env_key=env_key(), gives=gives)
    for ms in [0, -1, 2**63 - 1]:
        vector(f"changed at {ms}", Maker().env().entry(secret, ms=ms).doc(), env_key=env_key(), gives=gives)
    four = Maker().env(0).env(1).env(2).env(3).entry(secret).doc()
    for number in [0, 1, 3]:
        vector(f"four slots, opened by number {number}", four, env_key=env_key(number), gives=gives)
    for name, kdf in [
        ("the least memory, one pass", (19456, 1, 1)),
        ("four lanes", (19456, 2, 4)),
        ("the most lanes", (19456, 1, 16)),
        ("the most passes", (19456, 10, 1)),
        ("the parameters of this program", (65536, 3, 4)),
    ]:
        vector(f"a passphrase: {name}", Maker().passphrase(kdf=kdf).entry(secret).doc(), passphrase=PASSPHRASE, gives=gives)
    vector("a passphrase of other letters", Maker().passphrase("zażółć gęślą").entry(secret).doc(), passphrase="zażółć gęślą", gives=gives)
    mixed = Maker().env().passphrase().slot("keyring", made("ring", 32)).entry(secret).doc()
    vector("all kinds of slots, opened by the key", mixed, env_key=env_key(), gives=gives)
    vector("all kinds of slots, opened by the passphrase", mixed, passphrase=PASSPHRASE, gives=gives)
    vector("all kinds of slots, a wrong key and the right passphrase", mixed, env_key=env_key(9), passphrase=PASSPHRASE, gives=gives)
    # Bound to its place: what is asked for decides.
    vector("asked for in other words", Maker().env().entry(secret).doc(), env_key=env_key(), gives=[
        asks(None, origin="http://api.example.com:443"), asks(None, origin="https://api.example.com:8443"),
        asks(None, origin="https://api.example.org:443"), asks(None, origin="https://API.example.com:443"),
        asks(None, origin=ORIGIN + "/"), asks(None, origin=""), asks(None, provider="openai"),
        asks(None, field="token"), asks(None, slug="min"), asks(secret)])
    # A holder of the key moved things about: the file is genuine, the seals are not.
    base = Maker().env().entry(secret).entry("another", slug="other")
    for name, change in [
        ("provider", lambda e: e.update(provider="openai")),
        ("origin", lambda e: e.update(origin="https://evil.example:443")),
        ("scheme", lambda e: e.update(origin="http://api.example.com:443")),
        ("port", lambda e: e.update(origin="https://api.example.com:444")),
        ("field", lambda e: e.update(field="token")),
        ("slug", lambda e: e.update(slug="aaaa")),
    ]:
        doc = copy.deepcopy(base.doc())
        change(doc["entries"][0])
        entry = doc["entries"][0]
        vector(f"an entry with another {name}, signed", base.sign(doc), env_key=env_key(), gives=[
            asks(None, slug=entry["slug"], field=entry["field"], provider=entry["provider"], origin=entry["origin"]),
            asks("another", slug="other")])
    doc = copy.deepcopy(base.doc())
    first, second = doc["entries"]
    for name in ["nonce", "sealed"]:
        first[name], second[name] = second[name], first[name]
    vector("two ciphertexts swapped, signed", base.sign(doc), env_key=env_key(), gives=[asks(None), asks(None, slug="other")])
    doc = copy.deepcopy(base.doc())
    doc["entries"][0] = Maker("another vault").entry("of another vault").entries[0]
    vector("an entry of another vault, signed", base.sign(doc), env_key=env_key(), gives=[asks(None), asks("another", slug="other")])
    doc = copy.deepcopy(base.doc())
    doc["entries"][0] = Maker(version=2).entry("of another key version").entries[0]
    vector("an entry of another key version, signed", base.sign(doc), env_key=env_key(), gives=[asks(None), asks("another", slug="other")])


def edited(name, change, maker=None, refused="damaged", **more):
    """The file with a change, and the code that fits it."""
    maker = maker or Maker().env().entry("sk-a-secret-of-some-length-0123").entry("another", slug="other")
    doc = copy.deepcopy(maker.doc())
    change(doc)
    unlock = more or {"env_key": env_key()}
    vector(f"{name}, signed", maker.sign(doc), refused=refused, **unlock)


def refused():
    maker = Maker().env().entry("sk-a-secret-of-some-length-0123").entry("another", slug="other")
    doc = maker.doc()
    text = written(doc)
    key = {"env_key": env_key()}

    def raw(name, file, **more):
        vector(name, file, signed=False, **(more or {"refused": "damaged", **key}))

    raw("an empty file", "")
    for share in [1, 20, 50, 90]:
        raw(f"cut after {share} % ", text[: len(text) * share // 100])
    raw("without the last line feed", text[:-1])
    raw("without the last brace", text[:-2])
    for name, more in [("a line feed", "\n"), ("a space", " "), ("a NUL", "\0"), ("a second one", text), ("an object", "{}")]:
        raw(f"{name} after the end", text + more)
    raw("a byte order mark", "\ufeff" + text)
    raw("lines of Windows", text.replace("\n", "\r\n"))
    raw("without white space", json.dumps(doc, separators=(",", ":")) + "\n")
    raw("tabs for spaces", text.replace("  ", "\t"))
    raw("members in another order", written({"mac": doc["mac"], **doc}))
    raw("a letter escaped", text.replace('"mine"', '"\\u006dine"'))
    raw("a number written otherwise", text.replace('"counter": 3', '"counter": 3.0'))
    raw("a member twice", text.replace('  "counter": 3,\n', '  "counter": 3,\n  "counter": 3,\n'))
    raw("not JSON", "age-encryption.org/v1\n")
    raw("an array", written([doc]))
    raw("null", "null\n")
    raw("deep nesting", "[" * 10000)
    raw("bytes that are not text", text.encode()[:40] + b"\xff\xfe" + text.encode()[40:])
    raw("half of a surrogate pair", text.replace('"mine"', '"\\ud800"'))
    raw("zeros", bytes(1000))

    mac = base64.urlsafe_b64decode(doc["mac"] + "=")
    for name, wrong in [
        ("one bit off", bytes([mac[0] ^ 1]) + mac[1:]), ("zeros", bytes(32)), ("too short", mac[:31]),
        ("too long", mac + b"\0"), ("none", b""), ("of another key", made("mac", 32)),
    ]:
        raw(f"the code: {name}", {**doc, "mac": b64(wrong)})
    raw("the code: in hexadecimal", {**doc, "mac": mac.hex()})
    raw("the code: missing", {name: value for name, value in doc.items() if name != "mac"})
    raw("an entry deleted", {**doc, "entries": doc["entries"][:1]})
    raw("all entries deleted", {**doc, "entries": []})
    raw("an older counter", {**doc, "counter": 2})
    raw("an older entry put back", {**doc, "entries": [Maker().entry("an older secret").entries[0], doc["entries"][1]]})
    raw("another time", text.replace("1700000000000", "1700000000001", 1))
    raw("a slot of other parameters", text.replace('"kind": "env"', '"kind": "keyring"'), refused="locked", **key)

    edited("entries in another order", lambda d: d["entries"].reverse())
    edited("an entry twice", lambda d: d["entries"].append(d["entries"][1]))
    edited("entries null", lambda d: d.update(entries=None))
    edited("entries as an object", lambda d: d.update(entries={}))
    edited("an unknown member", lambda d: d.update(comment="x"))
    edited("an unknown member of a slot", lambda d: d["slots"][0].update(comment="x"))
    edited("an unknown member of an entry", lambda d: d["entries"][0].update(comment="x"))
    edited("a member missing of an entry", lambda d: d["entries"][0].pop("provider"))
    for name, value in [("a later one", "evals.vault/2"), ("none", ""), ("without a version", "evals.vault"), ("a number", 1)]:
        edited(f"the format: {name}", lambda d, value=value: d.update(format=value))
    for name, value in [("in capitals", maker.vault_id.upper()), ("too short", maker.vault_id[:30]), ("not hexadecimal", "x" * 32)]:
        edited(f"the id: {name}", lambda d, value=value: d.update(vault_id=value))
    edited("the id of another vault", lambda d: d.update(vault_id=Maker("another vault").vault_id), refused="locked")
    edited("another key version", lambda d: d.update(key_version=2), refused="locked")
    for name, value in [("negative", -1), ("too large", 2**64), ("a fraction", 1.5), ("text", "3"), ("null", None)]:
        edited(f"the counter: {name}", lambda d, value=value: d.update(counter=value))
    edited("the key version: too large", lambda d: d.update(key_version=2**32))

    edited("no slots", lambda d: d.update(slots=[]))
    edited("five slots", lambda d: None, Maker().env(0).env(1).env(2).env(3).env(4).entry("x"))
    edited("a slot twice", lambda d: d["slots"].append(d["slots"][0]))
    edited("two passphrases", lambda d: None, Maker().passphrase(number=0).passphrase(number=1).entry("x"), passphrase=PASSPHRASE)
    edited("a slot of an unknown kind", lambda d: d["slots"][0].update(kind="token"))
    edited("a slot's id in capitals", lambda d: d["slots"][0].update(id=d["slots"][0]["id"].upper() + "A"))
    edited("a slot's id too short", lambda d: d["slots"][0].update(id="00"))
    edited("a slot that calls itself another", lambda d: d["slots"][0].update(id="0123456789abcdef"), refused="locked")
    for name, raw_bytes in [("nonce", 23), ("nonce", 25), ("nonce", 12), ("nonce", 0), ("wrapped", 47), ("wrapped", 49), ("wrapped", 0)]:
        edited(f"a slot: {name} of {raw_bytes} bytes", lambda d, n=name, l=raw_bytes: d["slots"][0].update({n: b64(bytes(l))}))
    for name, raw_bytes in [("nonce", 12), ("nonce", 25), ("sealed", 16), ("sealed", 0)]:
        edited(f"an entry: {name} of {raw_bytes} bytes", lambda d, n=name, l=raw_bytes: d["entries"][0].update({n: b64(bytes(l))}))
    for name, odd in [
        ("padding", lambda t: t + "="), ("the other alphabet", lambda t: "+/" + t[2:]), ("a space", lambda t: " " + t[1:]),
        ("a line feed", lambda t: t[:8] + "\n" + t[8:]), ("bits left over", lambda t: t[:-1] + "B"), ("a length that none has", lambda t: t + "AA"),
    ]:
        edited(f"base64: {name}", lambda d, odd=odd: d["entries"][0].update(sealed=odd(b64(bytes(17)))))

    def kdf(name, change):
        phrase = Maker().passphrase().entry("x")
        edited(f"argon2id: {name}", lambda d: change(d["slots"][0]), phrase, passphrase=PASSPHRASE)

    for memory in [8, 19455, 1048577, 2 * 1024 * 1024, 2**32 - 1, 2**32, -1, 0, 1.5, "65536", None]:
        kdf(f"memory {memory!r}", lambda s, m=memory: s["argon2id"].update(memory_kib=m))
    for passes in [0, 11, 2**32 - 1]:
        kdf(f"{passes} passes", lambda s, p=passes: s["argon2id"].update(passes=p))
    for lanes in [0, 17]:
        kdf(f"{lanes} lanes", lambda s, l=lanes: s["argon2id"].update(lanes=l))
    for length in [0, 8, 15, 17]:
        kdf(f"salt of {length} bytes", lambda s, l=length: s["argon2id"].update(salt=b64(bytes(l))))
    kdf("missing", lambda s: s.pop("argon2id"))
    kdf("null", lambda s: s.update(argon2id=None))
    kdf("of an unknown member", lambda s: s["argon2id"].update(version=19))
    edited("argon2id: of a slot without a passphrase", lambda d: d["slots"].__setitem__(0, {
        "kind": "env", "id": d["slots"][0]["id"],
        "argon2id": {"memory_kib": 65536, "passes": 3, "lanes": 4, "salt": b64(bytes(16))},
        "nonce": d["slots"][0]["nonce"], "wrapped": d["slots"][0]["wrapped"]}))
    edited("argon2id: made cheaper than it was", lambda d: d["slots"][0]["argon2id"].update(passes=1),
           Maker().passphrase(kdf=(19456, 2, 1)).entry("x"), refused="locked", passphrase=PASSPHRASE)

    phrase = Maker().passphrase("zażółć gęślą").entry("x").doc()
    for name, said in [
        ("another", "correct horse"), ("empty", ""), ("a space after it", "zażółć gęślą "),
        ("decomposed letters", unicodedata.normalize("NFD", "zażółć gęślą")), ("in capitals", "ZAŻÓŁĆ GĘŚLĄ"),
    ]:
        vector(f"the passphrase: {name}", phrase, refused="locked", passphrase=said)
    vector("the passphrase: nobody to ask", phrase, refused="locked")
    vector("the key: another", doc, refused="locked", env_key=env_key(1))
    vector("the key: empty", doc, refused="locked", env_key="")
    vector("the key: not set", doc, refused="locked")
    wrong = made("env key 0", 32)
    for name, said in [
        ("too short", env_key()[:-1]), ("too long", env_key() + "A"), ("padded", env_key() + "="), ("in hexadecimal", wrong.hex()),
        ("in the other alphabet", "+/" + env_key()[2:]), ("a password", "hunter2"), ("16 bytes", b64(wrong[:16])),
    ]:
        vector(f"the key: {name}", doc, refused="env-key", env_key=said)


def main():
    key = bytes([7] * 32)
    print("argon2", stretch("correct horse battery", (19 * 1024, 2, 2), b"0123456789abcdef").hex())
    print("hkdf", HKDF(algorithm=SHA256(), length=32, salt=b"id", info=b"purpose").derive(key).hex())
    print("hmac", hmac.new(key, b"bytes", hashlib.sha256).hexdigest())
    print("sealed", seal(b"plain", place("a", "bc"), bytes([9] * 24), key).hex())
    opens()
    refused()
    to = pathlib.Path(__file__).parent.parent / "fixtures/vault/vectors.json"
    to.write_text(json.dumps(VECTORS, indent=1, ensure_ascii=False) + "\n")
    print(len(VECTORS), "vectors,", sum("gives" in v for v in VECTORS), "of them open")


main()
