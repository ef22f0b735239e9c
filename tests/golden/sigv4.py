"""Writes tests/fixtures/providers/bedrock-sigv4.json: how botocore signs requests to Bedrock.

Run by hand when a case is added; the result is committed.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install botocore==1.44.5
    /tmp/golden/bin/python tests/golden/sigv4.py

The cases vary what a signature is about: the path (colons, slashes and ARNs in model ids, encoded
or raw), a query, host and port, headers, the body, the key, its session token, region and time.
"""

import datetime
import itertools
import json
import pathlib

import botocore
import botocore.auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

PIN = "1.44.5"
KEYS = [
    ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    ("ASIAEXAMPLE00000000", "a/b+c=d e\u00e9"),
]
TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN//////////8="
TIMES = ["2026-01-02T03:04:05", "1999-12-31T23:59:59", "2024-02-29T00:00:00"]
REGIONS = ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "ap-southeast-4"]
HOST = "https://bedrock-runtime.{region}.amazonaws.com"
PATHS = [
    "/model/amazon.nova-lite-v1/converse",
    "/model/anthropic.claude-x-v1%3A0/converse",
    "/model/anthropic.claude-x-v1:0/converse",
    "/model/us.anthropic.claude-x-v1%3A0/converse-stream",
    "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.x-v1%3A0/converse",
    "/model/arn%3Aaws%3Asagemaker%3Aus-east-1%3A123456789012%3Aendpoint%2Fa-b/converse-stream",
    "/model/cohere.embed-v4%3A0/invoke",
    "/model/a~b_c-d.e/invoke",
    "/model/caf%C3%A9%20x/invoke",
    "/model/100%25/invoke",
]
BODIES = [
    '{"messages":[]}',
    "",
    "{}",
    '{"t":"\u00fc \u2603 \U0001f980 \u202e"}',
    "line\r\nline\ttab\n",
    "x" * 10_000,
]
JSON = {"content-type": "application/json"}
HEADERS = [
    JSON,
    {},
    {"content-type": "application/json", "accept": "application/vnd.amazon.eventstream"},
    {**JSON, "x-amzn-bedrock-trace": "ENABLED", "x-amz-meta": "  a   b  "},
    {**JSON, "user-agent": "someone/1", "x-amzn-trace-id": "Root=1", "traceparent": "00-1-2-03"},
    {**JSON, "host": "other.example:444", "x-a": "1", "x-b": "2", "x-a-b": "3"},
]


def cases():
    """Fifty and more: every path, then every other thing varied over the paths."""
    rounds = itertools.count()

    def case(base=HOST, path=None, body=None, headers=None, key=None, token=None, region=None, time=None):
        n = next(rounds)
        region = region or REGIONS[n % len(REGIONS)]
        return {
            "url": base.format(region=region) + (path or PATHS[n % len(PATHS)]),
            "region": region,
            "body": BODIES[n % len(BODIES)] if body is None else body,
            "headers": HEADERS[0] if headers is None else headers,
            "key": KEYS[0] if key is None else key,
            "session_token": token,
            "time": time or TIMES[n % len(TIMES)],
        }

    for path in PATHS:
        yield case(path=path)
        yield case(path=path, token=TOKEN, key=KEYS[1])
    for body in BODIES:
        yield case(body=body)
    for headers in HEADERS:
        yield case(headers=headers)
        yield case(headers=headers, token=TOKEN)
    for region, time in itertools.product(REGIONS[2:], TIMES[1:]):
        yield case(region=region, time=time)
    for base in [
        "http://127.0.0.1:5600",
        "http://localhost:80",
        "https://gateway.example:443/aws",
        "https://gateway.example:8443/a//b",
        "https://Gateway.EXAMPLE",
        "http://[::1]:5600",
    ]:
        yield case(base=base)
    for query in ["?b=2&a=1", "?a=2&a=1&flag", "?x=%20y&x-y=1"]:
        yield case(path=PATHS[0] + query)


def signed(case):
    time = datetime.datetime.fromisoformat(case.pop("time"))
    botocore.auth.get_current_datetime = lambda remove_tzinfo=True: time
    access_key_id, secret_access_key = case.pop("key")
    credentials = Credentials(access_key_id, secret_access_key, case["session_token"])
    request = AWSRequest(
        method="POST", url=case["url"], data=case["body"].encode(), headers=dict(case["headers"])
    )
    SigV4Auth(credentials, "bedrock", case["region"]).add_auth(request)
    added = {name.lower(): value for name, value in request.headers.items()}
    names = ["x-amz-date", "x-amz-security-token", "authorization"]
    now = time.replace(tzinfo=datetime.timezone.utc)
    return {
        **case,
        "access_key_id": access_key_id,
        "secret_access_key": secret_access_key,
        "now_ms": int(now.timestamp() * 1000),
        "becomes": {name: added[name] for name in names if name in added},
    }


def main():
    assert botocore.__version__ == PIN, botocore.__version__
    root = pathlib.Path(__file__).resolve().parents[1]
    path = root / "fixtures/providers/bedrock-sigv4.json"
    made = {"source": f"botocore {PIN}", "cases": [signed(case) for case in cases()]}
    path.write_text(json.dumps(made, indent=1, ensure_ascii=True) + "\n")
    print(f"{path.name}: {len(made['cases'])} cases")


main()
