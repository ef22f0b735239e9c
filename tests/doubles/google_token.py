"""A token endpoint for service accounts that believes google-auth and nobody else.

    python google_token.py PORT ACCOUNT.json TOKEN

Makes a key, writes the account that has it to ACCOUNT.json, and answers POST /token with TOKEN
where google-auth verifies the assertion: its signature, its audience, its times. Any other gets
the error that Google's endpoint has for it. Needs `google-auth` and `cryptography`.
"""

import http.server
import json
import pathlib
import sys
import urllib.parse

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
HOUR = 3600


def account(key, port):
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "project_id": "evals-double",
        "private_key_id": "kid-1",
        "private_key": pem.decode(),
        "client_email": "evals@evals-double.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"http://127.0.0.1:{port}/token",
        "universe_domain": "googleapis.com",
    }


def verified(form, public, info):
    """Raises ValueError, with the reason, for what Google would refuse."""
    if form.get("grant_type") != [GRANT]:
        raise ValueError(f"grant_type is {form.get('grant_type')}")
    claims = jwt.decode(form["assertion"][0], certs=public, audience=info["token_uri"])
    if claims["iss"] != info["client_email"]:
        raise ValueError(f"iss is {claims['iss']}")
    if SCOPE not in claims.get("scope", "").split():
        raise ValueError("scope lacks cloud-platform")
    if claims["exp"] - claims["iat"] > HOUR:
        raise ValueError("longer than an hour")


def main():
    port, path, token = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    info = account(key, port)
    path.write_text(json.dumps(info))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(200, {})

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            try:
                verified(urllib.parse.parse_qs(body), public, info)
            except Exception as error:
                self.answer(400, {"error": "invalid_grant", "error_description": str(error)})
            else:
                self.answer(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

        def answer(self, status, value):
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


main()
