"""Writes tests/fixtures/service-account/assertion.json: what google-auth signs and accepts.

Run by hand when the form of the assertion changes; the result is committed. The account beside it
is a throw-away one that this script makes when it is missing; Google has never heard of it.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install \\
        google-auth==2.62.2 cryptography==50.0.2
    /tmp/golden/bin/python tests/golden/google_jwt.py

RS256 (RFC 7518, 3.3) is deterministic: for the same key and the same bytes there is one signature.
So the expected assertion is signed by google-auth's RSASigner over our header and claims, and read
back by google-auth's jwt.decode, which checks the signature, the audience and the times.
"""

import base64
import importlib.metadata
import json
import pathlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

PINS = {"google-auth": "2.62.2", "cryptography": "50.0.2"}
HERE = pathlib.Path(__file__).parent.parent / "fixtures" / "service-account"
NOW = 1_800_000_000


def account():
    path = HERE / "account.json"
    if not path.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_text(json.dumps({
            "type": "service_account",
            "project_id": "evals-test",
            "private_key_id": "kid-1",
            "private_key": pem.decode(),
            "client_email": "evals@evals-test.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": "https://oauth2.googleapis.com/token",
            "universe_domain": "googleapis.com",
        }, indent=2) + "\n")
    return json.loads(path.read_text())


def encoded(part):
    text = json.dumps(part, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def main():
    for package, version in PINS.items():
        assert importlib.metadata.version(package) == version, package
    info = account()
    header = {"alg": "RS256", "typ": "JWT", "kid": info["private_key_id"]}
    claims = {
        "iss": info["client_email"],
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": info["token_uri"],
        "iat": NOW,
        "exp": NOW + 3600,
    }
    signed = f"{encoded(header)}.{encoded(claims)}"
    signature = crypt.RSASigner.from_service_account_info(info).sign(signed)
    assertion = f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    key = serialization.load_pem_private_key(info["private_key"].encode(), None)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    # The instant is fixed, so the times are checked against each other only.
    read = jwt.decode(
        assertion, certs=public, audience=info["token_uri"], clock_skew_in_seconds=10**9
    )
    assert read == claims and read["exp"] - read["iat"] <= 3600
    made = {"pins": PINS, "now_ms": NOW * 1000 + 999, "assertion": assertion}
    (HERE / "assertion.json").write_text(json.dumps(made, indent=2) + "\n")


main()
